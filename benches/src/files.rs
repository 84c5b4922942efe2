//! What a bare program reads of the machine: the files of kymo's vitals, and if asked those of its
//! sensors, opened once, read at kymo's cadences, and thrown away unread.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::statvfs::{fstatvfs, statvfs};
use nix::sys::uio::pread;

use kymo_protocol::{Group, Groups};

use crate::Outcome;

const MS: u64 = 1_000_000;

/// How a source is read.
#[derive(Debug)]
enum How {
    /// So many of its first bytes are enough.
    Start(File, usize),
    /// In one read.
    Whole(File),
    /// To its end, a page at a time.
    Pages(File),
    /// The space of a file system.
    Space(OwnedFd),
    /// The same by its path.
    SpaceAt(&'static str),
    /// The names in a folder.
    Names(Dir),
}

/// A thing that is read, and when.
#[derive(Debug)]
struct Source {
    how: How,
    interval_ns: u64,
    due_ns: u64,
    /// The group of sensors that it brings.
    group: Option<Group>,
}

/// Everything that is read.
#[derive(Debug)]
pub struct Files {
    sources: Vec<Source>,
    buffer: Box<[u8; 8192]>,
}

impl Files {
    /// Opens the files of the vitals of this machine.
    ///
    /// # Errors
    ///
    /// When procfs lacks one of them.
    pub fn open() -> Outcome<Self> {
        let directory = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut files = Self { sources: Vec::new(), buffer: Box::new([0; 8192]) };
        files.add(None, 40, How::Start(proc("stat")?, 256));
        files.add(None, 100, How::Whole(proc("meminfo")?));
        files.add(None, 5000, How::Whole(proc("loadavg")?));
        files.add(None, 40, How::Pages(proc("diskstats")?));
        files.add(None, 1000, How::Space(File::open("/")?.into()));
        files.add(None, 10, How::Pages(proc("net/dev")?));
        files.add(None, 2000, How::Names(Dir::open("/proc", directory, Mode::empty())?));
        files.add(None, 10_000, How::Whole(proc("uptime")?));
        // One CPU temperature, if there is one; a bare program knows where.
        let temperatures =
            ["/sys/class/hwmon/hwmon0/temp1_input", "/sys/class/thermal/thermal_zone0/temp"];
        if let Some(file) = temperatures.iter().find_map(|path| File::open(path).ok()) {
            files.add(None, 1000, How::Whole(file));
        }
        Ok(files)
    }

    /// Those of the sensors as well, but for devices: what a bare program leaves out makes the
    /// comparison harder, never easier.
    ///
    /// # Errors
    ///
    /// When procfs lacks one of them.
    pub fn open_whole() -> Outcome<Self> {
        let mut files = Self::open()?;
        files.add(Some(Group::Cpu), 40, How::Start(proc("stat")?, 4096));
        files.add(Some(Group::Memory), 100, How::Whole(proc("meminfo")?));
        files.add(Some(Group::Memory), 500, How::Whole(proc("vmstat")?));
        files.add(Some(Group::Filesystem), 1000, How::SpaceAt("/"));
        files.add(Some(Group::Disk), 40, How::Pages(proc("diskstats")?));
        files.add(Some(Group::Network), 10, How::Pages(proc("net/dev")?));
        for name in ["cpu", "memory", "io"] {
            // Where the kernel doesn't count pressure nobody reads it.
            if let Ok(file) = proc(&format!("pressure/{name}")) {
                files.add(Some(Group::Pressure), 500, How::Whole(file));
            }
        }
        let folder = own_group();
        let use_files =
            ["cpu.stat", "memory.current", "memory.swap.current", "pids.current", "io.stat"];
        let limit_files = [
            "memory.stat",
            "memory.events",
            "cpu.max",
            "memory.max",
            "memory.swap.max",
            "pids.max",
        ];
        let names = use_files.map(|name| (name, 100)).into_iter();
        for (name, ms) in names.chain(limit_files.map(|name| (name, 1000))) {
            if let Some(file) = folder.as_ref().and_then(|path| File::open(path.join(name)).ok()) {
                files.add(Some(Group::Cgroup), ms, How::Pages(file));
            }
        }
        Ok(files)
    }

    fn add(&mut self, group: Option<Group>, interval_ms: u64, how: How) {
        self.sources.push(Source { how, interval_ns: interval_ms * MS, due_ns: 0, group });
    }

    /// Reads what is due at `tick_ns` of a clock that stands at 0 at the start. Returns the groups
    /// of sensors that were read.
    ///
    /// # Errors
    ///
    /// When a file can't be read.
    pub fn read_due(&mut self, tick_ns: u64) -> Outcome<Groups> {
        let mut groups = 0;
        for source in &mut self.sources {
            if source.due_ns > tick_ns {
                continue;
            }
            source.due_ns = tick_ns + source.interval_ns;
            groups |= source.group.map_or(0, |group| 1 << (group as u16 - 1));
            source.how.read(&mut self.buffer[..])?;
        }
        Ok(Groups(groups))
    }
}

impl How {
    fn read(&mut self, buffer: &mut [u8]) -> Outcome<()> {
        match self {
            Self::Start(file, size) => _ = pread(&*file, &mut buffer[..*size], 0)?,
            Self::Whole(file) => _ = pread(&*file, buffer, 0)?,
            Self::Pages(file) => {
                let mut offset = 0;
                loop {
                    let size = pread(&*file, buffer, offset)?;
                    if size == 0 {
                        break;
                    }
                    offset += i64::try_from(size)?;
                }
            }
            Self::Space(folder) => _ = fstatvfs(&*folder)?,
            Self::SpaceAt(path) => _ = statvfs(*path)?,
            Self::Names(folder) => {
                for name in folder.iter() {
                    name?;
                }
            }
        }
        Ok(())
    }
}

fn proc(name: &str) -> Outcome<File> {
    Ok(File::open(PathBuf::from("/proc").join(name))?)
}

/// The folder of this process's control group of version 2, or of the root that is visible.
fn own_group() -> Option<PathBuf> {
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(Path::new);
    let root = roots.into_iter().find(|root| root.join("cgroup.controllers").exists())?;
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let own = root.join(path);
    Some(if own.exists() { own } else { root.to_path_buf() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_can_be_read_again_and_again() {
        for mut files in [Files::open().unwrap(), Files::open_whole().unwrap()] {
            let first = files.read_due(0).unwrap();
            for second in 1..3 {
                assert_eq!(files.read_due(second * 20_000 * MS).unwrap(), first);
            }
            // Nothing is due again at once.
            assert_eq!(files.read_due(40_000 * MS).unwrap(), Groups(0));
        }
    }
}
