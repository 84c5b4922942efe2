//! Properties of events and of requests on the control socket.

use kymo_protocol::Event;
use kymo_protocol::json::{check, compact};
use kymo_protocol::limits::line_bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::control_cases::requests;
use crate::invariants::{control_request, event_line};
use crate::support::{event_payload, json};

proptest! {
    #[test]
    fn the_line_of_an_event_says_what_its_payload_says(payload in event_payload()) {
        prop_assert!(Event::parse(&payload).is_ok(), "{:?}", payload);
        event_line::check(&payload);
    }

    #[test]
    fn a_damaged_event_is_refused_or_still_sound(
        payload in event_payload(),
        hurt in vec(any::<(Index, u8)>(), 1..4),
        size in any::<Index>(),
    ) {
        let mut payload = payload;
        for (at, byte) in hurt {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        event_line::check(&payload);
        event_line::check(&payload[..size.index(payload.len())]);
    }

    #[test]
    fn a_submitted_event_is_told_as_it_was(event in event(), ends in any::<bool>()) {
        let more = if ends { "\n" } else { "" };
        let text = format!("{{\"action\":\"submit\",\"event\":{event}}}{more}");
        control_request::check(text.as_bytes());
    }

    #[test]
    fn near_requests_are_judged_as_the_model_judges_them(
        members in vec(select(MEMBERS), 0..5),
        tail in select(vec!["}", "}\n", "} ", "", "}x", ",}", "}\n{}"]),
    ) {
        control_request::check(format!("{{{}{tail}", members.join(", ")).as_bytes());
    }

    #[test]
    fn damaged_requests_are_judged_as_the_model_judges_them(
        case in any::<Index>(),
        hurt in vec(any::<(Index, u8)>(), 0..3),
        place in any::<Index>(),
        piece in select(vec!["\"", "{", "}", "\\u0000", "\\ud83d", "1", ",", "\u{7f}", "e9", "\n"]),
    ) {
        let (good, bad) = requests();
        let all = [good, bad].concat();
        let mut text = all[case.index(all.len())].1.clone();
        for (at, byte) in hurt {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
        }
        control_request::check(&text);
        let at = place.index(text.len() + 1);
        text.splice(at..at, piece.bytes());
        control_request::check(&text);
        control_request::check(&text[..at]);
    }

    #[test]
    fn no_bytes_make_a_request_or_an_event_panic(bytes in vec(any::<u8>(), 0..200)) {
        control_request::check(&bytes);
        event_line::check(&bytes);
    }

    #[test]
    fn compact_json_is_the_same_json_and_can_stand_in_a_line(text in json(), raw in any::<bool>()) {
        let text = if raw { text.replace("\\u007f", "\u{7f}") } else { text };
        let mut buffer = vec![0; 6 * text.len()];
        let size = compact(&text, &mut buffer).unwrap();
        let short = core::str::from_utf8(&buffer[..size]).unwrap();
        prop_assert_eq!(check(short), Ok(()));
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        prop_assert_eq!(value(short), value(&text));
        let mut again = vec![0; size];
        prop_assert_eq!(compact(short, &mut again), Ok(size));
        prop_assert_eq!(&again, &buffer[..size]);
        if size > 0 {
            prop_assert!(compact(&text, &mut buffer[..size - 1]).is_err());
        }
    }
}

const MEMBERS: &[&str] = &[
    r#""action":"ping""#,
    r#""action":"submit""#,
    r#""action":"submit""#,
    r#""action":"submit""#,
    r#""action":1"#,
    r#""id":7"#,
    r#""id":"x\u0000""#,
    r#""id":{}"#,
    r#""ack":"durable""#,
    r#""ack":"""#,
    r#""key":{"client":"a\ud83d","number":18446744073709551615}"#,
    r#""key":{"number":1.0,"client":"a"}"#,
    r#""key":{"number":1}"#,
    r#""event":{"topic":"t"}"#,
    r#""event":{"type":"session_end"}"#,
    r#""event":{"type":"state_change"}"#,
    r#""event":null"#,
    r#""other":1"#,
];

/// The object of an event: members of its kind, and sometimes of another.
fn event() -> impl Strategy<Value = String> {
    let kinds: Vec<(&str, &[&str])> = vec![
        ("", &["topic", "data", "timestamp"]),
        ("event", &["topic", "data_base64", "timestamp"]),
        ("session_start", &["session_id", "timestamp"]),
        ("session_end", &["session_id", "timestamp"]),
        ("state_change", &["state", "timestamp"]),
        ("transcription", &["text", "time", "wpm", "latency_ms", "words", "session_id"]),
        ("metrics_update", &["state", "segments", "duration_s", "gpu_memory_mb", "cpu_percent"]),
        ("notification", &["hook_name", "hook_data", "retry_count", "timestamp"]),
    ];
    let integer = prop_oneof![
        any::<u64>().prop_map(|number| number.to_string()),
        select(vec!["null", "0", "1.0", "-1", "\"1\"", "1e2", "18446744073709551616"])
            .prop_map(str::to_owned),
    ];
    let float = prop_oneof![
        any::<f64>().prop_map(|number| serde_json::to_string(&number).unwrap()),
        any::<i64>().prop_map(|number| number.to_string()),
        select(vec!["null", "-0", "1e307", "true", "5e-324"]).prop_map(str::to_owned),
    ];
    let seconds = (0u64..20_000_000_000, 0u32..1_000_000_000, 0usize..10);
    let seconds = seconds.prop_map(|(whole, below, digits)| match digits {
        0 => whole.to_string(),
        _ => format!("{whole}.{}", &format!("{below:09}")[..digits]),
    });
    let string = prop_oneof![any::<String>(), "\\PC{1,9}", "[\\x00-\\x9f]{0,20}"]
        .prop_map(|text| serde_json::to_string(&text).unwrap());
    let bytes = vec(any::<u8>(), 0..100);
    let more = select(vec!["", "", "", "", "", ",\"words\":1", ",\"topic\":\"x\"", ",\"seq\":1"]);
    let leave_out = any::<[bool; 2]>();
    (select(kinds), integer, float, seconds, string, json(), bytes, more, leave_out).prop_map(
        |((kind, keys), integer, float, seconds, string, json, bytes, more, leave_out)| {
            let mut members = vec![];
            if !kind.is_empty() {
                members.push(format!("\"type\":\"{kind}\""));
            }
            for (at, key) in keys.iter().enumerate() {
                let value = match *key {
                    "topic" | "text" | "hook_name" | "time" => string.clone(),
                    "data" | "hook_data" => json.clone(),
                    "data_base64" => format!("\"{}\"", base64_of(&bytes)),
                    "state" => "\"error\"".to_owned(),
                    "timestamp" => seconds.clone(),
                    "session_id" | "words" | "segments" | "retry_count" => integer.clone(),
                    _ => float.clone(),
                };
                let key = if *key == "time" { "timestamp" } else { key };
                if at == 0 || !leave_out[at % 2] {
                    members.push(format!("\"{key}\":{value}"));
                }
            }
            format!("{{{}{more}}}", members.join(","))
        },
    )
}

fn base64_of(bytes: &[u8]) -> String {
    event_line::base64(bytes).replace('/', "\\/").replace('+', "\\u002b")
}

/// What takes the most room in a line, for each kind and form: within the bound, and not far from
/// it where the bound comes from.
#[test]
fn the_longest_lines_fit() {
    // The float with the longest text.
    let longest = (-2.225_073_858_507_201_4e-308f64).to_bits();
    let payload = |head: [u8; 6], name: &[u8], data: &[u8], form: u8, numbers: &[u64]| {
        let mut payload = head.to_vec();
        payload.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        payload.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        payload.extend([form, 1, 0, 0]);
        payload.extend(u64::MAX.to_le_bytes());
        payload.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        payload.extend([name, data].concat());
        payload.resize(payload.len().next_multiple_of(8), 0);
        payload
    };
    let quotes = [b'"'; 128];
    for size in [0usize, 1, 8, 1000, 8192 - 24 - 128, 61_440 - 24 - 128] {
        let controls = vec![1u8; size];
        let text = payload([0; 6], &quotes, &controls, 0, &[]);
        let bytes = payload([0; 6], &quotes, &vec![0xFF; size], 2, &[]);
        let json = payload([0; 6], &quotes, &vec![b'1'; size.clamp(1, 300)], 1, &[]);
        let speech = payload(
            [4, 0, 0, 0, 0b101_0000, 0],
            &quotes,
            &controls[16.min(size)..],
            0,
            &[longest; 2],
        );
        for payload in [&text, &bytes, &json, &speech] {
            Event::parse(payload).unwrap();
            event_line::check(payload);
        }
        let (told, bound) = (
            event_line::written(&text, false).len(),
            line_bytes(u32::try_from(text.len()).unwrap()) as usize,
        );
        assert!(told <= bound && bound - told < 2048, "{told} of {bound} bytes");
    }
    let numbers = [[u64::MAX; 3].as_slice(), &[longest; 6]].concat();
    let metrics = payload([5, 0, 4, 0, 0b1111_0111, 0b11], b"", b"", 0, &numbers);
    Event::parse(&metrics).unwrap();
    event_line::check(&metrics);
    let told = event_line::written(&metrics, false).len();
    assert!((390..line_bytes(96) as usize).contains(&told), "{told} bytes");
}

#[test]
fn cases_of_requests_keep_their_invariant() {
    let (good, bad) = requests();
    for (name, text) in good.iter().chain(&bad) {
        println!("{name}");
        control_request::check(text);
    }
}
