//! How much less often sources are read, so that all of them together stay within a budget.
//!
//! Each source asks for a share of a CPU: what a read takes, over the time between two reads. Where
//! the sum is more than the budget, a cap is sought below which every share stays as it is and to
//! which the larger ones are cut, so that the sum is the budget: the dearest sources give way
//! first, and cheap ones never for them.

/// The cap is found anew after so long.
const PERIOD_NS: u64 = 1_000_000_000;
/// Halvings in the search for the cap: within a thousandth of the budget.
const STEPS: u32 = 16;

/// The cap; see the module.
#[derive(Debug)]
pub struct Stretch {
    budget: f32,
    /// The largest share that a source may take.
    cap: f32,
    next_ns: u64,
}

impl Stretch {
    /// For a budget that is a share of one CPU.
    pub fn new(budget: f32) -> Self {
        Self { budget, cap: f32::INFINITY, next_ns: 0 }
    }

    /// Sets another budget. The cap for it is found at the next tick.
    pub fn set_budget(&mut self, budget: f32) {
        (self.budget, self.next_ns) = (budget, 0);
    }

    /// The shares are others than before: the cap is found anew at the next tick.
    pub fn renew(&mut self) {
        self.next_ns = 0;
    }

    /// Finds the cap for the shares that the sources ask for, when that is due.
    pub fn handle_tick(&mut self, tick_ns: u64, loads: impl Iterator<Item = f32> + Clone) {
        if tick_ns < self.next_ns {
            return;
        }
        self.next_ns = tick_ns + PERIOD_NS;
        self.cap = cap(self.budget, loads);
    }

    /// How many times longer a source waits that asks for the share `load`.
    pub fn factor(&self, load: f32) -> f32 {
        (load / self.cap).max(1.0)
    }

    /// How long it waits between two reads when it would wait for `interval_ns`.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // A time of hours at most, and never negative.
    pub fn apply(&self, interval_ns: u64, load: f32) -> u64 {
        let factor = self.factor(load);
        if factor > 1.0 { (interval_ns as f64 * f64::from(factor)) as u64 } else { interval_ns }
    }
}

fn cap(budget: f32, loads: impl Iterator<Item = f32> + Clone) -> f32 {
    let sum = |cap: f32| loads.clone().map(|load| load.min(cap)).sum::<f32>();
    if sum(f32::INFINITY) <= budget {
        return f32::INFINITY;
    }
    let (mut low, mut high) = (0.0, budget);
    for _ in 0..STEPS {
        let middle = (low + high) / 2.0;
        *(if sum(middle) > budget { &mut high } else { &mut low }) = middle;
    }
    low.max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_give_way_and_the_budget_is_kept() {
        let loads = [0.001, 0.002, 0.02, 0.004, 0.1];
        let mut stretch = Stretch::new(0.01);
        stretch.handle_tick(0, loads.into_iter());
        let factors = loads.map(|load| stretch.factor(load));
        assert_eq!(factors[..2], [1.0, 1.0], "cheap ones stay as they are");
        assert!(factors[2] > 5.0 && factors[4] > factors[2], "{factors:?}");
        let sum: f32 = loads.iter().zip(factors).map(|(load, factor)| load / factor).sum();
        assert!((0.0098..=0.01).contains(&sum), "{sum}");
        assert_eq!(stretch.apply(1_000_000, 0.001), 1_000_000);
        assert!(stretch.apply(1_000_000, 0.02) > 5_000_000);
    }

    #[test]
    fn within_the_budget_nothing_is_stretched() {
        let mut stretch = Stretch::new(0.01);
        stretch.handle_tick(0, [0.005, 0.005].into_iter());
        assert_eq!(stretch.apply(40_000_000, 0.005), 40_000_000);
        // Found again only when a second has passed.
        stretch.handle_tick(PERIOD_NS - 1, [1.0].into_iter());
        assert_eq!(stretch.factor(1.0), 1.0);
        stretch.handle_tick(PERIOD_NS, [1.0].into_iter());
        assert!((99.0..102.0).contains(&stretch.factor(1.0)));
        // At once for another budget.
        stretch.set_budget(0.1);
        stretch.handle_tick(PERIOD_NS + 1, [1.0].into_iter());
        assert!((9.9..10.2).contains(&stretch.factor(1.0)));
    }

    #[test]
    fn no_budget_and_no_source_are_no_trouble() {
        assert_eq!(cap(0.01, [].into_iter()), f32::INFINITY);
        let mut stretch = Stretch::new(0.0);
        stretch.handle_tick(0, [0.5].into_iter());
        assert!(stretch.apply(1_000_000, 0.5) > 1_000_000_000_000);
    }
}
