//! What the sensors are, kept from the frames that tell it; see [`Catalog`].

use std::collections::BTreeMap;

use kymo_protocol::{Body, CatalogPart, Sample, Samples};

use crate::item::Item;
use crate::sensor::Sensor;

/// The sensors behind the ids of samples.
///
/// Give it each [`Item`] of a [`Subscriber`](crate::Subscriber), in order. It is replaced as a
/// whole when all of another topology has come, and empty again with each connection, since another
/// run of the server gives ids anew.
///
/// ```no_run
/// use kymo_client::{Body, Catalog, Item, Settings, StreamId, Streams, Subscriber, directories};
///
/// let mut subscriber = Subscriber::connect(Settings {
///     streams: Streams::default().with(StreamId::SAMPLES),
///     groups: vec!["cpu".into(), "hwmon*".into()],
///     rate_mhz: 2_000,
///     ..Settings::in_directories(directories(None))
/// })?;
/// let mut catalog = Catalog::default();
/// loop {
///     let item = subscriber.next()?;
///     catalog.handle(&item);
///     if let Item::Frame(frame) = item
///         && let Body::Samples(samples) = frame.body
///         && let Some(samples) = catalog.named(samples)
///     {
///         for (sensor, sample) in samples {
///             println!("{} {:?} {}", sensor.label, sample.reading(), sensor.unit);
///         }
///     }
/// }
/// # #[allow(unreachable_code)] Ok::<(), kymo_client::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    had: Option<Told>,
    /// Another, as far as it has come.
    coming: Option<Told>,
}

/// A catalog, or the front of one.
#[derive(Clone, Debug)]
struct Told {
    part: CatalogPart,
    sensors: Vec<Sensor>,
    /// Places in the list.
    by_id: BTreeMap<u16, usize>,
}

impl Catalog {
    /// Takes in an item; `true` when a catalog has become whole with it.
    pub fn handle(&mut self, item: &Item<'_>) -> bool {
        match item {
            Item::Connected(_) => {
                *self = Self::default();
                false
            }
            Item::Frame(frame) => match frame.body {
                Body::Catalog(catalog) => self.handle_part(catalog),
                _ => false,
            },
            _ => false,
        }
    }

    /// Takes in a part of a catalog; `true` when that is whole with it. A part that does not follow
    /// the one before makes both worth nothing; a subscriber shows none.
    pub fn handle_part(&mut self, catalog: &kymo_protocol::Catalog) -> bool {
        let part = catalog.part();
        let begun = self.coming.take().filter(|coming| coming.goes_on_with(part));
        let mut coming = match begun {
            Some(coming) => coming,
            None if part.first == 0 => Told::begin(part),
            None => return false,
        };
        for sensor in catalog.sensors() {
            coming.by_id.insert(sensor.id(), coming.sensors.len());
            coming.sensors.push(sensor.into());
        }
        if catalog.is_last() {
            self.had = Some(coming);
            return true;
        }
        self.coming = Some(coming);
        false
    }

    /// Whether a whole catalog is here, and no other is on its way.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.had.is_some() && self.coming.is_none()
    }

    /// Another number means that sensors came or went; `None` until a catalog is whole.
    #[must_use]
    pub fn topology(&self) -> Option<u32> {
        self.had.as_ref().map(|had| had.part.topology)
    }

    /// Sensors that are there and found no place in the server's table.
    #[must_use]
    pub fn omitted(&self) -> u32 {
        self.had.as_ref().map_or(0, |had| had.part.omitted)
    }

    /// The sensors of the last whole catalog, in its order.
    #[must_use]
    pub fn sensors(&self) -> &[Sensor] {
        self.had.as_ref().map_or(&[], |had| &had.sensors)
    }

    /// The sensor that `id` stands for in samples of this topology.
    #[must_use]
    pub fn sensor(&self, id: u16) -> Option<&Sensor> {
        let had = self.had.as_ref()?;
        had.sensors.get(*had.by_id.get(&id)?)
    }

    /// The samples of a frame with what they are of; `None` where the frame is of another topology
    /// and so means nothing.
    #[must_use]
    pub fn named<'a>(
        &'a self,
        samples: &'a Samples,
    ) -> Option<impl Iterator<Item = (&'a Sensor, &'a Sample)>> {
        let is_named = self.topology() == Some(samples.of().topology);
        let samples = samples.samples.iter();
        is_named.then(|| samples.filter_map(|sample| Some((self.sensor(sample.id.get())?, sample))))
    }
}

impl Told {
    fn begin(part: CatalogPart) -> Self {
        Self { part, sensors: Vec::new(), by_id: BTreeMap::new() }
    }

    fn goes_on_with(&self, part: CatalogPart) -> bool {
        let is_same = (self.part.topology, self.part.total) == (part.topology, part.total);
        is_same && u32::try_from(self.sensors.len()) == Ok(part.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{CatalogWriter, Frame, METRICS, Pushed, SamplesOf, SensorFields, Stamp};
    use kymo_protocol::{Group, State};

    const STAMP: Stamp = Stamp { boot_ns: 1 };

    /// A part with these ids, of a catalog of `total`.
    fn part(topology: u32, first: u32, total: u32, ids: &[u16]) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        let part = CatalogPart { topology, total, first, omitted: 7 };
        let mut writer = CatalogWriter::new(&mut bytes, part).unwrap();
        for id in ids {
            let identity = format!("t{topology}/{id}");
            let attributes = [("a", "b=c"), ("d", "")];
            let fields = SensorFields {
                label: "label",
                attributes: &attributes,
                cadence_ms: 1500,
                ..SensorFields::new(*id, &METRICS[0], &identity)
            };
            assert_eq!(writer.push_fields(&fields), Ok(Pushed::Taken));
        }
        let size = writer.finish(STAMP).unwrap();
        bytes.truncate(size);
        bytes
    }

    fn samples(topology: u32, ids: &[u16]) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        let of = SamplesOf { topology, group: Group::Cpu, part: 1, parts: 1 };
        let (samples, size) = Samples::emit(&mut bytes, 1, STAMP, of, ids.len()).unwrap();
        for (sample, id) in samples.iter_mut().zip(ids) {
            sample.set(*id, State::Ok, 0, f64::from(*id));
        }
        bytes.truncate(size);
        bytes
    }

    fn feed(catalog: &mut Catalog, bytes: &[u8]) -> bool {
        catalog.handle(&Item::Frame(Frame::parse(bytes).unwrap()))
    }

    fn named(catalog: &Catalog, bytes: &[u8]) -> Option<Vec<String>> {
        let Body::Samples(samples) = Frame::parse(bytes).unwrap().body else { panic!("kind") };
        Some(catalog.named(samples)?.map(|(sensor, _)| sensor.identity.clone()).collect())
    }

    #[test]
    fn it_is_complete_with_its_last_part() {
        let mut catalog = Catalog::default();
        assert!(!catalog.is_complete() && catalog.sensors().is_empty());
        assert!(!feed(&mut catalog, &part(1, 0, 3, &[5, 9])));
        assert!(!catalog.is_complete() && catalog.sensor(5).is_none());
        assert!(feed(&mut catalog, &part(1, 2, 3, &[2])));
        assert!(catalog.is_complete());
        assert_eq!((catalog.topology(), catalog.omitted()), (Some(1), 7));
        let ids: Vec<u16> = catalog.sensors().iter().map(|sensor| sensor.id).collect();
        assert_eq!(ids, [5, 9, 2]);
        let sensor = catalog.sensor(9).unwrap();
        assert_eq!((sensor.name.as_str(), sensor.label.as_str()), (METRICS[0].name, "label"));
        assert_eq!(sensor.attributes[0], ("a".into(), "b=c".into()));
        assert_eq!(sensor.cadence, Some(std::time::Duration::from_millis(1500)));
    }

    #[test]
    fn another_topology_replaces_it_whole() {
        let mut catalog = Catalog::default();
        feed(&mut catalog, &part(1, 0, 2, &[1, 2]));
        let old = samples(1, &[1, 99]);
        assert_eq!(named(&catalog, &old).unwrap(), ["t1/1"], "99 is nobody");
        feed(&mut catalog, &part(2, 0, 2, &[1]));
        assert!(!catalog.is_complete());
        assert_eq!(catalog.topology(), Some(1), "until the other one is whole");
        assert_eq!(named(&catalog, &samples(2, &[1])), None);
        // A third begins before the second was whole.
        feed(&mut catalog, &part(3, 0, 1, &[2]));
        assert!(catalog.is_complete() && catalog.sensor(1).is_none());
        assert_eq!(named(&catalog, &old), None);
        assert_eq!(named(&catalog, &samples(3, &[2])).unwrap(), ["t3/2"]);
    }

    #[test]
    fn what_does_not_follow_is_worth_nothing() {
        let mut catalog = Catalog::default();
        assert!(!feed(&mut catalog, &part(1, 1, 2, &[2])));
        feed(&mut catalog, &part(1, 0, 3, &[1]));
        assert!(!feed(&mut catalog, &part(1, 2, 3, &[3])));
        assert!(catalog.topology().is_none());
    }
}
