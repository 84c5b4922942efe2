//! The cases of the golden vectors that tell of sensors and processes.

use kymo_protocol::{
    CatalogPart, CatalogWriter, Cost, Group, Instrument, Process, Processes, Pushed, Samples,
    SamplesOf, Scope, SensorFields, Stamp, State,
};

use crate::cases::{BOOT_NS, Case};

const STAMP: Stamp = Stamp { boot_ns: BOOT_NS };
const WHOLE: CatalogPart = CatalogPart { topology: 3, total: 2, first: 0, omitted: 0 };

const TEMPERATURE: SensorFields<'_> = SensorFields {
    id: 2,
    metric: 60_000,
    name: "hw.temperature",
    unit: "Cel",
    instrument: Instrument::Gauge,
    group: Group::Hwmon,
    cost: Cost::Costly,
    cadence_ms: 1500,
    scope: Scope::Host,
    label: "Tdie",
    attributes: &[("hw.id", "pci-0000:00:18.3"), ("hw.name", "k10temp")],
    identity: "hwmon/pci-0000:00:18.3/k10temp/temp1",
};

fn cpu_time() -> SensorFields<'static> {
    SensorFields {
        id: 1,
        metric: 1,
        name: "system.cpu.time",
        unit: "s",
        instrument: Instrument::Counter,
        group: Group::Cpu,
        cost: Cost::Cheap,
        cadence_ms: 10,
        label: "cpu0",
        attributes: &[("cpu.logical_number", "0"), ("cpu.mode", "user")],
        identity: "stat/cpu0/user",
        ..TEMPERATURE
    }
}

fn catalog(part: CatalogPart, sensors: &[SensorFields<'_>]) -> Vec<u8> {
    let mut bytes = vec![0; 8224];
    let mut writer = CatalogWriter::new(&mut bytes, part).unwrap();
    for sensor in sensors {
        assert_eq!(writer.push_fields(sensor), Ok(Pushed::Taken));
    }
    let size = writer.finish(STAMP).unwrap();
    bytes.truncate(size);
    bytes
}

fn catalog_cases() -> Vec<Case> {
    let odd = SensorFields {
        id: u16::MAX,
        name: "a\"b",
        unit: "{process}",
        instrument: Instrument::UpDownCounter,
        group: Group::Cgroup,
        cost: Cost::Harmful,
        cadence_ms: u32::MAX,
        scope: Scope::Cgroup,
        label: "\\ é 😀",
        attributes: &[("k\"", "=\"\\="), ("empty", "")],
        ..TEMPERATURE
    };
    let long = "é".repeat(127);
    let path = "x".repeat(1024 - 24 - 3 * 254 - 9);
    let longest = SensorFields {
        name: &long,
        unit: &long,
        label: &long,
        attributes: &[("a", "bcdef")],
        identity: &path,
        ..TEMPERATURE
    };
    let least = SensorFields {
        name: "n",
        unit: "",
        label: "",
        attributes: &[],
        identity: "i",
        cadence_ms: 0,
        ..TEMPERATURE
    };
    let most = CatalogPart { topology: u32::MAX, total: u32::MAX, first: 9, omitted: u32::MAX };
    let one = CatalogPart { total: 1, ..WHOLE };
    let mut cases: Vec<Case> = vec![
        ("catalog_two".into(), catalog(WHOLE, &[cpu_time(), TEMPERATURE])),
        ("catalog_of_none".into(), catalog(CatalogPart { total: 0, ..WHOLE }, &[])),
        ("catalog_more_to_come".into(), catalog(WHOLE, &[cpu_time()])),
        ("catalog_the_rest".into(), catalog(CatalogPart { first: 1, ..WHOLE }, &[TEMPERATURE])),
        ("catalog_omitted".into(), catalog(CatalogPart { omitted: 7, ..one }, &[cpu_time()])),
        ("catalog_greatest".into(), catalog(most, &[odd])),
        ("catalog_longest_texts".into(), catalog(one, &[longest])),
        ("catalog_least".into(), catalog(one, &[least])),
    ];
    for group in Group::ALL {
        let sensor = SensorFields { group, ..least };
        cases.push((format!("catalog_{}", group.name()), catalog(one, &[sensor])));
    }
    for cost in Cost::ALL {
        let sensor = SensorFields { cost, ..least };
        cases.push((format!("catalog_{}", cost.name()), catalog(one, &[sensor])));
    }
    for instrument in Instrument::ALL {
        let sensor = SensorFields { instrument, ..least };
        cases.push((format!("catalog_{}", instrument.name()), catalog(one, &[sensor])));
    }
    cases
}

type Told = (u16, State, u32, f64);

fn samples(sequence: u64, of: SamplesOf, merged: u32, told: &[Told]) -> Vec<u8> {
    let mut bytes = vec![0; Samples::frame_size(told.len())];
    let (samples, size) = Samples::emit(&mut bytes, sequence, STAMP, of, told.len()).unwrap();
    assert_eq!(size, Samples::frame_size(told.len()));
    for (sample, (id, state, age_ms, value)) in samples.iter_mut().zip(told) {
        sample.set(*id, *state, *age_ms, *value);
    }
    bytes[Samples::MERGED_OFFSET..][..4].copy_from_slice(&merged.to_le_bytes());
    bytes
}

fn samples_cases() -> Vec<Case> {
    let of = SamplesOf { topology: 3, group: Group::Cpu, part: 1, parts: 1 };
    let last = SamplesOf { topology: u32::MAX, group: Group::Cgroup, part: 255, parts: 255 };
    let ok = |value| (1, State::Ok, 0, value);
    let states: Vec<Told> =
        (1..).zip(State::ALL).map(|(id, state)| (id, state, 3000, 1.5)).collect();
    let mut unread = samples(6, of, 0, &[(1, State::Absent, 0, 0.0)]);
    unread[56..64].copy_from_slice(&f64::NAN.to_le_bytes());
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, 0.1 + 0.2];
    vec![
        (
            "samples_two".into(),
            samples(9, of, 0, &[(1, State::Ok, 3, 1.5), (2, State::Absent, 0, 0.0)]),
        ),
        ("samples_of_none".into(), samples(1, of, 0, &[])),
        ("samples_every_state".into(), samples(2, of, 0, &states)),
        ("samples_part".into(), samples(3, SamplesOf { part: 2, parts: 3, ..of }, 0, &[ok(0.0)])),
        ("samples_merged".into(), samples(4, of, 5, &[ok(54.0)])),
        (
            "samples_greatest".into(),
            samples(u64::MAX, last, u32::MAX, &[(u16::MAX, State::Held, u32::MAX, f64::MAX)]),
        ),
        ("samples_odd_values".into(), samples(5, of, 0, &values.map(ok))),
        ("samples_counter".into(), samples(5, of, 0, &[ok(9_007_199_254_740_992.0)])),
        ("samples_without_value_but_bytes".into(), unread),
    ]
}

fn processes(sequence: u64, count: usize, fill: impl FnOnce(&mut Processes)) -> Vec<u8> {
    let mut bytes = vec![0; Processes::frame_size(count)];
    let (processes, _) = Processes::emit(&mut bytes, sequence, STAMP, count).unwrap();
    for entry in &mut processes.entries {
        entry.set_state(b'S');
        entry.set_name(b"x");
    }
    fill(processes);
    bytes
}

fn shell(entry: &mut Process) {
    entry.pid.set(4711);
    entry.uid.set(1000);
    entry.start_ns.set(BOOT_NS - 500_000_000);
    entry.memory.set(4_194_304);
    entry.cpu.set(98.5);
    entry.set_state(b'R');
    entry.set_name(b"sh");
    entry.rank_by_cpu = 1;
}

fn processes_cases() -> Vec<Case> {
    let greatest = |processes: &mut Processes| {
        let fixed = &mut processes.fixed;
        (fixed.by_cpu, fixed.by_memory) = (32.into(), 32.into());
        fixed.set_total(State::Ok, u32::MAX);
        fixed.merged.set(u32::MAX);
        fixed.scan_ms.set(u32::MAX);
        fixed.set_truncated(true);
        let entry = &mut processes.entries[0];
        (entry.pid, entry.uid) = (u32::MAX.into(), u32::MAX.into());
        (entry.start_ns, entry.memory) = (u64::MAX.into(), u64::MAX.into());
        entry.cpu.set(f32::MAX);
        (entry.rank_by_cpu, entry.rank_by_memory) = (32, 32);
        entry.set_name("\"".repeat(32).as_bytes());
    };
    vec![
        (
            "processes_two".into(),
            processes(4, 2, |processes| {
                processes.fixed.by_cpu.set(1);
                processes.fixed.by_memory.set(1);
                processes.fixed.set_total(State::Ok, 312);
                processes.fixed.scan_ms.set(40);
                shell(&mut processes.entries[0]);
                let entry = &mut processes.entries[1];
                entry.pid.set(1);
                entry.memory.set(16_777_216);
                entry.rank_by_memory = 1;
                entry.set_name("systemd é".as_bytes());
            }),
        ),
        ("processes_of_none".into(), processes(1, 0, |_| ())),
        ("processes_greatest".into(), processes(u64::MAX, 1, greatest)),
        (
            "processes_cpu_not_known".into(),
            processes(2, 1, |processes| processes.entries[0].cpu.set(f32::NAN)),
        ),
        (
            "processes_name_unknown".into(),
            processes(2, 1, |processes| {
                processes.entries[0].set_name(b"");
                processes.entries[0].set_state(0);
            }),
        ),
        (
            "processes_denied".into(),
            processes(2, 0, |processes| processes.fixed.set_total(State::Denied, 0)),
        ),
        ("processes_merged".into(), processes(9, 1, |processes| processes.fixed.merged.set(2))),
        (
            "processes_truncated".into(),
            processes(9, 1, |processes| processes.fixed.set_truncated(true)),
        ),
    ]
}

/// Frames that every reader must take.
pub(crate) fn sensor_cases() -> Vec<Case> {
    [catalog_cases(), samples_cases(), processes_cases()].concat()
}

/// Name, the good frame, where to write, and what.
pub(crate) const SENSOR_CHANGES: &[(&str, &str, usize, &[u8])] = &[
    ("catalog_count_is_more", "catalog_two", 44, &[3]),
    ("catalog_count_is_less", "catalog_two", 44, &[1]),
    ("catalog_first_beyond_total", "catalog_two", 40, &[1]),
    ("catalog_not_last_at_its_end", "catalog_two", 46, &[0]),
    ("catalog_last_before_its_end", "catalog_more_to_come", 46, &[1]),
    ("catalog_flag_1", "catalog_two", 46, &[3]),
    ("catalog_reserved", "catalog_two", 52, &[1]),
    ("sensor_size_0", "catalog_two", 56, &[0]),
    ("sensor_size_beyond_the_payload", "catalog_two", 57, &[1]),
    ("sensor_size_not_a_multiple_of_8", "catalog_least", 56, &[31]),
    ("sensor_padding_of_8", "catalog_least", 72, &[0; 8]),
    ("sensor_id_0", "catalog_two", 58, &[0]),
    ("sensor_group_0", "catalog_two", 62, &[0]),
    ("sensor_group_12", "catalog_two", 62, &[12]),
    ("sensor_cost_4", "catalog_two", 63, &[4]),
    ("sensor_scope_2", "catalog_two", 68, &[2]),
    ("sensor_instrument_3", "catalog_two", 69, &[3]),
    ("sensor_reserved", "catalog_two", 71, &[1]),
    ("sensor_reserved_more", "catalog_two", 75, &[1]),
    ("sensor_without_name", "catalog_least", 72, &[0, 1]),
    ("sensor_without_identity", "catalog_least", 73, &[1, 0, 0, 0, 0, 0]),
    ("sensor_texts_are_longer", "catalog_least", 79, &[1]),
    ("sensor_name_not_utf8", "catalog_least", 80, &[0xFF]),
    ("sensor_name_with_delete", "catalog_least", 80, &[0x7F]),
    ("sensor_identity_with_newline", "catalog_least", 81, b"\n"),
    ("sensor_attribute_without_key", "catalog_two", 100, b"="),
    ("sensor_attribute_without_value", "catalog_two", 118, b"x"),
    ("sensor_attribute_with_tab", "catalog_two", 119, b"\t"),
    ("sensor_attribute_not_ended", "catalog_two", 134, b"x"),
    ("sensor_padding", "catalog_least", 87, &[1]),
    ("samples_group_0", "samples_two", 36, &[0]),
    ("samples_group_12", "samples_two", 36, &[12]),
    ("samples_part_0", "samples_two", 37, &[0]),
    ("samples_part_beyond_parts", "samples_two", 37, &[2]),
    ("samples_reserved", "samples_two", 39, &[1]),
    ("samples_count_is_more", "samples_two", 40, &[3]),
    ("samples_count_is_less", "samples_two", 40, &[1]),
    ("samples_reserved_more", "samples_two", 43, &[1]),
    ("sample_id_0", "samples_two", 64, &[0]),
    ("sample_state_8", "samples_two", 66, &[8]),
    ("sample_reserved", "samples_two", 67, &[1]),
    ("processes_count_is_more", "processes_two", 32, &[3]),
    ("processes_by_cpu_33", "processes_two", 34, &[33]),
    ("processes_by_memory_33", "processes_two", 36, &[33]),
    ("processes_flag_1", "processes_two", 38, &[2]),
    ("processes_reserved", "processes_two", 53, &[1]),
    ("processes_state_with_entries", "processes_two", 52, &[6]),
    ("processes_state_8", "processes_of_none", 52, &[8]),
    ("process_state_is_no_letter", "processes_two", 84, b"1"),
    ("process_rank_beyond_by_cpu", "processes_two", 85, &[2]),
    ("process_rank_beyond_by_memory", "processes_two", 86, &[2]),
    ("process_without_name", "processes_merged", 87, &[0, 0]),
    ("process_name_of_33_bytes", "processes_two", 87, &[33]),
    ("process_bytes_behind_name", "processes_two", 119, &[1]),
    ("process_name_with_escape", "processes_two", 88, &[0x1B]),
    ("process_name_not_utf8", "processes_two", 88, &[0xC3]),
];
