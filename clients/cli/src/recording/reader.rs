//! Reads the records of a file, however damaged it is.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use kymo_protocol::recording::{
    Content, Damage, END_SIZE, End, IndexEntry, RECORD_MAX, Recorded, Scanner, Step,
};

/// A read is so long.
const READ_SIZE: usize = 256 * 1024;

/// What stands next in a file.
#[derive(Debug)]
pub enum Found<'a> {
    /// A record.
    Record(Recorded<'a>),
    /// Something is lost here.
    Damage(Damage),
    /// Ask again.
    Nothing,
    /// The file's end.
    End,
}

/// The records of a file, one after the other.
#[derive(Debug)]
pub struct Reader {
    file: File,
    size: u64,
    buffer: Box<[u8]>,
    /// What of it is yet to be looked at.
    start: usize,
    end: usize,
    is_last: bool,
    scanner: Scanner,
}

impl Reader {
    /// The records of the file at `path`.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        let size = file.metadata()?.len();
        let buffer = vec![0; READ_SIZE + RECORD_MAX].into_boxed_slice();
        let scanner = Scanner::default();
        Ok(Self { file, size, buffer, start: 0, end: 0, is_last: false, scanner })
    }

    /// What stands next. At the file's end it is [`Found::End`] again and again.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn next(&mut self) -> io::Result<Found<'_>> {
        self.fill()?;
        let window = self.buffer.get(self.start..self.end).unwrap_or_default();
        let (taken, step) = self.scanner.step(window, self.is_last);
        self.start += taken;
        Ok(match step {
            Step::Record(record) => Found::Record(record),
            Step::Damage(damage) => Found::Damage(damage),
            Step::More => Found::Nothing,
            Step::End => Found::End,
        })
    }

    /// Has as much in the buffer as one record may need.
    fn fill(&mut self) -> io::Result<()> {
        if self.end - self.start >= RECORD_MAX {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while !self.is_last && self.end < RECORD_MAX {
            match self.file.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.is_last = true,
                Ok(size) => self.end += size,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Goes on at `offset`.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        (self.start, self.end, self.is_last) = (0, 0, false);
        self.scanner = if offset == 0 { Scanner::default() } else { Scanner::at(offset) };
        Ok(())
    }

    /// What the file's last record says; `None` when it was cut off. Goes on at its beginning.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn end(&mut self) -> io::Result<Option<End>> {
        let size = END_SIZE as u64;
        let Some(offset) = self.size.checked_sub(size) else { return Ok(None) };
        self.seek(offset)?;
        let end = match self.next()? {
            Found::Record(Recorded { content: Content::End(end), .. }) => Some(*end),
            _ => None,
        };
        self.seek(0)?;
        Ok(end)
    }

    /// The last entry of the index for a frame that is not behind `elapsed_ns`; `None` without a
    /// whole index. Goes on at the file's beginning.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn entry(&mut self, end: &End, elapsed_ns: u64) -> io::Result<Option<IndexEntry>> {
        let index = end.index.get();
        if index == 0 || index >= self.size {
            return Ok(None);
        }
        self.seek(index)?;
        let mut found = None;
        loop {
            match self.next()? {
                Found::Record(Recorded { content: Content::Index(entries), .. }) => {
                    let mut before = entries.iter().filter(|at| at.elapsed_ns.get() <= elapsed_ns);
                    found = before.next_back().copied().or(found);
                }
                Found::Nothing => {}
                Found::Record(Recorded { content: Content::End(_), .. }) => break,
                // What is left of a damaged one may be the wrong half.
                _ => {
                    found = None;
                    break;
                }
            }
        }
        self.seek(0)?;
        Ok(found)
    }
}
