//! What a session is sent next: where its pieces lie, and where the rest of one is kept.

use kymo_protocol::limits::PROCESSES_LINE_MAX;

use crate::buffer::Buffer;
use crate::session::Session;
use crate::telemetry::Kind;

/// What the last [`Hub::transmit`](super::Hub::transmit) showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    pub(super) tail_size: usize,
    pub(super) source: Source,
}

/// Where the pieces behind the tail come from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Source {
    #[default]
    Nothing,
    /// The newest frame of a stream of which each frame tells all.
    Newest { kind: Kind, sequence: u64 },
    /// The same with `merged` filled in, in the scratch buffer.
    Merged { kind: Kind, size: usize },
    /// Every frame of such a stream from `first` on, before `end`.
    Run { kind: Kind, first: u64, end: u64 },
    /// The same of events.
    Events { first: u64, end: u64 },
    /// Events written for this session, from this byte on.
    Prepared { start: usize },
    /// Samples written for this session.
    Samples,
}

impl Source {
    /// Whether it is telemetry, of which a visit brings no more than is owed.
    pub(super) fn is_telemetry(self) -> bool {
        !matches!(self, Self::Nothing | Self::Events { .. } | Self::Prepared { .. })
    }
}

/// Room for one frame that differs from everybody else's.
#[derive(Debug)]
pub struct Scratch(pub(super) Buffer);

impl Default for Scratch {
    fn default() -> Self {
        Self(Buffer::new(PROCESSES_LINE_MAX))
    }
}

/// Keeps the rest of a frame that was begun. It follows an empty tail, which has room for it.
pub(super) fn keep_rest(session: &mut Session, tail: &mut [u8], rest: &[u8]) {
    if rest.is_empty() {
        return;
    }
    let kept = session.push_tail(tail, |buffer| {
        buffer.get_mut(..rest.len()).ok_or(())?.copy_from_slice(rest);
        Ok::<_, ()>(rest.len())
    });
    debug_assert!(kept.is_ok(), "a frame is smaller than an empty tail");
}
