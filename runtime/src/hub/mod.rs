//! The heart: connections, streams and deadlines, without a socket or a clock.
//!
//! Call order, by whoever owns the sockets (the [`Reactor`](crate::Reactor), or a simulator):
//!
//! 1. Tell what time it is: [`handle_time`](Hub::handle_time). Then what happened, with that time:
//!    [`accept`](Hub::accept), [`input_space`](Hub::input_space)
//!    then [`handle_received`](Hub::handle_received), [`handle_input_end`](Hub::handle_input_end),
//!    [`handle_writable`](Hub::handle_writable), [`handle_hangup`](Hub::handle_hangup),
//!    [`take_tick`](Hub::take_tick), [`plan_tick`](Hub::plan_tick), [`publish`](Hub::publish),
//!    [`handle_deadlines`](Hub::handle_deadlines).
//! 2. Serve each session of [`poll_ready`](Hub::poll_ready): send what
//!    [`transmit`](Hub::transmit) shows, and tell [`handle_sent`](Hub::handle_sent) how much went.
//! 3. Close the socket of each session of [`poll_closed`](Hub::poll_closed).
//! 4. Sleep until [`deadline_ns`](Hub::deadline_ns) or [`ticks`](Hub::ticks).
//!
//! Guarantees: nothing allocates after [`Hub::new`]; each call does bounded work; no client can
//! change what another one gets. Not guaranteed: fairness between sessions within one round.

mod admission;
mod answers;
mod clocks;
mod control;
mod endings;
mod events;
mod metrics;
mod newest;
mod plan;
mod prepare;
mod recorders;
mod replies;
mod requests;
mod samples;
mod sent_run;
mod status;
mod submit;
mod ticks;
mod transmit;
mod waiting;

use std::io;

use kymo_platform::LocalTime;
use kymo_platform::clock::Now;

use crate::buffer::Buffer;
use crate::clock_watch::{Change, ClockWatch};
use crate::config::{Config, Limits, Listener, ListenerFormat};
use crate::control::Control;
use crate::conversation::Dialect;
use crate::event_log::EventLog;
use crate::histogram::Histogram;
use crate::history::History;
use crate::journal::Recovery;
use crate::keys::Keys;
use crate::limits::{EFFORT_PER_TURN, LISTENERS_MAX, SOURCES_MAX};
use crate::quota::Quota;
use crate::samples::Samples;
use crate::schedule::{Cadences, Schedule};
use crate::session::Phase;
use crate::table::{SessionId, Table};
use crate::telemetry::{Format, Kind, Telemetry};
use answers::Desk;
use plan::{Plan, Scratch};
use prepare::Prepared;
use recorders::RecorderViews;
pub use replies::{Handled, Surroundings};
use samples::PreparedSamples;
pub use transmit::Parts;

/// Identities of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Of the event history.
    pub epoch: u128,
    /// Of this start.
    pub run: u128,
    /// The user it runs as.
    pub uid: u32,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// All places are taken.
    Full,
    /// This user may not.
    Denied,
    /// This user has as many connections as it may.
    Quota,
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
    /// Whole events that sockets took.
    pub events_sent: u64,
    /// Events that subscribers were told they will not get.
    pub events_lost: u64,
    /// Events of this process that were not taken.
    pub events_refused: u64,
    /// Turns whose events could not be written to the journal.
    pub commits_failed: u64,
}

/// The heart; see the module.
#[derive(Debug)]
pub struct Hub {
    table: Table,
    control: Control,
    desk: Desk,
    recorders: RecorderViews,
    /// By [`Kind`].
    telemetry: [Telemetry; Kind::ALL.len()],
    /// Whether somebody looks at processes.
    has_processes: bool,
    /// The fastest granted rate of processes; 0 while nobody subscribes.
    processes_mhz: u32,
    /// As last told; of nothing when it was not.
    cadences: Cadences,
    log: EventLog,
    keys: Keys,
    /// Whether what is synced survives a loss of power.
    is_lasting: bool,
    /// What the start found in the journal.
    recovery: Option<Recovery>,
    /// Why the last write to the journal failed, if it did.
    journal_error: Option<io::Error>,
    /// Not before this time is a journal that failed tried again for events of this process.
    retry_ns: Option<u64>,
    /// Room for one event's payload.
    event: Buffer,
    prepared: Prepared,
    /// What is left of [`EFFORT_PER_TURN`].
    effort: u64,
    samples: Samples,
    prepared_samples: PreparedSamples,
    schedule: Schedule,
    plan: Plan,
    scratch: Scratch,
    counters: Counters,
    quota: Quota,
    latency: Histogram,
    /// When what is to be served was published first.
    published_ns: Option<u64>,
    listeners: heapless::Vec<Listener, LISTENERS_MAX>,
    rate_mhz: u32,
    limits: Limits,
    identity: Identity,
    /// No deadline lies before this time.
    scan_ns: u64,
    scanned_ns: u64,
    /// On the monotonic clock; 0 before the first turn.
    began_ns: u64,
    /// What people here call the time of day.
    zone: LocalTime,
    clock: ClockWatch,
    /// What happened to the clocks and is in no event yet, and what is in those of this turn.
    untold: Change,
    telling: Change,
    leaving: bool,
}

impl Hub {
    /// A hub with room for everything `config` allows. `config` must have passed its check.
    #[must_use]
    pub fn new(
        config: &Config,
        identity: Identity,
        history: History,
        zone: LocalTime,
        now: Now,
    ) -> Self {
        let formats = config.listeners.iter().map(|listener| {
            let (_, format) = speech(listener);
            // A client of a binary listener may speak JSON; in-process ones may too.
            if format == Format::Binary { Format::Json } else { format }
        });
        let formats = formats.chain([Format::Json]);
        let control = Control::new(config.limits.event_bytes);
        let History { journal, activity, .. } = history;
        let recovery = journal.as_ref().map(|journal| *journal.recovery());
        let log = EventLog::new(config.limits.event_bytes, formats.clone(), journal, activity);
        // A journal tells the epoch of what it keeps.
        let identity = Identity { epoch: log.epoch().unwrap_or(identity.epoch), ..identity };
        Self {
            desk: Desk::new(control.request_max()),
            control,
            event: Buffer::new(config.limits.event_bytes as usize),
            table: Table::new(config.limits.clients),
            recorders: recorders::views(config),
            keys: history.keys,
            is_lasting: history.is_lasting,
            recovery,
            journal_error: None,
            retry_ns: None,
            log,
            prepared: Prepared::new(config.limits.event_bytes),
            effort: EFFORT_PER_TURN,
            samples: Samples::new(SOURCES_MAX),
            prepared_samples: PreparedSamples::new(),
            telemetry: Kind::ALL.map(|kind| Telemetry::new(kind, formats.clone())),
            has_processes: false,
            processes_mhz: 0,
            cadences: Cadences::default(),
            schedule: Schedule::default(),
            plan: Plan::default(),
            scratch: Scratch::default(),
            counters: Counters::default(),
            quota: Quota::new(admission::quota_limits(config)),
            latency: Histogram::new(),
            published_ns: None,
            listeners: config.listeners.clone(),
            rate_mhz: config.rate_mhz,
            limits: config.limits,
            identity,
            scan_ns: u64::MAX,
            scanned_ns: 0,
            began_ns: now.mono_ns,
            zone,
            clock: ClockWatch::new(now),
            untold: Change::default(),
            telling: Change::default(),
            leaving: false,
        }
    }

    /// Where to put what the client sent. Empty when it may not send any more.
    pub fn input_space(&mut self, id: SessionId) -> &mut [u8] {
        if let Some(place) = self.control_place(id) {
            return self.control.input_space(place);
        }
        self.table.input_space(id)
    }

    /// Says that `size` bytes were put into [`input_space`](Self::input_space).
    pub fn handle_received(&mut self, id: SessionId, size: usize, now: Now) {
        if let Some(place) = self.control_place(id) {
            if let Some(slot) = self.control.slot(place) {
                slot.input_size += size;
            }
            return self.handle_control_input(place, now);
        }
        self.table.session(id).input_size += size;
        self.handle_input(id, now);
    }

    /// Says that the client sends no more. It may still read.
    pub fn handle_input_end(&mut self, id: SessionId, now: Now) {
        if let Some(place) = self.control_place(id) {
            return self.handle_control_end(place, now);
        }
        self.table.session(id).input_ended = true;
        self.handle_input(id, now);
        if self.table.session(id).phase == Phase::Opening {
            self.close(id, now);
        }
    }

    /// Says that the client reads no more.
    pub fn handle_hangup(&mut self, id: SessionId, now: Now) {
        if let Some(place) = self.control_place(id) {
            return self.handle_control_hangup(place);
        }
        self.close(id, now);
    }

    /// Says that the socket takes bytes again.
    pub fn handle_writable(&mut self, id: SessionId) {
        if let Some(place) = self.control_place(id) {
            let pending = !self.control.output(place).is_empty();
            if let Some(slot) = self.control.slot(place) {
                slot.is_blocked = false;
                slot.is_queued |= pending;
            }
            return;
        }
        self.table.session(id).blocked = false;
        if self.has_more(id) {
            self.table.enqueue(id);
        }
    }

    /// The next session that has bytes to send. Ask as many times as [`ready`](Self::ready) said
    /// before the first, to serve everyone once.
    #[must_use]
    pub fn poll_ready(&mut self) -> Option<SessionId> {
        // The owner first.
        let queued = self.control.slots().find(|(_, slot)| slot.is_queued);
        if let Some((place, slot)) = queued {
            slot.is_queued = false;
            return Some(self.control_id(place));
        }
        self.table.poll_ready()
    }

    /// Sessions with bytes to send.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.table.ready() + self.control.queued()
    }

    /// A session whose socket is to be closed now; its id is free afterwards.
    #[must_use]
    pub fn poll_closed(&mut self) -> Option<SessionId> {
        let closed = self.control.slots().find(|(_, slot)| slot.is_closed).map(|(place, _)| place);
        if let Some(place) = closed {
            if let Some(uid) = self.control.slot(place).map(|slot| slot.peer.uid) {
                self.quota.leave(uid);
            }
            self.control.remove(place);
            return Some(self.control_id(place));
        }
        let (id, uid) = self.table.poll_closed()?;
        self.quota.leave(uid);
        if self.table.len() == 0 {
            // The deadlines of those who left must not wake a loop that nobody watches.
            self.scan_ns = self.control.cut_at_ns();
        }
        Some(id)
    }

    /// The send buffer this session's socket should have, when it has changed.
    #[must_use]
    pub fn poll_send_buffer(&mut self, id: SessionId) -> Option<usize> {
        if self.control_place(id).is_some() {
            return None;
        }
        self.table.session(id).send_buffer.take()
    }

    /// Takes over what may change while the hub lives: rates, the number of clients within what was
    /// allocated, quotas, and what listeners give unasked.
    pub fn apply(&mut self, config: &Config) {
        self.rate_mhz = config.rate_mhz;
        self.limits = config.limits;
        self.quota.set_limits(admission::quota_limits(config));
        self.table.set_limit(config.limits.clients);
        self.listeners.clone_from(&config.listeners);
    }

    /// The session with this index, if there is one.
    #[must_use]
    pub fn session_at(&self, index: usize) -> Option<SessionId> {
        match index.checked_sub(self.table.capacity()) {
            Some(place) => self.control.has(place).then(|| self.control_id(place)),
            None => self.table.at(index),
        }
    }

    /// Connections held.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.table.len() + self.control.len()
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
        self.telemetry[Kind::Vitals as usize].next() - 1
    }
}

/// How clients of a listener talk, and how they are talked to until they choose.
fn speech(listener: &Listener) -> (Dialect, Format) {
    match listener.format {
        ListenerFormat::Binary => (Dialect::Undecided, Format::Binary),
        ListenerFormat::Json if listener.bare => (Dialect::Json, Format::JsonBare),
        ListenerFormat::Json => (Dialect::Json, Format::Json),
        ListenerFormat::Opta1 => (Dialect::Mute, Format::Opta1),
        // The words for who is not taken there.
        ListenerFormat::Control => (Dialect::Json, Format::Json),
    }
}
