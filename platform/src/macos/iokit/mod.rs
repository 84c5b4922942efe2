//! IOKit: the controller, the registry, sensors of the HID event system and reports of energy.
//!
//! Each file is a door of `crate::apple` and makes its calls, no more. CoreFoundation allocates
//! whatever it hands out; each object is released once, by what owns it. Private calls are looked
//! up by name when they are first needed: where they are missing, what they tell is absent.
//! Type-checked only: it has not run on a Mac.

mod cf;
mod hid;
mod library;
mod pool;
mod registry;
mod report;
mod smc;

use kymo_protocol::NoData;

use crate::apple::hid::{Quantity, Rank, Sensors};
use crate::apple::registry::{BATTERY, DISK, GPU, Services, WholeDisks};
use crate::apple::report::Energy;
use crate::apple::smc::KernReturn;
use crate::source::Source;

pub use hid::AppleHid;
pub use registry::IoRegistry;
pub use report::IoReport;
pub use smc::AppleSmc;

/// Every source but the controller's. `rank` says whether there is one.
#[must_use]
pub fn iokit_sources(rank: Rank) -> Vec<Box<dyn Source>> {
    let hid = |quantity| Box::new(Sensors::new(AppleHid::new(quantity), quantity, rank));
    vec![
        Box::new(Services::new(IoRegistry, &DISK)),
        hid(Quantity::Temperature),
        hid(Quantity::Current),
        hid(Quantity::Voltage),
        Box::new(Services::new(IoRegistry, &BATTERY)),
        Box::new(Energy::new(IoReport::new())),
        Box::new(Services::new(IoRegistry, &GPU)),
    ]
}

/// The bytes of all whole disks.
#[must_use]
pub fn whole_disks() -> WholeDisks<IoRegistry> {
    WholeDisks::new(IoRegistry)
}

/// Codes of IOReturn.h.
mod code {
    pub(super) const NO_DEVICE: i32 = 0xE000_02C0_u32.cast_signed();
    pub(super) const NOT_PRIVILEGED: i32 = 0xE000_02C1_u32.cast_signed();
    pub(super) const NOT_OPEN: i32 = 0xE000_02CD_u32.cast_signed();
    pub(super) const NOT_ATTACHED: i32 = 0xE000_02D9_u32.cast_signed();
    pub(super) const NOT_PERMITTED: i32 = 0xE000_02E2_u32.cast_signed();
    pub(super) const UNDERRUN: i32 = 0xE000_02E7_u32.cast_signed();
}

/// `Ok` where the kernel has no objection.
fn checked(code: i32) -> Result<(), KernReturn> {
    if code == 0 { Ok(()) } else { Err(KernReturn(code)) }
}

impl From<KernReturn> for NoData {
    fn from(code: KernReturn) -> Self {
        match code.0 {
            code::NO_DEVICE | code::NOT_ATTACHED => Self::Absent,
            code::NOT_PRIVILEGED | code::NOT_PERMITTED => Self::Denied,
            _ => Self::Fault,
        }
    }
}
