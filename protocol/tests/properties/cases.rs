//! The cases of the golden vectors: frames of every kind at their edges, and bytes that are none.

use kymo_protocol::subscribe::{SubscribeFixed, SubscribeOptions};
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    ErrorCode, ErrorReport, Field, Gap, GapReason, Goodbye, GoodbyeReason, Heartbeat, Hello,
    Payload, Position, Resume, Stamp, State, StreamEntry, StreamId, Streams, Subscribe, Subscribed,
    Vitals, Welcome, emit,
};

use crate::event_cases::{control_cases, event_cases};
use crate::sensor_cases::sensor_cases;
use crate::support::raw_frame;

/// The instant of every case, on the boot clock.
pub(crate) const BOOT_NS: u64 = 1_000_000_000_000;
const STAMP: Stamp = Stamp { boot_ns: BOOT_NS };

/// A name and the bytes it stands for.
pub(crate) type Case = (String, Vec<u8>);

fn frame<P: Payload>(at: Position, fill: impl FnOnce(&mut P)) -> Vec<u8> {
    let mut bytes = vec![0; P::FRAME_SIZE];
    fill(emit::<P>(&mut bytes, at, STAMP).unwrap().0);
    bytes
}

fn own<P: Payload>(fill: impl FnOnce(&mut P)) -> Vec<u8> {
    frame(Position::NONE, fill)
}

fn vitals(sequence: u64, fill: impl FnOnce(&mut Vitals)) -> Vec<u8> {
    frame(Position { stream: StreamId::VITALS, sequence }, fill)
}

pub(crate) fn typical(vitals: &mut Vitals) {
    vitals.cpu_usage.set(12.5);
    vitals.memory_usage.set(48.3);
    vitals.memory_total.set(16_777_216_000);
    vitals.memory_used.set(8_103_395_328);
    vitals.swap_total.set(2_147_479_552);
    vitals.disk_read_bytes.set(123_456_789_504);
    vitals.disk_write_bytes.set(987_654_321_152);
    vitals.network_rx_bytes.set(31_415_926_535);
    vitals.network_tx_bytes.set(2_718_281_828);
    vitals.uptime_ns.set(BOOT_NS);
    vitals.load = [0.52.into(), 0.58.into(), 0.59.into()];
    vitals.disk_usage.set(71.25);
    vitals.temperature.set(54.0);
    vitals.fan_count = 2;
    vitals.fan_speeds[0].set(1200);
    vitals.fan_speeds[1].set(1350);
    vitals.process_count.set(312);
    vitals.momentum_intensity.set(0.3);
    vitals.momentum_rotation_speed.set(0.5);
    vitals.set_state(Field::CpuUsage, State::Ok, 12);
    vitals.set_state(Field::Load, State::Ok, 3_120);
    vitals.set_state(Field::DiskUsage, State::Held, 61_000);
    vitals.set_state(Field::GpuTemperature, State::Asleep, 0);
    vitals.set_state(Field::PowerWatts, State::Denied, 0);
    vitals.set_state(Field::BatteryCharge, State::Absent, 0);
}

fn all_floats(vitals: &mut Vitals, value: f32) {
    let value = value.into();
    vitals.cpu_usage = value;
    vitals.memory_usage = value;
    vitals.load = [value; 3];
    vitals.disk_usage = value;
    vitals.temperature = value;
    vitals.gpu_temperature = value;
    vitals.power_watts = value;
    vitals.battery_charge = value;
    vitals.momentum_intensity = value;
    vitals.momentum_rotation_speed = value;
}

fn greatest(vitals: &mut Vitals) {
    all_floats(vitals, f32::MAX);
    let most = u64::MAX.into();
    (vitals.memory_total, vitals.memory_used) = (most, most);
    (vitals.swap_total, vitals.swap_used) = (most, most);
    (vitals.disk_read_bytes, vitals.disk_write_bytes) = (most, most);
    (vitals.network_rx_bytes, vitals.network_tx_bytes) = (most, most);
    vitals.uptime_ns = most;
    vitals.process_count.set(u32::MAX);
    vitals.fan_count = 8;
    vitals.fan_speeds = [u32::MAX.into(); 8];
    (vitals.momentum_color, vitals.system_state) = (2, 2);
    vitals.merged.set(u32::MAX);
    for field in Field::ALL {
        vitals.set_state(field, State::Held, u32::MAX);
    }
}

fn vitals_cases() -> Vec<Case> {
    let mut cases = vec![
        ("vitals_typical".into(), vitals(7, typical)),
        ("vitals_all_read_as_zero".into(), vitals(1, |_| ())),
        ("vitals_greatest".into(), vitals(u64::MAX, greatest)),
        ("vitals_not_a_number".into(), vitals(2, |v| all_floats(v, f32::NAN))),
        ("vitals_infinite".into(), vitals(2, |v| all_floats(v, f32::NEG_INFINITY))),
        ("vitals_subnormal".into(), vitals(3, |v| all_floats(v, f32::from_bits(1)))),
        ("vitals_negative_zero".into(), vitals(3, |v| all_floats(v, -0.0))),
        ("vitals_long_decimals".into(), vitals(3, |v| all_floats(v, 0.1 + 0.2))),
        ("vitals_eight_fans".into(), vitals(4, |v| v.fan_count = 8)),
        ("vitals_beyond_2_to_53".into(), vitals((1 << 53) + 1, |v| v.memory_total.set(1 << 60))),
        ("vitals_merged".into(), vitals(9, |v| v.merged.set(2))),
        (
            "vitals_ages_around_a_second".into(),
            vitals(10, |v| {
                v.set_state(Field::CpuUsage, State::Ok, 999);
                v.set_state(Field::MemoryUsage, State::Ok, 1000);
                v.set_state(Field::Temperature, State::Absent, 5000);
            }),
        ),
        ("vitals_critical".into(), vitals(11, |v| (v.momentum_color, v.system_state) = (2, 2))),
    ];
    for state in State::ALL {
        let all = vitals(12, |v| {
            typical(v);
            Field::ALL.into_iter().for_each(|field| v.set_state(field, state, 2000));
        });
        cases.push((format!("vitals_all_{}", state.name()), all));
    }
    cases
}

fn welcome(streams: &[StreamEntry]) -> Vec<u8> {
    let mut fixed = WelcomeFixed::default();
    fixed.epoch = core::array::from_fn(|at| u8::try_from(at).unwrap());
    fixed.run = [0xAB; 16];
    fixed.wall_ns.set(1_700_000_000_000_000_000);
    fixed.rate_mhz.set(25_000);
    fixed.rate_mhz_max.set(1_000_000);
    fixed.payload_max.set(65_536);
    fixed.event_max.set(8192);
    fixed.line_max.set(50_176);
    fixed.clients_max.set(256);
    let mut bytes = vec![0; 1024];
    let size = Welcome::emit(&mut bytes, STAMP, &fixed, streams).unwrap();
    bytes.truncate(size);
    bytes
}

fn subscribe(topics: &[&str], groups: &[&str], fill: impl FnOnce(&mut SubscribeFixed)) -> Vec<u8> {
    let mut fixed = SubscribeFixed::default();
    fill(&mut fixed);
    let mut bytes = vec![0; 2048];
    let size = Subscribe::emit(&mut bytes, STAMP, &fixed, topics, groups).unwrap();
    bytes.truncate(size);
    bytes
}

fn resuming(fixed: &mut SubscribeFixed) {
    fixed.rate_mhz.set(10_500);
    fixed.streams.set(Streams::default().with(StreamId::VITALS).with(StreamId::EVENTS).0);
    fixed.options.set(SubscribeOptions { every: true, resume: true }.bits());
    fixed.epoch = [0xE0; 16];
    fixed.events.set(41);
}

fn opening_cases() -> Vec<Case> {
    let vitals_only = |fixed: &mut SubscribeFixed| fixed.streams.set(1);
    let long = "x".repeat(511);
    let sixteen: Vec<_> = (1..=16).map(|id| StreamEntry::new(id, id.into(), 99)).collect();
    let one = StreamEntry::new(1, 7, 7);
    vec![
        ("hello".into(), own::<Hello>(|hello| hello.set("menu bar"))),
        ("hello_without_name".into(), own::<Hello>(|hello| hello.set(""))),
        ("hello_longest_name".into(), own::<Hello>(|hello| hello.set(&"é".repeat(32)))),
        (
            "hello_all_versions".into(),
            own::<Hello>(|hello| {
                hello.version_min.set(0);
                hello.version_max.set(u16::MAX);
            }),
        ),
        ("welcome".into(), welcome(&[one])),
        ("welcome_without_streams".into(), welcome(&[])),
        ("welcome_with_events".into(), welcome(&[one, StreamEntry::new(4, 3, 42)])),
        ("welcome_most_streams".into(), welcome(&sixteen)),
        ("subscribe_vitals".into(), subscribe(&[], &[], vitals_only)),
        ("subscribe_nothing".into(), subscribe(&[], &[], |_| ())),
        ("subscribe_full".into(), subscribe(&["build.*", "é"], &["cpu"], resuming)),
        ("subscribe_longest".into(), subscribe(&[&long], &[&long], vitals_only)),
        (
            "subscribed".into(),
            own::<Subscribed>(|subscribed| {
                subscribed.rate_mhz.set(25_000);
                subscribed.streams.set(1);
                subscribed.resume.set(Resume::Fresh as u16);
                subscribed.next[0].set(8);
            }),
        ),
        (
            "subscribed_all".into(),
            own::<Subscribed>(|subscribed| {
                subscribed.rate_mhz.set(100);
                subscribed.streams.set(0b1111);
                subscribed.options.set(1);
                subscribed.resume.set(Resume::Gap as u16);
                subscribed.next = [1.into(), 2.into(), 3.into(), u64::MAX.into()];
            }),
        ),
        ("subscribed_to_nothing".into(), own::<Subscribed>(|_| ())),
    ]
}

fn notice_cases() -> Vec<Case> {
    let gap = |stream, first, last, reason| {
        frame::<Gap>(Position { stream, sequence: 0 }, |gap| gap.set(first, last, reason))
    };
    let mut cases = vec![
        ("gap_one".into(), gap(StreamId::VITALS, 1, 1, GapReason::Lapped)),
        ("gap_greatest".into(), gap(StreamId::EVENTS, 1, u64::MAX, GapReason::Retention)),
        ("gap_damage".into(), gap(StreamId::EVENTS, 3, 9, GapReason::Damage)),
        ("gap_unjournalled".into(), gap(StreamId::EVENTS, 3, 9, GapReason::Unjournalled)),
        ("gap_of_unknown_stream".into(), gap(StreamId(9), 3, 9, GapReason::Lapped)),
        (
            "gap_with_filter".into(),
            frame::<Gap>(Position { stream: StreamId::EVENTS, sequence: 0 }, |gap| {
                gap.set(3, 9, GapReason::Lapped);
                gap.count.set(2);
            }),
        ),
        ("heartbeat".into(), own::<Heartbeat>(|beat| beat.wall_ns.set(1_700_000_000_123_456_789))),
        ("heartbeat_greatest".into(), own::<Heartbeat>(|beat| beat.wall_ns.set(u64::MAX))),
        (
            "error_with_escapes".into(),
            own::<ErrorReport>(|report| report.set(ErrorCode::Json, "\"\\/\n\r\t\u{1}\u{7f}é😀")),
        ),
        (
            "error_longest_text".into(),
            own::<ErrorReport>(|report| report.set(ErrorCode::Frame, &"\u{1}".repeat(120))),
        ),
        ("error_without_text".into(), own::<ErrorReport>(|report| report.set(ErrorCode::Full, ""))),
    ];
    for number in 0..4 {
        let reason = GoodbyeReason::from_number(number).unwrap();
        let name = format!("goodbye_{}", reason.name());
        cases.push((name, own::<Goodbye>(|goodbye| goodbye.set(reason))));
    }
    for code in ErrorCode::ALL {
        let name = format!("error_{}", code.name());
        cases.push((name, own::<ErrorReport>(|report| report.set(code, "a sentence"))));
    }
    let mut later = own::<ErrorReport>(|report| report.set(ErrorCode::Frame, "later"));
    later[32..34].copy_from_slice(&999u16.to_le_bytes());
    cases.push(("error_of_later_server".into(), later));
    for (kind, stream, size) in [(14, 0, 16), (12, 0, 0), (13, 0, 8), (19, 2, 32), (33, 4, 24)] {
        let payload = vec![0xA5; size];
        cases.push((format!("unknown_kind_{kind}"), raw_frame(kind, stream, (1, 2), &payload)));
    }
    cases.push(("unknown_kind_65535".into(), raw_frame(u16::MAX, u16::MAX, (1, 2), &[0; 8])));
    cases
}

/// Frames that every reader must take.
pub(crate) fn valid_frames() -> Vec<Case> {
    [
        opening_cases(),
        notice_cases(),
        vitals_cases(),
        sensor_cases(),
        event_cases(),
        control_cases(),
    ]
    .concat()
}

/// A case by its name.
pub(crate) fn valid(name: &str) -> Vec<u8> {
    let found = valid_frames().into_iter().find(|case| case.0 == name);
    found.unwrap_or_else(|| panic!("no case {name}")).1
}
