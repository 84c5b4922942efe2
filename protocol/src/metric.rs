//! What can be measured: the one table that names it, for frames, documents and bridges.
//!
//! A [`Metric`] is a kind of quantity, as in OpenTelemetry's semantic conventions where those have
//! one, and below `kymo.` where they have none. A sensor is one instance of it: one CPU, one disk.
//! Numbers of metrics, groups and costs stand in frames, so they never change.

mod table;

pub use table::METRICS;

/// A family of sensors, which subscribers choose by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Group {
    /// Processors: time, use, frequency.
    Cpu = 1,
    /// Memory, swap and what the kernel does to find some.
    Memory = 2,
    /// Space of file systems.
    Filesystem = 3,
    /// Disks: bytes, operations, time.
    Disk = 4,
    /// Network interfaces: bytes, packets, errors.
    Network = 5,
    /// Chips that watch hardware.
    Hwmon = 6,
    /// Thermal zones of the firmware.
    Thermal = 7,
    /// Batteries, mains and energy counters.
    Power = 8,
    /// Graphics processors.
    Gpu = 9,
    /// Time lost for want of something.
    Pressure = 10,
    /// Limits and use of the control group that the server is in.
    Cgroup = 11,
}

impl Group {
    /// All groups, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Cpu,
        Self::Memory,
        Self::Filesystem,
        Self::Disk,
        Self::Network,
        Self::Hwmon,
        Self::Thermal,
        Self::Power,
        Self::Gpu,
        Self::Pressure,
        Self::Cgroup,
    ];

    /// Its name in subscriptions and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Filesystem => "filesystem",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Hwmon => "hwmon",
            Self::Thermal => "thermal",
            Self::Power => "power",
            Self::Gpu => "gpu",
            Self::Pressure => "pressure",
            Self::Cgroup => "cgroup",
        }
    }

    /// The group with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|group| *group as u8 == number)
    }
}

/// How values of a metric behave over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Instrument {
    /// Goes up and down.
    Gauge = 0,
    /// A sum since some start, which only grows while its device stays.
    Counter = 1,
    /// A sum that parts join and leave.
    UpDownCounter = 2,
}

impl Instrument {
    /// All instruments, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Gauge, Self::Counter, Self::UpDownCounter];

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::UpDownCounter => "updowncounter",
        }
    }

    /// The instrument with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|instrument| *instrument as u8 == number)
    }
}

/// What it costs to read a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cost {
    /// The kernel answers from memory.
    Cheap = 0,
    /// The kernel walks lists, or asks other CPUs.
    Moderate = 1,
    /// A bus, a controller or the firmware is asked.
    Costly = 2,
    /// Reading may disturb the device: only where the server's settings allow it.
    Harmful = 3,
}

impl Cost {
    /// All costs, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Cheap, Self::Moderate, Self::Costly, Self::Harmful];

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cheap => "cheap",
            Self::Moderate => "moderate",
            Self::Costly => "costly",
            Self::Harmful => "harmful",
        }
    }

    /// The cost with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cost| *cost as u8 == number)
    }
}

/// Whose quantity a sensor tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// The machine.
    Host = 0,
    /// The control group that the server is in.
    Cgroup = 1,
}

impl Scope {
    /// The scope with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Host),
            1 => Some(Self::Cgroup),
            _ => None,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Cgroup => "cgroup",
        }
    }
}

/// A kind of quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Stands in frames; never reused.
    pub number: u16,
    /// As in OpenTelemetry.
    pub name: &'static str,
    /// In UCUM, as OpenTelemetry writes it: `By`, `s`, `1`, `Cel`.
    pub unit: &'static str,
    /// How its values behave.
    pub instrument: Instrument,
    /// The family of its sensors.
    pub group: Group,
    /// What it is, in a few words.
    pub brief: &'static str,
}

/// The first number for metrics of hosts: no table of kymo's will ever have one from here on.
pub const OWN_METRIC_MIN: u16 = 0x8000;

const _: () = assert!(METRICS[METRICS.len() - 1].number < OWN_METRIC_MIN);

/// The metric with this number.
#[must_use]
pub fn by_number(number: u16) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.number == number)
}

/// The metric with this number, for constants: there, a number without a metric does not compile.
///
/// ```
/// use kymo_protocol::metric::{Metric, known};
///
/// const TIME: &Metric = known(1);
/// assert_eq!(TIME.name, "system.cpu.time");
/// ```
///
/// # Panics
///
/// When no metric has this number: in a `const`, that the program is not compiled.
#[must_use]
pub const fn known(number: u16) -> &'static Metric {
    let mut place = 0;
    while place < METRICS.len() && METRICS[place].number != number {
        place += 1;
    }
    assert!(place < METRICS.len(), "no metric has this number");
    &METRICS[place]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_names_are_names() {
        assert!(METRICS.is_sorted_by(|one, next| one.number < next.number));
        for metric in &METRICS {
            assert!(metric.name.starts_with(|c: char| c.is_ascii_lowercase()), "{}", metric.name);
            assert!(!metric.unit.is_empty() && !metric.brief.is_empty(), "{}", metric.name);
            assert_eq!(by_number(metric.number), Some(metric));
            assert_eq!(known(metric.number), metric);
        }
    }

    #[test]
    fn one_name_means_one_quantity_and_comes_once_a_group() {
        for (place, metric) in METRICS.iter().enumerate() {
            for other in METRICS.iter().skip(place + 1).filter(|other| other.name == metric.name) {
                assert_eq!((metric.unit, metric.instrument), (other.unit, other.instrument));
                assert_ne!(metric.group, other.group, "{}", metric.name);
            }
        }
        assert!(Group::ALL.iter().all(|group| METRICS.iter().any(|row| row.group == *group)));
    }

    #[test]
    fn groups_and_costs_come_back_from_their_numbers() {
        for group in Group::ALL {
            assert_eq!(Group::from_number(group as u8), Some(group));
        }
        assert_eq!((Group::from_number(0), Group::from_number(12)), (None, None));
        assert_eq!(Cost::from_number(3), Some(Cost::Harmful));
        assert_eq!(Cost::from_number(4), None);
        for (instrument, number) in Instrument::ALL.into_iter().zip(0..) {
            assert_eq!(instrument as u8, number);
            assert_eq!(Instrument::from_number(number), Some(instrument));
        }
        assert_eq!(Instrument::from_number(3), None);
    }
}
