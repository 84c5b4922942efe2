//! The sessions and their buffers, all of them allocated at the start.
//!
//! Buffers lie in three large pieces; pages of sessions that never were cost nothing.

use std::collections::VecDeque;

use kymo_platform::clock::Now;
use kymo_protocol::FrameError;
use kymo_protocol::limits::FILTER_TEXT_MAX;

use crate::limits::{INPUT_SIZE, TAIL_SIZE};
use crate::notice::{Notice, write_notice};
use crate::samples::Stream;
use crate::schedule::{Cadences, useful_mhz};
use crate::session::{Phase, SampleSubscription, Session};
use crate::telemetry::Kind;

/// A session's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub(crate) u32);

impl SessionId {
    /// Its index: below the limit of clients.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The sessions; see the module.
#[derive(Debug, Default)]
pub struct Table {
    /// Never longer than its first capacity.
    sessions: Vec<Option<Session>>,
    clients_max: usize,
    /// At most `clients_max`.
    limit: usize,
    free: Vec<u32>,
    tails: Box<[u8]>,
    inputs: Box<[u8]>,
    /// Topic patterns.
    filters: Box<[u8]>,
    ready: VecDeque<u32>,
    /// Those of whom it will be the turn first, as [`readmit`](Table::readmit) says.
    deferred: VecDeque<u32>,
    closed: VecDeque<u32>,
    len: usize,
}

impl Table {
    /// Room for `clients_max` sessions.
    pub fn new(clients_max: u32) -> Self {
        let clients = clients_max as usize;
        Self {
            sessions: Vec::with_capacity(clients),
            clients_max: clients,
            limit: clients,
            free: Vec::with_capacity(clients),
            tails: vec![0; clients * TAIL_SIZE].into_boxed_slice(),
            inputs: vec![0; clients * INPUT_SIZE].into_boxed_slice(),
            filters: vec![0; clients * FILTER_TEXT_MAX].into_boxed_slice(),
            ready: VecDeque::with_capacity(clients),
            deferred: VecDeque::with_capacity(clients),
            closed: VecDeque::with_capacity(clients),
            len: 0,
        }
    }

    /// The most sessions there can ever be.
    pub fn capacity(&self) -> usize {
        self.clients_max
    }

    /// How many there may be from now on. Those that are too many stay.
    pub fn set_limit(&mut self, clients: u32) {
        self.limit = (clients as usize).min(self.clients_max);
    }

    /// Takes a session in; `None` when all places are taken.
    pub fn insert(&mut self, session: Session) -> Option<SessionId> {
        if self.len >= self.limit {
            return None;
        }
        let index = if let Some(index) = self.free.pop() {
            self.sessions[index as usize] = Some(session);
            index
        } else if self.sessions.len() < self.clients_max {
            self.sessions.push(Some(session));
            u32::try_from(self.sessions.len() - 1).ok()?
        } else {
            return None;
        };
        self.len += 1;
        Some(SessionId(index))
    }

    /// Sessions in the table.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The session of an id that was handed out and not yet polled as closed.
    ///
    /// # Panics
    ///
    /// For any other id: a programmer error.
    #[allow(clippy::expect_used)] // see above; no peer can choose an id
    pub fn session(&mut self, id: SessionId) -> &mut Session {
        self.sessions[id.index()].as_mut().expect("a session that was let go")
    }

    /// Places that were ever taken; see [`at`](Self::at).
    pub fn places(&self) -> usize {
        self.sessions.len()
    }

    /// The session at a place, if one is there.
    pub fn at(&self, place: usize) -> Option<SessionId> {
        self.sessions.get(place)?.as_ref()?;
        u32::try_from(place).ok().map(SessionId)
    }

    /// The fastest granted rate of the subscribers to one stream; 0 without one.
    pub fn fastest(&self, kind: Kind) -> u32 {
        let subscriptions =
            self.sessions.iter().flatten().filter_map(|session| session.telemetry[kind as usize]);
        subscriptions.map(|subscription| subscription.rate_mhz).max().unwrap_or(0)
    }

    /// Takes in how often there is something to do for each group.
    pub fn follow_cadences(&mut self, cadences: &Cadences) {
        for session in self.sessions.iter_mut().flatten() {
            if let Some(subscription) = &mut session.samples {
                let SampleSubscription { rate_mhz, groups, .. } = *subscription;
                subscription.ticks_mhz = useful_mhz(rate_mhz, groups, cadences);
            }
        }
    }

    /// Rates that the subscribers to telemetry have use for.
    pub fn rates(&self) -> impl Iterator<Item = u32> + Clone {
        self.sessions.iter().flatten().flat_map(|session| {
            let telemetry = session.telemetry.iter().flatten();
            let telemetry = telemetry.map(|subscription| subscription.rate_mhz);
            let samples = session.samples.as_ref().map(|subscription| subscription.ticks_mhz);
            telemetry.chain(samples)
        })
    }

    /// Where the client's next bytes go; empty when it may not send.
    pub fn input_space(&mut self, id: SessionId) -> &mut [u8] {
        let session = self.session(id);
        let used = match session.phase {
            Phase::Opening | Phase::Streaming => session.input_size,
            Phase::Closing | Phase::Closed => INPUT_SIZE,
        };
        &mut self.inputs[id.index() * INPUT_SIZE..][used..INPUT_SIZE]
    }

    /// What the client has sent and was not consumed.
    pub fn input(&mut self, id: SessionId) -> (&mut Session, &[u8]) {
        self.skip_input(id);
        let Self { sessions, inputs, .. } = self;
        let input = &inputs[id.index() * INPUT_SIZE..];
        #[allow(clippy::expect_used)] // as in `session`
        let session = sessions[id.index()].as_mut().expect("a session that was let go");
        let size = session.input_size;
        (session, &input[..size])
    }

    /// Drops `size` bytes from the front of the input, those to come included.
    pub fn consume_input(&mut self, id: SessionId, size: usize) {
        self.session(id).input_skip += size;
        self.skip_input(id);
    }

    fn skip_input(&mut self, id: SessionId) {
        let session = self.session(id);
        let size = session.input_skip.min(session.input_size);
        if size == 0 {
            return;
        }
        let used = session.input_size;
        session.input_skip -= size;
        session.input_size -= size;
        self.inputs[id.index() * INPUT_SIZE..].copy_within(size..used, 0);
    }

    /// A session and its tail buffer.
    pub fn tail(&mut self, id: SessionId) -> (&mut Session, &mut [u8]) {
        #[allow(clippy::expect_used)] // as in `session`
        let session = self.sessions[id.index()].as_mut().expect("a session that was let go");
        (session, &mut self.tails[id.index() * TAIL_SIZE..][..TAIL_SIZE])
    }

    /// A session and the topic patterns of its subscription to events.
    pub fn filter(&mut self, id: SessionId) -> (&mut Session, &[u8]) {
        #[allow(clippy::expect_used)] // as in `session`
        let session = self.sessions[id.index()].as_mut().expect("a session that was let go");
        let size = session.events.map_or(0, |events| usize::from(events.filter_size));
        (session, &self.filters[id.index() * FILTER_TEXT_MAX..][..size])
    }

    /// Keeps the topic patterns of a session, and returns their size.
    pub fn set_filter(&mut self, id: SessionId, patterns: &[u8]) -> u16 {
        let room = &mut self.filters[id.index() * FILTER_TEXT_MAX..][..FILTER_TEXT_MAX];
        let size = patterns.len().min(FILTER_TEXT_MAX);
        room[..size].copy_from_slice(&patterns[..size]);
        u16::try_from(size).unwrap_or(0)
    }

    /// Queues everybody who gets events, but whose socket takes none.
    pub fn enqueue_for_events(&mut self) {
        for (session, index) in self.sessions.iter_mut().zip(0..) {
            let Some(session) = session else { continue };
            let is_served = session.events.is_some() && session.phase != Phase::Closed;
            if is_served && !session.queued && !session.blocked {
                session.queued = true;
                self.ready.push_back(index);
            }
        }
    }

    /// Queues a notice behind what the session's tail already holds.
    pub fn push_notice(
        &mut self,
        id: SessionId,
        notice: Notice<'_>,
        now: Now,
    ) -> Result<(), FrameError> {
        let (session, tail) = self.tail(id);
        let format = session.format;
        session.push_tail(tail, |buffer| write_notice(buffer, notice, format, now))
    }

    /// Notes that a session has bytes to send, unless its socket takes none.
    pub fn enqueue(&mut self, id: SessionId) {
        let session = self.session(id);
        if !session.queued && !session.blocked && session.phase != Phase::Closed {
            session.queued = true;
            self.ready.push_back(id.0);
        }
    }

    /// The same, but it is the next.
    pub fn enqueue_first(&mut self, id: SessionId) {
        let session = self.session(id);
        if !session.queued && !session.blocked && session.phase != Phase::Closed {
            session.queued = true;
            self.ready.push_front(id.0);
        }
    }

    /// The same, but for the next turn, in which it comes before all who did not have to wait.
    pub fn defer(&mut self, id: SessionId) {
        let session = self.session(id);
        if !session.queued && !session.blocked && session.phase != Phase::Closed {
            session.queued = true;
            self.deferred.push_back(id.0);
        }
    }

    /// Queues those who were deferred.
    pub fn readmit(&mut self) {
        while let Some(index) = self.deferred.pop_back() {
            self.ready.push_front(index);
        }
    }

    /// Notes for every subscriber of samples that is due at the tick of `tick_ns` which lanes have
    /// something new for it.
    pub fn owe_samples(&mut self, tick_ns: u64, grid_ns: u64, stream: &Stream) {
        for (session, index) in self.sessions.iter_mut().zip(0..) {
            let Some(session) = session else { continue };
            let Some(subscription) = &mut session.samples else { continue };
            let is_owed = subscription.owe(tick_ns, grid_ns, stream, session.format);
            if is_owed && !session.queued && !session.blocked {
                session.queued = true;
                self.ready.push_back(index);
            }
        }
    }

    /// Notes for every subscriber of a stream that is due at the tick of `tick_ns` that it is owed
    /// a frame.
    pub fn owe(&mut self, kind: Kind, tick_ns: u64, grid_ns: u64) {
        for (session, index) in self.sessions.iter_mut().zip(0..) {
            let Some(session) = session else { continue };
            let Some(subscription) = &mut session.telemetry[kind as usize] else { continue };
            let is_due = subscription.due.take(tick_ns, grid_ns);
            let is_batched = subscription.cursor.is_some();
            if is_due || is_batched {
                subscription.owed = subscription.owed.saturating_add(1);
            }
            // With `every`, each frame is owed, and a batch of them due.
            let is_full = is_batched && subscription.owed >= kind.batch_max();
            if (is_due || is_full) && !session.queued && !session.blocked {
                session.queued = true;
                self.ready.push_back(index);
            }
        }
    }

    /// The next session that has bytes to send.
    pub fn poll_ready(&mut self) -> Option<SessionId> {
        let id = SessionId(self.ready.pop_front()?);
        self.session(id).queued = false;
        Some(id)
    }

    /// Sessions with bytes to send, now or in the next turn.
    pub fn ready(&self) -> usize {
        self.ready.len() + self.deferred.len()
    }

    /// Marks a session as one to be let go.
    pub fn close(&mut self, id: SessionId) {
        let session = self.session(id);
        if session.phase != Phase::Closed {
            session.phase = Phase::Closed;
            self.closed.push_back(id.0);
        }
    }

    /// Places that are free.
    pub fn free(&self) -> usize {
        self.limit.saturating_sub(self.len)
    }

    /// Lets a closed session go, and says whose it was.
    pub fn poll_closed(&mut self) -> Option<(SessionId, u32)> {
        let index = self.closed.pop_front()?;
        let uid = self.session(SessionId(index)).peer.uid;
        // Its place may be taken at once; the queue must not take the new one for it.
        if self.session(SessionId(index)).queued {
            self.ready.retain(|ready| *ready != index);
            self.deferred.retain(|deferred| *deferred != index);
        }
        self.sessions[index as usize] = None;
        self.free.push(index);
        self.len -= 1;
        Some((SessionId(index), uid))
    }

    /// The connection that has been opening for the longest time, when so many are that they could
    /// keep others out.
    pub fn opening_in_the_way(&self) -> Option<SessionId> {
        let opening = || {
            self.sessions.iter().zip(0..).filter_map(|(session, index)| {
                let session = session.as_ref()?;
                (session.phase == Phase::Opening).then_some((session.birth, index))
            })
        };
        if opening().count() < (self.limit / 4).max(1) {
            return None;
        }
        opening().min().map(|(_, index)| SessionId(index))
    }
}
