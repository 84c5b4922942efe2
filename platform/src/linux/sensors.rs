//! Temperatures and fans of sysfs: found, kept open, and found again when hardware changes.
//!
//! Devices are looked for at the start, when one that was open has left, and every
//! [`RESCAN_CALLS`] calls, because a device that comes tells nobody here. Nothing is allocated
//! after the start: lists are fixed, and descriptors are what changes.

use std::ffi::CString;
use std::fmt;
use std::os::fd::AsFd;
use std::path::Path;

use kymo_protocol::{NoData, Reading};

use super::fans::{OpenFans, find_fans, read_fans};
use super::file::c_path;
use super::hwmon::{Chips, find_chips, no_source};
use super::sys::EntryBuffer;
use super::temperature::{Gpu, Input, find_cpu};
use super::thermal::find_cpu_zone;
use crate::machine::Thermal;

/// Devices are looked for again after so many calls.
const RESCAN_CALLS: u8 = 32;
/// A device that keeps saying it has left has the others looked for no more often than this.
const RESCAN_CALLS_MIN: u8 = 4;

/// The sensors behind [`Thermal`].
pub(crate) struct Sensors {
    hwmon: CString,
    zones: CString,
    buffer: Box<EntryBuffer>,
    chips: Box<Chips>,
    cpu: Reading<Input>,
    gpu: Reading<Gpu>,
    fans: Box<OpenFans>,
    /// Why there is no fan, when there is none.
    no_fans: NoData,
    calls: u8,
}

impl fmt::Debug for Sensors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sensors")
            .field("hwmon", &self.hwmon)
            .field("cpu", &self.cpu)
            .field("gpu", &self.gpu)
            .field("fans", &self.fans)
            .finish_non_exhaustive()
    }
}

impl Sensors {
    pub(crate) fn new(sys_root: &Path) -> Self {
        let mut sensors = Self {
            hwmon: c_path(&sys_root.join("class/hwmon")),
            zones: c_path(&sys_root.join("class/thermal")),
            buffer: Box::new(EntryBuffer::new()),
            chips: Box::new(Chips::new()),
            cpu: Err(NoData::Absent),
            gpu: Err(NoData::Absent),
            fans: Box::new(OpenFans::new()),
            no_fans: NoData::Absent,
            calls: 0,
        };
        sensors.find();
        sensors
    }

    /// Reads every sensor now.
    pub(crate) fn read(&mut self) -> Thermal {
        self.calls = self.calls.saturating_add(1);
        if self.calls >= RESCAN_CALLS {
            self.find();
        }
        let mut gone = false;
        let thermal = self.read_found(&mut gone);
        if gone && self.calls >= RESCAN_CALLS_MIN {
            self.find();
            return self.read_found(&mut false);
        }
        thermal
    }

    fn read_found(&mut self, gone: &mut bool) -> Thermal {
        let fans = match self.fans.as_slice() {
            [] => Err(self.no_fans),
            fans => read_fans(fans, gone),
        };
        Thermal {
            cpu: self.cpu.as_ref().map_err(|reason| *reason).and_then(|cpu| cpu.read(gone)),
            gpu: match &mut self.gpu {
                Ok(gpu) => gpu.read(&mut self.buffer, gone),
                Err(reason) => Err(*reason),
            },
            fans,
        }
    }

    fn find(&mut self) {
        self.calls = 0;
        let class = find_chips(&self.hwmon, &mut self.buffer, &mut self.chips);
        self.no_fans = no_source(&class);
        self.fans.clear();
        let (mut cpu, mut gpu) = (None, None);
        if let Ok(class) = &class {
            cpu = find_cpu(class.as_fd(), &self.chips, &mut self.buffer);
            gpu = Gpu::find(class.as_fd(), &self.chips);
            find_fans(class.as_fd(), &self.chips, &mut self.buffer, &mut self.fans);
        }
        let zone = || find_cpu_zone(&self.zones, &mut self.buffer);
        self.cpu = cpu.or_else(zone).ok_or_else(|| no_source(&class));
        self.gpu = gpu.ok_or_else(|| no_source(&class));
    }
}
