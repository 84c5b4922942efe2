//! The same vitals in kymo's encoding and in others: number, time, every value, state and age.

pub mod flat;
pub mod json;
pub mod kymo;
pub mod plain;

use kymo_benches::Outcome;
use kymo_benches::sample::Readings;

/// What one encoding can do. Buffers are its own, and used again.
pub trait Codec {
    /// With its version.
    fn name(&self) -> &'static str;

    /// Writes a frame of these readings; how many bytes it has.
    ///
    /// # Errors
    ///
    /// When there is no room.
    fn encode(&mut self, readings: &Readings, sequence: u64, boot_ns: u64) -> Outcome<usize>;

    /// Checks what was last written, reads every value of it, and adds them up.
    ///
    /// # Errors
    ///
    /// When it is not good.
    fn decode(&self) -> Outcome<f64>;
}

/// All of frames, kymo's first.
#[must_use]
pub fn frames() -> Vec<Box<dyn Codec>> {
    vec![
        Box::new(kymo::Binary::default()),
        Box::new(plain::Postcard::default()),
        Box::new(plain::Bincode::default()),
        Box::new(plain::Rkyv::default()),
        Box::new(flat::Flatbuffers::default()),
    ]
}

/// All of text, kymo's first.
#[must_use]
pub fn texts() -> Vec<Box<dyn Codec>> {
    vec![Box::new(kymo::Line::default()), Box::new(json::SerdeJson::default())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_frames_hold_the_same() {
        let readings = Readings::default();
        let mut sums = Vec::new();
        for mut codec in frames() {
            let size = codec.encode(&readings, 7, 1_003_000_000).unwrap();
            assert!(size > 100, "{}", codec.name());
            sums.push(codec.decode().unwrap());
            // Another reading is another sum: nothing is left out, and nothing kept.
            let mut other = readings;
            other.integers[7] += 1_000_000;
            other.fans[1] += 7;
            codec.encode(&other, 7, 1_003_000_000).unwrap();
            let more = codec.decode().unwrap() - sums[sums.len() - 1];
            assert!((more - 1_000_007.0).abs() < 0.1, "{}: {more}", codec.name());
        }
        assert!(sums.windows(2).all(|two| (two[0] - two[1]).abs() < 1.0), "{sums:?}");
    }
}
