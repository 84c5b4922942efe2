//! One sensor as a catalog names it, to be kept.

use std::time::Duration;

use kymo_protocol::{Cost, Group, Instrument, Scope};

/// A sensor. Its texts are the server's: clean them before a terminal shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Stands for it in samples, within one topology.
    pub id: u16,
    /// Number of its metric, which may be of a later server.
    pub metric: u16,
    /// Its metric's name, such as `hw.temperature`.
    pub name: String,
    /// The unit of its values, in UCUM.
    pub unit: String,
    /// How its values behave.
    pub instrument: Instrument,
    /// The family it is subscribed by.
    pub group: Group,
    /// What reading it costs.
    pub cost: Cost,
    /// How often the device itself has something new; `None` when nobody knows.
    pub cadence: Option<Duration>,
    /// What it measures.
    pub scope: Scope,
    /// What the device's own makers call it; may be empty.
    pub label: String,
    /// Names and values that tell sensors of one metric apart.
    pub attributes: Vec<(String, String)>,
    /// A path that names it also after a restart: what to store, unlike the id.
    pub identity: String,
}

impl From<&kymo_protocol::Sensor> for Sensor {
    fn from(entry: &kymo_protocol::Sensor) -> Self {
        let cadence = Duration::from_millis(entry.cadence_ms().into());
        Self {
            id: entry.id(),
            metric: entry.metric(),
            name: entry.name().into(),
            unit: entry.unit().into(),
            instrument: entry.instrument(),
            group: entry.group(),
            cost: entry.cost(),
            cadence: (!cadence.is_zero()).then_some(cadence),
            scope: entry.scope(),
            label: entry.label().into(),
            attributes: entry.attributes().map(|(key, value)| (key.into(), value.into())).collect(),
            identity: entry.identity().into(),
        }
    }
}
