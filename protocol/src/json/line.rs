//! A frame as its line.

use crate::frame::{Body, Frame};
use crate::frame_error::FrameError;
use crate::header::StreamId;
use crate::json::Writer;
use crate::subscribe::{Streams, Subscribe, Subscribed};
use crate::vitals::{Field, Vitals};
use crate::welcome::Welcome;

/// One instant on both clocks, from which the wall time of any frame follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockMap {
    /// Nanoseconds on the boot clock.
    pub boot_ns: u64,
    /// Nanoseconds since 1970 at that instant.
    pub wall_ns: u64,
}

impl ClockMap {
    /// Nanoseconds since 1970 at `boot_ns` on the boot clock.
    #[must_use]
    pub const fn wall_at(self, boot_ns: u64) -> u64 {
        if boot_ns >= self.boot_ns {
            self.wall_ns.saturating_add(boot_ns - self.boot_ns)
        } else {
            self.wall_ns.saturating_sub(self.boot_ns - boot_ns)
        }
    }
}

/// How a line is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineOptions {
    /// Leave out `seq`: the profile of clients that know only their own keys.
    pub bare: bool,
}

/// Writes `frame` as a line and returns its size, newline included.
///
/// # Errors
///
/// [`FrameError::Short`] when the line does not fit;
/// [`VITALS_LINE_MAX`](crate::limits::VITALS_LINE_MAX) and
/// [`NOTICE_LINE_MAX`](crate::limits::NOTICE_LINE_MAX) are enough for any frame of this crate but
/// subscribe.
pub fn write_line(
    buffer: &mut [u8],
    frame: &Frame<'_>,
    clock: ClockMap,
    options: LineOptions,
) -> Result<usize, FrameError> {
    let mut w = Writer::new(buffer);
    let boot_ns = frame.header.timestamp.get();
    let wall_ns = clock.wall_at(boot_ns);
    match frame.body {
        Body::Vitals(vitals) => {
            w.raw("{\"type\":\"vitals\"");
            if !options.bare {
                w.raw(",\"seq\":");
                w.integer(frame.header.sequence.get());
            }
            timestamp(&mut w, wall_ns);
            write_vitals(&mut w, vitals);
        }
        Body::Welcome(welcome) => write_welcome(&mut w, welcome, boot_ns),
        Body::Subscribed(subscribed) => write_subscribed(&mut w, subscribed),
        Body::Subscribe(subscribe) => write_subscribe(&mut w, subscribe),
        Body::Hello(hello) => {
            w.raw("{\"type\":\"hello\",\"version_min\":");
            w.integer(u64::from(hello.version_min.get()));
            w.raw(",\"version_max\":");
            w.integer(u64::from(hello.version_max.get()));
            w.raw(",\"name\":");
            w.string(hello.name());
        }
        Body::Gap(gap) => {
            w.raw("{\"type\":\"gap\",\"stream\":");
            stream_name(&mut w, StreamId(frame.header.stream.get()));
            w.raw(",\"first\":");
            w.integer(gap.first.get());
            w.raw(",\"last\":");
            w.integer(gap.last.get());
            w.raw(",\"count\":");
            w.integer(gap.count.get());
            w.raw(",\"reason\":");
            w.string(gap.reason().name());
        }
        Body::Heartbeat(heartbeat) => {
            w.raw("{\"type\":\"heartbeat\"");
            timestamp(&mut w, heartbeat.wall_ns.get());
        }
        Body::Goodbye(goodbye) => {
            w.raw("{\"type\":\"goodbye\",\"reason\":");
            w.string(goodbye.reason().name());
        }
        Body::Error(report) => {
            w.raw("{\"type\":\"error\",\"code\":");
            w.string(report.code().map_or("unknown", crate::ErrorCode::name));
            w.raw(",\"error\":");
            w.string(report.text());
        }
        Body::Unknown(payload) => {
            w.raw("{\"type\":\"unknown\",\"kind\":");
            w.integer(u64::from(frame.header.kind.get()));
            w.raw(",\"bytes\":");
            w.integer(payload.len() as u64);
        }
    }
    w.raw("}\n");
    w.finish()
}

/// Rewrites the end of a vitals line of `size` bytes so that it tells how many frames it replaces,
/// and returns its new size. `merged` is the last key for this purpose, and the line must not have
/// it yet. A line that replaces none stays as it is.
///
/// # Errors
///
/// [`FrameError::Short`] when `buffer` has no room for it.
pub fn append_merged(buffer: &mut [u8], size: usize, merged: u32) -> Result<usize, FrameError> {
    if merged == 0 {
        return Ok(size);
    }
    let end = size.saturating_sub("}\n".len());
    let mut w = Writer::new(buffer.get_mut(end..).ok_or(FrameError::Short)?);
    write_merged(&mut w, merged);
    w.raw("}\n");
    Ok(end + w.finish()?)
}

fn write_merged(w: &mut Writer<'_>, merged: u32) {
    w.raw(",\"merged\":");
    w.integer(u64::from(merged));
}

fn timestamp(w: &mut Writer<'_>, wall_ns: u64) {
    w.raw(",\"timestamp\":");
    w.seconds(wall_ns);
}

fn stream_name(w: &mut Writer<'_>, stream: StreamId) {
    match stream.name() {
        Some(name) => w.string(name),
        None => w.integer(u64::from(stream.0)),
    }
}

fn write_vitals(w: &mut Writer<'_>, vitals: &Vitals) {
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
    if vitals.merged.get() > 0 {
        write_merged(w, vitals.merged.get());
    }
}

fn write_field(w: &mut Writer<'_>, vitals: &Vitals, field: Field) {
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

fn member(w: &mut Writer<'_>, first: &mut bool, name: &str) {
    w.raw(if core::mem::take(first) { "\"" } else { ",\"" });
    w.raw(name);
    w.raw("\":");
}

fn write_list<T>(
    w: &mut Writer<'_>,
    values: impl Iterator<Item = T>,
    write: impl Fn(&mut Writer<'_>, T),
) {
    w.raw("[");
    for (index, value) in values.enumerate() {
        if index > 0 {
            w.raw(",");
        }
        write(w, value);
    }
    w.raw("]");
}

fn write_welcome(w: &mut Writer<'_>, welcome: &Welcome, boot_ns: u64) {
    let fixed = &welcome.fixed;
    w.raw("{\"type\":\"welcome\",\"version\":");
    w.integer(u64::from(fixed.version.get()));
    w.raw(",\"epoch\":\"");
    w.hex(&fixed.epoch);
    w.raw("\",\"run\":\"");
    w.hex(&fixed.run);
    w.raw("\"");
    timestamp(w, fixed.wall_ns.get());
    w.raw(",\"boot_ns\":");
    w.integer(boot_ns);
    w.raw(",\"rate_hz\":");
    w.thousandths(u64::from(fixed.rate_mhz.get()));
    w.raw(",\"limits\":{\"rate_hz\":");
    w.thousandths(u64::from(fixed.rate_mhz_max.get()));
    for (name, value) in [
        ("payload_bytes", fixed.payload_max),
        ("event_bytes", fixed.event_max),
        ("line_bytes", fixed.line_max),
        ("clients", fixed.clients_max),
    ] {
        w.raw(",\"");
        w.raw(name);
        w.raw("\":");
        w.integer(u64::from(value.get()));
    }
    w.raw("},\"streams\":{");
    let mut first = true;
    for entry in &welcome.streams {
        let Some(name) = StreamId(entry.id.get()).name() else { continue };
        member(w, &mut first, name);
        w.raw("{\"id\":");
        w.integer(u64::from(entry.id.get()));
        if entry.oldest != entry.next {
            w.raw(",\"oldest\":");
            w.integer(entry.oldest.get());
        }
        w.raw(",\"next\":");
        w.integer(entry.next.get());
        w.raw("}");
    }
    w.raw("}");
}

fn write_subscribed(w: &mut Writer<'_>, subscribed: &Subscribed) {
    let streams = Streams(subscribed.streams.get());
    w.raw("{\"type\":\"subscribed\",\"streams\":");
    write_list(w, streams.iter(), stream_name);
    w.raw(",\"rate_hz\":");
    w.thousandths(u64::from(subscribed.rate_mhz.get()));
    if subscribed.options.get() & 1 != 0 {
        w.raw(",\"every\":true");
    }
    w.raw(",\"resume\":");
    w.string(subscribed.resume().name());
    w.raw(",\"next\":{");
    let mut first = true;
    for (stream, next) in (1..).map(StreamId).zip(subscribed.next.iter()) {
        if let (true, Some(name)) = (streams.contains(stream), stream.name()) {
            member(w, &mut first, name);
            w.integer(next.get());
        }
    }
    w.raw("}");
}

fn write_subscribe(w: &mut Writer<'_>, subscribe: &Subscribe) {
    let options = subscribe.options();
    w.raw("{\"subscribe\":");
    write_list(w, subscribe.streams().iter(), stream_name);
    if subscribe.fixed.rate_mhz.get() > 0 {
        w.raw(",\"rate_hz\":");
        w.thousandths(u64::from(subscribe.fixed.rate_mhz.get()));
    }
    if options.every {
        w.raw(",\"every\":true");
    }
    w.raw(",\"topics\":");
    write_list(w, subscribe.topics(), |w, topic| w.string(topic));
    w.raw(",\"groups\":");
    write_list(w, subscribe.groups(), |w, group| w.string(group));
    if options.resume {
        w.raw(",\"resume\":{\"epoch\":\"");
        w.hex(&subscribe.fixed.epoch);
        w.raw("\",\"events\":");
        w.integer(subscribe.fixed.events.get());
        w.raw("}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::StreamId;
    use crate::payload::{Payload, Position, Stamp, emit};
    use crate::state::State;

    const CLOCK: ClockMap = ClockMap { boot_ns: 1_000, wall_ns: 1_699_000_000_000_001_000 };

    fn line(bare: bool, fill: impl FnOnce(&mut Vitals)) -> heapless::String<2048> {
        let mut frame = [0; Vitals::FRAME_SIZE];
        let at = Position { stream: StreamId::VITALS, sequence: 7 };
        fill(emit::<Vitals>(&mut frame, at, Stamp { boot_ns: 2_000 }).unwrap().0);
        let mut buffer = [0; 2048];
        let frame = Frame::parse(&frame).unwrap();
        let size = write_line(&mut buffer, &frame, CLOCK, LineOptions { bare }).unwrap();
        core::str::from_utf8(&buffer[..size]).unwrap().try_into().unwrap()
    }

    #[test]
    fn a_vitals_line_has_its_keys_in_order() {
        let text = line(false, |vitals| {
            vitals.cpu_usage.set(12.5);
            vitals.memory_total.set(u64::MAX);
            vitals.uptime_ns.set(1_234_999_999);
            vitals.fan_count = 2;
            vitals.fan_speeds[1].set(1200);
            vitals.set_state(Field::Temperature, State::Absent, 5_000);
            vitals.set_state(Field::CpuUsage, State::Held, 1_000);
            vitals.set_state(Field::MemoryUsage, State::Ok, 999);
        });
        assert_eq!(
            text,
            "{\"type\":\"vitals\",\"seq\":7,\"timestamp\":1699000000.000002,\"cpu_usage\":12.5,\
             \"memory_usage\":0.0,\"memory_total\":18446744073709551615,\"memory_used\":0,\
             \"swap_total\":0,\"swap_used\":0,\"load\":[0.0,0.0,0.0],\"disk_usage\":0.0,\
             \"disk_read_bytes\":0,\"disk_write_bytes\":0,\"network_rx_bytes\":0,\
             \"network_tx_bytes\":0,\"temperature\":null,\"gpu_temperature\":0.0,\
             \"fan_speeds\":[0,1200],\"power_watts\":0.0,\"battery_charge\":0.0,\
             \"process_count\":0,\"uptime_s\":1.234,\"momentum\":{\"intensity\":0.0,\
             \"color\":\"idle\",\"rotation_speed\":0.0},\"system_state\":\"healthy\",\
             \"validity\":{\"cpu_usage\":\"held\",\"temperature\":\"absent\"},\
             \"age_ms\":{\"cpu_usage\":1000}}\n"
        );
    }

    #[test]
    fn merged_stands_last_or_not_at_all() {
        assert!(line(false, |vitals| vitals.merged.set(3)).ends_with("},\"merged\":3}\n"));
        assert!(line(false, |_| ()).ends_with("\"age_ms\":{}}\n"));
        let plain = line(false, |_| ());
        let mut buffer = [0; 2048];
        buffer[..plain.len()].copy_from_slice(plain.as_bytes());
        let size = append_merged(&mut buffer, plain.len(), 3).unwrap();
        assert_eq!(&buffer[..size], line(false, |vitals| vitals.merged.set(3)).as_bytes());
        assert_eq!(append_merged(&mut buffer, size, 0), Ok(size));
        let full = append_merged(&mut buffer[..plain.len() + 4], plain.len(), 3);
        assert_eq!(full, Err(FrameError::Short));
    }

    #[test]
    fn bare_lines_have_no_seq() {
        assert!(line(true, |_| ()).starts_with("{\"type\":\"vitals\",\"timestamp\":1699000000."));
    }

    #[test]
    fn the_clock_map_reaches_both_ways() {
        assert_eq!(CLOCK.wall_at(1_001), CLOCK.wall_ns + 1);
        assert_eq!(CLOCK.wall_at(999), CLOCK.wall_ns - 1);
        assert_eq!(ClockMap { boot_ns: 9, wall_ns: 1 }.wall_at(0), 0);
        assert_eq!(CLOCK.wall_at(u64::MAX), u64::MAX);
    }
}
