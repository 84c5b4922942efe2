//! What a hub is told at its start.

use std::path::PathBuf;

use kymo_protocol::Streams;
use kymo_protocol::limits::{RATE_MHZ_MAX, RATE_MHZ_MIN};

use crate::limits::{CLIENTS_DEFAULT, CLIENTS_MAX, LISTENERS_MAX};

/// The rate of subscribers that name none, in thousandths of a hertz.
pub const RATE_MHZ_DEFAULT: u32 = 25_000;

/// Everything a hub is told at its start. [`Config::default`] serves nobody but in-process
/// subscribers; [`Config::in_directory`] adds the default listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where relative listener paths and the lock file are. `None`: no lock, absolute paths only.
    pub directory: Option<PathBuf>,
    /// Where to listen, and for whom.
    pub listeners: Vec<Listener>,
    /// Rate of subscribers that name none, in thousandths of a hertz.
    pub rate_mhz: u32,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds a host may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections held at once.
    pub clients: u32,
    /// Highest rate that is granted, in thousandths of a hertz.
    pub rate_mhz_max: u32,
}

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Path of the socket, relative to the directory or absolute.
    pub path: PathBuf,
    /// What is spoken there.
    pub format: ListenerFormat,
    /// What a client gets that asks for nothing; only for formats that serve unasked.
    pub streams: Streams,
    /// Rate of such a client in thousandths of a hertz; `None` for the hub's.
    pub rate_mhz: Option<u32>,
    /// Mode of the socket file.
    pub mode: u32,
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
}

/// A setting that can't be used, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Default for Limits {
    fn default() -> Self {
        Self { clients: CLIENTS_DEFAULT, rate_mhz_max: RATE_MHZ_MAX }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: None,
            listeners: Vec::new(),
            rate_mhz: RATE_MHZ_DEFAULT,
            limits: Limits::default(),
        }
    }
}

impl Listener {
    /// A listener at `path` with the defaults of its format.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, format: ListenerFormat) -> Self {
        let streams = Streams::default().with(kymo_protocol::StreamId::VITALS);
        Self { path: path.into(), format, streams, rate_mhz: None, mode: 0o600, bare: false }
    }
}

impl Config {
    /// The default listeners in `directory`: `stream.sock` and `json.sock`.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: Some(directory.into()),
            listeners: vec![
                Listener::new("stream.sock", ListenerFormat::Binary),
                Listener::new("json.sock", ListenerFormat::Json),
            ],
            ..Self::default()
        }
    }

    /// Checks every setting against its range and against the others.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the first setting that can't be used and what it may be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |text: String| Err(ConfigError(text));
        if !(1..=CLIENTS_MAX).contains(&self.limits.clients) {
            return fail(format!(
                "limits.clients is {}; it may be 1 to {CLIENTS_MAX}",
                self.limits.clients
            ));
        }
        if !(RATE_MHZ_MIN..=RATE_MHZ_MAX).contains(&self.limits.rate_mhz_max) {
            return fail("limits.rate_max may be 0.1 to 1000 Hz".into());
        }
        let rate_range = RATE_MHZ_MIN..=self.limits.rate_mhz_max;
        if !rate_range.contains(&self.rate_mhz) {
            return fail(format!("the rate may be 0.1 to {} Hz", hertz(self.limits.rate_mhz_max)));
        }
        if self.listeners.len() > LISTENERS_MAX {
            return fail(format!("at most {LISTENERS_MAX} listeners"));
        }
        for (index, listener) in self.listeners.iter().enumerate() {
            let path = listener.path.display();
            if listener.path.as_os_str().is_empty() {
                return fail("a listener's path is empty".into());
            }
            if listener.path.is_relative() {
                if self.directory.is_none() {
                    return fail(format!("listener {path}: a relative path needs a directory"));
                }
                if listener.path.components().count() != 1 {
                    return fail(format!(
                        "listener {path}: a relative path is a file name in the directory"
                    ));
                }
            }
            if self.listeners[..index].iter().any(|other| other.path == listener.path) {
                return fail(format!("listener {path}: two listeners have this path"));
            }
            if listener.rate_mhz.is_some_and(|rate| !rate_range.contains(&rate)) {
                let max = hertz(self.limits.rate_mhz_max);
                return fail(format!("listener {path}: rate_hz may be 0.1 to {max} Hz"));
            }
            if listener.mode & !0o777 != 0 || listener.mode & 0o600 != 0o600 {
                return fail(format!(
                    "listener {path}: mode {:#o} does not let its owner read and write",
                    listener.mode
                ));
            }
            if listener.bare && listener.format != ListenerFormat::Json {
                return fail(format!("listener {path}: only a json listener can be bare"));
            }
        }
        Ok(())
    }
}

/// Hertz as people write them on a command line, in thousandths.
///
/// # Errors
///
/// When the text is no number, or not one from 0.1 to 1000.
pub fn parse_rate(text: &str) -> Result<u32, ConfigError> {
    let hz: f64 = text.parse().map_err(|_| ConfigError("not a number".into()))?;
    if !(0.1..=1000.0).contains(&hz) {
        return Err(ConfigError("a rate is 0.1 to 1000 Hz".into()));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range, see above
    Ok((hz * 1000.0).round() as u32)
}

fn hertz(mhz: u32) -> f64 {
    f64::from(mhz) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::in_directory("/run/kymo");
        change(&mut config);
        config.check().unwrap_err().0
    }

    #[test]
    fn each_mistake_is_named() {
        assert_eq!(Config::in_directory("/run/kymo").check(), Ok(()));
        assert!(refused(|c| c.limits.clients = 0).contains("limits.clients is 0"));
        assert!(refused(|c| c.limits.clients = 16_385).contains("16384"));
        assert!(refused(|c| c.rate_mhz = 99).contains("rate"));
        assert!(refused(|c| c.limits.rate_mhz_max = 1_000_001).contains("rate_max"));
        assert!(refused(|c| c.directory = None).contains("needs a directory"));
        assert!(refused(|c| c.listeners[0].path = "a/b".into()).contains("file name"));
        assert!(refused(|c| c.listeners[0].path = "../b".into()).contains("file name"));
        assert!(refused(|c| c.listeners[0].path = "json.sock".into()).contains("two listeners"));
        assert!(refused(|c| c.listeners[1].rate_mhz = Some(0)).contains("rate_hz"));
        assert!(refused(|c| c.listeners[1].mode = 0o1600).contains("mode"));
        assert!(refused(|c| c.listeners[0].bare = true).contains("bare"));
    }
}
