//! No timer: macOS has no timerfd, and EVFILT_TIMER is coalesced by tens of milliseconds.
//!
//! A loop has to wait with a timeout there. kqueue takes it in nanoseconds, and the kernel may come
//! late by an eighth of it, a millisecond at most (docs/PLATFORM.md).

use std::io;
use std::os::fd::BorrowedFd;

/// There is none.
#[derive(Debug)]
pub enum Ticker {}

impl Ticker {
    /// Always none: the caller's timeout is the timer.
    pub fn new() -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// Does nothing: there is none.
    pub fn arm(&mut self, _first_mono_ns: u64, _period_ns: u64) -> io::Result<()> {
        match *self {}
    }

    /// Does nothing: there is none.
    pub fn disarm(&mut self) -> io::Result<()> {
        match *self {}
    }

    /// What there is none of.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        match *self {}
    }

    /// Takes nothing: there is none.
    #[must_use]
    pub fn take(&mut self) -> u64 {
        match *self {}
    }
}
