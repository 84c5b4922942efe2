//! Whatever stands in the files of procfs and of control groups, every source conforms: the same
//! sensors twice, sane numbers or reasons. Pressure is what a naive reader takes from its file. A
//! line `@a` begins a file, the letter chooses which; a line `^a` is one of those before it again.

use std::collections::BTreeMap;

use kymo_protocol::NoData::{Absent, Fault};
use kymo_protocol::Reading;

use crate::common::Tree;
use crate::common::conformance::{conforms, values};

const FILES: [&str; 20] = [
    "proc/stat",
    "proc/schedstat",
    "proc/meminfo",
    "proc/vmstat",
    "proc/diskstats",
    "proc/net/dev",
    "proc/pressure/cpu",
    "proc/pressure/memory",
    "proc/pressure/io",
    "proc/self/mountinfo",
    "proc/self/cgroup",
    "sys/fs/cgroup/cgroup.controllers",
    "sys/fs/cgroup/a/cpu.stat",
    "sys/fs/cgroup/a/cpu.max",
    "sys/fs/cgroup/a/memory.current",
    "sys/fs/cgroup/a/memory.max",
    "sys/fs/cgroup/memory.max",
    "sys/fs/cgroup/a/io.stat",
    "sys/fs/cgroup/a/pids.current",
    "sys/fs/cgroup/a/memory.stat",
];

/// Hundredths of a percentage as the file has them, or microseconds.
fn pressure(word: Option<&str>, column: &str) -> Option<f64> {
    let text = word?.strip_prefix(column)?.strip_prefix('=')?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if column == "total" {
        return Some(text.parse::<u64>().ok().filter(|_| is_digits(text))? as f64 / 1e6);
    }
    let (whole, fraction) = text.split_once('.')?;
    let is_number = is_digits(whole) && is_digits(fraction) && (1..=9).contains(&fraction.len());
    let whole: u64 = whole.parse().ok().filter(|whole| is_number && *whole <= 100)?;
    let hundredths: u64 = format!("{fraction:0<9}")[..2].parse().ok()?;
    Some((whole * 100 + hundredths) as f64 / 1e4).filter(|share| *share <= 1.0)
}

fn pressures(resource: &str, text: &str, expected: &mut BTreeMap<String, Reading<f64>>) {
    let lines: Vec<Vec<&str>> = text
        .split('\n')
        .map(|line| line.split([' ', '\t']).filter(|word| !word.is_empty()).collect())
        .collect();
    let of = |kind: &str| lines.iter().rfind(|line| line.first() == Some(&kind));
    let is_known = of("some").or(of("full")).is_some();
    for kind in ["some", "full"] {
        for (at, column) in ["avg10", "avg60", "avg300", "total"].iter().enumerate() {
            let reading = match of(kind) {
                // A text that fills the buffer may be cut.
                _ if text.is_empty() || text.len() >= 512 || !is_known => Err(Fault),
                Some(line) => pressure(line.get(at + 1).copied(), column).ok_or(Fault),
                None => Err(Absent),
            };
            expected.insert(format!("pressure/{resource}/{kind}/{column}"), reading);
        }
    }
}

/// What is told twice is what lists get wrong.
fn repeated(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split('\n') {
        let number = line.strip_prefix('^').and_then(|rest| rest.bytes().next());
        let again = number.and_then(|number| lines.get(usize::from(number) % lines.len().max(1)));
        lines.push(again.copied().unwrap_or(line));
    }
    lines.join("\n")
}

pub(crate) fn check(data: &[u8]) {
    // More than the kernel writes takes long and tells nothing.
    let data = data.get(..8_192).unwrap_or(data);
    let text = format!("\n{}", String::from_utf8_lossy(data));
    let tree = Tree::empty();
    let mut files = BTreeMap::new();
    for section in text.split("\n@").skip(1) {
        let (choice, content) = section.split_once('\n').unwrap_or((section, ""));
        let number = usize::from(choice.bytes().next().unwrap_or(0).wrapping_sub(b'a'));
        files.insert(FILES[number % FILES.len()], content.to_owned());
    }
    for (file, content) in &mut files {
        *content = repeated(content);
        tree.write(file, content);
    }
    let mut sources = tree.sources();
    sources.retain(|source| source.spec().name != "hwmon");
    conforms(&mut sources, "files");
    let (found, mut expected) = (values(&mut sources), BTreeMap::new());
    for resource in ["cpu", "memory", "io"] {
        if let Some(text) = files.get(format!("proc/pressure/{resource}").as_str()) {
            pressures(resource, text, &mut expected);
        }
    }
    for (identity, reading) in expected {
        assert_eq!(found[&identity], reading, "{identity}");
    }
}
