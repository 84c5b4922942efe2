//! A request that is understood is one to a model that goes by way of serde_json, says the same
//! there, and says the same again when it is written anew; one that is refused is none to the
//! model.

use kymo_protocol::json::{ControlRequest, RequestFault, find_id, parse_request};
use kymo_protocol::limits::{EVENT_NAME_MAX, NAME_MAX, REQUEST_ID_MAX};
use kymo_protocol::{Ack, Action, Data, EventFields, EventKind, FrameError, Number, NumberValue};
use serde_json::{Map, Value};

use super::event_line::{payload, submitted, written};

pub(crate) fn check(text: &[u8]) {
    holds(text);
    // What is empty is refused in most places, and seldom comes by chance.
    if let Some(text) = without_a_string(text) {
        holds(&text);
    }
}

/// One of the strings emptied; which one, the length says.
fn without_a_string(text: &[u8]) -> Option<Vec<u8>> {
    let quotes = (0..text.len()).filter(|at| text[*at] == b'"').collect::<Vec<_>>();
    let pair = text.len() % (quotes.len() / 2).max(1) * 2;
    let (start, end) = (*quotes.get(pair)?, *quotes.get(pair + 1)?);
    Some([&text[..=start], &text[end..]].concat())
}

fn holds(text: &[u8]) {
    let parsed = parse_request(text);
    // What serde_json refuses and the reader does not has no model.
    let value = super::json_reader::read(text);
    match (&parsed, &value) {
        (Err(fault), _) => assert!(fault.at <= text.len() && !fault.reason.is_empty()),
        (Ok(_), Err(fault)) => panic!("accepted: {}", fault.describe()),
        (Ok(_), Ok(_)) => {}
    }
    if let Ok(Some(value)) = &value
        && has_each_key_once(text, value)
    {
        same_as_model(&parsed, value);
    }
    let Ok(request) = parsed else { return };
    assert_eq!(find_id(text), request.id);
    let Some(again) = rewritten(&request) else { return };
    let again = parse_request(again.as_bytes()).expect("what is written parses");
    assert_eq!((again.action, again.id, again.ack), (request.action, request.id, request.ack));
    let key = |request: &ControlRequest<'_>| {
        request.key.map(|key| (key.client.chars().collect::<String>(), key.number))
    };
    assert_eq!(key(&again), key(&request));
}

/// Whether serde_json, which keeps the last of two members of one name, has lost none.
fn has_each_key_once(text: &[u8], value: &Value) -> bool {
    fn keys(value: &Value) -> usize {
        match value {
            Value::Object(members) => members.values().map(|value| 1 + keys(value)).sum(),
            Value::Array(items) => items.iter().map(keys).sum(),
            _ => 0,
        }
    }
    let mut reader = kymo_protocol::json::Reader::new(text).expect("JSON");
    let mut count = 0;
    while let Some(token) = reader.next_token().expect("JSON") {
        count += usize::from(matches!(token, kymo_protocol::json::Token::Key(_)));
    }
    count == keys(value)
}

fn same_as_model(parsed: &Result<ControlRequest<'_>, RequestFault>, value: &Value) {
    match (parsed, model(value)) {
        (Err(_), None) => {}
        (Ok(request), Some(action)) => {
            assert_eq!(request.action, action);
            let ack = value.get("ack").and_then(Value::as_str);
            assert_eq!(request.ack.map(Ack::name), ack);
            assert_eq!(request.key.map(|key| key.number), value.get("key").map(integer));
            let recorder = request.recorder.map(|name| name.chars().collect::<String>());
            assert_eq!(recorder.as_deref(), value.get("recorder").and_then(Value::as_str));
            assert_eq!(request.last_ms > 0, value.get("last_s").is_some());
            if let Some(event) = &request.event {
                assert_eq!(Some(event.kind), kind(&value["event"]));
                event_says(event, value["event"].as_object().expect("an object"));
            }
        }
        // How an id is written, and the last second of all, are beyond the model.
        (Err(fault), Some(_)) => {
            assert!(["id", "timestamp"].contains(&fault.key), "refused {value}: {fault}");
        }
        (Ok(_), None) => panic!("accepted {value}"),
    }
}

fn integer(key: &Value) -> u64 {
    key["number"].as_u64().expect("the model has checked it")
}

/// The action of a request, if it is one.
fn model(value: &Value) -> Option<Action> {
    let members = value.as_object()?;
    let known = ["action", "id", "event", "ack", "key", "recorder", "last_s"];
    let is_known = |key: &String| known.contains(&key.as_str());
    if !members.keys().all(is_known) {
        return None;
    }
    let action = match members.get("action")?.as_str()? {
        "shutdown" => Action::Quit,
        name => Action::ALL.into_iter().find(|action| action.name() == name)?,
    };
    if let Some(id) = members.get("id") {
        (id.is_string() || id.is_number()).then_some(())?;
    }
    if let Some(ack) = members.get("ack") {
        Ack::ALL.into_iter().find(|known| Some(known.name()) == ack.as_str())?;
    }
    if let Some(key) = members.get("key") {
        let key = key.as_object()?;
        key.get("number")?.as_u64()?;
        let client = key.get("client")?.as_str()?;
        ((1..=NAME_MAX).contains(&client.len()) && key.len() == 2).then_some(())?;
    }
    if let Some(recorder) = members.get("recorder") {
        (action == Action::Dump && recorder.is_string()).then_some(())?;
    }
    if let Some(last_s) = members.get("last_s") {
        let is_span = last_s.as_f64().is_some_and(|s| (0.001..=86_400.0).contains(&s));
        (action == Action::Dump && is_span).then_some(())?;
    }
    match (action, members.get("event")) {
        (Action::Submit, Some(event)) => is_event(event.as_object()?).then_some(action),
        (Action::Submit, None) => None,
        (_, event) => {
            let is_bare =
                event.is_none() && !["ack", "key"].iter().any(|k| members.contains_key(*k));
            is_bare.then_some(action)
        }
    }
}

fn kind(event: &Value) -> Option<EventKind> {
    match event.get("type") {
        None => Some(EventKind::Custom),
        Some(name) => EventKind::ALL.into_iter().find(|kind| Some(kind.name()) == name.as_str()),
    }
}

/// Whether an object is an event, by the table of the specification.
fn is_event(event: &Map<String, Value>) -> bool {
    let Some(kind) = kind(&Value::Object(event.clone())) else { return false };
    let (required, others): (&[&str], &[&str]) = match kind {
        EventKind::Custom => (&["topic"], &["data", "data_base64", "timestamp"]),
        EventKind::SessionStart | EventKind::SessionEnd => (&[], &["session_id", "timestamp"]),
        EventKind::StateChange => (&["state"], &["timestamp"]),
        EventKind::Transcription => {
            (&["text"], &["timestamp", "wpm", "latency_ms", "words", "session_id"])
        }
        EventKind::MetricsUpdate => (
            &["state"],
            &[
                "session_id",
                "segments",
                "words",
                "wpm",
                "duration_s",
                "latency_ms",
                "gpu_memory_mb",
                "gpu_memory_percent",
                "cpu_percent",
            ],
        ),
        EventKind::Notification => (&["hook_name"], &["hook_data", "retry_count", "timestamp"]),
    };
    let both = event.contains_key("data") && event.contains_key("data_base64");
    !both
        && required.iter().all(|key| event.contains_key(*key))
        && event.iter().all(|(key, value)| {
            let key = key.as_str();
            let is_there = key == "type" || required.contains(&key) || others.contains(&key);
            is_there && is_value(kind, key, value)
        })
}

fn is_value(kind: EventKind, key: &str, value: &Value) -> bool {
    let is_name = |value: &Value| {
        value.as_str().is_some_and(|name| {
            (1..=EVENT_NAME_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
        })
    };
    match key {
        "data" | "hook_data" => true,
        "type" | "text" => value.is_string(),
        "topic" | "hook_name" => is_name(value),
        "state" => ["idle", "recording", "processing", "error"].iter().any(|state| value == *state),
        "data_base64" => value.as_str().is_some_and(is_base64),
        "timestamp" if kind == EventKind::Transcription => value.is_null() || is_name(value),
        "timestamp" => {
            let seconds = value.as_f64();
            value.is_null() || seconds.is_some_and(|s| (0.0..18_446_744_074.0).contains(&s))
        }
        "session_id" | "segments" | "words" | "retry_count" => value.is_null() || value.is_u64(),
        _ => value.is_null() || value.is_number(),
    }
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let spare = [0, 0, 15, 3][digits.len() % 4];
    text.len().is_multiple_of(4)
        && padding <= 2
        && digits.bytes().all(|byte| value(byte).is_some())
        && digits.bytes().last().is_none_or(|byte| value(byte).is_some_and(|v| v & spare == 0))
}

/// Whether an event that was read says what its object says.
fn event_says(event: &EventFields<'_>, members: &Map<String, Value>) {
    let bytes = match payload(event) {
        Ok(bytes) => bytes,
        Err(error) => return assert!(matches!(error, FrameError::Length | FrameError::Short)),
    };
    let read = kymo_protocol::Event::parse(&bytes).expect("checked");
    let text = |key: &str| members.get(key).and_then(Value::as_str);
    assert_eq!(read.state().map(kymo_protocol::AppState::name), text("state"));
    if let Some(name) = text("topic").or(text("hook_name")) {
        assert_eq!(read.name(), name);
    }
    match read.data() {
        Data::Text(data) => {
            assert_eq!(data, kymo_protocol::Words::Plain(text("text").unwrap_or("")))
        }
        Data::Json(json) => {
            let data = members.get("data").or(members.get("hook_data")).unwrap_or(&Value::Null);
            assert_eq!(serde_json::from_str::<Value>(json).expect("JSON"), *data);
        }
        _ => assert!(members.contains_key("data_base64")),
    }
    for number in Number::ALL {
        let told = members.get(number.name()).filter(|value| !value.is_null());
        match read.number(number) {
            Some(NumberValue::Integer(value)) => assert_eq!(told, Some(&Value::from(value))),
            Some(NumberValue::Float(value)) => {
                let told = told.and_then(Value::as_f64).expect("a number");
                assert!((told - value).abs() <= value.abs() * 1e-15, "{told} {value}");
            }
            None => assert_eq!(told, None),
        }
    }
    if let Some(seconds) = members.get("timestamp").and_then(Value::as_f64) {
        #[allow(clippy::cast_precision_loss)] // compared to the microsecond
        let read = read.wall_ns() as f64 / 1e9;
        assert!((seconds - read).abs() <= 1e-5, "{seconds} {read}");
    }
    // What a subscriber is told can be submitted, and is told again.
    let line = written(&bytes, true);
    match submitted(&line) {
        Ok(again) => assert_eq!(written(&again, true), line),
        Err(error) => assert!(matches!(error, FrameError::Length | FrameError::Short)),
    }
}

/// The request, written anew; `None` when its event is too large.
fn rewritten(request: &ControlRequest<'_>) -> Option<String> {
    let mut text = format!("{{\"action\":\"{}\"", request.action.name());
    if let Some(id) = request.id {
        assert!(id.len() <= REQUEST_ID_MAX);
        text += &format!(",\"id\":{id}");
    }
    if let Some(ack) = request.ack {
        text += &format!(",\"ack\":\"{}\"", ack.name());
    }
    if let Some(key) = request.key {
        let client = serde_json::to_string(&key.client.chars().collect::<String>());
        let client = client.expect("a string");
        text += &format!(",\"key\":{{\"client\":{client},\"number\":{}}}", key.number);
    }
    if let Some(event) = &request.event {
        let line = written(&payload(event).ok()?, true);
        text += &format!(",\"event\":{}", String::from_utf8(line).expect("UTF-8"));
    }
    Some(text + "}")
}
