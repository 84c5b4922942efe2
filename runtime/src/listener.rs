//! A listening socket with a file that only the right people can open.
//!
//! Guarantees: the file never has a wider mode than asked for, not even between two calls; only a
//! stale socket of our own user is replaced, nothing else is ever removed; what we made is removed
//! when this is dropped, if it is still ours. What a service manager made is left to it.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use kymo_platform::socket::{PATH_MAX, stream_socket};
use nix::errno::Errno;
use nix::sys::socket::{Backlog, UnixAddr, bind, listen};
use nix::unistd::{Gid, geteuid};

use crate::start_error::StartError;

/// Connections that may wait to be accepted. The kernel has a limit of its own.
const BACKLOG: i32 = 1024;

/// A listening socket; see the module.
#[derive(Debug)]
pub struct Socket {
    /// What accepts.
    pub listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file we made, if we did.
    file: Option<(u64, u64)>,
}

impl Socket {
    /// Listens at `path`. With `locked`, the caller holds the lock of its directory, so whoever
    /// made a socket there is gone; without, a peer that answers keeps it. The file is given to
    /// `group`, if there is one.
    ///
    /// # Errors
    ///
    /// A [`StartError`] that names the path and the reason.
    pub fn bind(
        path: &Path,
        mode: u32,
        locked: bool,
        group: Option<Gid>,
    ) -> Result<Self, StartError> {
        let refuse = |reason: String| StartError::Listener { path: path.into(), reason };
        let size = path.as_os_str().len();
        if size > PATH_MAX {
            return Err(refuse(format!(
                "the path has {size} bytes; a socket's may have {PATH_MAX}"
            )));
        }
        remove_stale(path, locked)?;
        let failed = |call: &str, errno: Errno| refuse(format!("{call}: {}", errno.desc()));
        // Until the file is its group's, that group's bits would be those of our own group.
        let first_mode = if group.is_some() { mode & 0o700 } else { mode };
        let fd = stream_socket(first_mode).map_err(|error| refuse(format!("socket: {error}")))?;
        let address = UnixAddr::new(path).map_err(|errno| failed("address", errno))?;
        bind(fd.as_raw_fd(), &address).map_err(|errno| failed("bind", errno))?;
        if group.is_some() {
            lchown(path, None, group.map(Gid::as_raw))
                .map_err(|error| refuse(format!("give it to the read group: {error}")))?;
        }
        // What the umask took away is given back; it is the host's and is not touched. Nobody can
        // connect before listen.
        let metadata = fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .and_then(|()| fs::symlink_metadata(path))
            .map_err(|error| refuse(format!("set its mode: {error}")))?;
        // Where the kernel can refuse passed descriptors, nobody parks theirs with us.
        let _ = kymo_platform::refuse_descriptors(fd.as_fd());
        // A C library may name a smaller number as the system's greatest; musl says 128.
        let backlog = Backlog::new(BACKLOG).unwrap_or(Backlog::MAXCONN);
        listen(&fd, backlog).map_err(|errno| failed("listen", errno))?;
        Ok(Self {
            listener: UnixListener::from(fd),
            path: path.into(),
            file: Some((metadata.dev(), metadata.ino())),
        })
    }

    /// A socket that listens already, as a service manager hands it over: its file is the
    /// manager's. `path` is where it should be, for messages.
    #[must_use]
    pub fn adopt(socket: OwnedFd, path: &Path) -> Self {
        let _ = kymo_platform::refuse_descriptors(socket.as_fd());
        let listener = UnixListener::from(socket);
        let found = listener.local_addr().ok();
        let found = found.as_ref().and_then(SocketAddr::as_pathname);
        Self { path: found.unwrap_or(path).into(), listener, file: None }
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Somebody may have put their own in its place since.
        let found = fs::symlink_metadata(&self.path).ok();
        let found = found.map(|metadata| (metadata.dev(), metadata.ino()));
        if found.is_some() && found == self.file {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes a socket that nobody serves any more.
fn remove_stale(path: &Path, locked: bool) -> Result<(), StartError> {
    let refuse =
        |reason: &str| Err(StartError::Listener { path: path.into(), reason: reason.into() });
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return refuse("something that is not a socket is there");
    }
    if metadata.uid() != geteuid().as_raw() {
        return refuse("a socket of another user is there");
    }
    if !locked && UnixStream::connect(path).is_ok() {
        return Err(StartError::Running { path: path.into(), pid: None });
    }
    fs::remove_file(path)
        .map_err(|error| StartError::system(format!("remove {}", path.display()), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("kymo-{name}-{}.sock", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn the_file_has_its_mode_and_goes_with_the_socket() {
        for mode in [0o600, 0o660, 0o666] {
            let path = path("mode");
            let socket = Socket::bind(&path, mode, true, None).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, mode);
            drop(socket);
            assert!(!path.exists());
        }
    }

    #[test]
    fn the_file_is_its_groups_before_the_group_may_use_it() {
        let path = path("group");
        let group = if geteuid().is_root() { Gid::from_raw(1) } else { nix::unistd::getegid() };
        let socket = Socket::bind(&path, 0o660, true, Some(group)).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.mode() & 0o777, metadata.gid()), (0o660, group.as_raw()));
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn what_was_handed_over_is_not_removed() {
        let path = path("adopted");
        let given = UnixListener::bind(&path).unwrap();
        let socket = Socket::adopt(given.into(), Path::new("json.sock"));
        assert_eq!(socket.path(), path);
        drop(socket);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_somebody_put_in_its_place_stays() {
        let path = path("replaced");
        let socket = Socket::bind(&path, 0o600, true, None).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        drop(socket);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        let refused = Socket::bind(&path, 0o600, true, None).unwrap_err().to_string();
        assert!(refused.contains("not a socket"), "{refused}");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn stale_sockets_are_replaced_and_live_ones_are_not() {
        let path = path("stale");
        drop(UnixListener::bind(&path).unwrap());
        let socket = Socket::bind(&path, 0o600, false, None).unwrap();
        let second = Socket::bind(&path, 0o600, false, None).unwrap_err();
        assert!(matches!(second, StartError::Running { .. }));
        drop(socket);
    }

    #[test]
    fn long_paths_are_named_with_their_limit() {
        let path = PathBuf::from(format!("/tmp/{}", "x".repeat(PATH_MAX - 4)));
        let refused = Socket::bind(&path, 0o600, true, None).unwrap_err().to_string();
        assert!(refused.contains(&format!("{} bytes", PATH_MAX + 1)), "{refused}");
    }
}
