//! macOS: `kqueue`. std sets SO_NOSIGPIPE on what it connects, and connecting to a full queue fails
//! at once. Type-checked only.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

pub use kymo_protocol::SYSTEM_PLACE_ON_MAC as SYSTEM_PLACE;
use nix::libc;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::sys::socket::{MsgFlags, send};

/// Connects without waiting.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Sends without waiting, since the socket does not block: the kernel looks at that alone. Without
/// a signal: a kernel that does not know the flag passes over it, and what std connects needs none.
pub fn send_now(stream: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    let flags = MsgFlags::from_bits_retain(libc::MSG_NOSIGNAL);
    Ok(send(stream.as_raw_fd(), bytes, flags)?)
}

/// A descriptor that can be read from whenever the connection in it can.
#[derive(Debug)]
pub struct Ready(Kqueue);

impl Ready {
    /// One without a connection.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Kqueue::new()?))
    }

    /// Puts a connection in. It leaves when it is closed.
    pub fn add(&self, stream: &UnixStream) -> io::Result<()> {
        let ident = usize::try_from(stream.as_raw_fd()).unwrap_or(usize::MAX);
        let (add, none) = (EvFlags::EV_ADD, FilterFlag::empty());
        let change = KEvent::new(ident, EventFilter::EVFILT_READ, add, none, 0, 0);
        self.0.kevent(&[change], &mut [], None)?;
        Ok(())
    }
}

impl AsFd for Ready {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
