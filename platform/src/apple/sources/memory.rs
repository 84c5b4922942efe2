//! Memory and swap: `HOST_VM_INFO64`, `hw.memsize` and `vm.swapusage`.
//!
//! Available is what is free, what files hold too and what is purgeable: the kernel takes that
//! before it compresses or swaps anything. The rest is used: Activity Monitor's Memory Used.

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use crate::apple::kernel::values::{self, Swap};
use crate::apple::kernel::vm::{self, VmStatistics};
use crate::apple::kernel::{Kernel, Refusal};
use crate::phrase::Phrase;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

const SPEC: SourceSpec = SourceSpec {
    name: "memory",
    group: Group::Memory,
    interval_ns: vm::INTERVAL_NS,
    cadence_ms: 1000,
    cost: Cost::Cheap,
    may_block: false,
    is_vital: false,
};

/// What one reading has to go by.
struct Facts {
    total: Reading<f64>,
    /// And the bytes of a page.
    vm: Reading<(VmStatistics, f64)>,
    swap: Reading<Swap>,
}

impl Facts {
    fn read(kernel: &mut dyn Kernel) -> Self {
        let total = values::number(kernel, c"hw.memsize").map_err(Refusal::reason);
        let vm = vm::read(kernel).and_then(|vm| Ok((vm, kernel.page_size()? as f64)));
        Self {
            total: if total == Ok(0) { Err(NoData::Fault) } else { total.map(|size| size as f64) },
            vm: vm.map_err(Refusal::reason),
            swap: Swap::read(kernel).map_err(Refusal::reason),
        }
    }

    fn pages(&self, count: fn(&VmStatistics) -> u64) -> Reading<f64> {
        self.vm.map(|(vm, page_size)| count(&vm) as f64 * page_size)
    }

    fn events(&self, count: fn(&VmStatistics) -> u64) -> Reading<f64> {
        self.vm.map(|(vm, _)| count(&vm) as f64)
    }

    fn available(&self) -> Reading<f64> {
        let (total, available) = (self.total?, self.pages(VmStatistics::available)?);
        if available <= total { Ok(available) } else { Err(NoData::Fault) }
    }

    fn used(&self) -> Reading<f64> {
        Ok(self.total? - self.available()?)
    }
}

struct Field {
    metric: &'static Metric,
    attribute: Option<(&'static str, &'static str)>,
    name: &'static str,
    value: fn(&Facts) -> Reading<f64>,
}

const fn usage(state: &'static str, value: fn(&Facts) -> Reading<f64>) -> Field {
    Field { metric: known(21), attribute: Some(("system.memory.state", state)), name: state, value }
}

const fn swap(state: &'static str, name: &'static str, value: fn(&Facts) -> Reading<f64>) -> Field {
    Field { metric: known(24), attribute: Some(("system.paging.state", state)), name, value }
}

const fn paged(
    direction: &'static str,
    name: &'static str,
    value: fn(&Facts) -> Reading<f64>,
) -> Field {
    let attribute = Some(("system.paging.direction", direction));
    Field { metric: known(26), attribute, name, value }
}

static FIELDS: [Field; 13] = [
    Field { metric: known(20), attribute: None, name: "total", value: |facts| facts.total },
    Field { metric: known(30), attribute: None, name: "available", value: Facts::available },
    usage("used", Facts::used),
    usage("free", |facts| facts.pages(VmStatistics::unused)),
    usage("cached", |facts| facts.pages(VmStatistics::cached)),
    usage("wired", |facts| facts.pages(|vm| vm.wired)),
    usage("anonymous", |facts| facts.pages(VmStatistics::anonymous)),
    usage("compressed", |facts| facts.pages(|vm| vm.compressor)),
    swap("used", "swap used", |facts| facts.swap.map(|swap| swap.used as f64)),
    swap("free", "swap free", |facts| facts.swap.map(|swap| swap.available as f64)),
    Field {
        metric: known(25),
        attribute: None,
        name: "faults",
        value: |facts| facts.events(|vm| vm.faults),
    },
    paged("in", "pages in", |facts| facts.events(|vm| vm.swap_ins)),
    paged("out", "pages out", |facts| facts.events(|vm| vm.swap_outs)),
];

/// Memory of the whole machine.
pub(super) struct Memory(Box<dyn Kernel>);

impl Memory {
    pub(super) fn new(kernel: Box<dyn Kernel>) -> Self {
        Self(kernel)
    }
}

impl Source for Memory {
    fn spec(&self) -> SourceSpec {
        SPEC
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        for field in &FIELDS {
            found(&SensorInfo {
                metric: field.metric,
                label: field.name,
                attributes: field.attribute.as_slice(),
                identity: Phrase::new().with("memory/").with_name(field.name).as_str(),
                cadence_ms: SPEC.cadence_ms,
                scope: Scope::Host,
            });
        }
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let facts = Facts::read(&mut *self.0);
        for (reading, field) in readings.iter_mut().zip(&FIELDS) {
            *reading = (field.value)(&facts);
        }
        Freshness::Current
    }
}
