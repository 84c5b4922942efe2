//! Encodings that are derived from a struct: postcard, bincode, rkyv.

use kymo_benches::Outcome;
use kymo_benches::sample::Readings;
use kymo_protocol::{Color, Field, State, SystemState};
use rkyv::util::AlignedVec;
use serde::{Deserialize, Serialize};

use super::Codec;

const FIELD_COUNT: usize = Field::ALL.len();

/// What a vitals frame holds.
#[derive(
    Clone,
    Debug,
    Serialize,
    Deserialize,
    bincode::Encode,
    bincode::Decode,
    rkyv::Archive,
    rkyv::Serialize,
)]
#[allow(missing_docs)] // the frame's own table says what each is
pub struct Plain {
    pub sequence: u64,
    pub boot_ns: u64,
    pub floats: [f32; 12],
    pub integers: [u64; 9],
    pub fans: [u32; 8],
    pub fan_count: u8,
    pub process_count: u32,
    pub color: u8,
    pub verdict: u8,
    pub states: [u8; FIELD_COUNT],
    pub ages_ms: [u32; FIELD_COUNT],
}

impl Plain {
    /// From readings, as the sampler would.
    #[must_use]
    pub fn new(readings: &Readings, sequence: u64, boot_ns: u64) -> Self {
        let age = |read_at: u64| {
            u32::try_from(boot_ns.saturating_sub(read_at) / 1_000_000).unwrap_or(u32::MAX)
        };
        Self {
            sequence,
            boot_ns,
            floats: readings.floats,
            integers: readings.integers,
            fans: readings.fans,
            fan_count: 2,
            process_count: 187,
            color: Color::Active as u8,
            verdict: SystemState::Elevated as u8,
            states: [State::Ok as u8; FIELD_COUNT],
            ages_ms: readings.read_at.map(age),
        }
    }

    /// The sum of everything.
    #[must_use]
    pub fn sum(&self) -> f64 {
        let mut whole: u64 = self.integers.iter().sum::<u64>() + self.sequence + self.boot_ns;
        whole += self.fans.iter().map(|fan| u64::from(*fan)).sum::<u64>();
        whole += u64::from(self.process_count) + u64::from(self.fan_count);
        whole += u64::from(self.color) + u64::from(self.verdict);
        whole += self.states.iter().map(|state| u64::from(*state)).sum::<u64>();
        whole += self.ages_ms.iter().map(|age| u64::from(*age)).sum::<u64>();
        whole as f64 + self.floats.iter().map(|value| f64::from(*value)).sum::<f64>()
    }
}

/// postcard, into a slice.
#[derive(Debug)]
pub struct Postcard {
    bytes: [u8; 512],
    size: usize,
}

impl Default for Postcard {
    fn default() -> Self {
        Self { bytes: [0; 512], size: 0 }
    }
}

impl Codec for Postcard {
    fn name(&self) -> &'static str {
        "postcard 1.1"
    }

    fn encode(&mut self, readings: &Readings, sequence: u64, boot_ns: u64) -> Outcome<usize> {
        let plain = Plain::new(readings, sequence, boot_ns);
        self.size = postcard::to_slice(&plain, &mut self.bytes)?.len();
        Ok(self.size)
    }

    fn decode(&self) -> Outcome<f64> {
        Ok(postcard::from_bytes::<Plain>(&self.bytes[..self.size])?.sum())
    }
}

/// bincode with integers of fixed size, the quicker of its two ways, into a slice.
#[derive(Debug)]
pub struct Bincode {
    bytes: [u8; 512],
    size: usize,
}

impl Default for Bincode {
    fn default() -> Self {
        Self { bytes: [0; 512], size: 0 }
    }
}

impl Codec for Bincode {
    fn name(&self) -> &'static str {
        "bincode 2.0"
    }

    fn encode(&mut self, readings: &Readings, sequence: u64, boot_ns: u64) -> Outcome<usize> {
        let plain = Plain::new(readings, sequence, boot_ns);
        let config = bincode::config::legacy();
        self.size = bincode::encode_into_slice(plain, &mut self.bytes, config)?;
        Ok(self.size)
    }

    fn decode(&self) -> Outcome<f64> {
        let bytes = &self.bytes[..self.size];
        let (plain, _) = bincode::decode_from_slice::<Plain, _>(bytes, bincode::config::legacy())?;
        Ok(plain.sum())
    }
}

/// rkyv, read in place after its check.
#[derive(Debug, Default)]
pub struct Rkyv {
    bytes: AlignedVec,
}

impl Codec for Rkyv {
    fn name(&self) -> &'static str {
        "rkyv 0.8"
    }

    fn encode(&mut self, readings: &Readings, sequence: u64, boot_ns: u64) -> Outcome<usize> {
        let plain = Plain::new(readings, sequence, boot_ns);
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.bytes = rkyv::api::high::to_bytes_in::<_, rkyv::rancor::BoxedError>(&plain, bytes)?;
        Ok(self.bytes.len())
    }

    fn decode(&self) -> Outcome<f64> {
        let v = rkyv::access::<ArchivedPlain, rkyv::rancor::BoxedError>(&self.bytes)?;
        let mut whole = v.sequence.to_native() + v.boot_ns.to_native();
        whole += v.integers.iter().map(|value| value.to_native()).sum::<u64>();
        whole += v.fans.iter().map(|fan| u64::from(fan.to_native())).sum::<u64>();
        whole += u64::from(v.process_count.to_native()) + u64::from(v.fan_count);
        whole += u64::from(v.color) + u64::from(v.verdict);
        whole += v.states.iter().map(|state| u64::from(*state)).sum::<u64>();
        whole += v.ages_ms.iter().map(|age| u64::from(age.to_native())).sum::<u64>();
        Ok(whole as f64 + v.floats.iter().map(|value| f64::from(value.to_native())).sum::<f64>())
    }
}
