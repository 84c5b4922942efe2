//! Why kymo ends early, and with which exit code.

use std::io::{self, ErrorKind};

use kymo_client::{Error, ErrorCode};

use crate::clean::clean;

/// Something failed.
pub const FAILED: u8 = 1;
/// The command line can't be understood.
pub const USAGE: u8 = 2;
/// No daemon where one was asked for.
pub const UNREACHABLE: u8 = 69;
/// There is one, but not for this user.
pub const DENIED: u8 = 77;

/// Why kymo ends early, and with which exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// For people.
    pub text: String,
}

impl Failure {
    /// A failure without a code of its own.
    pub fn new(text: impl Into<String>) -> Self {
        Self { code: FAILED, text: text.into() }
    }

    /// What it means that a client failed.
    pub fn of_client(error: &Error) -> Self {
        let code = match error {
            Error::Unreachable { .. } => UNREACHABLE,
            Error::Denied { .. } => DENIED,
            _ => FAILED,
        };
        let text = match error {
            Error::Refused { code, text } => {
                let name = code.map_or("unknown", ErrorCode::name);
                format!("the daemon says: {text} ({name})")
            }
            error => error.to_string(),
        };
        Self { code, text: clean(text.chars()) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of_client(&error)
    }
}

/// How showing things ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// As many as were asked for were printed, or nobody reads them any more.
    Done,
    /// Nothing can be done about it.
    Failed(Failure),
}

impl Ending {
    /// What it means that standard output took no more.
    pub fn of_output(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Done,
            _ => Self::Failed(Failure::new(format!("standard output: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_failure() {
        assert_eq!(Ending::of_output(&ErrorKind::BrokenPipe.into()), Ending::Done);
        let full = Ending::of_output(&ErrorKind::StorageFull.into());
        assert!(matches!(full, Ending::Failed(failure) if failure.code == FAILED));
    }

    #[test]
    fn failures_have_their_codes() {
        let refused = |text: &str| Error::Refused { code: None, text: text.into() };
        let failure = Failure::of_client(&refused("no\u{1b}room\n"));
        assert_eq!(failure, Failure::new("the daemon says: no�room� (unknown)"));
        let denied = Error::Denied { path: "/d/\u{1b}[2J".into(), text: "no".into() };
        let failure = Failure::of_client(&denied);
        assert_eq!(failure.code, DENIED);
        assert_eq!(failure.text, "denied at /d/�[2J: no");
    }
}
