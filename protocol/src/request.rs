//! A request on the control socket, and its reply, as frames.
//!
//! Request:
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u64 | id | comes back in the reply |
//! | 8 | u16 | action | see [`Action`] |
//! | 10 | u8 | ack | 0 the server's default, 1 received, 2 durable, 3 synced |
//! | 11 | u8 | client_len | bytes of client, at most 64; 0: no key |
//! | 12 | u32 | event_len | bytes of event; 0 but for submit |
//! | 16 | u64 | number | of the key: the client's own number for this event; of a dump: how many milliseconds before now, 0 for all there are |
//! | 24 | u8 × 64 | client | of the key, or the recorder of a dump: UTF-8, the rest 0 |
//! | 88 | … | event | an event's payload, without `catchup` |
//!
//! Reply:
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u64 | id | of the request |
//! | 8 | u16 | code | 0 success, else an [`ErrorCode`](crate::ErrorCode)'s number |
//! | 10 | u8 | ack | what was reached: 0 nothing to reach, else as above |
//! | 11 | u8 | reserved | 0 |
//! | 12 | u32 | text_len | bytes of text |
//! | 16 | u64 | sequence | of the event that was submitted; 0 without one |
//! | 24 | … | text | the reply as a JSON object, then zeros up to the next multiple of 8 |

use zerocopy::FromBytes;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy_derive::*;

use crate::event::Event;
use crate::frame_error::FrameError;
use crate::header::FrameKind;
use crate::limits::{EVENT_BYTES_MAX, FRAME_ALIGN, HEADER_SIZE, NAME_MAX, PAYLOAD_MAX};
use crate::payload::{Position, Stamp, emit_bytes};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Action {
    /// An answer.
    Ping = 1,
    /// How the server is.
    Status = 2,
    /// What it measures.
    Sensors = 3,
    /// Its figures, for Prometheus.
    Metrics = 4,
    /// A session to begin, or the running one to end.
    Toggle = 5,
    /// An event to be published.
    Submit = 6,
    /// The settings to be read again.
    Reload = 7,
    /// The server to stop.
    Quit = 8,
    /// The list of actions.
    Help = 9,
    /// What a recorder keeps to be written into a file.
    Dump = 10,
}

impl Action {
    /// Every action, in the order of its number.
    pub const ALL: [Self; 10] = [
        Self::Ping,
        Self::Status,
        Self::Sensors,
        Self::Metrics,
        Self::Toggle,
        Self::Submit,
        Self::Reload,
        Self::Quit,
        Self::Help,
        Self::Dump,
    ];

    /// The action with this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|action| *action as u16 == number)
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Status => "status",
            Self::Sensors => "sensors",
            Self::Metrics => "metrics",
            Self::Toggle => "toggle",
            Self::Submit => "submit",
            Self::Reload => "reload",
            Self::Quit => "quit",
            Self::Help => "help",
            Self::Dump => "dump",
        }
    }
}

/// What has happened to an event when its publisher is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Ack {
    /// It has its sequence.
    Received = 1,
    /// The journal has it: it survives the end of the process.
    Durable = 2,
    /// The disk has it: it survives the loss of power.
    Synced = 3,
}

impl Ack {
    /// Every level, in ascending order.
    pub const ALL: [Self; 3] = [Self::Received, Self::Durable, Self::Synced];

    /// The level with this number; 0 is none.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|ack| *ack as u8 == number)
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Durable => "durable",
            Self::Synced => "synced",
        }
    }
}

/// The payload of a request frame.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Request {
    head: RequestHead,
    event: [u8],
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RequestHead {
    id: U64,
    action: U16,
    ack: u8,
    client_len: u8,
    event_len: U32,
    number: U64,
    client: [u8; NAME_MAX],
}

const _: () = assert!(size_of::<RequestHead>() == 88);
const _: () = assert!(core::mem::offset_of!(RequestHead, number) == 16);
const _: () = assert!(size_of::<RequestHead>() + EVENT_BYTES_MAX as usize <= PAYLOAD_MAX);

impl Request {
    /// Writes a whole request frame and returns its size. `event` is the payload of a submit, and
    /// empty otherwise. A dump without a name is of the first recorder, so its number stands alone:
    /// the `key` may be `("", 5000)` then.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when it does not fit; [`FrameError::Length`] for an event of a size
    /// that no event has; [`FrameError::Value`] for a key whose client is empty or too long.
    pub fn emit(
        buffer: &mut [u8],
        id: u64,
        action: Action,
        ack: Option<Ack>,
        key: Option<(&str, u64)>,
        event: &[u8],
    ) -> Result<usize, FrameError> {
        if event.len() > EVENT_BYTES_MAX as usize || !event.len().is_multiple_of(FRAME_ALIGN) {
            return Err(FrameError::Length);
        }
        let size = size_of::<RequestHead>() + event.len();
        let payload =
            emit_bytes(buffer, FrameKind::Request, Position::NONE, Stamp { boot_ns: 0 }, size)?;
        let (head, target) =
            RequestHead::mut_from_prefix(payload).map_err(|_| FrameError::Short)?;
        head.id.set(id);
        head.action.set(action as u16);
        head.ack = ack.map_or(0, |ack| ack as u8);
        head.event_len.set(u32::try_from(event.len()).map_err(|_| FrameError::Length)?);
        if let Some((client, number)) = key {
            let least = usize::from(action != Action::Dump);
            if !(least..=NAME_MAX).contains(&client.len()) {
                return Err(FrameError::Value);
            }
            head.client_len = u8::try_from(client.len()).map_err(|_| FrameError::Value)?;
            head.client[..client.len()].copy_from_slice(client.as_bytes());
            head.number.set(number);
        }
        target.copy_from_slice(event);
        Ok(HEADER_SIZE + size)
    }

    /// What comes back in the reply.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.head.id.get()
    }

    /// What is asked for.
    #[must_use]
    pub fn action(&self) -> Action {
        Action::from_number(self.head.action.get()).unwrap_or(Action::Help)
    }

    /// When a submit is to be answered; `None` for the server's default.
    #[must_use]
    pub fn ack(&self) -> Option<Ack> {
        Ack::from_number(self.head.ack)
    }

    /// What makes a second submit with the same key no second event.
    #[must_use]
    pub fn key(&self) -> Option<(&str, u64)> {
        let client = self.head.client.get(..usize::from(self.head.client_len))?;
        let client = core::str::from_utf8(client).ok().filter(|client| !client.is_empty())?;
        Some((client, self.head.number.get()))
    }

    /// Of a dump: the recorder, if one is named, and how many milliseconds before now are wanted, 0
    /// for all there are.
    #[must_use]
    pub fn dump(&self) -> (Option<&str>, u64) {
        (self.key().map(|(name, _)| name), self.head.number.get())
    }

    /// The payload of the event to be published.
    #[must_use]
    pub fn event(&self) -> &[u8] {
        &self.event
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let head = &self.head;
        if usize::try_from(head.event_len.get()) != Ok(self.event.len()) {
            return Err(FrameError::Length);
        }
        let size = usize::from(head.client_len);
        let (client, rest) = head.client.split_at_checked(size).ok_or(FrameError::Value)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Reserved);
        }
        let action = Action::from_number(head.action.get()).ok_or(FrameError::Value)?;
        let has_key = size > 0;
        let has_good_ack = head.ack == 0 || self.ack().is_some();
        let may_have_number = has_key || action == Action::Dump;
        let has_good_key =
            core::str::from_utf8(client).is_ok() && (may_have_number || head.number.get() == 0);
        let may_have_key = action == Action::Dump;
        let is_bare = (!has_key || may_have_key) && head.ack == 0 && self.event.is_empty();
        if !has_good_ack || !has_good_key || action != Action::Submit && !is_bare {
            return Err(FrameError::Value);
        }
        if action == Action::Submit {
            let event = Event::parse(&self.event)?;
            // What is submitted is new, whatever it says.
            if event.is_catchup() {
                return Err(FrameError::Value);
            }
            event.check_json()?;
        }
        Ok(())
    }
}

/// The payload of a reply frame.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Reply {
    head: ReplyHead,
    text: [u8],
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct ReplyHead {
    id: U64,
    code: U16,
    ack: u8,
    reserved: u8,
    text_len: U32,
    sequence: U64,
}

/// Bytes of a reply before its text.
pub const REPLY_HEAD_SIZE: usize = 24;

const _: () = assert!(size_of::<ReplyHead>() == REPLY_HEAD_SIZE);

/// The numbers of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplyFields {
    /// Of the request.
    pub id: u64,
    /// 0 for success, else an [`ErrorCode`](crate::ErrorCode)'s number.
    pub code: u16,
    /// What was reached.
    pub ack: Option<Ack>,
    /// Of the submitted event; 0 without one.
    pub sequence: u64,
}

impl Reply {
    /// Writes a whole reply frame and returns its size.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when it does not fit, [`FrameError::Length`] for a text beyond the
    /// limit of payloads, [`FrameError::Value`] for one that is no JSON object on one line.
    pub fn emit(
        buffer: &mut [u8],
        stamp: Stamp,
        fields: ReplyFields,
        text: &str,
    ) -> Result<usize, FrameError> {
        if !is_object(text) {
            return Err(FrameError::Value);
        }
        let size = (REPLY_HEAD_SIZE + text.len()).next_multiple_of(FRAME_ALIGN);
        if size > PAYLOAD_MAX {
            return Err(FrameError::Length);
        }
        let payload = emit_bytes(buffer, FrameKind::Reply, Position::NONE, stamp, size)?;
        let (head, target) = ReplyHead::mut_from_prefix(payload).map_err(|_| FrameError::Short)?;
        *head = ReplyHead {
            id: fields.id.into(),
            code: fields.code.into(),
            ack: fields.ack.map_or(0, |ack| ack as u8),
            reserved: 0,
            text_len: u32::try_from(text.len()).map_err(|_| FrameError::Length)?.into(),
            sequence: fields.sequence.into(),
        };
        target[..text.len()].copy_from_slice(text.as_bytes());
        Ok(HEADER_SIZE + size)
    }

    /// Its numbers.
    #[must_use]
    pub fn fields(&self) -> ReplyFields {
        ReplyFields {
            id: self.head.id.get(),
            code: self.head.code.get(),
            ack: Ack::from_number(self.head.ack),
            sequence: self.head.sequence.get(),
        }
    }

    /// The reply as a JSON object.
    #[must_use]
    pub fn text(&self) -> &str {
        let text = self.text.get(..self.text_size()).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }

    fn text_size(&self) -> usize {
        usize::try_from(self.head.text_len.get()).unwrap_or(usize::MAX)
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let padding = self.text.get(self.text_size()..).ok_or(FrameError::Length)?;
        if padding.len() >= FRAME_ALIGN {
            return Err(FrameError::Length);
        }
        if self.head.reserved != 0 || padding.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Reserved);
        }
        let text = self.text.get(..self.text_size()).unwrap_or_default();
        let has_good_ack = self.head.ack == 0 || Ack::from_number(self.head.ack).is_some();
        if !has_good_ack || !core::str::from_utf8(text).is_ok_and(is_object) {
            return Err(FrameError::Value);
        }
        Ok(())
    }
}

/// Whether a reply's text can stand in a line as it is.
fn is_object(text: &str) -> bool {
    text.starts_with('{') && crate::json::check(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Data, EventFields};
    use crate::frame::{Body, Frame};

    const STAMP: Stamp = Stamp { boot_ns: 9 };

    fn submit(buffer: &mut [u8; 256]) -> usize {
        let mut event = [0; 64];
        let fields = EventFields::custom("t", Data::Json("{}"));
        let size = fields.write(&mut event).unwrap();
        let key = Some(("app", 0x0203));
        Request::emit(buffer, 7, Action::Submit, Some(Ack::Synced), key, &event[..size]).unwrap()
    }

    #[test]
    fn bytes_of_a_request_are_those_of_the_specification() {
        let mut bytes = [0xFF; 256];
        let size = submit(&mut bytes);
        assert_eq!((size, &bytes[8..16]), (32 + 88 + 32, [120, 0, 0, 0, 9, 0, 0, 0].as_slice()));
        let payload = &bytes[HEADER_SIZE..size];
        assert_eq!(&payload[..16], [7, 0, 0, 0, 0, 0, 0, 0, 6, 0, 3, 3, 32, 0, 0, 0]);
        assert_eq!(&payload[16..29], b"\x03\x02\0\0\0\0\0\0app\0\0");
        assert_eq!(&payload[112..], b"t{}\0\0\0\0\0");
        let Body::Request(read) = Frame::parse(&bytes[..size]).unwrap().body else {
            panic!("kind")
        };
        assert_eq!((read.id(), read.action(), read.ack()), (7, Action::Submit, Some(Ack::Synced)));
        assert_eq!((read.key(), read.event()), (Some(("app", 0x0203)), &payload[88..]));
        let size = Request::emit(&mut bytes, u64::MAX, Action::Ping, None, None, &[]).unwrap();
        assert_eq!((size, bytes[40]), (120, 1));
        assert!(Frame::parse(&bytes[..size]).is_ok());
    }

    #[test]
    fn a_dump_has_a_name_and_a_number_or_either_or_none() {
        let mut bytes = [0; 256];
        for (key, told) in [
            (None, (None, 0)),
            (Some(("", 5000)), (None, 5000)),
            (Some(("spikes", 0)), (Some("spikes"), 0)),
            (Some(("spikes", 1)), (Some("spikes"), 1)),
        ] {
            let size = Request::emit(&mut bytes, 1, Action::Dump, None, key, &[]).unwrap();
            let Body::Request(read) = Frame::parse(&bytes[..size]).unwrap().body else {
                panic!("kind")
            };
            assert_eq!(read.dump(), told);
        }
        let size =
            Request::emit(&mut bytes, 1, Action::Dump, Some(Ack::Synced), None, &[]).unwrap();
        assert_eq!(Frame::parse(&bytes[..size]).err(), Some(FrameError::Value));
        let key = Some(("", 1));
        let error = Request::emit(&mut bytes, 1, Action::Submit, None, key, &[]).err();
        assert_eq!(error, Some(FrameError::Value));
    }

    #[test]
    fn damage_to_a_request_is_named() {
        let cases = [
            (8, 0, FrameError::Value),
            (8, 1, FrameError::Value),
            (8, 11, FrameError::Value),
            (10, 4, FrameError::Value),
            (11, 2, FrameError::Reserved),
            (11, 65, FrameError::Value),
            (12, 24, FrameError::Length),
            (12, 40, FrameError::Length),
            (15, 1, FrameError::Length),
            (24, 0xFF, FrameError::Value),
            (27, 1, FrameError::Reserved),
            (87, 1, FrameError::Reserved),
            (88, 1, FrameError::Value),
            (88 + 13, 1, FrameError::Value),
            (88 + 14, 1, FrameError::Reserved),
            (88 + 26, b'1', FrameError::Value),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = [0; 256];
            let size = submit(&mut bytes);
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes[..size]).err(), Some(error), "byte {offset} to {byte}");
        }
    }

    #[test]
    fn a_request_has_only_what_belongs_to_its_action() {
        let mut bytes = [0; 256];
        for (ack, key) in [(Some(Ack::Durable), None), (None, Some(("app", 0)))] {
            let size = Request::emit(&mut bytes, 1, Action::Toggle, ack, key, &[]).unwrap();
            assert_eq!(Frame::parse(&bytes[..size]).err(), Some(FrameError::Value));
        }
        let size = Request::emit(&mut bytes, 1, Action::Ping, None, None, &[]).unwrap();
        bytes[HEADER_SIZE + 16] = 1;
        let number_without_client = Frame::parse(&bytes[..size]).err();
        assert_eq!(number_without_client, Some(FrameError::Value));
        let size = Request::emit(&mut bytes, 1, Action::Submit, None, None, &[]).unwrap();
        assert_eq!(Frame::parse(&bytes[..size]).err(), Some(FrameError::Length));
    }

    #[test]
    fn a_request_is_checked_before_it_is_written() {
        let mut bytes = [0; 256];
        let mut emit = |client: &str, event: &[u8]| {
            Request::emit(&mut bytes, 1, Action::Submit, None, Some((client, 1)), event)
        };
        assert_eq!(emit("", &[]), Err(FrameError::Value));
        let long = core::str::from_utf8(&[b'x'; NAME_MAX + 1]).unwrap();
        assert_eq!(emit(long, &[]), Err(FrameError::Value));
        assert_eq!(emit(&long[1..], &[]), Ok(120));
        assert_eq!(emit("x", &[0; 25]), Err(FrameError::Length));
        assert_eq!(emit("x", &[0; 160]), Err(FrameError::Short));
        const MOST: usize = EVENT_BYTES_MAX as usize;
        assert_eq!(emit("x", &[0; MOST]), Err(FrameError::Short));
        assert_eq!(emit("x", &[0; MOST + 8]), Err(FrameError::Length));
    }

    fn reply(text: &str) -> Result<heapless::Vec<u8, 256>, FrameError> {
        let fields = ReplyFields { id: 7, code: 12, ack: Some(Ack::Durable), sequence: 0x0203 };
        let mut bytes = heapless::Vec::new();
        bytes.resize_default(256).unwrap();
        let size = Reply::emit(&mut bytes, STAMP, fields, text)?;
        bytes.truncate(size);
        Ok(bytes)
    }

    #[test]
    fn bytes_of_a_reply_are_those_of_the_specification() {
        let bytes = reply("{}").unwrap();
        assert_eq!(&bytes[8..16], [32, 0, 0, 0, 10, 0, 0, 0]);
        let payload = &bytes[HEADER_SIZE..];
        assert_eq!(&payload[..16], [7, 0, 0, 0, 0, 0, 0, 0, 12, 0, 2, 0, 2, 0, 0, 0]);
        assert_eq!(&payload[16..], b"\x03\x02\0\0\0\0\0\0{}\0\0\0\0\0\0");
        let Body::Reply(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!((read.fields().ack, read.text()), (Some(Ack::Durable), "{}"));
        assert_eq!((read.fields().code, read.fields().sequence), (12, 0x0203));
        for (offset, byte, error) in [
            (10, 4, FrameError::Value),
            (11, 1, FrameError::Reserved),
            (12, 1, FrameError::Reserved),
            (12, 0, FrameError::Length),
            (12, 9, FrameError::Length),
            (15, 0xFF, FrameError::Length),
            (24, b'[', FrameError::Value),
            (25, 0xFF, FrameError::Value),
            (26, 1, FrameError::Reserved),
        ] {
            let mut bytes = bytes.clone();
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset} to {byte}");
        }
    }

    #[test]
    fn a_reply_is_one_object_on_one_line() {
        for bad in ["", "1", "[{}]", "{", "{}\n{}", "{}}", "{\n}", "{\"a\":\"\u{7f}\"}", " {}"] {
            assert_eq!(reply(bad).err(), Some(FrameError::Value), "{bad}");
        }
        let mut bytes = [0; 64];
        let fields = ReplyFields::default();
        assert_eq!(Reply::emit(&mut bytes[..63], STAMP, fields, "{}"), Err(FrameError::Short));
        assert_eq!(Reply::emit(&mut bytes, STAMP, fields, "{}"), Ok(64));
    }

    #[test]
    fn a_reply_is_no_longer_than_a_payload() {
        const MOST: usize = PAYLOAD_MAX - REPLY_HEAD_SIZE;
        let mut text = [b' '; MOST + 8];
        (text[0], text[MOST - 1]) = (b'{', b'}');
        let mut bytes = [0; HEADER_SIZE + PAYLOAD_MAX + 8];
        let mut emit = |text: &[u8]| {
            let text = core::str::from_utf8(text).unwrap();
            Reply::emit(&mut bytes, STAMP, ReplyFields::default(), text)
        };
        assert_eq!(emit(&text[..MOST]), Ok(HEADER_SIZE + PAYLOAD_MAX));
        (text[MOST - 1], text[MOST]) = (b' ', b'}');
        assert_eq!(emit(&text[..=MOST]), Err(FrameError::Length));
    }
}
