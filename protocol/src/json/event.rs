//! Reading an event as somebody submits it.
//!
//! ```json
//! {"type":"transcription","text":"Hello world","wpm":145.2,"latency_ms":234.5}
//! {"type":"event","topic":"build.done","data":{"ok":true}}
//! ```
//!
//! | type | required | may have |
//! |---|---|---|
//! | `event`, or left out | `topic` | `data` (any JSON) or `data_base64`, `timestamp` |
//! | `session_start`, `session_end` | | `session_id`, `timestamp` |
//! | `state_change` | `state` | `timestamp` |
//! | `transcription` | `text` | `timestamp` (text), `wpm`, `latency_ms`, `words`, `session_id` |
//! | `metrics_update` | `state` | the numbers of [`Number`] but `retry_count` |
//! | `notification` | `hook_name` | `hook_data` (any JSON), `retry_count`, `timestamp` |
//!
//! A number or a timestamp may be `null`, which is the same as leaving it out. Names (`topic`,
//! `hook_name`, the `timestamp` of a transcription) have 1 to 128 bytes and no control character.

use crate::event::{Data, EventFields, is_name};
use crate::event_kind::{AppState, EventKind};
use crate::json::compact::skip_data;
use crate::json::object::{expect, member, next};
use crate::json::read::{JsonError, JsonFault, Reader, Token};
use crate::json::request_fault::RequestFault;
use crate::json::{Text, base64_text};
use crate::numbers::{Number, NumberValue};
use crate::text::{Words, parse_float};

/// Keys that are no number; those that are follow, in the order of their bits.
const KEYS: [&str; 9 + Number::ALL.len()] = {
    let mut keys = [""; 9 + Number::ALL.len()];
    let words = [
        "type",
        "topic",
        "data",
        "data_base64",
        "text",
        "state",
        "timestamp",
        "hook_name",
        "hook_data",
    ];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = if at < words.len() { words[at] } else { Number::ALL[at - words.len()].name() };
        at += 1;
    }
    keys
};

const TOPIC: usize = 1;
const DATA: usize = 2;
const DATA_BASE64: usize = 3;
const TEXT: usize = 4;
const STATE: usize = 5;
const TIMESTAMP: usize = 6;
const HOOK_NAME: usize = 7;
const HOOK_DATA: usize = 8;
const NUMBERS: usize = 9;

/// What an event's object says, key by key.
#[derive(Default)]
struct Members<'a> {
    seen: u32,
    kind: Option<EventKind>,
    topic: Option<Text<'a>>,
    text: Option<Text<'a>>,
    hook_name: Option<Text<'a>>,
    /// Of `data` or `hook_data`.
    data: Option<&'a str>,
    base64: Option<Text<'a>>,
    state: Option<AppState>,
    time: Option<Time<'a>>,
    numbers: crate::numbers::Numbers,
}

#[derive(Clone, Copy)]
enum Time<'a> {
    Seconds(u64),
    Text(Text<'a>),
}

/// Reads an event's object, its opening brace included. What it leaves out is left empty, for the
/// server to fill in.
pub(super) fn parse_event<'a>(reader: &mut Reader<'a>) -> Result<EventFields<'a>, RequestFault> {
    expect(reader, Token::ObjectStart)?;
    let mut members = Members::default();
    while let Some(key) = member(reader, &KEYS, &mut members.seen)? {
        members.take(reader, key).map_err(|error| RequestFault::of(KEYS[key], error))?;
    }
    members.into_fields(reader.position())
}

impl<'a> Members<'a> {
    fn take(&mut self, reader: &mut Reader<'a>, key: usize) -> Result<(), JsonError> {
        match key {
            TOPIC => self.topic = Some(name(reader)?),
            TEXT => self.text = Some(string(reader)?),
            HOOK_NAME => self.hook_name = Some(name(reader)?),
            DATA | HOOK_DATA => {
                let start = reader.position();
                let first = next(reader)?;
                skip_data(reader, first)?;
                self.data = Some(reader.text(start, reader.position()));
            }
            DATA_BASE64 => {
                let text = string(reader)?;
                let good = base64_text::is_good(text);
                self.base64 = Some(good.then_some(text).ok_or(reader.error(JsonFault::Value))?);
            }
            STATE => {
                let name = string(reader)?;
                let state = AppState::ALL.into_iter().find(|state| name.is(state.name()));
                self.state = Some(state.ok_or(reader.error(JsonFault::Value))?);
            }
            TIMESTAMP => self.time = time(reader)?,
            0 => {
                let name = string(reader)?;
                let kind = EventKind::ALL.into_iter().find(|kind| name.is(kind.name()));
                self.kind = Some(kind.ok_or(reader.error(JsonFault::Value))?);
            }
            _ => self.take_number(reader, Number::ALL[key - NUMBERS])?,
        }
        Ok(())
    }

    fn take_number(&mut self, reader: &mut Reader<'a>, number: Number) -> Result<(), JsonError> {
        let bad = |reader: &Reader<'_>| reader.error(JsonFault::Value);
        let value = match next(reader)? {
            Token::Null => return Ok(()),
            Token::Number(text) if number.is_integer() => {
                NumberValue::Integer(text.parse().map_err(|_| bad(reader))?)
            }
            Token::Number(text) => NumberValue::Float(finite(text).ok_or(bad(reader))?),
            _ => return Err(bad(reader)),
        };
        self.numbers.set(number, value);
        Ok(())
    }

    fn into_fields(self, at: usize) -> Result<EventFields<'a>, RequestFault> {
        let kind = self.kind.unwrap_or(EventKind::Custom);
        let (required, allowed) = keys_of(kind);
        let fault = |keys: u32, reason| {
            let key = KEYS.get(keys.trailing_zeros() as usize).copied().unwrap_or_default();
            Err(RequestFault { at, key, reason })
        };
        // `type` itself is always allowed.
        let surplus = self.seen & !(required | allowed | 1);
        if surplus != 0 {
            return fault(surplus, "is not a key of this type of event");
        }
        let missing = required & !self.seen;
        if missing != 0 {
            return fault(missing, "is missing");
        }
        let mut fields = EventFields::new(kind);
        (fields.state, fields.numbers) = (self.state, self.numbers);
        let name = self.topic.or(self.hook_name);
        if let Some(name) = name {
            fields.name = Words::Escaped(name);
        }
        match (self.time, kind) {
            (None, _) => {}
            (Some(Time::Text(text)), EventKind::Transcription) => {
                fields.name = Words::Escaped(text)
            }
            (Some(Time::Seconds(ns)), kind) if kind != EventKind::Transcription => {
                fields.wall_ns = ns;
            }
            _ => return fault(1 << TIMESTAMP, JsonFault::Value.describe()),
        }
        if self.data.is_some() && self.base64.is_some() {
            return fault(1 << DATA_BASE64, "stands beside data");
        }
        fields.data = match (kind, self.text, self.base64) {
            (EventKind::Transcription, Some(text), _) => Data::Text(Words::Escaped(text)),
            (EventKind::Custom, _, Some(text)) => Data::Base64(text),
            (EventKind::Custom | EventKind::Notification, ..) => {
                Data::Json(self.data.unwrap_or("null"))
            }
            _ => fields.data,
        };
        Ok(fields)
    }
}

/// Keys that an event of a kind must have, and others that it may have, as bits.
fn keys_of(kind: EventKind) -> (u32, u32) {
    let numbers =
        kind.numbers().iter().fold(0, |bits, number| bits | 1 << (NUMBERS + *number as usize));
    let (required, allowed) = match kind {
        EventKind::Custom => (1 << TOPIC, 1 << DATA | 1 << DATA_BASE64 | 1 << TIMESTAMP),
        EventKind::SessionStart | EventKind::SessionEnd => (0, 1 << TIMESTAMP),
        EventKind::StateChange => (1 << STATE, 1 << TIMESTAMP),
        EventKind::Transcription => (1 << TEXT, 1 << TIMESTAMP),
        EventKind::MetricsUpdate => (1 << STATE, 0),
        EventKind::Notification => (1 << HOOK_NAME, 1 << HOOK_DATA | 1 << TIMESTAMP),
    };
    (required, allowed | numbers)
}

fn string<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, JsonError> {
    match next(reader)? {
        Token::String(text) => Ok(text),
        _ => Err(reader.error(JsonFault::Value)),
    }
}

/// A topic, a hook or a time of day.
fn name<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, JsonError> {
    let text = string(reader)?;
    if is_name(text.chars()) { Ok(text) } else { Err(reader.error(JsonFault::Value)) }
}

fn time<'a>(reader: &mut Reader<'a>) -> Result<Option<Time<'a>>, JsonError> {
    match next(reader)? {
        Token::Null => Ok(None),
        Token::String(text) if is_name(text.chars()) => Ok(Some(Time::Text(text))),
        Token::Number(text) => match nanoseconds(text) {
            Some(ns) => Ok(Some(Time::Seconds(ns))),
            None => Err(reader.error(JsonFault::Value)),
        },
        _ => Err(reader.error(JsonFault::Value)),
    }
}

fn finite(text: &str) -> Option<f64> {
    parse_float(text).filter(|value| value.is_finite())
}

/// Unix seconds to nanoseconds: exactly as they are written, without what is below a nanosecond;
/// with an exponent, to the microsecond. The year 2554 is where 64 bits of nanoseconds end.
fn nanoseconds(text: &str) -> Option<u64> {
    if text.contains(['e', 'E', '-']) {
        let range = 0.0..18_446_744_073.0;
        let seconds = finite(text).filter(|seconds| range.contains(seconds))?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range
        return Some((seconds * 1e6 + 0.5) as u64 * 1000);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().chain(core::iter::repeat(b'0')).take(9);
    let below = digits.fold(0, |ns, digit| 10 * ns + u64::from(digit - b'0'));
    whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_as_they_are_written() {
        for (text, ns) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("1", Some(1_000_000_000)),
            ("1699000000.25", Some(1_699_000_000_250_000_000)),
            ("0.1234567891", Some(123_456_789)),
            ("4503599628.000001", Some(4_503_599_628_000_001_000)),
            ("18446744073.709551615", Some(u64::MAX)),
            ("18446744073.709551616", None),
            ("18446744074", None),
            ("99999999999999999999", None),
            ("-1", None),
            ("1.699e9", Some(1_699_000_000_000_000_000)),
            ("1e-6", Some(1000)),
            ("1e10", Some(10_000_000_000_000_000_000)),
            ("2e10", None),
            ("1e999", None),
        ] {
            assert_eq!(nanoseconds(text), ns, "{text}");
        }
    }
}
