//! Finds records in a file that may be damaged, in pieces of any size.

use super::record::{MARK, RecordError, RecordId, Recorded, id};

/// Bytes that are no record, or records that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins, in bytes from the file's beginning.
    pub offset: u64,
    /// How many bytes; 0 where records are missing and nothing stands in their place.
    pub bytes: u64,
    /// How many records were there. `None` where nothing tells: at the end of a file, and where a
    /// scan began in the middle of one.
    pub records: Option<u64>,
}

/// What a [`Scanner`] has found.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// The next record.
    Record(Recorded<'a>),
    /// Something is lost in front of the next record, or of the file's end.
    Damage(Damage),
    /// More bytes are needed.
    More,
    /// The file's end.
    End,
}

/// Finds records one after the other.
///
/// Guarantees: every record comes that is whole, in the order of their numbers and none twice;
/// what lies between is told, each byte once; the same comes out however the bytes are cut. It
/// takes time in proportion to the bytes.
///
/// ```
/// use kymo_protocol::recording::{RecordId, RecordKind, Scanner, Step, emit};
///
/// let mut file = [0; 64];
/// let id = RecordId { file: 9, number: 0 };
/// let size = emit(&mut file, id, RecordKind::Fresh, &[7; 24])?;
/// let mut scanner = Scanner::default();
/// let (taken, step) = scanner.step(&file[..size], true);
/// assert!(matches!(step, Step::Record(record) if record.size == taken));
/// assert!(matches!(scanner.step(&file[taken..size], true), (0, Step::End)));
/// # Ok::<(), kymo_protocol::FrameError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Scanner {
    /// Number of the next record, where it is known.
    expected: Option<u64>,
    /// The identity of the file, once a record has told it.
    file: Option<u64>,
    /// Bytes that were looked at.
    offset: u64,
    /// Of them, those behind the last record that are none.
    damaged: u64,
}

impl Default for Scanner {
    /// One for a file from its beginning.
    fn default() -> Self {
        Self { expected: Some(0), file: None, offset: 0, damaged: 0 }
    }
}

impl Scanner {
    /// One that goes on at `offset`, with whatever record is there.
    #[must_use]
    pub const fn at(offset: u64) -> Self {
        Self { expected: None, file: None, offset, damaged: 0 }
    }

    /// Where the next byte that it is given lies.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Looks at `window`, which begins where the last step ended, and is followed by nothing if
    /// it `is_last`. Returns how many of its bytes are done with. Where more are needed, a window
    /// of [`RECORD_MAX`](super::RECORD_MAX) bytes is always enough.
    pub fn step<'a>(&mut self, window: &'a [u8], is_last: bool) -> (usize, Step<'a>) {
        let mut at = 0;
        loop {
            let rest = &window[at..];
            let parsed = match id(rest) {
                // One of before, or of another file: what it says of its size means nothing here.
                Ok(id) if !self.expects(id) => Err(RecordError::Head),
                Ok(_) => Recorded::parse(rest),
                Err(error) => Err(error),
            };
            at += match parsed {
                Ok(record) => return self.found(record, at),
                Err(RecordError::Content(size)) => size,
                Err(RecordError::Cut(_) | RecordError::Short) if !is_last => {
                    return (self.pass(at), Step::More);
                }
                Err(RecordError::Cut(_)) => rest.len(),
                Err(RecordError::Short) if rest.is_empty() => break,
                Err(RecordError::Short | RecordError::Head) => next_mark(rest),
            };
        }
        self.pass(at);
        if self.damaged == 0 {
            return (at, Step::End);
        }
        (at, Step::Damage(self.damage(None)))
    }

    fn expects(&self, id: RecordId) -> bool {
        let is_next = self.expected.is_none_or(|expected| id.number >= expected);
        is_next && self.file.is_none_or(|file| id.file == file)
    }

    fn found<'a>(&mut self, record: Recorded<'a>, at: usize) -> (usize, Step<'a>) {
        self.pass(at);
        let RecordId { file, number } = record.id;
        self.file = Some(file);
        let records = self.expected.map(|expected| number - expected);
        if self.damaged > 0 || records.is_some_and(|records| records > 0) {
            self.expected = Some(number);
            return (at, Step::Damage(self.damage(records)));
        }
        self.expected = Some(number.saturating_add(1));
        self.offset += record.size as u64;
        (record.size, Step::Record(record))
    }

    /// So many bytes are no record.
    const fn pass(&mut self, count: usize) -> usize {
        self.offset += count as u64;
        self.damaged += count as u64;
        count
    }

    fn damage(&mut self, records: Option<u64>) -> Damage {
        let bytes = core::mem::take(&mut self.damaged);
        Damage { offset: self.offset - bytes, bytes, records }
    }
}

/// How far the next place is, behind the first byte, at which a head may begin.
fn next_mark(bytes: &[u8]) -> usize {
    let begins = |rest: &[u8]| rest.iter().zip(MARK).all(|(byte, mark)| *byte == mark);
    let places = 1..bytes.len();
    places.into_iter().find(|place| begins(&bytes[*place..])).unwrap_or(bytes.len())
}
