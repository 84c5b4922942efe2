//! What sensors read.

use kymo::protocol::limits::SAMPLES_MAX;
use kymo::protocol::{Sample, Samples, State};

use crate::text::KymoText;
use crate::value::KymoState;

/// What one sensor reads.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoSample {
    /// In the unit of the sensor. NaN where the state says that there is no value.
    pub value: f64,
    /// Of the sensor, within the topology.
    pub id: u32,
    /// What is known about the value.
    pub state: KymoState,
    /// Milliseconds between the reading and the frame.
    pub age_ms: u32,
    /// 0.
    pub reserved: u32,
}

/// What the sensors of a group read, or of a part of one.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoSamples {
    /// Of the catalog that names the sensors: with another one these samples mean nothing.
    pub topology: u32,
    /// From 1 to `parts`.
    pub part: u32,
    /// Frames that the group's samples take.
    pub parts: u32,
    /// Frames of this group and part due to this subscriber that this one replaces.
    pub merged: u32,
    /// The group's name, such as `hwmon`.
    pub group: KymoText,
    /// The samples.
    pub samples: *const KymoSample,
    /// How many there are.
    pub count: usize,
}

/// Where they are told, with room for all that a frame may hold.
#[derive(Debug)]
pub struct SamplesShown {
    samples: Vec<KymoSample>,
    shown: Option<KymoSamples>,
}

impl SamplesShown {
    pub fn new() -> Self {
        Self { samples: Vec::with_capacity(SAMPLES_MAX), shown: None }
    }

    /// Tells a frame, until the next one.
    pub fn show(&mut self, frame: &Samples) -> *const KymoSamples {
        self.samples.clear();
        self.samples.extend(frame.samples.iter().map(sample));
        let of = frame.of();
        self.shown.insert(KymoSamples {
            topology: of.topology,
            part: of.part.into(),
            parts: of.parts.into(),
            merged: frame.merged(),
            group: KymoText::of(of.group.name().as_bytes()),
            samples: self.samples.as_ptr(),
            count: self.samples.len(),
        })
    }
}

fn sample(sample: &Sample) -> KymoSample {
    // What is no number is no value either, whatever its state.
    let (value, state) = match (sample.reading(), sample.state()) {
        (Some(value), state) => (value, state),
        (None, state) if state.has_value() => (f64::NAN, State::Fault),
        (None, state) => (f64::NAN, state),
    };
    let (id, age_ms) = (sample.id.get().into(), sample.age_ms.get());
    KymoSample { value, id, state: state.into(), age_ms, reserved: 0 }
}
