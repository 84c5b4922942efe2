//! Properties of JSON Lines: every line is JSON, says what its frame says, and fits.

use crate::invariants::{frame_parse, json_reader, subscribe_line};
use crate::support::{frame, raw_frame, vitals};
use kymo_protocol::json::{
    ClockMap, LineOptions, Reader, Token, append_merged, parse_subscribe, write_line,
};
use kymo_protocol::limits::{NOTICE_LINE_MAX, VITALS_LINE_MAX};
use kymo_protocol::{
    Body, ErrorCode, ErrorReport, Field, Frame, Payload, Position, Stamp, State, StreamEntry,
    Subscribed, Vitals, Welcome, emit,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

const CLOCK: ClockMap = ClockMap { boot_ns: 5, wall_ns: 1_699_000_000_000_000_000 };

fn line(bytes: &[u8], bare: bool) -> Vec<u8> {
    let mut buffer = vec![0; 8192 + 7 * bytes.len()];
    let frame = Frame::parse(bytes).unwrap();
    let size =
        write_line(&mut buffer, &frame, CLOCK, LineOptions { bare, catchup: false }).unwrap();
    buffer.truncate(size);
    buffer
}

/// The numbers of a line as they are written, in order, outside `validity` and `age_ms`.
fn numbers(line: &[u8]) -> Vec<Option<String>> {
    let mut reader = Reader::new(line).unwrap();
    let mut numbers = Vec::new();
    while let Some(token) = reader.next_token().unwrap() {
        match token {
            Token::Number(text) => numbers.push(Some(text.to_owned())),
            Token::Null => numbers.push(None),
            Token::Key(key) if key.is("validity") => break,
            _ => {}
        }
    }
    numbers
}

/// What the numbers of the line of `vitals` must be.
fn expected(frame: &Frame<'_>, vitals: &Vitals) -> Vec<Option<Number>> {
    let wall_ns = CLOCK.wall_at(frame.header.timestamp.get());
    let mut all = vec![
        Some(Number::Integer(frame.header.sequence.get())),
        Some(Number::Thousandth(wall_ns / 1000, 6)),
    ];
    for field in Field::ALL {
        if !vitals.state(field).has_value() {
            all.push(None);
            continue;
        }
        let float = |value: f32| value.is_finite().then_some(Number::Float(value.to_bits()));
        let integer = |value: u64| Some(Number::Integer(value));
        match field {
            Field::CpuUsage => all.push(float(vitals.cpu_usage.get())),
            Field::MemoryUsage => all.push(float(vitals.memory_usage.get())),
            Field::MemoryTotal => all.push(integer(vitals.memory_total.get())),
            Field::MemoryUsed => all.push(integer(vitals.memory_used.get())),
            Field::SwapTotal => all.push(integer(vitals.swap_total.get())),
            Field::SwapUsed => all.push(integer(vitals.swap_used.get())),
            Field::Load => all.extend(vitals.load.iter().map(|load| float(load.get()))),
            Field::DiskUsage => all.push(float(vitals.disk_usage.get())),
            Field::DiskReadBytes => all.push(integer(vitals.disk_read_bytes.get())),
            Field::DiskWriteBytes => all.push(integer(vitals.disk_write_bytes.get())),
            Field::NetworkRxBytes => all.push(integer(vitals.network_rx_bytes.get())),
            Field::NetworkTxBytes => all.push(integer(vitals.network_tx_bytes.get())),
            Field::Temperature => all.push(float(vitals.temperature.get())),
            Field::GpuTemperature => all.push(float(vitals.gpu_temperature.get())),
            Field::FanSpeeds => all.extend(vitals.fans().map(|fan| integer(fan.into()))),
            Field::PowerWatts => all.push(float(vitals.power_watts.get())),
            Field::BatteryCharge => all.push(float(vitals.battery_charge.get())),
            Field::ProcessCount => all.push(integer(vitals.process_count.get().into())),
            Field::Uptime => {
                all.push(Some(Number::Thousandth(vitals.uptime_ns.get() / 1_000_000, 3)));
            }
            Field::Momentum => {
                all.push(float(vitals.momentum_intensity.get()));
                all.push(float(vitals.momentum_rotation_speed.get()));
            }
            Field::SystemState => {}
        }
    }
    all
}

#[derive(Debug, PartialEq)]
enum Number {
    Integer(u64),
    Float(u32),
    /// So many units, with so many decimals.
    Thousandth(u64, u32),
}

impl Number {
    fn is(&self, text: &str) -> bool {
        match self {
            Self::Integer(value) => text == value.to_string(),
            Self::Float(bits) => {
                text.contains(['.', 'e']) && text.parse::<f32>().unwrap().to_bits() == *bits
            }
            Self::Thousandth(units, decimals) => {
                let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
                let rest = format!("{rest:0<width$}", width = *decimals as usize);
                format!("{whole}{rest}").parse::<u64>().unwrap() == *units
            }
        }
    }
}

fn with_merged(bytes: &[u8], merged: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[Vitals::MERGED_OFFSET..][..4].copy_from_slice(&merged.to_le_bytes());
    bytes
}

proptest! {
    #[test]
    fn a_vitals_line_says_what_its_frame_says(bytes in vitals()) {
        let text = line(&bytes, false);
        let frame = Frame::parse(&bytes).unwrap();
        let Body::Vitals(vitals) = frame.body else { panic!("kind") };
        let (read, expected) = (numbers(&text), expected(&frame, vitals));
        let value: Value = serde_json::from_slice(&text).unwrap();
        // The state of system_state has no number of its own, but null is one to `numbers`.
        prop_assert_eq!(read.len(), expected.len());
        for (read, expected) in read.iter().zip(&expected) {
            match (read, expected) {
                (Some(read), Some(number)) => prop_assert!(number.is(read), "{read} {number:?}"),
                (read, expected) => prop_assert!(read.is_none() && expected.is_none()),
            }
        }
        for field in Field::ALL {
            let (state, age_ms) = (vitals.state(field), vitals.age_ms(field));
            let told = value["validity"].get(field.name()).and_then(Value::as_str);
            prop_assert_eq!(told, (state != State::Ok).then_some(state.name()));
            let told = value["age_ms"].get(field.name()).and_then(Value::as_u64);
            let old = age_ms >= 1000 && state.has_value();
            prop_assert_eq!(told, old.then_some(u64::from(age_ms)));
            prop_assert!(value.get(field.name()).is_some());
        }
        let merged = value.get("merged").and_then(Value::as_u64).unwrap_or(0);
        prop_assert_eq!(merged, u64::from(vitals.merged.get()));
        if vitals.state(Field::Momentum).has_value() {
            prop_assert_eq!(value["momentum"]["color"].as_str(), Some(vitals.color().name()));
        }
        if vitals.state(Field::SystemState).has_value() {
            prop_assert_eq!(value["system_state"].as_str(), Some(vitals.verdict().name()));
        }
    }

    #[test]
    fn a_bare_line_is_the_line_without_seq(bytes in vitals()) {
        let full: Value = serde_json::from_slice(&line(&bytes, false)).unwrap();
        let mut bare: Value = serde_json::from_slice(&line(&bytes, true)).unwrap();
        prop_assert!(bare.get("seq").is_none());
        bare["seq"] = full["seq"].clone();
        prop_assert_eq!(bare, full);
    }

    #[test]
    fn appending_merged_equals_writing_it(bytes in vitals(), merged: u32, bare: bool) {
        let mut text = line(&with_merged(&bytes, 0), bare);
        let size = text.len();
        text.resize(size + 32, 0xFF);
        let size = append_merged(&mut text, size, merged).unwrap();
        prop_assert_eq!(&text[..size], line(&with_merged(&bytes, merged), bare));
    }

    #[test]
    fn a_line_that_does_not_fit_is_told_and_never_overruns(bytes in frame(), room in 0usize..600) {
        let whole = line(&bytes, false);
        let mut buffer = vec![0xEE; room + 8];
        let frame = Frame::parse(&bytes).unwrap();
        let result = write_line(&mut buffer[..room], &frame, CLOCK, LineOptions::default());
        prop_assert_eq!(result.is_ok(), whole.len() <= room);
        prop_assert!(buffer[room..].iter().all(|byte| *byte == 0xEE));
    }

    #[test]
    fn every_frame_is_one_line_of_json(bytes in frame()) {
        frame_parse::check(&bytes);
    }

    #[test]
    fn rates_survive_the_way_through_a_line(rate_mhz in 1u32..=1_000_000) {
        let text = format!(
            r#"{{"subscribe":["vitals"],"rate_hz":{}}}"#,
            f64::from(rate_mhz) / 1000.0
        );
        prop_assert_eq!(parse_subscribe(text.as_bytes()).unwrap().rate_mhz, rate_mhz);
        subscribe_line::check(text.as_bytes());
    }

    #[test]
    fn subscribe_lines_ask_for_what_they_say(
        members in vec(prop::sample::select(vec![
            r#""subscribe":["vitals"]"#, r#""subscribe":["events","vitals"]"#, r#""subscribe":[]"#,
            r#""subscribe":["x\ud83d"]"#, r#""subscr\u0069be":["v\u0069tals"]"#,
            r#""rate_hz":0.1"#, r#""rate_hz":1E3"#, r#""rate_hz":-1"#, r#""rate_hz":1.0005"#,
            r#""every":true"#, r#""every":false"#, r#""every":1"#, r#""topics":["a.*","b"]"#,
            r#""topics":[1]"#, r#""groups":["cpu"]"#, r#""groups":[""]"#, r#""other":1"#,
            r#""resume":{"events":18446744073709551615,
                "epoch":"000102030405060708090a0b0c0d0e0f"}"#,
            r#""resume":{"epoch":"00","events":1}"#, r#""resume":{}"#,
        ]), 0..5),
        tail in prop::sample::select(vec!["}", "}\r", "} ", "", "}x", ",}", "}\n{}"]),
    ) {
        let text = format!("{{{}{tail}", members.join(", "));
        subscribe_line::check(text.as_bytes());
    }

    #[test]
    fn no_bytes_make_a_subscribe_line_panic(line in vec(any::<u8>(), 0..200)) {
        subscribe_line::check(&line);
        json_reader::check(&line);
    }
}

/// A float whose text is as long as any: none of the 2^32 has one of more than 16 bytes.
const LONG: f32 = -0.000_001_000_000_1;

#[test]
fn the_longest_vitals_line_fits() {
    // Integers at their greatest, every value held, and old.
    let mut payload = [0xFF; 288];
    for at in [0, 4, 80, 84, 88, 92, 96, 100, 104, 108, 152, 156] {
        payload[at..at + 4].copy_from_slice(&LONG.to_le_bytes());
    }
    payload[148..152].copy_from_slice(&[8, 2, 2, 0]);
    payload[160..181].fill(State::Held as u8);
    payload[181..184].fill(0);
    payload[268..280].fill(0);
    payload[284..288].fill(0);
    let bytes = raw_frame(16, 1, (u64::MAX, u64::MAX), &payload);
    let text = line(&bytes, false);
    assert_eq!(numbers(&text)[2].as_deref(), Some("-0.0000010000001"));
    let size = text.len();
    assert!(size <= VITALS_LINE_MAX, "{size} bytes");
    // Tight enough that the limit says something about the line.
    assert!(size > VITALS_LINE_MAX * 9 / 10, "{size} bytes");
}

#[test]
fn the_longest_notices_fit() {
    let mut bytes = vec![0; 1024];
    let stamp = Stamp { boot_ns: u64::MAX };
    let size = emit::<ErrorReport>(&mut bytes, Position::NONE, stamp).map(|(report, size)| {
        report.set(ErrorCode::Unexpected, &"\u{1}".repeat(200));
        size
    });
    let told = line(&bytes[..size.unwrap()], false).len();
    assert!((700..=NOTICE_LINE_MAX).contains(&told), "{told} bytes");

    let mut payload = [0xFF; 72];
    payload[4..8].fill(0);
    payload[2..4].copy_from_slice(&[16, 0]);
    let mut payload = payload.to_vec();
    for id in 1..=16u64 {
        payload.extend([id, u64::MAX - 1, u64::MAX].map(u64::to_le_bytes).concat());
    }
    let told = line(&raw_frame(2, 0, (0, u64::MAX), &payload), false).len();
    assert!((500..=NOTICE_LINE_MAX).contains(&told), "{told} bytes");

    let (subscribed, size) = emit::<Subscribed>(&mut bytes, Position::NONE, stamp).unwrap();
    subscribed.rate_mhz.set(u32::MAX);
    subscribed.streams.set(u16::MAX);
    subscribed.options.set(1);
    subscribed.next = [u64::MAX.into(); 4];
    let told = line(&bytes[..size], false).len();
    assert!(told <= NOTICE_LINE_MAX, "{told} bytes");
    let entry = StreamEntry::new(1, 1, 1);
    assert!(Welcome::emit(&mut bytes, stamp, &Default::default(), &[entry]).is_ok());
}

/// Texts of floats that a reader could get wrong: the two zeros, the least, the greatest, and those
/// whose shortest text is long.
#[test]
fn floats_keep_their_bits() {
    for bits in [0, 1, 0x8000_0000, 0x8000_0001, 0x007F_FFFF, 0x0080_0000, 0x7F7F_FFFF, 0x3DCC_CCCD]
    {
        let mut bytes = [0; Vitals::FRAME_SIZE];
        let at = Position { stream: kymo_protocol::StreamId::VITALS, sequence: 1 };
        let (vitals, _) = emit::<Vitals>(&mut bytes, at, Stamp { boot_ns: 1 }).unwrap();
        vitals.cpu_usage.set(f32::from_bits(bits));
        let text = line(&bytes, false);
        let written = numbers(&text)[2].clone().unwrap();
        assert_eq!(written.parse::<f32>().unwrap().to_bits(), bits, "{written}");
        let value: Value = serde_json::from_slice(&text).unwrap();
        #[allow(clippy::cast_possible_truncation)] // the rounding is what is tested
        let read = value["cpu_usage"].as_f64().unwrap() as f32;
        assert_eq!(read.to_bits(), bits, "{written}");
    }
}
