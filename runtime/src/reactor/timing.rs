//! How long the loop waits, and for what.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use kymo_platform::clock;

use super::{Reactor, Stop};
use crate::limits::EVENTS_PER_TURN;
use crate::reactor::doors::Door;
use crate::schedule::Ticks;

impl Reactor {
    /// When a [`turn`](Self::turn) has something to do though nothing has become readable: how long
    /// from now, at most. `None`: not before the descriptor is readable. For a host that waits in a
    /// loop of its own; to be asked after each turn.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.timeout(None)
    }

    /// Whether the last wait may have found more than it could take. Who waits for changes of the
    /// descriptor alone is not told of those again.
    fn has_more_events(&self) -> bool {
        self.events.iter().nth(EVENTS_PER_TURN - 1).is_some()
    }

    /// Sets the timer to the hub's grid, when that has changed.
    pub(super) fn arm(&mut self) -> io::Result<()> {
        let Some(ticker) = &mut self.ticker else { return Ok(()) };
        let ticks = self.hub.ticks();
        let on_grid = match (self.armed, ticks) {
            (Some(armed), Some(ticks)) => {
                armed.period_ns == ticks.period_ns
                    && ticks.first_ns >= armed.first_ns
                    && (ticks.first_ns - armed.first_ns).is_multiple_of(ticks.period_ns)
            }
            (None, None) => true,
            _ => false,
        };
        if on_grid {
            return Ok(());
        }
        self.armed = ticks;
        match ticks {
            Some(Ticks { first_ns, period_ns }) => ticker.arm(first_ns, period_ns),
            None => ticker.disarm(),
        }
    }

    /// How long to wait at most.
    pub(super) fn timeout(&self, asked: Option<Duration>) -> Option<Duration> {
        let is_stopping = self.stop != Stop::Running;
        let unfinished = self.hub.ready() > 0
            || is_stopping && self.hub.clients() == 0
            || self.has_more_events()
            || self.peers.has_rest()
            || self.hub.has_rest()
            || self.hub.retry_ns().is_none() && self.has_events()
            || self.doors.iter().any(Door::has_waiting);
        if unfinished {
            return Some(Duration::ZERO);
        }
        let ticks = self.hub.ticks().filter(|_| self.ticker.is_none());
        let stop = match self.stop {
            Stop::Draining(until_ns) => Some(until_ns),
            Stop::Running | Stop::Done => None,
        };
        let rests = self.doors.iter().filter_map(Door::rest_until_ns);
        let retry = self.hub.retry_ns().filter(|_| self.has_events());
        let ticks = ticks.map(|ticks| ticks.first_ns);
        let now_ns = clock::mono_ns();
        let others = [self.peers.retry_ns(), self.sources.deadline_ns(), stop, retry];
        let deadlines = [self.hub.deadline_ns(), ticks, self.slice_ns(now_ns)];
        let next_ns = deadlines.into_iter().chain(others).flatten().chain(rests).min();
        let until = next_ns.map(|next_ns| Duration::from_nanos(next_ns.saturating_sub(now_ns)));
        match (asked, until) {
            (Some(asked), Some(until)) => Some(asked.min(until)),
            (asked, until) => asked.or(until),
        }
    }
}

/// Readable when a [`turn`](Reactor::turn) has something to do: for a host that waits in a loop of
/// its own, by any means, edge-triggered or not. A turn may leave work for another one; then
/// [`deadline`](Reactor::deadline) is zero, whether the descriptor is still readable or not.
impl AsFd for Reactor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poll.registry().as_fd()
    }
}

impl AsRawFd for Reactor {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
