//! Every fan of every chip that may be read on a loop.
//!
//! A fan that stands still reads 0, which is a value. A fan whose chip says that it is broken, or
//! that it is not monitored, is left out. The list is ordered by device and channel.

use std::os::fd::{AsFd, BorrowedFd};

use kymo_protocol::{Cost, NoData, Reading};

use super::attribute::Attribute;
use super::drivers::care;
use super::hwmon::{Chip, channels};
use super::name::Name;
use super::sys::EntryBuffer;
use super::temperature::{Sleep, is_gpu};
use crate::machine::{FANS_MAX, Fans};

/// Fans that are kept open; twice those reported, since some are left out.
pub(crate) const FANS_OPEN_MAX: usize = 2 * FANS_MAX;
/// No fan turns faster; broken chips answer 65,535 times something.
const RPM_MAX: i64 = 100_000;

/// An open fan.
#[derive(Debug)]
pub(crate) struct Fan {
    speed: Reading<Attribute>,
    fault: Option<Attribute>,
    enable: Option<Attribute>,
    /// Of a graphics processor only, which a read would wake.
    sleep: Option<Sleep>,
}

/// Open fans, in order.
pub(crate) type OpenFans = heapless::Vec<Fan, FANS_OPEN_MAX>;

/// Opens the fans of `chips`, which are in order.
pub(crate) fn find_fans(
    class: BorrowedFd<'_>,
    chips: &[Chip],
    buffer: &mut EntryBuffer,
    fans: &mut OpenFans,
) {
    fans.clear();
    for chip in chips.iter().filter(|chip| care(&chip.name, &chip.place).cost < Cost::Harmful) {
        let Some(directory) = chip.open(class) else { continue };
        for index in channels(directory.as_fd(), buffer, "fan", "_input") {
            let fan = Fan::open(directory.as_fd(), index, is_gpu(&chip.name));
            if fans.push(fan).is_err() {
                return;
            }
        }
    }
}

/// The speed of every fan that can be read; if none can, why not the first.
pub(crate) fn read_fans(fans: &[Fan], gone: &mut bool) -> Reading<Fans> {
    let mut speeds = Fans::new();
    let mut failure = None;
    for fan in fans {
        match fan.read(gone) {
            Ok(speed) => {
                if speeds.push(speed).is_err() {
                    break;
                }
            }
            Err(reason) => failure = failure.or(Some(reason)),
        }
    }
    if speeds.is_empty() { Err(failure.unwrap_or(NoData::Absent)) } else { Ok(speeds) }
}

impl Fan {
    fn open(directory: BorrowedFd<'_>, index: u16, is_gpu: bool) -> Self {
        let open = |suffix| Attribute::open(directory, &Name::indexed("fan", index, suffix));
        Self {
            speed: open("_input"),
            fault: open("_fault").ok(),
            enable: open("_enable").ok(),
            sleep: is_gpu.then(|| Sleep::of(directory)),
        }
    }

    /// RPM now.
    fn read(&self, gone: &mut bool) -> Reading<u32> {
        if self.sleep.as_ref().is_some_and(|sleep| sleep.now(gone)) {
            return Err(NoData::Asleep);
        }
        let mut says = |attribute: &Option<Attribute>, number: i64| {
            attribute.as_ref().is_some_and(|attribute| attribute.number(gone) == Ok(number))
        };
        if says(&self.fault, 1) {
            return Err(NoData::Fault);
        }
        if says(&self.enable, 0) {
            return Err(NoData::Absent);
        }
        let speed = self.speed.as_ref().map_err(|reason| *reason)?.number(gone)?;
        if speed > RPM_MAX {
            return Err(NoData::Fault);
        }
        u32::try_from(speed).map_err(|_| NoData::Fault)
    }
}
