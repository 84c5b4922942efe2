//! kymo's frame, and its line of JSON.

use kymo_benches::Outcome;
use kymo_benches::sample::{self, FRAME_SIZE, Readings};
use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::VITALS_LINE_MAX;
use kymo_protocol::{Body, Field, Frame};

use super::Codec;

/// A frame.
#[derive(Debug)]
pub struct Binary {
    bytes: [u8; FRAME_SIZE],
}

impl Default for Binary {
    fn default() -> Self {
        Self { bytes: [0; FRAME_SIZE] }
    }
}

impl Codec for Binary {
    fn name(&self) -> &'static str {
        "kymo"
    }

    fn encode(&mut self, readings: &Readings, sequence: u64, boot_ns: u64) -> Outcome<usize> {
        Ok(sample::encode(&mut self.bytes, readings, sequence, boot_ns)?)
    }

    fn decode(&self) -> Outcome<f64> {
        let frame = Frame::parse(&self.bytes)?;
        let Body::Vitals(v) = frame.body else { return Err("no vitals".into()) };
        let floats = [
            v.cpu_usage,
            v.memory_usage,
            v.load[0],
            v.load[1],
            v.load[2],
            v.disk_usage,
            v.temperature,
            v.gpu_temperature,
            v.power_watts,
            v.battery_charge,
            v.momentum_intensity,
            v.momentum_rotation_speed,
        ];
        let integers = [
            v.memory_total,
            v.memory_used,
            v.swap_total,
            v.swap_used,
            v.disk_read_bytes,
            v.disk_write_bytes,
            v.network_rx_bytes,
            v.network_tx_bytes,
            v.uptime_ns,
            frame.header.sequence,
            frame.header.timestamp,
        ];
        let mut whole: u64 = integers.iter().map(|value| value.get()).sum();
        whole += v.fan_speeds.iter().map(|fan| u64::from(fan.get())).sum::<u64>();
        whole += u64::from(v.process_count.get()) + u64::from(v.fan_count);
        whole += u64::from(v.momentum_color) + u64::from(v.system_state);
        for field in Field::ALL {
            whole += u64::from(v.state(field) as u8) + u64::from(v.age_ms(field));
        }
        Ok(whole as f64 + floats.iter().map(|value| f64::from(value.get())).sum::<f64>())
    }
}

/// A line of JSON, made from the frame as the daemon makes it.
#[derive(Debug)]
pub struct Line {
    frame: Binary,
    bytes: [u8; VITALS_LINE_MAX],
}

impl Default for Line {
    fn default() -> Self {
        Self { frame: Binary::default(), bytes: [0; VITALS_LINE_MAX] }
    }
}

impl Codec for Line {
    fn name(&self) -> &'static str {
        "kymo"
    }

    fn encode(&mut self, readings: &Readings, sequence: u64, boot_ns: u64) -> Outcome<usize> {
        self.frame.encode(readings, sequence, boot_ns)?;
        let clock = ClockMap { boot_ns: 1_000_000_000, wall_ns: 1_790_000_000_123_456_789 };
        let frame = Frame::parse(&self.frame.bytes)?;
        Ok(write_line(&mut self.bytes, &frame, clock, LineOptions::default())?)
    }

    fn decode(&self) -> Outcome<f64> {
        Err("kymo's own clients read frames".into())
    }
}
