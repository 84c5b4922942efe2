//! From one valid record of a segment to the next, over whatever lies between.
//!
//! The bytes are read in pieces into a [`Window`] that never grows. What can't be read is taken for
//! zeros, which are never valid: a bad sector or a shortened file is a hole like any other.
//!
//! Bounded: each place is looked at once, and only true heads make the checksum of a body be taken;
//! those don't overlap.

use crate::buffer::Buffer;
use crate::journal::record::{ALIGN, HEAD_SIZE, Head};
use crate::journal::segment::Segment;
use crate::journal::storage::Storage;
use crate::limits::JOURNAL_RECORD_MAX;

/// What is lost around a byte that can't be read: a page of the system's cache.
const PAGE: usize = 4096;

/// A piece of a segment in memory.
#[derive(Debug)]
pub struct Window {
    bytes: Buffer,
    start: usize,
    size: usize,
    /// How much is read at once if less will do.
    ahead: usize,
    has_failed: bool,
}

/// A way through one segment.
#[derive(Debug)]
pub struct Walk {
    index: usize,
    segment: Segment,
    offset: usize,
    limit: usize,
}

/// A valid record.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its head.
    pub head: Head,
    /// Its bytes behind the head.
    pub body: &'a [u8],
    /// Where it begins.
    pub offset: usize,
    /// Whether the bytes before it were no record.
    pub is_behind_hole: bool,
}

impl Window {
    /// Room for the largest record of a segment.
    #[must_use]
    pub fn new(segment_size: usize) -> Self {
        let bytes = Buffer::new(JOURNAL_RECORD_MAX.min(segment_size));
        Self { bytes, start: 0, size: 0, ahead: 0, has_failed: false }
    }

    /// Forgets what was read, for it may have changed; reads about `ahead` bytes at once from now.
    pub fn reset(&mut self, ahead: usize) {
        (self.size, self.ahead, self.has_failed) = (0, ahead, false);
    }

    /// Whether something could not be read since the last reset.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// `size` bytes at `offset`; none when that is more than a record can have.
    pub fn get(
        &mut self,
        storage: &mut dyn Storage,
        index: usize,
        offset: usize,
        size: usize,
    ) -> Option<&[u8]> {
        if size > self.bytes.len() {
            return None;
        }
        if offset < self.start || offset + size > self.start + self.size {
            let there = storage.segment_size().saturating_sub(offset);
            self.start = offset;
            self.size = self.ahead.max(size).min(self.bytes.len()).min(there);
            self.fill(storage, index);
        }
        let start = offset - self.start;
        self.bytes.get(..self.size)?.get(start..start + size)
    }

    fn fill(&mut self, storage: &mut dyn Storage, index: usize) {
        let Some(mut rest) = self.bytes.get_mut(..self.size) else { return };
        let mut offset = self.start;
        while !rest.is_empty() {
            let (done, is_good) = match storage.read(index, offset, rest) {
                Ok(0) => (rest.len(), false),
                Ok(size) => (size.min(rest.len()), true),
                Err(_) => (rest.len().min(PAGE - offset % PAGE), false),
            };
            let (piece, behind) = rest.split_at_mut(done);
            if !is_good {
                piece.fill(0);
                self.has_failed = true;
            }
            offset += done;
            rest = behind;
        }
    }
}

impl Walk {
    /// From `offset` to `limit` in segment number `index`.
    #[must_use]
    pub fn new(index: usize, segment: &Segment, offset: usize, limit: usize) -> Self {
        Self { index, segment: *segment, offset, limit }
    }

    /// The next valid record.
    pub fn next<'a>(
        &mut self,
        storage: &mut dyn Storage,
        window: &'a mut Window,
    ) -> Option<Item<'a>> {
        let start = self.offset;
        let (head, offset) = self.find(storage, window)?;
        self.offset = offset + head.size();
        let body = window.get(storage, self.index, offset, head.size())?.get(HEAD_SIZE..)?;
        Some(Item { head, body, offset, is_behind_hole: offset > start })
    }

    fn find(&self, storage: &mut dyn Storage, window: &mut Window) -> Option<(Head, usize)> {
        let mut offset = self.offset;
        while offset + HEAD_SIZE <= self.limit {
            let bytes = window.get(storage, self.index, offset, HEAD_SIZE)?;
            if let Some(head) = Head::parse(bytes, self.segment.place(offset))
                && offset + head.size() <= self.limit
                && let Some(bytes) = window.get(storage, self.index, offset, head.size())
                && head.is_of(bytes.get(HEAD_SIZE..).unwrap_or_default())
            {
                return Some((head, offset));
            }
            offset += ALIGN;
        }
        None
    }
}
