//! The heart: connections, streams and deadlines, without a socket or a clock.
//!
//! Call order, by whoever owns the sockets (the [`Reactor`](crate::Reactor), or a simulator):
//!
//! 1. Tell what happened, with the time: [`accept`](Hub::accept), [`input_space`](Hub::input_space)
//!    then [`handle_received`](Hub::handle_received), [`handle_input_end`](Hub::handle_input_end),
//!    [`handle_writable`](Hub::handle_writable), [`handle_hangup`](Hub::handle_hangup),
//!    [`take_tick`](Hub::take_tick) then [`publish`](Hub::publish),
//!    [`handle_deadlines`](Hub::handle_deadlines).
//! 2. Serve each session of [`poll_ready`](Hub::poll_ready): send what
//!    [`transmit`](Hub::transmit) shows, and tell [`handle_sent`](Hub::handle_sent) how much went.
//! 3. Close the socket of each session of [`poll_closed`](Hub::poll_closed).
//! 4. Sleep until [`deadline_ns`](Hub::deadline_ns) or [`ticks`](Hub::ticks).
//!
//! Guarantees: nothing allocates after [`Hub::new`]; each call does bounded work; no client can
//! change what another one gets. Not guaranteed: fairness between sessions within one round.

use kymo_platform::clock::Now;
use kymo_protocol::json::SubscribeRequest;
use kymo_protocol::limits::{EVENT_BYTES, PAYLOAD_MAX, RATE_MHZ_MIN, line_bytes};
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    ErrorCode, GoodbyeReason, Resume, StreamEntry, StreamId, Streams, SubscribeOptions, Subscribed,
};

use crate::config::{Config, Limits, Listener, ListenerFormat};
use crate::conversation::{Dialect, Mistake, Request, next_request};
use crate::limits::{CLOSING_NS, FIRST_FRAME_NS, HELLO_NS, SCAN_NS};
use crate::notice::Notice;
use crate::sampler::Sampler;
use crate::schedule::{Due, Schedule, Ticks, period_ns};
use crate::session::{Deadline, Phase, Session, Subscription};
use crate::table::{SessionId, Table};
use crate::telemetry::{Format, Telemetry};
use crate::transmit::{Plan, Scratch};

/// Identities of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Of the event history.
    pub epoch: u128,
    /// Of this start.
    pub run: u128,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// All places are taken.
    Full,
    /// This user may not.
    Denied,
}

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections taken.
    pub accepted: u64,
    /// Connections not taken.
    pub refused: u64,
    /// Connections closed because of their bytes.
    pub mistakes: u64,
    /// Subscribers closed because they took no byte for too long.
    pub stalled: u64,
    /// Whole telemetry frames that sockets took.
    pub frames_sent: u64,
    /// Bytes that sockets took.
    pub bytes_sent: u64,
    /// Telemetry frames that slow subscribers missed and were told of.
    pub merged: u64,
}

/// The heart; see the module.
#[derive(Debug)]
pub struct Hub {
    pub(crate) table: Table,
    pub(crate) telemetry: Telemetry,
    pub(crate) schedule: Schedule,
    pub(crate) plan: Plan,
    pub(crate) scratch: Scratch,
    pub(crate) counters: Counters,
    listeners: Vec<Listener>,
    rate_mhz: u32,
    limits: Limits,
    identity: Identity,
    /// No deadline lies before this time.
    scan_ns: u64,
    scanned_ns: u64,
    leaving: bool,
}

impl Hub {
    /// A hub with room for everything `config` allows. `config` must have passed its check.
    #[must_use]
    pub fn new(config: &Config, identity: Identity) -> Self {
        let formats = config.listeners.iter().map(|listener| {
            let (_, format) = speech(listener);
            // A client of a binary listener may speak JSON; in-process ones may too.
            if format == Format::Binary { Format::Json } else { format }
        });
        Self {
            table: Table::new(config.limits.clients),
            telemetry: Telemetry::new(formats.chain([Format::Json])),
            schedule: Schedule::default(),
            plan: Plan::default(),
            scratch: Scratch::default(),
            counters: Counters::default(),
            listeners: config.listeners.clone(),
            rate_mhz: config.rate_mhz,
            limits: config.limits,
            identity,
            scan_ns: u64::MAX,
            scanned_ns: 0,
            leaving: false,
        }
    }

    /// Takes a connection that came through a listener, by its index in the configuration, or
    /// through none: then it speaks as on a binary one.
    ///
    /// # Errors
    ///
    /// The [`Refusal`]; [`refusal_notice`](Self::refusal_notice) puts it into words.
    pub fn accept(&mut self, listener: Option<usize>, now: Now) -> Result<SessionId, Refusal> {
        let settings = listener.and_then(|listener| self.listeners.get(listener));
        let (dialect, format) = settings.map_or((Dialect::Undecided, Format::Binary), speech);
        let rate_mhz = settings.and_then(|l| l.rate_mhz).unwrap_or(self.rate_mhz);
        let streams = settings.map_or(Streams::default(), |l| l.streams);
        let speaks_first = dialect != Dialect::Undecided;
        if !speaks_first {
            self.table.make_room_for_opening();
        }
        let session = Session::new(dialect, format, now.mono_ns);
        let taken = if self.leaving { None } else { self.table.insert(session) };
        let Some(id) = taken else {
            self.counters.refused += 1;
            return Err(Refusal::Full);
        };
        self.counters.accepted += 1;
        if speaks_first {
            self.table.session(id).phase = Phase::Streaming;
            self.welcome(id, now);
            if streams.contains(StreamId::VITALS) {
                self.join(id, rate_mhz, false, now);
            }
            self.table.enqueue(id);
        } else {
            self.table.session(id).phase_until_ns = now.mono_ns + HELLO_NS;
        }
        self.expect_deadline(id);
        Ok(id)
    }

    /// The words for a connection that was not taken, for its first and last bytes.
    #[must_use]
    pub fn refusal_notice(&self, listener: usize, refusal: Refusal) -> (Format, Notice<'static>) {
        let format = self.listeners.get(listener).map_or(Format::Binary, |l| speech(l).1);
        let (code, text) = match refusal {
            Refusal::Full => (ErrorCode::Full, "all places are taken; try again later"),
            Refusal::Denied => (ErrorCode::Denied, "this user may not connect here"),
        };
        (format, Notice::Error(code, text))
    }

    /// Where to put what the client sent. Empty when it may not send any more.
    pub fn input_space(&mut self, id: SessionId) -> &mut [u8] {
        self.table.input_space(id)
    }

    /// Says that `size` bytes were put into [`input_space`](Self::input_space).
    pub fn handle_received(&mut self, id: SessionId, size: usize, now: Now) {
        self.table.session(id).input_size += size;
        self.handle_input(id, now);
    }

    /// Says that the client sends no more. It may still read.
    pub fn handle_input_end(&mut self, id: SessionId, now: Now) {
        self.table.session(id).input_ended = true;
        self.handle_input(id, now);
        if self.table.session(id).phase == Phase::Opening {
            self.close(id, now);
        }
    }

    /// Says that the client reads no more.
    pub fn handle_hangup(&mut self, id: SessionId, now: Now) {
        self.close(id, now);
    }

    /// Says that the socket takes bytes again.
    pub fn handle_writable(&mut self, id: SessionId) {
        self.table.session(id).blocked = false;
        if self.has_more(id) {
            self.table.enqueue(id);
        }
    }

    fn handle_input(&mut self, id: SessionId, now: Now) {
        while matches!(self.table.session(id).phase, Phase::Opening | Phase::Streaming) {
            let (session, input) = self.table.input(id);
            if session.dialect == Dialect::Undecided {
                match input.first() {
                    None => {}
                    Some(b'{') => (session.dialect, session.format) = (Dialect::Json, Format::Json),
                    Some(_) => session.dialect = Dialect::Binary,
                }
            }
            let ended = session.input_ended;
            match next_request(session.dialect, input, ended) {
                Ok(None) => break,
                Ok(Some((request, size))) => {
                    self.table.consume_input(id, size);
                    self.handle_request(id, request, now);
                }
                Err(mistake) => self.refuse(id, &mistake, now),
            }
        }
    }

    fn handle_request(&mut self, id: SessionId, request: Request, now: Now) {
        let session = self.table.session(id);
        match request {
            Request::Nothing => {}
            Request::Hello if session.has_hello => {
                let text = format_args!("a second hello");
                self.refuse(id, &Mistake::new(ErrorCode::Unexpected, text), now);
            }
            Request::Hello => {
                session.has_hello = true;
                self.welcome(id, now);
            }
            Request::Subscribe(asked) => match self.subscribe(id, &asked, now) {
                Ok(()) => {}
                Err(mistake) => self.refuse(id, &mistake, now),
            },
        }
    }

    fn subscribe(
        &mut self,
        id: SessionId,
        asked: &SubscribeRequest,
        now: Now,
    ) -> Result<(), Mistake> {
        let session = self.table.session(id);
        if session.has_subscribed {
            let text = format_args!("a second subscription; connect once more instead");
            return Err(Mistake::new(ErrorCode::Unexpected, text));
        }
        if session.format == Format::Binary && !session.has_hello {
            let text = format_args!("say hello before subscribing");
            return Err(Mistake::new(ErrorCode::Unexpected, text));
        }
        let served = Streams::default().with(StreamId::VITALS);
        if asked.unknown_stream || asked.streams.0 & !served.0 != 0 {
            let text = format_args!("this server streams vitals and nothing else");
            return Err(Mistake::new(ErrorCode::NoStream, text));
        }
        if session.phase == Phase::Opening && session.dialect == Dialect::Json {
            self.welcome(id, now);
        }
        self.leave(id, now);
        let wish_mhz = if asked.rate_mhz == 0 { self.rate_mhz } else { asked.rate_mhz };
        let rate_mhz = wish_mhz.clamp(RATE_MHZ_MIN, self.limits.rate_mhz_max);
        let mut granted = Subscribed::default();
        granted.rate_mhz.set(rate_mhz);
        granted.streams.set(asked.streams.0);
        let options = SubscribeOptions { every: asked.options.every, resume: false };
        granted.options.set(options.bits());
        granted.resume.set(Resume::Fresh as u16);
        if asked.streams.contains(StreamId::VITALS) {
            granted.next[0].set(self.telemetry.next());
        }
        self.say(id, Notice::Subscribed(&granted), now);
        let session = self.table.session(id);
        session.has_subscribed = true;
        session.phase = Phase::Streaming;
        if asked.streams.contains(StreamId::VITALS) {
            self.join(id, rate_mhz, asked.options.every, now);
        }
        self.expect_deadline(id);
        Ok(())
    }

    fn welcome(&mut self, id: SessionId, now: Now) {
        let mut fixed = WelcomeFixed::default();
        fixed.epoch = self.identity.epoch.to_be_bytes();
        fixed.run = self.identity.run.to_be_bytes();
        fixed.wall_ns.set(now.wall_ns);
        fixed.rate_mhz.set(self.rate_mhz);
        fixed.rate_mhz_max.set(self.limits.rate_mhz_max);
        fixed.payload_max.set(u32::try_from(PAYLOAD_MAX).unwrap_or(u32::MAX));
        fixed.event_max.set(EVENT_BYTES);
        fixed.line_max.set(line_bytes(EVENT_BYTES));
        fixed.clients_max.set(self.limits.clients);
        let next = self.telemetry.next();
        let streams = [StreamEntry::new(StreamId::VITALS.0, next, next)];
        self.say(id, Notice::Welcome(&fixed, &streams), now);
    }

    /// Starts telemetry for a session.
    fn join(&mut self, id: SessionId, rate_mhz: u32, every: bool, now: Now) {
        let cursor = every.then(|| self.telemetry.next());
        let session = self.table.session(id);
        let due = Due::new(rate_mhz);
        session.telemetry = Some(Subscription { rate_mhz, due, owed: 0, cursor });
        session.send_buffer = Some(send_buffer(rate_mhz, session.format));
        let format = session.format;
        self.telemetry.join(format);
        self.schedule.join(rate_mhz, now.mono_ns, FIRST_FRAME_NS);
    }

    /// Stops it.
    fn leave(&mut self, id: SessionId, now: Now) {
        let session = self.table.session(id);
        let Some(subscription) = session.telemetry.take() else { return };
        let format = session.format;
        self.telemetry.leave(format);
        self.schedule.leave(subscription.rate_mhz, now.mono_ns, self.table.rates());
    }

    /// Queues a notice for one session.
    fn say(&mut self, id: SessionId, notice: Notice<'_>, now: Now) {
        if self.table.push_notice(id, notice, now).is_err() {
            // Only a client that makes us answer without reading gets here; it is cut.
            self.close(id, now);
        }
    }

    /// Tells a client its mistake and closes.
    fn refuse(&mut self, id: SessionId, mistake: &Mistake, now: Now) {
        self.counters.mistakes += 1;
        self.part(id, Notice::Error(mistake.code, &mistake.text), now);
    }

    /// Says a last word and closes when it is sent.
    fn part(&mut self, id: SessionId, word: Notice<'_>, now: Now) {
        self.leave(id, now);
        self.say(id, word, now);
        let session = self.table.session(id);
        if session.phase == Phase::Closed {
            return;
        }
        if !session.has_tail() {
            return self.close(id, now);
        }
        session.phase = Phase::Closing;
        session.phase_until_ns = now.mono_ns + CLOSING_NS;
        self.table.enqueue(id);
        self.expect_deadline(id);
    }

    /// Closes without a word.
    pub(crate) fn close(&mut self, id: SessionId, now: Now) {
        self.leave(id, now);
        self.table.close(id);
    }

    /// The next session that has bytes to send. Ask as many times as [`ready`](Self::ready) said
    /// before the first, to serve everyone once.
    #[must_use]
    pub fn poll_ready(&mut self) -> Option<SessionId> {
        self.table.poll_ready()
    }

    /// Sessions with bytes to send.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.table.ready()
    }

    /// A session whose socket is to be closed now; its id is free afterwards.
    #[must_use]
    pub fn poll_closed(&mut self) -> Option<SessionId> {
        self.table.poll_closed()
    }

    /// The send buffer this session's socket should have, when it has changed.
    #[must_use]
    pub fn poll_send_buffer(&mut self, id: SessionId) -> Option<usize> {
        self.table.session(id).send_buffer.take()
    }

    /// When telemetry ticks; `None` while nobody subscribes.
    #[must_use]
    pub fn ticks(&self) -> Option<Ticks> {
        self.schedule.ticks()
    }

    /// The planned time of the tick that is due now, if one is: sample for it, then
    /// [`publish`](Self::publish).
    #[must_use]
    pub fn take_tick(&mut self, now: Now) -> Option<u64> {
        self.schedule.take(now.mono_ns)
    }

    /// Produces the frame of the tick planned for `tick_ns` and queues it for who is due.
    pub fn publish(&mut self, tick_ns: u64, now: Now, sampler: &Sampler) {
        let Some(Ticks { period_ns: grid_ns, .. }) = self.schedule.ticks() else { return };
        if self.telemetry.publish(now, sampler).is_err() {
            debug_assert!(false, "a vitals frame outgrew its ring");
            return;
        }
        self.table.owe(tick_ns, grid_ns);
    }

    /// When [`handle_deadlines`](Self::handle_deadlines) has something to do, on the monotonic
    /// clock.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        (self.scan_ns < u64::MAX).then(|| self.scan_ns.max(self.scanned_ns + SCAN_NS))
    }

    /// Does what is due: heartbeats, and the end of connections that are late or stuck.
    pub fn handle_deadlines(&mut self, now: Now) {
        if self.deadline_ns().is_none_or(|deadline_ns| deadline_ns > now.mono_ns) {
            return;
        }
        (self.scanned_ns, self.scan_ns) = (now.mono_ns, u64::MAX);
        for place in 0..self.table.places() {
            let Some(id) = self.table.at(place) else { continue };
            let (due_ns, deadline) = self.table.session(id).deadline();
            if due_ns <= now.mono_ns {
                self.handle_deadline(id, deadline, now);
            }
            self.expect_deadline(id);
        }
    }

    fn handle_deadline(&mut self, id: SessionId, deadline: Deadline, now: Now) {
        match deadline {
            Deadline::Heartbeat => {
                self.say(id, Notice::Heartbeat, now);
                let session = self.table.session(id);
                session.progress_ns = now.mono_ns;
                if session.has_tail() {
                    self.table.enqueue(id);
                }
            }
            Deadline::Leave(reason) => {
                self.counters.stalled += u64::from(reason == GoodbyeReason::Stalled);
                self.part(id, Notice::Goodbye(reason), now);
            }
            Deadline::Cut => self.close(id, now),
        }
    }

    pub(crate) fn expect_deadline(&mut self, id: SessionId) {
        self.scan_ns = self.scan_ns.min(self.table.session(id).deadline().0);
    }

    /// Says goodbye to everybody and takes nobody any more.
    pub fn shut_down(&mut self, now: Now) {
        self.leaving = true;
        for place in 0..self.table.places() {
            let Some(id) = self.table.at(place) else { continue };
            if matches!(self.table.session(id).phase, Phase::Opening | Phase::Streaming) {
                self.part(id, Notice::Goodbye(GoodbyeReason::Shutdown), now);
            }
        }
    }

    /// The session with this index, if there is one.
    #[must_use]
    pub fn session_at(&self, index: usize) -> Option<SessionId> {
        self.table.at(index)
    }

    /// Connections held.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.table.len()
    }

    /// What happened since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Ticks that were skipped because the loop was late.
    #[must_use]
    pub fn ticks_missed(&self) -> u64 {
        self.schedule.missed()
    }

    /// Frames produced.
    #[must_use]
    pub fn frames_produced(&self) -> u64 {
        self.telemetry.next() - 1
    }
}

/// How clients of a listener talk, and how they are talked to until they choose.
fn speech(listener: &Listener) -> (Dialect, Format) {
    match listener.format {
        ListenerFormat::Binary => (Dialect::Undecided, Format::Binary),
        ListenerFormat::Json if listener.bare => (Dialect::Json, Format::JsonBare),
        ListenerFormat::Json => (Dialect::Json, Format::Json),
        ListenerFormat::Opta1 => (Dialect::Mute, Format::Opta1),
    }
}

/// About one second of frames: what lies longer in a buffer is stale. Linux doubles the figure and
/// charges about 768 bytes beside each frame.
fn send_buffer(rate_mhz: u32, format: Format) -> usize {
    const MIN: usize = 16 * 1024;
    const MAX: usize = 256 * 1024;
    let frames = usize::try_from(1_000_000_000 / period_ns(rate_mhz)).unwrap_or(MAX);
    (frames.saturating_mul(format.frame_max().min(1024) + 768) / 2).clamp(MIN, MAX)
}
