//! Sensors and what they read as a table for people, group by group.

use std::fmt::Write;

use kymo_client::{Group, Sensor};

use crate::clean::clean;
use crate::quantity::{quantity, span};
use crate::readings::Reading;

/// Columns of a label at most; what is longer stands out of line.
const LABEL_MAX: usize = 40;

/// What stands in the place of what is not known.
const NOTHING: &str = "-";

/// The table; with `is_long` also names and identities.
pub fn sensor_table(rows: &[(&Sensor, Reading)], is_long: bool) -> String {
    let mut head = vec!["", "value", "state", "age", "cadence", "cost"];
    if is_long {
        head.extend(["name", "identity"]);
    }
    let head: Vec<String> = head.into_iter().map(Into::into).collect();
    let cells: Vec<(Group, Vec<String>)> = rows
        .iter()
        .map(|(sensor, reading)| (sensor.group, row(sensor, *reading, is_long)))
        .collect();
    let all = std::iter::once(&head).chain(cells.iter().map(|(_, cells)| cells));
    let mut widths = vec![0; head.len()];
    for row in all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths[0] = widths[0].min(LABEL_MAX);
    let mut text = aligned(&head, &widths);
    for group in Group::ALL {
        let mut rows = cells.iter().filter(|(of, _)| *of == group).peekable();
        if rows.peek().is_some() {
            let _ = writeln!(text, "{}", group.name());
        }
        rows.for_each(|(_, cells)| text.push_str(&aligned(cells, &widths)));
    }
    text
}

/// What people call a sensor, without control characters.
pub fn label(sensor: &Sensor) -> String {
    let label = if sensor.label.trim().is_empty() { &sensor.name } else { &sensor.label };
    clean(label.chars())
}

/// A sensor's value with its unit, or what stands in its place.
pub fn value(sensor: &Sensor, reading: Reading) -> String {
    let text = |value| quantity(value, &sensor.unit, &sensor.name);
    reading.value.map_or_else(|| NOTHING.into(), text)
}

fn row(sensor: &Sensor, reading: Reading, is_long: bool) -> Vec<String> {
    let nothing = || NOTHING.to_string();
    let cadence = sensor.cadence.and_then(|cadence| u64::try_from(cadence.as_millis()).ok());
    let mut cells = vec![
        label(sensor),
        value(sensor, reading),
        reading.state.name().into(),
        reading.value.map_or_else(nothing, |_| span(reading.age_ms)),
        cadence.map_or_else(nothing, span),
        sensor.cost.name().into(),
    ];
    if is_long {
        cells.extend([&sensor.name, &sensor.identity].map(|text| clean(text.chars())));
    }
    cells
}

/// A line of cells; numbers stand at the right of their columns.
fn aligned(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).enumerate();
    let cells = cells.map(|(column, (cell, width))| match column {
        1 | 3 | 4 => format!("{cell:>width$}"),
        _ => format!("{cell:width$}"),
    });
    let line = format!("  {}", cells.collect::<Vec<_>>().join("  "));
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readings::Readings;
    use crate::readings::tests::{catalog, feed, fields, samples};
    use kymo_client::State;
    use kymo_protocol::SensorFields;

    fn readings() -> Readings {
        let mut readings = Readings::default();
        let cpu =
            SensorFields { group: Group::Cpu, label: "cpu0 user", cadence_ms: 10, ..fields(1) };
        let chip = SensorFields {
            label: "k10temp Tdie",
            name: "hw.temperature",
            unit: "Cel",
            ..fields(2)
        };
        feed(&mut readings, &catalog(1, &[chip, cpu, fields(3)]));
        let told =
            [(2, State::Ok, 1500, 54.25), (1, State::Held, 3, 10.5), (3, State::Denied, 0, 1.0)];
        feed(&mut readings, &samples(1, 1, &told));
        readings
    }

    #[test]
    fn a_table_looks_like_this() {
        let readings = readings();
        let rows: Vec<_> = readings.all().collect();
        assert_eq!(
            sensor_table(&rows, false),
            "                     value  state     age  cadence  cost\n\
             cpu\n  \
               cpu0 user         10.5 s  held     3 ms    10 ms  cheap\n\
             hwmon\n  \
               k10temp Tdie     54.2 °C  ok      1.5 s        -  cheap\n  \
               system.cpu.time        -  denied      -        -  cheap\n"
        );
        let long = sensor_table(&rows, true);
        assert!(long.contains("cheap  hw.temperature   hwmon/a/two\n"), "{long}");
    }

    #[test]
    fn labels_of_strangers_are_harmless_and_bounded() {
        let mut readings = Readings::default();
        let mut sensor = readings_of("\u{202e}x");
        sensor.label = "\u{1b}[2J\u{7}".into();
        sensor.identity = "\u{9b}".repeat(2);
        let pending = Reading { state: State::Pending, value: None, age_ms: 0 };
        let text = sensor_table(&[(&sensor, pending)], true);
        assert!(!text.chars().any(|char| char.is_control() && char != '\n'), "{text:?}");
        assert!(text.contains("�[2J�") && text.contains("��"), "{text:?}");
        sensor.label = "x".repeat(200);
        let mut other = readings_of("y");
        other.label = "y".into();
        let text = sensor_table(&[(&sensor, pending), (&other, pending)], false);
        let short = text.lines().last().unwrap();
        assert!(short.chars().count() < LABEL_MAX + 50, "{short}");
        feed(&mut readings, &catalog(1, &[]));
        assert_eq!(sensor_table(&[], false).lines().count(), 1);
    }

    fn readings_of(name: &str) -> Sensor {
        let readings = readings();
        Sensor { name: name.into(), ..readings.catalog().sensors()[0].clone() }
    }
}
