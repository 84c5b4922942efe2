//! What a subscriber gets, one after the other.

use std::path::PathBuf;

use kymo_protocol::{Frame, GapReason, StreamId};

use crate::error::Why;
use crate::token::Token;

/// One thing that a [`Subscriber`](crate::Subscriber) has to tell.
///
/// The order after each connection: `Connected`; `Fresh` or a `Gap`, if the answer to what was had
/// is one of these; then frames and gaps as they come; `Lost` when it ends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item<'a> {
    /// Vitals, samples, a part of the catalog that names them, processes, or an event.
    Frame(Frame<'a>),
    /// Frames that will not come, where they would have stood. Each is told once.
    Gap(Gap),
    /// The history of events is not continued: what is known of another one is to be forgotten,
    /// and a catch-up follows. Comes with each connection that has nothing to continue, the first
    /// one too.
    Fresh {
        /// What was had of the history before. **Every event after it may be lost**, and nobody
        /// knows how many. `None` when nothing was had.
        lost_after: Option<Token>,
    },
    /// A connection stands, and the server has said what it grants.
    Connected(Connected),
    /// The connection ended. The next call connects again, when its time has come.
    Lost(Why),
}

/// Frames that will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Of which stream.
    pub stream: StreamId,
    /// Sequence of the first.
    pub first: u64,
    /// Sequence of the last.
    pub last: u64,
    /// How many of them would have come; at most as many as lie between.
    pub count: u64,
    /// Why; `None` when they were produced while there was no connection. (Telemetry can't be asked
    /// for again.)
    pub reason: Option<GapReason>,
}

/// What is known of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The directory it leads to; `None` for one that the caller gave.
    pub directory: Option<PathBuf>,
    /// Identity of the history of events.
    pub epoch: [u8; 16],
    /// Identity of this start of the server.
    pub run: [u8; 16],
    /// Whether the server has started since the last connection: then its telemetry has begun
    /// again at 1. False the first time.
    pub is_new_run: bool,
    /// Granted rate in thousandths of a hertz.
    pub rate_mhz: u32,
    /// What the server says to the token.
    pub resumed: Resumed,
}

/// How a connection continues the history of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// No events were asked for.
    NoEvents,
    /// Every event since follows.
    Tail,
    /// Some are gone: a [`Gap`] says which, a snapshot follows.
    Gap,
    /// It does not; see [`Item::Fresh`].
    Fresh,
}
