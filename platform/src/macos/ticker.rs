//! No timer: macOS has no timerfd, and EVFILT_TIMER is coalesced by tens of milliseconds.
//!
//! A loop has to wait with a timeout there. kqueue takes it in nanoseconds, so that is exact
//! enough.

use std::io;
use std::os::fd::BorrowedFd;

/// The absence of a periodic timer; see the module.
#[derive(Debug)]
pub struct Ticker;

impl Ticker {
    /// Always succeeds.
    pub fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Does nothing.
    pub fn arm(&mut self, _first_mono_ns: u64, _period_ns: u64) -> io::Result<()> {
        Ok(())
    }

    /// Does nothing.
    pub fn disarm(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// None: the caller's timeout is the timer.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Always 0.
    #[must_use]
    pub fn take(&mut self) -> u64 {
        0
    }
}
