//! A periodic timer as a descriptor: timerfd on the monotonic clock.
//!
//! Its expirations are counted by the kernel, so ticks that were not taken in time are known, not
//! lost. It never blocks and allocates nothing. It does not tick through suspend.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::read;

/// A periodic timer.
///
/// ```
/// use kymo_platform::{Ticker, clock};
///
/// if let Some(mut ticker) = Ticker::new()? {
///     ticker.arm(clock::now().mono_ns + 1_000_000_000, 40_000_000)?; // in 1 s, then at 25 Hz
///     assert_eq!(ticker.take(), 0);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Ticker(TimerFd);

impl Ticker {
    /// A timer that is not armed. `None` on a system that has none (macOS): there a caller waits
    /// with timeouts.
    pub fn new() -> io::Result<Option<Self>> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        Ok(Some(Self(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?)))
    }

    /// Expires first at `first_mono_ns` on the monotonic clock, then every `period_ns`.
    ///
    /// An instant in the past expires at once; a period of 0 means only once. Whatever was armed
    /// before, and any expiration not yet taken, is forgotten.
    pub fn arm(&mut self, first_mono_ns: u64, period_ns: u64) -> io::Result<()> {
        // All zeroes would disarm the timer instead of expiring it at once.
        let first = time(first_mono_ns.max(1));
        let expiration = match period_ns {
            0 => Expiration::OneShot(first),
            _ => Expiration::IntervalDelayed(first, time(period_ns)),
        };
        Ok(self.0.set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?)
    }

    /// Stops it, and forgets expirations that were not taken.
    pub fn disarm(&mut self) -> io::Result<()> {
        Ok(self.0.unset()?)
    }

    /// The descriptor that becomes readable at each expiration.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// How often it expired since the last take.
    #[must_use]
    pub fn take(&mut self) -> u64 {
        let mut count = [0; 8];
        loop {
            match read(&self.0, &mut count) {
                Ok(8) => return u64::from_ne_bytes(count),
                Err(Errno::EINTR) => {}
                // Nothing to take; a timerfd has no other error that retrying would mend.
                Ok(_) | Err(_) => return 0,
            }
        }
    }
}

fn time(ns: u64) -> TimeSpec {
    TimeSpec::from_duration(std::time::Duration::from_nanos(ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn it_counts_what_was_not_taken_and_stops() {
        let mut ticker = Ticker::new().unwrap().unwrap();
        assert_eq!(ticker.take(), 0);
        ticker.arm(now().mono_ns, 1_000_000).unwrap();
        sleep(Duration::from_millis(20));
        let taken = ticker.take();
        assert!((19..1_000).contains(&taken), "{taken} expirations");
        ticker.disarm().unwrap();
        sleep(Duration::from_millis(3));
        assert_eq!(ticker.take(), 0);
    }

    #[test]
    fn the_past_expires_at_once_and_a_period_of_zero_only_once() {
        let mut ticker = Ticker::new().unwrap().unwrap();
        ticker.arm(0, 0).unwrap();
        sleep(Duration::from_millis(3));
        assert_eq!(ticker.take(), 1);
        sleep(Duration::from_millis(3));
        assert_eq!(ticker.take(), 0);
        ticker.arm(u64::MAX, u64::MAX).unwrap();
        assert_eq!(ticker.take(), 0);
    }
}
