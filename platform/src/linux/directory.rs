//! The entries of an open directory, without allocating.
//!
//! The order is the file system's. Entries that come or go while they are listed may be missed.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

use super::sys::{EntryBuffer, getdents64};

/// Before the name: inode, offset, record size and type.
const HEAD_SIZE: usize = 19;
/// Far more calls than 2²² processes need; a directory that never ends is given up.
const CALLS_MAX: u32 = 1 << 16;

/// One name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'b> {
    pub(crate) name: &'b [u8],
    kind: u8,
}

impl Entry<'_> {
    /// Whether it may be a directory; not every file system says.
    pub(crate) fn may_be_directory(&self) -> bool {
        matches!(self.kind, libc::DT_DIR | libc::DT_UNKNOWN)
    }
}

/// Hands every entry of `directory` to `entry`, from the first.
pub(crate) fn for_each_entry(
    directory: BorrowedFd<'_>,
    buffer: &mut EntryBuffer,
    entry: &mut dyn FnMut(Entry<'_>),
) -> Result<(), Errno> {
    lseek(directory, 0, Whence::SeekSet)?;
    for _ in 0..CALLS_MAX {
        let bytes = match getdents64(directory, buffer) {
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        if bytes.is_empty() {
            return Ok(());
        }
        Entries(bytes).for_each(&mut *entry);
    }
    Err(Errno::EFBIG)
}

/// A directory that is listed bit by bit, with pauses.
#[derive(Clone)]
pub(crate) struct Listing {
    buffer: Box<EntryBuffer>,
    /// What is left in the buffer.
    rest: std::ops::Range<usize>,
}

impl Listing {
    pub(crate) fn new() -> Self {
        Self { buffer: Box::new(EntryBuffer::new()), rest: 0..0 }
    }

    /// Begins anew.
    pub(crate) fn restart(&mut self, directory: BorrowedFd<'_>) -> Result<(), Errno> {
        self.rest = 0..0;
        lseek(directory, 0, Whence::SeekSet).map(drop)
    }

    /// The next entry; `None` is the end.
    pub(crate) fn next(&mut self, directory: BorrowedFd<'_>) -> Result<Option<Entry<'_>>, Errno> {
        while self.rest.is_empty() {
            match getdents64(directory, &mut self.buffer) {
                Err(Errno::EINTR) => {}
                Ok([]) => return Ok(None),
                result => self.rest = 0..result?.len(),
            }
        }
        let mut entries = Entries(self.buffer.0.get(self.rest.clone()).unwrap_or_default());
        let entry = entries.next();
        // What is no entry ends the list, as ever.
        let left = if entry.is_some() { entries.0.len() } else { 0 };
        self.rest.start = self.rest.end.saturating_sub(left);
        Ok(entry)
    }
}

/// The entries in what getdents64 wrote; anything else ends the list.
struct Entries<'b>(&'b [u8]);

impl<'b> Iterator for Entries<'b> {
    type Item = Entry<'b>;

    fn next(&mut self) -> Option<Self::Item> {
        let size = u16::from_ne_bytes(self.0.get(16..18)?.try_into().ok()?);
        let (record, rest) = self.0.split_at_checked(usize::from(size))?;
        let name = record.get(HEAD_SIZE..)?;
        let kind = *record.get(HEAD_SIZE - 1)?;
        let end = name.iter().position(|byte| *byte == 0)?;
        self.0 = rest;
        Some(Entry { name: name.get(..end)?, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::os::fd::AsFd;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn the_entries_are_those_that_std_finds_each_time() {
        // More than one buffer holds.
        let path = "/proc/self/../sys/kernel";
        let directory = std::fs::File::open(path).unwrap();
        let expected: BTreeSet<Vec<u8>> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().as_bytes().to_vec())
            .chain([b".".to_vec(), b"..".to_vec()])
            .collect();
        assert!(expected.len() > 100, "{}", expected.len());
        for _ in 0..2 {
            let mut found = BTreeSet::new();
            let mut add = |entry: Entry<'_>| {
                assert!(found.insert(entry.name.to_vec()));
                assert_eq!(
                    entry.may_be_directory(),
                    !entry.name.is_empty() && {
                        let path = std::path::Path::new(path);
                        path.join(std::ffi::OsStr::from_bytes(entry.name)).is_dir()
                    }
                );
            };
            for_each_entry(directory.as_fd(), &mut EntryBuffer::new(), &mut add).unwrap();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_listing_goes_on_where_it_paused() {
        let directory = std::fs::File::open("/proc/sys/kernel").unwrap();
        let mut expected = Vec::new();
        let mut add = |entry: Entry<'_>| expected.push(entry.name.to_vec());
        for_each_entry(directory.as_fd(), &mut EntryBuffer::new(), &mut add).unwrap();
        let mut listing = Listing::new();
        for _ in 0..2 {
            listing.restart(directory.as_fd()).unwrap();
            let mut found = Vec::new();
            while let Some(entry) = listing.next(directory.as_fd()).unwrap() {
                found.push(entry.name.to_vec());
            }
            assert_eq!(found, expected);
        }
        // Half of it, and from the beginning again.
        for _ in 0..2 {
            listing.restart(directory.as_fd()).unwrap();
            for name in &expected[..expected.len() / 2] {
                assert_eq!(listing.next(directory.as_fd()).unwrap().unwrap().name, name);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>) {
            prop_assert!(Entries(&bytes).count() <= bytes.len());
        }
    }
}
