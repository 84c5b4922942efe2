//! The events of a turn on their way to a segment.
//!
//! Events are laid out when they come and get their checksums when their place is known, so that a
//! batch can move to another segment after a failed write.

use std::fmt;

use kymo_protocol::limits::NAME_MAX;
use zerocopy::IntoBytes;

use crate::journal::record::{HEAD_SIZE, Head, Kind, MARK_SIZE, aligned, mark};
use crate::journal::segment::Segment;

/// Events that were appended and not yet committed.
#[derive(Debug)]
pub struct Batch {
    /// `capacity` bytes, and a mark.
    bytes: Box<[u8]>,
    size: usize,
    count: u64,
}

/// An event does not fit behind those of its turn: commit them first. One that does not fit alone
/// never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the journal's batch is full")
    }
}

impl std::error::Error for Full {}

impl Batch {
    /// Room for `capacity` bytes of records.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let bytes = vec![0; capacity + MARK_SIZE].into_boxed_slice();
        Self { bytes, size: 0, count: 0 }
    }

    /// Events in it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Bytes of records that it still takes in.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes.len() - MARK_SIZE - self.size
    }

    /// Bytes it takes in a segment, with its mark.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size + MARK_SIZE
    }

    /// Takes in one event.
    pub fn push(
        &mut self,
        sequence: u64,
        frame: &[u8],
        key: Option<(&str, u64)>,
    ) -> Result<(), Full> {
        let head = Head::event(sequence, frame, key).ok_or(Full)?;
        let end = self.size + head.size();
        if end + MARK_SIZE > self.bytes.len() {
            return Err(Full);
        }
        let record = self.bytes.get_mut(self.size..end).ok_or(Full)?;
        let (start, body) = record.split_at_mut(HEAD_SIZE);
        start.copy_from_slice(head.as_bytes());
        let name = key.map_or("", |(name, _)| name).as_bytes();
        let (name_room, frame_room) = body.split_at_mut(aligned(name.len()));
        put(name_room, name);
        put(frame_room, frame);
        self.size = end;
        self.count += 1;
        Ok(())
    }

    /// Finishes all records for a place, with a mark behind them; returns them. May be called
    /// again for another place.
    pub fn seal(&mut self, segment: &Segment, offset: usize, end: u64, boot: u128) -> &[u8] {
        let mut at = 0;
        while at < self.size {
            let place = segment.place(offset + at);
            let (start, rest) = self.bytes.split_at_mut(at + HEAD_SIZE);
            let Some(start) = start.get_mut(at..) else { break };
            let Some(mut head) = Head::of_bytes(start) else { break };
            let size = head.size();
            head.seal(rest.get(..size - HEAD_SIZE).unwrap_or_default(), place);
            start.copy_from_slice(head.as_bytes());
            at += size;
        }
        let mark = mark(Kind::Commit, end, boot, segment.place(offset + self.size));
        let size = self.size();
        if let Some(room) = self.bytes.get_mut(self.size..size) {
            room.copy_from_slice(&mark);
        }
        self.bytes.get(..size).unwrap_or_default()
    }

    /// Forgets its events.
    pub fn clear(&mut self) {
        (self.size, self.count) = (0, 0);
    }
}

/// Copies `bytes` and fills what is left with zeros.
fn put(room: &mut [u8], bytes: &[u8]) {
    let (start, padding) = room.split_at_mut(bytes.len());
    start.copy_from_slice(bytes);
    padding.fill(0);
}

const _: () = assert!(NAME_MAX <= u8::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_is_an_outcome_and_changes_nothing() {
        let mut batch = Batch::new(2 * 48);
        assert_eq!(batch.push(1, &[1; 8], None), Ok(()));
        assert_eq!(batch.push(2, &[2; 9], None), Err(Full));
        assert_eq!((batch.count(), batch.size()), (1, 48 + MARK_SIZE));
        assert_eq!(batch.push(2, &[2; 8], None), Ok(()));
        assert_eq!(batch.push(3, &[], None), Err(Full));
        batch.clear();
        assert_eq!(batch.push(2, &[2; 56], None), Ok(()));
    }

    #[test]
    fn sealing_again_is_for_another_place() {
        let mut batch = Batch::new(256);
        batch.push(1, b"one", Some(("a", 1))).unwrap();
        batch.push(2, b"two", None).unwrap();
        let old = Segment { generation: 1, seed: 1, ..Segment::default() };
        let new = Segment { generation: 2, seed: 2, ..Segment::default() };
        let first = batch.seal(&old, 512, 3, 9).to_vec();
        let second = batch.seal(&new, 512, 3, 9).to_vec();
        assert_ne!(first, second);
        assert_eq!(batch.seal(&old, 512, 3, 9), first);
        let mut at = 0;
        for sequence in 1..=3 {
            let head = Head::parse(&second[at..], new.place(512 + at)).unwrap();
            assert_eq!(head.sequence(), sequence);
            assert!(head.is_of(&second[at + HEAD_SIZE..at + head.size()]));
            at += head.size();
        }
        assert_eq!(at, batch.size());
    }
}
