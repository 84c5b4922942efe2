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

mod endings;
mod requests;
mod transmit;

use kymo_platform::clock::Now;
use kymo_protocol::{ErrorCode, StreamId, Streams};

use crate::config::{Config, Limits, Listener, ListenerFormat};
use crate::conversation::Dialect;
use crate::limits::HELLO_NS;
use crate::notice::Notice;
use crate::sampler::Sampler;
use crate::schedule::{Schedule, Ticks};
use crate::session::{Phase, Session};
use crate::table::{SessionId, Table};
use crate::telemetry::{Format, Telemetry};
pub use transmit::Parts;
use transmit::{Plan, Scratch};

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
    /// Connections cut because they said nothing and others waited.
    pub cut: u64,
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
    table: Table,
    telemetry: Telemetry,
    schedule: Schedule,
    plan: Plan,
    scratch: Scratch,
    counters: Counters,
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
        let birth = self.counters.accepted;
        let session = Session { birth, ..Session::new(dialect, format, now.mono_ns) };
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
        let id = self.table.poll_closed()?;
        if self.table.len() == 0 {
            // The deadlines of those who left must not wake a loop that nobody watches.
            self.scan_ns = u64::MAX;
        }
        Some(id)
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

fn is_undecided(listener: &Listener) -> bool {
    speech(listener).0 == Dialect::Undecided
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
