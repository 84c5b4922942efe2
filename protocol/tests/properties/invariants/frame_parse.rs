//! Bytes that parse as a frame are exactly the bytes that writing its fields again gives, and its
//! line is one line of JSON.

use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::{
    CATALOG_LINE_MAX, HEADER_SIZE, NOTICE_LINE_MAX, PROCESSES_LINE_MAX, SAMPLES_LINE_MAX,
    VITALS_LINE_MAX, line_bytes,
};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    Action, Body, Catalog, CatalogWriter, Data, ErrorReport, Event, EventFields, Field, Frame, Gap,
    Goodbye, Heartbeat, Hello, Number, Payload, Position, Processes, Pushed, Reply, Request,
    Samples, SensorFields, Stamp, StreamEntry, StreamId, Subscribe, Subscribed, Vitals, Welcome,
    Words, emit,
};
use serde_json::Value;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(frame) = Frame::parse(bytes) else { return };
    let mut line = vec![0; 7 * bytes.len() + 2048];
    let clock = ClockMap { boot_ns: 1_000_000_000, wall_ns: 1_699_000_000_000_000_000 };
    let size = write_line(&mut line, &frame, clock, LineOptions::default()).expect("room enough");
    let (newline, text) = line[..size].split_last().expect("not empty");
    assert!(*newline == b'\n' && text.iter().all(|byte| *byte >= 0x20), "not one line");
    // Where events enter it is checked that JSON is some.
    if !matches!(frame.body, Body::Event(event) if event.check_json().is_err()) {
        let value: Value = serde_json::from_slice(text).expect("a line is JSON");
        assert!(value.is_object());
    }
    let limit = match frame.body {
        Body::Event(_) | Body::Reply(_) | Body::Subscribe(_) => {
            line_bytes(frame.header.payload_len.get()) as usize
        }
        Body::Vitals(_) => VITALS_LINE_MAX,
        Body::Catalog(_) => CATALOG_LINE_MAX,
        Body::Samples(_) => SAMPLES_LINE_MAX,
        Body::Processes(_) => PROCESSES_LINE_MAX,
        _ => NOTICE_LINE_MAX,
    };
    assert!(size <= limit, "a line of {size} bytes");

    let again = sensors_again(&frame).or_else(|| written_again(&frame));
    if let Some(again) = again {
        assert!(again[HEADER_SIZE..] == bytes[HEADER_SIZE..], "writing it again gives other bytes");
        assert!(again[..14] == bytes[..14], "writing it again gives another header");
    }
}

/// The frame, written anew through this crate's setters alone: reserved bytes don't pass them.
fn written_again(frame: &Frame<'_>) -> Option<Vec<u8>> {
    let mut out = vec![0xFF; 4096 + frame.header.payload_size()];
    let stamp = Stamp { boot_ns: frame.header.timestamp.get() };
    let at = Position {
        stream: StreamId(frame.header.stream.get()),
        sequence: frame.header.sequence.get(),
    };
    let size = match frame.body {
        Body::Welcome(welcome) => welcome_again(&mut out, stamp, welcome),
        Body::Subscribe(subscribe) => subscribe_again(&mut out, stamp, subscribe),
        Body::Hello(hello) => put::<Hello>(&mut out, at, stamp, |again| {
            again.set(hello.name());
            (again.version_min, again.version_max) = (hello.version_min, hello.version_max);
        }),
        Body::Error(report) => {
            let code = report.code()?;
            put::<ErrorReport>(&mut out, at, stamp, |again| again.set(code, report.text()))
        }
        Body::Vitals(vitals) => put(&mut out, at, stamp, |again| vitals_again(again, vitals)),
        Body::Subscribed(subscribed) => put::<Subscribed>(&mut out, at, stamp, |again| {
            (again.rate_mhz, again.streams) = (subscribed.rate_mhz, subscribed.streams);
            again.options.set(u16::from(subscribed.options.get() & 1 != 0));
            again.resume.set(subscribed.resume() as u16);
            again.next = subscribed.next;
        }),
        Body::Gap(gap) => put::<Gap>(&mut out, at, stamp, |again| {
            again.set(gap.first.get(), gap.last.get(), gap.reason());
            assert!(0 < gap.count.get() && gap.count <= again.count, "more missing than can be");
            again.count = gap.count;
        }),
        Body::Heartbeat(heartbeat) => {
            put::<Heartbeat>(&mut out, at, stamp, |again| again.wall_ns = heartbeat.wall_ns)
        }
        Body::Goodbye(goodbye) => {
            put::<Goodbye>(&mut out, at, stamp, |again| again.set(goodbye.reason()))
        }
        Body::Event(event) => event_again(&mut out, at.sequence, stamp, event)?,
        Body::Request(request) => {
            let (id, action, ack) = (request.id(), request.action(), request.ack());
            let (name, last_ms) = request.dump();
            let dump = (action == Action::Dump).then_some((name.unwrap_or(""), last_ms));
            Request::emit(&mut out, id, action, ack, dump.or(request.key()), request.event())
                .expect("what parses can be written")
        }
        Body::Reply(reply) => Reply::emit(&mut out, stamp, reply.fields(), reply.text())
            .expect("what parses can be written"),
        _ => return None,
    };
    out.truncate(size);
    Some(out)
}

/// The same for what tells of sensors and processes.
fn sensors_again(frame: &Frame<'_>) -> Option<Vec<u8>> {
    let mut out = vec![0xFF; 4096 + frame.header.payload_size()];
    let stamp = Stamp { boot_ns: frame.header.timestamp.get() };
    let sequence = frame.header.sequence.get();
    let size = match frame.body {
        Body::Catalog(catalog) => catalog_again(&mut out, stamp, catalog),
        Body::Samples(samples) => samples_again(&mut out, sequence, stamp, samples),
        Body::Processes(processes) => processes_again(&mut out, sequence, stamp, processes),
        _ => return None,
    };
    out.truncate(size);
    Some(out)
}

fn catalog_again(out: &mut [u8], stamp: Stamp, catalog: &Catalog) -> usize {
    let mut writer = CatalogWriter::new(out, catalog.part()).expect("room enough");
    for (at, sensor) in catalog.sensors().enumerate() {
        // A copy of the entry, and one made of what it says, by turns.
        if at % 2 == 1 {
            assert_eq!(writer.push(sensor), Pushed::Taken);
            continue;
        }
        let attributes: Vec<(&str, &str)> = sensor.attributes().collect();
        let fields = SensorFields {
            id: sensor.id(),
            metric: sensor.metric(),
            name: sensor.name(),
            unit: sensor.unit(),
            instrument: sensor.instrument(),
            group: sensor.group(),
            cost: sensor.cost(),
            cadence_ms: sensor.cadence_ms(),
            scope: sensor.scope(),
            label: sensor.label(),
            attributes: &attributes,
            identity: sensor.identity(),
        };
        assert_eq!(writer.push_fields(&fields), Ok(Pushed::Taken));
    }
    let end = catalog.part().first + u32::from(writer.count());
    assert_eq!(catalog.is_last(), end == catalog.part().total);
    writer.finish(stamp).expect("what parses can be written")
}

fn samples_again(out: &mut [u8], sequence: u64, stamp: Stamp, samples: &Samples) -> usize {
    let count = samples.samples.len();
    let (again, size) = Samples::emit(out, sequence, stamp, samples.of(), count)
        .expect("what parses can be written");
    for (again, sample) in again.iter_mut().zip(&samples.samples) {
        let is_told = sample.reading().is_some();
        assert_eq!(is_told, sample.state().has_value() && sample.value.get().is_finite());
        again.set(sample.id.get(), sample.state(), sample.age_ms.get(), sample.value.get());
        // Where there is none, its bytes mean nothing.
        again.value = sample.value;
    }
    out[Samples::MERGED_OFFSET..][..4].copy_from_slice(&samples.merged().to_le_bytes());
    size
}

fn processes_again(out: &mut [u8], sequence: u64, stamp: Stamp, processes: &Processes) -> usize {
    let count = processes.entries.len();
    let (again, size) =
        Processes::emit(out, sequence, stamp, count).expect("what parses can be written");
    let fixed = &processes.fixed;
    (again.fixed.by_cpu, again.fixed.by_memory) = (fixed.by_cpu, fixed.by_memory);
    again.fixed.set_total(fixed.state(), fixed.total().unwrap_or(0));
    again.fixed.merged = fixed.merged;
    again.fixed.scan_ms = fixed.scan_ms;
    again.fixed.set_truncated(fixed.is_truncated());
    for (again, entry) in again.entries.iter_mut().zip(&processes.entries) {
        (again.pid, again.uid, again.start_ns) = (entry.pid, entry.uid, entry.start_ns);
        (again.memory, again.cpu) = (entry.memory, entry.cpu);
        (again.rank_by_cpu, again.rank_by_memory) = (entry.rank_by_cpu, entry.rank_by_memory);
        again.set_state(u8::try_from(entry.state()).expect("a letter"));
        again.set_name(entry.name().as_bytes());
    }
    size
}

fn put<P: Payload>(out: &mut [u8], at: Position, stamp: Stamp, fill: impl FnOnce(&mut P)) -> usize {
    let (again, size) = emit::<P>(out, at, stamp).expect("room enough");
    fill(again);
    size
}

fn welcome_again(out: &mut [u8], stamp: Stamp, welcome: &Welcome) -> usize {
    let (mut again, fixed) = (WelcomeFixed::default(), &welcome.fixed);
    again.version = fixed.version;
    (again.epoch, again.run, again.wall_ns) = (fixed.epoch, fixed.run, fixed.wall_ns);
    (again.rate_mhz, again.rate_mhz_max) = (fixed.rate_mhz, fixed.rate_mhz_max);
    (again.payload_max, again.event_max) = (fixed.payload_max, fixed.event_max);
    (again.line_max, again.clients_max) = (fixed.line_max, fixed.clients_max);
    let entry = |entry: &StreamEntry| {
        StreamEntry::new(entry.id.get(), entry.oldest.get(), entry.next.get())
    };
    let streams: Vec<StreamEntry> = welcome.streams.iter().map(entry).collect();
    Welcome::emit(out, stamp, &again, &streams).expect("what parses can be written")
}

fn subscribe_again(out: &mut [u8], stamp: Stamp, subscribe: &Subscribe) -> usize {
    let (mut again, fixed) = (SubscribeFixed::default(), &subscribe.fixed);
    (again.rate_mhz, again.streams) = (fixed.rate_mhz, fixed.streams);
    again.options.set(subscribe.options().bits());
    (again.epoch, again.events) = (fixed.epoch, fixed.events);
    let topics: Vec<&str> = subscribe.topics().collect();
    let groups: Vec<&str> = subscribe.groups().collect();
    Subscribe::emit(out, stamp, &again, &topics, &groups).expect("what parses can be written")
}

/// `None` when the data is JSON, but not the shortest form of it.
fn event_again(out: &mut [u8], sequence: u64, stamp: Stamp, event: &Event) -> Option<usize> {
    let mut again = EventFields::new(event.kind());
    again.state = event.state();
    for number in Number::ALL {
        if let Some(value) = event.number(number) {
            again.numbers.set(number, value);
        }
    }
    (again.wall_ns, again.data) = (event.wall_ns(), event.data());
    again.name = Words::Plain(event.name());
    let mut payload = vec![0xFF; out.len()];
    if let Data::Json(text) = event.data() {
        let size = kymo_protocol::json::compact(text, &mut payload).ok()?;
        (&payload[..size] == text.as_bytes()).then_some(())?;
    }
    let size = again.write(&mut payload).expect("what parses can be written");
    let size = Event::emit(out, sequence, stamp, &payload[..size]).expect("room enough");
    if event.is_catchup() {
        Event::mark_catchup(out);
    }
    Some(size)
}

fn vitals_again(again: &mut Vitals, vitals: &Vitals) {
    (again.cpu_usage, again.memory_usage) = (vitals.cpu_usage, vitals.memory_usage);
    (again.memory_total, again.memory_used) = (vitals.memory_total, vitals.memory_used);
    (again.swap_total, again.swap_used) = (vitals.swap_total, vitals.swap_used);
    again.disk_read_bytes = vitals.disk_read_bytes;
    again.disk_write_bytes = vitals.disk_write_bytes;
    again.network_rx_bytes = vitals.network_rx_bytes;
    again.network_tx_bytes = vitals.network_tx_bytes;
    (again.uptime_ns, again.load) = (vitals.uptime_ns, vitals.load);
    (again.disk_usage, again.temperature) = (vitals.disk_usage, vitals.temperature);
    (again.gpu_temperature, again.power_watts) = (vitals.gpu_temperature, vitals.power_watts);
    (again.battery_charge, again.fan_speeds) = (vitals.battery_charge, vitals.fan_speeds);
    again.process_count = vitals.process_count;
    again.fan_count = u8::try_from(vitals.fans().count()).expect("at most eight");
    again.momentum_color = vitals.color() as u8;
    again.system_state = vitals.verdict() as u8;
    again.momentum_intensity = vitals.momentum_intensity;
    again.momentum_rotation_speed = vitals.momentum_rotation_speed;
    for field in Field::ALL {
        again.set_state(field, vitals.state(field), vitals.age_ms(field));
    }
    again.merged = vitals.merged;
}
