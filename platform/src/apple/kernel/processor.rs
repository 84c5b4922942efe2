//! Time of processors, in ticks of 10 ms: `PROCESSOR_CPU_LOAD_INFO`, four u32 for each.
//!
//! A processor that Apple Silicon has parked stops counting, idle time too. So a processor's time
//! is at least as long as the machine was awake; otherwise a few ticks of work would be all there
//! was. The kernel's counts are of 32 bits and begin anew after 497 days; here they go on.

/// User, system, idle and nice, as the kernel orders them.
pub type Ticks = [u32; 4];

/// Of user, system, idle and nice.
const IDLE: usize = 2;
/// Nanoseconds in a tick.
pub const TICK_NS: u64 = 10_000_000;
/// A count that moves by more went back: it is of another count, or was corrected.
const BACK: u32 = 1 << 31;

/// What a processor did since it was first looked at, and before as its counts then said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    last: Ticks,
    modes: [u64; 4],
    total: u64,
    first_total: u64,
    first_ns: u64,
}

impl Processor {
    /// At the first look, when the machine was awake for `awake_ns`.
    #[must_use]
    pub fn new(ticks: Ticks, awake_ns: u64) -> Self {
        let modes = ticks.map(u64::from);
        let total = modes.iter().sum();
        Self { last: ticks, modes, total, first_total: total, first_ns: awake_ns }
    }

    /// At another look.
    pub fn advance(&mut self, ticks: Ticks, awake_ns: u64) {
        let mut passed = 0;
        for ((mode, last), now) in self.modes.iter_mut().zip(self.last).zip(ticks) {
            let moved = now.wrapping_sub(last);
            let moved = if moved < BACK { u64::from(moved) } else { 0 };
            *mode += moved;
            passed += moved;
        }
        self.last = ticks;
        let awake = awake_ns.saturating_sub(self.first_ns) / TICK_NS;
        self.total = (self.total + passed).max(self.first_total + awake);
    }

    /// Ticks of user, system, idle and nice, as the kernel counts them.
    #[must_use]
    pub const fn modes(&self) -> [u64; 4] {
        self.modes
    }

    /// Ticks spent working.
    #[must_use]
    pub const fn busy(&self) -> u64 {
        let [user, system, _, nice] = self.modes;
        user + system + nice
    }

    /// Ticks that passed: those that were counted, or more where it was parked.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
}

const _: () = assert!(IDLE == 2, "busy() leaves out the third");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND_NS: u64 = 1_000_000_000;

    #[test]
    fn a_parked_processor_was_idle() {
        let mut parked = Processor::new([10, 10, 80, 0], 7 * SECOND_NS);
        assert_eq!((parked.busy(), parked.total()), (20, 100));
        // A second of which it counted two ticks of work and nothing else.
        parked.advance([12, 10, 80, 0], 8 * SECOND_NS);
        assert_eq!((parked.busy(), parked.total()), (22, 200));
        // And one in which it counted all of them.
        parked.advance([12, 10, 180, 0], 9 * SECOND_NS);
        assert_eq!((parked.busy(), parked.total()), (22, 300));
        assert_eq!(parked.modes(), [12, 10, 180, 0]);
    }

    #[test]
    fn ticks_of_a_processor_that_counts_are_its_time() {
        let mut one = Processor::new([0, 0, 100, 0], SECOND_NS);
        // Nice work is work, and the clock may be read a moment before the counts.
        one.advance([10, 20, 165, 6], 2 * SECOND_NS);
        assert_eq!((one.busy(), one.total()), (36, 201));
    }

    #[test]
    fn counts_that_begin_anew_go_on_and_counts_that_fall_do_not() {
        let mut one = Processor::new([u32::MAX, 5, 100, 0], 0);
        one.advance([9, 5, 100, 0], 0);
        assert_eq!(one.busy(), u64::from(u32::MAX) + 10 + 5);
        // The kernel took ten ticks of idle time back.
        one.advance([9, 5, 90, 0], 0);
        assert_eq!(one.modes()[2], 100);
        one.advance([9, 5, 95, 0], 0);
        assert_eq!(one.modes()[2], 105);
    }

    proptest! {
        #[test]
        fn time_never_goes_back(looks: Vec<(Ticks, u32)>, first: Ticks) {
            let mut one = Processor::new(first, 0);
            let mut awake_ns = 0;
            for (ticks, passed_ns) in looks {
                let before = one;
                awake_ns += u64::from(passed_ns);
                one.advance(ticks, awake_ns);
                prop_assert!(one.busy() >= before.busy() && one.total() >= before.total());
                let (busy, total) = (one.busy() - before.busy(), one.total() - before.total());
                prop_assert!(busy <= total && one.busy() <= one.total());
            }
        }
    }
}
