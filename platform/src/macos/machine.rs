//! What this Mac is made of: the doors to its kernel, in the places where they belong.

use super::iokit::whole_disks;
use super::mach::{ThermalNotice, ThisKernel};
use crate::apple::kernel::Kernel;
use crate::apple::{Mac, ranker, sources};
use crate::clock;
use crate::machine::Machine;
use crate::ranking::ProcessSource;
use crate::source::Source;

fn door() -> Box<dyn Kernel> {
    Box::new(ThisKernel::new())
}

pub(super) fn this_machine() -> Box<dyn Machine> {
    Box::new(Mac::new(door(), Some(Box::new(whole_disks()))))
}

/// Those over the kernel, in the order of their groups.
pub(super) fn kernel_sources() -> Vec<Box<dyn Source>> {
    sources::of_kernel(&door, Box::new(ThermalNotice::new()))
}

pub(super) fn this_machine_processes() -> Box<dyn ProcessSource> {
    ranker(door(), clock::now)
}
