//! Passes over all processes: begun at a tick while somebody wants them, and gone on with in slices
//! between the other work of the loop.
//!
//! Guarantees: a slice takes about [`PROCESSES_SLICE_NS`], and behind each is a pause; a pass
//! begins no sooner than asked for, and later where that would take more than the budget of all
//! sources; who comes when nothing is known waits no longer than the fastest would; while nobody
//! wants any, nothing is looked at and nothing is due.

use kymo_platform::{ProcessSource, Ranking};

use crate::limits::{PROCESSES_PAUSE_NS, PROCESSES_RATE_MHZ_MAX, PROCESSES_SLICE_NS};
use crate::sampler::Cost;
use crate::schedule::period_ns;

/// The least time between two passes that anybody is granted.
const LEAST_NS: u64 = period_ns(PROCESSES_RATE_MHZ_MAX);

/// The passes; see the module.
#[derive(Debug)]
pub struct Passes {
    source: Box<dyn ProcessSource>,
    /// The pass under way.
    current: Option<Pass>,
    /// When the last pass of which a slice was taken was due.
    began_ns: Option<u64>,
    /// So much later than its tick that one was due; the next one follows the ticks again.
    slack_ns: u64,
    /// What a whole pass took.
    took_ns: u64,
    cost: Cost,
    /// Whether the source has anything to forget.
    is_known: bool,
}

#[derive(Clone, Copy, Debug)]
struct Pass {
    /// The tick that it began with.
    tick_ns: u64,
    interval_ns: u64,
    took_ns: u64,
    /// When its next slice is due.
    slice_ns: u64,
    is_begun: bool,
}

/// A pass that is whole.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// The tick that it began with.
    pub tick_ns: u64,
    /// How long after it the next one is asked for.
    pub interval_ns: u64,
    /// What it found.
    pub ranking: &'a Ranking,
}

impl Passes {
    /// Nothing has been looked at.
    pub fn new(source: Box<dyn ProcessSource>) -> Self {
        let (current, began_ns) = (None, None);
        let (slack_ns, took_ns, cost, is_known) = (0, 0, Cost::default(), false);
        Self { source, current, began_ns, slack_ns, took_ns, cost, is_known }
    }

    /// What it has cost: whole passes, and the longest slice.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// The share of a CPU that a pass every `interval_ns` takes.
    #[allow(clippy::cast_precision_loss)] // a share
    pub fn load(&self, interval_ns: u64) -> f32 {
        let so_far_ns = self.current.map_or(0, |pass| pass.took_ns);
        self.took_ns.max(so_far_ns) as f32 / interval_ns.max(1) as f32
    }

    /// Whether nothing is known, and no pass is planned that would change it.
    pub fn is_new(&self) -> bool {
        !self.is_known && self.current.is_none()
    }

    /// How long after the last pass the next one is asked for by who wants one every `interval_ns`.
    pub fn asked_ns(&self, interval_ns: u64) -> u64 {
        if self.is_known { interval_ns } else { interval_ns.min(LEAST_NS) }
    }

    /// Begins a pass at the tick of `tick_ns` when that is due: `wait_ns` after the last one. When
    /// nothing is known, no tick is waited for.
    pub fn handle_tick(&mut self, tick_ns: u64, interval_ns: u64, wait_ns: u64) {
        let wait_ns = wait_ns.saturating_sub(if self.is_known { self.slack_ns } else { 0 });
        let due_ns =
            self.began_ns.map_or(tick_ns, |began_ns| tick_ns.max(began_ns.saturating_add(wait_ns)));
        if self.current.is_none() && (due_ns == tick_ns || !self.is_known) {
            let (slice_ns, is_begun) = (due_ns, false);
            self.current = Some(Pass { tick_ns, interval_ns, took_ns: 0, slice_ns, is_begun });
        }
    }

    /// When the next slice is due; `None` while no pass is under way.
    pub fn slice_ns(&self) -> Option<u64> {
        self.current.map(|pass| pass.slice_ns)
    }

    /// Goes on with the pass under way. Says what it found when it is whole.
    pub fn go_on(&mut self, clock: fn() -> u64) -> Option<Done<'_>> {
        let pass = self.current.as_mut()?;
        self.is_known = true;
        if !std::mem::replace(&mut pass.is_begun, true) {
            self.began_ns = Some(pass.slice_ns);
            let late_ns = pass.slice_ns - pass.tick_ns;
            self.slack_ns = late_ns.min(pass.interval_ns.saturating_sub(LEAST_NS));
        }
        let start_ns = clock();
        let is_whole = self.source.scan(PROCESSES_SLICE_NS);
        let end_ns = clock();
        let took_ns = end_ns.saturating_sub(start_ns);
        pass.took_ns += took_ns;
        pass.slice_ns = end_ns + PROCESSES_PAUSE_NS;
        self.cost.total_ns += took_ns;
        self.cost.max_ns = self.cost.max_ns.max(took_ns);
        if !is_whole {
            return None;
        }
        let Pass { tick_ns, interval_ns, took_ns, .. } = *pass;
        self.current = None;
        self.took_ns = took_ns;
        self.cost.reads += 1;
        Some(Done { tick_ns, interval_ns, ranking: self.source.ranking() })
    }

    /// Nobody wants any more: gives up the pass under way. A pause nobody watched is to be no part
    /// of a share.
    pub fn rest(&mut self) {
        if std::mem::take(&mut self.is_known) {
            self.source.forget();
        }
        self.current = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    const MS: u64 = 1_000_000;

    thread_local! {
        static NOW_NS: Cell<u64> = const { Cell::new(0) };
    }

    /// Each pass takes so many slices.
    struct Slow {
        slices: u32,
        left: u32,
        forgotten: Arc<AtomicU32>,
        ranking: Ranking,
    }

    impl ProcessSource for Slow {
        fn scan(&mut self, budget_ns: u64) -> bool {
            NOW_NS.set(NOW_NS.get() + budget_ns);
            self.left = if self.left == 0 { self.slices } else { self.left } - 1;
            self.left == 0
        }

        fn ranking(&self) -> &Ranking {
            &self.ranking
        }

        fn forget(&mut self) {
            self.left = 0;
            self.forgotten.fetch_add(1, Relaxed);
        }
    }

    fn passes(slices: u32) -> (Passes, Arc<AtomicU32>) {
        NOW_NS.set(0);
        let forgotten = Arc::new(AtomicU32::new(0));
        let source =
            Slow { slices, left: 0, forgotten: forgotten.clone(), ranking: Ranking::default() };
        (Passes::new(Box::new(source)), forgotten)
    }

    #[test]
    fn a_pass_is_made_of_slices_with_pauses() {
        let (mut passes, _) = passes(3);
        assert_eq!(passes.slice_ns(), None);
        assert!(passes.go_on(|| NOW_NS.get()).is_none());
        passes.handle_tick(0, 500 * MS, 500 * MS);
        assert_eq!(passes.slice_ns(), Some(0));
        let step_ns = PROCESSES_SLICE_NS + PROCESSES_PAUSE_NS;
        for slice in 1..=2 {
            assert!(passes.go_on(|| NOW_NS.get()).is_none());
            assert_eq!(passes.slice_ns(), Some(NOW_NS.get() + PROCESSES_PAUSE_NS));
            NOW_NS.set(slice * step_ns);
            // No other one begins meanwhile.
            passes.handle_tick(600 * MS, 500 * MS, 500 * MS);
        }
        let done = passes.go_on(|| NOW_NS.get()).unwrap();
        assert_eq!((done.tick_ns, done.interval_ns), (0, 500 * MS));
        assert_eq!(passes.slice_ns(), None);
        let cost = passes.cost();
        assert_eq!((cost.reads, cost.total_ns, cost.max_ns), (1, 600_000, PROCESSES_SLICE_NS));
        assert!((passes.load(60 * MS) - 0.01).abs() < 1e-6);
        passes.handle_tick(499 * MS, 500 * MS, 500 * MS);
        assert_eq!(passes.slice_ns(), None);
        passes.handle_tick(500 * MS, 500 * MS, 500 * MS);
        assert_eq!(passes.slice_ns(), Some(500 * MS));
    }

    #[test]
    fn who_leaves_takes_the_pass_along_and_who_comes_makes_none_sooner() {
        let (mut passes, forgotten) = passes(9);
        passes.handle_tick(0, 500 * MS, 500 * MS);
        passes.rest();
        assert_eq!(forgotten.load(Relaxed), 0, "nothing was looked at");
        passes.handle_tick(500 * MS, 500 * MS, 500 * MS);
        assert!(passes.go_on(|| NOW_NS.get()).is_none());
        (0..3).for_each(|_| passes.rest());
        assert_eq!((forgotten.load(Relaxed), passes.slice_ns()), (1, None));
        // Whoever comes and goes meanwhile puts it off no further either.
        for tick_ms in [700, 800, 900] {
            passes.rest();
            passes.handle_tick(tick_ms * MS, 500 * MS, 500 * MS);
            assert_eq!(passes.slice_ns(), Some(1000 * MS));
        }
    }

    /// The bug it finds: a slow newcomer waited for the tick behind its own period.
    #[test]
    fn who_comes_when_nothing_is_known_does_not_wait_for_its_period() {
        let (mut passes, _) = passes(1);
        let slow_ns = 10_000 * MS;
        assert_eq!((passes.is_new(), passes.asked_ns(slow_ns)), (true, 500 * MS));
        passes.handle_tick(0, slow_ns, 500 * MS);
        assert_eq!(passes.go_on(|| NOW_NS.get()).unwrap().interval_ns, slow_ns);
        assert_eq!((passes.is_new(), passes.asked_ns(slow_ns)), (false, slow_ns));
        passes.handle_tick(9000 * MS, slow_ns, slow_ns);
        assert_eq!(passes.slice_ns(), None);
        passes.rest();
        assert_eq!((passes.is_new(), passes.asked_ns(slow_ns)), (true, 500 * MS));
        passes.handle_tick(200 * MS, slow_ns, passes.asked_ns(slow_ns));
        assert_eq!((passes.is_new(), passes.slice_ns()), (false, Some(500 * MS)));
        assert!(passes.go_on(|| NOW_NS.get()).is_some());
        // The next one follows the ticks of who asked.
        passes.handle_tick(10_199 * MS, slow_ns, slow_ns);
        assert_eq!(passes.slice_ns(), None);
        passes.handle_tick(10_200 * MS, slow_ns, slow_ns);
        assert_eq!(passes.slice_ns(), Some(10_200 * MS));
    }
}
