//! What is asked of a server, and what it answers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kymo_protocol::{Ack, Body, ErrorCode, EventFields, Frame, Reply};

use crate::backoff::BackoffSettings;
use crate::breaker::BreakerSettings;
use crate::error::Error;
use crate::limits::REPLY_TIME;
use crate::reply_text;

/// Where a control client looks for a daemon, and how patient it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSettings {
    /// Where to look for a daemon, the best place first; see [`directories`](crate::directories).
    pub directories: Vec<PathBuf>,
    /// How long a reply may take, attempts to connect again included.
    pub reply_time: Duration,
    /// How long to wait between attempts.
    pub backoff: BackoffSettings,
    /// When to leave a server alone that fails.
    pub breaker: BreakerSettings,
}

impl ControlSettings {
    /// The first daemon in `directories`; ten seconds for a reply.
    #[must_use]
    pub fn in_directories(directories: Vec<PathBuf>) -> Self {
        let first = Duration::from_millis(100);
        Self {
            directories,
            reply_time: REPLY_TIME,
            // Somebody waits for it.
            backoff: BackoffSettings { first, ..BackoffSettings::default() },
            breaker: BreakerSettings::default(),
        }
    }
}

/// An event to be published.
#[derive(Clone, Copy, Debug)]
pub struct Submit<'a> {
    /// What it says. The server fills in a missing time and nothing else.
    pub event: &'a EventFields<'a>,
    /// What is waited for; `None` for what the server holds to be enough.
    pub ack: Option<Ack>,
    /// The publisher's name, of 1 to 64 bytes, and its own number for this event. It makes the
    /// submit safe to repeat: numbers should ascend.
    pub key: Option<(&'a str, u64)>,
}

impl<'a> Submit<'a> {
    /// An event without a key, at the server's default.
    #[must_use]
    pub const fn new(event: &'a EventFields<'a>) -> Self {
        Self { event, ack: None, key: None }
    }
}

/// What a server says when it has done something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// How far a submitted event has come.
    pub ack: Option<Ack>,
    /// Its sequence; 0 of what is no submit.
    pub sequence: u64,
    /// Everything, as a JSON object on one line.
    pub text: &'a str,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replied<'a> {
    /// Which one: what [`Control::start`](super::Control::start) returned.
    pub id: u64,
    /// The answer; or [`Error::Refused`]; or [`Error::Lost`]: it was done, or not.
    pub outcome: Result<Answer<'a>, Error>,
}

pub(super) fn reply(bytes: &[u8]) -> Option<&Reply> {
    match Frame::parse(bytes).ok()?.body {
        Body::Reply(reply) => Some(reply),
        _ => None,
    }
}

pub(super) fn replied<'a>(path: &Path, reply: &'a Reply) -> Replied<'a> {
    let fields = reply.fields();
    let answer = Answer { ack: fields.ack, sequence: fields.sequence, text: reply.text() };
    let outcome = match fields.code {
        0 => Ok(answer),
        code => {
            let text = reply_text::sentence(reply.text());
            Err(Error::of_refusal(path, ErrorCode::from_number(code), text))
        }
    };
    Replied { id: fields.id, outcome }
}
