//! macOS: `kqueue`. std's sockets raise no SIGPIPE there, and connecting to a full queue fails at
//! once. Type-checked only.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

/// Whether `$TMPDIR` is the user's own.
pub const IS_MAC: bool = true;

/// Connects without waiting.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Sends without waiting and without a signal.
pub fn send_now(mut stream: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    stream.write(bytes)
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
