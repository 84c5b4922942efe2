//! The signals a daemon of ours listens to, by meaning.
//!
//! Only these four exist here, so that nobody asks [`crate::Signals`] for one that can't be caught.

use std::io;

use nix::sys::signal::{SigSet, Signal as Number};

/// A signal that asks the process for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// SIGTERM: stop.
    Terminate,
    /// SIGINT: stop, says the terminal.
    Interrupt,
    /// SIGHUP: read the configuration again.
    HangUp,
    /// SIGUSR1: report.
    User1,
}

impl Signal {
    /// Every signal there is here.
    pub const ALL: [Self; 4] = [Self::Terminate, Self::Interrupt, Self::HangUp, Self::User1];

    pub(crate) fn number(self) -> Number {
        match self {
            Self::Terminate => Number::SIGTERM,
            Self::Interrupt => Number::SIGINT,
            Self::HangUp => Number::SIGHUP,
            Self::User1 => Number::SIGUSR1,
        }
    }

    /// The signal with this number, if it is one of ours.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.number() as i32 == number)
    }
}

/// Lets a write beyond the limit on the sizes of files (RLIMIT_FSIZE) fail in this thread, and in
/// those it starts, instead of ending the process. For a program's `main`: the mask is the
/// process's own affair.
///
/// # Errors
///
/// Those of the operating system.
pub fn let_writes_fail() -> io::Result<()> {
    let mut set = SigSet::empty();
    set.add(Number::SIGXFSZ);
    set.thread_block().map_err(io::Error::from)
}

/// The set that holds exactly `wanted`.
pub(crate) fn set_of(wanted: &[Signal]) -> SigSet {
    let mut set = SigSet::empty();
    for signal in wanted {
        set.add(signal.number());
    }
    set
}
