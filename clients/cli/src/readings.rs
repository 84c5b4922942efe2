//! What the sensors read last.
//!
//! Guarantees: no value outlives its catalog; a number that is none reads as a fault.

use std::collections::BTreeMap;

use kymo_client::{Body, Catalog, Item, Sensor, State};

/// The catalog, and the last sample of each sensor in it.
#[derive(Debug, Default)]
pub struct Readings {
    catalog: Catalog,
    latest: BTreeMap<u16, Latest>,
    /// When the newest frame was made, on the boot clock.
    newest_ns: u64,
}

/// What a sensor read.
#[derive(Clone, Copy, Debug)]
struct Latest {
    reading: Reading,
    frame_ns: u64,
}

/// What is known of a sensor's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// What is known.
    pub state: State,
    /// The value, where the state has one.
    pub value: Option<f64>,
    /// How old that is.
    pub age_ms: u64,
}

/// Nothing has come.
const PENDING: Reading = Reading { state: State::Pending, value: None, age_ms: 0 };

/// What an item was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing of sensors.
    Nothing,
    /// A catalog has become whole, or none is known any more.
    Catalog,
    /// Samples.
    Samples,
}

impl Readings {
    /// Takes in an item.
    pub fn handle(&mut self, item: &Item<'_>) -> Change {
        if self.catalog.handle(item) || matches!(item, Item::Connected(_)) {
            self.latest.clear();
            return Change::Catalog;
        }
        let Item::Frame(frame) = item else { return Change::Nothing };
        let Body::Samples(samples) = frame.body else { return Change::Nothing };
        let Some(named) = self.catalog.named(samples) else { return Change::Nothing };
        let frame_ns = frame.header.timestamp.get();
        for (sensor, sample) in named {
            let reading = Reading::of(sample);
            self.latest.insert(sensor.id, Latest { reading, frame_ns });
        }
        self.newest_ns = self.newest_ns.max(frame_ns);
        Change::Samples
    }

    /// What the sensors are.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// When the newest samples were made, on the boot clock.
    pub fn newest_ns(&self) -> u64 {
        self.newest_ns
    }

    /// Every sensor with what it read, as old as that was when the newest samples were made.
    pub fn all(&self) -> impl Iterator<Item = (&Sensor, Reading)> {
        self.catalog.sensors().iter().map(|sensor| {
            let reading = self.latest.get(&sensor.id).map_or(PENDING, |latest| {
                let older_ns = self.newest_ns.saturating_sub(latest.frame_ns);
                let age_ms = latest.reading.age_ms + older_ns / 1_000_000;
                Reading { age_ms, ..latest.reading }
            });
            (sensor, reading)
        })
    }
}

impl Reading {
    /// What a sample says.
    pub fn of(sample: &kymo_client::Sample) -> Self {
        let value = sample.reading();
        let state = match sample.state() {
            state if state.has_value() && value.is_none() => State::Fault,
            state => state,
        };
        Self { state, value, age_ms: sample.age_ms.get().into() }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use kymo_client::{Frame, Group, Samples};
    use kymo_protocol::{
        CatalogPart, CatalogWriter, METRICS, Pushed, SamplesOf, SensorFields, Stamp,
    };

    /// The sensor that `id` stands for in the catalogs of these tests.
    pub fn fields(id: u16) -> SensorFields<'static> {
        let identities = ["none/0", "hwmon/a/one", "hwmon/a/two", "hwmon/b/three"];
        SensorFields {
            group: Group::Hwmon,
            ..SensorFields::new(id, &METRICS[0], identities[usize::from(id)])
        }
    }

    /// The catalog frame of these sensors.
    pub fn catalog(topology: u32, sensors: &[SensorFields<'_>]) -> Vec<u8> {
        let mut bytes = vec![0; 8224];
        let total = u32::try_from(sensors.len()).unwrap();
        let part = CatalogPart { topology, total, first: 0, omitted: 0 };
        let mut writer = CatalogWriter::new(&mut bytes, part).unwrap();
        for sensor in sensors {
            assert_eq!(writer.push_fields(sensor), Ok(Pushed::Taken));
        }
        let size = writer.finish(Stamp { boot_ns: 1 }).unwrap();
        bytes.truncate(size);
        bytes
    }

    /// A samples frame of the group hwmon, made `at_ms`.
    pub fn samples(topology: u32, at_ms: u64, told: &[(u16, State, u32, f64)]) -> Vec<u8> {
        let mut bytes = vec![0; 8224];
        let of = SamplesOf { topology, group: Group::Hwmon, part: 1, parts: 1 };
        let stamp = Stamp { boot_ns: at_ms * 1_000_000 };
        let (samples, size) = Samples::emit(&mut bytes, 9, stamp, of, told.len()).unwrap();
        for (sample, (id, state, age_ms, value)) in samples.iter_mut().zip(told) {
            sample.set(*id, *state, *age_ms, *value);
        }
        bytes.truncate(size);
        bytes
    }

    /// Gives `readings` a frame.
    pub fn feed(readings: &mut Readings, bytes: &[u8]) -> Change {
        readings.handle(&Item::Frame(Frame::parse(bytes).unwrap()))
    }

    fn told(readings: &Readings) -> Vec<(u16, &'static str, Option<f64>, u64)> {
        let all = readings.all();
        all.map(|(sensor, r)| (sensor.id, r.state.name(), r.value, r.age_ms)).collect()
    }

    #[test]
    fn every_sensor_has_its_last_value_and_its_age() {
        let mut readings = Readings::default();
        let told_first = samples(1, 1000, &[(1, State::Ok, 5, 1.5)]);
        assert_eq!(feed(&mut readings, &told_first), Change::Nothing, "nothing names it");
        assert_eq!(feed(&mut readings, &catalog(1, &[1, 2, 3].map(fields))), Change::Catalog);
        assert_eq!(feed(&mut readings, &told_first), Change::Samples);
        feed(
            &mut readings,
            &samples(1, 1700, &[(2, State::Ok, 0, f64::NAN), (9, State::Ok, 0, 1.0)]),
        );
        let expected = [(1, "ok", Some(1.5), 705), (2, "fault", None, 0), (3, "pending", None, 0)];
        assert_eq!(told(&readings), expected);
    }

    #[test]
    fn no_value_outlives_its_catalog() {
        let mut readings = Readings::default();
        feed(&mut readings, &catalog(1, &[1].map(fields)));
        feed(&mut readings, &samples(1, 1000, &[(1, State::Ok, 5, 1.5)]));
        feed(&mut readings, &catalog(2, &[2, 1].map(fields)));
        let expected = [(2, "pending", None, 0), (1, "pending", None, 0)];
        assert_eq!(told(&readings), expected);
        assert_eq!(
            feed(&mut readings, &samples(1, 2000, &[(1, State::Ok, 5, 1.5)])),
            Change::Nothing
        );
    }
}
