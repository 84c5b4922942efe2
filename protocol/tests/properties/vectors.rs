//! The golden vectors: written from the cases with `KYMO_BLESS=1`, compared with them without.
//!
//! A difference means that the wire format changed, or that this crate broke it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use kymo_protocol::json::{
    ClockMap, ControlRequest, JsonFault, LineOptions, RequestFault, SubscribeRequest,
    parse_request, parse_subscribe, write_line,
};
use kymo_protocol::opta1::{ENCODED_MAX, decode, encode};
use kymo_protocol::{
    Action, Body, ErrorCode, Event, EventKind, Form, Frame, FrameError, FrameKind, Group,
};

use crate::bad_cases::invalid_frames;
use crate::cases::{self, BOOT_NS, Case};
use crate::control_cases::requests;
use crate::decoded::{event_fields, float, frame_fields, hex, long, object, text};
use crate::invariants::event_line;
use crate::line_cases::subscribe_lines;
use crate::{recordings, seeds, streams};

const WALL_NS: u64 = 1_700_000_000_000_000_000;
const CLOCK: ClockMap = ClockMap { boot_ns: BOOT_NS, wall_ns: WALL_NS };

pub(crate) fn error_name(error: FrameError) -> &'static str {
    match error {
        FrameError::Short => "short",
        FrameError::Magic => "magic",
        FrameError::Version1 => "version1",
        FrameError::Version => "version",
        FrameError::Flags => "flags",
        FrameError::Length => "length",
        FrameError::Reserved => "reserved",
        FrameError::Value => "value",
    }
}

fn fault_name(fault: JsonFault) -> &'static str {
    match fault {
        JsonFault::End => "end",
        JsonFault::Character => "character",
        JsonFault::Trailing => "trailing",
        JsonFault::Depth => "depth",
        JsonFault::Utf8 => "utf8",
        JsonFault::Key => "key",
        JsonFault::Value => "value",
    }
}

/// A list of objects, one line each.
fn list(out: &mut String, key: &str, cases: &[String]) {
    let _ = write!(out, ",\n\"{key}\":[\n{}\n]", cases.join(",\n"));
}

pub(crate) fn line(bytes: &[u8], bare: bool) -> String {
    let mut buffer = vec![0; 8192];
    let frame = Frame::parse(bytes).unwrap();
    let size =
        write_line(&mut buffer, &frame, CLOCK, LineOptions { bare, catchup: false }).unwrap();
    String::from_utf8(buffer[..size - 1].to_vec()).unwrap()
}

/// Whether the bare profile leaves something of its line out.
fn has_bare_line(frame: &Frame<'_>) -> bool {
    matches!(frame.body, Body::Vitals(_) | Body::Samples(_) | Body::Processes(_) | Body::Event(_))
}

fn frames() -> String {
    let valid = |(name, bytes): Case| {
        let frame = Frame::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let header = frame.header;
        let mut case = format!(
            "{{\"name\":{},\"hex\":\"{}\",\n \"kind\":{},\"stream\":{},\"sequence\":\"{}\",\
             \"timestamp\":\"{}\",\n \"fields\":{},\n \"line\":{}",
            text(&name),
            hex(&bytes),
            header.kind.get(),
            header.stream.get(),
            header.sequence.get(),
            header.timestamp.get(),
            frame_fields(&frame),
            text(&line(&bytes, false)),
        );
        if has_bare_line(&frame) {
            let _ = write!(case, ",\n \"bare_line\":{}", text(&line(&bytes, true)));
        }
        case + "}"
    };
    let invalid = |(name, bytes): Case| {
        let Err(error) = Frame::parse(&bytes) else { panic!("{name} is accepted") };
        let (name, hex, error) = (text(&name), hex(&bytes), error_name(error));
        format!("{{\"name\":{name},\"hex\":\"{hex}\",\"error\":\"{error}\"}}")
    };
    let mut out = format!(
        "{{\"spec_version\":2,\n\"clock\":{{\"boot_ns\":\"{BOOT_NS}\",\"wall_ns\":\"{WALL_NS}\"}}"
    );
    list(&mut out, "valid", &cases::valid_frames().into_iter().map(valid).collect::<Vec<_>>());
    list(&mut out, "invalid", &invalid_frames().into_iter().map(invalid).collect::<Vec<_>>());
    out + "}\n"
}

fn stream_file() -> String {
    let case = |(name, chunks): (String, Vec<Vec<u8>>)| {
        let (frames, error) = streams::found(&chunks);
        let frames: Vec<String> =
            frames.iter().map(|bytes| format!("\"{}\"", hex(bytes))).collect();
        let chunks: Vec<String> =
            chunks.iter().map(|bytes| format!("\"{}\"", hex(bytes))).collect();
        let error = error.map_or("null".into(), |error| format!("\"{}\"", error_name(error)));
        format!(
            "{{\"name\":{},\n \"chunks\":[{}],\n \"frames\":[{}],\n \"error\":{error}}}",
            text(&name),
            chunks.join(","),
            frames.join(",")
        )
    };
    let mut out = String::from("{\"spec_version\":2");
    list(&mut out, "cases", &streams::cases().into_iter().map(case).collect::<Vec<_>>());
    out + "}\n"
}

fn opta1_file() -> String {
    let valid = |(name, bytes): Case| {
        let (message, size) = decode(&bytes).unwrap().unwrap_or_else(|| panic!("{name} is short"));
        format!(
            "{{\"name\":{},\"hex\":\"{}\",\"size\":{size},\n \"fields\":{}}}",
            text(&name),
            hex(&bytes),
            streams::message_fields(&message)
        )
    };
    let named = |(name, bytes): Case, more: String| {
        format!("{{\"name\":{},\"hex\":\"{}\"{more}}}", text(&name), hex(&bytes))
    };
    let (mut accepted, mut incomplete, mut invalid) = (vec![], vec![], vec![]);
    for case in streams::messages() {
        let judged = decode(&case.1).map(|message| message.is_some());
        match judged {
            Ok(true) => accepted.push(valid(case)),
            Ok(false) => incomplete.push(named(case, String::new())),
            Err(error) => {
                invalid.push(named(case, format!(",\"error\":\"{}\"", error_name(error))));
            }
        }
    }
    let from_vitals = |name: &&str| {
        let bytes = cases::valid(name);
        let Body::Vitals(vitals) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        let mut message = [0; ENCODED_MAX];
        let size = encode(&mut message, vitals, WALL_NS).unwrap();
        format!("{{\"frame\":\"{name}\",\"hex\":\"{}\"}}", hex(&message[..size]))
    };
    let names = ["vitals_typical", "vitals_greatest", "vitals_not_a_number", "vitals_all_absent"];
    let mut out = format!("{{\"spec_version\":2,\n\"wall_ns\":\"{WALL_NS}\"");
    list(&mut out, "valid", &accepted);
    list(&mut out, "incomplete", &incomplete);
    list(&mut out, "invalid", &invalid);
    list(&mut out, "from_vitals", &names.iter().map(from_vitals).collect::<Vec<_>>());
    out + "}\n"
}

fn request_fields(request: &SubscribeRequest) -> String {
    let streams: Vec<String> = request.streams.iter().map(|id| id.0.to_string()).collect();
    let resume = if request.options.resume {
        let epoch = hex(&request.epoch);
        format!("{{\"epoch\":\"{epoch}\",\"events\":\"{}\"}}", request.events)
    } else {
        "null".into()
    };
    let groups = Group::ALL.into_iter().filter(|group| request.groups.contains(*group));
    let groups = groups.map(|group| (group as u8).to_string()).collect::<Vec<_>>().join(",");
    format!(
        "{{\"streams\":[{}],\"unknown_stream\":{},\"rate_mhz\":{},\"every\":{},\
         \"groups\":[{groups}],\"resume\":{resume}}}",
        streams.join(","),
        request.unknown_stream,
        request.rate_mhz,
        request.options.every,
    )
}

fn subscribe_file() -> String {
    let (accepted, refused) = subscribe_lines();
    let head = |name: &str, line: &[u8]| {
        let shown = core::str::from_utf8(line).map_or("null".into(), text);
        format!("{{\"name\":{},\"hex\":\"{}\",\n \"text\":{shown}", text(name), hex(line))
    };
    let valid = |(name, line): &Case| {
        let request = parse_subscribe(line).unwrap();
        format!("{},\n \"request\":{}}}", head(name, line), request_fields(&request))
    };
    let invalid = |(name, line): &Case| {
        let error = parse_subscribe(line).unwrap_err();
        let fault = fault_name(error.fault);
        format!("{},\n \"fault\":\"{fault}\",\"at\":{}}}", head(name, line), error.at)
    };
    let mut out = String::from("{\"spec_version\":2");
    list(&mut out, "valid", &accepted.iter().map(valid).collect::<Vec<_>>());
    list(&mut out, "invalid", &refused.iter().map(invalid).collect::<Vec<_>>());
    out + "}\n"
}

/// The kind of mistake that a reason tells of.
fn reason_name(fault: RequestFault) -> &'static str {
    let of_text = [
        JsonFault::End,
        JsonFault::Character,
        JsonFault::Trailing,
        JsonFault::Depth,
        JsonFault::Utf8,
        JsonFault::Key,
        JsonFault::Value,
    ];
    match of_text.into_iter().find(|reason| reason.describe() == fault.reason) {
        Some(reason) => fault_name(reason),
        None if fault.reason == "is missing" => "missing",
        // Its sentence names the actions that there are.
        None if fault.reason.starts_with("is none of ") => "value",
        None => "surplus",
    }
}

fn control_fields(request: &ControlRequest<'_>) -> String {
    let key = request.key.map_or("null".into(), |key| {
        let client: String = key.client.chars().collect();
        object(&[("client", text(&client)), ("number", long(key.number))])
    });
    let mut fields = vec![
        ("action", (request.action as u16).to_string()),
        ("id", request.id.map_or("null".into(), text)),
        ("ack", request.ack.map_or(0, |ack| ack as u8).to_string()),
        ("key", key),
    ];
    if request.action == Action::Dump {
        let name = request.recorder.map(|name| name.chars().collect::<String>());
        fields.push(("recorder", name.map_or("null".into(), |name| text(&name))));
        fields.push(("last_ms", long(request.last_ms)));
    }
    object(&fields)
}

fn control_file() -> String {
    let (accepted, refused) = requests();
    let head = |name: &str, line: &[u8]| {
        let shown = core::str::from_utf8(line).map_or("null".into(), text);
        format!("{{\"name\":{},\"hex\":\"{}\",\n \"text\":{shown}", text(name), hex(line))
    };
    let valid = |(name, line): &Case| {
        let request = parse_request(line).unwrap();
        let mut case = format!("{},\n \"request\":{}", head(name, line), control_fields(&request));
        if let Some(event) = request.event {
            let needs_time = event.kind == EventKind::Transcription && event.name.is_empty();
            let filled = if needs_time { "\"00:00:00\"" } else { "null" };
            let payload = event_line::payload(&event).unwrap();
            let told = event_line::written(&payload, false);
            let told = core::str::from_utf8(&told).unwrap().trim_end();
            let fields = event_fields(Event::parse(&payload).unwrap());
            let _ = write!(
                case,
                ",\n \"filled\":{filled},\"payload\":\"{}\",\n \"fields\":{fields},\n \"line\":{}",
                hex(&payload),
                text(told),
            );
        }
        case + "}"
    };
    let invalid = |(name, line): &Case| {
        let fault = parse_request(line).unwrap_err();
        let (key, reason) = (text(fault.key), reason_name(fault));
        let head = head(name, line);
        format!("{head},\n \"key\":{key},\"fault\":\"{reason}\",\"at\":{}}}", fault.at)
    };
    let mut out = format!("{{\"spec_version\":2,\n\"seq\":\"{}\"", event_line::SEQUENCE);
    list(&mut out, "valid", &accepted.iter().map(valid).collect::<Vec<_>>());
    list(&mut out, "invalid", &refused.iter().map(invalid).collect::<Vec<_>>());
    out + "}\n"
}

fn same(path: &Path, content: &[u8]) {
    if std::env::var_os("KYMO_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let stored = std::fs::read(path).unwrap_or_default();
    let place = stored.iter().zip(content).position(|(a, b)| a != b);
    assert!(
        stored == content,
        "{} differs at byte {place:?}; if that is meant, run the tests with KYMO_BLESS=1",
        path.display()
    );
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn vectors_are_what_the_crate_does() {
    let folder = folder("vectors");
    for (name, content) in [
        ("frames.json", frames()),
        ("streams.json", stream_file()),
        ("opta1.json", opta1_file()),
        ("subscribe.json", subscribe_file()),
        ("control.json", control_file()),
        ("recording.json", recordings::file()),
    ] {
        serde_json::from_str::<serde_json::Value>(&content).expect(name);
        same(&folder.join(name), content.as_bytes());
    }
}

#[test]
fn seeds_are_stored_and_keep_their_invariants() {
    let folder = folder("../fuzz/seeds");
    let mut size = 0;
    let files = seeds::files();
    assert!(files.len() <= 90, "{} files", files.len());
    for (target, name, content) in files {
        size += content.len();
        same(&folder.join(target).join(name), &content);
    }
    assert!(size <= 100_000, "{size} bytes");
    seeds::replay();
}

#[test]
fn every_kind_and_error_has_a_case() {
    let valid = cases::valid_frames();
    for number in 0..=u16::MAX {
        let Some(kind) = FrameKind::from_number(number) else { continue };
        let of_kind = |case: &&Case| case.1[12..14] == number.to_le_bytes();
        assert!(valid.iter().filter(of_kind).count() >= 2, "{kind:?}");
    }
    let invalid = invalid_frames();
    for error in [
        FrameError::Short,
        FrameError::Magic,
        FrameError::Version1,
        FrameError::Version,
        FrameError::Flags,
        FrameError::Length,
        FrameError::Reserved,
        FrameError::Value,
    ] {
        let told = |case: &Case| Frame::parse(&case.1).err() == Some(error);
        assert!(invalid.iter().any(told), "{error:?}");
    }
}

#[test]
fn every_event_state_form_action_and_code_has_a_case() {
    let valid = cases::valid_frames();
    let of = |kind: u16, number: usize, size: usize, at: usize| {
        let number = &(number as u64).to_le_bytes()[..size];
        valid
            .iter()
            .any(|case| case.1[12..14] == kind.to_le_bytes() && case.1[at..at + size] == *number)
    };
    assert!((0..EventKind::ALL.len()).all(|kind| of(32, kind, 2, 32)), "an event");
    assert!((0..=4).all(|state| of(32, state, 2, 34)), "a state");
    let forms = (0..=u8::MAX).filter(|form| Form::from_number(*form).is_some());
    assert!(forms.into_iter().all(|form| of(32, form.into(), 1, 44)), "a form");
    assert!((0..=1).all(|options| of(32, options, 1, 45)), "an option");
    assert!((1..=9).all(|action| of(9, action, 2, 40)), "an action");
    assert!((0..=3).all(|ack| of(9, ack, 1, 42)), "an ack");
    assert!(ErrorCode::ALL.into_iter().all(|code| of(8, code as usize, 2, 32)), "a code");
}

#[test]
fn floats_are_shown_by_their_bits() {
    assert_eq!(float(1.0), "\"0x3f800000\"");
}
