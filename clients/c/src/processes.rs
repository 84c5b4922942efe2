//! The processes that take most.

use kymo::protocol::limits::PROCESSES_MAX;
use kymo::protocol::{Process, Processes};

use crate::text::KymoText;
use crate::value::KymoCount;

/// One process. Its name is what it gave itself: clean it before a terminal shows it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoProcess {
    /// Its number, as the server sees it. It may be used again; with the start it is not.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// When it started, on the boot clock.
    pub start_ns: u64,
    /// Bytes of it in memory.
    pub memory: u64,
    /// Percent of one CPU; NaN while it is not known.
    pub cpu: f64,
    /// Its name.
    pub name: KymoText,
    /// From 1; 0 for none.
    pub rank_by_cpu: u32,
    /// From 1; 0 for none.
    pub rank_by_memory: u32,
    /// A letter, as `ps` shows it; `?` when it is unknown.
    pub state: u32,
    /// 0.
    pub reserved: u32,
}

/// The processes that take most.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoProcesses {
    /// Processes that were looked at; the age is that of the oldest entry.
    pub total: KymoCount,
    /// How many are ranked by cpu.
    pub by_cpu: u32,
    /// How many are ranked by memory.
    pub by_memory: u32,
    /// Frames due to this subscriber that this one replaces.
    pub merged: u32,
    /// Whether there are processes that were not looked at.
    pub is_truncated: bool,
    /// The processes, in any order; the ranks tell.
    pub processes: *const KymoProcess,
    /// How many there are.
    pub count: usize,
}

/// Where they are told, with room for all that a frame may hold.
#[derive(Debug)]
pub struct ProcessesShown {
    processes: Vec<KymoProcess>,
    shown: Option<KymoProcesses>,
}

impl ProcessesShown {
    pub fn new() -> Self {
        Self { processes: Vec::with_capacity(PROCESSES_MAX), shown: None }
    }

    /// Tells a frame, until the next one; names lie where the frame does.
    pub fn show(&mut self, frame: &Processes) -> *const KymoProcesses {
        self.processes.clear();
        self.processes.extend(frame.entries.iter().map(told));
        let fixed = &frame.fixed;
        let total = fixed.total().unwrap_or_default().into();
        self.shown.insert(KymoProcesses {
            total: KymoCount::new(fixed.state(), fixed.scan_ms.get(), total),
            by_cpu: fixed.by_cpu.get().into(),
            by_memory: fixed.by_memory.get().into(),
            merged: fixed.merged.get(),
            is_truncated: fixed.is_truncated(),
            processes: self.processes.as_ptr(),
            count: self.processes.len(),
        })
    }
}

fn told(process: &Process) -> KymoProcess {
    KymoProcess {
        pid: process.pid.get(),
        uid: process.uid.get(),
        start_ns: process.start_ns.get(),
        memory: process.memory.get(),
        cpu: process.cpu.get().into(),
        name: KymoText::of(process.name().as_bytes()),
        rank_by_cpu: process.rank_by_cpu.into(),
        rank_by_memory: process.rank_by_memory.into(),
        state: process.state().into(),
        reserved: 0,
    }
}
