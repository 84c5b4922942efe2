//! Memory and swap: `/proc/meminfo`, and of `/proc/vmstat` what tells of a want of memory.
//!
//! The kernel adds its counters of each CPU up about once a second. vmstat costs more than meminfo,
//! so it is a source of its own.

use std::path::Path;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, Reading};

use super::fields::{self, Field};
use crate::linux::file::File;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

const MEMINFO: SourceSpec = SourceSpec {
    name: "memory",
    group: Group::Memory,
    interval_ns: 100_000_000,
    cadence_ms: 1000,
    cost: Cost::Cheap,
    may_block: false,
    is_vital: false,
};
const VMSTAT: SourceSpec = SourceSpec { name: "vmstat", interval_ns: 500_000_000, ..MEMINFO };

/// meminfo counts in KiB, whatever it says.
const KIB: f64 = 1.0 / 1024.0;

const fn bytes(
    key: &'static str,
    metric: &'static Metric,
    attribute: Option<(&'static str, &'static str)>,
    name: &'static str,
) -> Field {
    Field { key, less: None, metric, attribute, divisor: KIB, name }
}

const fn usage(key: &'static str, state: &'static str) -> Field {
    bytes(key, known(21), Some(("system.memory.state", state)), state)
}

static MEMINFO_FIELDS: [Field; 15] = [
    bytes("MemTotal", known(20), None, "total"),
    bytes("MemAvailable", known(22), None, "available"),
    Field { less: Some("MemAvailable"), ..usage("MemTotal", "used") },
    usage("MemFree", "free"),
    usage("Buffers", "buffers"),
    usage("Cached", "cached"),
    usage("Shmem", "shared"),
    usage("AnonPages", "anonymous"),
    slab("SReclaimable", "reclaimable", "slab reclaimable"),
    slab("SUnreclaim", "unreclaimable", "slab unreclaimable"),
    Field { less: Some("SwapFree"), ..swap("SwapTotal", "used", "swap used") },
    swap("SwapFree", "free", "swap free"),
    bytes("Committed_AS", known(27), None, "committed"),
    bytes("Dirty", known(28), Some(("kymo.memory.stage", "dirty")), "dirty"),
    bytes("Writeback", known(28), Some(("kymo.memory.stage", "writeback")), "writeback"),
];

const fn slab(key: &'static str, state: &'static str, name: &'static str) -> Field {
    bytes(key, known(23), Some(("linux.memory.slab.state", state)), name)
}

const fn swap(key: &'static str, state: &'static str, name: &'static str) -> Field {
    bytes(key, known(24), Some(("system.paging.state", state)), name)
}

const fn events(
    key: &'static str,
    less: Option<&'static str>,
    metric: &'static Metric,
    attribute: Option<(&'static str, &'static str)>,
    name: &'static str,
) -> Field {
    Field { key, less, metric, attribute, divisor: 1.0, name }
}

const FAULT: &str = "system.paging.fault.type";
const DIRECTION: &str = "system.paging.direction";
/// pgfault counts faults of both types.
static VMSTAT_FIELDS: [Field; 5] = [
    events("pgfault", Some("pgmajfault"), known(25), Some((FAULT, "minor")), "minor faults"),
    events("pgmajfault", None, known(25), Some((FAULT, "major")), "major faults"),
    events("pswpin", None, known(26), Some((DIRECTION, "in")), "pages in"),
    events("pswpout", None, known(26), Some((DIRECTION, "out")), "pages out"),
    events("oom_kill", None, known(29), None, "oom kills"),
];

/// One file with fields of the whole machine.
#[derive(Debug)]
pub(super) struct Memory {
    spec: SourceSpec,
    file: File,
    fields: &'static [Field],
}

impl Memory {
    pub(super) fn meminfo(proc_root: &Path) -> Self {
        Self { spec: MEMINFO, file: File::new(proc_root, "meminfo"), fields: &MEMINFO_FIELDS }
    }

    pub(super) fn vmstat(proc_root: &Path) -> Self {
        Self { spec: VMSTAT, file: File::new(proc_root, "vmstat"), fields: &VMSTAT_FIELDS }
    }
}

impl Source for Memory {
    fn spec(&self) -> SourceSpec {
        self.spec
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        fields::tell(&self.spec, Scope::Host, self.fields, found);
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let file = &mut self.file;
        let mut lines = |buffer: &mut [u8], line: &mut dyn FnMut(&[u8]) -> bool| {
            file.read_lines_while(buffer, line)
        };
        fields::read(&mut lines, self.fields, readings);
        Freshness::Current
    }
}
