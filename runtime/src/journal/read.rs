//! How events are read back.

use std::io;

use kymo_protocol::GapReason;

use crate::journal::Journal;
use crate::journal::header::HEADERS_SIZE;
use crate::journal::record::Kind;
use crate::journal::walk::Walk;

/// What comes at a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Frames, one behind the other.
    Frames {
        /// Sequence of the first.
        first: u64,
        /// Sequence behind the last.
        end: u64,
        /// Bytes of them all.
        size: usize,
    },
    /// Events that are not there.
    Gap {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
        /// Why.
        reason: GapReason,
    },
    /// Nothing yet.
    End,
}

/// Where a reader stands, so that it goes on without a search. It may be forgotten or outdated;
/// then the read that follows searches one segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hint {
    generation: u64,
    /// Where the last read began: a reader that took only some of it is searched from there.
    first: Mark,
    /// Where it ended.
    end: Mark,
}

/// A place in a segment, and the sequence there.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    offset: usize,
    sequence: u64,
}

impl Hint {
    /// Where to begin to look for `sequence` in the segment of a generation.
    fn offset(&self, generation: u64, sequence: u64) -> usize {
        let is_known = self.generation == generation;
        let mark = [self.end, self.first].into_iter().find(|mark| mark.sequence <= sequence);
        mark.filter(|_| is_known).map_or(0, |mark| mark.offset).max(HEADERS_SIZE)
    }
}

impl Journal {
    /// Reads from sequence `from` on: as many whole frames as `buffer` holds and lie in one
    /// segment without a hole, or what is missing there. A reader goes on at `end`, or behind
    /// `last`. Checksums are verified; what can't be read is a gap.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the buffer is smaller than the frame.
    pub fn read(&mut self, from: u64, hint: &mut Hint, buffer: &mut [u8]) -> io::Result<Read> {
        let from = from.max(1);
        if from >= self.next {
            return Ok(Read::End);
        }
        if from < self.oldest {
            let last = self.oldest - 1;
            return Ok(Read::Gap { first: from, last, reason: GapReason::Retention });
        }
        match self.segments.iter().position(|segment| segment.contains(from)) {
            Some(index) => self.read_segment(index, from, hint, buffer),
            None => Ok(self.between(from)),
        }
    }

    /// What is missing between segments.
    fn between(&self, from: u64) -> Read {
        let behind = self.segments.iter().filter(|segment| segment.holds() && segment.first > from);
        let next = behind.min_by_key(|segment| segment.first);
        let (begin, first) = next.map_or((self.end, self.next), |next| (next.begin, next.first));
        if from < begin {
            // Of a segment whose header is lost.
            Read::Gap { first: from, last: begin - 1, reason: GapReason::Damage }
        } else {
            Read::Gap { first: from, last: first - 1, reason: GapReason::Unjournalled }
        }
    }

    fn read_segment(
        &mut self,
        index: usize,
        from: u64,
        hint: &mut Hint,
        buffer: &mut [u8],
    ) -> io::Result<Read> {
        let segment = self.segments[index];
        let mut place = hint.offset(segment.generation, from);
        let mut first = Mark { offset: place, sequence: from };
        let (mut end, mut size) = (from, 0);
        // The first sequence that is there, when `from` is not.
        let mut found = segment.end;
        self.window.reset(buffer.len());
        let mut walk = Walk::new(index, &segment, place, segment.tail);
        while let Some(item) = walk.next(&mut *self.storage, &mut self.window) {
            let sequence = item.head.sequence();
            if item.head.kind() != Some(Kind::Event) || sequence < end {
                continue;
            }
            if end == from {
                place = item.offset;
                first.offset = place;
            }
            if sequence > end || sequence >= segment.end {
                found = sequence.min(segment.end);
                break;
            }
            let frame = item.head.frame(item.body);
            let Some(room) = buffer.get_mut(size..size + frame.len()) else {
                if end == from {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                break;
            };
            room.copy_from_slice(frame);
            size += frame.len();
            end += 1;
            place = item.offset + item.head.size();
        }
        let generation = segment.generation;
        if end > from {
            *hint = Hint { generation, first, end: Mark { offset: place, sequence: end } };
            return Ok(Read::Frames { first: from, end, size });
        }
        let end = Mark { offset: place, sequence: found };
        *hint = Hint { generation, first: end, end };
        Ok(Read::Gap { first: from, last: found - 1, reason: GapReason::Damage })
    }
}
