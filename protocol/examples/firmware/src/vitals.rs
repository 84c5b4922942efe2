//! One temperature as a frame, and back. `protocol/tests/firmware.rs` runs this on the host.

use kymo_protocol::{
    Body, Field, Frame, FrameError, Payload, Position, Stamp, State, StreamId, Vitals, emit,
};

/// Bytes of a frame of vitals.
pub const FRAME_SIZE: usize = Vitals::FRAME_SIZE;

/// Writes a frame of vitals of which the temperature was read. The others stay `absent`: what was
/// not read is never 0.
pub fn write(
    frame: &mut [u8; FRAME_SIZE],
    sequence: u64,
    boot_ns: u64,
    celsius: f32,
) -> Result<usize, FrameError> {
    let at = Position { stream: StreamId::VITALS, sequence };
    let (vitals, size) = emit::<Vitals>(frame, at, Stamp { boot_ns })?;
    for field in Field::ALL {
        vitals.set_state(field, State::Absent, 0);
    }
    vitals.temperature.set(celsius);
    vitals.set_state(Field::Temperature, State::Ok, 0);
    Ok(size)
}

/// The temperature that a frame tells.
pub fn temperature(frame: &[u8]) -> Option<f32> {
    let Body::Vitals(vitals) = Frame::parse(frame).ok()?.body else { return None };
    vitals.state(Field::Temperature).has_value().then(|| vitals.temperature.get())
}
