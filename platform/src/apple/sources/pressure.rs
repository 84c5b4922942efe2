//! Thermal pressure: how much the machine holds back, so as not to get too hot.
//!
//! The level goes with a notice. Whether one was posted stands in shared memory, so the server of
//! notices is asked once for each change and not for each reading.

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, NoData, Reading};

use crate::apple::kernel::{Notice, Refusal};
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

/// Nominal, moderate, heavy, trapping, sleeping.
const LEVEL_MAX: u64 = 4;

const SPEC: SourceSpec = SourceSpec {
    name: "thermal-pressure",
    group: Group::Thermal,
    interval_ns: 100_000_000,
    cadence_ms: 0,
    cost: Cost::Cheap,
    may_block: false,
    is_vital: false,
};

/// The level of the whole machine.
pub(super) struct Pressure {
    notice: Box<dyn Notice>,
    /// As the last notice had it; `None` until it could be asked for.
    level: Option<Reading<f64>>,
}

impl Pressure {
    pub(super) fn new(notice: Box<dyn Notice>) -> Self {
        Self { notice, level: None }
    }

    fn level(&mut self) -> Result<Reading<f64>, Refusal> {
        if self.notice.has_changed()? {
            self.level = None;
        }
        match self.level {
            Some(level) => Ok(level),
            None => {
                let level = self.notice.state()?;
                let level = if level <= LEVEL_MAX { Ok(level as f64) } else { Err(NoData::Fault) };
                self.level = Some(level);
                Ok(level)
            }
        }
    }
}

impl Source for Pressure {
    fn spec(&self) -> SourceSpec {
        SPEC
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        found(&SensorInfo {
            metric: known(111),
            label: "thermal pressure",
            attributes: &[],
            identity: "thermal-pressure/level",
            cadence_ms: SPEC.cadence_ms,
            scope: Scope::Host,
        });
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        if let Some(reading) = readings.first_mut() {
            *reading = self.level().unwrap_or_else(|refusal| Err(refusal.reason()));
        }
        Freshness::Current
    }
}
