//! A bounded history of encoded frames that any number of readers follow at their own pace.
//!
//! One writer appends; old frames give way. A reader is a sequence number and nothing else, so one
//! more reader costs no memory. Frames lie whole and one behind the other: a reader takes a *run*
//! of several at once. No frame straddles the end of the buffer.
//!
//! Everything is allocated by [`Ring::new`]; pages that were never written cost nothing.

use crate::buffer::Buffer;

/// Where a frame lies.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    start: u32,
    size: u32,
}

/// The history; see the module.
#[derive(Debug)]
pub struct Ring {
    bytes: Buffer,
    /// Frame `sequence` is in slot `sequence % slots.len()`; a power of two, so that this costs no
    /// division.
    slots: Box<[Slot]>,
    /// How many frames there may be.
    frames: u64,
    /// Bytes in use.
    size: usize,
    /// Sequence of the oldest frame that is whole.
    oldest: u64,
    /// Sequence of the frame to come.
    next: u64,
    /// Where it will lie.
    head: usize,
}

/// Frames that lie one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// Their bytes.
    pub bytes: &'a [u8],
    /// Sequence of the first.
    pub first: u64,
    /// Sequence behind the last.
    pub end: u64,
}

impl Ring {
    /// A ring of at most `frames` frames, and of bytes for as many of `frame_size`. Frames may be
    /// larger than that; then fewer fit.
    ///
    /// # Panics
    ///
    /// When one of them is 0 or their product is 4 GiB and more: programmer errors.
    #[must_use]
    pub fn new(frames: usize, frame_size: usize) -> Self {
        let size = frames * frame_size;
        assert!(size > 0 && u32::try_from(size).is_ok());
        Self {
            bytes: Buffer::new(size),
            slots: vec![Slot::default(); frames.next_power_of_two()].into_boxed_slice(),
            frames: frames as u64,
            size,
            oldest: 1,
            next: 1,
            head: 0,
        }
    }

    /// Sequence of the oldest frame that can still be read; equal to [`next`](Self::next) when
    /// there is none.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Sequence of the frame to come.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Appends frame `sequence`: `write` gets `size_max` bytes and returns how many it used. A
    /// sequence that does not continue the history starts a new one. When `write` fails nothing is
    /// appended, but frames that lay in its place are gone.
    ///
    /// # Errors
    ///
    /// What `write` returns.
    ///
    /// # Panics
    ///
    /// When `size_max` is larger than the ring, or `write` returns more: programmer errors.
    pub fn append<E>(
        &mut self,
        sequence: u64,
        size_max: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        assert!(size_max <= self.size);
        if sequence != self.next {
            self.begin(sequence);
        }
        self.make_room(size_max);
        let size = write(&mut self.bytes[self.head..self.head + size_max])?;
        assert!(size <= size_max);
        let index = self.index(sequence);
        self.slots[index] = Slot { start: offset(self.head), size: offset(size) };
        self.head += size;
        self.next = sequence + 1;
        Ok(())
    }

    /// Forgets every frame; the one to come is `next`.
    pub fn begin(&mut self, next: u64) {
        (self.oldest, self.next, self.head) = (next, next, 0);
    }

    /// The same, and uses no more than `size` bytes from now on: those behind them stay untouched.
    pub fn begin_within(&mut self, next: u64, size: usize) {
        self.begin(next);
        self.size = size.min(self.bytes.len());
    }

    /// Takes back the frames from `next` on, which must not lie before the oldest.
    pub fn truncate(&mut self, next: u64) {
        debug_assert!((self.oldest..=self.next).contains(&next));
        if next < self.next {
            // The next frame lies where the first of those lay.
            self.head = self.place(next).0;
            self.next = next;
        }
    }

    /// Frame `sequence`, if it is still there.
    #[must_use]
    pub fn get(&self, sequence: u64) -> Option<&[u8]> {
        if !(self.oldest..self.next).contains(&sequence) {
            return None;
        }
        let (start, size) = self.place(sequence);
        Some(&self.bytes[start..start + size])
    }

    /// The frames from `first` on that lie one behind the other: whole ones, together at most
    /// `size_max` bytes, but always one. `None` when `first` is gone or still to come.
    #[must_use]
    pub fn run(&self, first: u64, size_max: usize) -> Option<Run<'_>> {
        let start = self.place(first).0;
        let mut stop = start + self.get(first)?.len();
        let mut end = first + 1;
        while end < self.next {
            let (next_start, size) = self.place(end);
            if next_start != stop || stop + size - start > size_max {
                break;
            }
            stop += size;
            end += 1;
        }
        Some(Run { bytes: &self.bytes[start..stop], first, end })
    }

    /// The bytes of the frames `first..end`, which a run has shown to lie one behind the other.
    #[must_use]
    pub fn bytes_of(&self, first: u64, end: u64) -> Option<&[u8]> {
        let start = self.place(first).0;
        let last = end.checked_sub(1).filter(|last| (first..self.next).contains(last))?;
        let (last_start, size) = self.place(last);
        self.bytes.get(start..last_start + size).filter(|_| first >= self.oldest)
    }

    /// Whether the frames from `first` on, and what lies unused between them, take half of it all.
    #[must_use]
    pub fn is_half(&self, first: u64) -> bool {
        if !(self.oldest..self.next).contains(&first) {
            return first < self.oldest;
        }
        let start = self.place(first).0;
        let end = if start < self.head { self.head } else { self.size + self.head };
        (end - start) * 2 >= self.size
    }

    /// Lets frames go until a new one and `size_max` bytes behind `head` are free.
    fn make_room(&mut self, size_max: usize) {
        if self.next - self.oldest == self.frames {
            self.oldest += 1;
        }
        if self.head + size_max > self.size {
            // What lies behind the head is older than what lies at the front.
            while self.oldest < self.next && self.place(self.oldest).0 >= self.head {
                self.oldest += 1;
            }
            self.head = 0;
        }
        let room = self.head..self.head + size_max;
        while self.oldest < self.next && self.overlaps(self.oldest, &room) {
            self.oldest += 1;
        }
    }

    fn overlaps(&self, sequence: u64, room: &std::ops::Range<usize>) -> bool {
        let (start, size) = self.place(sequence);
        start < room.end && room.start < start + size
    }

    fn place(&self, sequence: u64) -> (usize, usize) {
        let slot = self.slots[self.index(sequence)];
        (slot.start as usize, slot.size as usize)
    }

    fn index(&self, sequence: u64) -> usize {
        #[allow(clippy::cast_possible_truncation)] // less than slots.len()
        let index = (sequence & (self.slots.len() as u64 - 1)) as usize;
        index
    }
}

/// A place in the ring as it is stored; `Ring::new` has checked that every one fits.
#[allow(clippy::cast_possible_truncation)]
fn offset(place: usize) -> u32 {
    place as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    fn append(ring: &mut Ring, sequence: u64, size_max: usize, frame: &[u8]) {
        let done = ring.append::<()>(sequence, size_max, |buffer| {
            buffer[..frame.len()].copy_from_slice(frame);
            Ok(frame.len())
        });
        assert_eq!(done, Ok(()));
    }

    #[test]
    fn runs_are_whole_frames_and_end_at_the_buffers_end() {
        let mut ring = Ring::new(4, 8);
        for sequence in 1..=4 {
            append(&mut ring, sequence, 8, &[u8::try_from(sequence).unwrap(); 8]);
        }
        let run = ring.run(2, 100).unwrap();
        assert_eq!((run.first, run.end, run.bytes.len()), (2, 5, 24));
        append(&mut ring, 5, 8, &[5; 8]);
        assert_eq!((ring.oldest(), ring.next()), (2, 6));
        assert_eq!(ring.run(1, 100), None);
        assert_eq!(ring.run(4, 100).unwrap().end, 5);
        assert_eq!(ring.run(5, 100).unwrap().bytes, [5; 8]);
        assert_eq!(ring.run(6, 100), None);
        assert_eq!(ring.run(2, 16).unwrap().end, 4);
        assert_eq!(ring.run(2, 1).unwrap().end, 3);
    }

    #[test]
    fn a_jump_starts_a_new_history() {
        let mut ring = Ring::new(4, 8);
        append(&mut ring, 1, 8, b"one");
        append(&mut ring, 9, 8, b"nine");
        assert_eq!((ring.oldest(), ring.next()), (9, 10));
        assert_eq!(ring.get(1), None);
        assert_eq!(ring.get(9), Some(b"nine".as_slice()));
    }

    #[test]
    fn frames_can_be_taken_back() {
        let mut ring = Ring::new(4, 8);
        for sequence in 1..=5 {
            append(&mut ring, sequence, 8, &[u8::try_from(sequence).unwrap(); 8]);
        }
        ring.truncate(4);
        assert_eq!((ring.oldest(), ring.next(), ring.get(4)), (2, 4, None));
        append(&mut ring, 4, 8, b"four");
        assert_eq!(ring.get(4), Some(b"four".as_slice()));
        assert_eq!(ring.run(3, 100).unwrap().end, 5);
        ring.truncate(2);
        assert_eq!((ring.oldest(), ring.next()), (2, 2));
        // Nothing to take back.
        let mut ring = Ring::new(4, 8);
        for sequence in 1..=3 {
            ring.truncate(sequence);
            append(&mut ring, sequence, 8, &[u8::try_from(sequence).unwrap(); 8]);
        }
        assert_eq!(ring.run(1, 100).unwrap().bytes, [[1; 8], [2; 8], [3; 8]].as_flattened());
    }

    #[test]
    fn bytes_are_told_for_frames_that_are_there() {
        let mut ring = Ring::new(4, 8);
        for sequence in 1..=5 {
            append(&mut ring, sequence, 8, &[u8::try_from(sequence).unwrap(); 8]);
        }
        assert_eq!(ring.bytes_of(2, 4), Some([[2; 8], [3; 8]].as_flattened()));
        assert_eq!(ring.bytes_of(5, 6), Some([5; 8].as_slice()));
        for (first, end) in [(1, 3), (5, 7), (3, 3), (0, 0)] {
            assert_eq!(ring.bytes_of(first, end), None, "{first}..{end}");
        }
    }

    #[test]
    fn half_is_what_lies_from_a_frame_to_the_head() {
        let mut ring = Ring::new(8, 8);
        for sequence in 1..=6 {
            append(&mut ring, sequence, 8, b"12345678");
        }
        assert_eq!([1, 2, 3, 4, 6, 7, 8].map(|first| ring.is_half(first)), {
            [true, true, true, false, false, false, false]
        });
        // Across the end of the buffer: what lies unused there counts.
        append(&mut ring, 7, 8, b"1");
        append(&mut ring, 8, 8, b"1");
        append(&mut ring, 9, 24, b"12345678");
        assert_eq!(ring.run(9, 8).map(|run| run.bytes), Some(b"12345678".as_slice()));
        assert_eq!([1, 4, 5, 6, 7, 9, 10].map(|first| ring.is_half(first)), {
            [true, true, true, true, false, false, false]
        });
        // A full ring, whose oldest frame lies where the next one will; and one without frames.
        let mut ring = Ring::new(4, 8);
        assert!(!ring.is_half(1));
        (1..=5).for_each(|sequence| append(&mut ring, sequence, 8, b"12345678"));
        assert!(ring.oldest() == 2 && ring.is_half(2));
    }

    #[test]
    fn a_ring_may_be_told_to_use_less() {
        let mut ring = Ring::new(8, 8);
        ring.begin_within(5, 16);
        for sequence in 5..=8 {
            append(&mut ring, sequence, 8, &[u8::try_from(sequence).unwrap(); 8]);
        }
        assert_eq!((ring.oldest(), ring.next()), (7, 9));
        assert_eq!(ring.run(7, 100).unwrap().bytes, [[7; 8], [8; 8]].as_flattened());
        ring.begin_within(9, 1000);
        assert_eq!((ring.oldest(), ring.get(8)), (9, None));
        (9..=16).for_each(|sequence| append(&mut ring, sequence, 8, b"12345678"));
        assert_eq!(ring.oldest(), 9);
    }

    #[test]
    fn a_failed_write_appends_nothing() {
        let mut ring = Ring::new(2, 8);
        append(&mut ring, 1, 8, b"a");
        assert_eq!(ring.append(2, 8, |_| Err("no")), Err("no"));
        assert_eq!((ring.next(), ring.get(1)), (2, Some(b"a".as_slice())));
    }

    proptest! {
        /// Beside a queue that keeps everything: what the ring still has is what was written, and
        /// it keeps an unbroken suffix. Frames are up to four times as large as it was told, so
        /// that what one lap wrote last can lie behind what the next one did.
        #[test]
        fn it_keeps_a_suffix_of_what_was_written(
            sizes in prop::collection::vec((1usize..=32, 0usize..=32), 1..200),
            frames in 4usize..20,
        ) {
            let mut ring = Ring::new(frames, 8);
            let mut all = VecDeque::new();
            for (index, (size, spare)) in sizes.into_iter().enumerate() {
                let sequence = index as u64 + 1;
                let frame = vec![u8::try_from(index % 251).unwrap(); size];
                append(&mut ring, sequence, (size + spare).min(32), &frame);
                all.push_back(frame);
                prop_assert_eq!(ring.next(), sequence + 1);
                prop_assert!(ring.oldest() <= sequence);
                let mut at = ring.oldest();
                while let Some(run) = ring.run(at, 48) {
                    let expected: Vec<u8> = (run.first..run.end)
                        .flat_map(|s| all[usize::try_from(s - 1).unwrap()].clone())
                        .collect();
                    prop_assert_eq!(run.bytes, expected.as_slice());
                    at = run.end;
                }
                prop_assert_eq!(at, ring.next());
            }
        }
    }
}
