//! The daemon's figures and the machine's, in Prometheus' text format.

use kymo_platform::clock::Now;
use kymo_protocol::json::Writer;
use kymo_protocol::{Field, Payload, Vitals};

use super::Hub;
use super::replies::Surroundings;
use super::status::now_vitals;
use crate::limits::MEASURED_CLIENTS_MAX;

/// Bounds of the latency's buckets.
const BOUNDS_NS: [u64; 10] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    5_000_000,
    25_000_000,
    100_000_000,
];

/// What each figure of [`Hub::figures`] is, in its order.
const HELP: [&str; 14] = [
    "Vitals frames produced",
    "Ticks skipped because the loop was late",
    "Vitals frames that sockets took",
    "Events that sockets took",
    "Bytes that sockets took",
    "Vitals frames that slow subscribers were told they missed",
    "Events that subscribers were told they will not get",
    "Events of this process that were not taken",
    "Turns whose events could not be journalled",
    "Connections taken",
    "Connections not taken",
    "Connections cut because they said nothing and others waited",
    "Requests and connections refused because of their bytes",
    "Subscribers closed because they took no byte for too long",
];

/// Vitals that are plain numbers: their name here, what turns them into base units, and their help.
const GAUGES: [(Field, &str, f64, &str); 12] = [
    (Field::CpuUsage, "kymo_cpu_usage_ratio", 0.01, "Busy share of all CPUs"),
    (Field::MemoryTotal, "kymo_memory_total_bytes", 1.0, "Memory"),
    (Field::MemoryUsed, "kymo_memory_used_bytes", 1.0, "Memory in use"),
    (Field::SwapTotal, "kymo_swap_total_bytes", 1.0, "Swap space"),
    (Field::SwapUsed, "kymo_swap_used_bytes", 1.0, "Swap space in use"),
    (Field::DiskUsage, "kymo_disk_usage_ratio", 0.01, "Used share of the root file system"),
    (Field::Temperature, "kymo_temperature_celsius", 1.0, "Temperature of the CPU"),
    (Field::GpuTemperature, "kymo_gpu_temperature_celsius", 1.0, "Temperature of the GPU"),
    (Field::PowerWatts, "kymo_power_watts", 1.0, "Power drawn"),
    (Field::BatteryCharge, "kymo_battery_charge_ratio", 0.01, "Charge of the battery"),
    (Field::ProcessCount, "kymo_processes", 1.0, "Processes"),
    (Field::Uptime, "kymo_machine_uptime_seconds", 1.0, "Time since the machine started"),
];

/// The same of counters.
const COUNTERS: [(Field, &str, &str); 4] = [
    (Field::DiskReadBytes, "kymo_disk_read_bytes_total", "Bytes read from disks since boot"),
    (Field::DiskWriteBytes, "kymo_disk_written_bytes_total", "Bytes written to disks since boot"),
    (Field::NetworkRxBytes, "kymo_network_receive_bytes_total", "Bytes received since boot"),
    (Field::NetworkTxBytes, "kymo_network_transmit_bytes_total", "Bytes sent since boot"),
];

impl Hub {
    pub(super) fn answer_metrics(
        &mut self,
        place: usize,
        surroundings: &Surroundings<'_>,
        now: Now,
    ) {
        let id = self.take_command(place);
        let mut desk = std::mem::take(&mut self.desk);
        let mut page = std::mem::take(&mut desk.page);
        let mut w = Writer::new(&mut page);
        self.write_page(&mut w, surroundings, now);
        let size = w.finish().unwrap_or(0);
        let text = core::str::from_utf8(&page[..size]).unwrap_or_default();
        let size = desk.write(&id, |w| {
            w.raw(",\"metrics\":");
            w.string(text);
        });
        desk.page = page;
        self.desk = desk;
        self.push_reply(place, &id, size, now);
    }

    fn write_page(&mut self, w: &mut Writer<'_>, surroundings: &Surroundings<'_>, now: Now) {
        family(w, "kymo_build_info", "gauge", "Version of the daemon");
        w.raw(concat!("kymo_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n"));
        for (name, help, value) in [
            ("kymo_clients", "Subscribers connected", self.table.len() as u64),
            ("kymo_control_clients", "Control connections", self.control.len() as u64),
            ("kymo_inbox_events", "Events of other threads that wait", surroundings.queue_size),
        ] {
            family(w, name, "gauge", help);
            sample(w, name, value);
        }
        if let Some(sandbox) = surroundings.sandbox {
            let name = "kymo_sandbox_landlock";
            family(w, name, "gauge", "Version of Landlock's rules in force, 0 for none");
            sample(w, name, u64::from(sandbox.landlock.unwrap_or(0)));
            let name = "kymo_sandbox_seccomp";
            family(w, name, "gauge", "Whether system calls are filtered");
            sample(w, name, u64::from(sandbox.seccomp.is_ok()));
        }
        family(w, "kymo_events_total", "counter", "Events taken in this epoch");
        sample(w, "kymo_events_total", self.log.next() - 1);
        for ((name, value), help) in self.figures().into_iter().zip(HELP) {
            for part in ["# HELP kymo_", name, "_total ", help, "\n# TYPE kymo_", name] {
                w.raw(part);
            }
            w.raw("_total counter\nkymo_");
            w.raw(name);
            w.raw("_total ");
            w.integer(value);
            w.raw("\n");
        }
        self.write_recorder_families(w);
        self.write_latency_family(w);
        write_sources(w, surroundings);
        if let Some(vitals) = now_vitals(surroundings.sampler, now, &mut [0; Vitals::FRAME_SIZE]) {
            write_vitals(w, &vitals);
        }
        self.write_client_families(w);
    }

    fn write_recorder_families(&self, w: &mut Writer<'_>) {
        type Value = fn(&super::recorders::RecorderView) -> u64;
        let families: [(&str, &str, Value); 3] = [
            ("kymo_recorder_files_total", "Files that a recorder has written", |view| view.files),
            ("kymo_recorder_failures_total", "Times that a recorder could not", |view| view.failed),
            ("kymo_recorder_withheld_total", "Events too soon for another file", |view| {
                view.withheld
            }),
        ];
        for (name, help, value) in families {
            if !self.recorders.all.is_empty() {
                family(w, name, "counter", help);
            }
            for view in &self.recorders.all {
                w.raw(name);
                // A name has nothing that would have to be escaped.
                for part in ["{recorder=\"", &view.name, "\"} "] {
                    w.raw(part);
                }
                w.integer(value(view));
                w.raw("\n");
            }
        }
    }

    fn write_latency_family(&self, w: &mut Writer<'_>) {
        let name = "kymo_publish_to_send_seconds";
        family(w, name, "histogram", "From publishing to having served every ready subscriber");
        for (bound, count) in self.latency.cumulative(&BOUNDS_NS) {
            w.raw(name);
            w.raw("_bucket{le=\"");
            w.double(seconds(bound));
            w.raw("\"} ");
            w.integer(count);
            w.raw("\n");
        }
        w.raw(name);
        w.raw("_bucket{le=\"+Inf\"} ");
        w.integer(self.latency.count());
        w.raw("\nkymo_publish_to_send_seconds_sum ");
        w.double(seconds(self.latency.sum()));
        w.raw("\nkymo_publish_to_send_seconds_count ");
        w.integer(self.latency.count());
        w.raw("\n");
    }

    fn write_client_families(&mut self, w: &mut Writer<'_>) {
        let next_event = self.log.next();
        for (name, kind, help) in [
            ("kymo_client_lag_events", "gauge", "Events that a subscriber has yet to be sent"),
            ("kymo_client_merged_frames_total", "counter", "Vitals frames a subscriber missed"),
            ("kymo_client_lost_events_total", "counter", "Events a subscriber will not get"),
        ] {
            family(w, name, kind, help);
            let mut written = 0;
            for place in 0..self.table.places() {
                let Some(id) = self.table.at(place) else { continue };
                if written == MEASURED_CLIENTS_MAX {
                    break;
                }
                let session = self.table.session(id);
                let value = match name {
                    "kymo_client_lag_events" => match session.events {
                        Some(events) => next_event.saturating_sub(events.cursor),
                        None => continue,
                    },
                    "kymo_client_merged_frames_total" => session.merged,
                    _ => session.lost,
                };
                written += 1;
                w.raw(name);
                w.raw("{client=\"");
                w.integer(id.index() as u64);
                w.raw("\",format=\"");
                w.raw(session.format.name());
                w.raw("\"} ");
                w.integer(value);
                w.raw("\n");
            }
        }
    }
}

fn write_sources(w: &mut Writer<'_>, surroundings: &Surroundings<'_>) {
    for (name, help, is_time) in [
        ("kymo_source_reads_total", "Readings of a source", false),
        ("kymo_source_seconds_total", "Time that reading a source took", true),
    ] {
        family(w, name, "counter", help);
        for (source, cost) in surroundings.sampler.costs() {
            w.raw(name);
            w.raw("{source=\"");
            w.raw(source);
            w.raw("\"} ");
            if is_time {
                w.double(seconds(cost.total_ns));
            } else {
                w.integer(cost.reads);
            }
            w.raw("\n");
        }
    }
}

/// A value that was not read has no sample: 0 would be a lie.
fn write_vitals(w: &mut Writer<'_>, vitals: &Vitals) {
    for (field, name, unit, help) in GAUGES {
        if let Some(value) = vitals.number(field) {
            family(w, name, "gauge", help);
            w.raw(name);
            w.raw(" ");
            w.double(value * unit);
            w.raw("\n");
        }
    }
    for (field, name, help) in COUNTERS {
        if let Some(value) = vitals.number(field) {
            family(w, name, "counter", help);
            w.raw(name);
            w.raw(" ");
            w.double(value);
            w.raw("\n");
        }
    }
    if vitals.state(Field::Load).has_value() {
        family(w, "kymo_load_average", "gauge", "Runnable tasks, averaged over minutes");
        for (minutes, load) in ["1", "5", "15"].into_iter().zip(&vitals.load) {
            w.raw("kymo_load_average{minutes=\"");
            w.raw(minutes);
            w.raw("\"} ");
            w.float(load.get());
            w.raw("\n");
        }
    }
    if vitals.state(Field::FanSpeeds).has_value() && vitals.fan_count > 0 {
        family(w, "kymo_fan_speed_rpm", "gauge", "Speed of a fan");
        for (index, speed) in (0..).zip(vitals.fans()) {
            w.raw("kymo_fan_speed_rpm{fan=\"");
            w.integer(index);
            w.raw("\"} ");
            w.integer(u64::from(speed));
            w.raw("\n");
        }
    }
}

#[allow(clippy::cast_precision_loss)] // Prometheus has floats and nothing else
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn family(w: &mut Writer<'_>, name: &str, kind: &str, help: &str) {
    for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"] {
        w.raw(part);
    }
}

fn sample(w: &mut Writer<'_>, name: &str, value: u64) {
    w.raw(name);
    w.raw(" ");
    w.integer(value);
    w.raw("\n");
}
