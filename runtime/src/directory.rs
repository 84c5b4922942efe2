//! The directory that holds a hub's sockets, and the lock that makes it ours.
//!
//! Guarantees: the directory is a real one, owned by this user and writable by nobody else, so that
//! nobody can put a link or a socket in its place; while the lock is held, no second hub touches
//! anything in it. The lock dies with the process, however it ends; its file stays. A group of
//! readers may enter it; the directories above are for the administrator to open.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
#[allow(deprecated, reason = "`Flock` panics where the system doesn't let go of a lock")]
use nix::fcntl::flock;
use nix::fcntl::{FlockArg, OFlag};
use nix::unistd::{Gid, fchown, geteuid};

use crate::start_error::StartError;

/// The lock's file in the directory.
const LOCK: &str = "kymo.lock";

/// A directory that is ours while this lives.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: Lock,
}

/// A locked file. What holds it open beside us, such as a child of the host's, does not keep the
/// lock.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Where that fails, the close that follows does it.
        let _ = set_lock(&self.0, FlockArg::Unlock);
    }
}

#[allow(deprecated, reason = "see its import")]
fn set_lock(file: &File, how: FlockArg) -> Result<(), Errno> {
    flock(file.as_raw_fd(), how)
}

impl Directory {
    /// Makes the directory if it is missing, checks it, and takes its lock. Members of `readers`
    /// may enter it: it is given to that group, with mode 0750. Without, its mode stays.
    ///
    /// # Errors
    ///
    /// [`StartError::Directory`] when it can't be trusted, [`StartError::Running`] when another
    /// process holds the lock, [`StartError::System`] for the rest.
    pub fn open(path: &Path, readers: Option<Gid>) -> Result<Self, StartError> {
        // Without a trailing slash or dot, which would follow a link.
        let path: PathBuf = path.components().filter(|c| *c != Component::CurDir).collect();
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        let is_new = !path.exists();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .or_else(|error| {
                // A link to nowhere, or a file: the check below says it better.
                if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
            })
            .map_err(|error| {
                StartError::system(format!("make directory {}", path.display()), error)
            })?;
        if is_new {
            // The umask is the host's, and may have taken the owner's bits away. Who put something
            // else in the way meanwhile is found out by the check.
            let _ = std::fs::set_permissions(&path, Permissions::from_mode(0o700));
        }
        let directory = open_checked(&path, false)?;
        let lock = lock(&path)?;
        if let Some(readers) = readers {
            let what = |what: &str| format!("{what} {}", path.display());
            fchown(&directory, None, Some(readers))
                .map_err(|errno| StartError::system(what("give to the read group:"), errno))?;
            directory
                .set_permissions(Permissions::from_mode(0o750))
                .map_err(|error| StartError::system(what("let the read group into"), error))?;
        }
        Ok(Self { path, _lock: lock })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Checks that nobody else can change what is in a directory. With `shared`, a directory of root's
/// will do in which everybody may change only what is theirs.
pub fn check(path: &Path, shared: bool) -> Result<(), StartError> {
    open_checked(path, shared).map(drop)
}

/// The directory itself, so that what is done next is done to what was checked.
fn open_checked(path: &Path, shared: bool) -> Result<File, StartError> {
    let refuse = |reason| Err(StartError::Directory { path: path.into(), reason });
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path);
    let opened = opened.and_then(|directory| Ok((directory.metadata()?, directory)));
    let (metadata, directory) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            return match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
                Errno::ELOOP => refuse("is a symbolic link"),
                // Linux looks at O_DIRECTORY first.
                Errno::ENOTDIR if path.is_symlink() => refuse("is a symbolic link"),
                Errno::ENOTDIR => refuse("is not a directory"),
                _ => Err(StartError::system(format!("open directory {}", path.display()), error)),
            };
        }
    };
    let own = metadata.uid() == geteuid().as_raw();
    if shared
        && metadata.uid() == 0
        && (metadata.mode() & 0o1000 != 0 || metadata.mode() & 0o022 == 0)
    {
        return Ok(directory);
    }
    if !own {
        return refuse("belongs to another user");
    }
    if metadata.mode() & 0o022 != 0 {
        return refuse("is writable by its group or by everybody");
    }
    Ok(directory)
}

fn lock(directory: &Path) -> Result<Lock, StartError> {
    let path = directory.join(LOCK);
    let what = || format!("lock {}", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .mode(0o600)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits())
        .open(&path)
        .map_err(|error| StartError::system(what(), error))?;
    match set_lock(&file, FlockArg::LockExclusiveNonblock) {
        Ok(()) => {
            // The umask is the host's: the next start is to be able to open it.
            let _ = file.set_permissions(Permissions::from_mode(0o600));
            // For people and for the message of the one who comes second; nothing relies on it.
            let _ = file.set_len(0);
            let _ = file.rewind();
            let _ = writeln!(file, "{}", std::process::id());
            Ok(Lock(file))
        }
        Err(Errno::EWOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            Err(StartError::Running { path: directory.into(), pid: text.trim().parse().ok() })
        }
        Err(errno) => Err(StartError::system(what(), errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("kymo-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        path
    }

    #[test]
    fn one_at_a_time() {
        let path = scratch("lock");
        let first = Directory::open(&path.join("made/by/us"), None).unwrap();
        assert_eq!(std::fs::metadata(first.path()).unwrap().mode() & 0o777, 0o700);
        let second = Directory::open(&path.join("made/by/us/"), None).unwrap_err();
        let pid = std::process::id();
        assert!(matches!(second, StartError::Running { pid: Some(found), .. } if found == pid));
        drop(first);
        Directory::open(&path.join("made/by/us"), None).unwrap();
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn readers_may_enter_and_not_write() {
        let path = scratch("readers");
        // Root may give it to any group, others to one they are in.
        let group = if geteuid().is_root() { Gid::from_raw(1) } else { nix::unistd::getegid() };
        for mode in [0o700, 0o750, 0o755] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            drop(Directory::open(&path, Some(group)).unwrap());
            let metadata = std::fs::metadata(&path).unwrap();
            assert_eq!((metadata.mode() & 0o7777, metadata.gid()), (0o750, group.as_raw()));
        }
        // Nor is one that others could write to let pass for the group's sake.
        std::fs::set_permissions(&path, Permissions::from_mode(0o770)).unwrap();
        let refused = Directory::open(&path, Some(group)).unwrap_err().to_string();
        assert!(refused.contains("writable by"), "{refused}");
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn what_others_could_change_is_refused() {
        let path = scratch("refused");
        let refused = |path: &Path| Directory::open(path, None).unwrap_err().to_string();
        symlink(&path, path.join("link")).unwrap();
        assert!(refused(&path.join("link")).contains("symbolic link"));
        assert!(refused(&path.join("link/")).contains("symbolic link"));
        symlink("/nowhere/at/all", path.join("dangling")).unwrap();
        assert!(refused(&path.join("dangling")).contains("symbolic link"));
        std::fs::write(path.join("file"), "").unwrap();
        assert!(refused(&path.join("file")).contains("not a directory"));
        for mode in [0o770, 0o707] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(refused(&path).contains("writable by"), "{mode:o}");
        }
        symlink("/etc/passwd", path.join(LOCK)).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        assert!(refused(&path).contains("kymo.lock"));
        std::fs::remove_dir_all(path).unwrap();
    }
}
