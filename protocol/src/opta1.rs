//! Version 1: the profile of menu-bar clients that connect, send nothing and read.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | length | bytes that follow: 12 + payload_len |
//! | 4 | u32 | magic | 0x4F505441 |
//! | 8 | u16 | version | 1 |
//! | 10 | u16 | flags | 0 |
//! | 12 | u32 | payload_len | bytes that follow |
//! | 16 | f32 | cpu_usage | % |
//! | 20 | f32 | memory_usage | % |
//! | 24 | u64 | memory_total | bytes |
//! | 32 | u64 | memory_used | bytes |
//! | 40 | f32 | disk_usage | % |
//! | 44 | f32 | temperature | °C |
//! | 48 | f32 | gpu_temperature | °C |
//! | 52 | u64 | timestamp | milliseconds since 1970 |
//! | 60 | f32 | momentum_intensity | 0 to 1 |
//! | 64 | u8 | momentum_color | 0 idle, 1 active, 2 critical |
//! | 65 | f32 | momentum_rotation_speed | relative |
//! | 69 | u8 | system_state | 0 healthy, 1 elevated, 2 critical |
//! | 70 | u8 | process_count | entries that follow, at most 10 |
//! | 71 | … | processes | each: pid u32, name_len u8 (≤ 64), name, cpu f32 (%), memory f32 (MB) |
//! | … | u8 | fan_count | at most 4 |
//! | … | u32 × n | fan_speeds | RPM |
//!
//! Everything is little-endian and packed. Version 1 has no way to say that a value was not read:
//! such a value is 0. The list of processes is empty until kymo streams processes.

use zerocopy::FromBytes;
use zerocopy::little_endian::{F32, U64};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::MAGIC;
use crate::vitals::{Field, Vitals};

/// Bytes before the payload: the length and the header.
const PREFIX_SIZE: usize = 16;
const PROCESSES_MAX: usize = 10;
const NAME_MAX: usize = 64;
const FANS_MAX: usize = 4;

/// Bytes of the largest message a version-1 peer may send.
pub const MESSAGE_MAX: usize =
    PREFIX_SIZE + size_of::<Head>() + 1 + PROCESSES_MAX * (4 + 1 + NAME_MAX + 8) + 1 + 4 * FANS_MAX;

/// Bytes of the largest message that [`encode`] writes: one without processes.
pub const ENCODED_MAX: usize = PREFIX_SIZE + size_of::<Head>() + 2 + 4 * FANS_MAX;

/// The part of a message up to its processes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
#[allow(missing_docs)] // the module's table gives meanings and units
pub struct Head {
    pub cpu_usage: F32,
    pub memory_usage: F32,
    pub memory_total: U64,
    pub memory_used: U64,
    pub disk_usage: F32,
    pub temperature: F32,
    pub gpu_temperature: F32,
    pub timestamp_ms: U64,
    pub momentum_intensity: F32,
    pub momentum_color: u8,
    pub momentum_rotation_speed: F32,
    pub system_state: u8,
}

const _: () = assert!(size_of::<Head>() == 54);
const _: () = assert!(core::mem::offset_of!(Head, timestamp_ms) == 52 - PREFIX_SIZE);
const _: () = assert!(core::mem::offset_of!(Head, system_state) == 69 - PREFIX_SIZE);

/// A process in a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process<'a> {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: &'a str,
    /// Its share of one CPU in %.
    pub cpu: f32,
    /// Its memory in MB.
    pub memory_mb: f32,
}

/// A decoded message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// Everything of fixed size.
    pub head: Head,
    /// Processes, as their sender ordered them.
    pub processes: heapless::Vec<Process<'a>, PROCESSES_MAX>,
    /// Fan speeds in RPM.
    pub fans: heapless::Vec<u32, FANS_MAX>,
}

/// Writes the version-1 message of `vitals` and returns its size.
///
/// # Errors
///
/// [`FrameError::Short`] when `buffer` is smaller than the message; [`ENCODED_MAX`] is enough.
pub fn encode(buffer: &mut [u8], vitals: &Vitals, wall_ns: u64) -> Result<usize, FrameError> {
    let is_read = |field| vitals.state(field).has_value();
    let fan_count = if is_read(Field::FanSpeeds) { usize::from(vitals.fan_count) } else { 0 };
    let fan_count = fan_count.min(FANS_MAX);
    let payload_size = size_of::<Head>() + 2 + 4 * fan_count;
    let message = buffer.get_mut(..PREFIX_SIZE + payload_size).ok_or(FrameError::Short)?;
    let (prefix, payload) = message.split_at_mut(PREFIX_SIZE);
    let payload_len = u32::try_from(payload_size).map_err(|_| FrameError::Length)?;
    prefix[..4].copy_from_slice(&(payload_len + 12).to_le_bytes());
    prefix[4..8].copy_from_slice(&MAGIC.to_le_bytes());
    prefix[8..12].copy_from_slice(&[1, 0, 0, 0]);
    prefix[12..].copy_from_slice(&payload_len.to_le_bytes());

    let (head, rest) = Head::mut_from_prefix(payload).map_err(|_| FrameError::Short)?;
    // The state beside a value has no place here, and some menu bars do not survive a NaN.
    let float = |field, value: F32| {
        if is_read(field) && value.get().is_finite() { value } else { F32::ZERO }
    };
    let integer = |field, value: U64| if is_read(field) { value } else { U64::ZERO };
    let byte = |field, value: u8| if is_read(field) { value } else { 0 };
    *head = Head {
        cpu_usage: float(Field::CpuUsage, vitals.cpu_usage),
        memory_usage: float(Field::MemoryUsage, vitals.memory_usage),
        memory_total: integer(Field::MemoryTotal, vitals.memory_total),
        memory_used: integer(Field::MemoryUsed, vitals.memory_used),
        disk_usage: float(Field::DiskUsage, vitals.disk_usage),
        temperature: float(Field::Temperature, vitals.temperature),
        gpu_temperature: float(Field::GpuTemperature, vitals.gpu_temperature),
        timestamp_ms: (wall_ns / 1_000_000).into(),
        momentum_intensity: float(Field::Momentum, vitals.momentum_intensity),
        momentum_color: byte(Field::Momentum, vitals.momentum_color),
        momentum_rotation_speed: float(Field::Momentum, vitals.momentum_rotation_speed),
        system_state: byte(Field::SystemState, vitals.system_state),
    };
    rest[0] = 0;
    rest[1] = u8::try_from(fan_count).map_err(|_| FrameError::Length)?;
    for (target, fan) in rest[2..].chunks_exact_mut(4).zip(vitals.fans()) {
        target.copy_from_slice(&fan.to_le_bytes());
    }
    Ok(message.len())
}

/// Reads the message at the front of `bytes` and returns it with its size; `None` when more bytes
/// are needed.
///
/// # Errors
///
/// A [`FrameError`] that names the first thing found wrong; the stream is lost then.
pub fn decode(bytes: &[u8]) -> Result<Option<(Message<'_>, usize)>, FrameError> {
    let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX_SIZE>() else {
        return Ok(None);
    };
    let word = |at: usize| {
        prefix[at..].first_chunk().map_or(0, |bytes: &[u8; 4]| u32::from_le_bytes(*bytes))
    };
    if word(4) != MAGIC {
        return Err(FrameError::Magic);
    }
    if prefix[8..10] != [1, 0] {
        return Err(FrameError::Version);
    }
    if prefix[10..12] != [0, 0] {
        return Err(FrameError::Flags);
    }
    let size = usize::try_from(word(0)).map_err(|_| FrameError::Length)?.saturating_add(4);
    if size > MESSAGE_MAX || word(0).checked_sub(12) != Some(word(12)) {
        return Err(FrameError::Length);
    }
    let Some(payload) = bytes.get(PREFIX_SIZE..size) else {
        return Ok(None);
    };
    Ok(Some((decode_payload(payload)?, size)))
}

fn decode_payload(payload: &[u8]) -> Result<Message<'_>, FrameError> {
    let (head, mut rest) = Head::read_from_prefix(payload).map_err(|_| FrameError::Length)?;
    let mut message = Message { head, processes: heapless::Vec::new(), fans: heapless::Vec::new() };
    for _ in 0..take(&mut rest, 1)?[0] {
        let pid = take_u32(&mut rest)?;
        let name_len = usize::from(take(&mut rest, 1)?[0]);
        if name_len > NAME_MAX {
            return Err(FrameError::Value);
        }
        let name = take(&mut rest, name_len)?;
        let name = core::str::from_utf8(name).map_err(|_| FrameError::Value)?;
        let cpu = f32::from_bits(take_u32(&mut rest)?);
        let memory_mb = f32::from_bits(take_u32(&mut rest)?);
        let process = Process { pid, name, cpu, memory_mb };
        message.processes.push(process).map_err(|_| FrameError::Value)?;
    }
    for _ in 0..take(&mut rest, 1)?[0] {
        message.fans.push(take_u32(&mut rest)?).map_err(|_| FrameError::Value)?;
    }
    if rest.is_empty() { Ok(message) } else { Err(FrameError::Length) }
}

fn take<'a>(rest: &mut &'a [u8], size: usize) -> Result<&'a [u8], FrameError> {
    let (taken, left) = rest.split_at_checked(size).ok_or(FrameError::Length)?;
    *rest = left;
    Ok(taken)
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, FrameError> {
    let bytes = take(rest, 4)?.first_chunk().ok_or(FrameError::Length)?;
    Ok(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::StreamId;
    use crate::payload::{Payload, Position, Stamp, emit};
    use crate::state::State;
    use zerocopy::FromZeros;

    fn message(buffer: &mut [u8]) -> usize {
        let mut frame = [0; Vitals::FRAME_SIZE];
        let at = Position { stream: StreamId::VITALS, sequence: 1 };
        let (vitals, _) = emit::<Vitals>(&mut frame, at, Stamp { boot_ns: 1 }).unwrap();
        vitals.cpu_usage.set(25.0);
        vitals.fan_count = 6;
        vitals.fan_speeds = core::array::from_fn(|fan| (1000 + u32::try_from(fan).unwrap()).into());
        encode(buffer, vitals, 1_699_000_000_123_456_789).unwrap()
    }

    #[test]
    fn bytes_are_those_of_the_format() {
        let mut buffer = [0; ENCODED_MAX];
        let size = message(&mut buffer);
        assert_eq!(size, 88);
        assert_eq!(&buffer[..4], &84u32.to_le_bytes());
        assert_eq!(&buffer[4..8], b"ATPO");
        assert_eq!(&buffer[8..16], &[1, 0, 0, 0, 72, 0, 0, 0]);
        assert_eq!(&buffer[16..20], &25f32.to_le_bytes());
        assert_eq!(&buffer[52..60], &1_699_000_000_123u64.to_le_bytes());
        assert_eq!(&buffer[70..76], &[0, 4, 0xE8, 3, 0, 0]);
    }

    #[test]
    fn what_was_not_read_is_zero_whatever_the_bytes_say() {
        let mut vitals = Vitals::new_zeroed();
        vitals.cpu_usage.set(25.0);
        vitals.memory_total.set(7);
        vitals.disk_usage.set(f32::NAN);
        vitals.temperature.set(40.0);
        vitals.system_state = 2;
        vitals.fan_count = 2;
        for field in [Field::CpuUsage, Field::MemoryTotal, Field::SystemState, Field::FanSpeeds] {
            vitals.set_state(field, State::Absent, 0);
        }
        vitals.set_state(Field::Temperature, State::Held, 9000);
        let mut buffer = [0; ENCODED_MAX];
        let size = encode(&mut buffer, &vitals, 0).unwrap();
        let (message, _) = decode(&buffer[..size]).unwrap().unwrap();
        let expected = Head { temperature: 40.0.into(), ..Head::default() };
        assert_eq!((message.head, message.fans.len()), (expected, 0));
    }

    #[test]
    fn what_is_encoded_decodes() {
        let mut buffer = [0; ENCODED_MAX];
        let size = message(&mut buffer);
        for short in 0..size {
            assert_eq!(decode(&buffer[..short]), Ok(None));
        }
        let (message, decoded) = decode(&buffer).unwrap().unwrap();
        assert_eq!(decoded, size);
        assert_eq!(message.head.cpu_usage.get(), 25.0);
        assert_eq!(message.fans, [1000, 1001, 1002, 1003]);
    }

    #[test]
    fn processes_of_other_senders_are_read() {
        let mut bytes = [0u8; 128];
        let tail = b"\x01\x07\0\0\0\x02sh\0\0\xC0\x3F\0\0\x20\x41\0";
        let payload_len = u32::try_from(54 + tail.len()).unwrap();
        bytes[..4].copy_from_slice(&(payload_len + 12).to_le_bytes());
        bytes[4..8].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[8] = 1;
        bytes[12..16].copy_from_slice(&payload_len.to_le_bytes());
        bytes[70..70 + tail.len()].copy_from_slice(tail);
        let (message, _) = decode(&bytes).unwrap().unwrap();
        assert_eq!(
            message.processes.as_slice(),
            [Process { pid: 7, name: "sh", cpu: 1.5, memory_mb: 10.0 }]
        );
        drop(message);
        bytes[70] = 11;
        assert!(decode(&bytes).is_err());
    }
}
