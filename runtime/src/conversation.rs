//! What a client says, one request at a time.
//!
//! Pure: bytes in, the first whole request or mistake out. What it means for the connection is
//! [`session`](crate::session)'s business.

use kymo_protocol::json::{SubscribeRequest, parse_subscribe};
use kymo_protocol::limits::{ERROR_TEXT_MAX, HEADER_SIZE};
use kymo_protocol::{
    Body, ErrorCode, Frame, FrameError, FrameHeader, FrameKind, Groups, Hello, VERSION,
};

use crate::limits::INPUT_SIZE;
use crate::message::Message;

/// How a client talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// It has not said a byte; the first one tells.
    Undecided,
    /// Frames.
    Binary,
    /// Lines.
    Json,
    /// It has nothing to say.
    Mute,
}

/// A whole request.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // lives for a moment, and a box would be an allocation
pub enum Request {
    /// An empty line, or a frame of a kind that is skipped.
    Nothing,
    /// A binary client introduces itself.
    Hello,
    /// A client wants streams.
    Subscribe(SubscribeRequest),
}

/// Bytes that are no request: what to tell the client before it is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub text: heapless::String<ERROR_TEXT_MAX>,
}

impl Mistake {
    /// A mistake with a text that is cut when it is too long.
    pub fn new(code: ErrorCode, text: core::fmt::Arguments<'_>) -> Self {
        let mut mistake = Self { code, text: heapless::String::new() };
        // The sentence's beginning is the part that counts. A string that is full takes nothing of
        // what does not fit whole.
        for character in Message::new(text).chars() {
            if mistake.text.push(character).is_err() {
                break;
            }
        }
        mistake
    }
}

/// The first whole request in `input` and the bytes it takes up, which may be more than there are:
/// the rest is to be skipped when it comes. `None` when more bytes are needed. `ended` says that no
/// more will come.
///
/// # Errors
///
/// The [`Mistake`] that makes the connection end.
pub fn next_request(
    dialect: Dialect,
    input: &[u8],
    ended: bool,
) -> Result<Option<(Request, usize)>, Mistake> {
    match (dialect, input.first()) {
        (_, None) => Ok(None),
        (Dialect::Mute, _) => Err(Mistake::new(
            ErrorCode::Unexpected,
            format_args!("clients of this listener send nothing"),
        )),
        (Dialect::Json, _) => next_line(input, ended),
        (Dialect::Binary | Dialect::Undecided, _) => next_frame(input),
    }
}

fn next_line(input: &[u8], ended: bool) -> Result<Option<(Request, usize)>, Mistake> {
    let newline = input.iter().position(|byte| *byte == b'\n');
    let (line, size) = match newline {
        Some(at) => (&input[..at], at + 1),
        None if ended => (input, input.len()),
        None if input.len() >= INPUT_SIZE => {
            return Err(Mistake::new(
                ErrorCode::TooLong,
                format_args!("a line may have {INPUT_SIZE} bytes"),
            ));
        }
        None => return Ok(None),
    };
    if line.trim_ascii().is_empty() {
        // With all that follow: what stands behind them is then moved once, and not for each.
        let blank = input.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let last = input[..blank].iter().rposition(|byte| *byte == b'\n');
        return Ok(Some((Request::Nothing, last.map_or(size, |at| at + 1))));
    }
    let request = parse_subscribe(line).map_err(|error| {
        let (fault, at) = (error.fault.describe(), error.at);
        let text = format_args!("expected a subscribe object: {fault} after byte {at}");
        Mistake::new(ErrorCode::Json, text)
    })?;
    Ok(Some((Request::Subscribe(request), size)))
}

fn next_frame(input: &[u8]) -> Result<Option<(Request, usize)>, Mistake> {
    let header = match FrameHeader::parse(input) {
        Ok(header) => header,
        Err(FrameError::Short) => return Ok(None),
        Err(error) => return Err(bad_frame(error)),
    };
    let size = HEADER_SIZE + header.payload_size();
    if FrameKind::from_number(header.kind.get()).is_none() {
        return Ok(Some((Request::Nothing, size)));
    }
    if size > INPUT_SIZE {
        let text = format_args!("a client's frame may have {INPUT_SIZE} bytes, this has {size}");
        return Err(Mistake::new(ErrorCode::TooLong, text));
    }
    let Some(bytes) = input.get(..size) else { return Ok(None) };
    let request = match Frame::parse(bytes).map_err(bad_frame)?.body {
        Body::Hello(hello) => hello_request(hello)?,
        Body::Subscribe(subscribe) => Request::Subscribe(SubscribeRequest {
            streams: subscribe.streams(),
            unknown_stream: false,
            rate_mhz: subscribe.fixed.rate_mhz.get(),
            options: subscribe.options(),
            epoch: subscribe.fixed.epoch,
            events: subscribe.fixed.events.get(),
            // Both have the same bound.
            topics: heapless::Vec::from_slice(subscribe.topics_text()).unwrap_or_default(),
            groups: Groups::wanted(subscribe.groups_text()),
        }),
        _ => {
            let text = format_args!("frames of kind {} come from servers", header.kind.get());
            return Err(Mistake::new(ErrorCode::Unexpected, text));
        }
    };
    Ok(Some((request, size)))
}

fn hello_request(hello: &Hello) -> Result<Request, Mistake> {
    if hello.speaks(VERSION) {
        return Ok(Request::Hello);
    }
    let (min, max) = (hello.version_min.get(), hello.version_max.get());
    let text = format_args!("this server speaks version {VERSION}, you speak {min} to {max}");
    Err(Mistake::new(ErrorCode::Version, text))
}

fn bad_frame(error: FrameError) -> Mistake {
    Mistake::new(ErrorCode::Frame, format_args!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_passed_over_together() {
        let size = |input: &[u8]| next_line(input, false).unwrap().unwrap().1;
        assert_eq!(size(b"\n\n \r\n\t{\"subscribe\":[]}\n"), 5);
        // What may be the beginning of a line stays.
        assert_eq!(size(b" \n  "), 2);
        assert_eq!(size(&[b'\n'; INPUT_SIZE]), INPUT_SIZE);
        assert_eq!(next_line(b"  ", true).unwrap().unwrap().1, 2);
    }

    #[test]
    fn a_sentence_that_is_too_long_is_cut_and_not_left_out() {
        let long = "é".repeat(ERROR_TEXT_MAX);
        let mistake = Mistake::new(ErrorCode::Config, format_args!("{long}"));
        assert_eq!(mistake.text, long[..ERROR_TEXT_MAX]);
    }
}
