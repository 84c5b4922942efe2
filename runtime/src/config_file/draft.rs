//! Settings while they are read: those there were, with what the text has said so far.

use kymo_platform::socket::PATH_MAX;
use kymo_protocol::{StreamId, Streams};

use super::fault::Fault;
use super::recorder_draft::RecorderDraft;
use super::schema::{Key, Setting};
use super::word::{Value, Word};
use crate::config::{Config, JournalSettings, Listener, ListenerFormat};
use crate::limits::{
    CLIENTS_MAX, EVENT_BYTES_MAX, EVENT_BYTES_MIN, GROUP_NAME_MAX, JOURNAL_BYTES_MAX,
    JOURNAL_BYTES_MIN, LISTENERS_MAX, MAX_CPU_PPM_MAX, MAX_CPU_PPM_MIN, QUOTA_BYTES_MAX,
    QUOTA_EVENTS_MAX, RECORDERS_MAX,
};

/// The streams a listener can give unasked.
const STREAMS: [(&str, StreamId); 2] = [("vitals", StreamId::VITALS), ("events", StreamId::EVENTS)];

const FORMATS: [(&str, ListenerFormat); 4] = [
    ("binary", ListenerFormat::Binary),
    ("json", ListenerFormat::Json),
    ("opta1", ListenerFormat::Opta1),
    ("control", ListenerFormat::Control),
];

/// Settings while they are read; see the module.
#[derive(Debug)]
pub struct Draft {
    /// All but the directory, which no text names.
    config: Config,
    /// Settings that have been set: [`Setting::bit`]s.
    seen: u64,
    listener: Option<Pending>,
    recorder: Option<RecorderDraft>,
    /// What `[journal]` says, and whether it is there and does not say no.
    journal: JournalSettings,
    journal_on: bool,
}

/// A listener of which something may be missing still.
#[derive(Debug)]
struct Pending {
    /// Where it begins.
    at: usize,
    path: heapless::String<PATH_MAX>,
    format: Option<ListenerFormat>,
    streams: Option<Streams>,
    rate_mhz: Option<u32>,
    mode: Option<u32>,
    bare: bool,
}

impl Draft {
    /// The settings of `config`, to be changed.
    pub fn new(config: &Config) -> Self {
        Self {
            config: Config {
                directory: None,
                listeners: config.listeners.clone(),
                rate_mhz: config.rate_mhz,
                limits: config.limits,
                journal: None,
                quotas: config.quotas,
                access: config.access.clone(),
                sensors: config.sensors.clone(),
                recorders: config.recorders.clone(),
                sandbox: config.sandbox,
                inbox: config.inbox,
            },
            seen: 0,
            listener: None,
            recorder: None,
            journal: config.journal.clone().unwrap_or_default(),
            journal_on: config.journal.is_some(),
        }
    }

    /// Puts what was read in the place of what was there.
    pub fn finish(mut self, config: &mut Config) {
        self.config.directory = config.directory.take();
        self.config.journal = self.journal_on.then_some(self.journal);
        *config = self.config;
    }

    /// Whether this setting was set; those of a listener count for the one at hand.
    pub fn has(&self, setting: Setting) -> bool {
        self.seen & setting.bit() != 0
    }

    /// `[journal]` is there: that asks for one.
    pub fn begin_journal(&mut self) {
        // A line that says no may have come before, as in `journal.enabled = false`.
        if !self.has(Setting::JournalEnabled) {
            self.journal_on = true;
        }
    }

    /// A new listener begins at this byte.
    pub fn begin_listener(&mut self, at: usize) -> Result<(), Fault> {
        if self.config.listeners.is_full() {
            return Err(Fault::new(at, format_args!("at most {LISTENERS_MAX} listeners")));
        }
        self.seen &= !Setting::OF_LISTENER;
        self.listener = Some(Pending {
            at,
            path: heapless::String::new(),
            format: None,
            streams: None,
            rate_mhz: None,
            mode: None,
            bare: false,
        });
        Ok(())
    }

    /// A new recorder begins at this byte.
    pub fn begin_recorder(&mut self, at: usize) -> Result<(), Fault> {
        if self.config.recorders.is_full() {
            return Err(Fault::new(at, format_args!("at most {RECORDERS_MAX} recorders")));
        }
        self.seen &= !Setting::OF_RECORDER;
        self.recorder = Some(RecorderDraft::new(at));
        Ok(())
    }

    /// The table at hand, if it is one of an array, is complete.
    pub fn end_element(&mut self) -> Result<(), Fault> {
        if let Some(recorder) = self.recorder.take() {
            let added = self.config.recorders.push(recorder.finish(|setting| self.has(setting))?);
            debug_assert!(added.is_ok(), "there was room when it began");
        }
        self.end_listener()
    }

    fn end_listener(&mut self) -> Result<(), Fault> {
        let Some(listener) = self.listener.take() else { return Ok(()) };
        let missing =
            |name| Err(Fault::new(listener.at, format_args!("this listener has no `{name}`")));
        if !self.has(Setting::Path) {
            return missing("path");
        }
        let Some(format) = listener.format else { return missing("format") };
        let added = self.config.listeners.push(Listener {
            path: listener.path,
            format,
            streams: listener.streams.unwrap_or(format.streams()),
            rate_mhz: listener.rate_mhz,
            mode: listener.mode,
            bare: listener.bare,
        });
        debug_assert!(added.is_ok(), "there was room when it began");
        Ok(())
    }

    /// Says that a setting's value comes.
    pub fn mark(&mut self, key: &Key, setting: Setting) -> Result<(), Fault> {
        if self.has(setting) {
            return Err(Fault::set_twice(key));
        }
        self.seen |= setting.bit();
        if let (Setting::Streams, Some(listener)) = (setting, &mut self.listener) {
            listener.streams = Some(Streams::default());
        }
        if let (Setting::RecorderStreams, Some(recorder)) = (setting, &mut self.recorder) {
            recorder.settings.streams = Streams::default();
        }
        Ok(())
    }

    /// Takes a setting's value.
    pub fn take(
        &mut self,
        key: &Key,
        setting: Setting,
        value: Value<'_>,
        at: usize,
    ) -> Result<(), Fault> {
        let word = Word { key, value, at };
        if let Some(recorder) = &mut self.recorder {
            return recorder.take(setting, word);
        }
        let (config, listener) = (&mut self.config, &mut self.listener);
        match (setting, listener) {
            (Setting::Rate, _) => config.rate_mhz = word.rate()?,
            (Setting::Clients, _) => config.limits.clients = word.integer(1..=CLIENTS_MAX)?,
            (Setting::RateMax, _) => config.limits.rate_mhz_max = word.rate()?,
            (Setting::EventBytes, _) => {
                config.limits.event_bytes = word.integer(EVENT_BYTES_MIN..=EVENT_BYTES_MAX)?;
            }
            (Setting::JournalEnabled, _) => self.journal_on = word.flag()?,
            (Setting::JournalBytes, _) => {
                self.journal.bytes = word.integer(JOURNAL_BYTES_MIN..=JOURNAL_BYTES_MAX)?;
            }
            (Setting::JournalPath, _) => self.journal.path = Some(word.absolute()?),
            (Setting::Connections, _) => {
                config.quotas.connections = word.integer(0..=CLIENTS_MAX)?;
            }
            (Setting::EventsPerSecond, _) => {
                config.quotas.events_per_s = word.integer(0..=QUOTA_EVENTS_MAX)?;
            }
            (Setting::BytesPerSecond, _) => {
                config.quotas.bytes_per_s = word.integer(0..=QUOTA_BYTES_MAX)?;
            }
            (Setting::ReadGroup, _) => {
                config.access.read_group = Some(word.short::<GROUP_NAME_MAX>("a group's name")?);
            }
            (Setting::MaxCpu, _) => {
                let range = MAX_CPU_PPM_MIN..=MAX_CPU_PPM_MAX;
                config.sensors.max_cpu_ppm = word.scaled(1e6, range, "0.0001 to 1")?;
            }
            (Setting::Alarms, _) => config.sensors.alarms = word.flag()?,
            (Setting::Harmful, _) => config.sensors.harmful = word.flag()?,
            (Setting::SandboxEnabled, _) => config.sandbox = word.flag()?,
            (Setting::SmcKeys, _) => config.sensors.smc_keys = Some(word.absolute()?),
            (Setting::Path, Some(listener)) => listener.path = word.short("a socket's path")?,
            (Setting::Format, Some(listener)) => {
                listener.format = Some(word.choice("format", &FORMATS)?);
            }
            (Setting::Streams, Some(listener)) => {
                let stream = word.choice("stream", &STREAMS)?;
                listener.streams = listener.streams.map(|streams| streams.with(stream));
            }
            (Setting::ListenerRate, Some(listener)) => listener.rate_mhz = Some(word.rate()?),
            (Setting::Mode, Some(listener)) => listener.mode = Some(word.mode()?),
            (Setting::Bare, Some(listener)) => listener.bare = word.flag()?,
            // The keys of a listener, or of a recorder, are known within one alone.
            _ => debug_assert!(false, "no such table"),
        }
        Ok(())
    }
}
