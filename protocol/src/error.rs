//! What was wrong with a client's bytes, before the server closes that connection.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u16 | code | see [`ErrorCode`] |
//! | 2 | u16 | text_len | bytes of text that count, at most 120 |
//! | 4 | u32 | reserved | 0 |
//! | 8 | u8 × 120 | text | one sentence in UTF-8, the rest 0 |
//!
//! 128 bytes. The code is for programs, the text for people.

use zerocopy::little_endian::{U16, U32};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::FrameKind;
use crate::limits::ERROR_TEXT_MAX;
use crate::payload::Payload;
use crate::text::prefix;

/// The payload of an error frame.
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct ErrorReport {
    code: U16,
    text_len: U16,
    reserved: U32,
    text: [u8; ERROR_TEXT_MAX],
}

const _: () = assert!(size_of::<ErrorReport>() == 128);

impl Payload for ErrorReport {
    const KIND: FrameKind = FrameKind::Error;
}

impl ErrorReport {
    /// Fills in a code and a text, cut at a character boundary when it is too long.
    pub fn set(&mut self, code: ErrorCode, text: &str) {
        let text = prefix(text, ERROR_TEXT_MAX);
        self.code.set(code as u16);
        self.text_len.set(u16::try_from(text.len()).unwrap_or(0));
        self.text.fill(0);
        self.text[..text.len()].copy_from_slice(text.as_bytes());
    }

    /// What kind of mistake it was; `None` for a code of a later server.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        ErrorCode::from_number(self.code.get())
    }

    /// The sentence.
    #[must_use]
    pub fn text(&self) -> &str {
        let text = self.text.get(..usize::from(self.text_len.get())).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let len = usize::from(self.text_len.get());
        let text = self.text.get(..len).ok_or(FrameError::Value)?;
        if self.reserved.get() != 0 || self.text[len..].iter().any(|byte| *byte != 0) {
            return Err(FrameError::Reserved);
        }
        core::str::from_utf8(text).map_err(|_| FrameError::Value)?;
        Ok(())
    }
}

/// Kinds of mistakes a client can make, or be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum ErrorCode {
    /// The bytes are not a frame of this protocol.
    Frame = 1,
    /// No common version.
    Version = 2,
    /// A frame or line longer than allowed.
    TooLong = 3,
    /// A frame that a client may not send, or not now.
    Unexpected = 4,
    /// A line that is not a JSON object of the expected form.
    Json = 5,
    /// A stream this server does not serve.
    NoStream = 6,
    /// All places are taken.
    Full = 7,
    /// This user may not.
    Denied = 8,
    /// There is no journal, so nothing can be durable.
    NoJournal = 9,
    /// The journal is on a file system that no power loss spares.
    NotSynced = 10,
    /// The journal can't be written now.
    JournalFailed = 11,
    /// The key's number is so old that nobody remembers whether it was used.
    KeyExpired = 12,
    /// More than this user may have.
    Quota = 13,
    /// The settings can't be used.
    Config = 14,
    /// The application refused.
    Refused = 15,
    /// There is no such recorder, or it can't write.
    Recorder = 16,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 16] = [
        Self::Frame,
        Self::Version,
        Self::TooLong,
        Self::Unexpected,
        Self::Json,
        Self::NoStream,
        Self::Full,
        Self::Denied,
        Self::NoJournal,
        Self::NotSynced,
        Self::JournalFailed,
        Self::KeyExpired,
        Self::Quota,
        Self::Config,
        Self::Refused,
        Self::Recorder,
    ];

    /// The code with this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| *code as u16 == number)
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Version => "version",
            Self::TooLong => "too_long",
            Self::Unexpected => "unexpected",
            Self::Json => "json",
            Self::NoStream => "no_stream",
            Self::Full => "full",
            Self::Denied => "denied",
            Self::NoJournal => "no_journal",
            Self::NotSynced => "not_synced",
            Self::JournalFailed => "journal_failed",
            Self::KeyExpired => "key_expired",
            Self::Quota => "quota",
            Self::Config => "config",
            Self::Refused => "refused",
            Self::Recorder => "recorder",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};
    use crate::limits::HEADER_SIZE;
    use crate::payload::{Position, Stamp, emit};

    fn report(code: ErrorCode, text: &str) -> [u8; ErrorReport::FRAME_SIZE] {
        let mut bytes = [0; ErrorReport::FRAME_SIZE];
        let stamp = Stamp { boot_ns: 0 };
        emit::<ErrorReport>(&mut bytes, Position::NONE, stamp).unwrap().0.set(code, text);
        bytes
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let bytes = report(ErrorCode::Json, "no");
        assert_eq!(bytes.len(), 160);
        assert_eq!(&bytes[8..16], [128, 0, 0, 0, 8, 0, 0, 0]);
        assert_eq!(&bytes[HEADER_SIZE..][..12], b"\x05\0\x02\0\0\0\0\0no\0\0");
        let Body::Error(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!((read.code(), read.text()), (Some(ErrorCode::Json), "no"));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let mut long = heapless::String::<200>::new();
        for _ in 0..60 {
            long.push('€').unwrap();
        }
        let bytes = report(ErrorCode::Frame, &long);
        let Body::Error(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!(read.text(), &long[..ERROR_TEXT_MAX]);
        long.insert(0, 'x').unwrap();
        let bytes = report(ErrorCode::Frame, &long);
        let Body::Error(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!(read.text(), &long[..118]);
    }

    #[test]
    fn codes_of_later_servers_pass_and_damage_does_not() {
        let mut bytes = report(ErrorCode::Json, "no");
        bytes[HEADER_SIZE + 1] = 1;
        let Body::Error(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!(read.code(), None);
        let cases = [
            (2, 121, FrameError::Value),
            (2, 1, FrameError::Reserved),
            (4, 1, FrameError::Reserved),
            (8, 0xFF, FrameError::Value),
            (127, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = report(ErrorCode::Json, "no");
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset}");
        }
    }

    #[test]
    fn codes_have_their_numbers() {
        for (code, number) in ErrorCode::ALL.into_iter().zip(1..) {
            assert_eq!((code as u16, ErrorCode::from_number(number)), (number, Some(code)));
        }
        assert_eq!(ErrorCode::from_number(0), None);
    }
}
