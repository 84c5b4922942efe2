//! Where to begin to read for a time. It has a bound, whatever the recording's length: when it is
//! full every second entry goes, and the rest is twice as far apart.

use kymo_protocol::recording::IndexEntry;

/// Entries at most: 640 KB, and one a second for four and a half hours.
const ENTRIES_MAX: usize = 16_384;

/// Entries are at least so far apart, at first.
const SPACING_NS: u64 = 1_000_000_000;

/// The index of a recording; see the module.
#[derive(Debug)]
pub struct Index {
    entries: Vec<IndexEntry>,
    spacing_ns: u64,
}

impl Default for Index {
    fn default() -> Self {
        Self { entries: Vec::new(), spacing_ns: SPACING_NS }
    }
}

impl Index {
    /// Takes in a record with a frame, if it is far enough from the one before.
    pub fn push(&mut self, entry: IndexEntry) {
        let last_ns = self.entries.last().map(|last| last.elapsed_ns.get());
        let next_ns = last_ns.map_or(0, |last_ns| last_ns.saturating_add(self.spacing_ns));
        if entry.elapsed_ns.get() < next_ns {
            return;
        }
        if self.entries.len() == ENTRIES_MAX {
            let mut place = 0usize;
            self.entries.retain(|_| {
                place += 1;
                !place.is_multiple_of(2)
            });
            self.spacing_ns = self.spacing_ns.saturating_mul(2);
        }
        self.entries.push(entry);
    }

    /// Forgets what lies behind `offset`: it is no longer in the file.
    pub fn cut(&mut self, offset: u64) {
        self.entries.retain(|entry| entry.offset.get() < offset);
    }

    /// The entries.
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(elapsed_ns: u64) -> IndexEntry {
        let zero = 0.into();
        let elapsed_ns = elapsed_ns.into();
        IndexEntry { elapsed_ns, offset: elapsed_ns, number: zero, welcome: zero, catalog: zero }
    }

    #[test]
    fn it_has_a_bound_and_stays_even() {
        let mut index = Index::default();
        for second in 0..100_000 {
            index.push(entry(second * SPACING_NS));
            index.push(entry(second * SPACING_NS + 1));
        }
        let times: Vec<u64> = index.entries().iter().map(|entry| entry.elapsed_ns.get()).collect();
        assert!((ENTRIES_MAX / 2..=ENTRIES_MAX).contains(&times.len()), "{}", times.len());
        let gaps = times.windows(2).map(|pair| (pair[1] - pair[0]) / SPACING_NS);
        assert!(gaps.clone().all(|gap| gap <= 8) && times[0] == 0, "{:?}", gaps.max());
        index.cut(50_000 * SPACING_NS);
        assert!(index.entries().iter().all(|entry| entry.offset.get() < 50_000 * SPACING_NS));
    }
}
