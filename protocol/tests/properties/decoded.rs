//! Decoded frames as the vectors show them: u64 as strings of digits, f32 as their bits.

use kymo_protocol::{
    Body, Catalog, Data, Event, Field, Frame, Number, NumberValue, Process, Processes, Reply,
    Request, Sample, Samples, Sensor, Vitals, Words,
};

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn text(value: &str) -> String {
    serde_json::to_string(value).unwrap()
}

pub(crate) fn float(value: f32) -> String {
    format!("\"0x{:08x}\"", value.to_bits())
}

pub(crate) fn long(value: u64) -> String {
    format!("\"{value}\"")
}

pub(crate) fn array(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// An object of members whose values are JSON already.
pub(crate) fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

pub(crate) fn frame_fields(frame: &Frame<'_>) -> String {
    match frame.body {
        Body::Vitals(vitals) => vitals_fields(vitals),
        Body::Hello(hello) => object(&[
            ("version_min", hello.version_min.to_string()),
            ("version_max", hello.version_max.to_string()),
            ("name", text(hello.name())),
        ]),
        Body::Welcome(welcome) => object(&[
            ("version", welcome.fixed.version.to_string()),
            ("epoch", text(&hex(&welcome.fixed.epoch))),
            ("run", text(&hex(&welcome.fixed.run))),
            ("wall_ns", long(welcome.fixed.wall_ns.get())),
            ("rate_mhz", welcome.fixed.rate_mhz.to_string()),
            ("rate_mhz_max", welcome.fixed.rate_mhz_max.to_string()),
            ("payload_max", welcome.fixed.payload_max.to_string()),
            ("event_max", welcome.fixed.event_max.to_string()),
            ("line_max", welcome.fixed.line_max.to_string()),
            ("clients_max", welcome.fixed.clients_max.to_string()),
            (
                "streams",
                array(welcome.streams.iter().map(|entry| {
                    let (oldest, next) = (long(entry.oldest.get()), long(entry.next.get()));
                    object(&[("id", entry.id.to_string()), ("oldest", oldest), ("next", next)])
                })),
            ),
        ]),
        Body::Subscribe(subscribe) => object(&[
            ("rate_mhz", subscribe.fixed.rate_mhz.to_string()),
            ("streams", subscribe.fixed.streams.to_string()),
            ("options", subscribe.fixed.options.to_string()),
            ("epoch", text(&hex(&subscribe.fixed.epoch))),
            ("events", long(subscribe.fixed.events.get())),
            ("topics", array(subscribe.topics().map(text))),
            ("groups", array(subscribe.groups().map(text))),
        ]),
        Body::Subscribed(subscribed) => object(&[
            ("rate_mhz", subscribed.rate_mhz.to_string()),
            ("streams", subscribed.streams.to_string()),
            ("options", subscribed.options.to_string()),
            ("resume", (subscribed.resume() as u16).to_string()),
            ("next", array(subscribed.next.iter().map(|next| long(next.get())))),
        ]),
        Body::Gap(gap) => object(&[
            ("first", long(gap.first.get())),
            ("last", long(gap.last.get())),
            ("count", long(gap.count.get())),
            ("reason", (gap.reason() as u16).to_string()),
        ]),
        Body::Heartbeat(heartbeat) => object(&[("wall_ns", long(heartbeat.wall_ns.get()))]),
        Body::Goodbye(goodbye) => object(&[("reason", (goodbye.reason() as u16).to_string())]),
        Body::Error(report) => object(&[
            ("code", report.code().map_or("null".into(), |code| (code as u16).to_string())),
            ("text", text(report.text())),
        ]),
        Body::Catalog(catalog) => catalog_fields(catalog),
        Body::Samples(samples) => samples_fields(samples),
        Body::Processes(processes) => processes_fields(processes),
        Body::Event(event) => event_fields(event),
        Body::Request(request) => control_request_fields(request),
        Body::Reply(reply) => reply_fields(reply),
        _ => "null".into(),
    }
}

/// A number by its kind: a u64 as digits, an f64 as its bits.
pub(crate) fn number(value: NumberValue) -> String {
    match value {
        NumberValue::Integer(value) => long(value),
        NumberValue::Float(value) => format!("\"0x{:016x}\"", value.to_bits()),
    }
}

pub(crate) fn event_fields(event: &Event) -> String {
    let numbers: Vec<(&str, String)> = Number::ALL
        .into_iter()
        .filter_map(|which| Some((which.name(), number(event.number(which)?))))
        .collect();
    let (form, data) = match event.data() {
        Data::Text(Words::Plain(data)) => (0, text(data)),
        Data::Json(data) => (1, text(data)),
        Data::Bytes(data) => (2, text(&hex(data))),
        other => unreachable!("{other:?}"),
    };
    object(&[
        ("kind", (event.kind() as u16).to_string()),
        ("state", event.state().map_or(0, |state| state as u16).to_string()),
        ("numbers", object(&numbers)),
        ("form", form.to_string()),
        ("catchup", event.is_catchup().to_string()),
        ("wall_ns", long(event.wall_ns())),
        ("name", text(event.name())),
        ("data", data),
    ])
}

fn control_request_fields(request: &Request) -> String {
    object(&[
        ("id", long(request.id())),
        ("action", (request.action() as u16).to_string()),
        ("ack", request.ack().map_or(0, |ack| ack as u8).to_string()),
        ("client", text(request.key().map_or("", |key| key.0))),
        ("number", long(request.dump().1)),
        ("event", text(&hex(request.event()))),
    ])
}

fn reply_fields(reply: &Reply) -> String {
    let fields = reply.fields();
    object(&[
        ("id", long(fields.id)),
        ("code", fields.code.to_string()),
        ("ack", fields.ack.map_or(0, |ack| ack as u8).to_string()),
        ("sequence", long(fields.sequence)),
        ("text", text(reply.text())),
    ])
}

fn catalog_fields(catalog: &Catalog) -> String {
    let part = catalog.part();
    let sensor = |sensor: &Sensor| {
        let attributes: Vec<(&str, String)> =
            sensor.attributes().map(|(key, value)| (key, text(value))).collect();
        let attributes = attributes.iter().map(|(key, value)| format!("[{},{value}]", text(key)));
        object(&[
            ("id", sensor.id().to_string()),
            ("metric", sensor.metric().to_string()),
            ("group", (sensor.group() as u8).to_string()),
            ("cost", (sensor.cost() as u8).to_string()),
            ("cadence_ms", sensor.cadence_ms().to_string()),
            ("scope", (sensor.scope() as u8).to_string()),
            ("instrument", (sensor.instrument() as u8).to_string()),
            ("name", text(sensor.name())),
            ("unit", text(sensor.unit())),
            ("label", text(sensor.label())),
            ("attributes", array(attributes)),
            ("identity", text(sensor.identity())),
        ])
    };
    object(&[
        ("topology", part.topology.to_string()),
        ("total", part.total.to_string()),
        ("first", part.first.to_string()),
        ("last", catalog.is_last().to_string()),
        ("omitted", part.omitted.to_string()),
        ("entries", array(catalog.sensors().map(sensor))),
    ])
}

fn samples_fields(samples: &Samples) -> String {
    let of = samples.of();
    let sample = |sample: &Sample| {
        object(&[
            ("id", sample.id.to_string()),
            ("state", (sample.state() as u8).to_string()),
            ("age_ms", sample.age_ms.to_string()),
            ("value", format!("\"0x{:016x}\"", sample.value.get().to_bits())),
        ])
    };
    object(&[
        ("topology", of.topology.to_string()),
        ("group", (of.group as u8).to_string()),
        ("part", of.part.to_string()),
        ("parts", of.parts.to_string()),
        ("merged", samples.merged().to_string()),
        ("samples", array(samples.samples.iter().map(sample))),
    ])
}

fn processes_fields(processes: &Processes) -> String {
    let fixed = &processes.fixed;
    let process = |process: &Process| {
        object(&[
            ("pid", process.pid.to_string()),
            ("uid", process.uid.to_string()),
            ("start_ns", long(process.start_ns.get())),
            ("memory", long(process.memory.get())),
            ("cpu", float(process.cpu.get())),
            ("state", text(&process.state().to_string())),
            ("rank_by_cpu", process.rank_by_cpu.to_string()),
            ("rank_by_memory", process.rank_by_memory.to_string()),
            ("name", text(process.name())),
        ])
    };
    object(&[
        ("by_cpu", fixed.by_cpu.to_string()),
        ("by_memory", fixed.by_memory.to_string()),
        ("truncated", fixed.is_truncated().to_string()),
        ("total", fixed.total().unwrap_or(0).to_string()),
        ("merged", fixed.merged.to_string()),
        ("scan_ms", fixed.scan_ms.to_string()),
        ("state", (fixed.state() as u8).to_string()),
        ("processes", array(processes.entries.iter().map(process))),
    ])
}

fn vitals_fields(vitals: &Vitals) -> String {
    object(&[
        ("cpu_usage", float(vitals.cpu_usage.get())),
        ("memory_usage", float(vitals.memory_usage.get())),
        ("memory_total", long(vitals.memory_total.get())),
        ("memory_used", long(vitals.memory_used.get())),
        ("swap_total", long(vitals.swap_total.get())),
        ("swap_used", long(vitals.swap_used.get())),
        ("disk_read_bytes", long(vitals.disk_read_bytes.get())),
        ("disk_write_bytes", long(vitals.disk_write_bytes.get())),
        ("network_rx_bytes", long(vitals.network_rx_bytes.get())),
        ("network_tx_bytes", long(vitals.network_tx_bytes.get())),
        ("uptime", long(vitals.uptime_ns.get())),
        ("load", array(vitals.load.iter().map(|load| float(load.get())))),
        ("disk_usage", float(vitals.disk_usage.get())),
        ("temperature", float(vitals.temperature.get())),
        ("gpu_temperature", float(vitals.gpu_temperature.get())),
        ("power_watts", float(vitals.power_watts.get())),
        ("battery_charge", float(vitals.battery_charge.get())),
        ("fan_speeds", array(vitals.fans().map(|fan| fan.to_string()))),
        ("process_count", vitals.process_count.to_string()),
        ("momentum_color", vitals.momentum_color.to_string()),
        ("system_state", vitals.system_state.to_string()),
        ("momentum_intensity", float(vitals.momentum_intensity.get())),
        ("momentum_rotation_speed", float(vitals.momentum_rotation_speed.get())),
        ("states", array(Field::ALL.iter().map(|f| (vitals.state(*f) as u8).to_string()))),
        ("ages", array(Field::ALL.iter().map(|f| vitals.age_ms(*f).to_string()))),
        ("merged", vitals.merged.to_string()),
    ])
}
