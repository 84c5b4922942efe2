//! What a value was over time, for graphs of any zoom.
//!
//! A history keeps, for each zoom, a ring of columns of equal time, and of each column the least
//! and the most that was added in it: a thousand values a second are not lost between columns, and
//! nothing is kept of each of them. Columns begin at multiples of their width, so a graph moves by
//! whole columns and does not flicker.
//!
//! A value holds until the next one if that comes within the *hold*; columns between them have it.
//! Where nothing is known there is no column: not 0, and not the last value.

use crate::limits::CELLS_MAX;
use crate::numbers::short;

/// Time of one cell at each zoom, in milliseconds. A cell has two columns.
pub const ZOOMS_MS: [u64; 9] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/// Columns in a cell.
pub const COLUMNS: usize = 2;

const RING: usize = CELLS_MAX * COLUMNS;

const NS_PER_MS: u64 = 1_000_000;

/// The least and the most in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The least value.
    pub least: f32,
    /// The most.
    pub most: f32,
}

impl Column {
    /// What both have together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}

/// The history of one value; see the module.
#[derive(Clone, Debug)]
pub struct History {
    levels: Vec<Level>,
    /// When the last value was added, and what it was; `None` behind a break.
    last: Option<(u64, f32)>,
    /// When anything was added last.
    newest_ns: u64,
}

/// The columns of one zoom.
#[derive(Clone, Debug)]
struct Level {
    width_ns: u64,
    ring: Vec<Option<Column>>,
    /// Number of the newest column; `None` before the first value.
    newest: Option<u64>,
}

impl Default for History {
    fn default() -> Self {
        let level = |zoom_ms: &u64| Level {
            width_ns: zoom_ms * NS_PER_MS / COLUMNS as u64,
            ring: vec![None; RING],
            newest: None,
        };
        Self { levels: ZOOMS_MS.iter().map(level).collect(), last: None, newest_ns: 0 }
    }
}

impl History {
    /// Adds what was known at `at_ns`; nothing is a break. What is older than what was added last
    /// is left out. A value before holds until this one if it is no more than `hold_ns` older.
    pub fn add(&mut self, at_ns: u64, value: Option<f64>, hold_ns: u64) {
        let Some(value) = value.filter(|value| value.is_finite()).map(short) else {
            self.last = None;
            return;
        };
        if at_ns < self.newest_ns {
            return;
        }
        let held = self.last.filter(|(last_ns, _)| at_ns - last_ns <= hold_ns);
        for level in &mut self.levels {
            level.add(at_ns, value, held);
        }
        (self.last, self.newest_ns) = (Some((at_ns, value)), at_ns);
    }

    /// The newest `count` columns of `zoom` up to the one of `end_ns`, the oldest first.
    pub fn columns(
        &self,
        zoom: usize,
        end_ns: u64,
        count: usize,
    ) -> impl Iterator<Item = Option<Column>> + '_ {
        let level = &self.levels[zoom.min(ZOOMS_MS.len() - 1)];
        let end = end_ns / level.width_ns;
        (0..count as u64).rev().map(move |back| level.at(end.checked_sub(back)?))
    }

    /// The last value, unless nothing has come since.
    #[must_use]
    pub fn last(&self) -> Option<f32> {
        self.last.map(|(_, value)| value)
    }
}

impl Level {
    fn add(&mut self, at_ns: u64, value: f32, held: Option<(u64, f32)>) {
        let number = at_ns / self.width_ns;
        let newest = *self.newest.get_or_insert(number);
        if number > newest {
            // No more of them than there are.
            let first = (newest + 1).max(number.saturating_sub(RING as u64 - 1));
            for between in first..number {
                let begun = held.filter(|(since_ns, _)| between > since_ns / self.width_ns);
                *self.place(between) = begun.map(|(_, held)| Column { least: held, most: held });
            }
            *self.place(number) = None;
            self.newest = Some(number);
        }
        let one = Column { least: value, most: value };
        let place = self.place(number);
        *place = Some(place.map_or(one, |column| column.with(one)));
    }

    #[allow(clippy::cast_possible_truncation)] // less than the ring is long
    fn place(&mut self, number: u64) -> &mut Option<Column> {
        &mut self.ring[(number % RING as u64) as usize]
    }

    #[allow(clippy::cast_possible_truncation)] // less than the ring is long
    fn at(&self, number: u64) -> Option<Column> {
        let newest = self.newest?;
        let is_kept = number <= newest && newest - number < RING as u64;
        is_kept.then(|| self.ring[(number % RING as u64) as usize])?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn most(history: &History, zoom: usize, end_ns: u64, count: usize) -> Vec<Option<f32>> {
        history.columns(zoom, end_ns, count).map(|column| column.map(|it| it.most)).collect()
    }

    #[test]
    fn a_spike_between_a_thousand_values_stays() {
        let mut history = History::default();
        for ms in 0..4000_u64 {
            let value = if ms == 1234 { 99.0 } else { 1.0 };
            history.add(ms * NS_PER_MS, Some(value), S);
        }
        for (zoom, cell_ms) in ZOOMS_MS.into_iter().enumerate() {
            let columns: Vec<_> = history.columns(zoom, 3999 * NS_PER_MS, 100).flatten().collect();
            let spikes = columns.iter().filter(|column| column.most > 98.0).count();
            assert_eq!(spikes, 1, "{cell_ms}");
            assert!(columns.iter().all(|column| column.least < 2.0));
        }
    }

    #[test]
    fn nothing_is_not_the_last_value() {
        let mut history = History::default();
        history.add(S, Some(1.0), 2 * S);
        history.add(3 * S, Some(2.0), 2 * S);
        // Columns of half a second.
        let held = [Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(2.0)];
        assert_eq!(most(&history, 3, 3 * S, 5), held);
        history.add(4 * S, None, 2 * S);
        history.add(5 * S, Some(3.0), 2 * S);
        assert_eq!(most(&history, 3, 5 * S, 5), [Some(2.0), None, None, None, Some(3.0)]);
        history.add(9 * S, Some(4.0), 2 * S);
        assert_eq!(most(&history, 3, 9 * S, 3), [None, None, Some(4.0)]);
        assert_eq!(most(&history, 3, 10 * S, 3), [Some(4.0), None, None], "and not beyond");
        history.add(2 * S, Some(9.0), 2 * S);
        assert_eq!(most(&history, 3, 9 * S, 1), [Some(4.0)], "what is older is left out");
    }

    #[test]
    fn a_ring_forgets_what_is_oldest() {
        let mut history = History::default();
        history.add(0, Some(1.0), S);
        history.add(1_000_000 * S, Some(2.0), S);
        let kept = most(&history, 0, 1_000_000 * S, 2000);
        assert_eq!(kept.iter().flatten().count(), 1);
        assert_eq!(history.last(), Some(2.0));
        history.add(1_000_001 * S, Some(f64::NAN), S);
        assert_eq!(history.last(), None);
    }
}
