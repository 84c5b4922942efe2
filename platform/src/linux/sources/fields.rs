//! Files of keys with a number each: meminfo, vmstat, and those of control groups.
//!
//! A key that a kernel doesn't write is absent, by itself.

use kymo_protocol::{Metric, NoData, Reading};

use super::rows::scaled;
use crate::linux::text::{number, words};
use crate::phrase::Phrase;
use crate::source::{Scope, SensorInfo, SourceSpec};

/// Holds any line of such a file; most files fit whole.
const TEXT_SIZE: usize = 4096;
/// Sensors of one file, at most.
const FIELDS_MAX: usize = 24;

/// A key that is a sensor.
#[derive(Debug)]
pub(super) struct Field {
    /// As the file writes it, without a colon; the end of its identity.
    pub(super) key: &'static str,
    /// A key whose number is taken off.
    pub(super) less: Option<&'static str>,
    pub(super) metric: &'static Metric,
    /// What tells it from other fields of that metric, if there are.
    pub(super) attribute: Option<(&'static str, &'static str)>,
    /// The file's number is so many times the metric's unit.
    pub(super) divisor: f64,
    /// What people call it; the end of its identity.
    pub(super) name: &'static str,
}

/// Tells every field.
pub(super) fn tell(
    spec: &SourceSpec,
    scope: Scope,
    fields: &[Field],
    found: &mut dyn FnMut(&SensorInfo<'_>),
) {
    for field in fields {
        let identity = Phrase::new().with(spec.name).with("/").with_name(field.name);
        let attributes = [field.attribute.unwrap_or_default()];
        let count = usize::from(field.attribute.is_some());
        found(&SensorInfo {
            metric: field.metric,
            label: field.name,
            attributes: attributes.get(..count).unwrap_or_default(),
            identity: identity.as_str(),
            cadence_ms: spec.cadence_ms,
            scope,
        });
    }
}

/// Reads every line of a text through a buffer.
pub(super) type Lines<'f> =
    &'f mut dyn FnMut(&mut [u8], &mut dyn FnMut(&[u8]) -> bool) -> Reading<()>;

/// Reads every field; a file that can't be read is the state of all of them.
pub(super) fn read(lines: Lines<'_>, fields: &[Field], readings: &mut [Reading<f64>]) {
    let readings = readings.get_mut(..fields.len().min(FIELDS_MAX)).unwrap_or_default();
    readings.fill(Err(NoData::Absent));
    let mut less = [Err(NoData::Absent); FIELDS_MAX];
    let (mut wanted, mut missing) = (0u64, 0u32);
    for field in fields {
        wanted |= mark(field.key.as_bytes()) | field.less.map_or(0, |key| mark(key.as_bytes()));
        missing += 1 + u32::from(field.less.is_some());
    }
    let mut text = [0; TEXT_SIZE];
    let result = lines(&mut text, &mut |line| {
        // Most lines are none of ours, which their first letters tell.
        if mark(line) & wanted == 0 {
            return true;
        }
        let mut words = words(line);
        let key = words.next().unwrap_or_default();
        let key = key.strip_suffix(b":").unwrap_or(key);
        let value = words.next().and_then(number);
        for ((field, reading), less) in fields.iter().zip(&mut *readings).zip(&mut less) {
            let place = if field.key.as_bytes() == key {
                reading
            } else if field.less.is_some_and(|other| other.as_bytes() == key) {
                less
            } else {
                continue;
            };
            *place = scaled(value, field.divisor);
            missing = missing.saturating_sub(1);
        }
        missing > 0
    });
    if let Err(reason) = result {
        readings.fill(Err(reason));
        return;
    }
    for ((field, reading), less) in fields.iter().zip(readings).zip(less) {
        if let (Some(_), Ok(whole)) = (field.less, *reading) {
            // A part that is greater than its whole can't be.
            *reading = less.and_then(|part| match whole - part {
                rest if rest >= 0.0 => Ok(rest),
                _ => Err(NoData::Fault),
            });
        }
    }
}

/// One of 64 bits for the first three letters of a line or a key.
fn mark(text: &[u8]) -> u64 {
    match text {
        [a, b, c, ..] => {
            1 << (a.wrapping_add(b.wrapping_mul(3)).wrapping_add(c.wrapping_mul(5)) % 64)
        }
        // Too short for a key with a number.
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::text;
    use kymo_protocol::metric::known;

    fn read_text(text: &str, readings: &mut [Reading<f64>]) {
        let field = |key, less| Field {
            key,
            less,
            metric: known(21),
            attribute: None,
            divisor: 1.0 / 1024.0,
            name: key,
        };
        let fields = [field("MemTotal", None), field("MemTotal", Some("MemFree"))];
        let mut lines = |_: &mut [u8], line: &mut dyn FnMut(&[u8]) -> bool| {
            text::lines(text.as_bytes()).all(line);
            Ok(())
        };
        read(&mut lines, &fields, readings);
    }

    #[test]
    fn a_part_is_taken_off_its_whole() {
        let mut readings = [Err(NoData::Pending); 3];
        for (text, expected) in [
            ("MemTotal: 3 kB\nMemFree: 1 kB\n", [Ok(3072.0), Ok(2048.0)]),
            ("MemFree 1\nMemTotal 1\n", [Ok(1024.0), Ok(0.0)]),
            ("MemTotal: 3 kB\n", [Ok(3072.0), Err(NoData::Absent)]),
            ("MemTotal: 3\nMemFree: 4\n", [Ok(3072.0), Err(NoData::Fault)]),
            ("MemTotal: 3\nMemFree: x\n", [Ok(3072.0), Err(NoData::Fault)]),
            ("MemTotal:\n", [Err(NoData::Fault); 2]),
            ("", [Err(NoData::Absent); 2]),
        ] {
            read_text(text, &mut readings);
            assert_eq!(readings[..2], expected, "{text}");
            assert_eq!(readings[2], Err(NoData::Pending));
            read_text(text, &mut readings[..1]);
        }
    }
}
