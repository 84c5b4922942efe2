//! The sensors and what they read last, by what they belong to.

use std::collections::BTreeMap;

use kymo_client::{Body, Catalog, Frame, Instrument, Item, Samples, Sensor};

use super::hardware::{self, Hardware};
use super::places::{Core, Disk, FileSystem, Interface, Places};
use super::{NS_PER_MS, Reading};
use crate::rates::Window;

/// The sensors; see the module.
#[derive(Clone, Debug, Default)]
pub struct Sensors {
    catalog: Catalog,
    latest: BTreeMap<u16, Latest>,
    /// Of counters whose growth is shown.
    windows: BTreeMap<u16, Window>,
    places: Places,
    hardware: Vec<Hardware>,
    /// When the newest samples were made, on the boot clock.
    newest_ns: u64,
}

/// A reading, and when its frame was made.
#[derive(Clone, Copy, Debug)]
struct Latest {
    reading: Reading,
    frame_ns: u64,
}

impl Sensors {
    pub(super) fn handle(&mut self, item: &Item<'_>) {
        if self.catalog.handle(item) || matches!(item, Item::Connected(_)) {
            self.begin();
        }
        if let Item::Frame(frame) = item
            && let Body::Samples(samples) = frame.body
        {
            self.handle_samples(frame, samples);
        }
    }

    /// Ids may mean something else now.
    fn begin(&mut self) {
        self.latest.clear();
        self.windows.clear();
        self.places = Places::of(self.catalog.sensors());
        self.hardware = hardware::of(self.catalog.sensors());
        let counters = self.catalog.sensors().iter().filter(|sensor| is_rate_shown(sensor));
        self.windows.extend(counters.map(|sensor| (sensor.id, Window::default())));
    }

    fn handle_samples(&mut self, frame: &Frame<'_>, samples: &Samples) {
        if self.catalog.topology() != Some(samples.of().topology) {
            return;
        }
        let frame_ns = frame.header.timestamp.get();
        for sample in &samples.samples {
            let (id, reading) = (sample.id.get(), Reading::of(sample));
            if self.catalog.sensor(id).is_none() {
                continue;
            }
            if let Some(window) = self.windows.get_mut(&id) {
                window.add(frame_ns.saturating_sub(reading.age_ms * NS_PER_MS), reading.value);
            }
            self.latest.insert(id, Latest { reading, frame_ns });
        }
        self.newest_ns = self.newest_ns.max(frame_ns);
    }

    /// What a sensor read, as old as that was when the newest samples were made.
    pub fn reading(&self, id: u16) -> Reading {
        self.latest.get(&id).map_or(Reading::PENDING, |latest| {
            let older_ns = self.newest_ns.saturating_sub(latest.frame_ns);
            let age_ms = latest.reading.age_ms + older_ns / NS_PER_MS;
            Reading { age_ms, ..latest.reading }
        })
    }

    /// The same of one that may not be there.
    pub fn reading_of(&self, id: Option<u16>) -> Option<Reading> {
        id.map(|id| self.reading(id))
    }

    /// What a counter grows in a second; `None` until that is known.
    pub fn rate(&self, id: Option<u16>) -> Option<f64> {
        self.windows.get(&id?)?.per_second()
    }

    /// What `id` is.
    pub fn sensor(&self, id: u16) -> Option<&Sensor> {
        self.catalog.sensor(id)
    }

    /// Whether it is known what sensors there are.
    pub fn is_known(&self) -> bool {
        self.catalog.topology().is_some()
    }

    /// Sensors that the daemon had no room for.
    pub fn omitted(&self) -> u32 {
        self.catalog.omitted()
    }

    /// Processors, by their numbers.
    pub fn cores(&self) -> &[Core] {
        &self.places.cores
    }

    /// File systems, by where they are mounted.
    pub fn file_systems(&self) -> &[FileSystem] {
        &self.places.file_systems
    }

    /// Disks, by name.
    pub fn disks(&self) -> &[Disk] {
        &self.places.disks
    }

    /// Network interfaces, by name.
    pub fn interfaces(&self) -> &[Interface] {
        &self.places.interfaces
    }

    /// Parts of memory: what for, and its sensor.
    pub fn memory_part(&self, state: &str) -> Option<Reading> {
        let (_, id) = self.places.memory.iter().find(|(name, _)| name == state)?;
        Some(self.reading(*id))
    }

    /// Temperatures, fans, supplies and what else watches hardware, in the order of their use.
    pub fn hardware(&self) -> &[Hardware] {
        &self.hardware
    }
}

fn is_rate_shown(sensor: &Sensor) -> bool {
    let names = ["system.disk.io", "system.disk.io_time", "system.network.io", "hw.energy"];
    sensor.instrument == Instrument::Counter && names.contains(&sensor.name.as_str())
}
