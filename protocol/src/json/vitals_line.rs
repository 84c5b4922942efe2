//! The vitals as a line.

use crate::json::Writer;
use crate::json::notice_line::{member, timestamp, write_list};
use crate::vitals::{Field, Vitals};

/// Writes the members of a vitals object, without its closing brace; `merged` is the last.
pub(super) fn write_vitals(
    w: &mut Writer<'_>,
    vitals: &Vitals,
    sequence: Option<u64>,
    wall_ns: u64,
) {
    write_start(w, "vitals", sequence, wall_ns);
    for field in Field::ALL {
        w.raw(",\"");
        w.raw(field.name());
        w.raw("\":");
        if vitals.state(field).has_value() {
            write_field(w, vitals, field);
        } else {
            w.raw("null");
        }
    }
    write_validity(w, vitals);
    write_merged(w, vitals.merged.get());
}

/// Writes the value of one field, whatever its state.
pub fn write_field(w: &mut Writer<'_>, vitals: &Vitals, field: Field) {
    match field {
        Field::CpuUsage => w.float(vitals.cpu_usage.get()),
        Field::MemoryUsage => w.float(vitals.memory_usage.get()),
        Field::MemoryTotal => w.integer(vitals.memory_total.get()),
        Field::MemoryUsed => w.integer(vitals.memory_used.get()),
        Field::SwapTotal => w.integer(vitals.swap_total.get()),
        Field::SwapUsed => w.integer(vitals.swap_used.get()),
        Field::Load => write_list(w, vitals.load.iter(), |w, load| w.float(load.get())),
        Field::DiskUsage => w.float(vitals.disk_usage.get()),
        Field::DiskReadBytes => w.integer(vitals.disk_read_bytes.get()),
        Field::DiskWriteBytes => w.integer(vitals.disk_write_bytes.get()),
        Field::NetworkRxBytes => w.integer(vitals.network_rx_bytes.get()),
        Field::NetworkTxBytes => w.integer(vitals.network_tx_bytes.get()),
        Field::Temperature => w.float(vitals.temperature.get()),
        Field::GpuTemperature => w.float(vitals.gpu_temperature.get()),
        Field::FanSpeeds => write_list(w, vitals.fans(), |w, fan| w.integer(u64::from(fan))),
        Field::PowerWatts => w.float(vitals.power_watts.get()),
        Field::BatteryCharge => w.float(vitals.battery_charge.get()),
        Field::ProcessCount => w.integer(u64::from(vitals.process_count.get())),
        Field::Uptime => w.thousandths(vitals.uptime_ns.get() / 1_000_000),
        Field::Momentum => {
            w.raw("{\"intensity\":");
            w.float(vitals.momentum_intensity.get());
            w.raw(",\"color\":");
            w.string(vitals.color().name());
            w.raw(",\"rotation_speed\":");
            w.float(vitals.momentum_rotation_speed.get());
            w.raw("}");
        }
        Field::SystemState => w.string(vitals.verdict().name()),
    }
}

/// Values older than this are told with their age; younger ones are as fresh as people can use.
const AGE_TOLD_MS: u32 = 1000;

fn write_validity(w: &mut Writer<'_>, vitals: &Vitals) {
    w.raw(",\"validity\":{");
    let mut first = true;
    for field in Field::ALL {
        let state = vitals.state(field);
        if state as u8 != 0 {
            member(w, &mut first, field.name());
            w.string(state.name());
        }
    }
    w.raw("},\"age_ms\":{");
    first = true;
    for field in Field::ALL {
        let age_ms = vitals.age_ms(field);
        if age_ms >= AGE_TOLD_MS && vitals.state(field).has_value() {
            member(w, &mut first, field.name());
            w.integer(u64::from(age_ms));
        }
    }
    w.raw("}");
}

/// The first keys of a line of telemetry.
pub(super) fn write_start(w: &mut Writer<'_>, name: &str, sequence: Option<u64>, wall_ns: u64) {
    w.raw("{\"type\":\"");
    w.raw(name);
    w.raw("\"");
    if let Some(sequence) = sequence {
        w.raw(",\"seq\":");
        w.integer(sequence);
    }
    timestamp(w, wall_ns);
}

/// A key that other keys stand before, and its number.
pub(super) fn write_number(w: &mut Writer<'_>, key: &str, value: u32) {
    w.raw(",\"");
    w.raw(key);
    w.raw("\":");
    w.integer(u64::from(value));
}

/// The last key of a line; left out when it would be 0.
pub(super) fn write_merged(w: &mut Writer<'_>, merged: u32) {
    if merged > 0 {
        write_number(w, "merged", merged);
    }
}
