//! What a key measures, and where.

use kymo_protocol::Metric;
use kymo_protocol::metric::known;

/// What a key measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `temp/cpu` and the like: °C.
    Temperature(Place),
    /// `fan`: how fast one turns.
    Fan,
    /// `fan/min` and the like: how fast one is to turn.
    FanLimit(Limit),
    /// `power`, `power/system`: W.
    Power(Option<Place>),
    /// `volts`: V.
    Voltage(Option<Place>),
    /// `amps`: A.
    Current(Option<Place>),
    /// `none`: no measurement.
    None,
}

/// Where a machine measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `cpu`: on the die of processors.
    Cpu,
    /// `gpu`: on the die of graphics processors.
    Gpu,
    /// `ane`: on the die, at the neural engine.
    Ane,
    /// `soc`: elsewhere on the die.
    Soc,
    /// `system`: the whole machine.
    System,
    /// `battery`
    Battery,
    /// `ambient`: of what is around the machine.
    Ambient,
    /// `airflow`: of what the fans move.
    Airflow,
    /// `storage`
    Storage,
    /// `wireless`
    Wireless,
    /// `memory`
    Memory,
    /// `board`: anywhere else.
    Board,
}

/// What is said of a fan besides its speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The least speed at which it turns.
    Min,
    /// The greatest.
    Max,
    /// What it is to turn at now.
    Target,
}

impl Class {
    /// From a word of the table.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let (kind, place) =
            word.split_once('/').map_or((word, None), |(kind, place)| (kind, Some(place)));
        let limit = |place| match place {
            "min" => Some(Limit::Min),
            "max" => Some(Limit::Max),
            "target" => Some(Limit::Target),
            _ => None,
        };
        match (kind, place) {
            ("none", None) => Some(Self::None),
            ("fan", None) => Some(Self::Fan),
            ("fan", Some(place)) => limit(place).map(Self::FanLimit),
            ("temp", Some(place)) => Place::parse(place).map(Self::Temperature),
            ("power", place) => optional(place).map(Self::Power),
            ("volts", place) => optional(place).map(Self::Voltage),
            ("amps", place) => optional(place).map(Self::Current),
            _ => None,
        }
    }

    /// The metric of its sensors; `None` of what is no measurement.
    #[must_use]
    pub const fn metric(self) -> Option<&'static Metric> {
        match self {
            Self::Temperature(_) => Some(known(90)),
            Self::Fan | Self::FanLimit(_) => Some(known(91)),
            Self::Voltage(_) => Some(known(93)),
            Self::Current(_) => Some(known(94)),
            Self::Power(_) => Some(known(95)),
            Self::None => None,
        }
    }

    /// What tells its sensors from others of the metric, besides their names.
    #[must_use]
    pub const fn attribute(self) -> Option<(&'static str, &'static str)> {
        let place = match self {
            Self::Temperature(place) => Some(place),
            Self::Power(place) | Self::Voltage(place) | Self::Current(place) => place,
            Self::FanLimit(limit) => return Some(("kymo.hw.limit", limit.name())),
            Self::Fan | Self::None => None,
        };
        match place {
            Some(place) => Some(("hw.sensor_location", place.name())),
            None => None,
        }
    }

    /// Whether it is about a fan.
    #[must_use]
    pub const fn is_fan(self) -> bool {
        matches!(self, Self::Fan | Self::FanLimit(_))
    }

    /// Whether vitals tell of it.
    #[must_use]
    pub const fn is_vital(self) -> bool {
        matches!(
            self,
            Self::Temperature(Place::Cpu | Place::Gpu)
                | Self::Fan
                | Self::Power(Some(Place::System))
        )
    }
}

impl Limit {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Target => "target",
        }
    }
}

impl Place {
    const ALL: [Self; 12] = [
        Self::Cpu,
        Self::Gpu,
        Self::Ane,
        Self::Soc,
        Self::System,
        Self::Battery,
        Self::Ambient,
        Self::Airflow,
        Self::Storage,
        Self::Wireless,
        Self::Memory,
        Self::Board,
    ];

    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == word)
    }

    /// Its word, in the table and as `hw.sensor_location`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Ane => "ane",
            Self::Soc => "soc",
            Self::System => "system",
            Self::Battery => "battery",
            Self::Ambient => "ambient",
            Self::Airflow => "airflow",
            Self::Storage => "storage",
            Self::Wireless => "wireless",
            Self::Memory => "memory",
            Self::Board => "board",
        }
    }

    /// Whether it is on the die, whose parts are switched off while they are idle.
    #[must_use]
    pub const fn is_die(self) -> bool {
        matches!(self, Self::Cpu | Self::Gpu | Self::Ane | Self::Soc)
    }
}

/// No word is no place; a word that is none is a mistake.
#[allow(clippy::option_option)] // that is what it says
fn optional(word: Option<&str>) -> Option<Option<Place>> {
    match word {
        None => Some(None),
        Some(word) => Place::parse(word).map(Some),
    }
}
