//! The control group that this process is in: what it uses, and what it may use.
//!
//! Version 2 only. Limits hold for whole branches of the tree, so a limit is the least of those up
//! to the root that can be seen; without any, it is absent. In a container the tree begins with the
//! container's own group. The root of a machine has few of the files; the others are absent there.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};
use nix::fcntl::AT_FDCWD;

use super::fields::{self, Field};
use super::rows::scaled;
use crate::linux::file::{File, c_path, open_directory, read_lines_of};
use crate::linux::text::{number, words};
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

const USE: SourceSpec = SourceSpec {
    name: "cgroup",
    group: Group::Cgroup,
    interval_ns: 100_000_000,
    cadence_ms: 10,
    // The kernel adds up what every CPU has counted for the branch.
    cost: Cost::Moderate,
    may_block: false,
    is_vital: false,
};
const LIMITS: SourceSpec =
    SourceSpec { name: "cgroup-limits", interval_ns: 1_000_000_000, cadence_ms: 0, ..USE };

const fn field(
    key: &'static str,
    metric: &'static Metric,
    attribute: Option<(&'static str, &'static str)>,
    divisor: f64,
    name: &'static str,
) -> Field {
    Field { key, less: None, metric, attribute, divisor, name }
}

const fn mode(key: &'static str, mode: &'static str, name: &'static str) -> Field {
    field(key, known(170), Some(("cpu.mode", mode)), MICRO, name)
}

const fn part(key: &'static str, name: &'static str) -> Field {
    field(key, known(184), Some(("kymo.cgroup.memory.kind", key)), 1.0, name)
}

const fn moved(
    key: &'static str,
    metric: &'static Metric,
    direction: &'static str,
    name: &'static str,
) -> Field {
    field(key, metric, Some(("disk.io.direction", direction)), 1.0, name)
}

const MICRO: f64 = 1e6;

/// How a file is read.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// A line for each key.
    Keys,
    /// One number.
    Word,
    /// A line for each device, with words such as `rbytes=7`, which are added up.
    Sums,
    /// One number, or `max`; the least up to the root.
    Least,
    /// Quota and period, or `max`; the least quotient up to the root.
    LeastShare,
}

type Table = (&'static CStr, Shape, &'static [Field]);

static USE_FILES: [Table; 5] = [
    (
        c"cpu.stat",
        Shape::Keys,
        &[
            mode("user_usec", "user", "user time"),
            mode("system_usec", "system", "system time"),
            field("nr_periods", known(172), None, 1.0, "periods"),
            field("nr_throttled", known(173), None, 1.0, "throttled"),
            field("throttled_usec", known(174), None, MICRO, "throttled time"),
        ],
    ),
    (c"memory.current", Shape::Word, &[field("", known(175), None, 1.0, "memory")]),
    (c"memory.swap.current", Shape::Word, &[field("", known(177), None, 1.0, "swap")]),
    (c"pids.current", Shape::Word, &[field("", known(179), None, 1.0, "tasks")]),
    (
        c"io.stat",
        Shape::Sums,
        &[
            moved("rbytes", known(181), "read", "read"),
            moved("wbytes", known(181), "write", "written"),
            moved("rios", known(182), "read", "reads"),
            moved("wios", known(182), "write", "writes"),
        ],
    ),
];

static LIMIT_FILES: [Table; 6] = [
    (
        c"memory.stat",
        Shape::Keys,
        &[part("anon", "anonymous"), part("file", "files"), part("slab", "slab")],
    ),
    (
        c"memory.events",
        Shape::Keys,
        &[
            field("max", known(185), None, 1.0, "limit met"),
            field("oom_kill", known(183), None, 1.0, "oom kills"),
        ],
    ),
    (c"cpu.max", Shape::LeastShare, &[field("", known(171), None, 1.0, "cpu limit")]),
    (c"memory.max", Shape::Least, &[field("", known(176), None, 1.0, "memory limit")]),
    (c"memory.swap.max", Shape::Least, &[field("", known(178), None, 1.0, "swap limit")]),
    (c"pids.max", Shape::Least, &[field("", known(180), None, 1.0, "task limit")]),
];

/// Systems with both versions mount this one a folder deeper.
const ROOTS: [&str; 2] = ["fs/cgroup", "fs/cgroup/unified"];
/// Deeper trees are not walked to the end.
const DEPTH_MAX: u8 = 32;
/// Holds the path of a group with the names of pods and containers.
const PATH_SIZE_MAX: usize = 1024;

type GroupPath = heapless::Vec<u8, PATH_SIZE_MAX>;

/// Use or limits of this process's group.
#[derive(Debug)]
pub(super) struct Cgroup {
    spec: SourceSpec,
    files: &'static [Table],
    membership: File,
    roots: [CString; ROOTS.len()],
    /// The group, and how many are above it.
    group: Option<(OwnedFd, u8)>,
    path: Box<GroupPath>,
}

impl Cgroup {
    pub(super) fn new(proc_root: &Path, sys_root: &Path, limits: bool) -> Self {
        let (spec, files): (_, &[Table]) =
            if limits { (LIMITS, &LIMIT_FILES) } else { (USE, &USE_FILES) };
        Self {
            spec,
            files,
            membership: File::new(proc_root, "self/cgroup"),
            roots: ROOTS.map(|below| c_path(&sys_root.join(below))),
            group: None,
            path: Box::new(GroupPath::new()),
        }
    }

    /// The path that procfs tells, as a path below the root, with a NUL.
    fn membership(&mut self) -> GroupPath {
        let mut path = GroupPath::new();
        let mut text = [0; PATH_SIZE_MAX];
        let _ = self.membership.read_lines(&mut text, &mut |line| {
            if let Some(found) = line.strip_prefix(b"0::/") {
                path.clear();
                let _ = path.extend_from_slice(found);
            }
        });
        // From inside a container, what is outside has no name.
        if path.starts_with(b"..") || path.contains(&0) {
            path.clear();
        }
        let _ = path.push(0);
        path
    }

    fn open(&mut self) -> Option<(OwnedFd, u8)> {
        let root = self.roots.iter().find_map(|root| {
            let root = open_directory(AT_FDCWD, root).ok()?;
            let mut buffer = [0; 512];
            let found =
                read_lines_of(root.as_fd(), c"cgroup.controllers", &mut buffer, &mut |_| true);
            (found != Err(NoData::Absent)).then_some(root)
        })?;
        let path = CStr::from_bytes_with_nul(&self.path).unwrap_or_default();
        let depth = path.to_bytes().split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let depth = u8::try_from(depth.count()).unwrap_or(DEPTH_MAX).min(DEPTH_MAX);
        // Where only a container's own branch is mounted, its group is the root.
        match open_directory(root.as_fd(), path) {
            Ok(group) => Some((group, depth)),
            Err(_) => Some((root, 0)),
        }
    }
}

impl Source for Cgroup {
    fn spec(&self) -> SourceSpec {
        self.spec
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        *self.path = self.membership();
        self.group = self.open();
        if self.group.is_some() {
            for (_, _, fields) in self.files {
                fields::tell(&self.spec, Scope::Cgroup, fields, found);
            }
        }
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let Some((group, depth)) = &self.group else { return Freshness::Current };
        let mut rest = readings;
        for (name, shape, fields) in self.files {
            let count = fields.len().min(rest.len());
            let Some((own, behind)) = rest.split_at_mut_checked(count) else { break };
            match shape {
                Shape::Keys => {
                    let mut lines = |buffer: &mut [u8], line: &mut dyn FnMut(&[u8]) -> bool| {
                        read_lines_of(group.as_fd(), name, buffer, line)
                    };
                    fields::read(&mut lines, fields, own);
                }
                Shape::Sums => sums(group.as_fd(), name, fields, own),
                Shape::Word => own.fill(word(group.as_fd(), name, amount)),
                Shape::Least => own.fill(least(group.as_fd(), *depth, name, amount)),
                Shape::LeastShare => own.fill(least(group.as_fd(), *depth, name, share)),
            }
            rest = behind;
        }
        Freshness::Current
    }

    fn look(&mut self) -> Freshness {
        // The process was moved, or the tree was mounted or unmounted.
        let path = self.membership();
        let moved = *self.path != path;
        Freshness::stale_if(moved || self.group.is_some() != self.open().is_some())
    }
}

/// What a line says: no number is no limit.
type Take = fn(&[u8]) -> Reading<f64>;

fn word(group: BorrowedFd<'_>, name: &CStr, take: Take) -> Reading<f64> {
    let mut value = Err(NoData::Fault);
    read_lines_of(group, name, &mut [0; 64], &mut |line| {
        value = take(line);
        false
    })?;
    value
}

fn amount(line: &[u8]) -> Reading<f64> {
    match line {
        b"max" => Err(NoData::Absent),
        number_of => scaled(number(number_of), 1.0),
    }
}

fn share(line: &[u8]) -> Reading<f64> {
    let mut words = words(line);
    let quota = amount(words.next().unwrap_or_default())?;
    match words.next().and_then(number) {
        Some(period) if period > 0 => Ok(quota / period as f64),
        _ => Err(NoData::Fault),
    }
}

/// The least from here up to the root. The root has none of these files.
fn least(group: BorrowedFd<'_>, depth: u8, name: &CStr, take: Take) -> Reading<f64> {
    let mut least = word(group, name, take);
    let mut above: Option<OwnedFd> = None;
    for _ in 0..depth {
        let here = above.as_ref().map_or(group, AsFd::as_fd);
        let Ok(parent) = open_directory(here, c"..") else { break };
        least = match (least, word(parent.as_fd(), name, take)) {
            (Ok(one), Ok(other)) => Ok(one.min(other)),
            (Err(NoData::Absent), other) => other,
            (found, _) => found,
        };
        above = Some(parent);
    }
    least
}

/// Adds `key=number` up over all lines. No line at all is a group that has moved nothing.
fn sums(group: BorrowedFd<'_>, name: &CStr, fields: &[Field], readings: &mut [Reading<f64>]) {
    let mut sums = [Some(0u64); 4];
    let result = read_lines_of(group, name, &mut [0; 1024], &mut |line| {
        for (field, sum) in fields.iter().zip(&mut sums) {
            let found = words(line)
                .find_map(|word| word.strip_prefix(field.key.as_bytes())?.strip_prefix(b"="));
            if let Some(found) = found {
                *sum = sum.and_then(|sum| sum.checked_add(number(found)?));
            }
        }
        true
    });
    for ((field, sum), reading) in fields.iter().zip(sums).zip(readings) {
        *reading = result.and_then(|()| scaled(sum, field.divisor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_none() {
        assert_eq!(amount(b"4096"), Ok(4096.0));
        assert_eq!(amount(b"max"), Err(NoData::Absent));
        assert_eq!(share(b"150000 100000"), Ok(1.5));
        assert_eq!(share(b"max 100000"), Err(NoData::Absent));
        for line in ["", "x", "-1", "max0"] {
            assert_eq!(amount(line.as_bytes()), Err(NoData::Fault), "{line}");
        }
        for line in ["", "1", "1 0", "1 x", "x 1"] {
            assert_eq!(share(line.as_bytes()), Err(NoData::Fault), "{line}");
        }
    }
}
