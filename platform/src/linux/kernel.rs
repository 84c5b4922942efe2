//! What a Linux kernel offers: asked where it is a call, and else as its files say.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};

use super::landlock;
use crate::kernel::{Cgroup, ClockSource};
use crate::roots::Roots;

/// The version of Landlock's rules that [`close_files`](crate::close_files) would use.
pub(crate) fn landlock(roots: &Roots) -> Result<u8, &'static str> {
    landlock::version(&roots.proc)
}

/// Whether the kernel knows the answers that our filter gives, see seccomp(2).
pub(crate) fn seccomp(roots: &Roots) -> Result<(), &'static str> {
    let path = roots.proc.join("sys/kernel/seccomp/actions_avail");
    let answers = fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "the kernel has no such filters",
        _ => "procfs does not say",
    })?;
    let knows = |answer| answers.split_whitespace().any(|known| known == answer);
    let all = ["kill_process", "errno", "allow"].into_iter().all(knows);
    if all { Ok(()) } else { Err("the kernel's filters are older ones") }
}

/// Whether the kernel counts how long work waits. One that was built without it and one that was
/// started without it look the same.
pub(crate) fn pressure(roots: &Roots) -> Result<(), &'static str> {
    let read = |name| File::open(roots.proc.join(name))?.read(&mut [0; 16]);
    match read("pressure/cpu") {
        Ok(1..) => Ok(()),
        Ok(_) => Err("the kernel says nothing of it"),
        Err(error) => Err(match error.kind() {
            ErrorKind::NotFound => "the kernel has none, or was started without psi=1",
            ErrorKind::PermissionDenied => "not for this user",
            ErrorKind::Unsupported => "the kernel was started with psi=0",
            _ => "it can't be read",
        }),
    }
}

/// Which hierarchies are mounted where systemd has them.
pub(crate) fn cgroup(roots: &Roots) -> Result<Cgroup, &'static str> {
    let has = |name: &str| roots.sys.join("fs/cgroup").join(name).exists();
    let has_first = ["memory", "cpu", "cpu,cpuacct", "pids"].into_iter().any(has);
    match (has("cgroup.controllers"), has("unified/cgroup.controllers"), has_first) {
        (true, _, _) => Ok(Cgroup::V2),
        (false, true, _) => Ok(Cgroup::Hybrid),
        (false, false, true) => Ok(Cgroup::V1),
        (false, false, false) => Err("none is mounted"),
    }
}

/// What the kernel reads the time from.
pub(crate) fn clock_source(roots: &Roots) -> Option<ClockSource> {
    let of = roots.sys.join("devices/system/clocksource/clocksource0");
    let current = fs::read_to_string(of.join("current_clocksource")).ok()?.trim().to_string();
    let available = fs::read_to_string(of.join("available_clocksource")).unwrap_or_default();
    let available = available.split_whitespace().map(String::from).collect();
    (!current.is_empty()).then_some(ClockSource { current, available })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Tree(PathBuf);

    impl Tree {
        fn new() -> Self {
            let root = std::env::temp_dir().join(format!("kymo-kernel-{}", std::process::id()));
            let _ = fs::remove_dir_all(&root);
            fs::create_dir_all(&root).unwrap();
            Self(root)
        }

        fn put(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn roots(&self) -> Roots {
            Roots { proc: self.0.join("proc"), sys: self.0.join("sys"), smc_keys: None }
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_tell_what_there_is() {
        let tree = Tree::new();
        let roots = tree.roots();
        assert!(pressure(&roots).unwrap_err().contains("psi=1"));
        assert!(seccomp(&roots).unwrap_err().contains("no such"));
        assert_eq!((cgroup(&roots), clock_source(&roots)), (Err("none is mounted"), None));

        tree.put("proc/pressure/cpu", "");
        assert!(pressure(&roots).unwrap_err().contains("nothing"));
        tree.put("proc/pressure/cpu", "some avg10=0.00");
        assert_eq!(pressure(&roots), Ok(()));

        let answers = "proc/sys/kernel/seccomp/actions_avail";
        tree.put(answers, "kill trap errno trace allow\n");
        assert!(seccomp(&roots).unwrap_err().contains("older"));
        tree.put(answers, "kill_process kill_thread errno log allow\n");
        assert_eq!(seccomp(&roots), Ok(()));

        tree.put("sys/fs/cgroup/memory/tasks", "");
        assert_eq!(cgroup(&roots), Ok(Cgroup::V1));
        tree.put("sys/fs/cgroup/unified/cgroup.controllers", "");
        assert_eq!(cgroup(&roots), Ok(Cgroup::Hybrid));
        tree.put("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
        assert_eq!(cgroup(&roots), Ok(Cgroup::V2));

        let clock = "sys/devices/system/clocksource/clocksource0";
        tree.put(&format!("{clock}/current_clocksource"), "hpet\n");
        let found = clock_source(&roots).unwrap();
        assert_eq!((found.current.as_str(), found.available.len()), ("hpet", 0));
        tree.put(&format!("{clock}/available_clocksource"), "tsc hpet acpi_pm \n");
        assert_eq!(clock_source(&roots).unwrap().available, ["tsc", "hpet", "acpi_pm"]);
    }

    #[test]
    fn this_kernel_has_a_timer() {
        assert_eq!(crate::Kernel::of(&Roots::default()).timer, Ok(()));
    }
}
