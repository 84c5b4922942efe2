//! A frame as its line.

use crate::frame::{Body, Frame};
use crate::frame_error::FrameError;
use crate::header::StreamId;
use crate::json::Writer;
use crate::json::catalog_line::write_catalog;
use crate::json::event_line::write_event;
use crate::json::notice_line::{
    timestamp, write_gap, write_hello, write_subscribe, write_subscribed, write_welcome,
};
use crate::json::processes_line::write_processes;
use crate::json::samples_line::write_samples;
use crate::json::vitals_line::{write_merged, write_vitals};

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
    /// Leave out `seq` and `catchup`: the profile of clients that know only their own keys.
    pub bare: bool,
    /// An event is one that a newcomer is told of.
    pub catchup: bool,
}

/// Writes `frame` as a line and returns its size, newline included.
///
/// # Errors
///
/// [`FrameError::Short`] when the line does not fit. Enough are
/// [`VITALS_LINE_MAX`](crate::limits::VITALS_LINE_MAX) for vitals and the like for samples,
/// processes and a catalog, [`line_bytes`](crate::limits::line_bytes) of the payload's size for
/// events, replies and subscribe, and [`NOTICE_LINE_MAX`](crate::limits::NOTICE_LINE_MAX) for any
/// other frame.
pub fn write_line(
    buffer: &mut [u8],
    frame: &Frame<'_>,
    clock: ClockMap,
    options: LineOptions,
) -> Result<usize, FrameError> {
    let mut w = Writer::new(buffer);
    let header = frame.header;
    let boot_ns = header.timestamp.get();
    // Clients of the bare profile know neither key.
    let sequence = (!options.bare).then(|| header.sequence.get());
    match frame.body {
        Body::Vitals(vitals) => write_vitals(&mut w, vitals, sequence, clock.wall_at(boot_ns)),
        Body::Samples(samples) => write_samples(&mut w, samples, sequence, clock.wall_at(boot_ns)),
        Body::Processes(processes) => {
            write_processes(&mut w, processes, sequence, clock.wall_at(boot_ns));
        }
        Body::Catalog(catalog) => write_catalog(&mut w, catalog),
        Body::Event(event) => {
            let catchup = !options.bare && (options.catchup || event.is_catchup());
            write_event(&mut w, event, sequence.unwrap_or(0), catchup);
        }
        Body::Welcome(welcome) => write_welcome(&mut w, welcome, boot_ns),
        Body::Subscribed(subscribed) => write_subscribed(&mut w, subscribed),
        Body::Subscribe(subscribe) => write_subscribe(&mut w, subscribe),
        Body::Hello(hello) => write_hello(&mut w, hello),
        Body::Gap(gap) => write_gap(&mut w, gap, StreamId(header.stream.get())),
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
        Body::Request(request) => {
            w.raw("{\"type\":\"request\",\"id\":");
            w.integer(request.id());
            w.raw(",\"action\":");
            w.string(request.action().name());
        }
        Body::Reply(reply) => {
            w.raw("{\"type\":\"reply\",\"id\":");
            w.integer(reply.fields().id);
            w.raw(",\"reply\":");
            w.raw(reply.text());
        }
        Body::Unknown(payload) => {
            w.raw("{\"type\":\"unknown\",\"kind\":");
            w.integer(u64::from(header.kind.get()));
            w.raw(",\"bytes\":");
            w.integer(payload.len() as u64);
        }
    }
    w.raw("}\n");
    w.finish()
}

/// Rewrites the end of a line of `size` bytes, of vitals, samples or processes, so that it tells
/// how many frames it replaces, and returns its new size. `merged` is the last key for this
/// purpose, and the line must not have it yet. A line that replaces none stays as it is.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Payload, Position, Stamp, emit};
    use crate::state::State;
    use crate::vitals::{Field, Vitals};

    const CLOCK: ClockMap = ClockMap { boot_ns: 1_000, wall_ns: 1_699_000_000_000_001_000 };

    fn line(bare: bool, fill: impl FnOnce(&mut Vitals)) -> heapless::String<2048> {
        let mut frame = [0; Vitals::FRAME_SIZE];
        let at = Position { stream: StreamId::VITALS, sequence: 7 };
        fill(emit::<Vitals>(&mut frame, at, Stamp { boot_ns: 2_000 }).unwrap().0);
        let mut buffer = [0; 2048];
        let frame = Frame::parse(&frame).unwrap();
        let size =
            write_line(&mut buffer, &frame, CLOCK, LineOptions { bare, catchup: false }).unwrap();
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
