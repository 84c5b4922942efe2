//! Finds frames in a byte stream, in a fixed buffer.
//!
//! ```
//! use kymo_protocol::Decoder;
//!
//! # fn read(_: &mut [u8]) -> usize { 0 }
//! let mut decoder = Decoder::<4096>::new();
//! let count = read(decoder.space());
//! decoder.filled(count);
//! while let Some(frame) = decoder.next_frame()? {
//!     println!("{:?}", frame.header);
//! }
//! # Ok::<(), kymo_protocol::FrameError>(())
//! ```
//!
//! Guarantees: the same frames come out however the bytes were split; no allocation; a frame of an
//! unknown kind is skipped even if it is larger than the buffer. An error is final, because after a
//! bad length nothing says where the next frame starts.

use crate::frame::Frame;
use crate::frame_error::FrameError;
use crate::header::{FrameHeader, FrameKind};
use crate::limits::HEADER_SIZE;

/// An incremental reader with room for frames of up to `SIZE` bytes. A client that takes vitals and
/// nothing else can do with 512; [`FRAME_MAX`](crate::limits::FRAME_MAX) takes everything.
#[derive(Debug)]
pub struct Decoder<const SIZE: usize> {
    buffer: [u8; SIZE],
    /// Bytes before this were consumed.
    start: usize,
    /// Bytes before this were filled in.
    end: usize,
    /// Bytes of a frame of unknown kind that are still to come.
    skip: usize,
    failed: Option<FrameError>,
}

/// Where a frame lies in its decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: usize,
    end: usize,
}

impl<const SIZE: usize> Default for Decoder<SIZE> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SIZE: usize> Decoder<SIZE> {
    /// An empty decoder.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(SIZE >= 2 * HEADER_SIZE) };
        Self { buffer: [0; SIZE], start: 0, end: 0, skip: 0, failed: None }
    }

    /// Where to put the next bytes. Never empty once [`next_frame`](Self::next_frame) has returned
    /// `None`.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.buffer[self.end..]
    }

    /// Says that `count` bytes were put into [`space`](Self::space).
    ///
    /// # Panics
    ///
    /// When `count` is larger than that space was: a mistake of the caller's.
    pub fn filled(&mut self, count: usize) {
        assert!(count <= SIZE - self.end, "more bytes filled than there was space");
        self.end += count;
    }

    /// The next whole frame; `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// The [`FrameError`] of the first bad frame, and the same one ever after.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        // Parsed where it lies, and once: the span borrows nothing.
        let Some(span) = self.next_span()? else { return Ok(None) };
        let (failed, buffer) = (&mut self.failed, &self.buffer);
        Frame::parse(&buffer[span.start..span.end]).map(Some).inspect_err(|error| {
            *failed = Some(*error);
        })
    }

    /// The next whole frame as the place of its bytes, for who has to look at other things before
    /// it can hand out a view. Its header is checked, its payload is not.
    ///
    /// # Errors
    ///
    /// The [`FrameError`] of the first bad header, and the same one ever after.
    pub fn next_span(&mut self) -> Result<Option<Span>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.locate().inspect_err(|error| self.failed = Some(*error))
    }

    /// The bytes of a frame that [`next_span`](Self::next_span) has found. They stay where they are
    /// until [`space`](Self::space) or [`clear`](Self::clear) is called.
    #[must_use]
    pub fn bytes(&self, span: Span) -> &[u8] {
        self.buffer.get(span.start..span.end).unwrap_or_default()
    }

    /// The bytes that have come and are no part of a frame so far: after an error, what came
    /// instead.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Forgets everything: another stream begins.
    pub fn clear(&mut self) {
        (self.start, self.end, self.skip, self.failed) = (0, 0, 0, None);
    }

    /// Finds the bounds of the next frame and consumes it.
    fn locate(&mut self) -> Result<Option<Span>, FrameError> {
        loop {
            let skipped = self.skip.min(self.end - self.start);
            self.start += skipped;
            self.skip -= skipped;
            let bytes = &self.buffer[self.start..self.end];
            let header = match FrameHeader::parse(bytes) {
                Ok(header) => header,
                Err(FrameError::Short) => return Ok(None),
                Err(error) => return Err(error),
            };
            let size = HEADER_SIZE + header.payload_size();
            if FrameKind::from_number(header.kind.get()).is_none() {
                self.skip = size;
                continue;
            }
            if size > SIZE {
                return Err(FrameError::Length);
            }
            if bytes.len() < size {
                return Ok(None);
            }
            let start = self.start;
            self.start += size;
            return Ok(Some(Span { start, end: start + size }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::MAGIC;
    use crate::heartbeat::Heartbeat;
    use crate::payload::{Payload, Position, Stamp, emit};

    /// A heartbeat of `boot_ns`, a frame of an unknown kind with `skipped` bytes, and one more.
    fn stream(skipped: u16) -> heapless::Vec<u8, 1024> {
        let mut bytes = heapless::Vec::new();
        for boot_ns in [1, 2] {
            let mut frame = [0; Heartbeat::FRAME_SIZE];
            emit::<Heartbeat>(&mut frame, Position::NONE, Stamp { boot_ns }).unwrap();
            bytes.extend_from_slice(&frame).unwrap();
            if boot_ns == 1 {
                let [low, high] = skipped.to_le_bytes();
                frame[8..14].copy_from_slice(&[low, high, 0, 0, 99, 0]);
                bytes.extend_from_slice(&frame[..HEADER_SIZE]).unwrap();
                bytes.resize(bytes.len() + usize::from(skipped), 0xAA).unwrap();
            }
        }
        bytes
    }

    /// The timestamps of the frames in `bytes`, fed in pieces of `step` bytes.
    fn timestamps<const SIZE: usize>(bytes: &[u8], step: usize) -> heapless::Vec<u64, 8> {
        let mut decoder = Decoder::<SIZE>::new();
        let mut seen = heapless::Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = decoder.space();
            let count = space.len().min(step).min(rest.len());
            assert!(count > 0, "no space");
            space[..count].copy_from_slice(&rest[..count]);
            decoder.filled(count);
            rest = &rest[count..];
            while let Some(frame) = decoder.next_frame().unwrap() {
                seen.push(frame.header.timestamp.get()).unwrap();
            }
        }
        seen
    }

    #[test]
    fn any_step_finds_the_same_frames() {
        let bytes = stream(8);
        for step in 1..=bytes.len() {
            assert_eq!(timestamps::<64>(&bytes, step), [1, 2], "step {step}");
        }
    }

    #[test]
    fn an_unknown_frame_may_be_larger_than_the_buffer() {
        let bytes = stream(800);
        for step in [1, 7, 63, 64, 1000] {
            assert_eq!(timestamps::<64>(&bytes, step), [1, 2], "step {step}");
        }
    }

    #[test]
    fn spans_are_those_of_the_frames() {
        let bytes = stream(8);
        let mut decoder = Decoder::<256>::new();
        decoder.space()[..bytes.len()].copy_from_slice(&bytes);
        decoder.filled(bytes.len());
        for boot_ns in [1, 2] {
            let span = decoder.next_span().unwrap().unwrap();
            let frame = Frame::parse(decoder.bytes(span)).unwrap();
            assert_eq!(frame.header.timestamp.get(), boot_ns);
        }
        assert_eq!(decoder.next_span(), Ok(None));
        // Half a frame, an error, and nothing of either afterwards.
        decoder.space()[..8].copy_from_slice(b"GET / HT");
        decoder.filled(8);
        assert_eq!(decoder.next_span(), Err(FrameError::Magic));
        assert_eq!(decoder.rest(), b"GET / HT");
        decoder.clear();
        decoder.space()[..40].copy_from_slice(&bytes[..40]);
        decoder.filled(40);
        assert!(decoder.next_frame().unwrap().is_some());
    }

    #[test]
    fn errors_are_early_and_final() {
        let mut decoder = Decoder::<64>::new();
        decoder.space()[..8].copy_from_slice(b"GET / HT");
        decoder.filled(8);
        assert_eq!(decoder.next_frame().err(), Some(FrameError::Magic));
        decoder.space()[..4].copy_from_slice(&MAGIC.to_le_bytes());
        decoder.filled(4);
        assert_eq!(decoder.next_frame().err(), Some(FrameError::Magic));
    }

    #[test]
    fn a_good_frame_behind_a_bad_payload_is_not_taken() {
        let bytes = stream(8);
        let mut decoder = Decoder::<64>::new();
        let space = decoder.space();
        // A goodbye whose reason does not exist, and the beginning of a heartbeat.
        space[..HEADER_SIZE].copy_from_slice(&bytes[..HEADER_SIZE]);
        space[12] = FrameKind::Goodbye as u8;
        space[HEADER_SIZE] = 9;
        decoder.filled(40);
        assert_eq!(decoder.next_frame().err(), Some(FrameError::Value));
        let space = decoder.space();
        space[..24].copy_from_slice(&bytes[bytes.len() - 40..][..24]);
        decoder.filled(24);
        assert_eq!(decoder.next_frame().err(), Some(FrameError::Value));
    }

    #[test]
    fn a_known_frame_larger_than_the_buffer_is_refused_by_its_header() {
        let mut decoder = Decoder::<64>::new();
        let mut bytes = [0; 320];
        emit::<crate::Vitals>(&mut bytes, Position::NONE, Stamp { boot_ns: 1 }).unwrap();
        decoder.space()[..HEADER_SIZE].copy_from_slice(&bytes[..HEADER_SIZE]);
        decoder.filled(HEADER_SIZE);
        assert_eq!(decoder.next_frame().err(), Some(FrameError::Length));
    }

    #[test]
    fn a_frame_may_fill_the_buffer() {
        let mut decoder = Decoder::<{ crate::Vitals::FRAME_SIZE }>::new();
        emit::<crate::Vitals>(decoder.space(), Position::NONE, Stamp { boot_ns: 1 }).unwrap();
        decoder.filled(crate::Vitals::FRAME_SIZE);
        assert!(matches!(decoder.next_frame(), Ok(Some(_))));
    }

    #[test]
    #[should_panic(expected = "more bytes filled")]
    fn filling_more_than_the_space_is_the_callers_mistake() {
        Decoder::<64>::new().filled(65);
    }
}
