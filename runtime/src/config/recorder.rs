//! What a recorder is told: what it keeps in memory, and when it writes that into a file.

use std::fmt;

use kymo_protocol::limits::{EVENT_NAME_MAX, RATE_MHZ_MIN};
use kymo_protocol::{Field, Payload, StreamId, Streams, Vitals};

use super::check::{Thousandths, check_path, fail, hertz};
use super::{Config, ConfigError};
use crate::limits::{
    RECORDER_BYTES_DEFAULT, RECORDER_BYTES_MAX, RECORDER_BYTES_MIN, RECORDER_FILES_MAX,
    RECORDER_NAME_MAX, RECORDER_PATH_MAX, RECORDER_SECONDS_MAX,
};
use crate::topics;

/// Vitals that a threshold can be for: one number each, and none that only grows.
pub(crate) const THRESHOLD_FIELDS: [Field; 10] = [
    Field::CpuUsage,
    Field::MemoryUsage,
    Field::MemoryUsed,
    Field::SwapUsed,
    Field::DiskUsage,
    Field::Temperature,
    Field::GpuTemperature,
    Field::PowerWatts,
    Field::BatteryCharge,
    Field::ProcessCount,
];

/// One `[[recorder]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecorderSettings {
    /// What its files' names begin with: ASCII letters, digits, `-` and `_`.
    pub name: heapless::String<RECORDER_NAME_MAX>,
    /// What it keeps.
    pub streams: Streams,
    /// How often vitals and samples come, in thousandths of a hertz; `None` for the hub's rate.
    pub rate_mhz: Option<u32>,
    /// Seconds that it keeps.
    pub before_s: u32,
    /// Seconds that it goes on for in a file once something has happened.
    pub after_s: u32,
    /// Memory for what it keeps.
    pub bytes: u32,
    /// Where its files are, absolute; `None`: where the host keeps its state.
    pub path: Option<heapless::String<RECORDER_PATH_MAX>>,
    /// Files that it leaves at most; the oldest goes first.
    pub files: u32,
    /// Seconds between the beginnings of two files that nobody asked for.
    pub pause_s: u32,
    /// A value that makes it write.
    pub threshold: Option<Threshold>,
    /// Events that make it write: a pattern of topics.
    pub topic: Option<heapless::String<EVENT_NAME_MAX>>,
}

/// A value of the vitals that is too high, or too low, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Which.
    pub field: Field,
    /// Whether too high is meant.
    pub is_above: bool,
    /// In thousandths of the field's unit.
    pub limit: i64,
    /// For so many milliseconds without a break.
    pub for_ms: u32,
}

impl Default for RecorderSettings {
    fn default() -> Self {
        Self {
            name: heapless::String::new(),
            streams: Streams::default().with(StreamId::VITALS).with(StreamId::EVENTS),
            rate_mhz: None,
            before_s: 60,
            after_s: 10,
            bytes: RECORDER_BYTES_DEFAULT,
            path: None,
            files: 8,
            pause_s: 60,
            threshold: None,
            topic: None,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.is_above { "above" } else { "below" };
        let sign = if self.limit < 0 { "-" } else { "" };
        let limit = Thousandths(self.limit.unsigned_abs());
        write!(f, "{} {side} {sign}{limit}", self.field.name())?;
        match self.for_ms {
            0 => Ok(()),
            for_ms => write!(f, " for {} s", Thousandths(for_ms.into())),
        }
    }
}

impl Config {
    pub(super) fn check_recorders(&self) -> Result<(), ConfigError> {
        for (index, recorder) in self.recorders.iter().enumerate() {
            let refuse = |why: fmt::Arguments<'_>| {
                fail(format_args!("recorder {}: {why}", recorder.name.escape_debug()))
            };
            let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if recorder.name.is_empty() || !recorder.name.bytes().all(is_good) {
                return refuse(format_args!("a name has letters, digits, - and _"));
            }
            if self.recorders.iter().take(index).any(|other| other.name == recorder.name) {
                return refuse(format_args!("two have this name"));
            }
            if recorder.streams.is_empty() {
                return refuse(format_args!("it keeps nothing: streams is empty"));
            }
            self.check_measures(recorder)?;
            check_path("a recorder's path", recorder.path.as_deref())?;
            let needs = |stream| !recorder.streams.contains(stream);
            if recorder.threshold.is_some() && needs(StreamId::VITALS) {
                return refuse(format_args!("field needs vitals among its streams"));
            }
            if recorder.topic.is_some() && needs(StreamId::EVENTS) {
                return refuse(format_args!("topic needs events among its streams"));
            }
            if let Some(Threshold { field, .. }) = recorder.threshold
                && !THRESHOLD_FIELDS.contains(&field)
            {
                return refuse(format_args!("{} is nothing to compare with", field.name()));
            }
            match recorder.topic.as_deref() {
                Some("") => return refuse(format_args!("topic is empty")),
                Some(topic) if topic.starts_with(topics::OWN) => {
                    let text = format_args!("topics of the server's own make no file");
                    return refuse(text);
                }
                _ => {}
            }
        }
        let recorders = u32::try_from(self.recorders.len()).unwrap_or(u32::MAX);
        if recorders >= self.limits.clients {
            return fail(format_args!("limits.clients leaves none beside the recorders"));
        }
        Ok(())
    }

    fn check_measures(&self, recorder: &RecorderSettings) -> Result<(), ConfigError> {
        let refuse = |why: fmt::Arguments<'_>| {
            fail(format_args!("recorder {}: {why}", recorder.name.escape_debug()))
        };
        let rate_max = self.limits.rate_mhz_max;
        if recorder.rate_mhz.is_some_and(|rate| !(RATE_MHZ_MIN..=rate_max).contains(&rate)) {
            return refuse(format_args!("rate_hz may be 0.1 to {} Hz", hertz(rate_max)));
        }
        for (name, value, min, max) in [
            ("before_s", recorder.before_s, 1, RECORDER_SECONDS_MAX),
            ("after_s", recorder.after_s, 0, RECORDER_SECONDS_MAX),
            ("pause_s", recorder.pause_s, 1, RECORDER_SECONDS_MAX),
            ("bytes", recorder.bytes, RECORDER_BYTES_MIN, RECORDER_BYTES_MAX),
            ("files", recorder.files, 1, RECORDER_FILES_MAX),
        ] {
            if !(min..=max).contains(&value) {
                return refuse(format_args!("{name} is {value}; it may be {min} to {max}"));
            }
        }
        let rate_mhz = u64::from(recorder.rate_mhz.unwrap_or(self.rate_mhz));
        let frames = u64::from(recorder.before_s) * rate_mhz / 1000;
        let needed = frames * Vitals::FRAME_SIZE as u64;
        if recorder.streams.contains(StreamId::VITALS) && needed > u64::from(recorder.bytes) {
            let bytes = recorder.bytes;
            return refuse(format_args!(
                "before_s of vitals need {needed} bytes; bytes is {bytes}, and may be \
                 {RECORDER_BYTES_MAX}"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(change: impl FnOnce(&mut RecorderSettings)) -> String {
        let mut config = Config::in_directory("/k");
        let mut recorder = RecorderSettings::default();
        recorder.name.push_str("spikes").unwrap();
        change(&mut recorder);
        config.recorders.push(recorder).unwrap();
        config.check().map_or_else(|error| error.to_string(), |()| "good".into())
    }

    #[test]
    fn each_measure_has_a_range_that_is_told() {
        assert_eq!(checked(|_| {}), "good");
        assert_eq!(
            checked(|r| r.before_s = 0),
            "recorder spikes: before_s is 0; it may be 1 to 3600"
        );
        assert!(checked(|r| r.after_s = 3601).contains("after_s is 3601"));
        assert!(checked(|r| r.files = 0).contains("files is 0"));
        assert!(checked(|r| r.bytes = 1000).contains("bytes is 1000"));
        assert!(checked(|r| r.pause_s = 0).contains("pause_s is 0"));
        assert!(checked(|r| r.rate_mhz = Some(1)).contains("rate_hz may be"));
        // A window that does not hold what it promises.
        let told = checked(|r| r.rate_mhz = Some(1_000_000));
        assert_eq!(
            told,
            "recorder spikes: before_s of vitals need 19200000 bytes; bytes is \
             1048576, and may be 268435456"
        );
        assert_eq!(checked(|r| (r.rate_mhz, r.bytes) = (Some(1_000_000), 20 << 20)), "good");
    }

    #[test]
    fn names_and_triggers_must_make_sense() {
        assert!(checked(|r| r.name.clear()).contains("a name has letters"));
        assert!(checked(|r| r.name.push_str("/..").unwrap()).contains("a name has letters"));
        let only_events = Streams::default().with(StreamId::EVENTS);
        let threshold = |field| Some(Threshold { field, is_above: true, limit: 1, for_ms: 0 });
        let told =
            checked(|r| (r.streams, r.threshold) = (only_events, threshold(Field::CpuUsage)));
        assert!(told.contains("needs vitals"), "{told}");
        assert!(checked(|r| r.threshold = threshold(Field::Uptime)).contains("nothing to compare"));
        assert!(checked(|r| r.streams = Streams::default()).contains("keeps nothing"));
        assert!(checked(|r| r.path = Some("x".try_into().unwrap())).contains("must be absolute"));
        assert!(checked(|r| r.topic = Some(heapless::String::new())).contains("topic is empty"));
        let own = checked(|r| r.topic = Some("kymo.*".try_into().unwrap()));
        assert!(own.contains("make no file"), "{own}");
        let mut config = Config::in_directory("/k");
        config
            .recorders
            .push(RecorderSettings { name: "a".try_into().unwrap(), ..Default::default() })
            .unwrap();
        config.recorders.push(config.recorders[0].clone()).unwrap();
        assert!(config.check().unwrap_err().to_string().contains("two have this name"));
        config.recorders.pop();
        config.limits.clients = 1;
        assert!(config.check().unwrap_err().to_string().contains("leaves none"));
    }

    #[test]
    fn a_threshold_says_what_it_is() {
        let mut threshold =
            Threshold { field: Field::CpuUsage, is_above: true, limit: 90_000, for_ms: 5000 };
        assert_eq!(threshold.to_string(), "cpu_usage above 90 for 5 s");
        (threshold.is_above, threshold.limit, threshold.for_ms) = (false, -500, 1250);
        assert_eq!(threshold.to_string(), "cpu_usage below -0.5 for 1.25 s");
        (threshold.limit, threshold.for_ms) = (1_005, 0);
        assert_eq!(threshold.to_string(), "cpu_usage below 1.005");
    }
}
