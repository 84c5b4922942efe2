//! What a recorded machine is like at the moment, and how long ago it was told.

use std::collections::BTreeMap;
use std::time::Instant;

use kymo_platform::Ranking;
use kymo_protocol::{Reading, Vitals};

/// A moment of a recording; see the module.
#[derive(Debug)]
pub struct Scene {
    /// When playing began, and at which time of the recording.
    begun: Option<(Instant, u64)>,
    speed: f64,
    /// The last frame of vitals, and when it was made.
    pub vitals: Option<(Vitals, u64)>,
    /// What each sensor read, by its identity.
    pub sensors: BTreeMap<String, Told>,
    /// The last frame of processes, and when they were looked at.
    pub processes: Option<(Ranking, u64)>,
}

/// What a sensor read.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// That, or why there is nothing.
    pub reading: Reading<f64>,
    /// When it was read, in the time of the recording.
    pub read_ns: u64,
}

impl Scene {
    /// Nothing is told yet.
    pub fn new(speed: f64) -> Self {
        Self { begun: None, speed, vitals: None, sensors: BTreeMap::new(), processes: None }
    }

    /// Playing begins at `from_ns` of the recording, unless it has begun.
    /// When that was is what comes back.
    pub fn begin(&mut self, from_ns: u64) -> (Instant, u64) {
        *self.begun.get_or_insert_with(|| (Instant::now(), from_ns))
    }

    /// What time it is in the recording.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub fn now_ns(&self) -> u64 {
        self.begun.map_or(0, |(begun, from_ns)| {
            let played_ns = begun.elapsed().as_nanos() as f64 * self.speed;
            from_ns.saturating_add(played_ns as u64)
        })
    }
}
