//! What a journal is written on: a few segments of one size.

use std::fmt::{self, Debug};
use std::io;

/// Segments of one size that can be read, written and made durable, and that nobody else changes.
///
/// After a segment was read for the first time no call may allocate. Once `write` has returned,
/// `read` sees the bytes, in this process and in the next one of this boot; after a power failure
/// they are there only if `sync` returned as well.
pub trait Storage: Send {
    /// How many segments there are; never changes.
    fn segments(&self) -> usize;

    /// Bytes of each; never changes.
    fn segment_size(&self) -> usize;

    /// How many of them were missing among others when it was opened, and were made anew.
    fn lost(&self) -> usize {
        0
    }

    /// Reads from `offset` on and returns how many bytes could be read. Fewer than asked for means
    /// that the segment ends there, or that what follows can't be read.
    ///
    /// # Errors
    ///
    /// When not one byte can be read for another reason than the segment's end.
    fn read(&mut self, segment: usize, offset: usize, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`, which end within the segment's size. A segment that was found shorter
    /// than that is made whole first.
    ///
    /// # Errors
    ///
    /// When something is missing; then any part may have been written.
    fn write(&mut self, segment: usize, offset: usize, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything that was written to the segment survive a loss of power.
    ///
    /// # Errors
    ///
    /// When that is not certain. It won't be certain after another try either.
    fn sync(&mut self, segment: usize) -> io::Result<()>;

    /// Keeps a copy of a damaged segment as evidence, and leaves the segment as it is: what is
    /// still good in it is served from where it lies, and there is no moment in which it exists
    /// nowhere. Only called while the journal is opened.
    ///
    /// # Errors
    ///
    /// When no copy could be made.
    fn set_aside(&mut self, segment: usize) -> io::Result<()>;
}

impl Debug for dyn Storage + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Storage")
    }
}
