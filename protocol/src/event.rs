//! An application's event: one fixed head, the numbers it has, a name and its data.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u16 | kind | see [`EventKind`] |
//! | 2 | u16 | state | 0 none, 1 idle, 2 recording, 3 processing, 4 error |
//! | 4 | u16 | present | bit n: number n is there; see [`Number`] |
//! | 6 | u16 | name_len | bytes of name, at most 128 |
//! | 8 | u32 | data_len | bytes of data |
//! | 12 | u8 | form | of the data: 0 text, 1 JSON, 2 bytes; 0 without data |
//! | 13 | u8 | options | bit 0 `catchup`: sent again to a newcomer |
//! | 14 | u16 | reserved | 0 |
//! | 16 | u64 | wall_ns | the event's own time: nanoseconds since 1970 |
//! | 24 | 8 × n | numbers | those present, in ascending order of their bits |
//! | … | u8 × name_len | name | UTF-8 without control characters |
//! | … | u8 × data_len | data | then zeros up to the next multiple of 8 |
//!
//! The frame's timestamp is on the boot clock of the run that took the event; `wall_ns` still means
//! something after the next boot.

use zerocopy::FromBytes;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy_derive::*;

use crate::event_kind::{AppState, EventKind, Form};
use crate::frame_error::FrameError;
use crate::header::{FrameKind, StreamId};
use crate::json::Text;
use crate::limits::{EVENT_BYTES_MAX, EVENT_NAME_MAX, FRAME_ALIGN, HEADER_SIZE};
use crate::numbers::{Number, NumberValue, Numbers};
use crate::payload::{Position, Stamp, emit_bytes};
use crate::text::Words;

/// The payload of an event frame.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Event {
    head: EventHead,
    rest: [u8],
}

/// The part of an event before its numbers.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct EventHead {
    kind: U16,
    state: U16,
    present: U16,
    name_len: U16,
    data_len: U32,
    form: u8,
    options: u8,
    reserved: U16,
    wall_ns: U64,
}

/// Bytes of an event's fixed head.
pub const EVENT_HEAD_SIZE: usize = 24;

const _: () = assert!(size_of::<EventHead>() == EVENT_HEAD_SIZE);
const _: () = assert!(core::mem::offset_of!(EventHead, wall_ns) == 16);

/// Where a payload has its options.
const OPTIONS_OFFSET: usize = core::mem::offset_of!(EventHead, options);
const CATCHUP: u8 = 1;

/// The data of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Data<'a> {
    /// Text, to be shown as it is.
    Text(Words<'a>),
    /// One JSON value. It is written as [`compact`](crate::json::compact) does it.
    Json(&'a str),
    /// Anything.
    Bytes(&'a [u8]),
    /// Anything, as base64 text. Read events have [`Data::Bytes`] instead.
    Base64(Text<'a>),
}

/// What an event says, before it is a payload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventFields<'a> {
    /// What it is.
    pub kind: EventKind,
    /// The application's state, where the kind has one.
    pub state: Option<AppState>,
    /// Its numbers.
    pub numbers: Numbers,
    /// Its own time in nanoseconds since 1970; 0 when it is to be filled in.
    pub wall_ns: u64,
    /// Topic of a custom event, hook of a notification, time of day of a transcription.
    pub name: Words<'a>,
    /// Its data; empty text where the kind has none.
    pub data: Data<'a>,
}

impl<'a> EventFields<'a> {
    /// An event of a kind, with nothing filled in.
    #[must_use]
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            state: None,
            numbers: Numbers::default(),
            wall_ns: 0,
            name: Words::Plain(""),
            data: Data::Text(Words::Plain("")),
        }
    }

    /// A custom event about `topic`.
    #[must_use]
    pub fn custom(topic: &'a str, data: Data<'a>) -> Self {
        Self { name: Words::Plain(topic), data, ..Self::new(EventKind::Custom) }
    }

    /// Writes the payload to the front of `buffer` and returns its size.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when it does not fit; [`FrameError::Length`] when it is larger than
    /// any event may be; [`FrameError::Value`] for a name, a number, data or a state that its kind
    /// can't have or must have, and for JSON and base64 that is none. What
    /// [`parse_request`](crate::json::parse_request) has read can only be too long, once the server
    /// has filled in what was left out.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, FrameError> {
        let mut at = EVENT_HEAD_SIZE;
        at += self.numbers.write(buffer.get_mut(at..).ok_or(FrameError::Short)?)?;
        let name_len = self.name.write(buffer.get_mut(at..).ok_or(FrameError::Short)?)?;
        at += name_len;
        let room = buffer.get_mut(at..).ok_or(FrameError::Short)?;
        let (form, data_len) = match self.data {
            Data::Text(text) => (Form::Text, text.write(room)?),
            Data::Json(text) => (Form::Json, crate::json::compact(text, room)?),
            Data::Bytes(bytes) => {
                let target = room.get_mut(..bytes.len()).ok_or(FrameError::Short)?;
                target.copy_from_slice(bytes);
                (Form::Bytes, bytes.len())
            }
            Data::Base64(text) => (Form::Bytes, crate::json::decode_base64(text, room)?),
        };
        at += data_len;
        let size = at.next_multiple_of(FRAME_ALIGN);
        buffer.get_mut(at..size).ok_or(FrameError::Short)?.fill(0);
        let (head, _) = EventHead::mut_from_prefix(buffer).map_err(|_| FrameError::Short)?;
        *head = EventHead {
            kind: (self.kind as u16).into(),
            state: self.state.map_or(0, |state| state as u16).into(),
            present: self.numbers.present().into(),
            name_len: u16::try_from(name_len).map_err(|_| FrameError::Value)?.into(),
            data_len: u32::try_from(data_len).map_err(|_| FrameError::Value)?.into(),
            form: form as u8,
            options: 0,
            reserved: 0.into(),
            wall_ns: self.wall_ns.into(),
        };
        Event::parse(&buffer[..size])?;
        Ok(size)
    }
}

fn is_size(payload_size: usize) -> bool {
    payload_size.is_multiple_of(FRAME_ALIGN) && payload_size <= EVENT_BYTES_MAX as usize
}

/// Whether it is UTF-8; the shortest way for what is ASCII, as most text is.
fn is_utf8(bytes: &[u8]) -> bool {
    bytes.is_ascii() || core::str::from_utf8(bytes).is_ok()
}

/// Whether a topic, a hook or a time of day is one.
pub(crate) fn is_name(chars: impl Iterator<Item = char>) -> bool {
    let mut size = 0usize;
    let is_printable = chars.inspect(|char| size += char.len_utf8()).all(|char| !char.is_control());
    is_printable && (1..=EVENT_NAME_MAX).contains(&size)
}

impl Event {
    /// Writes a whole frame around a payload that [`EventFields::write`] or [`Event::parse`] has
    /// passed, and returns its size.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when it does not fit, [`FrameError::Length`] for a size that no event
    /// has.
    pub fn emit(
        buffer: &mut [u8],
        sequence: u64,
        stamp: Stamp,
        payload: &[u8],
    ) -> Result<usize, FrameError> {
        if !is_size(payload.len()) {
            return Err(FrameError::Length);
        }
        let at = Position { stream: StreamId::EVENTS, sequence };
        emit_bytes(buffer, FrameKind::Event, at, stamp, payload.len())?.copy_from_slice(payload);
        Ok(HEADER_SIZE + payload.len())
    }

    /// Checks that `payload` is an event's. JSON data is checked to be text on one line; that it is
    /// JSON is checked where events enter, by [`EventFields::write`] or [`Event::check_json`].
    /// Whoever writes lines from frames of a stranger calls that as well.
    ///
    /// # Errors
    ///
    /// A [`FrameError`] that names the first thing found wrong.
    pub fn parse(payload: &[u8]) -> Result<&Self, FrameError> {
        let event = Self::ref_from_bytes(payload).map_err(|_| FrameError::Length)?;
        event.check()?;
        Ok(event)
    }

    /// The event of a payload that has passed [`parse`](Self::parse) or was written by
    /// [`EventFields::write`]; nothing is checked again. What it says of other bytes may be
    /// anything. `None` for a size that no event has.
    #[must_use]
    pub fn view(payload: &[u8]) -> Option<&Self> {
        Self::ref_from_bytes(payload).ok()
    }

    /// Whether data of form JSON is JSON that can stand in a line; see
    /// [`json::check`](crate::json::check).
    ///
    /// # Errors
    ///
    /// [`FrameError::Value`] when it is not.
    pub fn check_json(&self) -> Result<(), FrameError> {
        match self.data() {
            Data::Json(text) => crate::json::check(text).map_err(|_| FrameError::Value),
            _ => Ok(()),
        }
    }

    /// What it says, to be changed and written again.
    #[must_use]
    pub fn fields(&self) -> EventFields<'_> {
        let mut numbers = Numbers::default();
        for (number, value) in Number::ALL.into_iter().filter_map(|n| Some((n, self.number(n)?))) {
            numbers.set(number, value);
        }
        EventFields {
            kind: self.kind(),
            state: self.state(),
            numbers,
            wall_ns: self.wall_ns(),
            name: Words::Plain(self.name()),
            data: self.data(),
        }
    }

    /// Gives a payload whose time is 0 another.
    pub fn complete(payload: &mut [u8], wall_ns: u64) {
        if let Ok((head, _)) = EventHead::mut_from_prefix(payload)
            && head.wall_ns.get() == 0
        {
            head.wall_ns = wall_ns.into();
        }
    }

    /// Marks the event in a whole frame as one that is sent again to a newcomer.
    pub fn mark_catchup(frame: &mut [u8]) {
        if let Some(options) = frame.get_mut(HEADER_SIZE + OPTIONS_OFFSET) {
            *options |= CATCHUP;
        }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        EventKind::from_number(self.head.kind.get()).unwrap_or(EventKind::Custom)
    }

    /// The application's state, where the kind has one.
    #[must_use]
    pub fn state(&self) -> Option<AppState> {
        AppState::from_number(self.head.state.get())
    }

    /// Its own time in nanoseconds since 1970.
    #[must_use]
    pub fn wall_ns(&self) -> u64 {
        self.head.wall_ns.get()
    }

    /// Whether it is sent again to a newcomer.
    #[must_use]
    pub fn is_catchup(&self) -> bool {
        self.head.options & CATCHUP != 0
    }

    /// One of its numbers.
    #[must_use]
    pub fn number(&self, number: Number) -> Option<NumberValue> {
        Numbers::read(self.head.present.get(), &self.rest, number)
    }

    /// A number that counts.
    #[must_use]
    pub fn integer(&self, number: Number) -> Option<u64> {
        match self.number(number)? {
            NumberValue::Integer(value) => Some(value),
            NumberValue::Float(_) => None,
        }
    }

    /// Topic of a custom event, hook of a notification, time of day of a transcription.
    #[must_use]
    pub fn name(&self) -> &str {
        let start = self.numbers_size();
        let name = self.rest.get(start..start + self.name_size()).unwrap_or_default();
        core::str::from_utf8(name).unwrap_or_default()
    }

    /// What filters by topic look at: a custom event's topic, or the kind's name.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self.kind() {
            EventKind::Custom => self.name(),
            kind => kind.name(),
        }
    }

    /// Its data.
    #[must_use]
    pub fn data(&self) -> Data<'_> {
        let bytes = self.data_bytes();
        let text = || core::str::from_utf8(bytes).unwrap_or_default();
        match Form::from_number(self.head.form) {
            Some(Form::Json) => Data::Json(text()),
            Some(Form::Bytes) => Data::Bytes(bytes),
            _ => Data::Text(Words::Plain(text())),
        }
    }

    fn data_bytes(&self) -> &[u8] {
        let start = self.numbers_size() + self.name_size();
        self.rest.get(start..start.saturating_add(self.data_size())).unwrap_or_default()
    }

    fn numbers_size(&self) -> usize {
        match self.head.present.get() {
            // Most events have none, and counting bits is a dozen instructions on some machines.
            0 => 0,
            present => 8 * present.count_ones() as usize,
        }
    }

    fn name_size(&self) -> usize {
        usize::from(self.head.name_len.get())
    }

    fn data_size(&self) -> usize {
        usize::try_from(self.head.data_len.get()).unwrap_or(usize::MAX)
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let used = (self.numbers_size() + self.name_size()).checked_add(self.data_size());
        let padding = used.and_then(|used| self.rest.get(used..)).ok_or(FrameError::Length)?;
        if padding.len() >= FRAME_ALIGN || !is_size(EVENT_HEAD_SIZE + self.rest.len()) {
            return Err(FrameError::Length);
        }
        if self.head.reserved.get() != 0 || padding.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Reserved);
        }
        if self.has_good_shape() && self.has_good_text() { Ok(()) } else { Err(FrameError::Value) }
    }

    /// Whether it has what its kind must have, and nothing that its kind can't have.
    fn has_good_shape(&self) -> bool {
        let EventHead { kind, state, present, form, options, .. } = self.head;
        let Some(kind) = EventKind::from_number(kind.get()) else { return false };
        let shape = kind.shape();
        let has_state = AppState::from_number(state.get()).is_some();
        options & !CATCHUP == 0
            && has_state == shape.has_state
            && (has_state || state.get() == 0)
            && shape.has_name == (self.name_size() > 0)
            && Form::from_number(form).is_some_and(|form| shape.forms.contains(&form))
            && (shape.has_data || self.data_size() == 0)
            && Numbers::check(present.get(), &self.rest, shape.numbers)
    }

    fn has_good_text(&self) -> bool {
        let start = self.numbers_size();
        let name = self.rest.get(start..start + self.name_size()).unwrap_or_default();
        let data = self.data_bytes();
        let has_good_name =
            // Nearly every name is short ASCII.
            name.len() <= EVENT_NAME_MAX && name.iter().all(|byte| matches!(byte, b' '..=b'~'))
                || core::str::from_utf8(name).is_ok_and(|name| is_name(name.chars()));
        has_good_name
            && match Form::from_number(self.head.form) {
                Some(Form::Bytes) => true,
                // Neither stands in JSON on one line.
                Some(Form::Json) if data.iter().any(|byte| *byte < b' ' || *byte == 0x7F) => false,
                Some(Form::Json) => !data.is_empty() && is_utf8(data),
                _ => is_utf8(data),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};
    use crate::numbers::NumberValue;

    const STAMP: Stamp = Stamp { boot_ns: 9 };

    fn written(fields: EventFields<'_>) -> Result<heapless::Vec<u8, 512>, FrameError> {
        let mut bytes = heapless::Vec::new();
        bytes.resize_default(512).unwrap();
        let size = fields.write(&mut bytes)?;
        bytes.truncate(size);
        Ok(bytes)
    }

    fn transcription() -> EventFields<'static> {
        let mut fields = EventFields::new(EventKind::Transcription);
        fields.name = Words::Plain("14:23:15");
        fields.data = Data::Text(Words::Plain("Hello"));
        fields.wall_ns = 0x0102;
        fields.numbers.set(Number::Wpm, NumberValue::Float(145.25));
        fields.numbers.set(Number::Words, NumberValue::Integer(1));
        fields
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let payload = written(transcription()).unwrap();
        assert_eq!(&payload[..16], [4, 0, 0, 0, 0x14, 0, 8, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&payload[16..24], [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&payload[24..32], [1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(payload[32..40], 145.25f64.to_le_bytes());
        assert_eq!(&payload[40..], b"14:23:15Hello\0\0\0");
        let mut frame = [0xFF; 128];
        let size = Event::emit(&mut frame, 7, STAMP, &payload).unwrap();
        assert_eq!((size, &frame[8..16]), (32 + 56, [56, 0, 0, 0, 32, 0, 4, 0].as_slice()));
        let Body::Event(event) = Frame::parse(&frame[..size]).unwrap().body else { panic!("kind") };
        assert_eq!((event.kind(), event.name()), (EventKind::Transcription, "14:23:15"));
        assert_eq!((event.data(), event.wall_ns()), (transcription().data, 0x0102));
        assert_eq!((event.integer(Number::Words), event.integer(Number::Wpm)), (Some(1), None));
        assert_eq!((event.topic(), event.is_catchup()), ("transcription", false));
        Event::mark_catchup(&mut frame);
        let Body::Event(event) = Frame::parse(&frame[..size]).unwrap().body else { panic!("kind") };
        assert!(event.is_catchup() && frame[32 + 13] == 1);
    }

    /// The bug it finds: a view of bytes that were not checked reads beyond them.
    #[test]
    fn a_view_of_anything_answers() {
        let payload = written(transcription()).unwrap();
        assert_eq!(Event::view(&payload).map(Event::fields), Some(transcription()));
        for at in 0..payload.len() {
            for byte in 0..=255 {
                let mut payload = payload.clone();
                payload[at] = byte;
                let event = Event::view(&payload).unwrap();
                let fields = event.fields();
                assert!(event.topic().len() + event.name().len() <= 2 * payload.len());
                assert_eq!((fields.kind, fields.state), (event.kind(), event.state()));
                let _ = (event.is_catchup(), event.check_json());
            }
        }
        assert!(Event::view(&payload[..23]).is_none());
    }

    #[test]
    fn a_time_is_filled_in_where_there_is_none() {
        let mut payload = written(EventFields { wall_ns: 0, ..transcription() }).unwrap();
        Event::complete(&mut payload, 0x0102);
        assert_eq!(payload, written(transcription()).unwrap());
        Event::complete(&mut payload, 7);
        assert_eq!(payload, written(transcription()).unwrap());
        let mut short = [0; EVENT_HEAD_SIZE - 1];
        Event::complete(&mut short, 7);
        assert_eq!(short, [0; EVENT_HEAD_SIZE - 1]);
    }

    #[test]
    fn what_a_kind_can_not_have_is_refused() {
        let state = Some(AppState::Idle);
        let text = Data::Text(Words::Plain("x"));
        let name = Words::Plain("x");
        let new = EventFields::new;
        let mut counted = EventFields::custom("t", text);
        counted.numbers.set(Number::Words, NumberValue::Integer(1));
        for (fields, about) in [
            (EventFields { state, ..new(EventKind::SessionStart) }, "a state"),
            (new(EventKind::StateChange), "no state"),
            (EventFields { name, state, ..new(EventKind::StateChange) }, "a name"),
            (EventFields::custom("", text), "no name"),
            (EventFields { data: text, ..new(EventKind::SessionEnd) }, "data"),
            (EventFields { data: Data::Bytes(b""), ..new(EventKind::SessionEnd) }, "a form"),
            (EventFields { data: text, name, ..new(EventKind::Notification) }, "text for JSON"),
            (EventFields { data: Data::Json("1"), ..transcription() }, "JSON for text"),
            (counted, "a number of another kind"),
            (EventFields::custom("a\u{7f}", text), "a control character in the name"),
            (EventFields::custom("a\u{85}", text), "another one"),
            (EventFields::custom("t", Data::Json("{}}")), "JSON that is none"),
            (EventFields::custom("t", Data::Json("")), "no JSON"),
            (EventFields::custom("t", Data::Base64(Text::from_escaped("A"))), "no base64"),
        ] {
            assert_eq!(written(fields).err(), Some(FrameError::Value), "{about}");
        }
        assert!(written(EventFields::custom("t", Data::Bytes(b""))).is_ok());
        assert!(written(EventFields::custom("t", Data::Text(Words::Plain("\0")))).is_ok());
    }

    #[test]
    fn every_kind_of_damage_is_named() {
        let cases = [
            (0, 7, FrameError::Value),
            (2, 1, FrameError::Value),
            (4, 0x34, FrameError::Length),
            (5, 0x04, FrameError::Length),
            (6, 0, FrameError::Length),
            (7, 1, FrameError::Length),
            (8, 9, FrameError::Length),
            (8, 6, FrameError::Value),
            (11, 0xFF, FrameError::Length),
            (12, 1, FrameError::Value),
            (12, 3, FrameError::Value),
            (13, 2, FrameError::Value),
            (14, 1, FrameError::Reserved),
            (15, 1, FrameError::Reserved),
            (39, 0x7F, FrameError::Value),
            (40, 0x1B, FrameError::Value),
            (48, 0xFF, FrameError::Value),
            (55, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut payload = written(transcription()).unwrap();
            payload[offset] = byte;
            if offset == 39 {
                payload[38] = 0xF0;
            }
            // A data_len of 6 takes in a byte of padding; only a control character tells here.
            if (offset, byte) == (8, 6) {
                payload[53] = 0xFF;
            }
            assert_eq!(Event::parse(&payload).err(), Some(error), "byte {offset} to {byte}");
        }
        let payload = written(transcription()).unwrap();
        for size in 0..payload.len() {
            assert_eq!(Event::parse(&payload[..size]).err(), Some(FrameError::Length), "{size}");
        }
    }

    #[test]
    fn sizes_that_no_event_has_are_refused() {
        // Eight bytes short of what its counts say, but nothing missing: sizes are multiples of 8.
        let mut payload = written(EventFields::custom("t", Data::Bytes(b"12345"))).unwrap();
        assert_eq!(payload.len(), 32);
        assert_eq!(Event::parse(&payload[..30]).err(), Some(FrameError::Length));
        let mut frame = [0; 128];
        assert_eq!(Event::emit(&mut frame, 1, STAMP, &payload[..30]), Err(FrameError::Length));
        payload.truncate(24);
        assert_eq!(Event::emit(&mut frame[..40], 1, STAMP, &payload), Err(FrameError::Short));
        let most = EVENT_BYTES_MAX as usize;
        assert!(is_size(most) && !is_size(most + 8) && !is_size(most - 1));
    }

    #[test]
    fn a_buffer_too_small_is_told_at_every_size() {
        let whole = written(transcription()).unwrap();
        let mut buffer = [0xEE; 64];
        for room in 0..whole.len() {
            let result = transcription().write(&mut buffer[..room]);
            assert_eq!(result, Err(FrameError::Short), "{room}");
        }
        assert_eq!(transcription().write(&mut buffer[..whole.len()]), Ok(whole.len()));
        assert_eq!(buffer[whole.len()], 0xEE);
    }

    #[test]
    fn data_keeps_its_form() {
        for (data, read) in [
            (Data::Text(Words::Plain("a\0\n")), Data::Text(Words::Plain("a\0\n"))),
            (Data::Json("{ \"a\" : 1 }"), Data::Json("{\"a\":1}")),
            (Data::Bytes(b"\0\xFF"), Data::Bytes(b"\0\xFF")),
            (Data::Base64(Text::from_escaped(r"\/\/8=")), Data::Bytes(b"\xFF\xFF")),
        ] {
            let payload = written(EventFields::custom("é.x", data)).unwrap();
            let event = Event::parse(&payload).unwrap();
            assert_eq!((event.data(), event.name(), event.topic()), (read, "é.x", "é.x"));
            assert_eq!(event.check_json(), Ok(()));
        }
        let mut payload = written(EventFields::custom("t", Data::Json("[1]"))).unwrap();
        payload[27] = b'}';
        assert_eq!(Event::parse(&payload).unwrap().check_json(), Err(FrameError::Value));
        payload[27] = 0x7F;
        assert_eq!(Event::parse(&payload).err(), Some(FrameError::Value));
    }
}
