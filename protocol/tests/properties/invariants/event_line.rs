//! The line of an event fits its bound, is one line, has exactly the keys of its kind, and says
//! what the payload says; submitted again it becomes the same line, and from then on the same
//! payload.

use kymo_protocol::json::{ClockMap, LineOptions, Reader, Token, parse_request, write_line};
use kymo_protocol::limits::{EVENT_BYTES_MAX, HEADER_SIZE, line_bytes};
use kymo_protocol::{
    AppState, Data, Event, EventFields, EventKind, Frame, FrameError, Number, NumberValue, Stamp,
    Words,
};
use serde_json::Value;

/// Of every line here.
pub(crate) const SEQUENCE: u64 = 41;

/// Of a payload.
pub(crate) fn check(payload: &[u8]) {
    let Ok(event) = Event::parse(payload) else { return };
    let (line, bare) = (written(payload, false), written(payload, true));
    for line in [&line, &bare] {
        let bound = line_bytes(u32::try_from(payload.len()).expect("bounded by parse"));
        assert!(line.len() <= bound as usize, "{} bytes of {bound}", line.len());
        let (newline, text) = line.split_last().expect("not empty");
        assert!(*newline == b'\n' && text.iter().all(|byte| *byte >= 0x20 && *byte != 0x7F));
    }
    if event.check_json().is_err() {
        return;
    }
    assert_eq!(members(&line), expected(event, true));
    assert_eq!(members(&bare), expected(event, false));
    match submitted(&bare) {
        Err(error) => {
            // Text may be six times as long when it is JSON.
            let is_size = matches!(error, FrameError::Length | FrameError::Short);
            assert!(is_size && 6 * payload.len() > EVENT_BYTES_MAX as usize, "{error}");
        }
        Ok(again) => {
            let line = written(&again, true);
            // But for white space in JSON, which submitting removes.
            let is_short = !matches!(event.data(), Data::Json(text) if text.contains(' '));
            assert!(line == bare || !is_short, "told otherwise");
            assert!(submitted(&line) == Ok(again), "another payload the second time");
        }
    }
}

/// The line of an event's payload.
pub(crate) fn written(payload: &[u8], bare: bool) -> Vec<u8> {
    let mut frame = vec![0xFF; HEADER_SIZE + payload.len()];
    let stamp = Stamp { boot_ns: 1 };
    Event::emit(&mut frame, SEQUENCE, stamp, payload).expect("a size of an event");
    let frame = Frame::parse(&frame).expect("what parses alone parses in a frame");
    let mut line = vec![0; 7 * payload.len() + 2048];
    let options = LineOptions { bare, catchup: false };
    let size = write_line(&mut line, &frame, ClockMap::default(), options).expect("room enough");
    line.truncate(size);
    line
}

/// The payload of a bare line that is submitted.
pub(crate) fn submitted(line: &[u8]) -> Result<Vec<u8>, FrameError> {
    let text = [b"{\"action\":\"submit\",\"event\":", line, b"}"].concat();
    let request = parse_request(&text).expect("what can be told can be submitted");
    payload(&request.event.expect("a submit has one"))
}

/// The payload of an event whose time of day, if it needs one, is filled in.
pub(crate) fn payload(fields: &EventFields<'_>) -> Result<Vec<u8>, FrameError> {
    let mut fields = *fields;
    if fields.kind == EventKind::Transcription && fields.name.is_empty() {
        fields.name = Words::Plain("00:00:00");
    }
    let mut payload = vec![0xFF; EVENT_BYTES_MAX as usize + 1024];
    let size = fields.write(&mut payload)?;
    payload.truncate(size);
    Event::parse(&payload).expect("what is written parses").check_json()?;
    Ok(payload)
}

/// A member's value as the text of a line, or as the number that it is to be read as.
#[derive(Debug)]
pub(crate) enum Member {
    Raw(String),
    Float(f64),
    String(String),
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Raw(a), Self::Raw(b)) | (Self::String(a), Self::String(b)) => a == b,
            (Self::Raw(text), Self::Float(value)) => {
                // serde_json may miss the last bit of a float, the standard library does not.
                let read = text.parse::<f64>();
                text.contains(['.', 'e'])
                    && read.is_ok_and(|read| read.to_bits() == value.to_bits())
            }
            (Self::Raw(text), Self::String(value)) => {
                serde_json::from_str::<String>(text).is_ok_and(|read| read == *value)
            }
            _ => false,
        }
    }
}

/// The members of a line in their order, their values as they are written.
fn members(line: &[u8]) -> Vec<(String, Member)> {
    let value: Value = serde_json::from_slice(line).expect("a line is JSON");
    let mut reader = Reader::new(line).expect("UTF-8");
    assert_eq!(reader.next_token(), Ok(Some(Token::ObjectStart)));
    let mut members = Vec::new();
    while let Ok(Some(Token::Key(key))) = reader.next_token() {
        let start = reader.position();
        let first = reader.next_token().expect("JSON").expect("a member has a value");
        reader.skip_value(first).expect("JSON");
        let text = reader.text(start, reader.position()).trim_ascii().to_owned();
        members.push((key.chars().collect(), Member::Raw(text)));
    }
    assert_eq!(value.as_object().map(serde_json::Map::len), Some(members.len()), "a key repeats");
    members
}

/// What a line must say, by the tables of the specification.
fn expected(event: &Event, full: bool) -> Vec<(String, Member)> {
    let mut all = Vec::new();
    let mut put = |key: &str, member: Member| all.push((key.to_owned(), member));
    let string = |text: &str| Member::String(text.to_owned());
    let raw = |text: &str| Member::Raw(text.to_owned());
    put("type", string(event.kind().name()));
    if event.kind() == EventKind::Custom {
        put("topic", string(event.name()));
    }
    if full {
        put("seq", raw(&SEQUENCE.to_string()));
    }
    let (whole, below) = (event.wall_ns() / 1_000_000_000, event.wall_ns() / 1000 % 1_000_000);
    let timestamp = raw(&format!("{whole}.{below:06}"));
    let state = string(event.state().map_or("", AppState::name));
    let number = |number: Number| {
        let member = match event.number(number) {
            None => raw("null"),
            Some(NumberValue::Integer(value)) => raw(&value.to_string()),
            Some(NumberValue::Float(value)) => Member::Float(value),
        };
        (number.name(), member)
    };
    let mut numbers = Vec::new();
    match event.kind() {
        EventKind::Custom => {
            put("timestamp", timestamp);
            let (key, member) = custom_data(event);
            put(key, member);
        }
        EventKind::SessionStart | EventKind::SessionEnd => {
            let (key, member) = number(Number::SessionId);
            put(key, member);
            put("timestamp", timestamp);
        }
        EventKind::StateChange => {
            put("state", state);
            put("timestamp", timestamp);
        }
        EventKind::Transcription => {
            let Data::Text(Words::Plain(text)) = event.data() else { panic!("form") };
            put("text", string(text));
            put("timestamp", string(event.name()));
            numbers = vec![Number::Wpm, Number::LatencyMs, Number::Words];
        }
        EventKind::MetricsUpdate => {
            use Number::*;
            put("state", state);
            numbers = vec![SessionId, Segments, Words, Wpm, DurationS, LatencyMs];
            numbers.extend([GpuMemoryMb, GpuMemoryPercent, CpuPercent]);
        }
        EventKind::Notification => {
            let Data::Json(text) = event.data() else { panic!("form") };
            put("hook_name", string(event.name()));
            put("hook_data", raw(text.trim_ascii()));
            let (key, member) = number(Number::RetryCount);
            put(key, member);
            put("timestamp", timestamp);
        }
    }
    for (key, member) in numbers.into_iter().map(number) {
        put(key, member);
    }
    if full && event.is_catchup() {
        put("catchup", raw("true"));
    }
    all
}

fn custom_data(event: &Event) -> (&'static str, Member) {
    match event.data() {
        Data::Bytes(bytes) => ("data_base64", Member::String(base64(bytes))),
        Data::Json(text) => ("data", Member::Raw(text.trim_ascii().to_owned())),
        Data::Text(Words::Plain(text)) => ("data", Member::String(text.to_owned())),
        _ => unreachable!("a read event has plain data"),
    }
}

/// RFC 4648, bit by bit.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0, |n, at| n << 8 | usize::from(*three.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = char::from(DIGITS[number >> (18 - 6 * at) & 63]);
            text.push(if at <= three.len() { digit } else { '=' });
        }
    }
    text
}
