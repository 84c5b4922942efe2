//! The machine as kymo's vitals need it: one typed call per source.
//!
//! Each call reads its source now, in the caller's thread, without allocating. When to call which
//! is the caller's business; what a source costs and how often it is worth asking stands in
//! docs/PLATFORM.md. A call never fails as a whole: what could not be read says why.

use std::fmt;

use kymo_protocol::{Reading, Vitals};

/// Fans a machine may report in its vitals; further ones are left to the sensor catalog.
pub const FANS_MAX: usize = 8;

/// CPU time since boot over all CPUs, in clock ticks of 1/100 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// Ticks spent working: all modes but idle and iowait; guest time counts once.
    pub busy: u64,
    /// Ticks in all modes.
    pub total: u64,
}

/// Memory and swap, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Memory the kernel manages.
    pub total: Reading<u64>,
    /// Memory that new work could get without swapping.
    pub available: Reading<u64>,
    /// Swap space.
    pub swap_total: Reading<u64>,
    /// Swap space not in use.
    pub swap_free: Reading<u64>,
}

/// Bytes transferred since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Read from disks, or received from networks.
    pub inward: u64,
    /// Written to disks, or sent to networks.
    pub outward: u64,
}

/// Space of the root file system, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskSpace {
    /// In use.
    pub used: u64,
    /// Free to ordinary users.
    pub available: u64,
}

/// Fan speeds in RPM; 0 is a fan that stands still.
pub type Fans = heapless::Vec<u32, FANS_MAX>;

/// Temperatures in °C, and fans.
#[derive(Clone, Debug, PartialEq)]
pub struct Thermal {
    /// The CPU package.
    pub cpu: Reading<f32>,
    /// The first graphics processor.
    pub gpu: Reading<f32>,
    /// Every fan that could be read.
    pub fans: Reading<Fans>,
}

/// A machine whose vitals can be read.
///
/// What can't be read has a reason, each figure its own, and is tried again from time to time:
///
/// | [`NoData`](kymo_protocol::NoData) | where |
/// |---|---|
/// | `Absent` | the system has no such source |
/// | `Denied` | it refuses the read to this user |
/// | `Fault` | it answers with an error, or with what can't be true |
/// | `Asleep`, `Gated` | the device sleeps, or a part of it is off |
/// | `Pending` | not known yet |
pub trait Machine: Send {
    /// CPU time since boot.
    ///
    /// # Errors
    ///
    /// The reason; see the trait.
    fn cpu_time(&mut self) -> Reading<CpuTime>;
    /// Memory and swap; each part has its own reason.
    fn memory(&mut self) -> Memory;
    /// Runnable tasks averaged over 1, 5 and 15 minutes.
    ///
    /// # Errors
    ///
    /// The reason; see the trait.
    fn load(&mut self) -> Reading<[f32; 3]>;
    /// Bytes moved by whole disks.
    ///
    /// # Errors
    ///
    /// The reason; see the trait.
    fn disk_io(&mut self) -> Reading<Transfer>;
    /// Space of the root file system.
    ///
    /// # Errors
    ///
    /// The reason; see the trait.
    fn disk_space(&mut self) -> Reading<DiskSpace>;
    /// Bytes moved by all network interfaces but loopback.
    ///
    /// # Errors
    ///
    /// The reason; see the trait.
    fn network_io(&mut self) -> Reading<Transfer>;
    /// Temperatures and fans; each has its own reason.
    fn thermal(&mut self) -> Thermal;
    /// Processes (not threads).
    ///
    /// # Errors
    ///
    /// The reason; see the trait.
    fn process_count(&mut self) -> Reading<u32>;
    /// Time since boot in nanoseconds.
    ///
    /// # Errors
    ///
    /// The reason; see the trait.
    fn uptime(&mut self) -> Reading<u64>;

    /// Fills in a whole, zeroed frame that is stamped `frame_ns` on the boot clock, and says true:
    /// for what knows frames and not figures, such as a recording. Nothing that the other calls
    /// answer is in it then.
    fn fill(&self, vitals: &mut Vitals, frame_ns: u64) -> bool {
        let _ = (vitals, frame_ns);
        false
    }
}

// Not a bound: then every program would carry what prints each source's state.
impl fmt::Debug for dyn Machine + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Machine")
    }
}
