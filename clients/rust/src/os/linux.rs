//! Linux: `epoll`, a socket that never waits, and no SIGPIPE.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect as connect_socket, send, socket,
};

pub use kymo_protocol::SYSTEM_PLACE;

/// Connects without waiting, also when the listener's queue is full: std's way waits then.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path)?;
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect_socket(fd.as_raw_fd(), &address)?;
    Ok(fd.into())
}

/// Sends without waiting and without a signal.
pub fn send_now(stream: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    Ok(send(stream.as_raw_fd(), bytes, flags)?)
}

/// A descriptor that can be read from whenever the connection in it can.
#[derive(Debug)]
pub struct Ready(Epoll);

impl Ready {
    /// One without a connection.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Puts a connection in. It leaves when it is closed.
    pub fn add(&self, stream: &UnixStream) -> io::Result<()> {
        match self.0.add(stream, EpollEvent::new(EpollFlags::EPOLLIN, 0)) {
            Err(Errno::EEXIST) => Ok(()),
            outcome => Ok(outcome?),
        }
    }
}

impl AsFd for Ready {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}
