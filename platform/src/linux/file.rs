//! A file of procfs or sysfs: opened once, read from its beginning again and again.
//!
//! Reading at offset 0 makes the kernel write the text anew, so a kept descriptor is as fresh as a
//! new one and costs one system call. What can't be read says why; a file that is missing, was
//! replaced or was unlinked is found out within [`CHECK_READS`] reads, so no value freezes. Nothing
//! here allocates after [`File::new`], and nothing but a regular file is ever read: a FIFO or a
//! device in its place could block for ever.
//!
//! It does not promise one instant for a text longer than a page: the kernel writes such texts
//! record by record.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use kymo_protocol::{NoData, Reading};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, stat};
use nix::sys::uio::pread;

/// After so many reads the path is asked whether it still names the open file.
const CHECK_READS: u8 = 32;
/// After so many reads a file that could not be opened is tried again.
const RETRY_READS: u8 = 8;
/// No text that is read line by line is longer; 1,024 disks with 15 partitions each need 1.3 MB.
const LINES_BYTES_MAX: libc::off_t = 4 << 20;

/// A file that is known by its path.
#[derive(Debug)]
pub(crate) struct File {
    path: CString,
    open: Reading<Open>,
    /// Reads until the path is looked at again.
    patience: u8,
    /// Whether an empty text says that there is nothing to tell of.
    may_be_empty: bool,
}

/// Device and inode.
type Identity = (libc::dev_t, libc::ino_t);

#[derive(Debug)]
struct Open {
    fd: OwnedFd,
    identity: Identity,
}

impl File {
    /// Opens `root`/`name`. A failure is kept as the state of the file.
    pub(crate) fn new(root: &Path, name: &str) -> Self {
        let path = c_path(&root.join(name));
        let open = Open::new(&path);
        Self { path, open, patience: CHECK_READS, may_be_empty: false }
    }

    /// A file whose lines the kernel writes for devices alone: without one it is empty.
    pub(crate) fn of_devices(root: &Path, name: &str) -> Self {
        Self { may_be_empty: true, ..Self::new(root, name) }
    }

    /// The whole text; one that fills `buffer` may be cut and is a fault.
    pub(crate) fn read_whole<'b>(&mut self, buffer: &'b mut [u8]) -> Reading<&'b [u8]> {
        let size = buffer.len();
        let text = self.read(buffer)?;
        if text.len() == size { Err(NoData::Fault) } else { Ok(text) }
    }

    /// As many whole lines from the beginning as `buffer` holds.
    pub(crate) fn read_start<'b>(&mut self, buffer: &'b mut [u8]) -> Reading<&'b [u8]> {
        let size = buffer.len();
        let text = self.read(buffer)?;
        if text.len() < size {
            return Ok(text);
        }
        let end = text.iter().rposition(|byte| *byte == b'\n').ok_or(NoData::Fault)?;
        text.get(..=end).ok_or(NoData::Fault)
    }

    /// Hands every line to `line`, whatever the length of the text; a line fits into `buffer`.
    pub(crate) fn read_lines(
        &mut self,
        buffer: &mut [u8],
        line: &mut dyn FnMut(&[u8]),
    ) -> Reading<()> {
        self.read_lines_while(buffer, &mut |text| {
            line(text);
            true
        })
    }

    /// As [`File::read_lines`], and stops after a line of which `line` says false.
    pub(crate) fn read_lines_while(
        &mut self,
        buffer: &mut [u8],
        line: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Reading<()> {
        let fd = self.ready()?;
        let result = match stream_lines(fd, buffer, line) {
            Err(Errno::ENODATA) if self.may_be_empty => Ok(()),
            result => result,
        };
        self.doubt(result)
    }

    /// Whether the kernel has told of a change since this was last asked. It tells of the table of
    /// mounts.
    pub(crate) fn has_event(&self) -> bool {
        let Ok(open) = &self.open else { return false };
        let mut asked = [PollFd::new(open.fd.as_fd(), PollFlags::POLLPRI)];
        let told = PollFlags::POLLPRI | PollFlags::POLLERR;
        poll(&mut asked, PollTimeout::ZERO).is_ok_and(|count| count > 0)
            && asked.iter().any(|fd| fd.revents().is_some_and(|events| events.intersects(told)))
    }

    fn read<'b>(&mut self, buffer: &'b mut [u8]) -> Reading<&'b [u8]> {
        let fd = self.ready()?;
        let result = read_at(fd, buffer, 0);
        let size = self.doubt(result)?;
        // No file of these is ever empty, so nothing was said, and that is not the number 0.
        buffer.get(..size).filter(|text| !text.is_empty()).ok_or(NoData::Fault)
    }

    /// The open file, after a look at its path when that is due.
    fn ready(&mut self) -> Reading<BorrowedFd<'_>> {
        self.patience = self.patience.saturating_sub(1);
        if self.patience == 0 {
            self.patience = CHECK_READS;
            if !self.open.as_ref().is_ok_and(|open| open.is_at(&self.path)) {
                self.open = Open::new(&self.path);
            }
            if self.open.is_err() {
                self.patience = RETRY_READS;
            }
        }
        match &self.open {
            Ok(open) => Ok(open.fd.as_fd()),
            Err(reason) => Err(*reason),
        }
    }

    /// A failed read has the path looked at before the next one: the file may be another by now.
    fn doubt<T>(&mut self, result: Result<T, Errno>) -> Reading<T> {
        result.map_err(|errno| {
            self.patience = 0;
            reason(errno)
        })
    }
}

impl Open {
    fn new(path: &CStr) -> Reading<Self> {
        let fd = open_regular(AT_FDCWD, path).map_err(reason)?;
        let found = fstat(&fd).map_err(reason)?;
        Ok(Self { fd, identity: identity(&found) })
    }

    /// Whether `path` still names this file.
    fn is_at(&self, path: &CStr) -> bool {
        stat(path).is_ok_and(|found| identity(&found) == self.identity)
    }
}

/// Opens `name` in `directory`, hands lines to `line` as [`File::read_lines_while`] does, and
/// closes it: for files that are seldom read, or whose directory may be another next time.
pub(crate) fn read_lines_of(
    directory: BorrowedFd<'_>,
    name: &CStr,
    buffer: &mut [u8],
    line: &mut dyn FnMut(&[u8]) -> bool,
) -> Reading<()> {
    let fd = open_regular(directory, name).map_err(reason)?;
    match stream_lines(fd.as_fd(), buffer, line) {
        // Without devices or controllers, such files are empty.
        Err(Errno::ENODATA) => Ok(()),
        result => result.map_err(reason),
    }
}

/// Why there is no value, from what the kernel answered.
pub(crate) fn reason(errno: Errno) -> NoData {
    match errno {
        Errno::ENOENT | Errno::ENODEV | Errno::ENXIO | Errno::ENOTDIR => NoData::Absent,
        // What the kernel was told not to do, such as counting pressure.
        Errno::EOPNOTSUPP => NoData::Absent,
        Errno::EACCES | Errno::EPERM => NoData::Denied,
        _ => NoData::Fault,
    }
}

/// A path as the kernel takes it. One with a NUL names no file, and neither does an empty one.
pub(crate) fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}

/// Opens `name` in `directory` if it is a regular file, which all of procfs and sysfs are.
pub(crate) fn open_regular(directory: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    // O_NONBLOCK: the open of a FIFO without a writer returns at once, and is then refused.
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    // A socket can't be opened at all, which is said as if a device were missing.
    let refused = |errno| if errno == Errno::ENXIO { Errno::EINVAL } else { errno };
    let fd = openat(directory, name, flags, Mode::empty()).map_err(refused)?;
    let kind = SFlag::from_bits_truncate(fstat(&fd)?.st_mode) & SFlag::S_IFMT;
    if kind == SFlag::S_IFREG { Ok(fd) } else { Err(Errno::EINVAL) }
}

/// Opens the directory `name` in `directory`, for its entries and what lies below.
pub(crate) fn open_directory(directory: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_DIRECTORY;
    openat(directory, name, flags, Mode::empty())
}

/// Reads once at `offset`; an interrupted read is tried again.
pub(crate) fn read_at(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    offset: libc::off_t,
) -> Result<usize, Errno> {
    loop {
        match pread(fd, buffer, offset) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// Reads to the end, in as many pieces as it takes: a short read is not the end here, because the
/// kernel hands out such texts a page at a time.
fn stream_lines(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    line: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), Errno> {
    let (mut kept, mut offset) = (0, 0);
    loop {
        let free = buffer.get_mut(kept..).unwrap_or_default();
        if free.is_empty() || offset > LINES_BYTES_MAX {
            return Err(Errno::EFBIG);
        }
        let size = read_at(fd, free, offset)?;
        if size == 0 {
            break;
        }
        offset = offset.saturating_add(libc::off_t::try_from(size).unwrap_or(libc::off_t::MAX));
        let filled = kept.saturating_add(size);
        let text = buffer.get(..filled).unwrap_or_default();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if let Some(lines) = text.get(..whole).and_then(|lines| lines.strip_suffix(b"\n"))
            && !lines.split(|byte| *byte == b'\n').all(&mut *line)
        {
            return Ok(());
        }
        buffer.copy_within(whole..filled, 0);
        kept = filled.saturating_sub(whole);
    }
    if offset == 0 {
        return Err(Errno::ENODATA);
    }
    if kept > 0 {
        line(buffer.get(..kept).unwrap_or_default());
    }
    Ok(())
}

fn identity(found: &FileStat) -> Identity {
    (found.st_dev, found.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart() {
        for absent in
            [Errno::ENOENT, Errno::ENODEV, Errno::ENXIO, Errno::ENOTDIR, Errno::EOPNOTSUPP]
        {
            assert_eq!(reason(absent), NoData::Absent);
        }
        for denied in [Errno::EACCES, Errno::EPERM] {
            assert_eq!(reason(denied), NoData::Denied);
        }
        for fault in [Errno::EIO, Errno::ENODATA, Errno::EISDIR, Errno::EAGAIN, Errno::ELOOP] {
            assert_eq!(reason(fault), NoData::Fault);
        }
    }

    #[test]
    fn only_regular_files_are_opened() {
        assert!(open_regular(AT_FDCWD, c"/proc/stat").is_ok());
        for other in [c"/dev/zero", c"/dev/null", c"/proc"] {
            assert_eq!(open_regular(AT_FDCWD, other).err(), Some(Errno::EINVAL));
        }
        assert_eq!(open_regular(AT_FDCWD, c"").err(), Some(Errno::ENOENT));
    }

    #[test]
    fn a_line_or_a_text_without_end_is_a_fault() {
        let mut file = File::new(Path::new("/proc"), "self/maps");
        assert_eq!(file.read_lines(&mut [0; 8], &mut |_| {}), Err(NoData::Fault));
        assert_eq!(file.read_start(&mut [0; 8]), Err(NoData::Fault));
        assert_eq!(file.read_whole(&mut [0; 8]), Err(NoData::Fault));
        assert_eq!(file.read_whole(&mut []), Err(NoData::Fault));
    }

    #[test]
    fn a_text_of_many_pages_is_read_to_its_end_through_any_buffer() {
        // The kernel hands both out record by record, at most a page a read. Numbers change.
        for name in ["crypto", "self/smaps"] {
            let Ok(text) = std::fs::read(Path::new("/proc").join(name)) else { continue };
            let key = |line: &[u8]| line.split(|byte| *byte == b':').next().map(<[u8]>::len);
            let expected: Vec<_> = crate::linux::text::lines(&text).map(key).collect();
            assert!(text.len() > 5_000, "{name}");
            let mut file = File::new(Path::new("/proc"), name);
            for size in [256, 16_384] {
                let mut found = Vec::new();
                let read = file.read_lines(&mut vec![0; size], &mut |line| found.push(key(line)));
                assert_eq!(read, Ok(()));
                if name == "crypto" {
                    assert!(found == expected, "{name} through {size} bytes");
                }
                assert!(found.len() > 100);
            }
        }
    }
}
