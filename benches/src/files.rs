//! What a bare program reads of the machine: the files of kymo's vitals, opened once, read at the
//! cadences of the sampler's table, and thrown away unread.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::statvfs::fstatvfs;
use nix::sys::uio::pread;

use crate::Outcome;

const MS: u64 = 1_000_000;

/// How a source is read.
#[derive(Debug)]
enum How {
    /// Its first bytes are enough.
    Start(File),
    /// In one read.
    Whole(File),
    /// To its end, a page at a time.
    Pages(File),
    /// The space of a file system.
    Space(OwnedFd),
    /// The names in a folder.
    Names(Dir),
}

/// Everything that is read, and when.
#[derive(Debug)]
pub struct Files {
    sources: Vec<(How, u64, u64)>,
    buffer: Box<[u8; 8192]>,
}

impl Files {
    /// Opens the files of this machine.
    ///
    /// # Errors
    ///
    /// When procfs lacks one of them.
    pub fn open() -> Outcome<Self> {
        let proc = |name: &str| File::open(PathBuf::from("/proc").join(name));
        let directory = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut sources = vec![
            (How::Start(proc("stat")?), 40 * MS, 0),
            (How::Whole(proc("meminfo")?), 100 * MS, 0),
            (How::Whole(proc("loadavg")?), 5000 * MS, 0),
            (How::Pages(proc("diskstats")?), 40 * MS, 0),
            (How::Space(File::open("/")?.into()), 1000 * MS, 0),
            (How::Pages(proc("net/dev")?), 10 * MS, 0),
            (How::Names(Dir::open("/proc", directory, Mode::empty())?), 2000 * MS, 0),
            (How::Whole(proc("uptime")?), 10_000 * MS, 0),
        ];
        // One CPU temperature, if there is one; a bare program knows where.
        let temperatures =
            ["/sys/class/hwmon/hwmon0/temp1_input", "/sys/class/thermal/thermal_zone0/temp"];
        if let Some(file) = temperatures.iter().find_map(|path| File::open(path).ok()) {
            sources.push((How::Whole(file), 1000 * MS, 0));
        }
        Ok(Self { sources, buffer: Box::new([0; 8192]) })
    }

    /// Reads what is due at `tick_ns` of a clock that stands at 0 at the start.
    ///
    /// # Errors
    ///
    /// When a file can't be read.
    pub fn read_due(&mut self, tick_ns: u64) -> Outcome<()> {
        for (how, interval_ns, due_ns) in &mut self.sources {
            if *due_ns > tick_ns {
                continue;
            }
            *due_ns = tick_ns + *interval_ns;
            let buffer = &mut self.buffer[..];
            match how {
                How::Start(file) => {
                    pread(&*file, &mut buffer[..256], 0)?;
                }
                How::Whole(file) => {
                    pread(&*file, buffer, 0)?;
                }
                How::Pages(file) => {
                    let mut offset = 0;
                    loop {
                        let size = pread(&*file, buffer, offset)?;
                        if size == 0 {
                            break;
                        }
                        offset += i64::try_from(size)?;
                    }
                }
                How::Space(folder) => {
                    fstatvfs(&*folder)?;
                }
                How::Names(folder) => {
                    for name in folder.iter() {
                        name?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_can_be_read_again_and_again() {
        let mut files = Files::open().unwrap();
        for second in 0..3 {
            files.read_due(second * 20_000 * MS).unwrap();
        }
    }
}
