//! How long to wait before the next attempt: longer each time, up to a cap, and never at the same
//! moment as everybody else who lost the same server.
//!
//! It knows no clock and no source of randomness: both come from the caller.

use std::time::Duration;

/// How a [`Backoff`] grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffSettings {
    /// The longest wait before the first attempt.
    pub first: Duration,
    /// The longest wait at all.
    pub cap: Duration,
    /// What each wait is to the one before; less than 1 counts as 1.
    pub factor: u32,
    /// Which part of a wait is left to chance, in percent: the wait lies between what remains
    /// without that part and the whole. More than 100 counts as 100.
    pub jitter_percent: u8,
}

impl Default for BackoffSettings {
    /// Half a second to a second at first, twice as long each time, up to half a minute.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            factor: 2,
            jitter_percent: 50,
        }
    }
}

/// Waits between attempts.
///
/// ```
/// use std::time::Duration;
/// use kymo_client::{Backoff, BackoffSettings};
///
/// let mut backoff = Backoff::new(BackoffSettings { jitter_percent: 0, ..Default::default() });
/// let waits: Vec<u64> = (0..7).map(|_| backoff.next_wait(0).as_secs()).collect();
/// assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
/// backoff.reset();
/// assert_eq!(backoff.next_wait(0), Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    settings: BackoffSettings,
    /// The longest the next wait may be.
    next: Duration,
}

impl Backoff {
    /// A back-off before its first wait.
    #[must_use]
    pub fn new(settings: BackoffSettings) -> Self {
        Self { settings, next: settings.first.min(settings.cap) }
    }

    /// The wait before the next attempt. `random` is any number of 64 bits; equal numbers make
    /// equal waits.
    #[must_use]
    pub fn next_wait(&mut self, random: u64) -> Duration {
        let whole = self.next;
        let factor = self.settings.factor.max(1);
        self.next =
            whole.checked_mul(factor).map_or(self.settings.cap, |next| next.min(self.settings.cap));
        let percent = u128::from(self.settings.jitter_percent.min(100));
        let part_ns = whole.as_nanos() * percent / 100;
        // From 0 to the whole part. A part has 94 bits at most.
        let less_ns = (part_ns * u128::from(random >> 32)) >> 32;
        whole.saturating_sub(Duration::from_nanos(u64::try_from(less_ns).unwrap_or(u64::MAX)))
    }

    /// An attempt has succeeded: the next wait is as short as the first.
    pub fn reset(&mut self) {
        *self = Self::new(self.settings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings() -> impl Strategy<Value = BackoffSettings> {
        (any::<Duration>(), any::<Duration>(), any::<u32>(), any::<u8>()).prop_map(
            |(first, cap, factor, jitter_percent)| BackoffSettings {
                first,
                cap,
                factor,
                jitter_percent,
            },
        )
    }

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(settings in settings(), random: [u64; 12]) {
            let mut backoff = Backoff::new(settings);
            let mut whole = settings.first.min(settings.cap);
            for random in random {
                let wait = backoff.next_wait(random);
                prop_assert!(wait <= whole, "{wait:?} above {whole:?}");
                let percent = u32::from(settings.jitter_percent.min(100));
                // No more than that part is left to chance, to the nanosecond.
                let least = whole.as_nanos() * u128::from(100 - percent) / 100;
                if whole < Duration::from_secs(1 << 30) {
                    prop_assert!(wait.as_nanos() >= least, "{wait:?} below {least}");
                }
                let next = whole.checked_mul(settings.factor.max(1)).unwrap_or(Duration::MAX);
                whole = next.min(settings.cap);
            }
            backoff.reset();
            prop_assert_eq!(backoff, Backoff::new(settings));
        }
    }

    #[test]
    fn chance_reaches_both_ends() {
        let wait = |random| Backoff::new(BackoffSettings::default()).next_wait(random);
        assert_eq!(wait(0), Duration::from_secs(1));
        assert_eq!(wait(u64::MAX).as_millis(), 500);
        assert_eq!(wait(u64::MAX / 2).as_millis(), 750);
    }
}
