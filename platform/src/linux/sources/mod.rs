//! The sources of sensors: what each reads stands in its file, what it costs in docs/PLATFORM.md.
//!
//! Three kinds of text make nearly all of them: lines of devices ([`rows`]), lines of keys

mod cpu;
mod disk;
mod fields;
mod filesystem;
mod memory;
mod mounts;
mod network;
mod phrase;
mod place;
mod rows;

use filesystem::{Filesystems, Part};

use crate::roots::Roots;
use crate::source::Source;

/// Every source, in the order of their groups.
pub(super) fn all(roots: &Roots) -> Vec<Box<dyn Source>> {
    let (proc_root, sys_root) = (roots.proc.as_path(), roots.sys.as_path());
    vec![
        Box::new(cpu::Cpu::new(proc_root)),
        Box::new(cpu::Scheduler::new(proc_root)),
        Box::new(memory::Memory::meminfo(proc_root)),
        Box::new(memory::Memory::vmstat(proc_root)),
        Box::new(Filesystems::new(proc_root, Part::Root)),
        Box::new(Filesystems::new(proc_root, Part::Local)),
        Box::new(Filesystems::new(proc_root, Part::Remote)),
        Box::new(disk::Disk::new(proc_root, sys_root)),
        Box::new(network::Network::new(proc_root, sys_root)),
    ]
}
