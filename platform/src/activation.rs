//! Sockets that the service manager opened for us: LISTEN_FDS of sd_listen_fds(3).
//!
//! Guarantees: what is handed out listens, speaks streams over Unix sockets, does not block and is
//! closed on exec. A name that nobody knows is an error that names it, because a socket that nobody
//! serves would let clients wait forever. The library never looks by itself: [`from_env`] is for
//! the daemon's `main`. The variables stay in the environment, as in [`notify`](crate::notify).

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{SockType, UnixAddr, getsockname, getsockopt, sockopt};

use crate::os;

/// Sockets a manager may hand over: as many as a hub may have listeners.
pub const SOCKETS_MAX: usize = 16;

/// The names of the default listeners' sockets, as FileDescriptorName= gives them.
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
///
/// # Errors
///
/// An [`ActivationError`] that says what is wrong; sockets are closed then, or were not taken.
pub fn from_env() -> Result<Vec<(&'static str, OwnedFd)>, ActivationError> {
    let names = names(|name| std::env::var_os(name), std::process::id())?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let sockets = os::inherited(names.len()).ok_or(ActivationError::Taken)?;
    let mut taken = Vec::with_capacity(names.len());
    for (name, socket) in names.into_iter().zip(sockets) {
        let system = |error| ActivationError::System(name.into(), error);
        let socket = socket.map_err(system)?;
        check(name, socket.as_fd())?;
        prepare(socket.as_fd()).map_err(system)?;
        taken.push((name, socket));
    }
    Ok(taken)
}

/// The names of the sockets, in the order of their numbers.
fn names(
    variable: impl Fn(&str) -> Option<OsString>,
    pid: u32,
) -> Result<Vec<&'static str>, ActivationError> {
    let number = |name: &'static str| {
        variable(name)
            .map(|text| text.to_str().and_then(|text| text.parse::<u32>().ok()))
            .map(|number| number.ok_or(ActivationError::Variable(name)))
            .transpose()
    };
    // Not set, or inherited from a parent that was started so: not for us.
    if number("LISTEN_PID")? != Some(pid) {
        return Ok(Vec::new());
    }
    let count = usize::try_from(number("LISTEN_FDS")?.unwrap_or(0)).unwrap_or(usize::MAX);
    if count > SOCKETS_MAX {
        return Err(ActivationError::Variable("LISTEN_FDS"));
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    let bad_names = || ActivationError::Variable("LISTEN_FDNAMES");
    let given = variable("LISTEN_FDNAMES").ok_or_else(bad_names)?;
    let mut names = Vec::with_capacity(count);
    for name in given.to_str().ok_or_else(bad_names)?.split(':') {
        let known = LISTENERS.into_iter().find(|known| *known == name);
        let known = known.ok_or_else(|| ActivationError::Unknown(name.into()))?;
        if names.contains(&known) {
            return Err(ActivationError::Twice(name.into()));
        }
        names.push(known);
    }
    if names.len() == count { Ok(names) } else { Err(bad_names()) }
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pid: &str, count: &str, given: Option<&str>) -> Result<Vec<&'static str>, String> {
        let find = |name: &str| match name {
            "LISTEN_PID" => Some(pid.into()),
            "LISTEN_FDS" => Some(count.into()),
            _ => given.map(OsString::from),
        };
        names(find, 7).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_those_of_the_listeners() {
        assert_eq!(asked("7", "2", Some("json:stream")), Ok(vec!["json", "stream"]));
        assert_eq!(asked("7", "1", Some("control")), Ok(vec!["control"]));
        for (pid, count) in [("8", "2"), ("7", "0")] {
            assert_eq!(asked(pid, count, Some("json:stream")), Ok(vec![]));
        }
        assert!(matches!(names(|_| None, 7), Ok(none) if none.is_empty()));
        for (pid, count, given, text) in [
            ("7", "1", Some("kymod.socket"), "no listener has the name `kymod.socket`; known: "),
            ("7", "2", Some("json:json"), "two sockets are named `json`"),
            ("7", "2", Some("json"), "LISTEN_FDNAMES"),
            ("7", "1", Some("json:stream"), "LISTEN_FDNAMES"),
            ("7", "1", None, "LISTEN_FDNAMES"),
            ("7", "17", Some("json"), "LISTEN_FDS"),
            ("7", "-1", Some("json"), "LISTEN_FDS"),
            ("", "1", Some("json"), "LISTEN_PID"),
        ] {
            let error = asked(pid, count, given).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }
}
