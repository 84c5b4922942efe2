//! Of any chips, every file whose name is that of a value is a sensor, and says what a naive reader
//! takes from that file and those beside it; and its source conforms. A line `#name` begins a chip,
//! a line `file text` is one of its files.

use std::collections::BTreeMap;

use kymo_platform::{Extras, Machine};
use kymo_protocol::NoData::{Absent, Fault};
use kymo_protocol::Reading;

use crate::common::Tree;
use crate::common::conformance::{conforms, values};

/// Files that hold values: what their names begin and end with, unit and range.
const VALUES: [(&str, &[&str], f64, [i64; 2]); 9] = [
    ("temp", &["_input"], 1e3, [-39_999, 149_999]),
    ("fan", &["_input"], 1.0, [0, 100_000]),
    ("pwm", &[""], 255.0, [0, 255]),
    ("in", &["_input"], 1e3, [-1_000_000, 1_000_000]),
    ("curr", &["_input"], 1e3, [-10_000_000, 10_000_000]),
    ("power", &["_input", "_average"], 1e6, [-100_000_000_000, 100_000_000_000]),
    ("energy", &["_input"], 1e6, [0, i64::MAX]),
    ("humidity", &["_input"], 1e5, [0, 100_000]),
    ("freq", &["_input", "_average"], 1.0, [0, i64::MAX]),
];
const CHIPS_MAX: usize = 4;
const LINES_MAX: usize = 80;

type Files<'t> = BTreeMap<&'t str, &'t str>;

fn number(text: &str) -> Reading<i64> {
    // With its newline it has to be shorter than 64 bytes.
    let word = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let digits = word.strip_prefix('-').unwrap_or(word);
    let is_number = text.len() < 63 && digits.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| is_number).ok_or(Fault)
}

/// The end of a sensor's identity, and what it says.
fn value(files: &Files<'_>, file: &str) -> Option<(String, Reading<f64>)> {
    let (index, end, &(start, _, divisor, [least, greatest])) = VALUES.iter().find_map(|row| {
        let rest = file.strip_prefix(row.0)?;
        row.1.iter().find_map(|end| Some((rest.strip_suffix(end)?, end, row)))
    })?;
    // As the kernel writes numbers, and no greater than any channel's.
    index.parse::<u16>().ok().filter(|found| found.to_string() == index)?;
    let beside = |end: &str| files.get(format!("{start}{index}{end}").as_str());
    let is = |end: &str, value: i64| beside(end).is_some_and(|text| number(text) == Ok(value));
    let reading = if is("_fault", 1) {
        Err(Fault)
    } else if start != "pwm" && is("_enable", 0) {
        Err(Absent)
    } else {
        let found = number(files[file]).and_then(|number| match number {
            number if (least..=greatest).contains(&number) => Ok(number),
            _ => Err(Fault),
        });
        found.map(|number| number as f64 / divisor)
    };
    let end = if *end == "_input" { "" } else { end };
    Some((format!("{start}{index}{end}"), reading))
}

pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut chips: Vec<(&str, Files<'_>)> = Vec::new();
    for line in text.split('\n').take(LINES_MAX) {
        if let Some(name) = line.strip_prefix('#').filter(|_| chips.len() < CHIPS_MAX) {
            chips.push((name, Files::new()));
        }
        let Some(((file, text), (_, files))) = line.split_once(' ').zip(chips.last_mut()) else {
            continue;
        };
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if (1..40).contains(&file.len()) && file.bytes().all(is_letter) && file != "name" {
            files.insert(file, text);
        }
    }
    let tree = Tree::empty();
    let mut expected = BTreeMap::new();
    for (number, (name, files)) in (0..).zip(&chips) {
        let files_listed: Vec<_> = files.iter().map(|(file, text)| (*file, *text)).collect();
        tree.chip(number, &format!("platform/chip.{number}"), name, &files_listed);
        // A chip without a name, or with one that no driver has, is none.
        let word = name.trim_matches(|c: char| c.is_ascii_whitespace());
        if !word.is_empty() && name.len() < 63 {
            let found = files.keys().filter_map(|file| value(files, file));
            expected.extend(found.map(|(channel, reading)| ((number, channel), reading)));
        }
    }
    let mut sources = tree.sources_with(Extras { alarms: false, harmful: true });
    // There is one for each chip that a machine may have.
    sources.retain(|source| source.spec().name == "hwmon");
    sources.truncate(CHIPS_MAX + 1);
    conforms(&mut sources, "chips");
    let mut told = BTreeMap::new();
    for (identity, reading) in values(&mut sources) {
        let Some(rest) = identity.strip_prefix("hwmon/platform/chip.") else { continue };
        let (number, _) = rest.split_once('/').unwrap();
        let (_, channel) = rest.rsplit_once('/').unwrap();
        told.insert((number.parse().unwrap(), channel.to_owned()), reading);
    }
    assert_eq!(told, expected);
    let thermal = tree.machine().thermal();
    for temperature in [thermal.cpu, thermal.gpu].into_iter().flatten() {
        assert!((-40.0..150.0).contains(&temperature));
    }
}
