//! Memory of a process, from its own summary in procfs.

use std::fs::{self, File};
use std::path::Path;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::Outcome;

/// Bytes of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    /// Its pages, those that others use too in proportion.
    pub pss: f64,
    /// Its pages.
    pub rss: f64,
    /// Its own data: no file stands behind it, and no other process changes the figure.
    pub anonymous: f64,
}

/// Of the process with number `pid`.
///
/// # Errors
///
/// When it is gone, or is somebody else's.
pub fn of(pid: u32) -> Outcome<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let bytes = |key: &str| -> Outcome<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let words = line.ok_or_else(|| format!("no {key} in smaps_rollup"))?;
        let kib: f64 = words.split_whitespace().next().unwrap_or_default().parse()?;
        Ok(kib * 1024.0)
    };
    Ok(Memory { pss: bytes("Pss:")?, rss: bytes("Rss:")?, anonymous: bytes("Anonymous:")? })
}

/// Has a program that nobody runs be read from the disk at its next start, as after a boot: what a
/// linker has just written lies in larger pieces, each of which is mapped whole at the first touch.
///
/// # Errors
///
/// Those of the file.
pub fn forget(program: &Path) -> Outcome<()> {
    let file = File::open(program)?;
    file.sync_all()?;
    Ok(posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_some() {
        let memory = super::of(std::process::id()).unwrap();
        assert!(memory.anonymous > 0.0 && memory.pss > 0.0 && memory.rss >= memory.anonymous);
    }
}
