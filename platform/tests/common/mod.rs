//! Trees of files that look like a procfs and a sysfs, in a temporary directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use kymo_platform::linux::Linux;
use kymo_platform::{Extras, Roots, Source, this_machine_sources_with};

#[allow(dead_code, reason = "each test program uses its part of it")]
pub(crate) mod conformance;
#[allow(dead_code, reason = "each test program uses its part of it")]
pub(crate) mod machines;

/// A directory that goes away with this value, holding `proc` and `sys`.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
}

#[allow(dead_code, reason = "each test program uses its part of it")]
impl Tree {
    /// A tree without any file.
    pub(crate) fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("kymo-tree-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("proc")).unwrap();
        fs::create_dir_all(root.join("sys")).unwrap();
        Self { root }
    }

    /// A tree with every file of procfs that kymo reads, one disk and one interface.
    pub(crate) fn ordinary() -> Self {
        let tree = Self::empty();
        tree.fill();
        tree
    }

    /// Writes those files.
    pub(crate) fn fill(&self) {
        let tree = self;
        tree.write("proc/stat", "cpu  930 0 1195 139078 142 0 15 12 0 0\ncpu0 1 2 3 4\n");
        tree.write(
            "proc/meminfo",
            "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\nSwapTotal: 50 kB\n\
             SwapFree: 40 kB\n",
        );
        tree.write("proc/loadavg", "0.50 0.25 0.12 1/80 2590\n");
        tree.write(
            "proc/diskstats",
            " 8 0 sda 1 0 10 0 1 0 20 0 0 0 0\n 8 1 sda1 1 0 9 0 1 0 9 0 0 0 0\n \
             253 0 dm-0 1 0 9 0 1 0 9 0 0 0 0\n",
        );
        tree.write(
            "proc/net/dev",
            "Inter-| Receive | Transmit\n face |bytes packets|bytes packets\n    \
             lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n  eth0: 5 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n",
        );
        tree.write("proc/uptime", "708.40 1390.78\n");
        for process in ["1", "42", "4194304", "self", "sys", "net"] {
            fs::create_dir_all(tree.path("proc").join(process)).unwrap();
        }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    pub(crate) fn machine(&self) -> Linux {
        Linux::new(&self.path("proc"), &self.path("sys"))
    }

    pub(crate) fn sources(&self) -> Vec<Box<dyn Source>> {
        self.sources_with(Extras { alarms: false, harmful: true })
    }

    pub(crate) fn sources_with(&self, extras: Extras) -> Vec<Box<dyn Source>> {
        let roots = Roots { proc: self.path("proc"), sys: self.path("sys"), smc_keys: None };
        this_machine_sources_with(&roots, extras)
    }

    /// Writes a file, over what is there, with the folders above it.
    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts another file in the place of one, as a new inode.
    pub(crate) fn replace(&self, below: &str, text: &str) {
        let new = self.path("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path(below)).unwrap();
    }

    pub(crate) fn remove(&self, below: &str) {
        let path = self.path(below);
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    pub(crate) fn fifo(&self, below: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    /// A chip as sysfs shows it: the class has a link into the tree of devices.
    pub(crate) fn chip(&self, number: u16, device: &str, name: &str, files: &[(&str, &str)]) {
        let folder = format!("sys/devices/{device}/hwmon/hwmon{number}");
        self.write(&format!("{folder}/name"), &format!("{name}\n"));
        for (file, text) in files {
            self.write(&format!("{folder}/{file}"), &format!("{text}\n"));
        }
        fs::create_dir_all(self.path("sys/class/hwmon")).unwrap();
        let _ = symlink("../..", self.path(&format!("{folder}/device")));
        let target = format!("../../devices/{device}/hwmon/hwmon{number}");
        let link = self.path(&format!("sys/class/hwmon/hwmon{number}"));
        let _ = fs::remove_file(&link);
        symlink(target, link).unwrap();
    }

    /// A device of a class, which has a link into the tree of devices.
    pub(crate) fn device(&self, class: &str, name: &str, folder: &str) {
        fs::create_dir_all(self.path(&format!("sys/devices/{folder}/{name}"))).unwrap();
        fs::create_dir_all(self.path(&format!("sys/class/{class}"))).unwrap();
        let link = self.path(&format!("sys/class/{class}/{name}"));
        let _ = fs::remove_file(&link);
        symlink(format!("../../devices/{folder}/{name}"), link).unwrap();
    }

    /// Takes a chip away, device and all.
    pub(crate) fn unplug(&self, number: u16, device: &str) {
        self.remove(&format!("sys/class/hwmon/hwmon{number}"));
        self.remove(&format!("sys/devices/{device}"));
    }

    /// A thermal zone.
    pub(crate) fn zone(&self, number: u16, kind: &str, millidegrees: &str) {
        self.write(&format!("sys/class/thermal/thermal_zone{number}/type"), kind);
        self.write(&format!("sys/class/thermal/thermal_zone{number}/temp"), millidegrees);
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Path::new(&self.root));
    }
}
