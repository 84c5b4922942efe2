//! Space of the file system mounted at `/`, as df counts it.
//!
//! For the local root only: statvfs of a network file system can block for as long as its server is
//! away.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::Path;

use kymo_protocol::{NoData, Reading};
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::statvfs::{Statvfs, fstatvfs};

use super::file::{c_path, open_directory, reason};
use crate::machine::DiskSpace;

/// A mounted file system, by a directory in it.
#[derive(Debug)]
pub(crate) struct Space {
    path: CString,
    fd: Reading<OwnedFd>,
}

impl Space {
    pub(crate) fn new(path: &Path) -> Self {
        let path = c_path(path);
        let fd = open_directory(AT_FDCWD, &path).map_err(reason);
        Self { path, fd }
    }

    pub(crate) fn read(&mut self) -> Reading<DiskSpace> {
        if self.fd.is_err() {
            self.fd = open_directory(AT_FDCWD, &self.path).map_err(reason);
        }
        let fd = self.fd.as_ref().map_err(|reason| *reason)?;
        loop {
            match fstatvfs(fd) {
                Err(Errno::EINTR) => {}
                result => return Blocks::of(&result.map_err(reason)?).space(),
            }
        }
    }
}

/// What statvfs tells, whatever the width of its types.
#[derive(Clone, Copy, Debug)]
struct Blocks {
    size: u64,
    total: u64,
    free: u64,
    available: u64,
}

impl Blocks {
    // On some architectures these are narrower than 64 bits.
    #[allow(clippy::useless_conversion)]
    fn of(found: &Statvfs) -> Self {
        Self {
            size: u64::from(found.fragment_size()),
            total: u64::from(found.blocks()),
            free: u64::from(found.blocks_free()),
            available: u64::from(found.blocks_available()),
        }
    }

    fn space(self) -> Reading<DiskSpace> {
        if self.total == 0 {
            // A file system that doesn't count its blocks has no space to tell.
            return Err(NoData::Absent);
        }
        if self.size == 0 || self.available > self.total {
            return Err(NoData::Fault);
        }
        let used = self.total.checked_sub(self.free).ok_or(NoData::Fault)?;
        let bytes = |blocks: u64| blocks.checked_mul(self.size).ok_or(NoData::Fault);
        Ok(DiskSpace { used: bytes(used)?, available: bytes(self.available)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDINARY: Blocks = Blocks { size: 4096, total: 100, free: 40, available: 35 };

    #[test]
    fn reserved_blocks_are_neither_used_nor_available() {
        let space = DiskSpace { used: 60 * 4096, available: 35 * 4096 };
        assert_eq!(ORDINARY.space(), Ok(space));
        let full = Blocks { free: 0, available: 0, ..ORDINARY };
        assert_eq!(full.space(), Ok(DiskSpace { used: 100 * 4096, available: 0 }));
    }

    #[test]
    fn what_can_not_be_true_is_a_fault_and_no_blocks_are_no_value() {
        assert_eq!(Blocks { total: 0, ..ORDINARY }.space(), Err(NoData::Absent));
        for blocks in [
            Blocks { size: 0, ..ORDINARY },
            Blocks { free: 101, ..ORDINARY },
            Blocks { available: 101, ..ORDINARY },
            Blocks { available: u64::MAX, ..ORDINARY },
            Blocks { size: u64::MAX, ..ORDINARY },
        ] {
            assert_eq!(blocks.space(), Err(NoData::Fault), "{blocks:?}");
        }
    }

    #[test]
    fn the_root_has_space_and_a_missing_folder_is_absent() {
        let space = Space::new(Path::new("/")).read().unwrap();
        assert!(space.used > 0);
        assert_eq!(Space::new(Path::new("/nonexistent")).read(), Err(NoData::Absent));
    }
}
