//! What a client wants, and what it was granted.
//!
//! Subscribe:
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | rate_mhz | wished telemetry frames per 1,000 s; 0 for the server's default |
//! | 4 | u16 | streams | bit n−1 for stream n |
//! | 6 | u16 | options | bit 0 `every`: no conflation; bit 1 `resume`: the token below counts |
//! | 8 | u8 × 16 | epoch | resume token: the epoch in which the client has seen events |
//! | 24 | u64 | events | resume token: sequence of the last event the client has |
//! | 32 | u16 | topics_len | bytes of topic patterns |
//! | 34 | u16 | groups_len | bytes of sensor group patterns |
//! | 36 | u32 | reserved | 0 |
//! | 40 | … | text | topic patterns, then group patterns; zeros up to a multiple of 8 |
//!
//! A pattern is UTF-8, not empty, and ended by a newline. All of them have at most 1,024 bytes.
//!
//! Subscribed:
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | rate_mhz | granted |
//! | 4 | u16 | streams | granted |
//! | 6 | u16 | options | granted: bit 0 `every` |
//! | 8 | u16 | resume | 0 tail, 1 gap, 2 fresh |
//! | 10 | u16 | reserved | 0 |
//! | 12 | u32 | reserved | 0 |
//! | 16 | u64 × 4 | next | sequence of the next live frame of streams 1 to 4; 0 if not subscribed |

use zerocopy::FromBytes;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::{FrameKind, StreamId};
use crate::limits::{FILTER_TEXT_MAX, FRAME_ALIGN, HEADER_SIZE};
use crate::payload::{Payload, Position, Stamp, emit_bytes};

/// A set of streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams(pub u16);

impl Streams {
    /// Streams that a version-2 subscription can name.
    pub const COUNT: usize = 4;

    /// This set and one more.
    #[must_use]
    pub const fn with(self, stream: StreamId) -> Self {
        match stream.0 {
            1..=16 => Self(self.0 | 1 << (stream.0 - 1)),
            _ => self,
        }
    }

    /// Whether `stream` is in the set.
    #[must_use]
    pub const fn contains(self, stream: StreamId) -> bool {
        matches!(stream.0, 1..=16) && self.0 & 1 << (stream.0 - 1) != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = StreamId> {
        (1..=16).map(StreamId).filter(move |stream| self.contains(*stream))
    }
}

/// How a subscription is to be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// Each telemetry frame in order, with gaps when too slow, instead of the newest.
    pub every: bool,
    /// The token in the request counts.
    pub resume: bool,
}

impl SubscribeOptions {
    const KNOWN: u16 = 0b11;

    /// The options of a wire number; `None` when it holds bits of a later version.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::KNOWN != 0 {
            return None;
        }
        Some(Self { every: bits & 1 != 0, resume: bits & 2 != 0 })
    }

    /// The wire number.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.every as u16 | (self.resume as u16) << 1
    }
}

/// The payload of a subscribe frame.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Subscribe {
    /// The fixed part.
    pub fixed: SubscribeFixed,
    text: [u8],
}

/// The part of a subscribe before its patterns.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SubscribeFixed {
    /// Wished rate in thousandths of a hertz; 0 for the server's default.
    pub rate_mhz: U32,
    /// [`Streams`].
    pub streams: U16,
    /// [`SubscribeOptions`].
    pub options: U16,
    /// Epoch of the resume token.
    pub epoch: [u8; 16],
    /// Last event the client has.
    pub events: U64,
    topics_len: U16,
    groups_len: U16,
    reserved: U32,
}

const _: () = assert!(size_of::<SubscribeFixed>() == 40);
const _: () = assert!(core::mem::offset_of!(SubscribeFixed, topics_len) == 32);

impl Payload for SubscribeFixed {
    const KIND: FrameKind = FrameKind::Subscribe;
}

impl Subscribe {
    /// Writes a whole subscribe frame and returns its size. Without patterns,
    /// [`emit`](crate::emit) of [`SubscribeFixed`] does as well.
    ///
    /// # Errors
    ///
    /// [`FrameError::Value`] for a pattern that is empty or holds a newline;
    /// [`FrameError::Length`] for more than [`FILTER_TEXT_MAX`] bytes of them;
    /// [`FrameError::Short`] when the frame does not fit in `buffer`.
    pub fn emit(
        buffer: &mut [u8],
        stamp: Stamp,
        fixed: &SubscribeFixed,
        topics: &[&str],
        groups: &[&str],
    ) -> Result<usize, FrameError> {
        if topics.iter().chain(groups).any(|pattern| pattern.is_empty() || pattern.contains('\n')) {
            return Err(FrameError::Value);
        }
        let bytes = |part: &[&str]| part.iter().map(|pattern| pattern.len() + 1).sum::<usize>();
        let (topics_len, groups_len) = (bytes(topics), bytes(groups));
        if topics_len + groups_len > FILTER_TEXT_MAX {
            return Err(FrameError::Length);
        }
        let head_size = size_of::<SubscribeFixed>();
        let size = (head_size + topics_len + groups_len).next_multiple_of(FRAME_ALIGN);
        let payload = emit_bytes(buffer, FrameKind::Subscribe, Position::NONE, stamp, size)?;
        let (head, mut text) = payload.split_at_mut(head_size);
        let head = SubscribeFixed::mut_from_bytes(head).map_err(|_| FrameError::Short)?;
        *head = *fixed;
        head.topics_len.set(u16::try_from(topics_len).map_err(|_| FrameError::Length)?);
        head.groups_len.set(u16::try_from(groups_len).map_err(|_| FrameError::Length)?);
        for pattern in topics.iter().chain(groups) {
            let (target, rest) = text.split_at_mut(pattern.len() + 1);
            target[..pattern.len()].copy_from_slice(pattern.as_bytes());
            target[pattern.len()] = b'\n';
            text = rest;
        }
        Ok(HEADER_SIZE + size)
    }

    /// The streams asked for.
    #[must_use]
    pub fn streams(&self) -> Streams {
        Streams(self.fixed.streams.get())
    }

    /// How they are to be served.
    #[must_use]
    pub fn options(&self) -> SubscribeOptions {
        SubscribeOptions::from_bits(self.fixed.options.get()).unwrap_or_default()
    }

    /// Patterns of event topics; none means all.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        patterns(self.text.get(..self.topics_len()))
    }

    /// The same as they stand in the frame, each ended by a newline.
    #[must_use]
    pub fn topics_text(&self) -> &[u8] {
        self.text.get(..self.topics_len()).unwrap_or_default()
    }

    /// Patterns of sensor groups; none means all.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        patterns(self.text.get(self.topics_len()..self.text_len()))
    }

    /// The same as they stand in the frame, each ended by a newline.
    #[must_use]
    pub fn groups_text(&self) -> &[u8] {
        self.text.get(self.topics_len()..self.text_len()).unwrap_or_default()
    }

    fn topics_len(&self) -> usize {
        usize::from(self.fixed.topics_len.get())
    }

    fn text_len(&self) -> usize {
        self.topics_len() + usize::from(self.fixed.groups_len.get())
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let text_len = self.text_len();
        let text = self.text.get(..text_len).ok_or(FrameError::Length)?;
        if text_len > FILTER_TEXT_MAX || self.text.len() - text_len >= FRAME_ALIGN {
            return Err(FrameError::Length);
        }
        if self.fixed.reserved.get() != 0 || self.text[text_len..].iter().any(|byte| *byte != 0) {
            return Err(FrameError::Reserved);
        }
        let (topics, groups) = text.split_at(self.topics_len());
        let known = SubscribeOptions::from_bits(self.fixed.options.get()).is_some();
        if !known || !is_pattern_list(topics) || !is_pattern_list(groups) {
            return Err(FrameError::Value);
        }
        Ok(())
    }
}

fn patterns(part: Option<&[u8]>) -> impl Iterator<Item = &str> {
    // Not `lines`, which would take a carriage return for a part of the newline.
    let text = core::str::from_utf8(part.unwrap_or_default()).unwrap_or_default();
    text.split_terminator('\n')
}

fn is_pattern_list(part: &[u8]) -> bool {
    let ended = part.last().is_none_or(|byte| *byte == b'\n');
    ended && core::str::from_utf8(part).is_ok() && patterns(Some(part)).all(|one| !one.is_empty())
}

/// How a subscription continues what the client had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Resume {
    /// Every event after the token follows.
    Tail = 0,
    /// Some are gone: a gap says which, a snapshot follows.
    Gap = 1,
    /// Nothing is continued: live frames only.
    Fresh = 2,
}

impl Resume {
    /// The answer with this number.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Tail),
            1 => Some(Self::Gap),
            2 => Some(Self::Fresh),
            _ => None,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tail => "tail",
            Self::Gap => "gap",
            Self::Fresh => "fresh",
        }
    }
}

/// The payload of a subscribed frame.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Subscribed {
    /// Granted rate in thousandths of a hertz.
    pub rate_mhz: U32,
    /// Granted [`Streams`].
    pub streams: U16,
    /// Granted [`SubscribeOptions`]: `every` or none. How it resumes stands in `resume`.
    pub options: U16,
    /// A [`Resume`]'s number.
    pub resume: U16,
    reserved: U16,
    reserved_more: U32,
    /// Sequence of the next live frame of streams 1 to 4.
    pub next: [U64; Streams::COUNT],
}

const _: () = assert!(size_of::<Subscribed>() == 48);
const _: () = assert!(core::mem::offset_of!(Subscribed, next) == 16);

impl Payload for Subscribed {
    const KIND: FrameKind = FrameKind::Subscribed;
}

impl Subscribed {
    /// How the subscription continues what the client had.
    #[must_use]
    pub fn resume(&self) -> Resume {
        Resume::from_number(self.resume.get()).unwrap_or(Resume::Fresh)
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        if self.reserved.get() != 0 || self.reserved_more.get() != 0 {
            return Err(FrameError::Reserved);
        }
        let granted = SubscribeOptions::from_bits(self.options.get());
        let known = granted.is_some_and(|options| !options.resume);
        if !known || Resume::from_number(self.resume.get()).is_none() {
            return Err(FrameError::Value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};
    use crate::payload::emit;

    const STAMP: Stamp = Stamp { boot_ns: 0 };

    fn subscribe(topics: &[&str], groups: &[&str]) -> heapless::Vec<u8, 2048> {
        let mut fixed = SubscribeFixed { epoch: [0xE0; 16], ..SubscribeFixed::default() };
        fixed.rate_mhz.set(10_000);
        fixed.streams.set(Streams::default().with(StreamId::VITALS).with(StreamId::EVENTS).0);
        fixed.options.set(SubscribeOptions { every: true, resume: true }.bits());
        fixed.events.set(41);
        let mut bytes = heapless::Vec::new();
        bytes.resize_default(2048).unwrap();
        let size = Subscribe::emit(&mut bytes, STAMP, &fixed, topics, groups).unwrap();
        bytes.truncate(size);
        bytes
    }

    #[test]
    fn bytes_of_subscribe_are_those_of_the_specification() {
        let bytes = subscribe(&["a.*", "b"], &["cpu"]);
        assert_eq!(&bytes[8..16], [56, 0, 0, 0, 3, 0, 0, 0]);
        let payload = &bytes[HEADER_SIZE..];
        assert_eq!(&payload[..8], [0x10, 0x27, 0, 0, 0b1001, 0, 0b11, 0]);
        assert_eq!((payload[8], payload[23], payload[24]), (0xE0, 0xE0, 41));
        assert_eq!(&payload[32..40], [6, 0, 4, 0, 0, 0, 0, 0]);
        assert_eq!(&payload[40..], b"a.*\nb\ncpu\n\0\0\0\0\0\0");
        let Body::Subscribe(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert!(read.topics().eq(["a.*", "b"]) && read.groups().eq(["cpu"]));
        assert!(read.streams().iter().eq([StreamId::VITALS, StreamId::EVENTS]));
        assert_eq!(read.options(), SubscribeOptions { every: true, resume: true });
    }

    #[test]
    fn a_subscription_without_patterns_is_72_bytes() {
        assert_eq!(subscribe(&[], &[]).len(), 72);
        let mut bytes = [0; 72];
        emit::<SubscribeFixed>(&mut bytes, Position::NONE, STAMP).unwrap();
        assert!(matches!(Frame::parse(&bytes).unwrap().body, Body::Subscribe(_)));
    }

    #[test]
    fn a_set_of_streams_has_what_was_put_in() {
        let none = Streams::default();
        assert!(none.is_empty() && none.iter().next().is_none());
        for number in 1..=16 {
            let one = none.with(StreamId(number)).with(StreamId(number));
            assert!(!one.is_empty() && one.iter().eq([StreamId(number)]), "{number}");
        }
        for outside in [0, 17, u16::MAX] {
            assert!(none.with(StreamId(outside)).is_empty(), "{outside}");
            assert!(!Streams(u16::MAX).contains(StreamId(outside)), "{outside}");
        }
    }

    #[test]
    fn patterns_are_checked_on_both_sides() {
        let fixed = SubscribeFixed::default();
        let mut bytes = [0; 2048];
        let mut emit = |topics: &[&str]| Subscribe::emit(&mut bytes, STAMP, &fixed, topics, &[]);
        assert_eq!(emit(&[""]), Err(FrameError::Value));
        assert_eq!(emit(&["a\nb"]), Err(FrameError::Value));
        let long = core::str::from_utf8(&[b'x'; FILTER_TEXT_MAX]).unwrap();
        assert_eq!(emit(&[&long[1..]]), Ok(32 + 40 + 1024));
        assert_eq!(emit(&[long]), Err(FrameError::Length));
        // A carriage return is a part of the pattern.
        let bytes = subscribe(&["a\r"], &[]);
        let Body::Subscribe(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert!(read.topics().eq(["a\r"]));
    }

    #[test]
    fn damage_to_subscribe_is_named() {
        let cases = [
            (6, 4, FrameError::Value),
            (32, 5, FrameError::Reserved),
            (32, 12, FrameError::Value),
            (32, 30, FrameError::Length),
            (33, 0xFF, FrameError::Length),
            (34, 0, FrameError::Length),
            (36, 1, FrameError::Reserved),
            (40, b'\n', FrameError::Value),
            (40, 0xFF, FrameError::Value),
            (55, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = subscribe(&["a.*", "b"], &["cpu"]);
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset} to {byte}");
        }
    }

    #[test]
    fn bytes_of_subscribed_are_those_of_the_specification() {
        let mut bytes = [0; Subscribed::FRAME_SIZE];
        let (subscribed, _) = emit::<Subscribed>(&mut bytes, Position::NONE, STAMP).unwrap();
        subscribed.rate_mhz.set(10_000);
        subscribed.streams.set(0b1001);
        subscribed.options.set(1);
        subscribed.resume.set(Resume::Fresh as u16);
        subscribed.next = [7.into(), 0.into(), 0.into(), 42.into()];
        assert_eq!(&bytes[8..16], [48, 0, 0, 0, 4, 0, 0, 0]);
        let payload = &bytes[HEADER_SIZE..];
        assert_eq!(&payload[..16], [0x10, 0x27, 0, 0, 9, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((payload[16], payload[40]), (7, 42));
        for (offset, byte, error) in [
            (6, 2, FrameError::Value),
            (8, 3, FrameError::Value),
            (10, 1, FrameError::Reserved),
            (12, 1, FrameError::Reserved),
        ] {
            let mut bytes = bytes;
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset}");
        }
    }

    #[test]
    fn sets_of_streams_hold_numbers_1_to_16() {
        let all = (0..20).fold(Streams::default(), |set, id| set.with(StreamId(id)));
        assert_eq!((all.0, all.iter().count()), (0xFFFF, 16));
        assert!(!all.contains(StreamId(0)) && !all.contains(StreamId(17)));
        assert!(Streams::default().is_empty());
    }
}
