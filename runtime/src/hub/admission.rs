//! Who is taken in.

use kymo_platform::clock::Now;
use kymo_platform::peer::Peer;
use kymo_protocol::{StreamId, Streams};

use super::{Hub, Refusal, speech};
use crate::config::{Config, Listener, ListenerFormat};
use crate::conversation::Dialect;
use crate::limits::HELLO_NS;
use crate::quota::QuotaLimits;
use crate::session::{Phase, Session};
use crate::table::SessionId;
use crate::telemetry::{Format, Kind};

impl Hub {
    /// Takes a connection that came through a listener, by its index in the configuration, or
    /// through none: then it speaks as on a binary one.
    ///
    /// # Errors
    ///
    /// The [`Refusal`]; [`refusal_notice`](Self::refusal_notice) puts it into words.
    pub fn accept(
        &mut self,
        listener: Option<usize>,
        peer: Peer,
        now: Now,
    ) -> Result<SessionId, Refusal> {
        let taken = self.admit(listener, peer, now);
        self.counters.refused += u64::from(taken.is_err());
        taken
    }

    /// Counts a connection that was turned away before anybody was asked: its user may not.
    pub(crate) fn handle_denied(&mut self) {
        self.counters.refused += 1;
    }

    fn admit(
        &mut self,
        listener: Option<usize>,
        peer: Peer,
        now: Now,
    ) -> Result<SessionId, Refusal> {
        let is_own = peer.uid == 0 || peer.uid == self.identity.uid;
        let free = u32::try_from(self.table.free()).unwrap_or(u32::MAX);
        if free == 0 && !self.is_control(listener) {
            return Err(Refusal::Full);
        }
        if !self.quota.admit(peer.uid, is_own, free.max(1), now.mono_ns) {
            return Err(Refusal::Quota);
        }
        let taken = self.take_in(listener, peer, now);
        if taken.is_err() {
            self.quota.leave(peer.uid);
        }
        taken
    }

    fn is_control(&self, listener: Option<usize>) -> bool {
        let settings = listener.and_then(|listener| self.listeners.get(listener));
        settings.is_some_and(|listener| listener.format == ListenerFormat::Control)
    }

    fn take_in(
        &mut self,
        listener: Option<usize>,
        peer: Peer,
        now: Now,
    ) -> Result<SessionId, Refusal> {
        let settings = listener.and_then(|listener| self.listeners.get(listener));
        if settings.is_some_and(|listener| listener.format == ListenerFormat::Control) {
            return self.accept_control(peer, now);
        }
        let (dialect, format) = settings.map_or((Dialect::Undecided, Format::Binary), speech);
        let rate_mhz = settings.and_then(|l| l.rate_mhz).unwrap_or(self.rate_mhz);
        let streams = settings.map_or(Streams::default(), |l| l.streams);
        let speaks_first = dialect != Dialect::Undecided;
        let birth = self.counters.accepted;
        let session = Session { birth, ..Session::new(peer, dialect, format, now.mono_ns) };
        let taken = if self.leaving { None } else { self.table.insert(session) };
        let Some(id) = taken else { return Err(Refusal::Full) };
        self.counters.accepted += 1;
        if speaks_first {
            self.table.session(id).phase = Phase::Streaming;
            self.welcome(id, now);
            if streams.contains(StreamId::VITALS) {
                self.join(id, Kind::Vitals, rate_mhz, false, now);
            }
            if streams.contains(StreamId::EVENTS) && format != Format::Opta1 {
                let newcomer = self.newcomer();
                self.join_events(id, newcomer, true, now);
            }
        } else {
            self.table.session(id).phase_until_ns = now.mono_ns + HELLO_NS;
        }
        self.expect_deadline(id);
        Ok(id)
    }

    /// Before a connection is taken through a listener where the client speaks first: the one that
    /// has said nothing for the longest time, and since when, if so many have that they could keep
    /// others out. Read what it has sent, and if that was not enough, [`cut`](Self::cut) it.
    #[must_use]
    pub fn opening_in_the_way(&mut self, listener: usize) -> Option<(SessionId, u64)> {
        let speaks_first = self.listeners.get(listener).is_some_and(|l| !is_undecided(l));
        let id = self.table.opening_in_the_way().filter(|_| !speaks_first)?;
        Some((id, self.table.session(id).progress_ns))
    }

    /// Whether a session has yet to say what it wants.
    #[must_use]
    pub fn is_opening(&mut self, id: SessionId) -> bool {
        self.table.session(id).phase == Phase::Opening
    }
}

/// What each user may have, by the settings.
pub(super) fn quota_limits(config: &Config) -> QuotaLimits {
    // In settings 0 means none.
    let limit = |value: u32| (value > 0).then_some(value);
    QuotaLimits {
        connections: limit(config.quotas.connections),
        events_per_s: limit(config.quotas.events_per_s).map(u64::from),
        bytes_per_s: limit(config.quotas.bytes_per_s).map(u64::from),
    }
}

fn is_undecided(listener: &Listener) -> bool {
    speech(listener).0 == Dialect::Undecided
}
