//! A process: `struct proc_taskallinfo`, 232 bytes, of which a user is told for his own processes
//! and root for all.
//!
//! | offset | type | field |
//! |---|---|---|
//! | 4 | u32 | status |
//! | 12 | u32 | number |
//! | 20 | u32 | effective user |
//! | 48 | u8 × 16 | name of the command |
//! | 64 | u8 × 32 | name |
//! | 120, 128 | u64 | seconds and microseconds of its start, on the wall clock of that moment |
//! | 144 | u64 | resident bytes |
//! | 152, 160 | u64 | time as user and as system, in Mach's units, of ended threads too |
//! | 224 | i32 | threads that run |

use super::bytes::{text_at, u32_at, u64_at};

/// Bytes of a record.
pub const SIZE: usize = 232;

// Of `sys/proc.h`.
const STOPPED: u32 = 4;
const ZOMBIE: u32 = 5;

/// What is taken of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessRecord<'r> {
    /// Whom it belongs to.
    pub uid: u32,
    /// As ps has it: nearly every process is "running" to this kernel, so R is for those of which a
    /// thread is.
    pub state: u8,
    /// The longer of its two names that is there.
    pub name: &'r [u8],
    /// Nanoseconds since 1970 when it started, as the wall clock then was.
    pub start_wall_ns: u64,
    /// Bytes in memory.
    pub resident: u64,
    /// On CPUs, in Mach's units.
    pub busy: u64,
}

impl<'r> ProcessRecord<'r> {
    /// Takes a process from its record.
    #[must_use]
    pub fn parse(record: &'r [u8]) -> Option<Self> {
        let name = text_at(record, 64, 32).filter(|name| !name.is_empty());
        let (seconds, micros) = (u64_at(record, 120)?, u64_at(record, 128)?);
        let start_ns = seconds.saturating_mul(1_000_000_000);
        Some(Self {
            uid: u32_at(record, 20)?,
            state: match (u32_at(record, 4)?, u32_at(record, 224)?) {
                (ZOMBIE, _) => b'Z',
                (STOPPED, _) => b'T',
                (_, 0) => b'S',
                _ => b'R',
            },
            name: name.or_else(|| text_at(record, 48, 16))?,
            start_wall_ns: start_ns.saturating_add(micros.saturating_mul(1_000)),
            resident: u64_at(record, 144)?,
            busy: u64_at(record, 152)?.saturating_add(u64_at(record, 160)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_field_is_at_its_place() {
        let mut record = [0xee; SIZE];
        let mut put = |offset: usize, bytes: &[u8]| {
            record[offset..offset + bytes.len()].copy_from_slice(bytes);
            record
        };
        put(4, &2u32.to_ne_bytes());
        put(20, &501u32.to_ne_bytes());
        put(48, b"Google Chrome He");
        put(64, b"Google Chrome Helper (Renderer)\0");
        put(120, &1_700_000_000u64.to_ne_bytes());
        put(128, &250_000u64.to_ne_bytes());
        put(144, &(300u64 << 20).to_ne_bytes());
        put(152, &24_000_000u64.to_ne_bytes());
        put(160, &12_000_000u64.to_ne_bytes());
        let whole = put(224, &1i32.to_ne_bytes());
        let expected = ProcessRecord {
            uid: 501,
            state: b'R',
            name: b"Google Chrome Helper (Renderer)",
            start_wall_ns: 1_700_000_000_250_000_000,
            resident: 300 << 20,
            busy: 36_000_000,
        };
        assert_eq!(ProcessRecord::parse(&whole), Some(expected));
        assert_eq!(ProcessRecord::parse(&whole[..227]), None);
        // Without the longer name the shorter one, which may fill its field.
        let other = put(64, &[0; 32]);
        assert_eq!(ProcessRecord::parse(&other).unwrap().name, b"Google Chrome He");
        for (status, running, state) in [(2u32, 0i32, b'S'), (4, 1, b'T'), (5, 0, b'Z')] {
            put(4, &status.to_ne_bytes());
            let record = put(224, &running.to_ne_bytes());
            assert_eq!(ProcessRecord::parse(&record).unwrap().state, state);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(part in proptest::array::uniform32(any::<u8>()), size in 0..=SIZE) {
            let record = part.repeat(8);
            let parsed = ProcessRecord::parse(&record[..size]);
            prop_assert_eq!(parsed.is_some(), size >= 228);
        }
    }
}
