//! SPEC.md says what the code says: the byte tables of the modules, and every number with a name.

use std::path::Path;

use kymo_protocol::{
    Ack, Action, AppState, Catalog, Cost, ErrorCode, EventKind, Field, FrameKind, GapReason,
    GoodbyeReason, Group, Instrument, METRICS, Number, Processes, Resume, Samples, Scope, State,
    StreamId, limits,
};

use crate::cases::valid;
use crate::decoded::hex;

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
        "event",
        "event_kind",
        "numbers",
        "request",
        "catalog",
        "sensor",
        "samples",
        "processes",
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
fn events_and_requests_have_the_names_of_the_code() {
    let spec = read("SPEC.md");
    let rows: Vec<Vec<&str>> = spec.lines().filter_map(cells).collect();
    let row = |number: u16, name: &str| {
        let number = number.to_string();
        let is_row = |row: &&Vec<&str>| row.len() > 2 && row[0] == number && row[1] == name;
        rows.iter().find(is_row).unwrap_or_else(|| panic!("{number} {name}"))
    };
    for kind in EventKind::ALL {
        let mut numbers: Vec<Number> = kind.numbers().to_vec();
        numbers.sort_by_key(|number| *number as u8);
        let names: Vec<&str> = numbers.into_iter().map(Number::name).collect();
        let told = row(kind as u16, &format!("`{}`", kind.name()))[5];
        let told: Vec<&str> = match told {
            "all but retry_count" => {
                let all = Number::ALL.into_iter().filter(|number| *number != Number::RetryCount);
                all.map(Number::name).collect()
            }
            told => told.split(", ").filter(|name| !name.is_empty()).collect(),
        };
        assert_eq!(told, names, "{}", kind.name());
    }
    for number in Number::ALL {
        let kind = if number.is_integer() { "u64" } else { "f64" };
        assert_eq!(row(number as u16, number.name())[2], kind);
    }
    for action in Action::ALL {
        row(action as u16, &format!("`{}`", action.name()));
    }
    for ack in Ack::ALL {
        row(ack as u16, &format!("`{}`", ack.name()));
    }
    for number in 0..3 {
        row(number, &format!("`{}`", Resume::from_number(number).unwrap().name()));
    }
    let list = |names: &mut dyn Iterator<Item = (u16, &'static str)>, zero: &str| {
        names.fold(format!("0 {zero}"), |list, (number, name)| format!("{list}, {number} {name}"))
    };
    let states = AppState::ALL.into_iter().map(|state| (state as u16, state.name()));
    let acks = Ack::ALL.into_iter().map(|ack| (ack as u16, ack.name()));
    for told in
        [list(&mut states.into_iter(), "none"), list(&mut acks.into_iter(), "the server's default")]
    {
        assert!(spec.contains(&told), "{told}");
    }
}

#[test]
fn groups_and_costs_have_the_names_of_the_code() {
    let spec = read("SPEC.md");
    let groups = Group::ALL.map(|group| (group as u8, group.name()));
    let costs = Cost::ALL.map(|cost| (cost as u8, cost.name()));
    for (number, name) in groups.into_iter().chain(costs) {
        assert!(spec.contains(&format!("\n| {number} | `{name}` | ")), "{number} {name}");
    }
    let list = |names: &[&str]| {
        let names = names.iter().enumerate().map(|(number, name)| format!("{number} {name}"));
        format!("| {} |", names.collect::<Vec<_>>().join(", "))
    };
    assert!(spec.contains(&list(&Cost::ALL.map(Cost::name))));
    assert!(spec.contains(&list(&Instrument::ALL.map(Instrument::name))));
    assert!(spec.contains(&list(&[Scope::Host, Scope::Cgroup].map(Scope::name))));
}

/// How many bytes a reader needs is what the frames of the code have at most.
#[test]
fn sizes_of_the_largest_frames_are_those_of_the_code() {
    let spec = read("SPEC.md");
    let grouped = |size: usize| format!("{},{:03}", size / 1000, size % 1000);
    for (size, name) in [
        (Processes::frame_size(limits::PROCESSES_MAX), "processes frame"),
        (Samples::frame_size(limits::SAMPLES_MAX), "samples frame"),
        (Catalog::FRAME_MAX, "catalog"),
    ] {
        assert!(spec.contains(&format!("{} any {name}", grouped(size))), "{name}");
    }
}

/// The table of metrics is written from that of the code, with `KYMO_BLESS=1`.
#[test]
fn metrics_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("SPEC.md");
    let spec = read("SPEC.md");
    let head =
        "| number | name | unit | instrument | group | what it is |\n|---|---|---|---|---|---|\n";
    let (before, behind) = spec.split_once(head).expect("the table's head");
    let rows = behind.split_inclusive('\n').take_while(|line| line.starts_with('|'));
    let told: String = rows.collect();
    let expected: String = METRICS
        .iter()
        .map(|metric| {
            format!(
                "| {} | `{}` | `{}` | {} | {} | {} |\n",
                metric.number,
                metric.name,
                metric.unit,
                metric.instrument.name(),
                metric.group.name(),
                metric.brief,
            )
        })
        .collect();
    if std::env::var_os("KYMO_BLESS").is_some() {
        let rest = &behind[told.len()..];
        std::fs::write(&path, [before, head, &expected, rest].concat()).unwrap();
        return;
    }
    assert_eq!(told, expected, "if that is meant, run the tests with KYMO_BLESS=1");
}

/// What may be submitted stands in the module that reads it as well.
#[test]
fn keys_of_submitted_events_are_those_of_the_module() {
    let (spec, source) = (read("SPEC.md"), read("src/json/event.rs"));
    let (mut told, mut count) = (spec.lines().filter_map(cells).collect::<Vec<_>>(), 0);
    told.retain(|row| row.len() == 3);
    let rows = source.lines().filter_map(|line| cells(line.strip_prefix("//!")?));
    for row in rows.skip(2) {
        let of_type = |told: &&Vec<&str>| told[0] == row[0].replace(", or left out", "");
        let found: Vec<_> = told.iter().filter(of_type).collect();
        assert!(found.iter().any(|found| found[1] == row[1]), "{row:?}");
        count += 1;
    }
    assert_eq!(count, 6);
}

/// The frames that are shown byte by byte are those of the vectors.
#[test]
fn bytes_that_are_shown_are_those_of_the_code() {
    let spec = read("SPEC.md");
    let is_byte = |word: &&str| word.len() == 2 && u8::from_str_radix(word, 16).is_ok();
    let shown: Vec<String> = spec
        .split("```")
        .map(|block| {
            let bytes = block.lines().flat_map(|line| {
                // What explains them stands behind three spaces.
                line.split("   ").next().unwrap_or("").split_whitespace().filter(is_byte)
            });
            bytes.collect()
        })
        .collect();
    for name in ["heartbeat", "session_start", "request_submit_durable", "samples_two"] {
        assert!(shown.contains(&hex(&valid(name))), "{name}");
    }
    let unbroken = spec.replace('\n', "");
    for name in [
        "session_start",
        "transcription",
        "state_snapshot",
        "state_change_recording",
        "catalog_two",
        "samples_two",
        "processes_two",
    ] {
        assert!(unbroken.contains(&crate::vectors::line(&valid(name), false)), "{name}");
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
        ("event payload of any server", limits::EVENT_BYTES_MAX as usize),
        ("name of an event", limits::EVENT_NAME_MAX),
        ("id of a request", limits::REQUEST_ID_MAX),
        ("client of a key", limits::NAME_MAX),
        ("sensor in a catalog", limits::SENSOR_BYTES_MAX),
        ("catalog payload", limits::CATALOG_BYTES_MAX),
        ("name of a process", limits::PROCESS_NAME_MAX),
        ("vitals line", limits::VITALS_LINE_MAX),
        ("catalog line", limits::CATALOG_LINE_MAX),
        ("samples line", limits::SAMPLES_LINE_MAX),
        ("processes line", limits::PROCESSES_LINE_MAX),
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
        format!("| levels of JSON in an event | {} |", limits::DATA_DEPTH_MAX),
        format!("of at most {} levels", limits::DATA_DEPTH_MAX),
        format!("| fans | {} |", limits::FANS_MAX),
        format!("| samples in a frame | {} |", limits::SAMPLES_MAX),
        format!("| sensors in a catalog frame | {} |", limits::CATALOG_COUNT_MAX),
        format!("| ranks by cpu, and by memory | {} |", limits::PROCESS_RANKS_MAX),
        format!("| processes in a frame | {} |", limits::PROCESSES_MAX),
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
