//! The same data from other libraries, used as well as they can be: handles are kept, and nothing
//! is refreshed but what kymo reads, too. They are built as they come.

use std::hint::black_box;
use std::path::Path;

use kymo_benches::Outcome;
use procfs::{Current, CurrentSI};
use sysinfo::{
    Components, CpuRefreshKind, DiskRefreshKind, Disks, MemoryRefreshKind, Networks,
    ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind,
};

use crate::sources::TURNS;

/// Another library's way to the data of a source.
pub struct Peer {
    /// With its version.
    pub name: String,
    /// Reads it once.
    pub read: Box<dyn FnMut() -> Outcome<()>>,
}

/// The libraries that have the data of kymo's source `name`.
pub fn of(name: &str) -> Vec<Peer> {
    let peer = |name, read| Some(Peer { name: with_version(name), read });
    let peers = [
        procfs(name).and_then(|read| peer("procfs", read)),
        sysinfo(name).and_then(|read| peer("sysinfo", read)),
    ];
    peers.into_iter().flatten().collect()
}

/// The name of a crate and the version that was built.
fn with_version(name: &str) -> String {
    let lock = include_str!("../../../../Cargo.lock");
    let begin = format!("name = \"{name}\"\nversion = \"");
    let rest = lock.split_once(&begin).map_or("", |(_, rest)| rest);
    format!("{name} {}", rest.split('"').next().unwrap_or_default())
}

type Read = Box<dyn FnMut() -> Outcome<()>>;

/// A read that may fail with an error of its own.
fn fallible<T: 'static>(mut read: impl FnMut() -> procfs::ProcResult<T> + 'static) -> Option<Read> {
    Some(Box::new(move || {
        black_box(read()?);
        Ok(())
    }))
}

fn procfs(name: &str) -> Option<Read> {
    match name {
        "cpu" => fallible(procfs::KernelStats::current),
        "memory" => fallible(procfs::Meminfo::current),
        "vmstat" => fallible(procfs::vmstat),
        "disk" => fallible(procfs::diskstats),
        "network" => fallible(procfs::net::dev_status),
        "load" => fallible(procfs::LoadAverage::current),
        "pressure" => fallible(|| {
            let (cpu, memory) =
                (procfs::CpuPressure::current()?, procfs::MemoryPressure::current()?);
            Ok((cpu, memory, procfs::IoPressure::current()?))
        }),
        "processes" => fallible(|| {
            // One may have ended since it was listed.
            for process in procfs::process::all_processes()?.flatten() {
                let _ = black_box((process.stat(), process.uid()));
            }
            Ok(())
        }),
        _ => None,
    }
}

fn infallible(mut read: impl FnMut() + 'static) -> Option<Read> {
    Some(Box::new(move || {
        read();
        Ok(())
    }))
}

fn sysinfo(name: &str) -> Option<Read> {
    let mut system = System::new();
    match name {
        "cpu" => {
            let kind = CpuRefreshKind::nothing().with_cpu_usage();
            let mut systems: Vec<_> = (0..TURNS).map(|_| System::new()).collect();
            let mut next = 0;
            infallible(move || {
                systems[next].refresh_cpu_specifics(kind);
                next = (next + 1) % TURNS;
            })
        }
        "memory" => {
            let kind = MemoryRefreshKind::everything();
            infallible(move || system.refresh_memory_specifics(kind))
        }
        "disk" => disks(DiskRefreshKind::nothing().with_io_usage(), false),
        "filesystem-root" => disks(DiskRefreshKind::nothing().with_storage(), true),
        "network" => {
            let mut networks = Networks::new_with_refreshed_list();
            infallible(move || networks.refresh(false))
        }
        "load" => infallible(|| _ = black_box(System::load_average())),
        "processes" => {
            let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
            let kind = kind.with_user(UpdateKind::OnlyIfNotSet);
            infallible(move || {
                system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
            })
        }
        "hwmon" => {
            let mut chips = Components::new_with_refreshed_list();
            infallible(move || chips.iter_mut().for_each(sysinfo::Component::refresh))
        }
        _ => None,
    }
}

/// Asking the disks one by one is cheaper than having them listed again, but each one reads the
/// file of all.
fn disks(kind: DiskRefreshKind, only_root: bool) -> Option<Read> {
    let mut disks = Disks::new_with_refreshed_list_specifics(kind);
    if disks.is_empty() {
        return None;
    }
    infallible(move || {
        if disks.len() > 1 && !only_root {
            return disks.refresh_specifics(false, kind);
        }
        for disk in disks.iter_mut() {
            if !only_root || disk.mount_point() == Path::new("/") {
                black_box(disk.refresh_specifics(kind));
            }
        }
    })
}
