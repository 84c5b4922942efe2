//! A `[[recorder]]` of which something may be missing still.

use kymo_protocol::{Field, StreamId};

use super::fault::Fault;
use super::schema::Setting;
use super::word::Word;
use crate::config::{RecorderSettings, THRESHOLD_FIELDS, Threshold};
use crate::limits::{
    RECORDER_BYTES_MAX, RECORDER_BYTES_MIN, RECORDER_FILES_MAX, RECORDER_SECONDS_MAX,
};

/// Limits of values, in thousandths: counts of bytes are the largest.
const LIMIT_MAX: f64 = 1e15;

/// See the module.
#[derive(Debug)]
pub struct RecorderDraft {
    /// Where it begins.
    at: usize,
    /// What is known.
    pub settings: RecorderSettings,
    field: Option<Field>,
    limit: i64,
    for_ms: u32,
}

impl RecorderDraft {
    /// One that begins at this byte.
    pub fn new(at: usize) -> Self {
        Self { at, settings: RecorderSettings::default(), field: None, limit: 0, for_ms: 0 }
    }

    /// Takes a setting's value.
    pub fn take(&mut self, setting: Setting, word: Word<'_>) -> Result<(), Fault> {
        let settings = &mut self.settings;
        match setting {
            Setting::RecorderName => settings.name = word.short("a recorder's name")?,
            Setting::RecorderStreams => {
                let names = StreamId::ALL_NAMED.map(|(stream, name)| (name, stream));
                settings.streams = settings.streams.with(word.choice("stream", &names)?);
            }
            Setting::RecorderRate => settings.rate_mhz = Some(word.rate()?),
            Setting::Before => settings.before_s = word.integer(1..=RECORDER_SECONDS_MAX)?,
            Setting::After => settings.after_s = word.integer(0..=RECORDER_SECONDS_MAX)?,
            Setting::RecorderBytes => {
                settings.bytes = word.integer(RECORDER_BYTES_MIN..=RECORDER_BYTES_MAX)?
            }
            Setting::RecorderPath => settings.path = Some(word.absolute()?),
            Setting::Files => settings.files = word.integer(1..=RECORDER_FILES_MAX)?,
            Setting::Pause => settings.pause_s = word.integer(1..=RECORDER_SECONDS_MAX)?,
            Setting::ThresholdField => {
                let names = THRESHOLD_FIELDS.map(|field| (field.name(), field));
                self.field = Some(word.choice("field", &names)?);
            }
            Setting::Above | Setting::Below => self.limit = word.thousandths(LIMIT_MAX)?,
            Setting::ForSeconds => {
                let most = RECORDER_SECONDS_MAX * 1000;
                self.for_ms = word.scaled(1000.0, 0..=most, "0 to 3600 s")?;
            }
            Setting::TriggerTopic => settings.topic = Some(word.short("a pattern of topics")?),
            // The keys of other tables are not known here.
            _ => debug_assert!(false, "no key of a recorder"),
        }
        Ok(())
    }

    /// The settings, if they are complete; `has` tells which were set.
    pub fn finish(self, has: impl Fn(Setting) -> bool) -> Result<RecorderSettings, Fault> {
        let fault = |text: &str| Err(Fault::new(self.at, format_args!("this recorder {text}")));
        if !has(Setting::RecorderName) {
            return fault("has no `name`");
        }
        let limits = (has(Setting::Above), has(Setting::Below));
        let threshold = match (self.field, limits) {
            (Some(_), (true, true)) => return fault("has both `above` and `below`"),
            (Some(_), (false, false)) => return fault("has a `field` without `above` or `below`"),
            (Some(field), (is_above, _)) => {
                Some(Threshold { field, is_above, limit: self.limit, for_ms: self.for_ms })
            }
            (None, (false, false)) if !has(Setting::ForSeconds) => None,
            (None, _) => return fault("has a threshold without a `field`"),
        };
        Ok(RecorderSettings { threshold, ..self.settings })
    }
}
