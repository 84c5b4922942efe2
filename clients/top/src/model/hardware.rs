//! Sensors that watch hardware as one list: what gets hot first, then what turns, then the rest.

use kymo_client::{Group, Sensor};

use super::places::attribute;
use crate::clean::clean;

/// What a sensor of hardware is about, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A temperature.
    Heat,
    /// A fan.
    Fan,
    /// A power, or a counter of energy whose growth is one.
    Power,
    /// A battery's charge, or whether an outlet feeds the machine.
    Battery,
    /// A graphics processor.
    Gpu,
    /// Time lost for want of something.
    Pressure,
    /// Voltages, currents, alarms and what else there is.
    Other,
}

/// A sensor of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// The sensor.
    pub id: u16,
    /// What it is about.
    pub kind: Kind,
    /// What people call it, without characters that a terminal would act on.
    pub label: String,
}

/// The list.
pub fn of(sensors: &[Sensor]) -> Vec<Hardware> {
    let mut list: Vec<Hardware> = sensors.iter().filter_map(hardware).collect();
    // Stable: within a kind the catalog's order holds.
    list.sort_by_key(|hardware| hardware.kind);
    list
}

fn hardware(sensor: &Sensor) -> Option<Hardware> {
    let kind = kind(sensor)?;
    let label = if sensor.label.trim().is_empty() { &sensor.name } else { &sensor.label };
    let label = match kind {
        Kind::Pressure => format!("stall {label}"),
        _ => label.clone(),
    };
    Some(Hardware { id: sensor.id, kind, label: clean(label.chars()) })
}

fn kind(sensor: &Sensor) -> Option<Kind> {
    let is_own = matches!(
        sensor.group,
        Group::Hwmon | Group::Thermal | Group::Power | Group::Gpu | Group::Pressure
    );
    if !is_own {
        return None;
    }
    Some(match sensor.name.as_str() {
        "hw.temperature" => Kind::Heat,
        "hw.fan.speed" => Kind::Fan,
        "hw.power" | "hw.energy" => Kind::Power,
        "hw.battery.charge" | "hw.battery.time_left" | "kymo.power.online" => Kind::Battery,
        // Of the last ten seconds: longer ones are for who looks at graphs.
        "kymo.pressure.ratio" => match attribute(sensor, "kymo.pressure.window_s") {
            Some("10") => Kind::Pressure,
            _ => return None,
        },
        "kymo.pressure.time" => return None,
        _ if sensor.group == Group::Gpu => Kind::Gpu,
        _ => Kind::Other,
    })
}
