//! Frames for one connection alone: welcome, subscribed, gap, heartbeat, goodbye and error.

use kymo_platform::clock::Now;
use kymo_protocol::json::{LineOptions, write_line};
use kymo_protocol::limits::NOTICE_LINE_MAX;
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    ErrorCode, ErrorReport, Frame, FrameError, Gap, GapReason, Goodbye, GoodbyeReason, Heartbeat,
    Position, Stamp, StreamEntry, StreamId, Subscribed, Welcome, emit,
};

use crate::telemetry::{Format, clock_map};

/// What is to be said.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// Who the server is.
    Welcome(&'a WelcomeFixed, &'a [StreamEntry]),
    /// What was granted.
    Subscribed(&'a Subscribed),
    /// Frames `first..=last` of a stream will not come.
    Gap(StreamId, u64, u64, GapReason),
    /// The server lives.
    Heartbeat,
    /// The connection ends, through no mistake of the client's.
    Goodbye(GoodbyeReason),
    /// The connection ends because of the client's bytes.
    Error(ErrorCode, &'a str),
}

/// Writes `notice` in `format` to the front of `buffer` and returns its size; 0 when the format has
/// no way to say it.
///
/// # Errors
///
/// [`FrameError::Short`] when it does not fit; [`NOTICE_LINE_MAX`] is enough.
pub fn write_notice(
    buffer: &mut [u8],
    notice: Notice<'_>,
    format: Format,
    now: Now,
) -> Result<usize, FrameError> {
    match format {
        Format::Opta1 => Ok(0),
        Format::JsonBare if matches!(notice, Notice::Welcome(..) | Notice::Heartbeat) => Ok(0),
        Format::Binary => write_frame(buffer, notice, now),
        Format::Json | Format::JsonBare => {
            let mut bytes = [0; NOTICE_LINE_MAX];
            let size = write_frame(&mut bytes, notice, now)?;
            let frame = Frame::parse(&bytes[..size])?;
            write_line(buffer, &frame, clock_map(now), LineOptions::default())
        }
    }
}

fn write_frame(buffer: &mut [u8], notice: Notice<'_>, now: Now) -> Result<usize, FrameError> {
    let stamp = Stamp { boot_ns: now.boot_ns };
    Ok(match notice {
        Notice::Welcome(fixed, streams) => Welcome::emit(buffer, stamp, fixed, streams)?,
        Notice::Subscribed(granted) => {
            let (subscribed, size) = emit::<Subscribed>(buffer, Position::NONE, stamp)?;
            *subscribed = *granted;
            size
        }
        Notice::Gap(stream, first, last, reason) => {
            let (gap, size) = emit::<Gap>(buffer, Position { stream, sequence: 0 }, stamp)?;
            gap.set(first, last, reason);
            size
        }
        Notice::Heartbeat => {
            let (heartbeat, size) = emit::<Heartbeat>(buffer, Position::NONE, stamp)?;
            heartbeat.wall_ns.set(now.wall_ns);
            size
        }
        Notice::Goodbye(reason) => {
            let (goodbye, size) = emit::<Goodbye>(buffer, Position::NONE, stamp)?;
            goodbye.set(reason);
            size
        }
        Notice::Error(code, text) => {
            let (report, size) = emit::<ErrorReport>(buffer, Position::NONE, stamp)?;
            report.set(code, text);
            size
        }
    })
}
