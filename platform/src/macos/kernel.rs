//! What is Linux's alone, and missing here.

use crate::kernel::{Cgroup, ClockSource};
use crate::roots::Roots;

pub(crate) fn landlock(_roots: &Roots) -> Result<u8, &'static str> {
    Err(super::NO_LANDLOCK)
}

pub(crate) fn seccomp(_roots: &Roots) -> Result<(), &'static str> {
    Err(super::NO_FILTERS)
}

pub(crate) fn pressure(_roots: &Roots) -> Result<(), &'static str> {
    Err("this system does not count it")
}

pub(crate) fn cgroup(_roots: &Roots) -> Result<Cgroup, &'static str> {
    Err("this system has none")
}

/// The counter is the only one.
pub(crate) fn clock_source(_roots: &Roots) -> Option<ClockSource> {
    None
}
