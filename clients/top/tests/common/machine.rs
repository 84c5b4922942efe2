//! The machine: four processors, two disks of which one sleeps, a fan that stands still, and
//! sensors in every state.

use kymo_client::{
    Connected, Data, Event, EventFields, Gap, GapReason, Group, Item, Processes, Resumed, Samples,
    State, StreamId, Why,
};
use kymo_protocol::metric::known;
use kymo_protocol::{
    CatalogPart, CatalogWriter, Field, GoodbyeReason, Payload, Position, Pushed, SamplesOf,
    SensorFields, Stamp, Vitals, emit,
};
use kymo_top::{DaemonStatus, Depth, Options, Symbols, Top};

use super::{S, WALL_NS, feed};

/// What a sensor is, and what it reads: number of its metric, label, attributes, state, age, value.
pub type Told<'a> = (u16, &'a str, &'a [(&'a str, &'a str)], State, u32, f64);

const fn core(number: &'static str, share: f64) -> Told<'static> {
    let attributes: &[(&str, &str)] = match number.as_bytes() {
        b"0" => &[("cpu.logical_number", "0")],
        b"1" => &[("cpu.logical_number", "1")],
        b"2" => &[("cpu.logical_number", "2")],
        _ => &[("cpu.logical_number", "3")],
    };
    (2, number, attributes, State::Ok, 0, share)
}

const GIB: f64 = 1_073_741_824.0;

/// Its sensors.
pub const SENSORS: [Told<'static>; 34] = [
    core("0", 0.123),
    core("1", 0.65),
    core("2", 0.97),
    (2, "3", &[("cpu.logical_number", "3")], State::Pending, 0, 0.0),
    (3, "cpu0", &[("cpu.logical_number", "0")], State::Ok, 0, 2.4e9),
    (21, "used", &[("system.memory.state", "used")], State::Ok, 0, 6.0 * GIB),
    (21, "cached", &[("system.memory.state", "cached")], State::Ok, 0, 5.0 * GIB),
    (21, "free", &[("system.memory.state", "free")], State::Ok, 0, 4.5 * GIB),
    (22, "available", &[], State::Ok, 0, 10.0 * GIB),
    (42, "/", ROOT, State::Ok, 0, 0.42),
    (41, "/", ROOT, State::Ok, 0, 100.0 * GIB),
    (42, "/mnt/far", FAR, State::Held, 61_000, 0.91),
    (41, "/mnt/far", FAR, State::Held, 61_000, 2000.0 * GIB),
    (42, "/srv", &[("system.filesystem.mountpoint", "/srv")], State::Denied, 0, 0.0),
    (50, "nvme0n1", &[("system.device", "nvme0n1"), READ], State::Ok, 0, 5e9),
    (50, "nvme0n1", &[("system.device", "nvme0n1"), WRITE], State::Ok, 0, 7e9),
    (54, "nvme0n1", &[("system.device", "nvme0n1")], State::Ok, 0, 1000.0),
    (50, "sda", &[("system.device", "sda"), READ], State::Asleep, 0, 0.0),
    (50, "sda", &[("system.device", "sda"), WRITE], State::Asleep, 0, 0.0),
    (70, "eth0", &[("network.interface.name", "eth0"), RECEIVE], State::Ok, 0, 9e9),
    (70, "eth0", &[("network.interface.name", "eth0"), TRANSMIT], State::Ok, 0, 2e9),
    (70, "lo", &[("network.interface.name", "lo"), RECEIVE], State::Ok, 0, 0.0),
    (70, "lo", &[("network.interface.name", "lo"), TRANSMIT], State::Ok, 0, 0.0),
    (93, "nct6779 in0", &[], State::Ok, 0, 1.024),
    (90, "k10temp Tctl", &[], State::Ok, 0, 54.25),
    (90, "nvme Composite", &[], State::Ok, 29_500, 38.85),
    (90, "drivetemp sda", &[], State::Asleep, 0, 0.0),
    (91, "nct6779 fan1", &[], State::Ok, 400, 1199.0),
    (91, "nct6779 fan2", &[], State::Ok, 400, 0.0),
    (91, "nct6779 fan3", &[], State::Absent, 0, 0.0),
    (120, "package-0", &[], State::Denied, 0, 0.0),
    (121, "BAT0", &[], State::Held, 12_000, 8.5),
    (125, "BAT0 charge", &[], State::Ok, 0, 0.8),
    (161, "cpu some avg10", &[("kymo.pressure.window_s", "10")], State::Ok, 800, 0.031),
];

const ROOT: &[(&str, &str)] =
    &[("system.filesystem.mountpoint", "/"), ("system.filesystem.type", "ext4")];
const FAR: &[(&str, &str)] =
    &[("system.filesystem.mountpoint", "/mnt/far"), ("system.filesystem.type", "nfs4")];
const READ: (&str, &str) = ("disk.io.direction", "read");
const WRITE: (&str, &str) = ("disk.io.direction", "write");
const RECEIVE: (&str, &str) = ("network.io.direction", "receive");
const TRANSMIT: (&str, &str) = ("network.io.direction", "transmit");

/// A dashboard without colours that a daemon has told everything.
pub fn told() -> Top {
    of_symbols(Symbols::Braille)
}

/// The same of other symbols.
pub fn of_symbols(symbols: Symbols) -> Top {
    let mut top = Top::new(Options { symbols, depth: Depth::None, theme: 0 });
    top.handle_item(&connected(false), WALL_NS - 80 * S);
    feed(&mut top, &catalog(1, &SENSORS), WALL_NS - 80 * S);
    for step in 0..=400 {
        let at_ns = 1000 * S + step * S / 5;
        let wall_ns = WALL_NS - 80 * S + step * S / 5;
        feed(&mut top, &vitals(step, at_ns), wall_ns);
    }
    for (second, growth) in [(0, 0.0), (1, 1.0)] {
        for group in Group::ALL {
            let grown = |told: &Told<'_>| match known(told.0).instrument {
                kymo_client::Instrument::Counter => told.5 + growth * told.5 / 1e5,
                _ => told.5,
            };
            let frame = samples(1, (1079 + second) * S, group, &SENSORS, grown);
            feed(&mut top, &frame, WALL_NS);
        }
    }
    feed(&mut top, &processes(&PROCESSES), WALL_NS);
    for (sequence, topic, data) in [
        (41, "build.started", "{\"target\":\"kymod\"}"),
        (42, "build.done", "{\"ok\":true,\"seconds\":12.5}"),
    ] {
        let at_ns = WALL_NS - (50 - sequence) * S;
        feed(&mut top, &event(sequence, topic, Data::Json(data), at_ns), WALL_NS);
    }
    top.handle_status(Ok(DaemonStatus {
        version: Some("0.1.0".into()),
        uptime_s: Some(10_069.0),
        clients: Some(3),
        cost: Some(0.0012),
        latency_ns: Some((9_000, 41_000)),
        events_dropped: Some(0),
        heap_allocations: Some(0),
        journal_is_failing: false,
    }));
    top.handle_own_cpu(0.011);
    top
}

/// What a daemon says when a connection stands.
pub fn connected(is_new_run: bool) -> Item<'static> {
    Item::Connected(Connected {
        directory: Some("/run/kymo".into()),
        epoch: [1; 16],
        run: [2; 16],
        is_new_run,
        rate_mhz: 5_000,
        resumed: Resumed::Fresh,
    })
}

/// What ends one.
pub const GOODBYE: Item<'static> = Item::Lost(Why::Goodbye(GoodbyeReason::Shutdown));

/// Events that are lost.
pub const GAP: Item<'static> = Item::Gap(Gap {
    stream: StreamId::EVENTS,
    first: 43,
    last: 59,
    count: 17,
    reason: Some(GapReason::Lapped),
});

/// Vitals of a machine that breathes.
pub fn vitals(step: u64, at_ns: u64) -> Vec<u8> {
    let mut bytes = vec![0; Vitals::FRAME_SIZE];
    let at = Position { stream: StreamId::VITALS, sequence: step + 1 };
    let (v, _) = emit::<Vitals>(&mut bytes, at, Stamp { boot_ns: at_ns }).unwrap();
    // Triangles, which every machine computes alike.
    let wave = |period: u64| {
        let place = step % period;
        place.min(period - place) as f32 / (period as f32 / 2.0)
    };
    v.cpu_usage.set(if step < 6 { 0.0 } else { 8.0 + 84.0 * wave(150) });
    v.memory_usage.set(30.0 + 12.0 * wave(400));
    v.memory_total.set(16 << 30);
    v.memory_used.set(6 << 30);
    v.swap_total.set(2 << 30);
    v.swap_used.set(300 << 20);
    v.load = [0.51.into(), 1.25.into(), 12.0.into()];
    v.set_state(Field::Load, State::Ok, 3_200);
    v.disk_usage.set(41.2);
    v.disk_read_bytes.set(step * step * 4096);
    v.disk_write_bytes.set(step * 65_536);
    v.network_rx_bytes.set(step * 250_000 + (step / 50) * 5_000_000);
    v.network_tx_bytes.set(step * 9_000);
    v.temperature.set(45.0 + 30.0 * wave(150));
    v.set_state(Field::Temperature, State::Ok, 900);
    v.power_watts.set(8.0 + 9.0 * wave(100));
    v.set_state(Field::GpuTemperature, State::Asleep, 0);
    v.set_state(Field::BatteryCharge, State::Absent, 0);
    v.fan_count = 1;
    v.process_count.set(213);
    v.uptime_ns.set(273_906 * S);
    v.system_state = 1;
    if step < 6 {
        v.set_state(Field::CpuUsage, State::Pending, 0);
    }
    bytes
}

/// The catalog of these sensors, numbered from 1.
pub fn catalog(topology: u32, sensors: &[Told<'_>]) -> Vec<u8> {
    let mut bytes = vec![0; 8224];
    let total = u32::try_from(sensors.len()).unwrap();
    let part = CatalogPart { topology, total, first: 0, omitted: 0 };
    let mut writer = CatalogWriter::new(&mut bytes, part).unwrap();
    for (sensor, id) in sensors.iter().zip(1..) {
        let identity = format!("test/{id}");
        let (metric, label, attributes, ..) = *sensor;
        let fields = SensorFields::new(id, known(metric), &identity);
        let pushed = writer.push_fields(&SensorFields { label, attributes, ..fields });
        assert_eq!(pushed, Ok(Pushed::Taken));
    }
    let size = writer.finish(Stamp { boot_ns: 1 }).unwrap();
    bytes.truncate(size);
    bytes
}

/// What those of `group` read.
pub fn samples(
    topology: u32,
    at_ns: u64,
    group: Group,
    sensors: &[Told<'_>],
    value: impl Fn(&Told<'_>) -> f64,
) -> Vec<u8> {
    let told: Vec<_> =
        sensors.iter().zip(1..).filter(|(told, _)| known(told.0).group == group).collect();
    let mut bytes = vec![0; 8224];
    let of = SamplesOf { topology, group, part: 1, parts: 1 };
    let stamp = Stamp { boot_ns: at_ns };
    let (samples, size) = Samples::emit(&mut bytes, 9, stamp, of, told.len()).unwrap();
    for (sample, (told, id)) in samples.iter_mut().zip(told) {
        sample.set(id, told.3, told.4, if told.3.has_value() { value(told) } else { 0.0 });
    }
    bytes.truncate(size);
    bytes
}

/// Number, user, share, memory, state and name.
pub type Row<'a> = (u32, u32, f32, u64, u8, &'a str);

/// Its processes.
pub const PROCESSES: [Row<'static>; 6] = [
    (4211, 1000, 187.5, 2_400 << 20, b'R', "rustc"),
    (1733, 1000, 12.25, 911 << 20, b'S', "firefox"),
    (812, 0, 0.6, 3 << 20, b'S', "kymod"),
    (1, 0, 0.0, 11 << 20, b'S', "systemd"),
    (977, 33, 31.0, 88 << 20, b'D', "postgres"),
    (5120, 1000, f32::NAN, 5 << 20, b'S', "zsh"),
];

/// A look at these.
pub fn processes(rows: &[Row<'_>]) -> Vec<u8> {
    let mut bytes = vec![0; Processes::frame_size(rows.len())];
    let (told, _) =
        Processes::emit(&mut bytes, 1, Stamp { boot_ns: 1080 * S }, rows.len()).unwrap();
    for (entry, (row, rank)) in told.entries.iter_mut().zip(rows.iter().zip(1..)) {
        entry.pid.set(row.0);
        entry.uid.set(row.1);
        entry.cpu.set(row.2);
        entry.memory.set(row.3);
        entry.set_state(row.4);
        entry.set_name(row.5.as_bytes());
        entry.rank_by_memory = rank;
    }
    told.entries.iter_mut().take(1).for_each(|entry| entry.rank_by_cpu = 1);
    told.fixed.by_cpu.set(u16::from(!rows.is_empty()));
    told.fixed.by_memory.set(u16::try_from(rows.len()).unwrap());
    told.fixed.set_total(State::Ok, 213);
    bytes
}

/// An event that was at `wall_ns`.
pub fn event(sequence: u64, topic: &str, data: Data<'_>, wall_ns: u64) -> Vec<u8> {
    let (mut payload, mut bytes) = (vec![0; 9000], vec![0; 9100]);
    let fields = EventFields::custom(topic, data);
    let size = fields.write(&mut payload).unwrap();
    Event::complete(&mut payload, wall_ns);
    let size = Event::emit(&mut bytes, sequence, Stamp { boot_ns: 0 }, &payload[..size]).unwrap();
    bytes.truncate(size);
    bytes
}
