//! Which sensors somebody wants to see.

use kymo_client::Sensor;
use kymo_protocol::Groups;
use kymo_protocol::pattern::wants;

/// Patterns of sensors, as those of topics: `*` stands for any text. None let everything through
/// that is of the groups asked for: a catalog also names what only others asked for, of which no
/// sample comes here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SensorFilter {
    /// Each ended by a newline.
    patterns: Vec<u8>,
    groups: Groups,
}

impl SensorFilter {
    /// Lets through what is like `pattern`, too.
    ///
    /// # Errors
    ///
    /// For a pattern that is empty or holds a newline.
    pub fn push(&mut self, pattern: &str) -> Result<(), String> {
        if pattern.is_empty() || pattern.contains('\n') {
            return Err("a pattern has at least one character, and no newline".into());
        }
        self.patterns.extend_from_slice(pattern.as_bytes());
        self.patterns.push(b'\n');
        Ok(())
    }

    /// Lets through nothing but what is of `groups`.
    pub fn keep_groups(&mut self, groups: Groups) {
        self.groups = groups;
    }

    /// Whether a sensor is of a group asked for, and its name, label, group or identity like a
    /// pattern.
    pub fn wants(&self, sensor: &Sensor) -> bool {
        let texts = [&sensor.name, &sensor.label, sensor.group.name(), &sensor.identity];
        self.groups.contains(sensor.group)
            && texts.into_iter().any(|text| wants(&self.patterns, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readings::Readings;
    use crate::readings::tests::{catalog, feed, fields};
    use kymo_protocol::SensorFields;

    #[test]
    fn name_label_group_and_identity_are_looked_at() {
        let mut readings = Readings::default();
        let told = SensorFields { label: "Tdie", name: "hw.temperature", ..fields(1) };
        feed(&mut readings, &catalog(1, &[told]));
        let sensor = &readings.catalog().sensors()[0];
        let wants = |patterns: &[&str]| {
            let mut filter = SensorFilter::default();
            patterns.iter().for_each(|pattern| filter.push(pattern).unwrap());
            filter.wants(sensor)
        };
        for pattern in ["hw.temp*", "Tdie", "hwmon", "hwmon/*/one", "*"] {
            assert!(wants(&[pattern]), "{pattern}");
        }
        for pattern in ["temp", "tdie", "hwmo", "hwmon/*/two", "s"] {
            assert!(!wants(&[pattern]), "{pattern}");
        }
        assert!(wants(&[]) && wants(&["x", "Td*"]) && !wants(&["x", "y"]));
        for (groups, expected) in [("cpu\nhw*\n", true), ("cpu\n", false), ("", true)] {
            let mut filter = SensorFilter::default();
            filter.push("hwmon").unwrap();
            filter.keep_groups(Groups::wanted(groups.as_bytes()));
            assert_eq!(filter.wants(sensor), expected, "{groups:?}");
        }
        assert!(SensorFilter::default().push("").is_err());
        assert!(SensorFilter::default().push("a\nb").is_err());
    }
}
