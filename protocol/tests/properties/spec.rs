//! SPEC.md says what the code says: the byte tables of the modules, and every number with a name.

use std::path::Path;

use kymo_protocol::{
    ErrorCode, Field, FrameKind, GapReason, GoodbyeReason, State, StreamId, limits,
};

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The cells of a table row, if `line` is one.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

#[test]
fn byte_tables_are_those_of_the_modules() {
    let spec = read("SPEC.md");
    let spec: Vec<Vec<&str>> = spec.lines().filter_map(cells).collect();
    for module in [
        "header",
        "hello",
        "welcome",
        "subscribe",
        "gap",
        "heartbeat",
        "goodbye",
        "error",
        "vitals",
        "opta1",
    ] {
        let source = read(&format!("src/{module}.rs"));
        let rows = source.lines().filter_map(|line| cells(line.strip_prefix("//!")?));
        let is_byte_row = |row: &Vec<&str>| row[0] == "…" || row[0].parse::<u32>().is_ok();
        let rows: Vec<_> = rows.filter(is_byte_row).collect();
        assert!(!rows.is_empty(), "{module} has no table");
        for row in rows {
            let same = |told: &Vec<&str>| told.len() >= 3 && told[..3] == row[..3];
            assert!(spec.iter().any(same), "{module}: {row:?}");
        }
    }
}

#[test]
fn numbers_have_the_names_of_the_code() {
    let spec = read("SPEC.md");
    let row = |number: u16, name: &str| {
        let start = format!("| {number} | {name}");
        assert!(spec.lines().any(|line| line.starts_with(&start)), "{start}");
    };
    for state in State::ALL {
        row(
            state as u16,
            &format!("`{}` | {}", state.name(), if state.has_value() { "yes" } else { "no" }),
        );
    }
    for code in ErrorCode::ALL {
        row(code as u16, &format!("`{}`", code.name()));
    }
    for (stream, name) in StreamId::ALL_NAMED {
        row(stream.0, &format!("`{name}`"));
    }
    for number in 0..4 {
        row(number, &format!("`{}`", GoodbyeReason::from_number(number).unwrap().name()));
        let name = GapReason::from_number(number).unwrap().name();
        assert!(spec.contains(&format!("{number} {name}:")), "{name}");
    }
    for number in 0..100 {
        if let Some(kind) = FrameKind::from_number(number) {
            row(number, &format!("[{}]", format!("{kind:?}").to_lowercase()));
        }
    }
    for field in Field::ALL {
        let cell = format!("| {} `{}` |", field as u8, field.name());
        assert!(spec.contains(&cell), "{cell}");
    }
}

#[test]
fn limits_are_those_of_the_code() {
    let spec = read("SPEC.md");
    let rate = |mhz: u32| f64::from(mhz) / 1000.0;
    for (name, value) in [
        ("header", limits::HEADER_SIZE),
        ("payload", limits::PAYLOAD_MAX),
        ("alignment of frames", limits::FRAME_ALIGN),
        ("event payload, unless welcome says otherwise", limits::EVENT_BYTES as usize),
        ("vitals line", limits::VITALS_LINE_MAX),
        ("other lines", limits::NOTICE_LINE_MAX),
        ("name in hello", limits::NAME_MAX),
        ("text of an error", limits::ERROR_TEXT_MAX),
        ("patterns of one subscription", limits::FILTER_TEXT_MAX),
        ("line or frame of a client", limits::SUBSCRIBE_LINE_MAX),
    ] {
        let digits = value.to_string();
        let split = digits.len().saturating_sub(3);
        let grouped = format!("{},{}", &digits[..split], &digits[split..]);
        let row = format!("| {name} | {} bytes |", grouped.trim_start_matches(','));
        assert!(spec.contains(&row), "{row}");
    }
    for row in [
        format!("| streams of a server | {} |", limits::STREAMS_MAX),
        format!("| levels of JSON that is read | {} |", limits::JSON_DEPTH_MAX),
        format!("| fans | {} |", limits::FANS_MAX),
        format!("| rate | {} Hz to 1,000 Hz |", rate(limits::RATE_MHZ_MIN)),
    ] {
        assert!(spec.contains(&row), "{row}");
    }
    assert_eq!(limits::RATE_MHZ_MAX, 1_000_000);
    assert_eq!(limits::line_bytes(100), 6 * 100 + 1024);
    assert!(
        spec.contains(&format!(
            "at most {} bytes long; one from",
            kymo_protocol::opta1::MESSAGE_MAX
        ))
    );
    assert!(spec.contains(&format!("at most {}.\n", kymo_protocol::opta1::ENCODED_MAX)));
}
