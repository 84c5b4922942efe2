//! How long something took, in a fixed number of counters.
//!
//! Up to 7 ns each value has a counter of its own; above, each power of two is cut into eight
//! parts. So a value is known to 12.5 %, and always rounded up: a latency is never told better than
//! it was.
//! Values of more than 73 minutes share the last counter; the largest is still known exactly.

use crate::limits::HISTOGRAM_BITS;

/// Parts of a power of two, as an exponent.
const PART_BITS: u32 = 3;
const PARTS: usize = 1 << PART_BITS;

const BUCKETS: usize = (HISTOGRAM_BITS - PART_BITS + 1) as usize * PARTS;

/// Durations in nanoseconds; see the module.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: [u64; BUCKETS],
    count: u64,
    sum: u64,
    min: u64,
    max: u64,
}

impl Histogram {
    /// Without values.
    #[must_use]
    pub const fn new() -> Self {
        Self { buckets: [0; BUCKETS], count: 0, sum: 0, min: u64::MAX, max: 0 }
    }

    /// Takes a value in.
    pub fn record(&mut self, ns: u64) {
        if let Some(bucket) = self.buckets.get_mut(index(ns)) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(ns);
        self.min = self.min.min(ns);
        self.max = self.max.max(ns);
    }

    /// How many values there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum, at most [`u64::MAX`]: 584 years.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// The smallest, exactly.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest, exactly.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The value that the share `q` of all values does not exceed: 0.5 is the median, 0 the
    /// smallest, 1 the largest. `None` when there are no values, or `q` is not a number.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<u64> {
        if self.count == 0 || q.is_nan() {
            return None;
        }
        // From 2^53 values on a rank is as exact as a float.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = ((q.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).clamp(1, self.count);
        if rank == 1 {
            return self.min();
        }
        let mut seen = 0;
        let found = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= rank
        });
        found.map(|index| highest(index).min(self.max))
    }

    /// For each of `bounds`, in any order: how many values are at most that. A value counts as the
    /// highest of its bucket, so none counts that is above the bound.
    pub fn cumulative<'a>(&'a self, bounds: &'a [u64]) -> impl Iterator<Item = (u64, u64)> + 'a {
        bounds.iter().map(|bound| {
            let up_to = |index: &(usize, &u64)| highest(index.0).min(self.max) <= *bound;
            let counts = self.buckets.iter().enumerate().take_while(up_to).map(|(_, count)| count);
            (*bound, counts.sum())
        })
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Bucket of a value.
fn index(ns: u64) -> usize {
    let exponent = ns.checked_ilog2().unwrap_or(0);
    let shift = exponent.saturating_sub(PART_BITS);
    // Of a value with more than three bits the first three follow a one.
    let parts = usize::try_from(ns >> shift).unwrap_or(usize::MAX);
    (shift as usize * PARTS).saturating_add(parts).min(BUCKETS - 1)
}

/// Highest value of a bucket; the last has no bound.
fn highest(index: usize) -> u64 {
    if index >= BUCKETS - 1 {
        return u64::MAX;
    }
    let shift = (index / PARTS).saturating_sub(1);
    let parts = (index - shift * PARTS) as u64;
    ((parts + 1) << shift) - 1
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_bucket_begins_where_the_one_before_ends() {
        for bucket in 0..BUCKETS - 1 {
            assert_eq!(index(highest(bucket)), bucket);
            assert_eq!(index(highest(bucket) + 1), bucket + 1);
        }
        assert_eq!([index(0), index(7), index(8), index(u64::MAX)], [0, 7, 8, BUCKETS - 1]);
        // More than an hour.
        assert!(highest(BUCKETS - 2) > 3_600_000_000_000);
        assert!(highest(BUCKETS - 2) < 1 << HISTOGRAM_BITS);
    }

    #[test]
    fn nothing_is_not_zero() {
        let mut histogram = Histogram::new();
        assert_eq!((histogram.min(), histogram.max(), histogram.quantile(0.5)), (None, None, None));
        assert_eq!(histogram.cumulative(&[u64::MAX]).next(), Some((u64::MAX, 0)));
        histogram.record(0);
        assert_eq!((histogram.min(), histogram.quantile(0.5)), (Some(0), Some(0)));
        assert_eq!(histogram.quantile(f64::NAN), None);
    }

    #[test]
    fn the_last_bucket_takes_what_is_longer_than_all_others() {
        let mut histogram = Histogram::new();
        for ns in [1, u64::MAX - 1, u64::MAX] {
            histogram.record(ns);
        }
        assert_eq!(histogram.quantile(1.0), Some(u64::MAX));
        assert_eq!(histogram.sum(), u64::MAX);
        let bounds = [1, 1 << 50, u64::MAX];
        let counts: Vec<u64> = histogram.cumulative(&bounds).map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 1, 3]);
    }

    proptest! {
        /// Beside the sorted values: no quantile is below the true one or more than an eighth above
        /// it, and bounds count what is sure to be below them.
        #[test]
        fn it_is_as_good_as_the_values_themselves(
            values in prop::collection::vec((0u64..1 << HISTOGRAM_BITS, 0u32..42), 1..300),
            q in 0.0f64..=1.0, bounds in prop::collection::vec((any::<u64>(), 0u32..64), 0..10),
        ) {
            let mut histogram = Histogram::new();
            let mut sorted: Vec<u64> = values.iter().map(|(value, shift)| value >> shift).collect();
            for value in &sorted {
                histogram.record(*value);
            }
            sorted.sort_unstable();
            prop_assert_eq!(histogram.count(), sorted.len() as u64);
            prop_assert_eq!(histogram.sum(), sorted.iter().sum::<u64>());
            prop_assert_eq!(histogram.min(), sorted.first().copied());
            prop_assert_eq!(histogram.max(), sorted.last().copied());
            for q in [q, 0.0, 0.5, 0.99, 1.0] {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
                let (exact, told) = (sorted[rank - 1], histogram.quantile(q).unwrap());
                prop_assert!((exact..=exact + exact / 8).contains(&told), "{told} for {exact}");
            }
            let bounds: Vec<u64> = bounds.iter().map(|(bound, shift)| bound >> shift).collect();
            for (bound, count) in histogram.cumulative(&bounds) {
                let below = |bound: u64| sorted.partition_point(|value| *value <= bound) as u64;
                prop_assert!(count <= below(bound) && count >= below(bound - bound / 8));
            }
        }
    }
}
