//! A vitals frame as a busy machine gives it: what is encoded, and what the floors send.

use kymo_protocol::{
    Color, Field, FrameError, Payload, Position, Stamp, State, StreamId, SystemState, Vitals, emit,
};

/// Bytes of the frame.
pub const FRAME_SIZE: usize = Vitals::FRAME_SIZE;

/// Readings to encode: what the sampler holds between two ticks.
#[derive(Clone, Copy, Debug)]
pub struct Readings {
    /// Numbers for the fields in percent, °C and the like.
    pub floats: [f32; 12],
    /// Numbers for the fields in bytes and the like.
    pub integers: [u64; 9],
    /// Revolutions.
    pub fans: [u32; 8],
    /// When each was read, on the boot clock.
    pub read_at: [u64; Field::ALL.len()],
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            floats: [37.4, 62.5, 0.52, 0.58, 0.59, 71.3, 54.25, 48.0, 23.7, 88.0, 0.374, 1.122],
            integers: [
                16_777_216_000,
                10_485_760_000,
                2_147_483_648,
                1_048_576,
                91_234_567_890,
                45_678_901_234,
                9_876_543_210,
                1_234_567_890,
                86_400_123_456_789,
            ],
            fans: [1180, 1220, 0, 0, 0, 0, 0, 0],
            read_at: [1_000_000_000; Field::ALL.len()],
        }
    }
}

/// Writes a whole frame: every value, its state and its age, as the sampler does.
///
/// # Errors
///
/// When `buffer` is too small.
pub fn encode(
    buffer: &mut [u8],
    readings: &Readings,
    sequence: u64,
    boot_ns: u64,
) -> Result<usize, FrameError> {
    let at = Position { stream: StreamId::VITALS, sequence };
    let (v, size) = emit::<Vitals>(buffer, at, Stamp { boot_ns })?;
    for (field, read_at) in Field::ALL.into_iter().zip(readings.read_at) {
        let age_ms = boot_ns.saturating_sub(read_at) / 1_000_000;
        v.set_state(field, State::Ok, u32::try_from(age_ms).unwrap_or(u32::MAX));
    }
    let f = &readings.floats;
    v.cpu_usage.set(f[0]);
    v.memory_usage.set(f[1]);
    v.load = [f[2].into(), f[3].into(), f[4].into()];
    v.disk_usage.set(f[5]);
    v.temperature.set(f[6]);
    v.gpu_temperature.set(f[7]);
    v.power_watts.set(f[8]);
    v.battery_charge.set(f[9]);
    v.momentum_intensity.set(f[10]);
    v.momentum_rotation_speed.set(f[11]);
    let i = &readings.integers;
    v.memory_total.set(i[0]);
    v.memory_used.set(i[1]);
    v.swap_total.set(i[2]);
    v.swap_used.set(i[3]);
    v.disk_read_bytes.set(i[4]);
    v.disk_write_bytes.set(i[5]);
    v.network_rx_bytes.set(i[6]);
    v.network_tx_bytes.set(i[7]);
    v.uptime_ns.set(i[8]);
    v.fan_speeds = readings.fans.map(Into::into);
    v.fan_count = 2;
    v.process_count.set(187);
    v.momentum_color = Color::Active as u8;
    v.system_state = SystemState::Elevated as u8;
    Ok(size)
}

/// The frame of [`Readings::default`], for the floors.
///
/// # Errors
///
/// Never in fact.
pub fn frame() -> Result<[u8; FRAME_SIZE], FrameError> {
    let mut bytes = [0; FRAME_SIZE];
    encode(&mut bytes, &Readings::default(), 1, 1_000_000_000)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Body, Frame};

    #[test]
    fn the_frame_is_a_good_one() {
        let bytes = frame().unwrap();
        let frame = Frame::parse(&bytes).unwrap();
        let Body::Vitals(vitals) = frame.body else { panic!("kind") };
        assert!(Field::ALL.iter().all(|field| vitals.state(*field) == State::Ok));
        assert_eq!(vitals.fans().count(), 2);
    }
}
