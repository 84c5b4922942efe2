//! Why kymo ends early, and with which exit code.

use std::io::{self, ErrorKind};

use crate::clean::clean;

/// Something failed.
pub const FAILED: u8 = 1;
/// The command line can't be understood.
pub const USAGE: u8 = 2;
/// No daemon where one was asked for.
pub const UNREACHABLE: u8 = 69;

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
}

/// How following a daemon ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// As many as were asked for were printed, or nobody reads them any more.
    Done,
    /// The daemon is gone, for this reason.
    Lost(String),
    /// Nothing can be done about it.
    Failed(Failure),
}

impl Ending {
    /// What it means that the daemon sent an error.
    pub fn of_error(text: impl Iterator<Item = char>, code: impl Iterator<Item = char>) -> Self {
        let (text, code) = (clean(text), clean(code));
        Self::Failed(Failure::new(format!("the daemon says: {text} ({code})")))
    }

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
    fn a_daemon_s_words_are_cleaned() {
        let expected = Failure::new("the daemon says: no�room (fu�l)");
        let error = Ending::of_error("no\u{1b}room".chars(), "fu\nl".chars());
        assert_eq!(error, Ending::Failed(expected));
    }
}
