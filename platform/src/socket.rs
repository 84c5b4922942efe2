//! Sockets to listen with, made so that nobody can slip in while they are made.

use std::io;
use std::os::fd::OwnedFd;

use crate::os;

/// Bytes of a socket's path: what `sun_path` holds beside the final NUL.
pub const PATH_MAX: usize = os::SOCKET_PATH_MAX;

/// A Unix stream socket that does not block, is closed on exec, and whose file will be made with
/// `mode` less the umask where the system can do that (Linux). Elsewhere the caller sets the mode
/// after bind and before listen: nobody can connect in between.
///
/// # Errors
///
/// Those of the operating system.
pub fn stream_socket(mode: u32) -> io::Result<OwnedFd> {
    os::stream_socket(mode)
}
