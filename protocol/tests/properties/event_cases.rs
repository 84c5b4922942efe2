//! The cases of the golden vectors that are events, requests and replies.

use kymo_protocol::limits::EVENT_NAME_MAX;
use kymo_protocol::{
    Ack, Action, AppState, Data, ErrorCode, Event, EventFields, EventKind, Number, NumberValue,
    Reply, ReplyFields, Request, Stamp, Words,
};

use crate::cases::{BOOT_NS, Case};

const STAMP: Stamp = Stamp { boot_ns: BOOT_NS };
const WALL_NS: u64 = 1_699_000_000_000_000_000;

pub(crate) fn payload(fields: &EventFields<'_>) -> Vec<u8> {
    let mut payload = vec![0; 8192];
    let size = fields.write(&mut payload).unwrap();
    payload.truncate(size);
    payload
}

pub(crate) fn event(sequence: u64, fields: &EventFields<'_>) -> Vec<u8> {
    let payload = payload(fields);
    let mut frame = vec![0; 32 + payload.len()];
    Event::emit(&mut frame, sequence, STAMP, &payload).unwrap();
    frame
}

fn new<'a>(kind: EventKind, numbers: &[(Number, NumberValue)]) -> EventFields<'a> {
    let mut fields = EventFields { wall_ns: WALL_NS, ..EventFields::new(kind) };
    for (number, value) in numbers {
        fields.numbers.set(*number, *value);
    }
    fields
}

fn custom<'a>(topic: &'a str, data: Data<'a>) -> EventFields<'a> {
    EventFields { wall_ns: WALL_NS, ..EventFields::custom(topic, data) }
}

fn text(text: &str) -> Data<'_> {
    Data::Text(Words::Plain(text))
}

fn session_start() -> EventFields<'static> {
    new(EventKind::SessionStart, &[(Number::SessionId, NumberValue::Integer(123))])
}

fn state_change(state: AppState) -> EventFields<'static> {
    EventFields { state: Some(state), ..new(EventKind::StateChange, &[]) }
}

fn transcription() -> EventFields<'static> {
    let numbers = [
        (Number::SessionId, NumberValue::Integer(123)),
        (Number::Words, NumberValue::Integer(2)),
        (Number::Wpm, NumberValue::Float(145.2)),
        (Number::LatencyMs, NumberValue::Float(234.5)),
    ];
    let name = Words::Plain("14:23:15");
    EventFields { name, data: text("Hello world"), ..new(EventKind::Transcription, &numbers) }
}

fn metrics_update() -> EventFields<'static> {
    let numbers = [
        (Number::SessionId, NumberValue::Integer(123)),
        (Number::Segments, NumberValue::Integer(5)),
        (Number::Words, NumberValue::Integer(42)),
        (Number::Wpm, NumberValue::Float(145.2)),
        (Number::DurationS, NumberValue::Float(30.5)),
        (Number::LatencyMs, NumberValue::Float(234.5)),
        (Number::GpuMemoryMb, NumberValue::Float(1823.4)),
        (Number::GpuMemoryPercent, NumberValue::Float(45.2)),
        (Number::CpuPercent, NumberValue::Float(23.1)),
    ];
    let state = Some(AppState::Recording);
    EventFields { state, ..new(EventKind::MetricsUpdate, &numbers) }
}

fn notification<'a>(hook: &'a str, data: &'a str) -> EventFields<'a> {
    let numbers = [(Number::RetryCount, NumberValue::Integer(0))];
    let name = Words::Plain(hook);
    EventFields { name, data: Data::Json(data), ..new(EventKind::Notification, &numbers) }
}

fn caught_up(mut frame: Vec<u8>) -> Vec<u8> {
    Event::mark_catchup(&mut frame);
    frame
}

/// Numbers at their ends.
fn extremes() -> EventFields<'static> {
    let mut fields = metrics_update();
    for number in EventKind::MetricsUpdate.numbers() {
        let most = NumberValue::Integer(u64::MAX);
        // The longest text that a number has.
        let longest = NumberValue::Float(-2.225_073_858_507_201_4e-308);
        fields.numbers.set(*number, if number.is_integer() { most } else { longest });
    }
    fields.numbers.set(Number::Wpm, NumberValue::Float(-0.0));
    fields.numbers.set(Number::DurationS, NumberValue::Float(f64::MAX));
    fields.numbers.set(Number::CpuPercent, NumberValue::Float(f64::from_bits(1)));
    fields
}

/// Frames of each kind of event.
pub(crate) fn event_cases() -> Vec<Case> {
    let longest = "é".repeat(EVENT_NAME_MAX / 2);
    let controls: String = (0..0xA0u8).map(char::from).collect();
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    let json = r#"{ "ok" : [true, null, 1e-7], "\u00e9\n" : "\ud83d\ude00 \\u" }"#;
    let deep = format!("{}1{}", "[".repeat(14), "]".repeat(14));
    // A writer of binary frames need not leave white space out.
    let mut spaced = event(1, &custom("t", Data::Json("12345")));
    spaced[57..62].copy_from_slice(b" [ ] ");
    let silent = EventFields { data: text(""), ..transcription() };
    let mut cases: Vec<(&str, Vec<u8>)> = vec![
        ("event_json", event(42, &custom("build.done", Data::Json(json)))),
        ("event_json_null", event(1, &custom("t", Data::Json("null")))),
        ("event_json_white_space", spaced),
        ("event_json_deepest", event(1, &custom("t", Data::Json(&deep)))),
        ("event_json_separators", event(1, &custom("t", Data::Json("\"\u{2028}\u{2029}\"")))),
        ("event_text", event(43, &custom("log", text("a \"line\"\n€")))),
        ("event_text_controls", event(44, &custom("log", text(&controls)))),
        ("event_text_empty", event(45, &custom("log", text("")))),
        ("event_bytes", event(46, &custom("raw", Data::Bytes(&bytes)))),
        ("event_bytes_one", event(46, &custom("raw", Data::Bytes(b"\xFF")))),
        ("event_bytes_none", event(47, &custom("raw", Data::Bytes(b"")))),
        ("event_longest_topic", event(u64::MAX, &custom(&longest, Data::Json("0")))),
        ("event_topic_of_a_type", event(48, &custom("transcription", Data::Json("0")))),
        (
            "event_last_time",
            event(48, &EventFields { wall_ns: u64::MAX, ..custom("t", Data::Json("0")) }),
        ),
        ("session_start", event(2, &session_start())),
        ("session_start_without_id", event(2, &new(EventKind::SessionStart, &[]))),
        ("session_start_catchup", caught_up(event(2, &session_start()))),
        ("session_end", event(9, &EventFields { kind: EventKind::SessionEnd, ..session_start() })),
        ("transcription", event(5, &transcription())),
        ("transcription_catchup", caught_up(event(5, &transcription()))),
        ("transcription_silent", event(6, &EventFields { numbers: Default::default(), ..silent })),
        ("metrics_update", event(7, &metrics_update())),
        ("metrics_update_extremes", event(7, &extremes())),
        (
            "metrics_update_without_numbers",
            event(8, &EventFields { numbers: Default::default(), ..metrics_update() }),
        ),
        ("notification", event(10, &notification("PostToolUse", r#"{"tool":"Edit"}"#))),
        ("notification_null", event(11, &notification("Stop", "null"))),
        // What a newcomer is told first: the state now, which is no event of the history.
        ("state_snapshot", caught_up(event(0, &state_change(AppState::Idle)))),
    ];
    for state in AppState::ALL {
        let name = match state {
            AppState::Idle => "state_change_idle",
            AppState::Recording => "state_change_recording",
            AppState::Processing => "state_change_processing",
            AppState::Error => "state_change_error",
        };
        cases.push((name, event(3, &state_change(state))));
    }
    named(cases)
}

fn named(cases: Vec<(&str, Vec<u8>)>) -> Vec<Case> {
    cases.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

pub(crate) fn request(
    action: Action,
    ack: Option<Ack>,
    key: Option<(&str, u64)>,
    event: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![0; 120 + event.len()];
    Request::emit(&mut bytes, 7, action, ack, key, event).unwrap();
    bytes
}

fn reply(fields: ReplyFields, text: &str) -> Vec<u8> {
    let mut bytes = vec![0; 128 + text.len()];
    let size = Reply::emit(&mut bytes, STAMP, fields, text).unwrap();
    bytes.truncate(size);
    bytes
}

/// Requests and replies.
pub(crate) fn control_cases() -> Vec<Case> {
    let done = payload(&custom("build.done", Data::Json("{\"ok\":true}")));
    let client = "é".repeat(32);
    let submit = |ack, key| request(Action::Submit, ack, key, &done);
    let mut cases: Vec<Case> = Action::ALL
        .into_iter()
        .filter(|action| *action != Action::Submit)
        .map(|action| (format!("request_{}", action.name()), request(action, None, None, &[])))
        .collect();
    let told = ReplyFields { id: 7, code: 0, ack: Some(Ack::Durable), sequence: 42 };
    let expired = ErrorCode::KeyExpired as u16;
    let refused = ReplyFields { id: 7, code: expired, ..ReplyFields::default() };
    cases.extend(named(vec![
        ("request_submit", submit(None, None)),
        ("request_submit_received", submit(Some(Ack::Received), None)),
        ("request_submit_durable", submit(Some(Ack::Durable), Some(("app-1", 7)))),
        ("request_submit_synced", submit(Some(Ack::Synced), Some((&client, u64::MAX)))),
        ("request_dump_last", request(Action::Dump, None, Some(("", 5000)), &[])),
        ("request_dump_of_one", request(Action::Dump, None, Some(("spikes", 1)), &[])),
        ("request_submit_key_0", submit(None, Some(("a", 0)))),
        (
            "reply_ping",
            reply(ReplyFields { id: 7, ..Default::default() }, r#"{"status":"success","id":7}"#),
        ),
        (
            "reply_submit",
            reply(
                told,
                r#"{"status":"success","id":7,"ack":"durable","stream":"events","seq":42}"#,
            ),
        ),
        (
            "reply_error",
            reply(refused, r#"{"status":"error","id":7,"error":"…","code":"key_expired"}"#),
        ),
        ("reply_shortest", reply(ReplyFields::default(), "{}")),
        (
            "reply_greatest_numbers",
            reply(
                ReplyFields {
                    id: u64::MAX,
                    code: u16::MAX,
                    ack: Some(Ack::Synced),
                    sequence: u64::MAX,
                },
                "{}",
            ),
        ),
    ]));
    cases
}
