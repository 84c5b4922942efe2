//! Signals as a descriptor: signalfd.
//!
//! No handler runs, so nothing is interrupted and nothing must be async-signal-safe. Two equal
//! signals before a take may arrive as one; that is how signals are.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::signal::{Signal, set_of};

/// The signals that were asked for, to be taken one by one.
///
/// ```
/// use kymo_platform::{Signal, Signals};
///
/// let mut signals = Signals::new(&[Signal::User1])?;
/// assert_eq!(signals.take(), None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Blocks `wanted` in this thread, and opens a descriptor that receives them.
    ///
    /// To be called before other threads start, so that they inherit the mask: a thread that
    /// doesn't block a signal may get it first, with the default action. The mask stays when this
    /// is dropped; a child process inherits it unless it resets it.
    ///
    /// # Errors
    ///
    /// When there is no descriptor left.
    pub fn new(wanted: &[Signal]) -> io::Result<Self> {
        let set = set_of(wanted);
        set.thread_block()?;
        Ok(Self(SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// The descriptor that is readable while a signal waits.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// The next signal that waits, if one does.
    #[must_use]
    pub fn take(&mut self) -> Option<Signal> {
        loop {
            match self.0.read_signal() {
                Ok(Some(info)) => {
                    let number = i32::try_from(info.ssi_signo).ok()?;
                    if let Some(signal) = Signal::from_number(number) {
                        return Some(signal);
                    }
                }
                Err(nix::errno::Errno::EINTR) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    #[test]
    fn each_signal_is_taken_once() {
        let mut signals = Signals::new(&Signal::ALL).unwrap();
        assert_eq!(signals.take(), None);
        // To this thread, so that the other tests' threads don't see it.
        raise(Signal::User1.number()).unwrap();
        raise(Signal::HangUp.number()).unwrap();
        let mut taken = [signals.take(), signals.take()];
        taken.sort_by_key(|signal| signal.map(|signal| signal as u8));
        assert_eq!(taken, [Some(Signal::HangUp), Some(Signal::User1)]);
        assert_eq!(signals.take(), None);
    }
}
