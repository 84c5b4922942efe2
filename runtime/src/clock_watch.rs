//! Notices that the machine has slept, and that somebody has set its wall clock: by the distances
//! between the three clocks, at each time it is told.
//!
//! Guarantees: what is noticed adds up to what has happened, however seldom it is told the time;
//! what the wall clock drifts by, or is slewed, is never taken for a step. Not guaranteed: that two
//! suspends, or two steps, between which it was not told the time are told apart.

use kymo_platform::clock::{Now, SLEW_PPM};

use crate::limits::{CLOCK_DRIFT_NS_MAX, CLOCK_STEP_NS_MIN, SUSPEND_NS_MIN};

/// The clocks as they stood; see the module.
#[derive(Debug)]
pub struct ClockWatch {
    boot_ns: u64,
    /// From the monotonic clock to the boot clock: the time asleep.
    asleep_ns: i64,
    /// From the boot clock to the wall clock.
    wall_ns: i64,
    /// The same when subscribers were told it last.
    told_ns: i64,
    slew_ppm: u64,
}

/// What has happened to the clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// How long the machine slept.
    pub slept_ns: u64,
    /// How far the wall clock was moved; negative when it was set back.
    pub moved_ns: i64,
}

impl ClockWatch {
    /// A watch that begins now.
    pub fn new(now: Now) -> Self {
        let (asleep_ns, wall_ns) = distances(now);
        Self { boot_ns: now.boot_ns, asleep_ns, wall_ns, told_ns: wall_ns, slew_ppm: SLEW_PPM }
    }

    /// What has happened since the time before.
    pub fn handle_time(&mut self, now: Now) -> Change {
        let passed_ns = now.boot_ns.saturating_sub(self.boot_ns);
        self.boot_ns = now.boot_ns;
        let slew_ns = i64::try_from(passed_ns / 1_000_000 * self.slew_ppm).unwrap_or(i64::MAX);
        let (asleep_ns, wall_ns) = distances(now);
        // The two are one counter everywhere.
        let slept_ns = leap(&mut self.asleep_ns, asleep_ns, 0, SUSPEND_NS_MIN);
        let moved_ns = leap(&mut self.wall_ns, wall_ns, slew_ns, CLOCK_STEP_NS_MIN);
        // Nobody sleeps for less than no time.
        Change { slept_ns: u64::try_from(slept_ns).unwrap_or(0), moved_ns }
    }

    /// Whether subscribers are to be told anew how the wall clock stands to the boot clock: it was
    /// set, or has gone so far from where it was told. They are, then.
    pub fn must_tell(&mut self, change: Change) -> bool {
        let is_adrift = self.slew_ppm > 0
            && self.wall_ns.saturating_sub(self.told_ns).unsigned_abs() >= CLOCK_DRIFT_NS_MAX;
        let must = change.moved_ns != 0 || is_adrift;
        if must {
            self.told_ns = self.wall_ns;
        }
        must
    }
}

impl Change {
    /// Whether nothing has happened.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Both, one after the other.
    pub fn and(self, other: Self) -> Self {
        Self {
            slept_ns: self.slept_ns.saturating_add(other.slept_ns),
            moved_ns: self.moved_ns.saturating_add(other.moved_ns),
        }
    }
}

fn distances(now: Now) -> (i64, i64) {
    let between = |later: u64, earlier: u64| later.wrapping_sub(earlier).cast_signed();
    (between(now.boot_ns, now.mono_ns), between(now.wall_ns, now.boot_ns))
}

/// How far a distance is from where it stood, when that is a leap; else 0, and where it stands
/// follows by `slew_ns` at most.
fn leap(stood_ns: &mut i64, stands_ns: i64, slew_ns: i64, ns_min: u64) -> i64 {
    let way_ns = stands_ns.saturating_sub(*stood_ns);
    let slewed_ns = way_ns.clamp(-slew_ns, slew_ns);
    if (way_ns - slewed_ns).unsigned_abs() < ns_min {
        *stood_ns += slewed_ns;
        return 0;
    }
    *stood_ns = stands_ns;
    way_ns
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const S: u64 = 1000 * MS;
    const START: Now = Now { mono_ns: 50 * S, boot_ns: 70 * S, wall_ns: 1_700_000_000 * S };

    struct Rig {
        watch: ClockWatch,
        now: Now,
    }

    impl Rig {
        fn new(slew_ppm: u64) -> Self {
            Self { watch: ClockWatch { slew_ppm, ..ClockWatch::new(START) }, now: START }
        }

        /// Time passes awake, then asleep, and the wall clock moves beside.
        fn pass(&mut self, awake_ns: u64, asleep_ns: u64, moved_ns: i64) -> Change {
            self.now.mono_ns += awake_ns;
            self.now.boot_ns += awake_ns + asleep_ns;
            let wall_ns = self.now.wall_ns + awake_ns + asleep_ns;
            self.now.wall_ns = wall_ns.checked_add_signed(moved_ns).unwrap();
            self.watch.handle_time(self.now)
        }
    }

    fn change(slept_ns: u64, moved_ns: i64) -> Change {
        Change { slept_ns, moved_ns }
    }

    #[test]
    fn a_suspend_is_no_step_and_a_step_no_suspend() {
        let mut rig = Rig::new(0);
        assert!(rig.pass(40 * MS, 0, 0).is_none());
        assert_eq!(rig.pass(40 * MS, 3600 * S, 0), change(3600 * S, 0));
        assert!(rig.pass(40 * MS, 0, 0).is_none(), "told once");
        for moved_ns in [-86_400_000_000_000, 3_600_000_000_000, 100_000_000, -100_000_000] {
            assert_eq!(rig.pass(40 * MS, 0, moved_ns), change(0, moved_ns));
            assert!(rig.pass(40 * MS, 0, 0).is_none());
        }
        assert_eq!(rig.pass(0, 20 * S, -700_000_000), change(20 * S, -700_000_000));
    }

    #[test]
    fn days_without_a_look_change_nothing() {
        let mut rig = Rig::new(0);
        assert!(rig.pass(30 * 86_400 * S, 0, 0).is_none());
        assert_eq!(rig.pass(30 * 86_400 * S, 5 * S, 200_000_000), change(5 * S, 200_000_000));
    }

    #[test]
    fn what_is_too_little_is_told_when_it_adds_up() {
        let mut rig = Rig::new(0);
        assert!(rig.pass(S, 60 * MS, -60_000_000).is_none());
        assert_eq!(rig.pass(S, 60 * MS, -60_000_000), change(120 * MS, -120_000_000));
        // A reading that was interrupted between two clocks, and the next one.
        assert!(rig.pass(S, 0, 2_000_000).is_none());
        assert!(rig.pass(S, 0, -2_000_000).is_none());
    }

    #[test]
    fn a_slewed_clock_makes_no_step() {
        let mut rig = Rig::new(500);
        for _ in 0..3600 {
            assert!(rig.pass(S, 0, 500_000).is_none());
        }
        // An hour without a look, slewed all the time.
        assert!(rig.pass(3600 * S, 0, -1_800_000_000).is_none());
        assert_eq!(rig.pass(S, 0, 3_000_000_000), change(0, 3_000_000_000));
        let mut still = Rig::new(0);
        assert_eq!(still.pass(3600 * S, 0, -1_800_000_000), change(0, -1_800_000_000));
    }

    #[test]
    fn a_drift_is_told_and_no_step_and_a_short_sleep_is_seen_through_it() {
        let mut rig = Rig::new(5000);
        let mut told = 0;
        // 20 millionths, as clocks of machines go, for an hour; then half a second's sleep.
        for _ in 0..3600 {
            let change = rig.pass(S, 0, 20_000);
            assert!(change.is_none());
            told += u32::from(rig.watch.must_tell(change));
        }
        assert_eq!(told, 3);
        assert_eq!(rig.pass(3600 * S, S / 2, 0), change(S / 2, 0));
        let step = rig.pass(S, 0, 200_000_000);
        assert!(rig.watch.must_tell(step) && !rig.watch.must_tell(change(0, 0)));
        // Where the wall clock's drift is the boot clock's as well, there is none.
        let mut rig = Rig::new(0);
        let change = rig.pass(S, 0, 50_000_000);
        assert!(change.is_none() && !rig.watch.must_tell(change));
    }

    #[test]
    fn no_clock_is_too_strange() {
        let mut rig = Rig::new(500);
        let end = Now { mono_ns: u64::MAX, boot_ns: 0, wall_ns: u64::MAX };
        for now in [end, Now::default(), START, end, Now { boot_ns: u64::MAX, ..START }] {
            let _ = rig.watch.handle_time(now);
        }
        rig.now = START;
        let _ = rig.watch.handle_time(START);
        assert!(rig.pass(S, 0, 0).is_none());
    }
}
