//! What is known of one segment while the journal is open.

use crate::journal::header::{HEADERS_SIZE, Header};
use crate::journal::record::Place;

/// What is known of one segment. It *holds* the sequences from `first` to `end`, though damage may
/// have left holes; void segments hold nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment {
    /// Of its header; 0 when it holds nothing.
    pub generation: u64,
    /// Checksum of its header.
    pub seed: u32,
    /// Where what was journalled before it ends. Up to `first`, events went out unjournalled.
    pub begin: u64,
    /// Its least sequence.
    pub first: u64,
    /// Where its sequences end.
    pub end: u64,
    /// Bytes that are in use.
    pub tail: usize,
    /// Its header can't be read, so nobody knows what it held.
    pub is_lost: bool,
    /// A write or sync failed: it is not written any more.
    pub is_dead: bool,
    /// It was written since the last sync began.
    pub is_dirty: bool,
    /// The attempt at which its last write failed; 0: none did.
    pub failed_at: u64,
}

impl Segment {
    /// The segment under a header, before anything else in it was read.
    #[must_use]
    pub fn new(header: &Header) -> Self {
        Self {
            generation: header.generation.get(),
            seed: header.seed(),
            begin: header.end.get(),
            first: header.first.get(),
            end: header.first.get(),
            tail: HEADERS_SIZE,
            ..Self::default()
        }
    }

    /// Whether it holds anything.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.generation > 0 && self.first < self.end
    }

    /// Whether it holds `sequence`.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        self.generation > 0 && (self.first..self.end).contains(&sequence)
    }

    /// Forgets what it holds.
    pub fn clear(&mut self) {
        self.generation = 0;
    }

    /// A place in it.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place {
        Place { generation: self.generation, seed: self.seed, offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_lies_between_its_ends_until_it_is_cleared() {
        let mut segment = Segment { generation: 1, first: 3, end: 5, ..Segment::default() };
        let held: Vec<u64> = (0..8).filter(|sequence| segment.contains(*sequence)).collect();
        assert_eq!((segment.holds(), held), (true, vec![3, 4]));
        segment.clear();
        assert!(!segment.holds() && (0..8).all(|sequence| !segment.contains(sequence)));
        let begun = Segment { generation: 2, first: 5, end: 5, ..Segment::default() };
        assert!(!begun.holds() && !begun.contains(5));
    }
}
