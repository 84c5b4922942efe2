//! Sources that yield what a test tells them to, and count what is asked of them.

#![allow(dead_code)] // each test uses its part

use std::sync::{Arc, Mutex, MutexGuard};

use kymo_platform::{Freshness, SensorInfo, Source, SourceSpec};
use kymo_protocol::{Cost, Group, METRICS, NoData, Reading, Scope};

/// What a double yields, and what was asked of it.
#[derive(Debug, Default)]
pub struct Script {
    /// Identities of its sensors, with what they read.
    pub sensors: Vec<(String, Reading<f64>)>,
    /// Sensors that it tells of as a number only.
    pub omitted: u32,
    /// So many reads say that hardware came or went.
    pub stale_reads: u32,
    /// How often it may be read, as a scan finds out.
    pub interval_ns: Option<u64>,
    /// Whether a look says so.
    pub stale_look: bool,
    pub scans: u64,
    pub reads: u64,
    pub looks: u64,
}

impl Script {
    /// Sensors `first..first + count`, each of which reads its number.
    pub fn fill(&mut self, first: u32, count: u32) {
        let sensors = first..first + count;
        self.sensors = sensors.map(|n| (format!("double/{n}"), Ok(f64::from(n)))).collect();
    }
}

/// One end is a source, the other one the test's; neither allocates when it is called.
#[derive(Clone, Debug)]
pub struct Double {
    spec: SourceSpec,
    script: Arc<Mutex<Script>>,
}

impl Double {
    /// A source of `group` without sensors.
    pub fn new(group: Group, interval_ns: u64) -> Self {
        let spec = SourceSpec {
            name: "double",
            group,
            interval_ns,
            cadence_ms: 10,
            cost: Cost::Cheap,
            may_block: false,
            is_vital: false,
        };
        Self { spec, script: Arc::default() }
    }

    /// The same with `count` sensors.
    pub fn with(group: Group, interval_ns: u64, count: u32) -> Self {
        let double = Self::new(group, interval_ns);
        double.script().fill(group as u32 * 10_000, count);
        double
    }

    /// One that is read by the lane, every ten seconds, with one sensor.
    pub fn slow(group: Group) -> Self {
        let mut double = Self::with(group, 10_000_000_000, 1);
        double.spec.may_block = true;
        double
    }

    /// The same, and vitals tell of it.
    pub fn vital(group: Group) -> Self {
        let mut double = Self::slow(group);
        double.spec.is_vital = true;
        double
    }

    /// What it is to yield.
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no panic")
    }

    /// How often it was scanned, read and looked at.
    pub fn counts(&self) -> [u64; 3] {
        let script = self.script();
        [script.scans, script.reads, script.looks]
    }

    /// The other end.
    pub fn source(&self) -> Box<dyn Source> {
        Box::new(self.clone())
    }
}

impl Source for Double {
    fn spec(&self) -> SourceSpec {
        let script = self.script();
        let found = script.interval_ns.filter(|_| script.scans > 0);
        SourceSpec { interval_ns: found.unwrap_or(self.spec.interval_ns), ..self.spec }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let mut script = self.script();
        script.scans += 1;
        for (identity, _) in &script.sensors {
            found(&SensorInfo {
                metric: &METRICS[0],
                label: "of a \"double\"",
                attributes: &[("double.kind", "test")],
                identity,
                cadence_ms: 10,
                scope: Scope::Host,
            });
        }
        script.omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let mut script = self.script();
        script.reads += 1;
        let stale = script.stale_reads > 0;
        script.stale_reads = script.stale_reads.saturating_sub(1);
        for (reading, (_, value)) in readings.iter_mut().zip(&script.sensors) {
            // What a stale layout names may be gone.
            *reading = if stale { Err(NoData::Absent) } else { *value };
        }
        Freshness::stale_if(stale)
    }

    fn look(&mut self) -> Freshness {
        let mut script = self.script();
        script.looks += 1;
        Freshness::stale_if(std::mem::take(&mut script.stale_look))
    }
}
