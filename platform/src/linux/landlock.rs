//! Rules for Landlock: what of the file system stays open to a confined process.
//!
//! The kernel's versions know more and more rights; each that is known is taken, so that what no
//! rule gives back is gone. The numbers are those of `linux/landlock.h`, which libc has not.

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::file::c_path;
use super::sys;
use crate::sandbox::Places;

/// The newest version that this file knows rights of; later ones are none of them.
const VERSION_MAX: u8 = 7;

const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_REG: u64 = 1 << 8;
const TRUNCATE: u64 = 1 << 14;

/// Rights on files that exist from each version on: thirteen at first, then REFER, TRUNCATE and
/// IOCTL_DEV.
const FILE_RIGHTS: [(u8, u64); 4] = [(1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15)];
/// BIND_TCP and CONNECT_TCP.
const NET_RIGHTS: [(u8, u64); 1] = [(4, 0b11)];
/// Sockets by abstract names, and signals, to whoever is not confined.
const ABSTRACT_SOCKETS: u64 = 1;
const SCOPES: [(u8, u64); 1] = [(6, 0b11)];

/// `struct landlock_ruleset_attr`; kernels take as much of it as the caller says there is, and
/// older ones take more only when that is zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    files: u64,
    net: u64,
    scopes: u64,
}

impl Taken {
    /// All that this version can take.
    fn by(version: u8, speaks_abstractly: bool) -> Self {
        let sum = |rights: &[(u8, u64)]| {
            let known = rights.iter().filter(|(since, _)| *since <= version);
            known.fold(0, |all, (_, right)| all | right)
        };
        let kept = if speaks_abstractly { ABSTRACT_SOCKETS } else { 0 };
        Self { files: sum(&FILE_RIGHTS), net: sum(&NET_RIGHTS), scopes: sum(&SCOPES) & !kept }
    }
}

/// The version whose rules would close files where sensors see processes at `proc`.
pub(crate) fn version(proc: &Path) -> Result<u8, &'static str> {
    // Landlock lets nobody trace who is not confined, which is what such a procfs asks for: no
    // process would be seen any more.
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if hides_processes(&mounts, proc) {
        return Err("procfs is mounted with hidepid");
    }
    match sys::landlock_version() {
        Ok(version) => Ok(version.min(VERSION_MAX)),
        Err(Errno::ENOSYS) => Err("the kernel has no Landlock"),
        Err(Errno::EOPNOTSUPP) => Err("Landlock is switched off in the kernel"),
        Err(errno) => Err(errno.desc()),
    }
}

/// See [`close_files`](crate::close_files).
pub(crate) fn close_files(places: &Places<'_>) -> Result<u8, &'static str> {
    let version = version(&places.roots.proc)?;
    let taken = Taken::by(version, places.speaks_abstractly);
    let confine = || -> Result<(), Errno> {
        let ruleset = sys::landlock_ruleset(&taken)?;
        for (path, rights) in rules(places) {
            // A right that was not taken can't be given back.
            allow(ruleset.as_fd(), &path, rights & taken.files)?;
        }
        sys::give_up_new_rights()?;
        sys::landlock_restrict(ruleset.as_fd())
    };
    confine().map_err(Errno::desc)?;
    Ok(version)
}

/// What stays open.
fn rules(places: &Places<'_>) -> Vec<(PathBuf, u64)> {
    let read = READ_FILE | READ_DIR;
    let mut rules = vec![
        (places.roots.proc.clone(), read),
        (places.roots.sys.clone(), read),
        // What the end of a start looks at, wherever the sensors are.
        ("/proc/self".into(), read),
        // A descriptor that is given up for a moment and taken again.
        ("/dev/null".into(), READ_FILE),
    ];
    if let Some(settings) = places.settings {
        // Where the name is, and where the file is that it may be a link to.
        let target = fs::canonicalize(settings).unwrap_or_default();
        rules.extend([folder_of(settings), folder_of(&target)].map(|path| (path, READ_FILE)));
    }
    rules.extend(places.sockets.iter().map(|path| (path.to_path_buf(), REMOVE_FILE)));
    let write = WRITE_FILE | MAKE_REG | REMOVE_FILE | TRUNCATE;
    rules.extend(places.written.iter().map(|path| (path.to_path_buf(), write)));
    rules
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        // A name alone is one in the working directory.
        _ => ".".into(),
    }
}

/// Gives `rights` back below `path`; where nothing is there is nothing to give.
fn allow(ruleset: BorrowedFd<'_>, path: &Path, rights: u64) -> Result<(), Errno> {
    let name: CString = c_path(path);
    let folder: OwnedFd =
        match open(name.as_c_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => return Ok(()),
            result => result?,
        };
    sys::landlock_allow(ruleset, folder.as_fd(), rights)
}

/// Whether the procfs at `root` shows processes only to those who may trace them, by the table of
/// mounts. A root that is no mount point of its own is a part of the system's procfs, or of none.
fn hides_processes(mounts: &str, root: &Path) -> bool {
    let hides = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (Some(at), Some("proc"), Some(options)) = (words.next(), words.next(), words.next())
        else {
            return None;
        };
        let hidden = options.split(',').find_map(|option| option.strip_prefix("hidepid="));
        (Path::new(at) == root).then_some(!matches!(hidden, None | Some("0" | "off")))
    };
    // What was mounted last covers the others.
    mounts.lines().filter_map(hides).next_back().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_takes_what_it_knows() {
        let first = Taken { files: 0x1fff, net: 0, scopes: 0 };
        assert_eq!(Taken::by(1, false), first);
        assert_eq!(Taken::by(2, false), Taken { files: 0x3fff, ..first });
        assert_eq!(Taken::by(4, false), Taken { files: 0x7fff, net: 3, scopes: 0 });
        assert_eq!(Taken::by(7, false), Taken { files: 0xffff, net: 3, scopes: 3 });
        assert_eq!(Taken::by(7, true).scopes, 2);
    }

    #[test]
    fn a_procfs_that_hides_processes_is_known_by_its_mount() {
        let hides = |mounts| hides_processes(mounts, Path::new("/proc"));
        assert!(!hides("proc /proc proc rw,relatime 0 0\n"));
        assert!(hides("proc /proc proc rw,nosuid,hidepid=invisible 0 0\n"));
        assert!(hides("none / ext4 rw 0 0\nproc /proc proc rw,hidepid=2,gid=9 0 0\n"));
        assert!(!hides("proc /proc proc rw,hidepid=2 0 0\nproc /proc proc rw,hidepid=0 0 0\n"));
        assert!(!hides("proc /jail/proc proc rw,hidepid=2 0 0\n"));
        assert!(!hides("x /proc"));
    }

    #[test]
    fn a_file_of_settings_opens_its_folder() {
        assert_eq!(folder_of(Path::new("/etc/kymo/kymo.toml")), Path::new("/etc/kymo"));
        assert_eq!(folder_of(Path::new("kymo.toml")), Path::new("."));
        assert_eq!(folder_of(Path::new("")), Path::new("."));
    }
}
