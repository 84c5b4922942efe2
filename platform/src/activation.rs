//! Sockets that the service manager opened for us: LISTEN_FDS of sd_listen_fds(3), and on macOS
//! those that launchd holds for a job under the names of [`LISTENERS`].
//!
//! Guarantees: what is handed out listens, speaks streams over Unix sockets, does not block and is
//! closed on exec. A name that nobody knows is an error that names it, because a socket that nobody
//! serves would let clients wait forever. The library never looks by itself: [`from_env`] is for
//! the daemon's `main`. The variables stay in the environment, as in [`notify`](crate::notify).

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{SockType, UnixAddr, getsockname, getsockopt, sockopt};

use crate::os;
use crate::socket::quieten;

/// Sockets a manager may hand over: as many as a hub may have listeners.
pub const SOCKETS_MAX: usize = 16;

/// The names of the default listeners' sockets, as FileDescriptorName= or Sockets gives them.
pub const LISTENERS: [&str; 3] = ["stream", "json", "control"];

/// Why sockets of the service manager can't be used.
#[derive(Debug)]
pub enum ActivationError {
    /// A variable that can't be understood.
    Variable(&'static str),
    /// No listener has this name.
    Unknown(String),
    /// Two sockets have this name.
    Twice(String),
    /// The socket with this name is none to listen with.
    Unfit(String, &'static str),
    /// The sockets have been taken before.
    Taken,
    /// The operating system refused something about the socket with this name.
    System(String, io::Error),
}

impl fmt::Display for ActivationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "socket activation: {name} can't be understood"),
            Self::Unknown(name) => {
                let name = name.escape_debug();
                write!(f, "socket activation: no listener has the name `{name}`; known: ")?;
                write!(f, "`{}`", LISTENERS.join("`, `"))
            }
            Self::Twice(name) => write!(f, "socket activation: two sockets are named `{name}`"),
            Self::Unfit(name, why) => write!(f, "socket activation: `{name}` {why}"),
            Self::Taken => write!(f, "socket activation: the sockets have been taken already"),
            Self::System(name, error) => write!(f, "socket activation: `{name}`: {error}"),
        }
    }
}

impl std::error::Error for ActivationError {}

/// The sockets that the service manager opened for this process, with their names; none when it
/// was started otherwise. They can be taken once.
///
/// The variables are believed when LISTEN_PID is this process; who started it answers for them.
/// launchd is asked whether it started it.
///
/// # Errors
///
/// An [`ActivationError`] that says what is wrong; sockets are closed then, or were not taken.
pub fn from_env() -> Result<Vec<(&'static str, OwnedFd)>, ActivationError> {
    let mut taken = Vec::new();
    for (name, socket) in os::handed_over()? {
        let system = |error| ActivationError::System(name.into(), error);
        let socket = socket.map_err(system)?;
        check(name, socket.as_fd())?;
        prepare(socket.as_fd()).map_err(system)?;
        taken.push((name, socket));
    }
    Ok(taken)
}

/// Whether clients can connect to it as to a listener of ours.
fn check(name: &str, socket: BorrowedFd<'_>) -> Result<(), ActivationError> {
    let unfit = |why| Err(ActivationError::Unfit(name.into(), why));
    let Ok(kind) = getsockopt(&socket, sockopt::SockType) else { return unfit("is no socket") };
    if getsockname::<UnixAddr>(socket.as_raw_fd()).is_err() {
        return unfit("is not a Unix socket");
    }
    if kind != SockType::Stream {
        return unfit("is not a stream socket");
    }
    if !getsockopt(&socket, sockopt::AcceptConn).unwrap_or(false) {
        return unfit("does not listen");
    }
    Ok(())
}

fn prepare(socket: BorrowedFd<'_>) -> io::Result<()> {
    fcntl(socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    let flags = OFlag::from_bits_retain(fcntl(socket, FcntlArg::F_GETFL)?);
    fcntl(socket, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    quieten(socket)
}
