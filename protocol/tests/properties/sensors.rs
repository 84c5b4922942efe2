//! Properties of what tells of sensors and processes: lines say what their frames say, and the
//! longest ones fit.

use crate::support::{processes, raw_frame, samples};
use kymo_protocol::json::{ClockMap, LineOptions, Reader, Token, append_merged, write_line};
use kymo_protocol::limits::{
    CATALOG_BYTES_MAX, CATALOG_COUNT_MAX, CATALOG_LINE_MAX, PROCESSES_LINE_MAX, PROCESSES_MAX,
    SAMPLES_LINE_MAX, SAMPLES_MAX, VITALS_LINE_MAX,
};
use kymo_protocol::{Body, Frame, Process, Processes, Sample, Samples, State};
use proptest::prelude::*;
use serde_json::Value;

fn line(bytes: &[u8], bare: bool) -> Vec<u8> {
    let mut buffer = vec![0; 8192 + 7 * bytes.len()];
    let options = LineOptions { bare, catchup: false };
    let frame = Frame::parse(bytes).unwrap();
    let size = write_line(&mut buffer, &frame, ClockMap::default(), options).unwrap();
    buffer.truncate(size);
    buffer
}

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(&line(bytes, false)).unwrap()
}

/// The values of samples as their texts say them: serde_json may be off by the last bit.
fn values(line: &[u8]) -> Vec<Option<u64>> {
    let (mut reader, mut values) = (Reader::new(line).unwrap(), Vec::new());
    let mut is_next = false;
    while let Some(token) = reader.next_token().unwrap() {
        match token {
            Token::Number(text) if is_next => {
                values.push(Some(text.parse::<f64>().unwrap().to_bits()));
            }
            Token::Null if is_next => values.push(None),
            _ => {}
        }
        is_next = matches!(token, Token::Key(key) if key.is("value"));
    }
    values
}

fn same_sample(told: &Value, sample: &Sample) {
    assert_eq!(told["id"].as_u64(), Some(sample.id.get().into()));
    let state = (sample.state() != State::Ok).then_some(sample.state().name());
    assert_eq!(told.get("state").and_then(Value::as_str), state);
    let age_ms = sample.age_ms.get();
    let has_age = age_ms > 0 && sample.state().has_value();
    assert_eq!(told.get("age_ms").and_then(Value::as_u64), has_age.then_some(age_ms.into()));
}

fn same_process(told: &Value, process: &Process) {
    assert_eq!(told["pid"].as_u64(), Some(process.pid.get().into()));
    assert_eq!(told["uid"].as_u64(), Some(process.uid.get().into()));
    assert_eq!(told["name"].as_str(), Some(process.name()));
    assert_eq!(told["memory"].as_u64(), Some(process.memory.get()));
    assert_eq!(told["state"].as_str(), Some(process.state().to_string().as_str()));
    let cpu = process.cpu.get();
    assert_eq!(told["cpu"].is_number(), cpu.is_finite());
    let rank = |key: &str| told.get(key).map_or(0, |rank| rank.as_u64().unwrap());
    let ranks = (rank("rank_by_cpu"), rank("rank_by_memory"));
    assert_eq!(ranks, (process.rank_by_cpu.into(), process.rank_by_memory.into()));
}

proptest! {
    #[test]
    fn a_samples_line_says_what_its_frame_says(bytes in samples()) {
        let told = value(&bytes);
        let Body::Samples(samples) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        let (of, list) = (samples.of(), told["samples"].as_array().unwrap());
        prop_assert_eq!(list.len(), samples.samples.len());
        list.iter().zip(&samples.samples).for_each(|(told, sample)| same_sample(told, sample));
        let readings = samples.samples.iter().map(|sample| sample.reading().map(f64::to_bits));
        prop_assert_eq!(values(&line(&bytes, false)), readings.collect::<Vec<_>>());
        prop_assert_eq!(told["topology"].as_u64(), Some(of.topology.into()));
        prop_assert_eq!(told["group"].as_str(), Some(of.group.name()));
        let part = (of.parts > 1).then_some(u64::from(of.part));
        prop_assert_eq!(told.get("part").and_then(Value::as_u64), part);
    }

    #[test]
    fn a_processes_line_says_what_its_frame_says(bytes in processes()) {
        let told = value(&bytes);
        let Body::Processes(processes) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        let list = told["processes"].as_array().unwrap();
        prop_assert_eq!(list.len(), processes.entries.len());
        list.iter().zip(&processes.entries).for_each(|(told, process)| same_process(told, process));
        prop_assert_eq!(told["total"].as_u64(), processes.fixed.total().map(u64::from));
        let state = processes.fixed.state();
        let named = (state != State::Ok).then_some(state.name());
        prop_assert_eq!(told.get("state").and_then(Value::as_str), named);
        let truncated = processes.fixed.is_truncated().then_some(true);
        prop_assert_eq!(told.get("truncated").and_then(Value::as_bool), truncated);
    }

    #[test]
    fn appending_merged_equals_writing_it(
        bytes in prop_oneof![samples(), processes()],
        merged: u32,
        bare: bool,
    ) {
        prop_assert_eq!(Samples::MERGED_OFFSET, Processes::MERGED_OFFSET);
        let with = |merged: u32| {
            let mut bytes = bytes.clone();
            bytes[Samples::MERGED_OFFSET..][..4].copy_from_slice(&merged.to_le_bytes());
            line(&bytes, bare)
        };
        let mut text = with(0);
        let size = text.len();
        text.resize(size + 32, 0xFF);
        let size = append_merged(&mut text, size, merged).unwrap();
        prop_assert_eq!(&text[..size], with(merged));
        let told: Value = serde_json::from_slice(&text[..size]).unwrap();
        prop_assert_eq!(told.get("seq").is_none(), bare);
    }
}

/// That `bytes` have a line that fits the limit, which is tight enough to say something about it.
fn fits(bytes: &[u8], limit: usize) {
    let size = line(bytes, false).len();
    assert!((limit * 9 / 10..=limit).contains(&size), "{size} bytes of {limit}");
}

/// A number whose text is as long as any.
const LONG: f64 = -0.000_001_234_567_890_123_456_7;

#[test]
fn the_longest_samples_line_fits() {
    let mut payload = [0xFF; 16 + 16 * SAMPLES_MAX];
    (payload[4], payload[7]) = (3, 0);
    payload[8..12].copy_from_slice(&[0xE0, 1, 0, 0]);
    for sample in payload[16..].chunks_mut(16) {
        sample[2..4].copy_from_slice(&[State::Held as u8, 0]);
        sample[8..].copy_from_slice(&LONG.to_le_bytes());
    }
    fits(&raw_frame(17, 2, (u64::MAX, u64::MAX), &payload), SAMPLES_LINE_MAX);
}

#[test]
fn the_longest_processes_line_fits() {
    let mut payload = [0xFF; 24 + 64 * PROCESSES_MAX];
    payload[..8].copy_from_slice(&[64, 0, 32, 0, 32, 0, 1, 0]);
    payload[20..24].fill(0);
    for process in payload[24..].chunks_mut(64) {
        process[24..28].copy_from_slice(&(-0.000_001_000_000_1f32).to_le_bytes());
        process[28..32].copy_from_slice(&[b'S', 32, 32, 32]);
        process[32..].fill(b'"');
    }
    fits(&raw_frame(18, 3, (u64::MAX, u64::MAX), &payload), PROCESSES_LINE_MAX);
}

/// An entry whose line is as long as one of its size can be.
fn entry(attributes: usize, rest: usize) -> Vec<u8> {
    let text = 2 + attributes + rest;
    let size = u16::try_from((24 + text).next_multiple_of(8)).unwrap();
    let mut bytes = size.to_le_bytes().to_vec();
    bytes.extend([0xFF, 0xFF, 0, 0, 3, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 0, 0, 1]);
    bytes.extend([0, u8::try_from(rest).unwrap(), 0]);
    bytes.extend([u8::try_from(attributes).unwrap(), 0, 1, 0]);
    bytes.push(b'"');
    bytes.extend(vec![b'"'; rest]);
    bytes.extend(b"\"=\n".repeat(attributes / 3));
    bytes.push(b'"');
    bytes.resize(size.into(), 0);
    bytes
}

#[test]
fn the_longest_catalog_line_fits() {
    // As many as there may be, and what is left goes to attributes, whose text is the longest.
    let mut entries = entry(6, 0).repeat(CATALOG_COUNT_MAX - 2);
    entries.extend(entry(246, 0));
    entries.extend(entry(252, 2));
    let mut payload = [0xFF; 24];
    payload[8..12].copy_from_slice(&(u32::MAX - 1000).to_le_bytes());
    payload[12..16].copy_from_slice(&[240, 0, 0, 0]);
    payload[20..].fill(0);
    let payload = [payload.to_vec(), entries].concat();
    assert_eq!(payload.len(), CATALOG_BYTES_MAX);
    fits(&raw_frame(11, 2, (0, u64::MAX), &payload), CATALOG_LINE_MAX);
}

#[test]
fn no_line_of_telemetry_is_longer_than_that_of_the_largest_event() {
    let most = kymo_protocol::limits::line_bytes(kymo_protocol::limits::EVENT_BYTES) as usize;
    for size in [VITALS_LINE_MAX, CATALOG_LINE_MAX, SAMPLES_LINE_MAX, PROCESSES_LINE_MAX] {
        assert!(size <= most, "{size}");
    }
}
