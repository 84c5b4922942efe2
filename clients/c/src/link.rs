//! What is told of a connection: how it begins, what it leaves out, how it ends.

use kymo::protocol::{Gap, GapReason, GoodbyeReason, Resume, StreamId, Streams, Subscribed};
use kymo_client::{Connected, Resumed, Why};

use crate::text::KymoText;
use crate::wish::bit;

/// Why frames are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoGapReason {
    /// The subscriber was slower than the ring is long.
    Lapped = 0,
    /// The journal no longer keeps them.
    Retention = 1,
    /// The journal was damaged there.
    Damage = 2,
    /// They were sent while the journal could not be written.
    Unjournalled = 3,
    /// They were made while there was no connection; telemetry can't be asked for again.
    Disconnected = 4,
}

/// Frames that will not come, where they would have stood. Each is told once.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoGap {
    /// Sequence of the first.
    pub first: u64,
    /// Sequence of the last.
    pub last: u64,
    /// How many would have come; at most as many as lie between.
    pub count: u64,
    /// Of which stream.
    pub stream: u32,
    /// Why.
    pub reason: KymoGapReason,
}

/// How a connection continues the history of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoResumed {
    /// No events were asked for.
    NoEvents = 0,
    /// Every event since follows.
    Tail = 1,
    /// Some are gone: a gap says which, a snapshot follows.
    Gap = 2,
    /// It does not.
    Fresh = 3,
}

/// A subscription that was granted.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoConnected {
    /// Identity of the history of events.
    pub epoch: [u8; 16],
    /// Identity of this start of the hub.
    pub run: [u8; 16],
    /// Granted rate in thousandths of a hertz.
    pub rate_mhz: u32,
    /// How the events go on.
    pub resumed: KymoResumed,
    /// Whether the hub has started since the last connection: then its telemetry has begun again
    /// at 1. False the first time.
    pub is_new_run: bool,
}

/// How a connection ended. A client connects again; a subscriber in the process has nothing more.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoLost {
    /// Why.
    pub reason: KymoLostReason,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoLostReason {
    /// The hub stops, and said so.
    Shutdown = 0,
    /// The subscriber took no byte for too long.
    Stalled = 1,
    /// The hub is full.
    Limit = 2,
    /// The subscriber did not say in time what it wants.
    Deadline = 3,
    /// Without a word, as when a server is killed.
    Ended = 4,
    /// The server said nothing for too long.
    Silent = 5,
    /// The operating system says that it is broken.
    Broken = 6,
    /// What came is not kymo's protocol.
    Protocol = 7,
}

impl From<Option<GapReason>> for KymoGapReason {
    fn from(reason: Option<GapReason>) -> Self {
        match reason {
            Some(GapReason::Lapped) => Self::Lapped,
            Some(GapReason::Retention) => Self::Retention,
            Some(GapReason::Damage) => Self::Damage,
            Some(GapReason::Unjournalled) => Self::Unjournalled,
            None => Self::Disconnected,
        }
    }
}

impl KymoGap {
    /// Of a frame.
    pub(crate) fn of_frame(stream: StreamId, gap: &Gap) -> Self {
        Self {
            first: gap.first.get(),
            last: gap.last.get(),
            count: gap.count.get(),
            stream: bit(stream),
            reason: Some(gap.reason()).into(),
        }
    }
}

impl From<kymo_client::Gap> for KymoGap {
    fn from(gap: kymo_client::Gap) -> Self {
        let kymo_client::Gap { stream, first, last, count, reason } = gap;
        Self { first, last, count, stream: bit(stream), reason: reason.into() }
    }
}

impl KymoConnected {
    /// What a subscription in the process was granted.
    pub(crate) fn of_frame(epoch: [u8; 16], run: [u8; 16], granted: &Subscribed) -> Self {
        let has_events = Streams(granted.streams.get()).contains(StreamId::EVENTS);
        let resumed = match granted.resume() {
            _ if !has_events => KymoResumed::NoEvents,
            Resume::Tail => KymoResumed::Tail,
            Resume::Gap => KymoResumed::Gap,
            Resume::Fresh => KymoResumed::Fresh,
        };
        Self { epoch, run, rate_mhz: granted.rate_mhz.get(), resumed, is_new_run: false }
    }
}

impl From<&Connected> for KymoConnected {
    fn from(connected: &Connected) -> Self {
        let Connected { epoch, run, rate_mhz, is_new_run, .. } = *connected;
        let resumed = match connected.resumed {
            Resumed::NoEvents => KymoResumed::NoEvents,
            Resumed::Tail => KymoResumed::Tail,
            Resumed::Gap => KymoResumed::Gap,
            Resumed::Fresh => KymoResumed::Fresh,
        };
        Self { epoch, run, rate_mhz, resumed, is_new_run }
    }
}

impl From<GoodbyeReason> for KymoLostReason {
    fn from(reason: GoodbyeReason) -> Self {
        match reason {
            GoodbyeReason::Shutdown => Self::Shutdown,
            GoodbyeReason::Stalled => Self::Stalled,
            GoodbyeReason::Limit => Self::Limit,
            GoodbyeReason::Deadline => Self::Deadline,
        }
    }
}

impl From<Why> for KymoLostReason {
    fn from(why: Why) -> Self {
        match why {
            Why::Goodbye(reason) => reason.into(),
            Why::Silent => Self::Silent,
            Why::Broken(_) => Self::Broken,
            Why::Protocol(_) => Self::Protocol,
            _ => Self::Ended,
        }
    }
}

/// The name of a ::KymoLostReason, in a text that ends in NUL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_lost_name(reason: u32) -> KymoText {
    const NAMES: [&str; 8] = [
        "shutdown\0",
        "stalled\0",
        "limit\0",
        "deadline\0",
        "ended\0",
        "silent\0",
        "broken\0",
        "protocol\0",
    ];
    let name = usize::try_from(reason).ok().and_then(|place| NAMES.get(place));
    KymoText::constant(name.copied().unwrap_or("unknown\0"))
}
