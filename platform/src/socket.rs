//! Sockets to listen with, made so that nobody can slip in while they are made; and sending that
//! never waits and never raises a signal.

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sendmsg;

use crate::os;

/// Pieces in one [`send`].
pub const PARTS_MAX: usize = 4;

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

/// Has sends on a socket that was not made here raise no SIGPIPE, where the system keeps that with
/// the socket (macOS). What is accepted from a [`stream_socket`] has it from there.
///
/// # Errors
///
/// Those of the operating system, to which a socket whose peer is gone is one.
pub fn quieten(socket: BorrowedFd<'_>) -> io::Result<()> {
    os::quieten(socket)
}

/// Sends `parts` one behind the other, in one system call, and returns how many bytes were taken:
/// perhaps not all. An interrupted call is tried again. At most [`PARTS_MAX`] parts are looked at.
///
/// # Errors
///
/// `EAGAIN` when nothing can be taken now; else why the peer can't be sent to.
#[doc(hidden)] // its error is nix's
pub fn send(socket: BorrowedFd<'_>, parts: &[&[u8]]) -> Result<usize, Errno> {
    let fd = socket.as_raw_fd();
    loop {
        let sent = match parts {
            // One piece needs no message header.
            [one] => nix::sys::socket::send(fd, one, os::SEND_FLAGS),
            _ => {
                let mut slices = [IoSlice::new(&[]); PARTS_MAX];
                let count = parts.len().min(PARTS_MAX);
                for (slice, part) in slices.iter_mut().zip(parts) {
                    *slice = IoSlice::new(part);
                }
                sendmsg::<()>(fd, &slices[..count], &[], os::SEND_FLAGS, None)
            }
        };
        if sent != Err(Errno::EINTR) {
            return sent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn parts_arrive_in_order_and_a_full_socket_says_so() {
        let (here, mut there) = UnixStream::pair().unwrap();
        assert_eq!(send(here.as_fd(), &[b"ab", b"", b"cde"]), Ok(5));
        assert_eq!(send(here.as_fd(), &[b"fg"]), Ok(2));
        let mut text = [0; 7];
        there.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"abcdefg");
        let much = [0; 16 * 1024];
        let refused = (0..1000).find_map(|_| send(here.as_fd(), &[&much]).err());
        assert_eq!(refused, Some(Errno::EAGAIN));
    }

    #[test]
    fn a_peer_that_is_gone_is_an_error_and_no_signal() {
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        assert_eq!(send(here.as_fd(), &[b"x"]), Err(Errno::EPIPE));
    }
}
