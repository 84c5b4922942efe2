//! What the owner asks for on the control socket.
//!
//! ```json
//! {"action":"submit","id":7,"event":{"type":"transcription","text":"…"},"ack":"durable",
//!  "key":{"client":"app-1","number":7}}
//! {"action":"status"}
//! {"action":"dump","recorder":"spikes","last_s":60}
//! ```

use crate::event::EventFields;
use crate::json::event::parse_event;
use crate::json::object::{expect, member, next};
use crate::json::read::{JsonError, JsonFault, Reader, Token};
use crate::json::request_fault::RequestFault;
use crate::json::{Text, check};
use crate::limits::{NAME_MAX, REQUEST_ID_MAX};
use crate::request::{Ack, Action};
use crate::text::parse_float;

/// A request as its text says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControlRequest<'a> {
    /// What to do.
    pub action: Action,
    /// What the answer is to carry: a number or a string, as JSON.
    pub id: Option<&'a str>,
    /// The event of a submit, and of nothing else.
    pub event: Option<EventFields<'a>>,
    /// When it is to be answered; `None` for the server's default.
    pub ack: Option<Ack>,
    /// What makes a second one of the same name and number no second event.
    pub key: Option<ControlKey<'a>>,
    /// Of a dump which recorder; `None` for the first.
    pub recorder: Option<Text<'a>>,
    /// Of a dump how many milliseconds before now; 0 for all there are.
    pub last_ms: u64,
}

/// A client's own number for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlKey<'a> {
    /// The client.
    pub client: Text<'a>,
    /// Its number.
    pub number: u64,
}

/// What is wrong with another name than those of [`Action::ALL`].
const NO_ACTION: &str =
    "is none of ping, status, sensors, metrics, toggle, submit, reload, quit, help, dump";

const KEYS: [&str; 7] = ["action", "id", "event", "ack", "key", "recorder", "last_s"];

/// A day: nobody keeps more in memory.
const LAST_S_MAX: f64 = 86_400.0;

/// Reads a request: one JSON object and nothing else.
///
/// # Errors
///
/// A [`RequestFault`] that says what is wrong and after how many bytes.
pub fn parse_request(text: &[u8]) -> Result<ControlRequest<'_>, RequestFault> {
    let mut reader = Reader::new(text)?;
    let (mut action, mut seen) = (None, 0);
    let (mut id, mut event, mut ack, mut key) = (None, None, None, None);
    let (mut recorder, mut last_ms) = (None, 0);
    expect(&mut reader, Token::ObjectStart)?;
    while let Some(index) = member(&mut reader, &KEYS, &mut seen)? {
        let of = |error| RequestFault::of(KEYS[index], error);
        match index {
            0 => action = Some(parse_action(&mut reader)?),
            1 => id = Some(parse_id(&mut reader).map_err(of)?),
            2 => event = Some(parse_event(&mut reader)?),
            3 => ack = Some(parse_ack(&mut reader).map_err(of)?),
            4 => key = Some(parse_key(&mut reader).map_err(of)?),
            5 => recorder = Some(parse_name(&mut reader).map_err(of)?),
            _ => last_ms = parse_span(&mut reader).map_err(of)?,
        }
    }
    let at = reader.position();
    if reader.next_token()?.is_some() {
        return Err(reader.error(JsonFault::Trailing).into());
    }
    let fault = |key, reason| RequestFault { at, key, reason };
    let action = action.ok_or(fault("action", "is missing"))?;
    match (action, event) {
        (Action::Submit, None) => return Err(fault("event", "is missing")),
        (Action::Submit, Some(_)) => {}
        (_, None) if ack.is_none() && key.is_none() => {}
        (_, None) if ack.is_some() => return Err(fault("ack", "belongs to submit")),
        (_, None) => return Err(fault("key", "belongs to submit")),
        (_, Some(_)) => return Err(fault("event", "belongs to submit")),
    }
    if action != Action::Dump && recorder.is_some() {
        return Err(fault("recorder", "belongs to dump"));
    }
    if action != Action::Dump && last_ms > 0 {
        return Err(fault("last_s", "belongs to dump"));
    }
    Ok(ControlRequest { action, id, event, ack, key, recorder, last_ms })
}

/// The `id` of a request that could not be read, if it has one: the answer should still carry it.
#[must_use]
pub fn find_id(text: &[u8]) -> Option<&str> {
    let mut reader = Reader::new(text).ok()?;
    expect(&mut reader, Token::ObjectStart).ok()?;
    loop {
        match next(&mut reader).ok()? {
            Token::Key(name) if name.is("id") => return parse_id(&mut reader).ok(),
            Token::Key(_) => {
                let first = next(&mut reader).ok()?;
                reader.skip_value(first).ok()?;
            }
            _ => return None,
        }
    }
}

fn parse_action(reader: &mut Reader<'_>) -> Result<Action, RequestFault> {
    let of = |error| RequestFault::of("action", error);
    let Token::String(name) = next(reader).map_err(of)? else {
        return Err(of(reader.error(JsonFault::Value)));
    };
    let action = Action::ALL.into_iter().find(|action| name.is(action.name()));
    // An older daemon's word for the same.
    let action = action.or(name.is("shutdown").then_some(Action::Quit));
    let unknown = RequestFault { at: reader.position(), key: "action", reason: NO_ACTION };
    action.ok_or(unknown)
}

fn parse_ack(reader: &mut Reader<'_>) -> Result<Ack, JsonError> {
    let Token::String(name) = next(reader)? else { return Err(reader.error(JsonFault::Value)) };
    let ack = Ack::ALL.into_iter().find(|ack| name.is(ack.name()));
    ack.ok_or(reader.error(JsonFault::Value))
}

/// The name of a recorder.
fn parse_name<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, JsonError> {
    match next(reader)? {
        Token::String(name) => Ok(name),
        _ => Err(reader.error(JsonFault::Value)),
    }
}

/// Seconds, in milliseconds.
fn parse_span(reader: &mut Reader<'_>) -> Result<u64, JsonError> {
    let Token::Number(text) = next(reader)? else { return Err(reader.error(JsonFault::Value)) };
    let seconds = parse_float(text).filter(|seconds| (0.001..=LAST_S_MAX).contains(seconds));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range
    seconds.map(|seconds| (seconds * 1000.0) as u64).ok_or(reader.error(JsonFault::Value))
}

/// An id is echoed as it is written, so it must be able to stand in a line.
fn parse_id<'a>(reader: &mut Reader<'a>) -> Result<&'a str, JsonError> {
    let start = reader.position();
    let is_id = matches!(next(reader)?, Token::Number(_) | Token::String(_));
    let text = reader.text(start, reader.position()).trim_ascii();
    if is_id && text.len() <= REQUEST_ID_MAX && check(text).is_ok() {
        Ok(text)
    } else {
        Err(reader.error(JsonFault::Value))
    }
}

fn parse_key<'a>(reader: &mut Reader<'a>) -> Result<ControlKey<'a>, JsonError> {
    let (mut client, mut number, mut seen) = (None, None, 0);
    expect(reader, Token::ObjectStart)?;
    while let Some(index) = member(reader, &["client", "number"], &mut seen)? {
        match (index, next(reader)?) {
            (0, Token::String(text)) => {
                let size: usize = text.chars().map(char::len_utf8).sum();
                if !(1..=NAME_MAX).contains(&size) {
                    return Err(reader.error(JsonFault::Value));
                }
                client = Some(text);
            }
            (1, Token::Number(text)) => {
                number = Some(text.parse().map_err(|_| reader.error(JsonFault::Value))?);
            }
            _ => return Err(reader.error(JsonFault::Value)),
        }
    }
    match (client, number) {
        (Some(client), Some(number)) => Ok(ControlKey { client, number }),
        _ => Err(reader.error(JsonFault::Key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Data, Event};
    use crate::event_kind::EventKind;
    use crate::frame::Frame;
    use crate::json::{ClockMap, LineOptions, write_line};
    use crate::payload::Stamp;

    const VALUE: &str = JsonFault::Value.describe();

    fn fault(text: &str) -> (&'static str, &'static str, usize) {
        let fault = parse_request(text.as_bytes()).unwrap_err();
        (fault.key, fault.reason, fault.at)
    }

    /// What a subscriber sees of what was submitted.
    fn line(event: &str) -> heapless::String<1024> {
        let mut text = heapless::String::<1024>::new();
        text.push_str("{\"action\":\"submit\",\"event\":").unwrap();
        text.push_str(event).unwrap();
        text.push_str("}").unwrap();
        let event = parse_request(text.as_bytes()).unwrap().event.unwrap();
        let (mut payload, mut frame, mut line) = ([0; 512], [0; 512], [0; 1024]);
        let size = event.write(&mut payload).unwrap();
        let size = Event::emit(&mut frame, 9, Stamp { boot_ns: 1 }, &payload[..size]).unwrap();
        let frame = Frame::parse(&frame[..size]).unwrap();
        let options = LineOptions::default();
        let size = write_line(&mut line, &frame, ClockMap::default(), options).unwrap();
        core::str::from_utf8(&line[..size]).unwrap().try_into().unwrap()
    }

    #[test]
    fn what_is_submitted_comes_out_with_the_same_keys() {
        assert_eq!(
            line(r#"{"type":"session_start","session_id":123,"timestamp":1699000000.25}"#),
            "{\"type\":\"session_start\",\"seq\":9,\"session_id\":123,\
             \"timestamp\":1699000000.250000}\n"
        );
        assert_eq!(
            line(r#"{"state":"recording","timestamp":1699000000.0,"type":"state_change"}"#),
            "{\"type\":\"state_change\",\"seq\":9,\"state\":\"recording\",\
             \"timestamp\":1699000000.000000}\n"
        );
        assert_eq!(
            line(
                r#"{"type":"transcription","text":"Hello\n\u0077orld","timestamp":"14:23:15",
                "wpm":145.2,"latency_ms":234.5,"words":2}"#
            ),
            "{\"type\":\"transcription\",\"seq\":9,\"text\":\"Hello\\nworld\",\
             \"timestamp\":\"14:23:15\",\"wpm\":145.2,\"latency_ms\":234.5,\"words\":2}\n"
        );
        assert_eq!(
            line(
                r#"{"type":"metrics_update","state":"recording","session_id":123,"segments":5,
                "words":42,"wpm":null,"duration_s":30.5,"cpu_percent":23.1}"#
            ),
            "{\"type\":\"metrics_update\",\"seq\":9,\"state\":\"recording\",\"session_id\":123,\
             \"segments\":5,\"words\":42,\"wpm\":null,\"duration_s\":30.5,\"latency_ms\":null,\
             \"gpu_memory_mb\":null,\"gpu_memory_percent\":null,\"cpu_percent\":23.1}\n"
        );
        assert_eq!(
            line(
                r#"{"type":"notification","hook_name":"PostToolUse","hook_data":{ "a": [1, 2] },
                "retry_count":0,"timestamp":1.5}"#
            ),
            "{\"type\":\"notification\",\"seq\":9,\"hook_name\":\"PostToolUse\",\
             \"hook_data\":{\"a\":[1,2]},\"retry_count\":0,\"timestamp\":1.500000}\n"
        );
        assert_eq!(
            line(r#"{"topic":"build.done","data_base64":"AAECAw==","timestamp":1}"#),
            "{\"type\":\"event\",\"topic\":\"build.done\",\"seq\":9,\"timestamp\":1.000000,\
             \"data_base64\":\"AAECAw==\"}\n"
        );
    }

    #[test]
    fn a_request_is_read_whole() {
        let text =
            br#" {"id":"a\"7","action":"submit","ack":"synced","key":{"number":7,"client":"app-1"},
            "event":{"topic":"t","data":null}} "#;
        let request = parse_request(text).unwrap();
        assert_eq!((request.action, request.id), (Action::Submit, Some("\"a\\\"7\"")));
        assert_eq!(request.ack, Some(Ack::Synced));
        assert!(request.key.is_some_and(|key| key.client.is("app-1") && key.number == 7));
        let event = request.event.unwrap();
        assert_eq!((event.kind, event.data), (EventKind::Custom, Data::Json("null")));
        let request = parse_request(br#"{"action":"shutdown"}"#).unwrap();
        assert_eq!(request.action, Action::Quit);
    }

    #[test]
    fn a_dump_names_its_recorder_and_how_much_of_it() {
        let text = br#"{"action":"dump","last_s":2.5,"recorder":"spi\u006bes"}"#;
        let request = parse_request(text).unwrap();
        assert!(request.recorder.is_some_and(|name| name.is("spikes")));
        assert_eq!((request.action, request.last_ms), (Action::Dump, 2500));
        let request = parse_request(br#"{"action":"dump"}"#).unwrap();
        assert_eq!((request.recorder, request.last_ms), (None, 0));
        for span in ["0", "-1", "0.0001", "86401", "1e99", "\"5\""] {
            let mut text = heapless::String::<64>::new();
            for part in [r#"{"action":"dump","last_s":"#, span, "}"] {
                text.push_str(part).unwrap();
            }
            assert_eq!((fault(&text).0, fault(&text).1), ("last_s", VALUE), "{span}");
        }
        let foreign = [r#"{"action":"ping","recorder":"x"}"#, r#"{"action":"quit","last_s":1}"#];
        assert_eq!(foreign.map(|text| fault(text).1), ["belongs to dump"; 2]);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        assert_eq!(fault(r#"{"id":1}"#), ("action", "is missing", 8));
        assert_eq!(fault(r#"{"action":"submit"}"#), ("event", "is missing", 19));
        assert_eq!(fault(r#"{"action":"ping","ack":"durable"}"#).1, "belongs to submit");
        assert_eq!(fault(r#"{"action":"pong"}"#), ("action", NO_ACTION, 16));
        assert_eq!(fault(r#"{"action":7}"#), ("action", VALUE, 11));
        let names = NO_ACTION.strip_prefix("is none of ").unwrap();
        assert!(names.split(", ").eq(Action::ALL.map(Action::name)));
        let submit = |event: &str| {
            let mut text = heapless::String::<256>::new();
            text.push_str(r#"{"action":"submit","event":"#).unwrap();
            text.push_str(event).unwrap();
            text.push_str("}").unwrap();
            fault(&text)
        };
        assert_eq!(submit(r#"{"type":"transcription"}"#).0, "text");
        assert_eq!(submit(r#"{"type":"state_change"}"#), ("state", "is missing", 50));
        assert_eq!(submit(r#"{"type":"state_change","state":"asleep"}"#).0, "state");
        assert_eq!(submit(r#"{"type":"session_end","words":1}"#).0, "words");
        assert_eq!(submit(r#"{"type":"transcription","text":"","timestamp":5}"#).0, "timestamp");
        assert_eq!(submit(r#"{"topic":"t","data":1,"data_base64":"AA=="}"#).0, "data_base64");
        assert_eq!(submit(r#"{"topic":"t","timestamp":1e999}"#).0, "timestamp");
        assert_eq!(submit(r#"{"topic":"t","data_base64":"A"}"#), ("data_base64", VALUE, 57));
        assert_eq!(submit(r#"{"topic":""}"#), ("topic", VALUE, 38));
        assert_eq!(submit(r#"{"topic":"a\u0000"}"#).0, "topic");
        assert_eq!(submit(r#"{"type":"notification","hook_name":""}"#).0, "hook_name");
        assert_eq!(submit(r#"{"type":"transcription","text":"","timestamp":""}"#).0, "timestamp");
        assert_eq!(submit(r#"{"topic":"t","data":[1e999]}"#), ("data", VALUE, 53));
        assert_eq!(submit(r#"{"type":"metrics_update","state":"idle","wpm":1e400}"#).0, "wpm");
        assert_eq!(find_id(br#"{"action":{"a":[1]},"id":7}"#), Some("7"));
        assert_eq!(find_id(br#"{"action":{"#), None);
    }

    /// An id comes back in a line.
    #[test]
    fn an_id_is_what_can_stand_in_a_line() {
        let id = |id: &str| {
            let mut text = heapless::String::<128>::new();
            for part in ["{\"id\": ", id, " ,\"action\":\"ping\"}"] {
                text.push_str(part).unwrap();
            }
            let found = find_id(text.as_bytes()).is_some();
            assert_eq!(parse_request(text.as_bytes()).is_ok(), found, "{id}");
            found
        };
        let quoted = |count: usize| {
            let chars = core::iter::repeat_n('x', count);
            let text = core::iter::once('"').chain(chars).chain(['"']);
            text.collect::<heapless::String<80>>()
        };
        assert!(id("0") && id("-1.5e3") && id("\"\"") && id(r#""\ud83d\ude00""#));
        assert!(id(&quoted(62)) && !id(&quoted(63)));
        for bad in ["null", "true", "[1]", "{}", "1e999", "\"\u{7f}\"", r#""\ud83d""#] {
            assert!(!id(bad), "{bad}");
        }
    }
}
