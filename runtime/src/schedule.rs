//! When telemetry ticks: on one grid, as fast as the fastest subscriber has use for.

use kymo_protocol::{Group, Groups};

/// Nanoseconds between frames at `rate_mhz` thousandths of a hertz.
#[must_use]
pub const fn period_ns(rate_mhz: u32) -> u64 {
    1_000_000_000_000 / if rate_mhz == 0 { 1 } else { rate_mhz as u64 }
}

/// Of each group, the least nanoseconds between two ticks that have something to do for it.
pub type Cadences = [u64; Group::ALL.len()];

/// Thousandths of a tick a second that who wants `groups` at `rate_mhz` has use for.
#[must_use]
pub fn useful_mhz(rate_mhz: u32, groups: Groups, cadences: &Cadences) -> u32 {
    let wanted = Group::ALL.into_iter().zip(cadences).filter(|(group, _)| groups.contains(*group));
    let Some(least_ns) = wanted.map(|(_, cadence_ns)| *cadence_ns).min() else { return 0 };
    u32::try_from(period_mhz(least_ns)).unwrap_or(u32::MAX).min(rate_mhz)
}

fn period_mhz(period_ns: u64) -> u64 {
    1_000_000_000_000 / period_ns.max(1)
}

/// The grid of ticks; it stands still while nobody subscribes.
#[derive(Debug, Default)]
pub struct Schedule {
    /// The fastest rate that anybody has use for; 0 while nobody has.
    rate_mhz: u32,
    /// Subscribers at exactly that rate.
    holders: u32,
    next_ns: u64,
    missed: u64,
}

/// What a periodic timer is to be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// The next tick, on the monotonic clock.
    pub first_ns: u64,
    /// The distance of the following ones.
    pub period_ns: u64,
}

impl Schedule {
    /// The ticks to come, if any.
    #[must_use]
    pub fn ticks(&self) -> Option<Ticks> {
        (self.rate_mhz > 0)
            .then(|| Ticks { first_ns: self.next_ns, period_ns: period_ns(self.rate_mhz) })
    }

    /// Ticks that were skipped because the one before took, or came, too late.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Takes in a subscriber. A newcomer that would wait longer than `wait_ns_max` for its first
    /// frame moves the grid to now.
    pub fn join(&mut self, rate_mhz: u32, now_ns: u64, wait_ns_max: u64) {
        if self.next_ns > now_ns.saturating_add(wait_ns_max) {
            self.next_ns = now_ns;
        }
        if rate_mhz > self.rate_mhz {
            self.set_rate(rate_mhz, 1, now_ns);
        } else if rate_mhz == self.rate_mhz {
            self.holders += 1;
        }
    }

    /// Lets a subscriber go; `rates` yields those of the ones who stay.
    pub fn leave(&mut self, rate_mhz: u32, now_ns: u64, rates: impl Iterator<Item = u32> + Clone) {
        if rate_mhz < self.rate_mhz {
            return;
        }
        self.holders -= 1;
        if self.holders == 0 {
            self.follow(rates, now_ns);
        }
    }

    /// The rates of all subscribers are these now.
    pub fn follow(&mut self, rates: impl Iterator<Item = u32> + Clone, now_ns: u64) {
        let fastest = rates.clone().max().unwrap_or(0);
        let holders = rates.filter(|rate| *rate == fastest).count();
        self.set_rate(fastest, u32::try_from(holders).unwrap_or(u32::MAX), now_ns);
    }

    fn set_rate(&mut self, rate_mhz: u32, holders: u32, now_ns: u64) {
        if self.rate_mhz == 0 {
            self.next_ns = now_ns;
        }
        self.rate_mhz = rate_mhz;
        self.holders = holders;
        // A faster grid begins no later than its own period from now.
        self.next_ns = self.next_ns.min(now_ns.saturating_add(period_ns(rate_mhz)));
    }

    /// Ticks that are late now are nobody's fault: all but the latest are let go without being
    /// counted.
    pub fn forgive(&mut self, now_ns: u64) {
        if let Some(Ticks { first_ns, period_ns }) = self.ticks() {
            self.next_ns += now_ns.saturating_sub(first_ns) / period_ns * period_ns;
        }
    }

    /// The planned time of the latest tick that is due, and moves on behind it; ticks before that
    /// one are counted as missed and never made up for.
    pub fn take(&mut self, now_ns: u64) -> Option<u64> {
        let Ticks { first_ns, period_ns } = self.ticks()?;
        let late_ns = now_ns.checked_sub(first_ns)?;
        let missed = late_ns / period_ns;
        self.missed += missed;
        let tick_ns = first_ns + missed * period_ns;
        self.next_ns = tick_ns + period_ns;
        Some(tick_ns)
    }
}

/// When one subscriber is due on the grid: at the tick nearest to its own times.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    period_ns: u64,
    next_ns: u64,
}

impl Due {
    /// Due at the next tick, and from then on at `rate_mhz`.
    #[must_use]
    pub fn new(rate_mhz: u32) -> Self {
        Self { period_ns: period_ns(rate_mhz), next_ns: 0 }
    }

    /// Whether the subscriber is due at the tick of `tick_ns`, on a grid of `grid_ns`.
    pub fn take(&mut self, tick_ns: u64, grid_ns: u64) -> bool {
        if self.next_ns > tick_ns + grid_ns / 2 {
            return false;
        }
        self.next_ns += self.period_ns;
        // At the first tick, and after a pause, its times begin here.
        if self.next_ns + self.period_ns / 2 < tick_ns {
            self.next_ns = tick_ns + self.period_ns;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_grid_is_that_of_the_fastest() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.ticks(), None);
        schedule.join(25_000, 100 * MS, 0);
        assert_eq!(schedule.ticks(), Some(Ticks { first_ns: 100 * MS, period_ns: 40 * MS }));
        assert_eq!(schedule.take(99 * MS), None);
        assert_eq!(schedule.take(101 * MS), Some(100 * MS));
        schedule.join(1_000_000, 105 * MS, 100 * MS);
        assert_eq!(schedule.ticks(), Some(Ticks { first_ns: 106 * MS, period_ns: MS }));
        schedule.leave(1_000_000, 106 * MS, [25_000].into_iter());
        assert_eq!(schedule.ticks().map(|t| t.period_ns), Some(40 * MS));
        schedule.leave(25_000, 107 * MS, [].into_iter());
        assert_eq!(schedule.ticks(), None);
    }

    #[test]
    fn nobody_has_use_for_more_ticks_than_there_are_readings() {
        let mut cadences = [10_000 * MS; Group::ALL.len()];
        (cadences[0], cadences[1]) = (0, 500 * MS);
        for (rate_mhz, groups, useful) in [
            (1_000_000, 0b1, 1_000_000),
            (1_000_000, 0b10, 2000),
            (1_000_000, 0b111, 1_000_000),
            (1000, 0b10, 1000),
            (1_000_000, 0b100, 100),
            (1_000_000, 0, 0),
        ] {
            assert_eq!(useful_mhz(rate_mhz, Groups(groups), &cadences), useful, "{groups:b}");
        }
    }

    #[test]
    fn who_has_use_for_no_tick_makes_none_and_the_others_go_on() {
        let mut schedule = Schedule::default();
        schedule.join(0, 0, 0);
        assert_eq!(schedule.ticks(), None);
        schedule.join(1_000_000, 5000 * MS, 100 * MS);
        assert_eq!((schedule.take(5000 * MS), schedule.missed()), (Some(5000 * MS), 0));
        schedule.follow([0, 2000].into_iter(), 5000 * MS);
        assert_eq!(schedule.ticks(), Some(Ticks { first_ns: 5001 * MS, period_ns: 500 * MS }));
        schedule.leave(2000, 5000 * MS, [0].into_iter());
        assert_eq!(schedule.ticks(), None);
        schedule.leave(0, 5000 * MS, [].into_iter());
        schedule.join(1000, 9000 * MS, 0);
        assert_eq!(schedule.ticks().map(|ticks| ticks.first_ns), Some(9000 * MS));
    }

    #[test]
    fn missed_ticks_are_counted_and_not_made_up_for() {
        let mut schedule = Schedule::default();
        schedule.join(25_000, 0, 0);
        assert_eq!(schedule.take(0), Some(0));
        assert_eq!(schedule.take(170 * MS), Some(160 * MS));
        assert_eq!(schedule.missed(), 3);
        assert_eq!(schedule.take(170 * MS), None);
        assert_eq!(schedule.take(200 * MS), Some(200 * MS));
    }

    #[test]
    fn what_is_forgiven_is_not_counted_and_the_grid_stays() {
        let mut schedule = Schedule::default();
        schedule.forgive(7);
        schedule.join(25_000, 0, 0);
        assert_eq!(schedule.take(0), Some(0));
        schedule.forgive(30 * MS);
        assert_eq!(schedule.take(39 * MS), None);
        schedule.forgive(3010 * MS);
        assert_eq!(schedule.take(3010 * MS), Some(3000 * MS));
        assert_eq!((schedule.take(3039 * MS), schedule.missed()), (None, 0));
        assert_eq!((schedule.take(3080 * MS), schedule.missed()), (Some(3080 * MS), 1));
    }

    #[test]
    fn a_newcomer_on_a_slow_grid_does_not_wait() {
        let mut schedule = Schedule::default();
        schedule.join(100, 0, 100 * MS);
        assert_eq!(schedule.take(0), Some(0));
        schedule.join(100, 3000 * MS, 100 * MS);
        assert_eq!(schedule.take(3000 * MS), Some(3000 * MS));
        assert_eq!(schedule.take(12_999 * MS), None);
        // It waits as long as it may.
        schedule.join(100, 12_900 * MS, 100 * MS);
        assert_eq!(schedule.take(12_999 * MS), None);
        schedule.join(100, 12_899 * MS, 100 * MS);
        assert_eq!(schedule.take(12_899 * MS), Some(12_899 * MS));
    }

    #[test]
    fn a_slower_subscriber_does_not_keep_the_grid_of_a_faster_one() {
        let mut schedule = Schedule::default();
        schedule.join(25_000, 0, 0);
        schedule.join(10_000, 0, 100 * MS);
        schedule.leave(25_000, MS, [10_000].into_iter());
        assert_eq!(schedule.ticks().map(|ticks| ticks.period_ns), Some(100 * MS));
    }

    #[test]
    fn times_stay_after_a_delay_and_begin_anew_after_a_pause() {
        let start = 1000 * MS;
        for (late_ns, next_ns) in [
            // Half a period after the one that was left out: in time for that.
            (350 * MS, 350 * MS + 1),
            (350 * MS + 1, 450 * MS + 1),
        ] {
            let mut due = Due::new(10_000);
            assert!(due.take(start, 1) && !due.take(start + 100 * MS - 1, 1));
            assert!(due.take(start + 100 * MS, 1));
            assert!(due.take(start + late_ns, 1));
            assert!(late_ns + 1 == next_ns || !due.take(start + next_ns - 1, 1));
            assert!(due.take(start + next_ns, 1), "{late_ns}");
        }
    }

    #[test]
    fn slower_subscribers_keep_their_average_and_stay_within_a_tick() {
        for rate_mhz in [100, 1_000, 3_333, 7_000, 10_000, 24_999, 25_000] {
            let mut due = Due::new(rate_mhz);
            let start = 1_000_000 * MS;
            let mut taken = 0u64;
            for tick in 0..25 * 600u64 {
                let tick_ns = start + tick * 40 * MS;
                if due.take(tick_ns, 40 * MS) {
                    let ideal_ns = start + taken * period_ns(rate_mhz);
                    assert!(tick_ns.abs_diff(ideal_ns) <= 20 * MS, "{rate_mhz} at {tick}");
                    taken += 1;
                }
            }
            let expected = u64::from(rate_mhz) * 600 / 1000;
            assert!(taken.abs_diff(expected) * 50 <= expected.max(50), "{rate_mhz}: {taken}");
        }
    }
}
