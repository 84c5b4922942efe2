//! Which tables and keys there are, and what a key holds.

/// A table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The file itself.
    Root,
    /// One of `[[listener]]`.
    Listener,
    /// `[limits]`
    Limits,
    /// `[journal]`
    Journal,
    /// `[quotas]`
    Quotas,
    /// `[access]`
    Access,
    /// `[sensors]`
    Sensors,
    /// `[sandbox]`
    Sandbox,
    /// One of `[[recorder]]`.
    Recorder,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A table.
    Table(Section),
    /// Tables in order.
    Tables(Section),
    /// A value.
    Value(Setting),
}

/// A value's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `rate_hz`
    Rate,
    /// `path` of a listener
    Path,
    /// `format` of a listener
    Format,
    /// `streams` of a listener
    Streams,
    /// `rate_hz` of a listener
    ListenerRate,
    /// `mode` of a listener
    Mode,
    /// `bare` of a listener
    Bare,
    /// `limits.clients`
    Clients,
    /// `limits.rate_max`
    RateMax,
    /// `limits.event_bytes`
    EventBytes,
    /// `journal.enabled`
    JournalEnabled,
    /// `journal.bytes`
    JournalBytes,
    /// `journal.path`
    JournalPath,
    /// `quotas.connections`
    Connections,
    /// `quotas.events_per_s`
    EventsPerSecond,
    /// `quotas.bytes_per_s`
    BytesPerSecond,
    /// `access.read_group`
    ReadGroup,
    /// `sensors.max_cpu`
    MaxCpu,
    /// `sensors.alarms`
    Alarms,
    /// `sensors.harmful`
    Harmful,
    /// `sensors.smc_keys`
    SmcKeys,
    /// `sandbox.enabled`
    SandboxEnabled,
    /// `name` of a recorder
    RecorderName,
    /// `streams` of a recorder
    RecorderStreams,
    /// `rate_hz` of a recorder
    RecorderRate,
    /// `before_s` of a recorder
    Before,
    /// `after_s` of a recorder
    After,
    /// `bytes` of a recorder
    RecorderBytes,
    /// `path` of a recorder
    RecorderPath,
    /// `files` of a recorder
    Files,
    /// `pause_s` of a recorder
    Pause,
    /// `field` of a recorder
    ThresholdField,
    /// `above` of a recorder
    Above,
    /// `below` of a recorder
    Below,
    /// `for_s` of a recorder
    ForSeconds,
    /// `topic` of a recorder
    TriggerTopic,
}

/// A key that was met in the text, and is known.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub at: usize,
    /// What it holds.
    pub slot: Slot,
}

const ROOT: [(&str, Slot); 9] = [
    ("rate_hz", Slot::Value(Setting::Rate)),
    ("listener", Slot::Tables(Section::Listener)),
    ("limits", Slot::Table(Section::Limits)),
    ("journal", Slot::Table(Section::Journal)),
    ("quotas", Slot::Table(Section::Quotas)),
    ("access", Slot::Table(Section::Access)),
    ("sensors", Slot::Table(Section::Sensors)),
    ("sandbox", Slot::Table(Section::Sandbox)),
    ("recorder", Slot::Tables(Section::Recorder)),
];

const LISTENER: [(&str, Slot); 6] = [
    ("path", Slot::Value(Setting::Path)),
    ("format", Slot::Value(Setting::Format)),
    ("streams", Slot::Value(Setting::Streams)),
    ("rate_hz", Slot::Value(Setting::ListenerRate)),
    ("mode", Slot::Value(Setting::Mode)),
    ("bare", Slot::Value(Setting::Bare)),
];

const LIMITS: [(&str, Slot); 3] = [
    ("clients", Slot::Value(Setting::Clients)),
    ("rate_max", Slot::Value(Setting::RateMax)),
    ("event_bytes", Slot::Value(Setting::EventBytes)),
];

const JOURNAL: [(&str, Slot); 3] = [
    ("enabled", Slot::Value(Setting::JournalEnabled)),
    ("bytes", Slot::Value(Setting::JournalBytes)),
    ("path", Slot::Value(Setting::JournalPath)),
];

const QUOTAS: [(&str, Slot); 3] = [
    ("connections", Slot::Value(Setting::Connections)),
    ("events_per_s", Slot::Value(Setting::EventsPerSecond)),
    ("bytes_per_s", Slot::Value(Setting::BytesPerSecond)),
];

const ACCESS: [(&str, Slot); 1] = [("read_group", Slot::Value(Setting::ReadGroup))];

const SENSORS: [(&str, Slot); 4] = [
    ("max_cpu", Slot::Value(Setting::MaxCpu)),
    ("alarms", Slot::Value(Setting::Alarms)),
    ("harmful", Slot::Value(Setting::Harmful)),
    ("smc_keys", Slot::Value(Setting::SmcKeys)),
];

const SANDBOX: [(&str, Slot); 1] = [("enabled", Slot::Value(Setting::SandboxEnabled))];

const RECORDER: [(&str, Slot); 14] = [
    ("name", Slot::Value(Setting::RecorderName)),
    ("streams", Slot::Value(Setting::RecorderStreams)),
    ("rate_hz", Slot::Value(Setting::RecorderRate)),
    ("before_s", Slot::Value(Setting::Before)),
    ("after_s", Slot::Value(Setting::After)),
    ("bytes", Slot::Value(Setting::RecorderBytes)),
    ("path", Slot::Value(Setting::RecorderPath)),
    ("files", Slot::Value(Setting::Files)),
    ("pause_s", Slot::Value(Setting::Pause)),
    ("field", Slot::Value(Setting::ThresholdField)),
    ("above", Slot::Value(Setting::Above)),
    ("below", Slot::Value(Setting::Below)),
    ("for_s", Slot::Value(Setting::ForSeconds)),
    ("topic", Slot::Value(Setting::TriggerTopic)),
];

impl Section {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// Whether there may be several of it.
    pub fn is_element(self) -> bool {
        matches!(self, Self::Listener | Self::Recorder)
    }

    /// Its keys.
    pub fn keys(self) -> &'static [(&'static str, Slot)] {
        match self {
            Self::Root => &ROOT,
            Self::Listener => &LISTENER,
            Self::Limits => &LIMITS,
            Self::Journal => &JOURNAL,
            Self::Quotas => &QUOTAS,
            Self::Access => &ACCESS,
            Self::Sensors => &SENSORS,
            Self::Sandbox => &SANDBOX,
            Self::Recorder => &RECORDER,
        }
    }
}

impl Slot {
    /// What belongs here, with an article.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::Tables(Section::Recorder) => "an array of tables: write [[recorder]]",
            Self::Tables(_) => "an array of tables: write [[listener]]",
            Self::Value(setting) => setting.wanted(),
        }
    }
}

impl Setting {
    /// Those of one listener, by [`Setting::bit`].
    pub const OF_LISTENER: u64 = Self::Path.bit()
        | Self::Format.bit()
        | Self::Streams.bit()
        | Self::ListenerRate.bit()
        | Self::Mode.bit()
        | Self::Bare.bit();

    /// Those of one recorder: the last ones.
    pub const OF_RECORDER: u64 = u64::MAX << Self::RecorderName as u32;

    /// A bit of its own.
    pub const fn bit(self) -> u64 {
        1 << self as u32
    }

    /// Whether it takes strings in brackets.
    pub fn is_array(self) -> bool {
        matches!(self, Self::Streams | Self::RecorderStreams)
    }

    /// Its type, with an article.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Rate
            | Self::ListenerRate
            | Self::RecorderRate
            | Self::RateMax
            | Self::MaxCpu
            | Self::Above
            | Self::Below
            | Self::ForSeconds => "a number",
            Self::Path
            | Self::Format
            | Self::JournalPath
            | Self::ReadGroup
            | Self::SmcKeys
            | Self::RecorderName
            | Self::RecorderPath
            | Self::ThresholdField
            | Self::TriggerTopic => "a string",
            Self::Streams | Self::RecorderStreams => "an array of strings",
            Self::Bare
            | Self::JournalEnabled
            | Self::Alarms
            | Self::Harmful
            | Self::SandboxEnabled => "true or false",
            Self::Mode
            | Self::Clients
            | Self::EventBytes
            | Self::JournalBytes
            | Self::Connections
            | Self::EventsPerSecond
            | Self::BytesPerSecond
            | Self::Before
            | Self::After
            | Self::RecorderBytes
            | Self::Files
            | Self::Pause => "an integer",
        }
    }
}
