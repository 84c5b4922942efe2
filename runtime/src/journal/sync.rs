//! What of the journal survives a loss of power, and how it ends in good order.
//!
//! The loop never waits for a disk: it takes a [`SyncRound`], another thread syncs the segments in
//! it through descriptors of its own, and the loop hands it back. One at a time.

use std::io;

use crate::journal::Journal;
use crate::journal::record::Kind;

/// What one round of syncing is to make durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct SyncRound {
    /// The segments to sync: bit `n` for segment `n`.
    pub segments: u64,
    /// Sequences below this will be durable then.
    pub end: u64,
}

impl Journal {
    /// What was written since the last round began; `None` when that is nothing.
    #[must_use]
    pub fn poll_sync(&mut self) -> Option<SyncRound> {
        let mut segments = 0;
        for (index, segment) in self.segments.iter_mut().enumerate() {
            if std::mem::take(&mut segment.is_dirty) {
                segments |= 1 << index;
            }
        }
        (segments != 0).then_some(SyncRound { segments, end: self.end })
    }

    /// A round has ended; `failed` has the bits of the segments that could not be synced. Those
    /// are dead: the system may have dropped their pages, and a second try would succeed without
    /// them. They are read on, and the next commit begins another; what waits for sequences of the
    /// round must be told that they are not synced.
    pub fn handle_synced(&mut self, round: SyncRound, failed: u64) {
        if failed == 0 {
            self.synced = self.synced.max(round.end);
        } else {
            let (from, end) = self.unsynced;
            self.unsynced = (from.min(self.synced), end.max(round.end));
        }
        for index in 0..self.segments.len() {
            if (round.segments & failed) >> index & 1 != 0 {
                self.bury(index);
            }
        }
    }

    /// Whether a round that was to sync this sequence has failed, so that nobody may be told that
    /// it is synced. Where several have, those between them count as well.
    #[must_use]
    pub fn is_unsynced(&self, sequence: u64) -> bool {
        (self.unsynced.0..self.unsynced.1).contains(&sequence)
    }

    /// Sequences below this survive a loss of power, but for those of rounds that failed.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// Ends in good order, so that the epoch goes on even after a restart of the machine. What is
    /// pending is given up. Waits for the disk.
    ///
    /// # Errors
    ///
    /// When the storage fails; that costs no event, at most the epoch.
    pub fn close(mut self) -> io::Result<()> {
        if self.current.is_some() {
            self.write_mark(Kind::Close)?;
        }
        for index in 0..self.segments.len() {
            if self.segments[index].is_dirty {
                self.storage.sync(index)?;
            }
        }
        Ok(())
    }
}
