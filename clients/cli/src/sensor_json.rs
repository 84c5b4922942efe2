//! A sensor and what it read as members of a JSON object.
//!
//! Always all keys, in this order: `group`, `name`, `label`, `value`, `unit`, `state`, `age_ms`,
//! `instrument`, `cadence_s`, `cost`, `scope`, `attributes`, `identity`. What is not known is null;
//! whole numbers are written as such, without a point.

use kymo_client::Sensor;
use kymo_protocol::json::Writer;

use crate::quote::quote;
use crate::readings::Reading;

/// The members, without braces.
pub fn members(sensor: &Sensor, reading: Reading) -> String {
    let age_ms = reading.value.map(|_| reading.age_ms.to_string());
    let cadence_s = sensor.cadence.map(|cadence| cadence.as_secs_f64());
    let attributes = sensor.attributes.iter();
    let attributes: Vec<String> =
        attributes.map(|(key, value)| format!("{}:{}", quote(key), quote(value))).collect();
    let members = [
        ("group", quote(sensor.group.name())),
        ("name", quote(&sensor.name)),
        ("label", quote(&sensor.label)),
        ("value", number(reading.value)),
        ("unit", quote(&sensor.unit)),
        ("state", quote(reading.state.name())),
        ("age_ms", age_ms.unwrap_or_else(null)),
        ("instrument", quote(sensor.instrument.name())),
        ("cadence_s", number(cadence_s)),
        ("cost", quote(sensor.cost.name())),
        ("scope", quote(sensor.scope.name())),
        ("attributes", format!("{{{}}}", attributes.join(","))),
        ("identity", quote(&sensor.identity)),
    ];
    members.map(|(key, value)| format!("\"{key}\":{value}")).join(",")
}

/// `wall_ns` as a daemon writes it.
pub fn timestamp(wall_ns: u64) -> String {
    format!("{}.{:06}", wall_ns / 1_000_000_000, wall_ns / 1000 % 1_000_000)
}

fn null() -> String {
    "null".into()
}

fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return null() };
    let mut buffer = [0; 64];
    let mut writer = Writer::new(&mut buffer);
    writer.double(value);
    let size = writer.finish().unwrap_or(0);
    let text = str::from_utf8(buffer.get(..size).unwrap_or_default());
    text.map_or_else(|_| null(), |text| text.strip_suffix(".0").unwrap_or(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readings::Readings;
    use crate::readings::tests::{catalog, feed, fields, samples};
    use kymo_client::State;
    use kymo_protocol::SensorFields;

    #[test]
    fn all_keys_are_there_and_any_text_is_json() {
        let mut readings = Readings::default();
        let attributes = [("hw.id", "a\"b=c\u{202e}"), ("x\\", "")];
        let told =
            SensorFields {
                label: "é\"\\", attributes: &attributes, cadence_ms: 1500, ..fields(1)
            };
        feed(&mut readings, &catalog(1, &[told, fields(2)]));
        feed(&mut readings, &samples(1, 1, &[(1, State::Held, 7, 54.0)]));
        let lines: Vec<String> =
            readings.all().map(|(sensor, reading)| members(sensor, reading)).collect();
        assert_eq!(
            lines[0],
            "\"group\":\"hwmon\",\"name\":\"system.cpu.time\",\"label\":\"é\\\"\\\\\",\
             \"value\":54,\"unit\":\"s\",\"state\":\"held\",\"age_ms\":7,\
             \"instrument\":\"counter\",\"cadence_s\":1.5,\"cost\":\"cheap\",\"scope\":\"host\",\
             \"attributes\":{\"hw.id\":\"a\\\"b=c\u{202e}\",\"x\\\\\":\"\"},\
             \"identity\":\"hwmon/a/one\""
        );
        let values = lines.iter().map(|line| format!("{{{line}}}"));
        let values: Vec<serde_json::Value> =
            values.map(|line| serde_json::from_str(&line).unwrap()).collect();
        assert_eq!(values[0]["attributes"]["hw.id"], "a\"b=c\u{202e}");
        assert_eq!(values[1]["state"], "pending");
        for key in ["value", "age_ms", "cadence_s"] {
            assert!(values[1][key].is_null(), "{key}");
        }
    }

    #[test]
    fn whole_numbers_have_no_point() {
        for (value, expected) in
            [(25_274_793_984.0, "25274793984"), (0.0, "0"), (10.05, "10.05"), (-3.0, "-3")]
        {
            assert_eq!(number(Some(value)), expected);
        }
        assert_eq!(number(None), "null");
    }

    #[test]
    fn times_have_six_decimals() {
        assert_eq!(timestamp(1_700_000_000_000_999_999), "1700000000.000999");
        assert_eq!(timestamp(0), "0.000000");
    }
}
