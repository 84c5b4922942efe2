//! A Mac's vitals, over the calls of its kernel.

use std::fmt;

use kymo_protocol::{NoData, Reading};

use super::kernel::vm::PacedVm;
use super::kernel::{Kernel, Refusal, interface, mount, values};
use super::processors::Processors;
use crate::machine::{CpuTime, DiskSpace, Machine, Memory, Thermal, Transfer};

/// More interfaces than that are a fault: their sum would be that of a part.
pub(crate) const INTERFACES_MAX: usize = 512;
/// More processes than that are one too.
pub(crate) const PROCESSES_MAX: usize = 16384;

/// What counts the bytes of disks.
pub trait DiskCounters: Send {
    /// Bytes read from and written to all whole disks since boot.
    fn total(&mut self) -> Reading<Transfer>;
}

/// A Mac, as far as its kernel tells of it. Temperatures and fans are those of sources.
pub struct Mac {
    kernel: Box<dyn Kernel>,
    disks: Option<Box<dyn DiskCounters>>,
    processors: Processors,
    vm: PacedVm,
    interfaces: Vec<u8>,
    pids: Vec<i32>,
    record: Box<[u8; mount::SIZE]>,
}

impl Mac {
    /// A Mac behind `kernel`, whose disks are counted by `disks` if something counts them. All
    /// memory is taken here.
    #[must_use]
    pub fn new(kernel: Box<dyn Kernel>, disks: Option<Box<dyn DiskCounters>>) -> Self {
        Self {
            kernel,
            disks,
            processors: Processors::new(),
            vm: PacedVm::default(),
            interfaces: vec![0; INTERFACES_MAX * interface::SIZE],
            pids: vec![0; PROCESSES_MAX],
            record: Box::new([0; mount::SIZE]),
        }
    }

    fn available(&mut self) -> Result<u64, Refusal> {
        let vm = self.vm.read(&mut *self.kernel)?;
        let page_size = self.kernel.page_size()?;
        vm.available().checked_mul(page_size).ok_or(Refusal::Fault)
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mac").field("processors", &self.processors.known()).finish_non_exhaustive()
    }
}

impl Machine for Mac {
    fn cpu_time(&mut self) -> Reading<CpuTime> {
        self.processors.look(&mut *self.kernel).map_err(Refusal::reason)?;
        let known = self.processors.known();
        if known.is_empty() {
            return Err(NoData::Fault);
        }
        let busy = known.iter().map(|processor| processor.busy()).sum();
        let total = known.iter().map(|processor| processor.total()).sum();
        Ok(CpuTime { busy, total })
    }

    fn memory(&mut self) -> Memory {
        let total = values::number(&mut *self.kernel, c"hw.memsize");
        let total = total.map_err(Refusal::reason);
        let total = if total == Ok(0) { Err(NoData::Fault) } else { total };
        let available = self.available().map_err(Refusal::reason);
        let swap = values::Swap::read(&mut *self.kernel).map_err(Refusal::reason);
        Memory {
            total,
            available: match (available, total) {
                (Ok(available), Ok(total)) if available > total => Err(NoData::Fault),
                (available, _) => available,
            },
            swap_total: swap.map(|swap| swap.total),
            swap_free: swap.map(|swap| swap.available),
        }
    }

    fn load(&mut self) -> Reading<[f32; 3]> {
        let mut value = [0; 24];
        let size = self.kernel.sysctl(c"vm.loadavg", &mut value).map_err(Refusal::reason)?;
        value.get(..size).and_then(values::load).ok_or(NoData::Fault)
    }

    fn disk_io(&mut self) -> Reading<Transfer> {
        self.disks.as_mut().map_or(Err(NoData::Absent), |disks| disks.total())
    }

    fn disk_space(&mut self) -> Reading<DiskSpace> {
        root(&mut *self.kernel, &mut self.record).map_err(Refusal::reason)?;
        let space = mount::Space::parse(&self.record[..]).ok_or(NoData::Fault)?;
        if space.blocks == 0 {
            return Err(NoData::Absent);
        }
        let bytes = |blocks: u64| blocks.checked_mul(space.block_size).ok_or(NoData::Fault);
        let used = bytes(space.blocks - space.free)?;
        Ok(DiskSpace { used, available: bytes(space.available)? })
    }

    fn network_io(&mut self) -> Reading<Transfer> {
        let mut sum: Option<Transfer> = None;
        let told = interface::each(&mut *self.kernel, &mut self.interfaces, &mut |one| {
            if let ([received, ..], [sent, ..], true) = (one.received, one.sent, one.is_counted()) {
                let sum = sum.get_or_insert_default();
                sum.inward = sum.inward.saturating_add(received);
                sum.outward = sum.outward.saturating_add(sent);
            }
        });
        told.map_err(Refusal::reason)?;
        sum.ok_or(NoData::Absent)
    }

    fn thermal(&mut self) -> Thermal {
        Thermal { cpu: Err(NoData::Absent), gpu: Err(NoData::Absent), fans: Err(NoData::Absent) }
    }

    fn process_count(&mut self) -> Reading<u32> {
        let count = self.kernel.processes(&mut self.pids).map_err(Refusal::reason)?;
        // None at all can't be, for this is one; and a list that is full may have left some out.
        if count == 0 || count >= self.pids.len() {
            return Err(NoData::Fault);
        }
        u32::try_from(count).map_err(|_| NoData::Fault)
    }

    fn uptime(&mut self) -> Reading<u64> {
        match self.kernel.clock().uptime_ns() {
            0 => Err(NoData::Absent),
            uptime => Ok(uptime),
        }
    }
}

/// Takes the record of the file system that people write to below `/`.
pub(crate) fn root(kernel: &mut dyn Kernel, record: &mut [u8; mount::SIZE]) -> Result<(), Refusal> {
    match kernel.space(c"/System/Volumes/Data", record) {
        // Before macOS 10.15 there is one volume.
        Err(Refusal::Absent) => kernel.space(c"/", record),
        told => told,
    }
}
