//! Whether settings can be used, each in its range and all together.

use std::fmt;

use kymo_protocol::limits::{RATE_MHZ_MAX, RATE_MHZ_MIN};
use kymo_protocol::{StreamId, parse_float};

use super::{Config, ConfigError, JournalSettings, Limits, Listener, ListenerFormat, Quotas};
use crate::limits::{
    CLIENTS_MAX, EVENT_BYTES_MAX, EVENT_BYTES_MIN, JOURNAL_BYTES_MAX, JOURNAL_BYTES_MIN,
    MAX_CPU_PPM_MAX, MAX_CPU_PPM_MIN, QUOTA_BYTES_MAX, QUOTA_EVENTS_MAX,
};
use crate::message::Message;

impl Config {
    /// Checks every setting against its range and against the others. Allocates nothing.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the first setting that can't be used and what it may be.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.limits.check()?;
        if !(RATE_MHZ_MIN..=self.limits.rate_mhz_max).contains(&self.rate_mhz) {
            let (rate, max) = (hertz(self.rate_mhz), hertz(self.limits.rate_mhz_max));
            return fail(format_args!(
                "rate_hz (--rate) is {rate}; it may be 0.1 to limits.rate_max, {max}"
            ));
        }
        for (index, listener) in self.listeners.iter().enumerate() {
            self.check_listener(listener)?;
            if self.listeners.iter().take(index).any(|other| other.path == listener.path) {
                return refuse(listener, "two listeners have this path");
            }
        }
        if let Some(journal) = &self.journal {
            journal.check()?;
            // A segment holds an eighth, and is to hold more than one event.
            let event_bytes = self.limits.event_bytes;
            if u64::from(journal.bytes) < 16 * u64::from(event_bytes) {
                return fail(format_args!(
                    "journal.bytes is {}; it may not be less than 16 times limits.event_bytes, \
                     {event_bytes}",
                    journal.bytes
                ));
            }
        }
        self.quotas.check(&self.limits)?;
        if !(MAX_CPU_PPM_MIN..=MAX_CPU_PPM_MAX).contains(&self.sensors.max_cpu_ppm) {
            return fail(format_args!("sensors.max_cpu may be 0.0001 to 1"));
        }
        check_path("sensors.smc_keys", self.sensors.smc_keys.as_deref())?;
        self.check_recorders()?;
        match &self.access.read_group {
            Some(name) if name.is_empty() || name.contains('\0') => {
                fail(format_args!("access.read_group is not the name of a group"))
            }
            _ => Ok(()),
        }
    }

    fn check_listener(&self, listener: &Listener) -> Result<(), ConfigError> {
        let path = listener.path.as_str();
        if path.is_empty() {
            return fail(format_args!("a listener's path is empty"));
        }
        if path.contains('\0') {
            return refuse(listener, "a path has no NUL in it");
        }
        if !path.starts_with('/') {
            if self.directory.is_none() {
                return refuse(listener, "a relative path needs a directory");
            }
            if path.contains('/') || path == "." || path == ".." {
                return refuse(listener, "a relative path is a file name in the directory");
            }
        }
        let rate_max = self.limits.rate_mhz_max;
        if listener.rate_mhz.is_some_and(|rate| !(RATE_MHZ_MIN..=rate_max).contains(&rate)) {
            let max = hertz(rate_max);
            return refuse(listener, format_args!("rate_hz may be 0.1 to {max} Hz"));
        }
        if let Some(mode) = listener.mode.filter(|mode| mode & !0o777 != 0 || mode & 0o600 != 0o600)
        {
            let text = format_args!("mode {mode:#o} does not let its owner read and write");
            return refuse(listener, text);
        }
        if listener.bare && listener.format != ListenerFormat::Json {
            return refuse(listener, "only a json listener can be bare");
        }
        match listener.format {
            ListenerFormat::Binary if !listener.streams.is_empty() => {
                refuse(listener, "clients of a binary listener name their streams themselves")
            }
            ListenerFormat::Control if !listener.streams.is_empty() => {
                refuse(listener, "a control listener has no streams")
            }
            ListenerFormat::Control if listener.mode.is_some_and(|mode| mode & 0o077 != 0) => {
                refuse(listener, "control is for the server's own user; its mode is 0o600")
            }
            ListenerFormat::Opta1 if listener.streams.contains(StreamId::EVENTS) => {
                refuse(listener, "version 1 has no events")
            }
            _ => Ok(()),
        }
    }
}

impl Config {
    /// Checks that `next` can take over while the hub lives, which has room for `clients_max`: what
    /// was allocated, bound or opened at the start stays.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the first setting that needs a restart.
    pub(crate) fn check_change(&self, next: &Self, clients_max: u32) -> Result<(), ConfigError> {
        let restart =
            |what: &str| Err(ConfigError(Message::new(format_args!("{what} needs a restart"))));
        if next.limits.clients > clients_max {
            let text =
                format_args!("limits.clients may be at most {} without a restart", clients_max);
            return Err(ConfigError(Message::new(text)));
        }
        if next.limits.event_bytes != self.limits.event_bytes {
            return restart("limits.event_bytes");
        }
        if next.journal != self.journal {
            return restart("[journal]");
        }
        if next.access != self.access {
            return restart("[access]");
        }
        if next.sensors.harmful != self.sensors.harmful {
            return restart("sensors.harmful");
        }
        if next.sensors.alarms != self.sensors.alarms {
            return restart("sensors.alarms");
        }
        if next.sensors.smc_keys != self.sensors.smc_keys {
            return restart("sensors.smc_keys");
        }
        if next.recorders != self.recorders {
            return restart("[[recorder]]");
        }
        if next.sandbox != self.sandbox {
            return restart("[sandbox]");
        }
        let place = |config: &Self, index: usize| {
            let listener = config.listeners.get(index)?;
            Some((listener.path.clone(), listener.format, config.mode_of(listener)))
        };
        let count = self.listeners.len().max(next.listeners.len());
        match (0..count).find(|index| place(self, *index) != place(next, *index)) {
            Some(_) => restart("another path, format or mode of a listener"),
            None => Ok(()),
        }
    }
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        let (clients, event_bytes) = (self.clients, self.event_bytes);
        if !(1..=CLIENTS_MAX).contains(&clients) {
            let text = format_args!("limits.clients is {clients}; it may be 1 to {CLIENTS_MAX}");
            return fail(text);
        }
        if !(RATE_MHZ_MIN..=RATE_MHZ_MAX).contains(&self.rate_mhz_max) {
            return fail(format_args!("limits.rate_max may be 0.1 to 1000 Hz"));
        }
        if !(EVENT_BYTES_MIN..=EVENT_BYTES_MAX).contains(&event_bytes) {
            return fail(format_args!(
                "limits.event_bytes is {event_bytes}; it may be {EVENT_BYTES_MIN} to \
                 {EVENT_BYTES_MAX}"
            ));
        }
        Ok(())
    }
}

impl JournalSettings {
    fn check(&self) -> Result<(), ConfigError> {
        let bytes = self.bytes;
        if !(JOURNAL_BYTES_MIN..=JOURNAL_BYTES_MAX).contains(&bytes) {
            return fail(format_args!(
                "journal.bytes is {bytes}; it may be {JOURNAL_BYTES_MIN} to {JOURNAL_BYTES_MAX}"
            ));
        }
        check_path("journal.path", self.path.as_deref())
    }
}

impl Quotas {
    fn check(&self, limits: &Limits) -> Result<(), ConfigError> {
        let ranges = [
            ("connections", self.connections, CLIENTS_MAX),
            ("events_per_s", self.events_per_s, QUOTA_EVENTS_MAX),
            ("bytes_per_s", self.bytes_per_s, QUOTA_BYTES_MAX),
        ];
        for (name, value, max) in ranges {
            if value > max {
                return fail(format_args!("quotas.{name} is {value}; it may be 0 to {max}"));
            }
        }
        if self.bytes_per_s != 0 && self.bytes_per_s < limits.event_bytes {
            return fail(format_args!(
                "quotas.bytes_per_s is {}; an event may have limits.event_bytes, {}",
                self.bytes_per_s, limits.event_bytes
            ));
        }
        Ok(())
    }
}

/// Checks the path that a setting may have.
pub(super) fn check_path(setting: &str, path: Option<&str>) -> Result<(), ConfigError> {
    match path {
        Some(path) if !path.starts_with('/') => fail(format_args!("{setting} must be absolute")),
        Some(path) if path.contains('\0') => {
            fail(format_args!("{setting}: a path has no NUL in it"))
        }
        _ => Ok(()),
    }
}

pub(super) fn fail(text: fmt::Arguments<'_>) -> Result<(), ConfigError> {
    Err(ConfigError(Message::new(text)))
}

fn refuse(listener: &Listener, why: impl fmt::Display) -> Result<(), ConfigError> {
    fail(format_args!("listener {}: {why}", listener.path.escape_debug()))
}

/// Thousandths of a hertz as hertz, without the machinery that floats need to be written.
pub(super) fn hertz(mhz: u32) -> Thousandths {
    Thousandths(mhz.into())
}

/// A number of thousandths as people write it.
pub(super) struct Thousandths(pub u64);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut rest, mut digits) = (self.0 / 1000, self.0 % 1000, 3);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        while rest % 10 == 0 {
            (rest, digits) = (rest / 10, digits - 1);
        }
        write!(f, "{whole}.{rest:0digits$}")
    }
}

/// Hertz as people write them on a command line, in thousandths.
///
/// # Errors
///
/// When the text is no number, or not one from 0.1 to 1000.
pub fn parse_rate(text: &str) -> Result<u32, ConfigError> {
    let hz = parse_float(text).ok_or_else(|| ConfigError("not a number".into()))?;
    if !(0.1..=1000.0).contains(&hz) {
        return Err(ConfigError("a rate is 0.1 to 1000 Hz".into()));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range, see above
    Ok((hz * 1000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Config)) -> Message {
        let mut config = Config::in_directory("/run/kymo");
        change(&mut config);
        config.check().unwrap_err().0
    }

    #[test]
    fn each_mistake_is_named() {
        assert_eq!(Config::in_directory("/run/kymo").check(), Ok(()));
        assert!(refused(|c| c.limits.clients = 0).contains("limits.clients is 0"));
        assert!(refused(|c| c.limits.clients = 16_385).contains("16384"));
        assert!(refused(|c| c.limits.event_bytes = 1023).contains("1024 to 61440"));
        assert!(refused(|c| c.limits.event_bytes = 61_441).contains("event_bytes is 61441"));
        assert!(refused(|c| c.rate_mhz = 99).contains("rate"));
        assert!(refused(|c| c.limits.rate_mhz_max = 1_000_001).contains("rate_max"));
        assert!(refused(|c| c.directory = None).contains("needs a directory"));
        assert!(refused(|c| c.listeners[1].rate_mhz = Some(0)).contains("rate_hz"));
        assert!(refused(|c| c.listeners[1].mode = Some(0o1600)).contains("mode 0o1600"));
        assert!(refused(|c| c.listeners[0].bare = true).contains("bare"));
        let streams = ListenerFormat::Json.streams();
        assert!(refused(|c| c.listeners[0].streams = streams).contains("name their streams"));
        let opta = |c: &mut Config| c.listeners[1].format = ListenerFormat::Opta1;
        assert!(refused(opta).contains("no events"));
        assert!(refused(|c| c.access.read_group = Some(Default::default())).contains("read_group"));
        let keys = |path: &str| refused(|c| c.sensors.smc_keys = Some(path.try_into().unwrap()));
        for path in ["", "keys.txt", "./keys.txt"] {
            assert_eq!(&*keys(path), "sensors.smc_keys must be absolute");
        }
        assert_eq!(&*keys("/a\0b"), "sensors.smc_keys: a path has no NUL in it");
        for max_cpu_ppm in [0, 99, 1_000_001] {
            assert!(refused(|c| c.sensors.max_cpu_ppm = max_cpu_ppm).contains("0.0001 to 1"));
        }
    }

    #[test]
    fn paths_are_names_or_absolute() {
        let refused = |path: &str| refused(|c| c.listeners[0].path = path.try_into().unwrap());
        assert!(refused("").contains("is empty"));
        for path in ["a/b", "../b", "..", ".", "./b", "b/"] {
            assert!(refused(path).contains("file name"), "{path}");
        }
        assert_eq!(&*refused("b\0c"), "listener b\\0c: a path has no NUL in it");
        assert!(refused("json.sock").contains("two listeners"));
        // The longest path leaves room for what is said of it.
        let long = "x".repeat(kymo_platform::socket::PATH_MAX - 2) + "/y";
        let error = refused(&long);
        assert!(error.ends_with("a relative path is a file name in the directory"), "{error}");
    }

    #[test]
    fn journal_and_quotas_have_ranges() {
        let journal = |bytes, path: Option<&str>| {
            let path = path.map(|path| path.try_into().unwrap());
            refused(|c| c.journal = Some(JournalSettings { bytes, path }))
        };
        assert!(journal(JOURNAL_BYTES_MIN - 1, None).contains("262144 to 1073741824"));
        assert!(journal(JOURNAL_BYTES_MAX + 1, None).contains("journal.bytes is 1073741825"));
        assert!(journal(JOURNAL_BYTES_MIN, Some("state")).contains("must be absolute"));
        assert!(journal(JOURNAL_BYTES_MIN, Some("/a\0b")).contains("NUL"));
        assert!(refused(|c| c.quotas.connections = 16_385).contains("0 to 16384"));
        assert!(refused(|c| c.quotas.events_per_s = u32::MAX).contains("events_per_s"));
        assert!(refused(|c| c.quotas.bytes_per_s = u32::MAX).contains("bytes_per_s"));
        assert!(refused(|c| c.quotas.bytes_per_s = 8191).contains("limits.event_bytes, 8192"));
    }
}
