//! What can go wrong, told apart by what a program does about it.
//!
//! | error | a program |
//! |---|---|
//! | [`Error::Unreachable`] | starts the daemon, or waits for it |
//! | [`Error::Denied`] | tells the user: it is not theirs |
//! | [`Error::Refused`] | asks for something else, or later: see the code |
//! | [`Error::Protocol`] | talks to something that is no kymo, or to a broken one |
//! | [`Error::Lost`], [`Error::Late`] | does not know whether its request was done |
//! | [`Error::Invalid`], [`Error::Full`], [`Error::Outstanding`] | has a mistake of its own |

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use kymo_protocol::{ErrorCode, ErrorReport, FrameError, GoodbyeReason};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Nobody listens there.
    Unreachable {
        /// The socket that came nearest to being one.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
        /// The same for people.
        text: String,
    },
    /// Somebody listens there, but this user may not talk to them.
    Denied {
        /// The socket.
        path: PathBuf,
        /// Why, for people.
        text: String,
    },
    /// The server said no.
    Refused {
        /// Why, for programs; `None` for a code of a later server.
        code: Option<ErrorCode>,
        /// Why, for people. It is the server's text: clean it before a terminal shows it.
        text: String,
    },
    /// The other side does not keep to the protocol.
    Protocol(Breach),
    /// The connection ended before the reply: the request may have been done, or not.
    Lost(Why),
    /// No reply came in time: the request may have been done, or not.
    Late,
    /// The breaker is open after too many failures; the last of them.
    Resting(Box<Error>),
    /// As many requests as may be are outstanding: finish one first.
    Full,
    /// Other requests are outstanding, whose replies come first: finish them.
    Outstanding,
    /// What was asked for can't be said in this protocol, such as a pattern with a newline.
    Invalid(FrameError),
    /// The connection was given by the caller, and has ended.
    Ended,
    /// The operating system refused something else.
    System(io::ErrorKind),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The server said goodbye.
    Goodbye(GoodbyeReason),
    /// It ended without a word, as when a server is killed.
    Ended,
    /// The server said nothing for too long.
    Silent,
    /// The operating system says that it is broken.
    Broken(io::ErrorKind),
    /// The other side does not keep to the protocol.
    Protocol(Breach),
}

/// How the other side does not keep to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breach {
    /// Bytes that are not a frame.
    Frame(FrameError),
    /// A frame that does not belong there.
    Unexpected,
    /// A frame that was there before.
    Repeated {
        /// The last one that came.
        last: u64,
        /// The one that came now.
        found: u64,
    },
    /// Frames are missing, and nothing was said of it.
    Hole {
        /// The one that was to come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// A frame that stands for others, though each of them was asked for.
    Merged {
        /// Which one.
        sequence: u64,
    },
}

impl Error {
    /// Whether trying again later may help, with nothing changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost(_) | Self::Late | Self::Resting(_) => true,
            Self::Refused { code, .. } => {
                matches!(code, Some(ErrorCode::Full | ErrorCode::Quota | ErrorCode::JournalFailed))
            }
            _ => false,
        }
    }

    /// Why connecting to `path` failed.
    pub(crate) fn of_connect(path: &Path, error: &io::Error) -> Self {
        let (path, text) = (path.to_path_buf(), error.to_string());
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied { path, text },
            kind => Self::Unreachable { path, kind, text },
        }
    }

    /// What an error frame on a connection to `path` means.
    pub(crate) fn of_report(path: &Path, report: &ErrorReport) -> Self {
        Self::of_refusal(path, report.code(), report.text().into())
    }

    /// What it means that the server at `path` says no.
    pub(crate) fn of_refusal(path: &Path, code: Option<ErrorCode>, text: String) -> Self {
        match code {
            Some(ErrorCode::Denied) => Self::Denied { path: path.to_path_buf(), text },
            code => Self::Refused { code, text },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { path, text, .. } => {
                write!(f, "no daemon at {}: {text}", path.display())
            }
            Self::Denied { path, text } => write!(f, "denied at {}: {text}", path.display()),
            Self::Refused { code, text } => {
                write!(f, "refused: {text} ({})", code.map_or("unknown", ErrorCode::name))
            }
            Self::Protocol(breach) => breach.fmt(f),
            Self::Lost(why) => write!(f, "the connection was lost before the reply: {why}"),
            Self::Late => f.write_str("no reply came in time"),
            Self::Resting(last) => write!(f, "not tried after many failures; the last: {last}"),
            Self::Full => f.write_str("too many requests are outstanding"),
            Self::Outstanding => f.write_str("other requests are outstanding"),
            Self::Invalid(error) => write!(f, "this can't be asked for: {error}"),
            Self::Ended => f.write_str("the connection has ended"),
            Self::System(kind) => write!(f, "the system refused: {kind}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goodbye(reason) => write!(f, "the daemon says goodbye: {}", reason.name()),
            Self::Ended => f.write_str("the connection ended"),
            Self::Silent => f.write_str("it was silent for too long"),
            Self::Broken(kind) => kind.fmt(f),
            Self::Protocol(breach) => breach.fmt(f),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::Unexpected => f.write_str("it sent a frame that does not belong there"),
            Self::Repeated { last, found } => {
                write!(f, "it sent frame {found} behind frame {last}")
            }
            Self::Hole { expected, found } => {
                write!(f, "it left out frames {expected} to {} and did not say so", found - 1)
            }
            Self::Merged { sequence } => {
                write!(f, "it sent frame {sequence} for several, though each was asked for")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<FrameError> for Breach {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_and_where() {
        let path = Path::new("/d/stream.sock");
        let error = Error::of_connect(path, &io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(error.to_string(), "no daemon at /d/stream.sock: connection refused");
        assert!(error.is_transient());
        let error = Error::of_connect(path, &io::Error::from_raw_os_error(13));
        assert!(matches!(&error, Error::Denied { .. }) && !error.is_transient());
        let hole = Breach::Hole { expected: 3, found: 5 };
        assert_eq!(hole.to_string(), "it left out frames 3 to 4 and did not say so");
    }
}
