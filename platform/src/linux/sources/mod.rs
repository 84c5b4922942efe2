//! The sources of sensors: what each reads stands in its file, what it costs in docs/PLATFORM.md.
//!
//! Three kinds of text make nearly all of them: lines of devices ([`rows`]), lines of keys
//! ([`fields`]) and folders of attributes ([`channel`]). A source is then a table and a few lines.

mod cgroup;
mod channel;
mod chips;
mod class;
mod cpu;
mod disk;
mod fields;
mod filesystem;
mod frequency;
mod gpu;
mod hwmon;
mod memory;
mod mounts;
mod network;
mod place;
mod power;
mod pressure;
mod rows;
mod thermal;

use class::Class;
use filesystem::{Filesystems, Part};

use crate::roots::{Extras, Roots};
use crate::source::Source;

/// Every source, in the order of their groups.
pub(super) fn all(roots: &Roots, extras: Extras) -> Vec<Box<dyn Source>> {
    let (proc_root, sys_root) = (roots.proc.as_path(), roots.sys.as_path());
    let mut sources: Vec<Box<dyn Source>> = vec![
        Box::new(cpu::Cpu::new(proc_root)),
        Box::new(cpu::Scheduler::new(proc_root)),
        Box::new(frequency::Frequency::new(sys_root)),
        Box::new(memory::Memory::meminfo(proc_root)),
        Box::new(memory::Memory::vmstat(proc_root)),
        Box::new(Filesystems::new(proc_root, Part::Root)),
        Box::new(Filesystems::new(proc_root, Part::Local)),
        Box::new(Filesystems::new(proc_root, Part::Remote)),
        Box::new(disk::Disk::new(proc_root, sys_root)),
        Box::new(network::Network::new(proc_root, sys_root)),
        Box::new(Class::new(sys_root, &thermal::ZONE)),
        Box::new(Class::new(sys_root, &power::SUPPLY)),
        Box::new(Class::new(sys_root, &power::PERIPHERAL)),
        Box::new(Class::new(sys_root, &power::RAPL)),
        Box::new(Class::new(sys_root, &gpu::GPU)),
        Box::new(pressure::Pressure::new(proc_root)),
        Box::new(cgroup::Cgroup::new(proc_root, sys_root, false)),
        Box::new(cgroup::Cgroup::new(proc_root, sys_root, true)),
    ];
    let chips = hwmon::Hwmon::all(sys_root, extras);
    sources.extend(chips.map(|chip| Box::new(chip) as Box<dyn Source>));
    sources
}
