//! The numbers of an event: only those it has take up bytes.
//!
//! | bit | name | type | unit |
//! |---|---|---|---|
//! | 0 | session_id | u64 | |
//! | 1 | segments | u64 | |
//! | 2 | words | u64 | |
//! | 3 | retry_count | u64 | |
//! | 4 | wpm | f64 | words per minute |
//! | 5 | duration_s | f64 | s |
//! | 6 | latency_ms | f64 | ms |
//! | 7 | gpu_memory_mb | f64 | MB |
//! | 8 | gpu_memory_percent | f64 | % |
//! | 9 | cpu_percent | f64 | % |

use crate::frame_error::FrameError;

/// Which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Number {
    /// The session an event belongs to.
    SessionId = 0,
    /// Pieces of speech in the session.
    Segments = 1,
    /// Words.
    Words = 2,
    /// How often a notification was tried before.
    RetryCount = 3,
    /// Words per minute.
    Wpm = 4,
    /// Length of the session.
    DurationS = 5,
    /// Time from speech to text.
    LatencyMs = 6,
    /// Memory of the graphics processor in use.
    GpuMemoryMb = 7,
    /// The same as a share.
    GpuMemoryPercent = 8,
    /// Share of the processors in use.
    CpuPercent = 9,
}

/// A number as it is carried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NumberValue {
    /// A count or an identity.
    Integer(u64),
    /// A measure; finite.
    Float(f64),
}

impl Number {
    /// Every number, in the order of its bit.
    pub const ALL: [Self; 10] = [
        Self::SessionId,
        Self::Segments,
        Self::Words,
        Self::RetryCount,
        Self::Wpm,
        Self::DurationS,
        Self::LatencyMs,
        Self::GpuMemoryMb,
        Self::GpuMemoryPercent,
        Self::CpuPercent,
    ];

    /// Its key in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionId => "session_id",
            Self::Segments => "segments",
            Self::Words => "words",
            Self::RetryCount => "retry_count",
            Self::Wpm => "wpm",
            Self::DurationS => "duration_s",
            Self::LatencyMs => "latency_ms",
            Self::GpuMemoryMb => "gpu_memory_mb",
            Self::GpuMemoryPercent => "gpu_memory_percent",
            Self::CpuPercent => "cpu_percent",
        }
    }

    /// Whether it counts or identifies; the others measure.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        (self as u8) < Self::Wpm as u8
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// The numbers of an event that is being made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numbers {
    present: u16,
    /// As their bits.
    values: [u64; Number::ALL.len()],
}

impl Numbers {
    /// Sets a number. Nothing is set when the value is of the other type, or not finite.
    pub fn set(&mut self, number: Number, value: NumberValue) {
        let bits = match value {
            NumberValue::Integer(value) if number.is_integer() => value,
            NumberValue::Float(value) if !number.is_integer() && value.is_finite() => {
                value.to_bits()
            }
            _ => return,
        };
        self.values[number as usize] = bits;
        self.present |= number.bit();
    }

    /// Whether a number is set.
    #[must_use]
    pub const fn has(&self, number: Number) -> bool {
        self.present & number.bit() != 0
    }

    /// The bits of those that are set.
    #[must_use]
    pub const fn present(&self) -> u16 {
        self.present
    }

    /// Writes those that are set and returns their size.
    pub(crate) fn write(&self, buffer: &mut [u8]) -> Result<usize, FrameError> {
        let mut size = 0;
        // Most events have none.
        if self.present == 0 {
            return Ok(size);
        }
        for number in Number::ALL.into_iter().filter(|number| self.has(*number)) {
            let target = buffer.get_mut(size..size + 8).ok_or(FrameError::Short)?;
            target.copy_from_slice(&self.values[number as usize].to_le_bytes());
            size += 8;
        }
        Ok(size)
    }

    /// One of the numbers whose bits are `present` and which stand at the front of `bytes`.
    pub(crate) fn read(present: u16, bytes: &[u8], number: Number) -> Option<NumberValue> {
        if present & number.bit() == 0 {
            return None;
        }
        let before = (present & (number.bit() - 1)).count_ones() as usize;
        let bits = u64::from_le_bytes(*bytes.get(8 * before..)?.first_chunk()?);
        Some(if number.is_integer() {
            NumberValue::Integer(bits)
        } else {
            NumberValue::Float(f64::from_bits(bits))
        })
    }

    /// Whether none but those of `allowed` are there, and the measures finite.
    pub(crate) fn check(present: u16, bytes: &[u8], allowed: &[Number]) -> bool {
        // Most events have none.
        if present == 0 {
            return true;
        }
        let allowed = allowed.iter().fold(0, |bits, number| bits | number.bit());
        present & !allowed == 0
            && Number::ALL.into_iter().all(|number| match Self::read(present, bytes, number) {
                Some(NumberValue::Float(value)) => value.is_finite(),
                _ => true,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_specification() {
        let mut numbers = Numbers::default();
        numbers.set(Number::CpuPercent, NumberValue::Float(23.1));
        numbers.set(Number::Words, NumberValue::Integer(0x0102));
        numbers.set(Number::Wpm, NumberValue::Float(-0.0));
        assert_eq!(numbers.present(), 0b10_0001_0100);
        let mut bytes = [0xFF; 24];
        assert_eq!(numbers.write(&mut bytes), Ok(24));
        assert_eq!(&bytes[..8], [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[8..16], [0, 0, 0, 0, 0, 0, 0, 0x80]);
        assert_eq!(bytes[16..], 23.1f64.to_le_bytes());
        let read = |number| Numbers::read(numbers.present(), &bytes, number);
        assert_eq!(read(Number::Words), Some(NumberValue::Integer(0x0102)));
        assert_eq!(read(Number::CpuPercent), Some(NumberValue::Float(23.1)));
        assert_eq!(read(Number::SessionId), None);
        assert_eq!(numbers.write(&mut bytes[..23]), Err(FrameError::Short));
    }

    #[test]
    fn nothing_is_set_that_can_not_be() {
        let mut numbers = Numbers::default();
        numbers.set(Number::Words, NumberValue::Float(1.0));
        numbers.set(Number::Wpm, NumberValue::Integer(1));
        numbers.set(Number::Wpm, NumberValue::Float(f64::NAN));
        numbers.set(Number::Wpm, NumberValue::Float(f64::INFINITY));
        assert_eq!(numbers, Numbers::default());
    }

    #[test]
    fn unknown_and_infinite_numbers_are_refused() {
        let bytes = f64::INFINITY.to_le_bytes();
        assert!(!Numbers::check(Number::Wpm.bit(), &bytes, &Number::ALL));
        assert!(Numbers::check(Number::Words.bit(), &bytes, &Number::ALL));
        assert!(!Numbers::check(Number::Words.bit(), &bytes, &[Number::Segments]));
        assert!(!Numbers::check(1 << 10, &bytes, &Number::ALL));
    }
}
