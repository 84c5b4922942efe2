//! Each processor: time by mode and use, from `host_processor_info`.
//!
//! The kernel counts in ticks of 10 ms, so a share over less than [`WINDOW_TICKS`] would be noise:
//! until so much time has passed, the last share stands.

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, NoData, Reading};

use super::levels::Levels;
use crate::apple::kernel::processor::Processor;
use crate::apple::kernel::{Kernel, PROCESSORS_MAX, Refusal};
use crate::apple::processors::Processors;
use crate::phrase::Phrase;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

const TICKS_PER_S: f64 = 100.0;
/// No share is of less time than 200 ms.
const WINDOW_TICKS: u64 = 20;
/// As the sensors are told, and which of the kernel's counts it is.
const MODES: [(&str, usize); 4] = [("user", 0), ("nice", 3), ("system", 1), ("idle", 2)];
const SENSORS_EACH: usize = MODES.len() + 1;

const SPEC: SourceSpec = SourceSpec {
    name: "cpu",
    group: Group::Cpu,
    interval_ns: 40_000_000,
    cadence_ms: 10,
    cost: Cost::Cheap,
    may_block: false,
    is_vital: false,
};

/// Time and use of each processor.
pub(super) struct Cpu {
    kernel: Box<dyn Kernel>,
    processors: Processors,
    /// Never grows beyond what it was made with.
    uses: Vec<Use>,
}

impl Cpu {
    pub(super) fn new(kernel: Box<dyn Kernel>) -> Self {
        let uses = Vec::with_capacity(PROCESSORS_MAX);
        Self { kernel, processors: Processors::new(), uses }
    }
}

impl Source for Cpu {
    fn spec(&self) -> SourceSpec {
        SPEC
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        self.uses.clear();
        // What can't be read has no processors; a later look will find them.
        let count = self.processors.look(&mut *self.kernel).unwrap_or(0);
        let levels = Levels::read(&mut *self.kernel, count);
        for number in 0..count.min(PROCESSORS_MAX) {
            tell(number, levels.of(number), found);
            self.uses.push(Use::default());
        }
        let omitted = count.saturating_sub(PROCESSORS_MAX).saturating_mul(SENSORS_EACH);
        u32::try_from(omitted).unwrap_or(u32::MAX)
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        match self.processors.look(&mut *self.kernel) {
            Ok(_) => {}
            Err(refusal) => {
                readings.fill(Err(refusal.reason()));
                self.uses.iter_mut().for_each(|used| *used = Use::default());
                return Freshness::Current;
            }
        }
        let known = self.processors.known();
        for ((readings, processor), used) in
            readings.chunks_mut(SENSORS_EACH).zip(known).zip(&mut self.uses)
        {
            let modes = processor.modes();
            let times = MODES.map(|(_, mode)| modes.get(mode).map_or(0.0, |ticks| *ticks as f64));
            let times = times.map(|ticks| Ok(ticks / TICKS_PER_S));
            let values = times.into_iter().chain([used.share(processor)]);
            readings.iter_mut().zip(values).for_each(|(reading, value)| *reading = value);
        }
        Freshness::stale_if(known.len() != self.uses.len())
    }

    fn look(&mut self) -> Freshness {
        let count = self
            .processors
            .look(&mut *self.kernel)
            .map_or_else(|_: Refusal| self.uses.len(), |count| count.min(PROCESSORS_MAX));
        Freshness::stale_if(count != self.uses.len())
    }
}

fn tell(number: usize, level: Option<&str>, found: &mut dyn FnMut(&SensorInfo<'_>)) {
    let digits = Phrase::new().with_number(u64::try_from(number).unwrap_or(u64::MAX));
    let name = Phrase::new().with("cpu").with(digits.as_str());
    let modes = MODES.iter().map(|(mode, _)| (known(1), Some(*mode), *mode));
    for (metric, mode, what) in modes.chain([(known(2), None, "utilization")]) {
        let all = [
            Some(("cpu.logical_number", digits.as_str())),
            level.map(|level| ("kymo.cpu.level", level)),
            mode.map(|mode| ("cpu.mode", mode)),
        ];
        let attributes: heapless::Vec<_, 3> = all.into_iter().flatten().collect();
        let identity = Phrase::new().with("cpu/").with(name.as_str()).with("/").with(what);
        found(&SensorInfo {
            metric,
            label: name.clone().with(" ").with(what).as_str(),
            attributes: &attributes,
            identity: identity.as_str(),
            cadence_ms: SPEC.cadence_ms,
            scope: Scope::Host,
        });
    }
}

/// The busy share of a processor between two readings.
#[derive(Clone, Copy, Debug)]
struct Use {
    /// Ticks busy and in all, from where the next share counts.
    from: Option<(u64, u64)>,
    last: Reading<f64>,
}

impl Default for Use {
    fn default() -> Self {
        Self { from: None, last: Err(NoData::Pending) }
    }
}

impl Use {
    fn share(&mut self, processor: &Processor) -> Reading<f64> {
        let (busy, total) = (processor.busy(), processor.total());
        match self.from {
            Some((busy_before, before)) if total >= before && busy >= busy_before => {
                let passed = total - before;
                if passed >= WINDOW_TICKS {
                    let share = (busy - busy_before) as f64 / passed as f64;
                    self.last = Ok(share.clamp(0.0, 1.0));
                    self.from = Some((busy, total));
                }
            }
            // At first, and when all of them were counted anew.
            _ => {
                self.last = Err(NoData::Pending);
                self.from = Some((busy, total));
            }
        }
        self.last
    }
}
