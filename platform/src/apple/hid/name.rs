//! What the names of sensors say, that the HID event system has.
//!
//! Apple documents none of them; the table is what public reports agree on. A name that no row
//! knows is a sensor all the same, of a place that is not known.

/// How the number of a sensor becomes a temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is one.
    Plain,
    /// Above 130 it is 256 times one.
    Wide,
    /// It is what others are compared with, and no temperature of anything: left out.
    Calibration,
}

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// `hw.sensor_location`, if it is known.
    pub location: Option<&'static str>,
    /// Whether the sensor lies on the die that the CPU lies on among others.
    pub is_die: bool,
    /// How its number is to be read.
    pub treatment: Treatment,
}

/// A row: a name that begins and ends so, with a number between or without one.
struct Row {
    start: &'static str,
    end: &'static str,
    class: Class,
}

const fn row(start: &'static str, end: &'static str, location: &'static str) -> Row {
    let class = Class { location: Some(location), is_die: false, treatment: Treatment::Plain };
    Row { start, end, class }
}

const fn die(start: &'static str) -> Row {
    let row = row(start, "", "soc");
    Row { class: Class { is_die: true, ..row.class }, ..row }
}

const fn wide(start: &'static str) -> Row {
    let row = row(start, "", "board");
    Row { class: Class { treatment: Treatment::Wide, ..row.class }, ..row }
}

const fn calibration(start: &'static str) -> Row {
    let class = Class { location: None, is_die: false, treatment: Treatment::Calibration };
    Row { start, end: "", class }
}

static ROWS: [Row; 15] = [
    row("pACC MTR Temp Sensor", "", "cpu"),
    row("eACC MTR Temp Sensor", "", "cpu"),
    row("GPU MTR Temp Sensor", "", "gpu"),
    row("SOC MTR Temp Sensor", "", "soc"),
    row("PMGR SOC Die Temp Sensor", "", "soc"),
    row("ANE MTR Temp Sensor", "", "ane"),
    row("ISP MTR Temp Sensor", "", "soc"),
    die("PMU tdie"),
    die("PMU2 tdie"),
    wide("PMU tdev"),
    wide("PMU2 tdev"),
    calibration("PMU tcal"),
    calibration("PMU2 tcal"),
    row("NAND CH", " temp", "storage"),
    row("gas gauge battery", "", "battery"),
];

const UNKNOWN: Class = Class { location: None, is_die: false, treatment: Treatment::Plain };

/// What `name` says; letters of either case are different letters.
#[must_use]
pub fn classify(name: &str) -> Class {
    let is_of = |row: &&Row| {
        let rest = name.strip_prefix(row.start).and_then(|rest| rest.strip_suffix(row.end));
        rest.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    ROWS.iter().find(is_of).map_or(UNKNOWN, |row| row.class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_known_machines() {
        for (name, location) in [
            ("pACC MTR Temp Sensor9", Some("cpu")),
            ("eACC MTR Temp Sensor0", Some("cpu")),
            ("GPU MTR Temp Sensor4", Some("gpu")),
            ("SOC MTR Temp Sensor1", Some("soc")),
            ("ANE MTR Temp Sensor1", Some("ane")),
            ("PMU tdie10", Some("soc")),
            ("PMU2 tdie1", Some("soc")),
            ("PMU tdev4", Some("board")),
            ("NAND CH0 temp", Some("storage")),
            ("gas gauge battery", Some("battery")),
            // What only looks like one of them.
            ("PMU TP3g", None),
            ("NAND CH0 temperature", None),
            ("gpu MTR Temp Sensor4", None),
            ("PMU tdie1x", None),
            ("", None),
        ] {
            assert_eq!(classify(name).location, location, "{name}");
        }
        assert!(classify("PMU tdie7").is_die && !classify("SOC MTR Temp Sensor1").is_die);
        assert_eq!(classify("PMU2 tdev7").treatment, Treatment::Wide);
        assert_eq!(classify("PMU tcal").treatment, Treatment::Calibration);
    }
}
