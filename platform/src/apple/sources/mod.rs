//! The sources over a Mac's kernel: what each reads stands in its file, what it costs in
//! docs/PLATFORM.md.

mod cpu;
mod filesystem;
mod levels;
mod memory;
mod network;
mod pressure;

use super::kernel::{Kernel, Notice};
use crate::source::Source;
use filesystem::Part;

/// Every source over the kernel, in the order of their groups: each goes its own way to it, that
/// `door` opens, and one hears of thermal pressure by `notice`.
#[must_use]
pub fn of_kernel(
    door: &dyn Fn() -> Box<dyn Kernel>,
    notice: Box<dyn Notice>,
) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(cpu::Cpu::new(door())),
        Box::new(memory::Memory::new(door())),
        Box::new(filesystem::Filesystems::new(door(), Part::Root)),
        Box::new(filesystem::Filesystems::new(door(), Part::Local)),
        Box::new(filesystem::Filesystems::new(door(), Part::Remote)),
        Box::new(network::Network::new(door())),
        Box::new(pressure::Pressure::new(notice)),
    ]
}
