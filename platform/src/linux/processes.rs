//! The number of processes: the folders of procfs whose name is a number.
//!
//! Threads have none there. Where procfs hides other users' processes (`hidepid`), those it shows
//! are counted. It costs time for every process that exists.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use kymo_protocol::{NoData, Reading};
use nix::fcntl::AT_FDCWD;

use super::directory::for_each_entry;
use super::file::{c_path, open_directory, reason};
use super::sys::EntryBuffer;

/// The root of a procfs.
#[derive(Debug)]
pub(crate) struct Processes {
    path: CString,
    fd: Reading<OwnedFd>,
}

impl Processes {
    pub(crate) fn new(proc_root: &Path) -> Self {
        let path = c_path(proc_root);
        let fd = open_directory(AT_FDCWD, &path).map_err(reason);
        Self { path, fd }
    }

    /// Counts. None at all can't be: we are one ourselves.
    pub(crate) fn count(&mut self, buffer: &mut EntryBuffer) -> Reading<u32> {
        if self.fd.is_err() {
            self.fd = open_directory(AT_FDCWD, &self.path).map_err(reason);
        }
        let fd = self.fd.as_ref().map_err(|reason| *reason)?;
        let mut count: u32 = 0;
        let counted = for_each_entry(fd.as_fd(), buffer, &mut |entry| {
            let is_number = entry.name.iter().all(u8::is_ascii_digit);
            count = count.saturating_add(u32::from(is_number && entry.may_be_directory()));
        });
        if let Err(errno) = counted {
            // Opened again next time: the file system may have been unmounted below.
            self.fd = Err(reason(errno));
            return Err(reason(errno));
        }
        if count == 0 { Err(NoData::Fault) } else { Ok(count) }
    }
}
