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

    /// What a source has read last, by its sensors, when that was, and whether it does not answer.
    pub fn unit(&self, unit: usize) -> (impl Iterator<Item = (&Sensor, Reading<f64>)>, u64, bool) {
        let known = self.units.get(unit).copied().unwrap_or_default();
        let entries = self.entries.get(known.start..known.start + known.size);
        let sensors = self.sensors.get(known.first..known.first + known.count);
        let readings = sensors.unwrap_or_default().iter().map(|(_, reading)| *reading);
        (walk(entries.unwrap_or_default()).zip(readings), known.read_at_ns, known.is_held)
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

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Cost, METRICS, SensorFields};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn spec(group: Group) -> SourceSpec {
        let (name, interval_ns, cadence_ms, cost) = ("", MS, 0, Cost::Cheap);
        SourceSpec { name, group, interval_ns, cadence_ms, cost, may_block: false, is_vital: false }
    }

    fn entries(identities: &[String]) -> Vec<u8> {
        let mut bytes = vec![0; identities.len() * 256];
        let mut size = 0;
        for identity in identities {
            size += SensorFields::new(1, &METRICS[0], identity).write(&mut bytes[size..]).unwrap();
        }
        bytes.truncate(size);
        bytes
    }

    fn names(prefix: &str, numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
        numbers.into_iter().map(|number| format!("{prefix}/{number}")).collect()
    }

    /// Every sensor's identity and id.
    fn ids(catalog: &Catalog) -> BTreeMap<String, u16> {
        catalog.entries().map(|sensor| (sensor.identity().to_string(), sensor.id())).collect()
    }

    fn values(catalog: &Catalog, frame_ns: u64) -> BTreeMap<String, (State, Option<f64>)> {
        let sampled = catalog.sampled(frame_ns);
        let value = |sample: Sample| (sample.state(), sample.reading());
        sampled.map(|(sensor, sample)| (sensor.identity().to_string(), value(sample))).collect()
    }

    #[test]
    fn what_has_not_changed_is_no_news() {
        let mut catalog = Catalog::new(3);
        assert!(catalog.take_changed(), "that there is none is told once");
        catalog.take_scan(0, &spec(Group::Cpu), &[], 0);
        assert!(!catalog.take_changed(), "and not again");
        let some = entries(&names("cpu", 0..3));
        catalog.take_scan(0, &spec(Group::Cpu), &some, 0);
        assert!(catalog.take_changed() && !catalog.take_changed());
        catalog.take_read(0, &[Ok(1.0), Ok(2.0), Err(NoData::Denied)], 5 * MS);
        let before = values(&catalog, 9 * MS);
        catalog.take_scan(0, &spec(Group::Cpu), &some, 0);
        assert!(!catalog.take_changed());
        assert_eq!(values(&catalog, 9 * MS), before, "its readings stay");
        catalog.take_scan(0, &spec(Group::Cpu), &some, 4);
        assert!(catalog.take_changed() && catalog.omitted() == 4);
        // Another place for the same sensors is another catalog.
        catalog.take_scan(0, &spec(Group::Power), &some, 4);
        assert!(catalog.take_changed());
        assert_eq!((catalog.count(Group::Cpu), catalog.count(Group::Power)), (0, 3));
        // A source that is not known is nobody's.
        catalog.take_scan(3, &spec(Group::Cpu), &some, 9);
        catalog.take_read(3, &[Ok(1.0)], 0);
        assert!(!catalog.take_changed() && catalog.len() == 3);
    }

    #[test]
    fn who_comes_back_is_who_it_was_and_the_others_stay() {
        let mut catalog = Catalog::new(3);
        let all: Vec<_> = ["a", "b", "c"].map(|name| names(name, 0..4)).into_iter().collect();
        for (unit, names) in all.iter().enumerate() {
            catalog.take_scan(unit, &spec(Group::Hwmon), &entries(names), 0);
            let readings: Vec<_> = (0..4).map(|n| Ok(f64::from(n) + 0.5)).collect();
            catalog.take_read(unit, &readings, MS);
        }
        let before = ids(&catalog);
        let fewer = [all[1][0].clone(), all[1][3].clone()];
        catalog.take_scan(1, &spec(Group::Hwmon), &entries(&fewer), 0);
        for (identity, value) in values(&catalog, 2 * MS) {
            let expected = match identity.split_once('/') {
                Some(("b", _)) => (State::Pending, None),
                Some((_, number)) => (State::Ok, Some(number.parse::<f64>().unwrap() + 0.5)),
                None => panic!("{identity}"),
            };
            assert_eq!(value, expected, "{identity}");
        }
        catalog.take_scan(1, &spec(Group::Hwmon), &entries(&all[1]), 0);
        assert_eq!(ids(&catalog), before);
    }

    #[test]
    fn a_full_table_leaves_the_last_ones_out_and_keeps_readings_in_their_places() {
        let mut catalog = Catalog::new(3);
        catalog.take_scan(0, &spec(Group::Cpu), &entries(&names("cpu", 0..4000)), 0);
        let many = entries(&names("disk", 0..200));
        catalog.take_scan(1, &spec(Group::Disk), &many, 1);
        assert_eq!((catalog.len(), catalog.count(Group::Disk)), (SENSORS_MAX, 96));
        assert_eq!(catalog.omitted(), 105);
        assert!(catalog.take_changed());
        catalog.take_scan(1, &spec(Group::Disk), &many, 1);
        assert!(!catalog.take_changed(), "the same again");
        assert_eq!(catalog.omitted(), 105);
        let readings: Vec<_> = (0..200).map(|n| Ok(f64::from(n))).collect();
        catalog.take_read(1, &readings, MS);
        for (identity, value) in values(&catalog, MS) {
            if let Some(number) = identity.strip_prefix("disk/") {
                assert_eq!(value, (State::Ok, number.parse().ok()), "{identity}");
            }
        }
        catalog.take_scan(0, &spec(Group::Cpu), &entries(&names("cpu", 0..3)), 0);
        assert_eq!(values(&catalog, MS)["disk/95"], (State::Ok, Some(95.0)));
    }

    #[test]
    fn ages_are_rounded_down_and_held_values_are_the_last_ones() {
        let mut catalog = Catalog::new(1);
        catalog.take_scan(0, &spec(Group::Cpu), &entries(&names("cpu", 0..2)), 0);
        let mut samples = [Sample::default(); 2];
        let mut fill = |catalog: &Catalog, frame_ns| {
            catalog.fill(Group::Cpu, 0, &mut samples, frame_ns);
            samples.map(|sample| (sample.state(), sample.age_ms.get(), sample.value.get()))
        };
        catalog.take_read(0, &[Ok(7.0), Err(NoData::Asleep)], 1000 * MS);
        let asleep = (State::Asleep, 0, 0.0);
        assert_eq!(fill(&catalog, 1003 * MS - 1), [(State::Ok, 2, 7.0), asleep]);
        catalog.set_held(0, true);
        assert_eq!(fill(&catalog, 5000 * MS), [(State::Held, 4000, 7.0), asleep]);
        // A frame is not older than what stands in it, whatever the clock says.
        assert_eq!(fill(&catalog, 1)[0].1, 0);
        assert_eq!(fill(&catalog, u64::MAX)[0].1, u32::MAX);
        catalog.take_read(0, &[Ok(8.0), Ok(9.0)], 5000 * MS);
        assert_eq!(fill(&catalog, 5000 * MS).map(|sample| sample.0), [State::Ok; 2]);
    }

    /// What a source last said: of each sensor its identity, and what it reads.
    type Told = Vec<(String, Reading<f64>)>;

    proptest! {
        #[test]
        fn it_is_what_a_naive_table_is(
            steps in proptest::collection::vec((0..5usize, 0..3usize, 0..40usize, 0..40u32), 1..60)
        ) {
            let mut catalog = Catalog::new(5);
            let mut model: BTreeMap<usize, (Group, Told)> = BTreeMap::new();
            for (unit, what, count, seed) in steps {
                if what < 2 {
                    let group = Group::ALL[unit / 2 + what];
                    let names = names(&format!("unit{unit}"), seed as usize..seed as usize + count);
                    catalog.take_scan(unit, &spec(group), &entries(&names), 0);
                    let told: Told =
                        names.into_iter().map(|name| (name, Err(NoData::Pending))).collect();
                    let known = model.entry(unit).or_insert((group, Vec::new()));
                    let same = known.0 == group && known.1.iter().map(|(name, _)| name)
                        .eq(told.iter().map(|(name, _)| name));
                    if !same {
                        *known = (group, told);
                    }
                } else {
                    let readings: Vec<Reading<f64>> = (0..count)
                        .map(|n| if n % 3 == 0 { Err(NoData::Fault) } else { Ok(f64::from(seed)) })
                        .collect();
                    catalog.take_read(unit, &readings, MS);
                    if let Some((_, told)) = model.get_mut(&unit) {
                        told.iter_mut().zip(readings).for_each(|(known, new)| known.1 = new);
                    }
                }
                for group in Group::ALL {
                    let of = model.values().filter(|known| known.0 == group);
                    let expected: Vec<_> = of.flat_map(|known| &known.1).collect();
                    prop_assert_eq!(catalog.count(group), expected.len());
                    let mut samples = vec![Sample::default(); expected.len()];
                    catalog.fill(group, 0, &mut samples, MS);
                    let ids = ids(&catalog);
                    for (sample, (identity, reading)) in samples.iter().zip(expected) {
                        prop_assert_eq!(sample.id.get(), ids[identity]);
                        prop_assert_eq!(sample.reading(), reading.ok());
                    }
                }
                let total: usize = model.values().map(|known| known.1.len()).sum();
                prop_assert_eq!(ids(&catalog).len(), total);
                prop_assert_eq!(catalog.sampled(MS).count(), total);
            }
        }
    }
}
