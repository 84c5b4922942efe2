//! One record, checked once: [`Recorded::parse`] is the only call that fails on input.

use crc::{CRC_32_ISO_HDLC, Crc};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
use zerocopy_derive::*;

use super::content::{End, Fresh, IndexEntry, Lost, Missed, Start};
use super::{RECORD_HEAD_SIZE, RECORD_MAX};
use crate::frame::Frame;
use crate::frame_error::FrameError;
use crate::limits::{FRAME_ALIGN, FRAME_MAX};

/// One byte at a time: the table is 1 KB, and a frame of vitals takes 1 µs.
static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// What every head begins with.
pub(super) const MARK: [u8; 4] = *b"KYRC";

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
#[allow(missing_docs)] // the module's table says all there is
pub enum RecordKind {
    Start = 1,
    Frame = 2,
    Lost = 3,
    Missed = 4,
    Fresh = 5,
    Index = 6,
    End = 7,
}

/// Which record of which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordId {
    /// Of the file.
    pub file: u64,
    /// From 0.
    pub number: u64,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// They end before its head does.
    Short,
    /// No head stands here.
    Head,
    /// The head is good, and they end before this many bytes.
    Cut(usize),
    /// The head is good, the content is damaged; the record has this many bytes.
    Content(usize),
}

/// A checked record, borrowed from the bytes it was parsed from.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// Which one it is.
    pub id: RecordId,
    /// What it holds.
    pub content: Content<'a>,
    /// Bytes of it, the head included.
    pub size: usize,
}

/// A content by its kind.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Content<'a> {
    /// The first record.
    Start(&'a Start),
    /// A frame, and its bytes.
    Frame(Frame<'a>, &'a [u8]),
    /// The connection ended here.
    Lost(&'a Lost),
    /// Frames that are lost.
    Missed(&'a Missed),
    /// Another history of events follows.
    Fresh(&'a Fresh),
    /// A part of the index.
    Index(&'a [IndexEntry]),
    /// The last record.
    End(&'a End),
    /// A kind this crate does not know: skip it.
    Unknown(&'a [u8]),
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Head {
    mark: [u8; 4],
    head_crc: U32,
    content_crc: U32,
    words: U16,
    kind: U16,
    number: U64,
    file: U64,
}

const _: () = assert!(size_of::<Head>() == RECORD_HEAD_SIZE);

impl Head {
    fn parse(bytes: &[u8]) -> Result<(&Self, &[u8]), RecordError> {
        let (head, rest) = Self::ref_from_prefix(bytes).map_err(|_| RecordError::Short)?;
        let is_good = head.mark == MARK && head.head_crc.get() == head.crc();
        if is_good && head.content_size() <= FRAME_MAX {
            Ok((head, rest))
        } else {
            Err(RecordError::Head)
        }
    }

    const fn content_size(&self) -> usize {
        self.words.get() as usize * FRAME_ALIGN
    }

    const fn id(&self) -> RecordId {
        RecordId { file: self.file.get(), number: self.number.get() }
    }

    fn crc(&self) -> u32 {
        CRC.checksum(self.as_bytes().get(8..).unwrap_or_default())
    }
}

impl<'a> Recorded<'a> {
    /// Checks that `bytes` begin with a record and returns a view of it.
    ///
    /// # Errors
    ///
    /// A [`RecordError`] that says how far it is good.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let (head, rest) = Head::parse(bytes)?;
        let content_size = head.content_size();
        let size = RECORD_HEAD_SIZE + content_size;
        let content = rest.get(..content_size).ok_or(RecordError::Cut(size))?;
        if head.content_crc.get() != CRC.checksum(content) {
            return Err(RecordError::Content(size));
        }
        let id = head.id();
        let content = Content::parse(head.kind.get(), content).ok_or(RecordError::Content(size))?;
        Ok(Self { id, content, size })
    }
}

/// Which record the head at the front of `bytes` is of, whatever became of its content.
pub(super) fn id(bytes: &[u8]) -> Result<RecordId, RecordError> {
    Head::parse(bytes).map(|(head, _)| head.id())
}

impl<'a> Content<'a> {
    fn parse(kind: u16, bytes: &'a [u8]) -> Option<Self> {
        Some(match kind {
            1 => Self::Start(view(bytes, Start::is_good)?),
            2 => Self::Frame(Frame::parse(bytes).ok()?, bytes),
            3 => Self::Lost(view(bytes, Lost::is_good)?),
            4 => Self::Missed(view(bytes, Missed::is_good)?),
            5 => Self::Fresh(view(bytes, |_| true)?),
            6 => Self::Index(<[IndexEntry]>::ref_from_bytes(bytes).ok()?),
            7 => Self::End(view(bytes, End::is_good)?),
            _ => Self::Unknown(bytes),
        })
    }
}

fn view<T>(bytes: &[u8], is_good: fn(&T) -> bool) -> Option<&T>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    T::ref_from_bytes(bytes).ok().filter(|content| is_good(content))
}

/// Writes a record to the front of `buffer`, and returns its size.
///
/// # Errors
///
/// [`FrameError::Length`] for a content that no record can have, [`FrameError::Short`] when there
/// is no room for it; [`RECORD_MAX`] is always enough.
pub fn emit(
    buffer: &mut [u8],
    id: RecordId,
    kind: RecordKind,
    content: &[u8],
) -> Result<usize, FrameError> {
    let words = u16::try_from(content.len() / FRAME_ALIGN).map_err(|_| FrameError::Length)?;
    let size = RECORD_HEAD_SIZE + content.len();
    if !content.len().is_multiple_of(FRAME_ALIGN) || size > RECORD_MAX {
        return Err(FrameError::Length);
    }
    let room = buffer.get_mut(..size).ok_or(FrameError::Short)?;
    let mut head = Head {
        mark: MARK,
        head_crc: 0.into(),
        content_crc: CRC.checksum(content).into(),
        words: words.into(),
        kind: (kind as u16).into(),
        number: id.number.into(),
        file: id.file.into(),
    };
    head.head_crc.set(head.crc());
    let (front, rest) = room.split_at_mut(RECORD_HEAD_SIZE);
    front.copy_from_slice(head.as_bytes());
    rest.copy_from_slice(content);
    Ok(size)
}
