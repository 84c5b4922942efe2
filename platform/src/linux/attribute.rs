//! One attribute of a device in sysfs: an open file that holds one word.
//!
//! An attribute does not come back: when its device is gone it says so, and is looked for anew.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kymo_protocol::{NoData, Reading};
use nix::errno::Errno;

use super::file::{open_regular, read_at, reason};
use super::name::Name;
use super::text::{attribute, signed};

/// A word is at most so long; a longer text is not one of ours.
pub(crate) const WORD_SIZE_MAX: usize = 64;

/// A word, without its line end.
pub(crate) type Word = heapless::Vec<u8, WORD_SIZE_MAX>;

/// An open attribute.
#[derive(Debug)]
pub(crate) struct Attribute(OwnedFd);

impl Attribute {
    pub(crate) fn open(directory: BorrowedFd<'_>, name: &Name) -> Reading<Self> {
        let name = name.as_c_str().ok_or(NoData::Absent)?;
        open_regular(directory, name).map(Self).map_err(reason)
    }

    /// The word it holds now. `gone` becomes true when the device has left.
    pub(crate) fn word(&self, gone: &mut bool) -> Reading<Word> {
        let mut buffer = [0; WORD_SIZE_MAX];
        let size = read_at(self.0.as_fd(), &mut buffer, 0).map_err(|errno| {
            *gone |= matches!(errno, Errno::ENODEV | Errno::ENOENT | Errno::ENXIO);
            reason(errno)
        })?;
        let text = buffer.get(..size).filter(|text| text.len() < WORD_SIZE_MAX);
        let word = attribute(text.ok_or(NoData::Fault)?);
        if word.is_empty() {
            return Err(NoData::Fault);
        }
        Word::from_slice(word).map_err(|_| NoData::Fault)
    }

    /// The whole number it holds now.
    pub(crate) fn number(&self, gone: &mut bool) -> Reading<i64> {
        signed(&self.word(gone)?).ok_or(NoData::Fault)
    }
}

/// The word of an attribute that is read once, while devices are looked for.
pub(crate) fn read_word(directory: BorrowedFd<'_>, name: &Name) -> Reading<Word> {
    Attribute::open(directory, name)?.word(&mut false)
}
