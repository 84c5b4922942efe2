//! The keys of kymo's line, by serde_json.

use kymo_benches::Outcome;
use kymo_benches::sample::Readings;
use serde::Serialize;

use super::Codec;

#[derive(Serialize)]
struct Vitals {
    r#type: &'static str,
    seq: u64,
    timestamp: f64,
    cpu_usage: f32,
    memory_usage: f32,
    memory_total: u64,
    memory_used: u64,
    swap_total: u64,
    swap_used: u64,
    load: [f32; 3],
    disk_usage: f32,
    disk_read_bytes: u64,
    disk_write_bytes: u64,
    network_rx_bytes: u64,
    network_tx_bytes: u64,
    temperature: f32,
    gpu_temperature: f32,
    fan_speeds: [u32; 2],
    power_watts: f32,
    battery_charge: f32,
    process_count: u32,
    uptime_s: f64,
    momentum: Momentum,
    system_state: &'static str,
}

#[derive(Serialize)]
struct Momentum {
    intensity: f32,
    color: &'static str,
    rotation_speed: f32,
}

/// serde_json, into a vector that is used again.
#[derive(Debug, Default)]
pub struct SerdeJson {
    bytes: Vec<u8>,
}

impl Codec for SerdeJson {
    fn name(&self) -> &'static str {
        "serde_json 1.0"
    }

    fn encode(&mut self, readings: &Readings, sequence: u64, boot_ns: u64) -> Outcome<usize> {
        let (f, i) = (&readings.floats, &readings.integers);
        let wall_ns = boot_ns + 1_789_999_999_123_456_789;
        let vitals = Vitals {
            r#type: "vitals",
            seq: sequence,
            timestamp: (wall_ns / 1000) as f64 / 1e6,
            cpu_usage: f[0],
            memory_usage: f[1],
            memory_total: i[0],
            memory_used: i[1],
            swap_total: i[2],
            swap_used: i[3],
            load: [f[2], f[3], f[4]],
            disk_usage: f[5],
            disk_read_bytes: i[4],
            disk_write_bytes: i[5],
            network_rx_bytes: i[6],
            network_tx_bytes: i[7],
            temperature: f[6],
            gpu_temperature: f[7],
            fan_speeds: [readings.fans[0], readings.fans[1]],
            power_watts: f[8],
            battery_charge: f[9],
            process_count: 187,
            uptime_s: (i[8] / 1_000_000) as f64 / 1e3,
            momentum: Momentum { intensity: f[10], color: "active", rotation_speed: f[11] },
            system_state: "elevated",
        };
        self.bytes.clear();
        serde_json::to_writer(&mut self.bytes, &vitals)?;
        self.bytes.push(b'\n');
        Ok(self.bytes.len())
    }

    fn decode(&self) -> Outcome<f64> {
        Err("only writing is compared".into())
    }
}
