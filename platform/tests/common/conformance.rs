//! One suite that every source passes, of whatever system: what a scan tells, what a read says.

use std::collections::{BTreeMap, BTreeSet};

use kymo_platform::{Freshness, SensorInfo, Source};
use kymo_protocol::NoData::Pending;
use kymo_protocol::{Instrument, Reading};

/// A sensor as a scan told it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sensor {
    pub(crate) metric: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) instrument: Instrument,
    pub(crate) label: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) identity: String,
}

pub(crate) fn scan(source: &mut dyn Source) -> (Vec<Sensor>, u32) {
    let mut sensors = Vec::new();
    let omitted = source.scan(&mut |found: &SensorInfo<'_>| {
        let text = |text: &str| {
            assert!(!text.contains(char::is_control), "{text:?}");
            text.to_owned()
        };
        let attributes = found.attributes.iter();
        sensors.push(Sensor {
            metric: found.metric.name,
            unit: found.metric.unit,
            instrument: found.metric.instrument,
            label: text(found.label),
            attributes: attributes.map(|(key, value)| (text(key), text(value))).collect(),
            identity: text(found.identity),
        });
    });
    (sensors, omitted)
}

pub(crate) fn read(source: &mut dyn Source, count: usize) -> (Vec<Reading<f64>>, Freshness) {
    let mut readings = vec![Err(Pending); count];
    let freshness = source.read(&mut readings);
    (readings, freshness)
}

/// Every value of a machine by the identity of its sensor, after the rounds that use needs.
pub(crate) fn values(sources: &mut [Box<dyn Source>]) -> BTreeMap<String, Reading<f64>> {
    let mut values = BTreeMap::new();
    for source in sources {
        let (sensors, _) = scan(&mut **source);
        let (readings, _) = read(&mut **source, sensors.len());
        values.extend(sensors.into_iter().map(|sensor| sensor.identity).zip(readings));
    }
    values
}

pub(crate) fn conforms_alone(source: &mut dyn Source, machine: &str) -> Vec<Sensor> {
    // Before the first scan there is nothing to read.
    let _ = read(source, 3);
    let (sensors, omitted) = scan(source);
    let spec = source.spec();
    assert!(spec.interval_ns >= u64::from(spec.cadence_ms.min(1)) * 1_000_000, "{spec:?}");
    for sensor in &sensors {
        assert!(!sensor.label.is_empty() && sensor.identity.contains('/'), "{sensor:?}");
        let keys: BTreeSet<_> = sensor.attributes.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), sensor.attributes.len(), "{sensor:?}");
    }
    for round in 0..3 {
        let (readings, freshness) = read(source, sensors.len());
        // Else whoever scans when he is told to would never come to an end.
        assert_eq!(freshness, Freshness::Current, "{machine}: {spec:?}");
        for (sensor, reading) in sensors.iter().zip(&readings) {
            match reading {
                Ok(value) => sane(sensor, *value, machine),
                Err(reason) => assert!(
                    *reason != Pending || sensor.metric.starts_with("system.cpu"),
                    "{machine}, round {round}: {sensor:?}"
                ),
            }
        }
        // What there is no room for is left, and what is no sensor's stays as it was or absent.
        let (fewer, _) = read(source, sensors.len() / 2);
        assert_eq!(fewer.len(), sensors.len() / 2);
        let (more, _) = read(source, sensors.len() + 7);
        assert!(more[sensors.len()..].iter().all(Result::is_err), "{machine}: {spec:?}");
    }
    assert_eq!(source.look(), Freshness::Current, "{machine}: {spec:?}");
    let again = scan(source);
    assert_eq!(again, (sensors.clone(), omitted), "{machine}: a second scan finds the same");
    assert_eq!(source.look(), Freshness::Current, "{machine}: {spec:?}");
    assert!(!format!("{source:?}").is_empty());
    sensors
}

fn sane(sensor: &Sensor, value: f64, machine: &str) {
    assert!(value.is_finite(), "{machine}: {sensor:?}");
    if sensor.instrument == Instrument::Counter || ["By", "Hz", "rpm"].contains(&sensor.unit) {
        assert!(value >= 0.0, "{machine}: {sensor:?} is {value}");
    }
    match sensor.unit {
        "1" => assert!((0.0..=1.0).contains(&value), "{machine}: {sensor:?} is {value}"),
        "Cel" => assert!((-40.0..150.0).contains(&value), "{machine}: {sensor:?} is {value}"),
        _ => {}
    }
}

pub(crate) fn conforms(sources: &mut [Box<dyn Source>], machine: &str) {
    let mut identities = BTreeSet::new();
    for source in sources {
        for sensor in conforms_alone(&mut **source, machine) {
            assert!(identities.insert(sensor.identity.clone()), "{machine}: {sensor:?} twice");
        }
    }
}
