//! The Linux machine: every source of the vitals, opened once, behind the one trait.
//!
//! A call reads its source in the caller's thread and allocates nothing, also when it has to open a
//! file again or to look for devices. Reads of procfs don't block; those of hwmon chips may, for
//! the time their bus takes.

use std::fmt;
use std::path::Path;

use kymo_protocol::{NoData, Reading};

use super::disks::Disks;
use super::diskstats::DiskStats;
use super::file::File;
use super::netdev::NetDev;
use super::processes::Processes;
use super::sensors::Sensors;
use super::space::Space;
use super::sys::EntryBuffer;
use super::{loadavg, meminfo, stat, uptime};
use crate::machine::{CpuTime, DiskSpace, Machine, Memory, Thermal, Transfer};

/// Holds meminfo, 2 KiB today, and any line of diskstats or net/dev.
const TEXT_SIZE: usize = 8192;
/// Holds the first line of stat: a name and ten numbers of at most twenty digits.
const CPU_LINE_SIZE: usize = 256;

/// The machine below a procfs and a sysfs.
///
/// ```
/// use std::path::Path;
/// use kymo_platform::{Machine, linux::Linux};
///
/// let mut machine = Linux::new(Path::new("/proc"), Path::new("/sys"));
/// assert!(machine.cpu_time().is_ok());
/// ```
pub struct Linux {
    stat: File,
    meminfo: File,
    loadavg: File,
    diskstats: File,
    netdev: File,
    uptime: File,
    disks: Disks,
    space: Space,
    processes: Processes,
    sensors: Sensors,
    text: Box<[u8; TEXT_SIZE]>,
    entries: Box<EntryBuffer>,
}

impl Linux {
    /// Opens every source below `proc_root` and `sys_root`, and `/` for its space.
    ///
    /// Never fails: what can't be opened has a state, and is tried again from time to time.
    #[must_use]
    pub fn new(proc_root: &Path, sys_root: &Path) -> Self {
        Self {
            stat: File::new(proc_root, "stat"),
            meminfo: File::new(proc_root, "meminfo"),
            loadavg: File::new(proc_root, "loadavg"),
            diskstats: File::of_devices(proc_root, "diskstats"),
            netdev: File::new(proc_root, "net/dev"),
            uptime: File::new(proc_root, "uptime"),
            disks: Disks::new(sys_root),
            space: Space::new(Path::new("/")),
            processes: Processes::new(proc_root),
            sensors: Sensors::new(sys_root),
            text: Box::new([0; TEXT_SIZE]),
            entries: Box::new(EntryBuffer::new()),
        }
    }
}

impl fmt::Debug for Linux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The buffers are left out.
        f.debug_struct("Linux").field("sensors", &self.sensors).finish_non_exhaustive()
    }
}

impl Machine for Linux {
    fn cpu_time(&mut self) -> Reading<CpuTime> {
        let start = self.text.get_mut(..CPU_LINE_SIZE).ok_or(NoData::Fault)?;
        stat::parse(self.stat.read_start(start)?)
    }

    fn memory(&mut self) -> Memory {
        self.meminfo.read_whole(&mut *self.text).map_or_else(meminfo::none, meminfo::parse)
    }

    fn load(&mut self) -> Reading<[f32; 3]> {
        loadavg::parse(self.loadavg.read_whole(&mut *self.text)?)
    }

    fn disk_io(&mut self) -> Reading<Transfer> {
        let mut sum = DiskStats::default();
        let disks = &mut self.disks;
        let mut is_disk = |device: super::diskstats::Device<'_>| disks.is_disk(device);
        self.diskstats.read_lines(&mut *self.text, &mut |line| sum.line(line, &mut is_disk))?;
        sum.finish()
    }

    fn disk_space(&mut self) -> Reading<DiskSpace> {
        self.space.read()
    }

    fn network_io(&mut self) -> Reading<Transfer> {
        let mut sum = NetDev::default();
        self.netdev.read_lines(&mut *self.text, &mut |line| sum.line(line))?;
        sum.finish()
    }

    fn thermal(&mut self) -> Thermal {
        self.sensors.read()
    }

    fn process_count(&mut self) -> Reading<u32> {
        self.processes.count(&mut self.entries)
    }

    fn uptime(&mut self) -> Reading<u64> {
        uptime::parse(self.uptime.read_whole(&mut *self.text)?)
    }
}
