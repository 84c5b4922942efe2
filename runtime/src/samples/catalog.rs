//! What sensors there are, and what each of them last read.
//!
//! Sensors come in *units*: those of one source, always replaced together. A unit that is scanned
//! again and has not changed keeps its readings, and nobody is told. Nothing allocates after
//! [`Catalog::new`].

use kymo_platform::SourceSpec;
use kymo_protocol::limits::SENSOR_BYTES_MAX;
use kymo_protocol::{Group, NoData, Reading, Sample, Sensor, State};

use super::ids::{Ids, hash};
use crate::buffer::Buffer;
use crate::limits::{CATALOG_SIZE_MAX, SENSORS_MAX};

const MS: u64 = 1_000_000;

/// The sensors; see the module.
#[derive(Debug)]
pub struct Catalog {
    units: Vec<Unit>,
    /// Entries as they stand in frames, back to back.
    entries: Buffer,
    entries_size: usize,
    ids: Ids,
    /// Ids and readings, in the order of the entries.
    sensors: Vec<(u16, Reading<f64>)>,
    is_changed: bool,
}

/// The sensors of one source.
#[derive(Clone, Copy, Debug, Default)]
struct Unit {
    group: Option<Group>,
    /// Of its sensors.
    first: usize,
    count: usize,
    /// Of its entries.
    start: usize,
    size: usize,
    /// Sensors that its source left out.
    omitted: u32,
    /// Sensors that found no place here.
    unplaced: u32,
    /// Tells one scan from another.
    print: u64,
    read_at_ns: u64,
    /// Whether its source does not answer now.
    is_held: bool,
}

impl Catalog {
    /// Room for the sensors of `units` sources.
    pub fn new(units: usize) -> Self {
        Self {
            units: vec![Unit::default(); units],
            entries: Buffer::new(CATALOG_SIZE_MAX),
            entries_size: 0,
            ids: Ids::new(),
            sensors: Vec::with_capacity(SENSORS_MAX),
            // Also that there are none is told once.
            is_changed: true,
        }
    }

    /// Whether sensors came or went since this was asked before.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// How many sensors there are.
    pub fn len(&self) -> usize {
        self.sensors.len()
    }

    /// How many there are that found no place.
    pub fn omitted(&self) -> u32 {
        let of = |unit: &Unit| unit.omitted.saturating_add(unit.unplaced);
        self.units.iter().fold(0, |sum, unit| sum.saturating_add(of(unit)))
    }

    /// Every sensor's entry, in order.
    pub fn entries(&self) -> impl Iterator<Item = &Sensor> {
        walk(&self.entries[..self.entries_size])
    }

    /// Takes in what a scan has found: `entries` back to back, with any id, of which `omitted` more
    /// were left out.
    pub fn take_scan(&mut self, unit: usize, spec: &SourceSpec, entries: &[u8], omitted: u32) {
        let print = hash(entries);
        let Some(known) = self.units.get_mut(unit) else { return };
        if known.group == Some(spec.group) && known.print == print {
            self.is_changed |= known.omitted != omitted;
            known.omitted = omitted;
            return;
        }
        let before = self.remove(unit);
        let (first, start) = (self.sensors.len(), self.entries_size);
        let mut unplaced = 0;
        for sensor in walk(entries) {
            // Readings come in this order: behind one without a place there is none.
            if unplaced > 0 || !self.push(sensor) {
                unplaced += 1;
            }
        }
        self.units[unit] = Unit {
            group: Some(spec.group),
            first,
            count: self.sensors.len() - first,
            start,
            size: self.entries_size - start,
            omitted,
            unplaced,
            print,
            ..Unit::default()
        };
        // A source that had no sensor and has none is no news.
        let told = |unit: &Unit| unit.count > 0 || unit.omitted > 0 || unit.unplaced > 0;
        self.is_changed |= told(&before) || told(&self.units[unit]);
    }

    fn push(&mut self, sensor: &Sensor) -> bool {
        let Some(id) = self.id(sensor.identity()) else { return false };
        let bytes = sensor.bytes();
        let place = self.entries_size..self.entries_size + bytes.len();
        let is_room = self.sensors.len() < SENSORS_MAX && place.end <= CATALOG_SIZE_MAX;
        debug_assert!(bytes.len() <= SENSOR_BYTES_MAX);
        if is_room {
            let target = &mut self.entries[place.clone()];
            target.copy_from_slice(bytes);
            Sensor::set_id(target, id);
            self.entries_size = place.end;
            self.sensors.push((id, Err(NoData::Pending)));
        }
        is_room
    }

    fn id(&mut self, identity: &str) -> Option<u16> {
        self.ids.of(identity).or_else(|| {
            let mut used = [0; SENSORS_MAX];
            for (place, (id, _)) in used.iter_mut().zip(&self.sensors) {
                *place = *id;
            }
            self.ids.forget(&used[..self.sensors.len()]);
            self.ids.of(identity)
        })
    }

    fn remove(&mut self, unit: usize) -> Unit {
        let gone = std::mem::take(&mut self.units[unit]);
        self.sensors.drain(gone.first..gone.first + gone.count);
        self.entries.copy_within(gone.start + gone.size..self.entries_size, gone.start);
        self.entries_size -= gone.size;
        for other in &mut self.units {
            if other.first > gone.first {
                other.first -= gone.count;
                other.start -= gone.size;
            }
        }
        gone
    }

    /// Takes in what a source has read at `read_at_ns` on the boot clock, in the order of its scan.
    pub fn take_read(&mut self, unit: usize, readings: &[Reading<f64>], read_at_ns: u64) {
        let Some(known) = self.units.get_mut(unit) else { return };
        (known.read_at_ns, known.is_held) = (read_at_ns, false);
        let sensors = self.sensors.get_mut(known.first..known.first + known.count);
        for ((_, reading), new) in sensors.unwrap_or_default().iter_mut().zip(readings) {
            *reading = *new;
        }
    }

    /// Says whether the source of a unit answers: while it doesn't, its values are those it had.
    pub fn set_held(&mut self, unit: usize, is_held: bool) {
        if let Some(known) = self.units.get_mut(unit) {
            known.is_held = is_held;
        }
    }

    /// Sensors of a group.
    pub fn count(&self, group: Group) -> usize {
        self.of(group).map(|unit| unit.count).sum()
    }

    fn of(&self, group: Group) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(move |unit| unit.group == Some(group))
    }

    /// Writes the samples of a group from the `skip`-th on, as they are at `frame_ns`.
    pub fn fill(&self, group: Group, skip: usize, samples: &mut [Sample], frame_ns: u64) {
        let all = self.of(group).flat_map(|unit| {
            let sensors = self.sensors.get(unit.first..unit.first + unit.count);
            sensors.unwrap_or_default().iter().map(move |sensor| (unit, sensor))
        });
        for (sample, (unit, (id, reading))) in samples.iter_mut().zip(all.skip(skip)) {
            set(sample, *id, *reading, unit, frame_ns);
        }
    }

    /// Every sensor with its sample as it is at `frame_ns`.
    pub fn sampled(&self, frame_ns: u64) -> impl Iterator<Item = (&Sensor, Sample)> {
        self.entries().zip(&self.sensors).enumerate().map(
            move |(index, (sensor, (id, reading)))| {
                let is_in = |unit: &&Unit| (unit.first..unit.first + unit.count).contains(&index);
                let mut sample = Sample::default();
                let unit = self.units.iter().find(is_in).copied().unwrap_or_default();
                set(&mut sample, *id, *reading, &unit, frame_ns);
                (sensor, sample)
            },
        )
    }
}

fn set(sample: &mut Sample, id: u16, reading: Reading<f64>, unit: &Unit, frame_ns: u64) {
    let state = match reading {
        Ok(_) if unit.is_held => State::Held,
        Ok(_) => State::Ok,
        Err(reason) => reason.into(),
    };
    let age_ms = frame_ns.saturating_sub(unit.read_at_ns) / MS;
    let age_ms = if state.has_value() { u32::try_from(age_ms).unwrap_or(u32::MAX) } else { 0 };
    sample.set(id, state, age_ms, reading.unwrap_or(0.0));
}

/// Entries that lie back to back.
fn walk(mut bytes: &[u8]) -> impl Iterator<Item = &Sensor> {
    std::iter::from_fn(move || {
        let (sensor, rest) = Sensor::first(bytes)?;
        bytes = rest;
        Some(sensor)
    })
}
