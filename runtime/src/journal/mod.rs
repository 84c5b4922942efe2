//! Events that survive the process: a few segments, written in turn, read by sequence.
//!
//! [`Journal::open`] reads what is there. A turn's events are [`append`](Journal::append)ed and
//! written by one [`commit`](Journal::commit); once it has returned they may be sent and
//! acknowledged, never before. [`Journal::read`] gives them back, whole frames and exact gaps.
//!
//! ```
//! use kymo::journal::{Entry, Hint, Journal, MemoryStorage, Read, Start};
//!
//! let disk = MemoryStorage::new(3, 4096);
//! let start = Start { epoch: 1, salt: 2, boot: 3 };
//! let mut journal = Journal::open(Box::new(disk.clone()), &start, |_| ())?;
//! journal.append(journal.next(), b"a frame.", Some(("app-1", 7)))?;
//! journal.commit(&[0; 64])?;
//! drop(journal); // However it ends.
//!
//! let mut events = 0;
//! let count = |entry: Entry<'_>| events += u32::from(matches!(entry, Entry::Event { .. }));
//! let mut journal = Journal::open(Box::new(disk), &start, count)?;
//! assert_eq!((events, journal.next()), (1, 2));
//! let (mut hint, mut buffer) = (Hint::default(), [0; 64]);
//! let read = journal.read(1, &mut hint, &mut buffer)?;
//! assert_eq!(read, Read::Frames { first: 1, end: 2, size: 8 });
//! assert_eq!(&buffer[..8], b"a frame.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is guaranteed
//!
//! * What was committed is there once, in order, until its segment is reused, whatever kills the
//!   process. After a loss of power that holds for what was synced.
//! * What was not committed is there as a prefix of its batch, or not at all.
//! * What is damaged is a gap, never a wrong event, never a loop, never a reason not to start.
//! * No sequence is used for two events within an epoch, as far as anybody can have seen them.
//! * After `open` nothing is allocated.
//!
//! # When the epoch changes
//!
//! A subscriber says "epoch E, I have N". That is sound as long as the journal knows where E ended:
//! were it to end at N − 1 after a start and give N to another event, the subscriber would miss
//! that one unknowingly. So the question at a start is only whether the end that was found is the
//! end that was. It is, and the epoch goes on, when nothing of the newest segment was unreadable,
//! no segment's header is lost (it might have been newer), and one of these holds:
//!
//! * The last mark is of this boot: the system keeps what a write returned for until it goes down.
//! * The last mark is a close. It was written behind the last event, and the next start replaces
//!   it, and syncs that, before it sends anything: whatever comes later, no close is found behind
//!   it.
//!
//! Else, a new epoch begins at the sequence found; no number is skipped. Everything that can still
//! be read is kept, and the new epoch remembers its ancestor and the sequence up to which they are
//! the same: [`Journal::knows`] tells a subscriber with a token of the ancestor whether it may go
//! on (it has only what is here) or must begin afresh (it has what was lost). The new epoch reaches
//! the disk with its first events; if the process ends before, nobody has seen an event of it, and
//! the next start finds the same reason to begin another.
//!
//! | found at the end | means | epoch, and next sequence |
//! |---|---|---|
//! | nothing valid behind the last record | a torn batch, seen by nobody | goes on behind it |
//! | a commit mark without its last event | damage to what was seen | goes on as marked; a gap |
//! | events without their commit mark | all there, or torn in the mark | goes on behind them |
//! | no close, and another boot | unsynced events may be missing | new |
//! | a segment without a header, or gone | it might have been the newest | new |
//! | the newest segment cut off, or unreadable | its end is gone | new |
//! | nothing at all | a first start | new, 1 |
//!
//! One case passes for a torn batch and is not: the last record and its mark both damaged, while
//! the machine stayed up. That takes two faults in what the system holds in memory.
//!
//! A torn batch is not zeroed: the whole rest of the segment has been searched for valid records
//! before it is cut, what the next batch does not cover stays invalid, and so one write fewer can
//! be torn in its turn. For the same reason segments are not zeroed when they are reused.
//!
//! # Damage before the tail
//!
//! A hole is whatever lies between two valid records whose sequences don't follow one another. It
//! is not remembered but found by every reader that comes to it, as [`Read::Gap`]; that way damage
//! that happens after the start is treated alike. The segment stays where it is and goes on being
//! served, and [`Storage::set_aside`] keeps a copy as evidence: to move its good records would mean
//! a moment in which they are nowhere.
//!
//! # When a write fails
//!
//! The segment is dead: nobody knows what its pages hold now. The batch goes into a new segment; if
//! that fails too, `commit` fails, and the batch stays pending with its sequences unused. A later
//! `commit` tries again, on segments that hold nothing, so that a dead disk costs two segments of
//! history and not all. [`Journal::discard`] gives the batch up.
//!
//! A write that failed may have left its events whole. Another segment's header makes them void,
//! but a loss of power can take that header back and bring them up again. So sequences that were
//! once given to a failed write belong to those events for ever: if the batch is given up, or the
//! process ends before it is written, they are passed over.
//!
//! Nothing goes out that can't be written: in the epoch of a journal a sequence is on its disk
//! before anybody is told of it.

mod batch;
mod crc;
mod files;
mod header;
mod memory;
mod read;
mod record;
mod recovery;
mod segment;
mod storage;
mod sync;
mod walk;
mod write;

use std::io;

pub use batch::Full;
pub use files::Files;
pub use memory::MemoryStorage;
pub use read::{Hint, Read};
pub use recovery::{Entry, Origin, Recovery};
pub use storage::Storage;
pub use sync::SyncRound;

use crate::limits::{JOURNAL_BATCH_MAX, JOURNAL_SEGMENTS_MAX, JOURNAL_SPARE};
use batch::Batch;
use header::HEADERS_SIZE;
use record::{ALIGN, MARK_SIZE};
use segment::Segment;
use walk::Window;

/// What a journal is told at its start.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Random: the epoch that begins if the old one can't go on.
    pub epoch: u128,
    /// Random, and told to nobody: it keeps frames from passing for records.
    pub salt: u64,
    /// Which boot of the machine this is; 0 if nobody knows, then every start without a close
    /// before it begins an epoch.
    pub boot: u128,
}

/// The journal; see the module.
#[derive(Debug)]
pub struct Journal {
    storage: Box<dyn Storage>,
    /// One for each of the storage; every index in here is one of these.
    segments: Box<[Segment]>,
    /// The segment that is written; its header bears `epoch`.
    current: Option<usize>,
    /// Where an open or close lies that is the last record in it.
    mark: Option<usize>,
    batch: Batch,
    window: Window,
    epoch: u128,
    ancestor: u128,
    ancestor_end: u64,
    boot: u128,
    salt: u64,
    /// Of the segment begun last.
    generation: u64,
    /// Writes that failed.
    failures: u64,
    /// Whether the last commit failed.
    is_failing: bool,
    oldest: u64,
    /// Where what is written ends.
    end: u64,
    /// The sequence to come, without what is pending. Greater than `end` when events went out
    /// unjournalled.
    next: u64,
    /// Where sequences end that were given to a write that failed.
    tried: u64,
    synced: u64,
    /// Sequences that a round failed to sync, from and behind which: they never will be.
    unsynced: (u64, u64),
    recovery: Recovery,
}

impl Journal {
    /// Reads what the storage holds and shows it to `visit`: each segment's checkpoint, then its
    /// events, all by ascending sequence. One pass, bounded by the storage's size.
    ///
    /// # Errors
    ///
    /// `Unsupported` when a later version wrote it, or one with other measures; `InvalidInput` when
    /// the storage's measures are out of bounds; another when an empty journal can't be written.
    /// Damage is no error.
    pub fn open(
        storage: Box<dyn Storage>,
        start: &Start,
        visit: impl FnMut(Entry<'_>),
    ) -> io::Result<Self> {
        let (count, size) = (storage.segments(), storage.segment_size());
        let room = size.saturating_sub(HEADERS_SIZE + 2 * MARK_SIZE);
        // With three segments there is one to try when a write fails, beside the newest.
        let is_sound = (3..=JOURNAL_SEGMENTS_MAX).contains(&count)
            && (ALIGN..=u32::MAX as usize / 2).contains(&room)
            && size.is_multiple_of(ALIGN);
        if !is_sound {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut journal = Self {
            segments: vec![Segment::default(); count].into_boxed_slice(),
            current: None,
            mark: None,
            batch: Batch::new(room.min(JOURNAL_BATCH_MAX)),
            window: Window::new(size),
            epoch: start.epoch,
            ancestor: 0,
            ancestor_end: 0,
            boot: start.boot,
            salt: start.salt,
            generation: 0,
            failures: 0,
            is_failing: false,
            oldest: 1,
            end: 1,
            next: 1,
            tried: 1,
            synced: 1,
            unsynced: (u64::MAX, 0),
            recovery: Recovery::default(),
            storage,
        };
        journal.recover(visit)?;
        Ok(journal)
    }

    /// The epoch of every sequence from now on.
    #[must_use]
    pub fn epoch(&self) -> u128 {
        self.epoch
    }

    /// Whether whoever has `sequence` of `epoch`, and all before it, has only what this journal
    /// has or had, and may go on behind it.
    #[must_use]
    pub fn knows(&self, epoch: u128, sequence: u64) -> bool {
        epoch == self.epoch && sequence < self.next
            || epoch == self.ancestor && sequence < self.ancestor_end
    }

    /// The least sequence that is kept; equal to [`next`](Self::next) when there is none.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The sequence behind the last committed one.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Events that were appended and not committed.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.batch.count()
    }

    /// Whether nothing is pending, or an event of the largest kind fits behind it: one of
    /// `event_max` bytes, with a key, and a few of those that end and begin a session.
    #[must_use]
    pub fn takes(&self, event_max: usize) -> bool {
        self.batch.count() == 0 || self.batch.room() >= event_max + JOURNAL_SPARE
    }

    /// Whether the last commit failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.is_failing
    }

    /// What the start found.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }
}
