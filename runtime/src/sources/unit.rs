//! One source, and when it is due.

use kymo_platform::clock::Now;
use kymo_platform::{Freshness, Source, SourceSpec};

use crate::lane::{Layout, Shelf};
use crate::limits::{FIRST_FRAME_NS, LOOK_NS};
use crate::sampler::Cost;
use crate::samples::Samples;

/// A source, and when it is due.
#[derive(Debug)]
pub(super) struct Unit {
    pub place: Place,
    pub spec: SourceSpec,
    /// Of one that is read here.
    pub layout: Layout,
    pub sensors: usize,
    pub is_scanned: bool,
    /// A look of the lane said that hardware came or went, and no scan has followed.
    pub is_stale: bool,
    pub is_held: bool,
    pub due_ns: u64,
    pub look_ns: u64,
    /// How long the machine has slept while it was read in the lane.
    pub slept_ns: u64,
    pub cost: Cost,
}

/// Where a source is read.
#[derive(Debug)]
pub(super) enum Place {
    /// In the loop.
    Here(Box<dyn Source>),
    /// In the lane, where it has this number.
    Lane(usize),
}

impl Unit {
    pub fn new(place: Place, spec: SourceSpec) -> Self {
        Self {
            place,
            spec,
            layout: Layout::default(),
            sensors: 0,
            is_scanned: false,
            is_stale: false,
            is_held: false,
            due_ns: 0,
            look_ns: 0,
            slept_ns: 0,
            cost: Cost::default(),
        }
    }

    /// Reads, after a scan where that is due. Where a read says that hardware came or went, scans
    /// and reads once more: the next time is a whole interval away.
    pub fn read(&mut self, index: usize, shelf: &mut Shelf, now: Now, samples: &mut Samples) {
        for _ in 0..2 {
            if !self.is_scanned {
                self.scan(index, shelf, samples);
            }
            let Place::Here(source) = &mut self.place else { return };
            shelf.read(&mut **source, &self.layout);
            let read_at_ns = now.boot_ns.saturating_sub(source.age_ns());
            samples.take_read(index, self.spec.group, shelf.readings(), read_at_ns);
            self.is_scanned = shelf.freshness() == Freshness::Current;
            if self.is_scanned {
                break;
            }
        }
    }

    /// Whether it was found to have no sensor, so that there is nothing to read until a look.
    pub fn is_empty(&self) -> bool {
        self.is_scanned && self.sensors == 0
    }

    pub fn look(&mut self, index: usize, shelf: &mut Shelf, samples: &mut Samples) {
        let Place::Here(source) = &mut self.place else { return };
        if self.sensors == 0 {
            // Some sources notice newcomers only when they are scanned or read.
            self.is_scanned = false;
        } else if source.look() == Freshness::Stale {
            self.scan(index, shelf, samples);
        }
    }

    pub fn scan(&mut self, index: usize, shelf: &mut Shelf, samples: &mut Samples) {
        let Place::Here(source) = &mut self.place else { return };
        self.layout = shelf.scan(&mut **source);
        self.take_scan(index, shelf, samples);
        self.is_scanned = true;
    }

    pub fn take_scan(&mut self, index: usize, shelf: &Shelf, samples: &mut Samples) {
        self.due_ns = due_ns(self.due_ns, &self.spec, &shelf.spec());
        self.spec = shelf.spec();
        // One pending for each, or what the read behind the scan has found.
        self.sensors = shelf.readings().len();
        samples.take_scan(index, &self.spec, shelf.entries(), shelf.omitted());
    }

    pub fn count(&mut self, is_read: bool, took_ns: u64) {
        self.cost.reads += u64::from(is_read);
        self.cost.total_ns += took_ns;
        self.cost.max_ns = self.cost.max_ns.max(took_ns);
    }

    pub fn tell_held(&mut self, index: usize, is_held: bool, samples: &mut Samples) {
        if self.is_held != is_held {
            self.is_held = is_held;
            samples.set_held(index, self.spec.group, is_held);
        }
    }

    /// How soon after a tick another one can have something to do for it.
    pub fn cadence_ns(&self) -> u64 {
        match self.place {
            _ if self.is_empty() && !self.is_stale => LOOK_NS,
            Place::Here(_) if self.is_scanned => self.spec.interval_ns,
            // After a sleep it may be due at any time, and what the lane reads is sent at the tick
            // behind.
            _ => self.spec.interval_ns.min(FIRST_FRAME_NS),
        }
    }

    /// The share of a CPU that it takes when it is read as often as it may. Who waits for a device
    /// takes none.
    #[allow(clippy::cast_precision_loss)] // a share
    pub fn load(&self) -> f32 {
        if matches!(self.place, Place::Lane(_)) {
            return 0.0;
        }
        let mean_ns = self.cost.total_ns as f32 / self.cost.reads.max(1) as f32;
        mean_ns / self.spec.interval_ns.max(1) as f32
    }
}

/// When a source is due after a scan that told how often it may be read; before it was asked, that
/// was not known.
fn due_ns(due_ns: u64, before: &SourceSpec, after: &SourceSpec) -> u64 {
    due_ns.saturating_sub(before.interval_ns).saturating_add(after.interval_ns)
}
