//! Who is at the other end of a Unix socket, as the kernel remembers it.
//!
//! uid and gid are those at the time of connect (or listen) and can be trusted. The pid is for
//! people to read: the process may have ended and its number may be another's by now.

use std::io;
use std::os::fd::BorrowedFd;

use crate::os;

/// The peer of a connected Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Effective user id; 65534 stands for every user that this user namespace doesn't know.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Process id; `None` when the system doesn't tell, or it lives in another pid namespace.
    pub pid: Option<u32>,
}

/// Asks the kernel who is at the other end of `socket`.
///
/// ```
/// use std::os::{fd::AsFd, unix::net::UnixStream};
///
/// let (here, _there) = UnixStream::pair()?;
/// let peer = kymo_platform::peer::credentials(here.as_fd())?;
/// assert_eq!(peer.pid, Some(std::process::id()));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// When it is no connected socket of this machine.
pub fn credentials(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    os::peer(socket)
}
