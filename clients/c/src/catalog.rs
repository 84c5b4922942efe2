//! What the sensors are.

use kymo::protocol::limits::{CATALOG_BYTES_MAX, CATALOG_COUNT_MAX};
use kymo::protocol::{Catalog, Sensor};

use crate::text::KymoText;

/// The least an attribute takes up in a catalog: a letter, `=` and a newline.
const ATTRIBUTE_MIN: usize = 3;

/// One of the names and values that tell sensors of one metric apart, as OpenTelemetry names them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoAttribute {
    /// Such as `hw.id`.
    pub key: KymoText,
    /// Its value.
    pub value: KymoText,
}

/// One sensor. Its texts are the server's: clean them before a terminal shows them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoSensor {
    /// Stands for it in samples, within one topology.
    pub id: u32,
    /// Number of its metric, which may be of a later server.
    pub metric: u32,
    /// How its values behave: 0 gauge, 1 counter, 2 a sum that parts join and leave.
    pub instrument: u32,
    /// What reading it costs: 0 cheap, 1 moderate, 2 costly, 3 harmful.
    pub cost: u32,
    /// What it measures: 0 the machine, 1 the control group that the server is in.
    pub scope: u32,
    /// How often the device itself has something new, in milliseconds; 0 when nobody knows.
    pub cadence_ms: u32,
    /// The group it is subscribed by, such as `hwmon`.
    pub group: KymoText,
    /// Its metric's name, such as `hw.temperature`.
    pub name: KymoText,
    /// The unit of its values, in UCUM.
    pub unit: KymoText,
    /// What the device's own makers call it; may be empty.
    pub label: KymoText,
    /// A path that names it also after a restart: what to store, unlike the id.
    pub identity: KymoText,
    /// What tells it from others of its metric.
    pub attributes: *const KymoAttribute,
    /// How many there are.
    pub attributes_count: usize,
}

/// The sensors, or a part of them: parts come in order.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoCatalog {
    /// Another number means that sensors came or went, and that ids mean others.
    pub topology: u32,
    /// Sensors in the whole list.
    pub total: u32,
    /// Index in the list of the first one here.
    pub first: u32,
    /// Sensors that are there and found no place in the server's table.
    pub omitted: u32,
    /// The sensors of this part.
    pub sensors: *const KymoSensor,
    /// How many there are.
    pub count: usize,
    /// Whether the list ends here.
    pub is_last: bool,
}

/// Where they are told, with room for all that a frame may hold.
#[derive(Debug)]
pub struct CatalogShown {
    sensors: Vec<KymoSensor>,
    attributes: Vec<KymoAttribute>,
    shown: Option<KymoCatalog>,
}

impl CatalogShown {
    pub fn new() -> Self {
        Self {
            sensors: Vec::with_capacity(CATALOG_COUNT_MAX),
            attributes: Vec::with_capacity(CATALOG_BYTES_MAX / ATTRIBUTE_MIN),
            shown: None,
        }
    }

    /// Tells a frame, until the next one; texts lie where the frame does.
    pub fn show(&mut self, frame: &Catalog) -> *const KymoCatalog {
        self.sensors.clear();
        self.attributes.clear();
        for sensor in frame.sensors() {
            let first = self.attributes.len();
            self.attributes.extend(sensor.attributes().map(|(key, value)| KymoAttribute {
                key: KymoText::of(key.as_bytes()),
                value: KymoText::of(value.as_bytes()),
            }));
            // There was room for all of them, so none has moved or will.
            self.sensors.push(told(sensor, &self.attributes[first..]));
        }
        let part = frame.part();
        self.shown.insert(KymoCatalog {
            topology: part.topology,
            total: part.total,
            first: part.first,
            omitted: part.omitted,
            sensors: self.sensors.as_ptr(),
            count: self.sensors.len(),
            is_last: frame.is_last(),
        })
    }
}

fn told(sensor: &Sensor, attributes: &[KymoAttribute]) -> KymoSensor {
    KymoSensor {
        id: sensor.id().into(),
        metric: sensor.metric().into(),
        instrument: sensor.instrument() as u32,
        cost: sensor.cost() as u32,
        scope: sensor.scope() as u32,
        cadence_ms: sensor.cadence_ms(),
        group: KymoText::of(sensor.group().name().as_bytes()),
        name: KymoText::of(sensor.name().as_bytes()),
        unit: KymoText::of(sensor.unit().as_bytes()),
        label: KymoText::of(sensor.label().as_bytes()),
        identity: KymoText::of(sensor.identity().as_bytes()),
        attributes: attributes.as_ptr(),
        attributes_count: attributes.len(),
    }
}
