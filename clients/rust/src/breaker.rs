//! A circuit breaker: who failed often enough is left alone for a while, and then tried with care.
//!
//! | state | attempts | leaves it |
//! |---|---|---|
//! | closed | all | open, after `failures_max` failures with no success between |
//! | open | none | half-open, when `rest` has passed |
//! | half-open | one at a time | closed, after `successes_min` successes; open, after one failure |
//!
//! It knows no clock: time comes from the caller. Whoever is allowed an attempt must tell how it
//! ended, or a half-open breaker allows no other.

use std::time::{Duration, Instant};

/// When a [`Breaker`] opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it; 0 counts as 1.
    pub failures_max: u32,
    /// How long it stays open.
    pub rest: Duration,
    /// Successes in a row that close it again; 0 counts as 1.
    pub successes_min: u32,
}

impl Default for BreakerSettings {
    /// Five failures, ten seconds, one success.
    fn default() -> Self {
        Self { failures_max: 5, rest: Duration::from_secs(10), successes_min: 1 }
    }
}

/// What a [`Breaker`] lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One attempt at a time.
    HalfOpen,
}

/// A circuit breaker; see the module.
///
/// ```
/// use std::time::{Duration, Instant};
/// use kymo_client::{Breaker, BreakerSettings, BreakerState};
///
/// let mut now = Instant::now();
/// let mut breaker = Breaker::new(BreakerSettings { failures_max: 2, ..Default::default() });
/// for _ in 0..2 {
///     assert!(breaker.allows(now));
///     breaker.handle_failure(now);
/// }
/// assert!(!breaker.allows(now));
/// now += Duration::from_secs(10);
/// assert!(breaker.allows(now));
/// breaker.handle_success();
/// assert_eq!(breaker.state(now), BreakerState::Closed);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    inner: Inner,
}

#[derive(Clone, Copy, Debug)]
enum Inner {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { successes: u32, is_trying: bool },
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(settings: BreakerSettings) -> Self {
        Self { settings, inner: Inner::Closed { failures: 0 } }
    }

    /// Whether an attempt may be made. If so, tell [`handle_success`](Self::handle_success) or
    /// [`handle_failure`](Self::handle_failure) how it ended.
    #[must_use]
    pub fn allows(&mut self, now: Instant) -> bool {
        match &mut self.inner {
            Inner::Closed { .. } => true,
            Inner::Open { until } if now < *until => false,
            Inner::Open { .. } => {
                self.inner = Inner::HalfOpen { successes: 0, is_trying: true };
                true
            }
            Inner::HalfOpen { is_trying, .. } => !std::mem::replace(is_trying, true),
        }
    }

    /// An attempt has succeeded.
    pub fn handle_success(&mut self) {
        match &mut self.inner {
            // One that was begun before it opened says nothing about now.
            Inner::Open { .. } => {}
            Inner::Closed { failures } => *failures = 0,
            Inner::HalfOpen { successes, is_trying } => {
                *is_trying = false;
                *successes += 1;
                if *successes >= self.settings.successes_min {
                    self.inner = Inner::Closed { failures: 0 };
                }
            }
        }
    }

    /// An attempt has failed.
    pub fn handle_failure(&mut self, now: Instant) {
        let opens = match &mut self.inner {
            Inner::Open { .. } => false,
            Inner::HalfOpen { .. } => true,
            Inner::Closed { failures } => {
                *failures = failures.saturating_add(1);
                *failures >= self.settings.failures_max
            }
        };
        if opens {
            self.inner = Inner::Open { until: now + self.settings.rest };
        }
    }

    /// What it lets through.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.inner {
            Inner::Closed { .. } => BreakerState::Closed,
            Inner::Open { until } if now < until => BreakerState::Open,
            Inner::Open { .. } | Inner::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// When it lets the next attempt through, if that is a matter of time.
    #[must_use]
    pub const fn opens_until(&self) -> Option<Instant> {
        match self.inner {
            Inner::Open { until } => Some(until),
            Inner::Closed { .. } | Inner::HalfOpen { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REST: Duration = Duration::from_secs(10);

    fn breaker(failures_max: u32, successes_min: u32) -> Breaker {
        Breaker::new(BreakerSettings { failures_max, rest: REST, successes_min })
    }

    #[test]
    fn failures_count_only_in_a_row() {
        let now = Instant::now();
        let mut breaker = breaker(3, 1);
        for _ in 0..10 {
            breaker.handle_failure(now);
            breaker.handle_failure(now);
            breaker.handle_success();
        }
        assert_eq!(breaker.state(now), BreakerState::Closed);
    }

    #[test]
    fn half_open_it_tries_one_at_a_time() {
        let now = Instant::now();
        let mut breaker = breaker(1, 2);
        breaker.handle_failure(now);
        assert_eq!(breaker.opens_until(), Some(now + REST));
        let late = now + REST;
        assert!(!breaker.allows(late - Duration::from_nanos(1)));
        assert!(breaker.allows(late));
        assert!(!breaker.allows(late), "a second one at once");
        breaker.handle_success();
        assert_eq!(breaker.state(late), BreakerState::HalfOpen);
        assert!(breaker.allows(late));
        breaker.handle_failure(late);
        assert_eq!(breaker.opens_until(), Some(late + REST), "it rests as long again");
    }

    #[test]
    fn late_news_change_nothing_while_it_is_open() {
        let now = Instant::now();
        let mut breaker = breaker(1, 1);
        breaker.handle_failure(now);
        breaker.handle_success();
        breaker.handle_failure(now + REST / 2);
        assert_eq!(breaker.opens_until(), Some(now + REST), "the rest is not prolonged");
    }

    /// What happens next: time passes, or an attempt is wanted and ends well or badly.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Pass(u32),
        Try(bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![(0..20_000u32).prop_map(Step::Pass), any::<bool>().prop_map(Step::Try)]
    }

    proptest! {
        /// However it goes: no attempt during a rest, and always one after it.
        #[test]
        fn it_rests_and_it_wakes(steps in prop::collection::vec(step(), 0..200), max in 1..5u32) {
            let mut now = Instant::now();
            let mut breaker = breaker(max, 1);
            let mut row = 0;
            let mut resting_until = None;
            for step in steps {
                match step {
                    Step::Pass(ms) => now += Duration::from_millis(ms.into()),
                    Step::Try(ends_well) => {
                        let allowed = breaker.allows(now);
                        prop_assert_eq!(allowed, resting_until.is_none_or(|until| now >= until));
                        if !allowed {
                            continue;
                        }
                        if ends_well {
                            breaker.handle_success();
                            (row, resting_until) = (0, None);
                        } else {
                            breaker.handle_failure(now);
                            row += 1;
                            if row >= max {
                                resting_until = Some(now + REST);
                            }
                        }
                    }
                }
            }
        }
    }
}
