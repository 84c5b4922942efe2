//! What a hub is told at its start, and again when its settings are read anew.
//!
//! Everything but the directory has a fixed size, so that a running hub can be told again without a
//! heap allocation.

mod check;
mod recorder;

use std::path::PathBuf;

use kymo_platform::socket::PATH_MAX;
use kymo_protocol::limits::RATE_MHZ_MAX;
use kymo_protocol::{StreamId, Streams};
use nix::unistd::Group;

use crate::inbox::Capacity;
use crate::limits::{
    CLIENTS_DEFAULT, EVENT_BYTES_DEFAULT, GROUP_NAME_MAX, JOURNAL_BYTES_DEFAULT, JOURNAL_PATH_MAX,
    LISTENERS_MAX, MAX_CPU_PPM_DEFAULT, RECORDERS_MAX, SMC_KEYS_PATH_MAX,
};
use crate::message::Message;

pub use check::parse_rate;
pub(crate) use recorder::THRESHOLD_FIELDS;
pub use recorder::{RecorderSettings, Threshold};

/// The rate of subscribers that name none, in thousandths of a hertz.
pub const RATE_MHZ_DEFAULT: u32 = 25_000;

/// Everything a hub is told at its start. [`Config::default`] serves nobody but in-process
/// subscribers; [`Config::in_directory`] adds the default listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where relative listener paths and the lock file are. `None`: no lock, absolute paths only.
    pub directory: Option<PathBuf>,
    /// Where to listen, and for whom.
    pub listeners: heapless::Vec<Listener, LISTENERS_MAX>,
    /// Rate of subscribers that name none, in thousandths of a hertz.
    pub rate_mhz: u32,
    /// Bounds.
    pub limits: Limits,
    /// Where events are kept; `None`: nowhere.
    pub journal: Option<JournalSettings>,
    /// What each user may take at most.
    pub quotas: Quotas,
    /// Who may read beside this user and root.
    pub access: Access,
    /// How sensors are read.
    pub sensors: Sensors,
    /// What is kept in memory, to be written when something happens.
    pub recorders: heapless::Vec<RecorderSettings, RECORDERS_MAX>,
    /// Whether kymod gives up what it does not need. The library confines nobody.
    pub sandbox: bool,
    /// Room for events of other threads of this process; `None`: it has no publishers.
    pub inbox: Option<Capacity>,
}

/// Bounds a host may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections held at once.
    pub clients: u32,
    /// Highest rate that is granted, in thousandths of a hertz.
    pub rate_mhz_max: u32,
    /// Bytes of an event's payload.
    pub event_bytes: u32,
}

/// Where and how much of the events is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// Bytes on disk, all taken at the start.
    pub bytes: u32,
    /// The directory, absolute; `None`: where the host keeps its state.
    pub path: Option<heapless::String<JOURNAL_PATH_MAX>>,
}

/// What one user id may take at most, whoever it is; 0 means as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Connections held at once.
    pub connections: u32,
    /// Events submitted in a second.
    pub events_per_s: u32,
    /// Bytes of events submitted in a second.
    pub bytes_per_s: u32,
}

/// Who may read beside this user and root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// A group whose members may enter the directory and connect to its listeners.
    pub read_group: Option<heapless::String<GROUP_NAME_MAX>>,
}

/// How sensors are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensors {
    /// Share of one CPU that reading the sources of samples may take in the loop, in millionths.
    pub max_cpu_ppm: u32,
    /// Whether alarms of chips are read, though that may clear them for other tools. What it is at
    /// the start is for whoever makes the sources, by [`Extras`](kymo_platform::Extras).
    pub alarms: bool,
    /// Whether chips are read though their driver disturbs the device or the machine by it. What it
    /// is at the start holds.
    pub harmful: bool,
    /// A file, absolute, whose lines name keys of the controller of Macs before those that kymo
    /// knows; other systems don't look at it. What it is at the start, and what stands in it then,
    /// holds: it is for whoever makes the sources, by [`Roots`](kymo_platform::Roots).
    pub smc_keys: Option<heapless::String<SMC_KEYS_PATH_MAX>>,
}

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Path of the socket, relative to the directory or absolute.
    pub path: heapless::String<PATH_MAX>,
    /// What is spoken there.
    pub format: ListenerFormat,
    /// What a client gets that asks for nothing; only for formats that serve unasked.
    pub streams: Streams,
    /// Rate of such a client in thousandths of a hertz; `None` for the hub's.
    pub rate_mhz: Option<u32>,
    /// Mode of the socket file; `None` for what [`Config::mode_of`] makes of it.
    pub mode: Option<u32>,
    /// JSON without welcome, heartbeat and `seq`.
    pub bare: bool,
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerFormat {
    /// Binary frames, or JSON Lines if the client's first byte is `{`; the client speaks first.
    Binary,
    /// JSON Lines; the server speaks first.
    Json,
    /// Version 1; the server speaks and the client never does.
    Opta1,
    /// Requests and their replies, for the server's own user and root alone.
    Control,
}

/// A setting that can't be used, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Message);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: CLIENTS_DEFAULT,
            rate_mhz_max: RATE_MHZ_MAX,
            event_bytes: EVENT_BYTES_DEFAULT,
        }
    }
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { bytes: JOURNAL_BYTES_DEFAULT, path: None }
    }
}

impl Default for Sensors {
    fn default() -> Self {
        Self { max_cpu_ppm: MAX_CPU_PPM_DEFAULT, alarms: false, harmful: false, smc_keys: None }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: None,
            listeners: heapless::Vec::new(),
            rate_mhz: RATE_MHZ_DEFAULT,
            limits: Limits::default(),
            journal: None,
            quotas: Quotas::default(),
            access: Access::default(),
            sensors: Sensors::default(),
            recorders: heapless::Vec::new(),
            sandbox: true,
            inbox: Some(Capacity::default()),
        }
    }
}

impl ListenerFormat {
    /// What a client gets that asks for nothing, unless the listener says otherwise: on a binary
    /// one nothing, because there the client speaks first.
    #[must_use]
    pub fn streams(self) -> Streams {
        let vitals = Streams::default().with(StreamId::VITALS);
        match self {
            Self::Binary | Self::Control => Streams::default(),
            Self::Json => vitals.with(StreamId::EVENTS),
            Self::Opta1 => vitals,
        }
    }
}

impl Listener {
    /// A listener at `path` with the defaults of its format.
    ///
    /// # Errors
    ///
    /// When the path is longer than a socket's may be.
    pub fn new(path: &str, format: ListenerFormat) -> Result<Self, ConfigError> {
        let path = path.try_into().map_err(|_| {
            let size = path.len();
            let text = format_args!("the path has {size} bytes; a socket's may have {PATH_MAX}");
            ConfigError(Message::new(text))
        })?;
        let streams = format.streams();
        Ok(Self { path, format, streams, rate_mhz: None, mode: None, bare: false })
    }
}

impl Sensors {
    /// The share of one CPU: 0.01 is 1 %.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // a share
    pub fn max_cpu(&self) -> f32 {
        self.max_cpu_ppm as f32 / 1e6
    }
}

impl Access {
    /// The group's number, asked of the system; `None` without a group. To be called at the start:
    /// the system's list of groups may be anywhere.
    ///
    /// # Errors
    ///
    /// When there is no such group, or the system can't tell.
    pub fn group_id(&self) -> Result<Option<u32>, ConfigError> {
        let Some(name) = &self.read_group else { return Ok(None) };
        let fail = |why: &str| {
            let name = name.escape_debug();
            ConfigError(Message::new(format_args!("access.read_group: {why} `{name}`")))
        };
        match Group::from_name(name) {
            Ok(Some(group)) => Ok(Some(group.gid.as_raw())),
            Ok(None) => Err(fail("there is no group")),
            Err(_) => Err(fail("the system can't look up the group")),
        }
    }
}

impl Config {
    /// The default listeners in `directory`: `stream.sock` and `json.sock`.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        let mut config = Self { directory: Some(directory.into()), ..Self::default() };
        config.reset();
        config
    }

    /// Sets everything but the directory to what [`in_directory`](Self::in_directory) gives, so
    /// that settings can be read anew. Allocates nothing.
    pub fn reset(&mut self) {
        let directory = self.directory.take();
        *self = Self { directory, inbox: self.inbox, ..Self::default() };
        if self.directory.is_some() {
            let defaults = [
                ("stream.sock", ListenerFormat::Binary),
                ("json.sock", ListenerFormat::Json),
                ("control.sock", ListenerFormat::Control),
            ];
            let listeners = defaults.into_iter().map(|(path, format)| Listener::new(path, format));
            self.listeners.extend(listeners.filter_map(Result::ok));
        }
    }

    /// The mode of a listener's socket file: as asked, else for its owner alone, or with a group of
    /// readers for that group as well.
    #[must_use]
    pub fn mode_of(&self, listener: &Listener) -> u32 {
        let default = match listener.format {
            ListenerFormat::Binary | ListenerFormat::Json | ListenerFormat::Opta1
                if self.access.read_group.is_some() =>
            {
                0o660
            }
            _ => 0o600,
        };
        listener.mode.unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_readers_opens_what_has_no_mode_of_its_own() {
        let mut config = Config::in_directory("/run/kymo");
        assert_eq!(config.mode_of(&config.listeners[1]), 0o600);
        config.access.read_group = Some("daemon".try_into().unwrap());
        assert_eq!(config.mode_of(&config.listeners[1]), 0o660);
        config.listeners[1].mode = Some(0o600);
        assert_eq!(config.mode_of(&config.listeners[1]), 0o600);
    }

    #[test]
    fn groups_are_looked_up() {
        let mut access = Access::default();
        assert_eq!(access.group_id(), Ok(None));
        access.read_group = Some("root".try_into().unwrap());
        assert_eq!(access.group_id(), Ok(Some(0)));
        access.read_group = Some("no such group".try_into().unwrap());
        let error = access.group_id().unwrap_err().to_string();
        assert_eq!(error, "access.read_group: there is no group `no such group`");
    }

    #[test]
    fn what_is_reset_is_as_at_the_start() {
        let mut config = Config::in_directory("/run/kymo");
        config.listeners.clear();
        config.quotas.connections = 7;
        config.sensors.max_cpu_ppm = 7;
        config.reset();
        assert_eq!(config, Config::in_directory("/run/kymo"));
        config.directory = None;
        config.reset();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn too_long_a_path_is_refused_with_the_limit() {
        let path = "x".repeat(PATH_MAX + 1);
        let error = Listener::new(&path, ListenerFormat::Json).unwrap_err().to_string();
        assert!(error.contains(&format!("{} bytes", PATH_MAX + 1)), "{error}");
        assert!(Listener::new(&path[1..], ListenerFormat::Json).is_ok());
    }
}
