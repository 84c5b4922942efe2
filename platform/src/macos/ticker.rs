//! A periodic timer by arithmetic, for systems without timerfd.
//!
//! There is no descriptor: the caller waits until [`Ticker::deadline_ns`] by its poll timeout and
//! takes. Expirations that were not taken in time are counted, as with timerfd.

use std::io;
use std::os::fd::BorrowedFd;

use crate::clock;

/// A periodic timer.
#[derive(Debug)]
pub struct Ticker {
    next_ns: Option<u64>,
    period_ns: u64,
}

impl Ticker {
    /// A timer that is not armed.
    pub fn new() -> io::Result<Self> {
        Ok(Self { next_ns: None, period_ns: 0 })
    }

    /// Expires first at `first_mono_ns` on the monotonic clock, then every `period_ns`.
    ///
    /// An instant in the past expires at once; a period of 0 means only once. Whatever was armed
    /// before, and any expiration not yet taken, is forgotten.
    pub fn arm(&mut self, first_mono_ns: u64, period_ns: u64) -> io::Result<()> {
        *self = Self { next_ns: Some(first_mono_ns), period_ns };
        Ok(())
    }

    /// Stops it, and forgets expirations that were not taken.
    pub fn disarm(&mut self) -> io::Result<()> {
        self.next_ns = None;
        Ok(())
    }

    /// There is no descriptor to wait for.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// The instant on the monotonic clock at which to look again, while armed.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        self.next_ns
    }

    /// How often it expired since the last take.
    #[must_use]
    pub fn take(&mut self) -> u64 {
        self.take_at(clock::now().mono_ns)
    }

    fn take_at(&mut self, now_ns: u64) -> u64 {
        let Some(late_ns) = self.next_ns.and_then(|next_ns| now_ns.checked_sub(next_ns)) else {
            return 0;
        };
        let Some(missed) = late_ns.checked_div(self.period_ns) else {
            self.next_ns = None;
            return 1;
        };
        let count = missed.saturating_add(1);
        let advance_ns = count.checked_mul(self.period_ns);
        self.next_ns = self.next_ns.and_then(|next_ns| next_ns.checked_add(advance_ns?));
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_was_not_taken_and_keeps_its_phase() {
        let mut ticker = Ticker::new().unwrap();
        assert_eq!((ticker.take_at(100), ticker.deadline_ns()), (0, None));
        ticker.arm(100, 10).unwrap();
        assert_eq!((ticker.take_at(99), ticker.deadline_ns()), (0, Some(100)));
        assert_eq!((ticker.take_at(100), ticker.deadline_ns()), (1, Some(110)));
        assert_eq!((ticker.take_at(139), ticker.deadline_ns()), (3, Some(140)));
        ticker.disarm().unwrap();
        assert_eq!(ticker.take_at(1_000), 0);
    }

    #[test]
    fn a_period_of_zero_expires_once_and_the_end_of_time_stops_it() {
        let mut ticker = Ticker::new().unwrap();
        ticker.arm(0, 0).unwrap();
        assert_eq!((ticker.take_at(5), ticker.take_at(6)), (1, 0));
        ticker.arm(u64::MAX - 5, 10).unwrap();
        assert_eq!((ticker.take_at(u64::MAX), ticker.deadline_ns()), (1, None));
        assert!(ticker.fd().is_none());
        assert_eq!(Ticker::new().unwrap().take(), 0);
    }
}
