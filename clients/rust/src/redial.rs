//! When to connect again: as a back-off says, and not while a breaker is open. No clock of its own.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Instant;

use crate::backoff::{Backoff, BackoffSettings};
use crate::breaker::{Breaker, BreakerSettings, BreakerState};

/// When to connect again; see the module.
#[derive(Clone, Copy, Debug)]
pub struct Redial {
    backoff: Backoff,
    breaker: Breaker,
    random: u64,
    /// Not before this.
    at: Option<Instant>,
}

impl Redial {
    /// One that lets the first attempt through at once.
    pub fn new(backoff: BackoffSettings, breaker: BreakerSettings) -> Self {
        Self {
            backoff: Backoff::new(backoff),
            breaker: Breaker::new(breaker),
            // std seeds these from the system's randomness.
            random: RandomState::new().build_hasher().finish(),
            at: None,
        }
    }

    /// Whether an attempt may be made; tell how it ended.
    pub fn allows(&mut self, now: Instant) -> bool {
        self.at.is_none_or(|at| now >= at) && self.breaker.allows(now)
    }

    /// The same without regard to the back-off, for whoever asks only when something is wanted.
    pub fn allows_now(&mut self, now: Instant) -> bool {
        self.breaker.allows(now)
    }

    /// Whether the breaker is open.
    pub fn is_resting(&self, now: Instant) -> bool {
        self.breaker.state(now) == BreakerState::Open
    }

    /// When to ask again.
    pub fn deadline(&self) -> Option<Instant> {
        self.at.max(self.breaker.opens_until())
    }

    /// The server does what it should.
    pub fn handle_success(&mut self) {
        self.backoff.reset();
        self.breaker.handle_success();
        self.at = None;
    }

    /// An attempt has failed, or a connection that was one before its time.
    pub fn handle_failure(&mut self, now: Instant) {
        self.breaker.handle_failure(now);
        self.wait(now);
    }

    /// A good connection has ended: no failure of the server's, but not all of its clients shall
    /// come back at once.
    pub fn handle_loss(&mut self, now: Instant) {
        self.wait(now);
    }

    fn wait(&mut self, now: Instant) {
        // Marsaglia's xorshift; 0 would stay 0.
        let mut random = self.random | 1;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        self.random = random;
        self.at = now.checked_add(self.backoff.next_wait(random));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn both_have_to_agree() {
        let backoff = BackoffSettings { jitter_percent: 0, ..Default::default() };
        let breaker =
            BreakerSettings { failures_max: 2, rest: Duration::from_secs(9), successes_min: 1 };
        let mut redial = Redial::new(backoff, breaker);
        let mut now = Instant::now();
        assert!(redial.allows(now));
        redial.handle_failure(now);
        assert_eq!(redial.deadline(), Some(now + Duration::from_secs(1)));
        assert!(!redial.allows(now + Duration::from_millis(999)));
        now += Duration::from_secs(1);
        assert!(redial.allows(now));
        redial.handle_failure(now);
        assert_eq!(redial.deadline(), Some(now + Duration::from_secs(9)), "the breaker is open");
        assert!(!redial.allows(now + Duration::from_secs(2)));
        now += Duration::from_secs(9);
        assert!(redial.allows(now));
        redial.handle_success();
        assert!(redial.allows(now));
        redial.handle_loss(now);
        assert_eq!(redial.deadline(), Some(now + Duration::from_secs(1)), "it begins anew");
    }

    #[test]
    fn two_of_them_do_not_wait_alike() {
        let now = Instant::now();
        let wait = || {
            let mut redial = Redial::new(BackoffSettings::default(), BreakerSettings::default());
            redial.handle_loss(now);
            redial.deadline()
        };
        let first = wait();
        assert!((0..20).any(|_| wait() != first));
    }
}
