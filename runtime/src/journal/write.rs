//! How events get into the journal.

use std::io;

use crate::journal::Journal;
use crate::journal::batch::Full;
use crate::journal::header::Header;
use crate::journal::record::{Kind, MARK_SIZE, mark};
use crate::journal::segment::Segment;

impl Journal {
    /// Takes in an event of this turn. Nobody may see it before [`commit`](Self::commit) has
    /// returned. A key's name is 1 to 64 bytes.
    ///
    /// # Errors
    ///
    /// [`Full`] when it does not fit behind those before it.
    ///
    /// # Panics
    ///
    /// When `sequence` is not the one to come, `next() + pending()`: a programmer error.
    pub fn append(
        &mut self,
        sequence: u64,
        frame: &[u8],
        key: Option<(&str, u64)>,
    ) -> Result<(), Full> {
        assert_eq!(sequence, self.next + self.batch.count());
        self.batch.push(sequence, frame, key)
    }

    /// Writes what was appended, in one write. `checkpoint` says how things stood before these
    /// events; it is kept if they begin a segment. Without events nothing is done.
    ///
    /// # Errors
    ///
    /// When neither this nor another segment could be written. All is as before: the events are
    /// pending and not to be seen, and it may be tried again. Part of them may be found at the next
    /// start nevertheless.
    pub fn commit(&mut self, checkpoint: &[u8; 64]) -> io::Result<()> {
        if self.batch.count() == 0 {
            return Ok(());
        }
        let mut outcome = Err(io::ErrorKind::StorageFull.into());
        let mut tries = if self.is_failing { 1 } else { 2 };
        if let Some(index) = self.current.filter(|index| self.has_room(*index)) {
            outcome = self.write_batch(index);
            tries = 1;
        }
        while outcome.is_err() && tries > 0 {
            outcome = self.rotate(checkpoint).and_then(|index| self.write_batch(index));
            tries -= 1;
            if outcome.is_ok() {
                self.restore_lost();
            }
        }
        self.is_failing = outcome.is_err();
        outcome
    }

    /// Gives up what was appended and not committed; nobody may have seen it. After a commit that
    /// failed, sequences may be passed over; they are a gap.
    pub fn discard(&mut self) {
        self.batch.clear();
        // Then no segment is current, and the header of the next will say so.
        self.next = self.next.max(self.tried);
    }

    /// Room for the batch, and behind it for a mark when the journal is closed.
    fn has_room(&self, index: usize) -> bool {
        let end = self.segments[index].tail + self.batch.size() + MARK_SIZE;
        end <= self.storage.segment_size()
    }

    fn write_batch(&mut self, index: usize) -> io::Result<()> {
        let segment = &mut self.segments[index];
        let end = self.next + self.batch.count();
        let bytes = self.batch.seal(segment, segment.tail, end, self.boot);
        segment.is_dirty = true;
        if let Err(error) = self.storage.write(index, segment.tail, bytes) {
            self.tried = self.tried.max(end);
            self.bury(index);
            return Err(error);
        }
        segment.tail += bytes.len();
        segment.end = end;
        (self.end, self.next, self.mark) = (end, end, None);
        self.batch.clear();
        Ok(())
    }

    /// Begins a segment. What it held is no longer kept from before the first byte is written.
    fn rotate(&mut self, checkpoint: &[u8; 64]) -> io::Result<usize> {
        let index = self.target().ok_or(io::ErrorKind::StorageFull)?;
        self.forget(index);
        // Even if this fails, the header may be there, and end the segment before.
        (self.current, self.mark) = (None, None);
        self.generation += 1;
        let mut header = Header::new(self.site(index));
        header.generation.set(self.generation);
        header.end.set(self.end);
        header.first.set(self.next);
        header.oldest.set(self.oldest);
        header.tried.set(self.tried);
        header.salt.set(self.salt);
        header.ancestor_end.set(self.ancestor_end);
        header.epoch.set(self.epoch);
        header.ancestor.set(self.ancestor);
        header.boot.set(self.boot);
        header.checkpoint = *checkpoint;
        let bytes = header.seal();
        let Segment { failed_at, is_lost, .. } = self.segments[index];
        let begun = Segment { failed_at, is_lost, is_dirty: true, ..Segment::new(&header) };
        self.segments[index] = begun;
        if let Err(error) = self.storage.write(index, 0, &bytes) {
            self.bury(index);
            return Err(error);
        }
        self.segments[index].is_lost = false;
        self.current = Some(index);
        Ok(index)
    }

    /// The segment to begin: one that holds nothing, else the oldest. Dead ones come last, and the
    /// newest events are never overwritten. While commits fail only those that hold nothing are
    /// tried, in turn.
    fn target(&self) -> Option<usize> {
        let is_free = |index: &usize| {
            let segment = &self.segments[*index];
            self.current != Some(*index) && !(segment.holds() && segment.end == self.end)
        };
        (0..self.segments.len()).filter(is_free).min_by_key(|index| {
            let segment = &self.segments[*index];
            let generation = if segment.holds() { segment.generation } else { 0 };
            if self.is_failing {
                (segment.holds(), segment.failed_at, generation)
            } else {
                (segment.is_dead, generation, 0)
            }
        })
    }

    /// Retention: nothing up to the end of segment `index` is kept any more.
    fn forget(&mut self, index: usize) {
        if self.segments[index].holds() {
            self.oldest = self.oldest.max(self.segments[index].end);
        }
        for segment in &mut self.segments {
            if segment.holds() && segment.end <= self.oldest {
                segment.clear();
            }
        }
    }

    /// What a segment held when its write failed is still read; if it was only begun, that is
    /// nothing.
    pub(super) fn bury(&mut self, index: usize) {
        self.failures += 1;
        let segment = &mut self.segments[index];
        segment.is_dead = true;
        segment.failed_at = self.failures;
        if self.current == Some(index) {
            (self.current, self.mark) = (None, None);
        }
    }

    /// Once a new epoch is on the disk, segments whose header was lost have told all they could.
    fn restore_lost(&mut self) {
        for index in 0..self.segments.len() {
            if self.segments[index].is_lost && self.write_blank(index).is_ok() {
                self.segments[index].is_lost = false;
            }
        }
    }

    /// Writes the header of a segment that holds nothing.
    pub(super) fn write_blank(&mut self, index: usize) -> io::Result<()> {
        let mut header = Header::new(self.site(index));
        header.salt.set(self.salt);
        header.epoch.set(self.epoch);
        self.segments[index].is_dirty = true;
        self.storage.write(index, 0, &header.seal())
    }

    /// Writes an open or close behind the last batch, over the one that may be there.
    pub(super) fn write_mark(&mut self, kind: Kind) -> io::Result<()> {
        let index = self.current.ok_or(io::ErrorKind::NotFound)?;
        let segment = &mut self.segments[index];
        let offset = self.mark.unwrap_or(segment.tail);
        if offset + MARK_SIZE > self.storage.segment_size() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let bytes = mark(kind, self.next, self.boot, segment.place(offset));
        segment.is_dirty = true;
        self.storage.write(index, offset, &bytes)?;
        segment.tail = offset + MARK_SIZE;
        self.mark = Some(offset);
        Ok(())
    }
}
