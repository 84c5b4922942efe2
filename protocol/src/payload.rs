//! Writing frames: a header, and a payload to fill in where it will be sent from.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::frame_error::FrameError;
use crate::header::{FrameHeader, FrameKind, MAGIC, StreamId, VERSION};
use crate::limits::{FRAME_ALIGN, HEADER_SIZE, PAYLOAD_MAX};

/// A payload of fixed size whose wire form is its memory.
pub trait Payload: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned + Sized {
    /// What a frame with this payload is.
    const KIND: FrameKind;
    /// Bytes of a whole frame with this payload.
    const FRAME_SIZE: usize = {
        assert!(size_of::<Self>().is_multiple_of(FRAME_ALIGN) && size_of::<Self>() <= PAYLOAD_MAX);
        HEADER_SIZE + size_of::<Self>()
    };
}

/// Where a frame stands: its stream and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The stream.
    pub stream: StreamId,
    /// From 1; 0 for frames without a position.
    pub sequence: u64,
}

impl Position {
    /// The position of frames that concern the connection and not a stream.
    pub const NONE: Self = Self { stream: StreamId::NONE, sequence: 0 };
}

/// When a frame was made, on the boot clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Nanoseconds.
    pub boot_ns: u64,
}

/// Writes a header to the front of `buffer` and hands out the zeroed payload behind it, with the
/// size of the whole frame.
///
/// # Errors
///
/// [`FrameError::Short`] when the frame does not fit.
pub fn emit<P: Payload>(
    buffer: &mut [u8],
    at: Position,
    stamp: Stamp,
) -> Result<(&mut P, usize), FrameError> {
    let payload = emit_bytes(buffer, P::KIND, at, stamp, size_of::<P>())?;
    let payload = P::mut_from_bytes(payload).map_err(|_| FrameError::Short)?;
    Ok((payload, P::FRAME_SIZE))
}

/// The same for payloads of variable size, which must be a multiple of 8.
pub(crate) fn emit_bytes(
    buffer: &mut [u8],
    kind: FrameKind,
    at: Position,
    stamp: Stamp,
    payload_size: usize,
) -> Result<&mut [u8], FrameError> {
    let payload = emit_header(buffer, kind, at, stamp, payload_size)?;
    payload.fill(0);
    Ok(payload)
}

/// The same around a payload that stands in `buffer` already.
pub(crate) fn emit_header(
    buffer: &mut [u8],
    kind: FrameKind,
    at: Position,
    stamp: Stamp,
    payload_size: usize,
) -> Result<&mut [u8], FrameError> {
    debug_assert!(payload_size.is_multiple_of(FRAME_ALIGN) && payload_size <= PAYLOAD_MAX);
    let payload_len = u32::try_from(payload_size).map_err(|_| FrameError::Length)?;
    let (header, rest) = FrameHeader::mut_from_prefix(buffer).map_err(|_| FrameError::Short)?;
    let payload = rest.get_mut(..payload_size).ok_or(FrameError::Short)?;
    *header = FrameHeader {
        magic: MAGIC.into(),
        version: VERSION.into(),
        flags: 0.into(),
        payload_len: payload_len.into(),
        kind: (kind as u16).into(),
        stream: at.stream.0.into(),
        sequence: at.sequence.into(),
        timestamp: stamp.boot_ns.into(),
    };
    Ok(payload)
}
