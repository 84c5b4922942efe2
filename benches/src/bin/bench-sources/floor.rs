//! The kernel's share: the system calls that kymo makes for a source, and nothing else.
//!
//! Files are open and read with `pread` into one buffer, as often and as much as kymo does; what
//! they say is not looked at.

use std::ffi::CStr;
use std::fs::{self, File};
use std::path::Path;

use kymo_benches::Outcome;
use kymo_benches::cost;
use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};
use nix::sys::statvfs::statvfs;
use nix::sys::uio::pread;

use crate::sources::Reader;

/// What kymo reads at once of a source of sensors.
const BUFFER: usize = 4096;

/// The bare system calls for one source.
pub struct Floor {
    how: How,
    buffer: [u8; BUFFER],
    /// Reads that kymo makes, and how many of them the floor makes.
    pub reads: (u64, u64),
}

enum How {
    /// Each file in so many reads.
    Files(Vec<File>, u64),
    /// The file system of `/` is asked, by its path.
    Space,
    /// The names in procfs, and a file of each process.
    Processes(Dir, File),
}

impl Floor {
    /// The floor of a source. It watches kymo read once, to make as many reads.
    pub fn of(kymo: &mut Reader) -> Outcome<Self> {
        let reads = reads_of(&mut || {
            kymo.read();
            Ok(())
        })?;
        let proc = |names: &[&str]| -> Outcome<How> {
            let open = |name: &&str| File::open(Path::new("/proc").join(name));
            let files = names.iter().map(open).collect::<Result<Vec<_>, _>>()?;
            let each = reads / u64::try_from(names.len())?;
            Ok(How::Files(files, each.max(1)))
        };
        let how = match kymo.name() {
            "cpu" => proc(&["stat"])?,
            "memory" => proc(&["meminfo"])?,
            "vmstat" => proc(&["vmstat"])?,
            "disk" => proc(&["diskstats"])?,
            "network" => proc(&["net/dev"])?,
            "load" => proc(&["loadavg"])?,
            "pressure" => proc(&["pressure/cpu", "pressure/memory", "pressure/io"])?,
            "filesystem-root" => How::Space,
            "processes" => {
                let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
                How::Processes(Dir::open("/proc", flags, Mode::empty())?, File::open("/proc")?)
            }
            "hwmon" => How::Files(inputs()?, 1),
            name => return Err(format!("no floor for {name}").into()),
        };
        let mut floor = Self { how, buffer: [0; BUFFER], reads: (reads, 0) };
        floor.reads.1 = reads_of(&mut || floor.read())?;
        Ok(floor)
    }

    /// Makes the calls once.
    pub fn read(&mut self) -> Outcome<()> {
        match &mut self.how {
            How::Files(files, reads) => {
                for file in files {
                    let mut offset = 0;
                    for _ in 0..*reads {
                        let size = pread(&*file, &mut self.buffer, offset)?;
                        offset += i64::try_from(size)?;
                    }
                }
            }
            How::Space => _ = statvfs(c"/")?,
            How::Processes(folder, proc) => processes(folder, proc, &mut self.buffer)?,
        }
        Ok(())
    }
}

/// What a process's reader can't do without: open, ask whose it is, read, close.
fn processes(folder: &mut Dir, proc: &File, buffer: &mut [u8]) -> Outcome<()> {
    let mut path = [0; 24];
    for entry in folder.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !name.first().is_some_and(u8::is_ascii_digit) || name.len() > 12 {
            continue;
        }
        path[..name.len()].copy_from_slice(name);
        path[name.len()..name.len() + 6].copy_from_slice(b"/stat\0");
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let name = CStr::from_bytes_until_nul(&path)?;
        // One may have ended since it was listed.
        let Ok(file) = openat(proc, name, flags, Mode::empty()) else { continue };
        fstat(&file)?;
        let _ = pread(&file, buffer, 0);
    }
    Ok(())
}

/// The values of all chips, as kymo reads them.
fn inputs() -> Outcome<Vec<File>> {
    let mut files = Vec::new();
    for chip in fs::read_dir("/sys/class/hwmon")? {
        for file in fs::read_dir(chip?.path())? {
            let path = file?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with("_input") {
                files.push(File::open(path)?);
            }
        }
    }
    Ok(files)
}

/// System calls that read, in one call of `work`. The first call may do more than the others.
fn reads_of(work: &mut dyn FnMut() -> Outcome<()>) -> Outcome<u64> {
    work()?;
    // What counting itself takes.
    let counted = own_reads();
    let counting = own_reads() - counted;
    let before = own_reads();
    work()?;
    Ok((own_reads() - before).saturating_sub(counting))
}

/// System calls that read, which this process has made. Where they are not counted, none.
fn own_reads() -> u64 {
    cost::reads(std::process::id()).unwrap_or(0)
}
