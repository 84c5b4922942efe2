//! How the dashboard ends.

use kymo_platform::Signal;
use nix::sys::signal::{self, SigSet};

use crate::failure::{Ending, Failure};

/// How it ends.
#[derive(Debug)]
pub enum End {
    /// Somebody pressed a key, or the terminal is gone.
    Quit,
    /// A signal asked for it.
    Signal(Signal),
    /// There was something with the output or the daemon.
    Ending(Ending),
}

impl End {
    /// Tells who started this process. To be called when the terminal has been given back.
    ///
    /// # Errors
    ///
    /// The [`Failure`] that it was.
    pub fn take_effect(self) -> Result<(), Failure> {
        match self {
            Self::Quit | Self::Ending(Ending::Done) => Ok(()),
            Self::Signal(signal) => {
                end_by(signal);
                Ok(())
            }
            Self::Ending(Ending::Failed(failure)) => Err(failure),
        }
    }
}

/// Ends this process as `signal` would have, so that who sent it sees that.
fn end_by(signal: Signal) {
    let signal = match signal {
        Signal::Terminate => signal::Signal::SIGTERM,
        Signal::Interrupt => signal::Signal::SIGINT,
        Signal::HangUp => signal::Signal::SIGHUP,
        Signal::User1 => return,
    };
    let mut set = SigSet::empty();
    set.add(signal);
    let _ = set.thread_unblock();
    let _ = signal::raise(signal);
}
