//! Bytes to what they say. Frames and lines are compared with those that were produced, byte for
//! byte; only what there is no such of is taken apart.

use kymo_protocol::{Body, Frame, FrameHeader, FrameKind, Sample, State, StreamId, opta1};
use serde_json::Value;

use crate::ledger::Ledger;
use crate::truth::{Truth, digest, mix};

/// In which form a subscriber is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Binary,
    Json,
    /// Lines, with nothing asked for.
    Silent,
    Bare,
    Opta1,
}

const HEAD: usize = 32;
const MERGED: usize = 8;
pub const VITALS_LINE: &[u8] = b"{\"type\":\"vitals\",\"seq\":";

/// Takes the whole frames or lines off the front of `bytes`; how many bytes that were. `hash`
/// becomes one of all that was read before and now.
pub fn read(form: Form, bytes: &[u8], ledger: &mut Ledger, truth: &Truth, hash: &mut u64) -> usize {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let taken = match form {
            Form::Binary => frame(rest, ledger, truth),
            Form::Json | Form::Silent => line(rest, ledger, truth),
            Form::Bare => bare_line(rest, ledger, truth),
            Form::Opta1 => message(rest, ledger, truth),
        };
        let Some((size, hashed)) = taken else { return at };
        *hash = mix(*hash, digest(&rest[..hashed]));
        at += size;
    }
}

/// Size of the frame at the front, if it is whole.
pub fn frame_size(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < HEAD {
        return None;
    }
    let size = HEAD + FrameHeader::parse(bytes).expect("a frame").payload_size();
    (size <= bytes.len()).then_some(size)
}

/// Its size, and how much of it is the same whenever the run is repeated.
fn frame(bytes: &[u8], ledger: &mut Ledger, truth: &Truth) -> Option<(usize, usize)> {
    let size = frame_size(bytes)?;
    let bytes = &bytes[..size];
    let header = FrameHeader::parse(bytes).expect("a frame");
    let (kind, sequence) = (header.kind.get(), header.sequence.get());
    if kind == FrameKind::Vitals as u16 {
        let produced = truth.binary.get(sequence).expect("vitals that were produced");
        let (body, merged) = bytes.split_at(size - MERGED);
        assert!(body == &produced[..size - MERGED], "vitals {sequence} were changed");
        ledger.vitals(sequence, u64::from_le_bytes(merged.try_into().unwrap()));
    } else if kind == FrameKind::Event as u16 && sequence > 0 {
        let Some(event) = truth.get(sequence) else { panic!("event {sequence} is none") };
        let is_catchup = bytes[HEAD + 13] != 0;
        // The bit of the catch-up is the only difference.
        let is_same = bytes[..HEAD + 13] == event.frame[..HEAD + 13]
            && bytes[HEAD + 14..] == event.frame[HEAD + 14..];
        assert!(is_same, "event {sequence} was changed");
        ledger.event(sequence, event, is_catchup, truth);
    } else {
        // What the lane's threads have read is as old as the real clock says.
        let is_samples = kind == FrameKind::Samples as u16;
        other_frame(bytes, ledger, truth);
        return Some((size, if is_samples { HEAD } else { size }));
    }
    Some((size, size))
}

fn other_frame(bytes: &[u8], ledger: &mut Ledger, truth: &Truth) {
    let frame = Frame::parse(bytes).expect("a frame");
    let stream = StreamId(frame.header.stream.get());
    match frame.body {
        Body::Welcome(welcome) => ledger.welcome(u128::from_be_bytes(welcome.fixed.epoch), None),
        Body::Subscribed(granted) => {
            ledger.subscribed(granted.resume.get(), granted.next[3].get(), truth);
        }
        Body::Event(_) => ledger.snapshot(),
        Body::Gap(gap) if stream == StreamId::EVENTS => {
            ledger.event_gap(gap.first.get(), gap.last.get(), gap.count.get(), truth);
        }
        Body::Gap(gap) if stream == StreamId::VITALS => {
            ledger.vitals_gap(gap.first.get(), gap.last.get());
        }
        Body::Samples(samples) => {
            let group = f64::from(samples.of().group as u8);
            let mut values = samples.samples.iter().filter_map(Sample::reading);
            assert!(values.all(|value| value == group), "the values of another group");
            let held = samples.samples.iter().filter(|sample| sample.state() == State::Held);
            let held = held.count() as u64;
            ledger.sampled(frame.header.sequence.get(), samples.of().group, held);
        }
        Body::Gap(_) | Body::Catalog(_) | Body::Heartbeat(_) => ledger.speak(),
        Body::Goodbye(_) | Body::Error(_) => ledger.end(),
        _ => panic!("{:?}", frame.header),
    }
}

/// `bytes` begins with `produced`, or with that and a count; size and count.
fn same_but_merged(bytes: &[u8], produced: &[u8]) -> Option<(usize, u64)> {
    let body = produced.strip_suffix(b"}\n")?;
    let rest = bytes.strip_prefix(body)?;
    if rest.starts_with(b"}\n") {
        return Some((produced.len(), 0));
    }
    let digits = rest.strip_prefix(b",\"merged\":")?;
    let (merged, count) = number(digits);
    digits[count..].starts_with(b"}\n").then(|| (bytes.len() - digits.len() + count + 2, merged))
}

/// The number at the front, and its digits.
fn number(bytes: &[u8]) -> (u64, usize) {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold((0, 0), |(number, count), digit| (number * 10 + u64::from(digit - b'0'), count + 1))
}

fn line_size(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n').map(|end| end + 1)
}

fn line(bytes: &[u8], ledger: &mut Ledger, truth: &Truth) -> Option<(usize, usize)> {
    if let Some(rest) = bytes.strip_prefix(VITALS_LINE) {
        let sequence = number(rest).0;
        let produced = truth.json.get(sequence);
        if let Some((size, merged)) = produced.and_then(|line| same_but_merged(bytes, line)) {
            ledger.vitals(sequence, merged);
            return Some((size, size));
        }
        assert!(line_size(bytes).is_none(), "vitals {sequence} were changed");
        return None;
    }
    // Most often the next one.
    let next = ledger.last + 1;
    if let Some(event) = truth.get(next)
        && bytes.starts_with(&event.line)
    {
        ledger.event(next, event, false, truth);
        return Some((event.line.len(), event.line.len()));
    }
    let size = line_size(bytes)?;
    other_line(&bytes[..size], ledger, truth);
    Some((size, size))
}

fn other_line(bytes: &[u8], ledger: &mut Ledger, truth: &Truth) {
    let line: Value = serde_json::from_slice(bytes).expect("a whole line");
    let number = |key: &str| line[key].as_u64().expect("a number");
    match line["type"].as_str().expect("a type") {
        "welcome" => {
            let epoch = u128::from_str_radix(line["epoch"].as_str().unwrap(), 16).unwrap();
            let next = line["streams"]["events"]["next"].as_u64().expect("a number");
            ledger.welcome(epoch, ledger.wish.is_silent.then_some(next));
        }
        "subscribed" => {
            let names = ["tail", "gap", "fresh"].iter().zip(0..);
            let resume = names.clone().find(|name| line["resume"] == *name.0).map_or(2, |n| n.1);
            ledger.subscribed(resume, line["next"]["events"].as_u64().unwrap_or(1), truth);
        }
        "gap" if line["stream"] == "events" => {
            ledger.event_gap(number("first"), number("last"), number("count"), truth);
        }
        "gap" if line["stream"] == "vitals" => ledger.vitals_gap(number("first"), number("last")),
        "heartbeat" => ledger.speak(),
        "error" | "goodbye" => ledger.end(),
        _ if line.get("seq").is_none() => {
            assert_eq!(line["catchup"], true);
            ledger.snapshot();
        }
        _ => {
            let sequence = number("seq");
            let is_catchup = line.get("catchup").is_some();
            let Some(event) = truth.get(sequence) else { panic!("event {sequence} is none") };
            let is_same = match is_catchup {
                true => *bytes == event.catchup_line(),
                false => *bytes == event.line,
            };
            assert!(is_same, "event {sequence} was changed");
            ledger.event(sequence, event, is_catchup, truth);
        }
    }
}

fn bare_line(bytes: &[u8], ledger: &mut Ledger, truth: &Truth) -> Option<(usize, usize)> {
    let first = ledger.vitals + 1;
    let found = (first..=truth.bare.last()).find_map(|number| {
        same_but_merged(bytes, truth.bare.get(number)?).map(|(size, _)| (number, size))
    });
    if let Some((number, size)) = found {
        ledger.uncounted(number);
        return Some((size, size));
    }
    let size = line_size(bytes)?;
    let line: Value = serde_json::from_slice(&bytes[..size]).expect("a whole line");
    assert!(line["type"] == "goodbye" || line["type"] == "error", "this was not produced: {line}");
    ledger.end();
    Some((size, size))
}

fn message(bytes: &[u8], ledger: &mut Ledger, truth: &Truth) -> Option<(usize, usize)> {
    let mut later = ledger.vitals + 1..=truth.opta1.last();
    let found = later.find_map(|number| {
        let message = truth.opta1.get(number)?;
        bytes.starts_with(message).then_some((number, message.len()))
    });
    let Some((number, size)) = found else {
        let whole = opta1::decode(bytes).expect("a message");
        assert!(whole.is_none(), "a message that was not produced, or not now");
        return None;
    };
    ledger.uncounted(number);
    Some((size, size))
}
