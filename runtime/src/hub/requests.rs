//! What clients ask for, and what is granted.

use kymo_platform::clock::Now;
use kymo_protocol::json::SubscribeRequest;
use kymo_protocol::limits::{PAYLOAD_MAX, RATE_MHZ_MIN, line_bytes};
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    ErrorCode, Resume, StreamEntry, StreamId, Streams, SubscribeOptions, Subscribed,
};

use super::Hub;
use crate::conversation::{Dialect, Mistake, Request, next_request};
use crate::limits::{FIRST_FRAME_NS, PROCESSES_RATE_MHZ, PROCESSES_RATE_MHZ_MAX};
use crate::notice::Notice;
use crate::schedule::{Due, period_ns};
use crate::session::{EventSubscription, Phase, Subscription};
use crate::table::SessionId;
use crate::telemetry::{Format, Kind};

impl Hub {
    pub(super) fn handle_input(&mut self, id: SessionId, now: Now) {
        while matches!(self.table.session(id).phase, Phase::Opening | Phase::Streaming) {
            // An answer can't stand in the middle of a frame; it is asked for again at its end.
            if self.table.session(id).is_cut() {
                break;
            }
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
        self.check_subscription(id, asked)?;
        let session = self.table.session(id);
        if session.phase == Phase::Opening && session.dialect == Dialect::Json {
            self.welcome(id, now);
        }
        let before = self.table.session(id).events;
        let (resume, place) = self.place_of(asked, before);
        // Who was told of the past already, and brings no token, goes on where it stands.
        let is_told = before.is_some() && !asked.options.resume;
        self.leave(id, now);
        let rates = self.rates(asked);
        let [rate_mhz, processes_mhz] = rates;
        let mut granted = Subscribed::default();
        let has = |stream| asked.streams.contains(stream);
        let is_alone =
            has(StreamId::PROCESSES) && !has(StreamId::VITALS) && !has(StreamId::SAMPLES);
        granted.rate_mhz.set(rates[usize::from(is_alone)]);
        granted.streams.set(asked.streams.0);
        let options = SubscribeOptions { every: asked.options.every, resume: false };
        granted.options.set(options.bits());
        let wants_events = asked.streams.contains(StreamId::EVENTS);
        let resume = if wants_events { resume } else { Resume::Fresh };
        granted.resume.set(resume as u16);
        for kind in Kind::ALL.into_iter().filter(|kind| asked.streams.contains(kind.stream())) {
            let next = granted.next.get_mut(usize::from(kind.stream().0) - 1);
            let _ = next.map(|next| next.set(self.telemetry[kind as usize].next()));
        }
        if asked.streams.contains(StreamId::SAMPLES) {
            granted.next[1].set(self.samples.stream.next());
        }
        if wants_events {
            // Live events may wait for who lags.
            let live = is_told.then(|| place.cursor.max(place.live_from));
            granted.next[3].set(live.unwrap_or(self.log.next()));
        }
        self.say(id, Notice::Subscribed(&granted), now);
        let session = self.table.session(id);
        session.has_subscribed = true;
        session.phase = Phase::Streaming;
        if asked.streams.contains(StreamId::VITALS) {
            self.join(id, Kind::Vitals, rate_mhz, asked.options.every, now);
        }
        if asked.streams.contains(StreamId::SAMPLES) {
            self.join_samples(id, rate_mhz, (asked.groups, asked.options.every), now);
        }
        if asked.streams.contains(StreamId::PROCESSES) {
            self.join(id, Kind::Processes, processes_mhz, asked.options.every, now);
        }
        if wants_events {
            let filter_size = self.table.set_filter(id, &asked.topics);
            let is_newcomer = resume != Resume::Tail && !is_told;
            let place = EventSubscription { filter_size, ..place };
            self.join_events(id, place, is_newcomer, now);
        }
        self.expect_deadline(id);
        Ok(())
    }

    /// The granted rates: of vitals and samples, and of processes.
    fn rates(&self, asked: &SubscribeRequest) -> [u32; 2] {
        let wish_mhz = if asked.rate_mhz == 0 { self.rate_mhz } else { asked.rate_mhz };
        let rate_mhz = wish_mhz.clamp(RATE_MHZ_MIN, self.limits.rate_mhz_max);
        let most_mhz =
            if asked.rate_mhz == 0 { PROCESSES_RATE_MHZ } else { PROCESSES_RATE_MHZ_MAX };
        [rate_mhz, rate_mhz.min(most_mhz)]
    }

    fn check_subscription(
        &mut self,
        id: SessionId,
        asked: &SubscribeRequest,
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
        let mut served = [StreamId::VITALS, StreamId::SAMPLES, StreamId::EVENTS]
            .into_iter()
            .fold(Streams::default(), Streams::with);
        let mut text = "this server streams vitals, samples and events";
        if self.has_processes {
            served = served.with(StreamId::PROCESSES);
            text = "this server streams vitals, samples, processes and events";
        }
        if asked.unknown_stream || asked.streams.0 & !served.0 != 0 {
            return Err(Mistake::new(ErrorCode::NoStream, format_args!("{text}")));
        }
        Ok(())
    }

    pub(super) fn welcome(&mut self, id: SessionId, now: Now) {
        let mut fixed = WelcomeFixed::default();
        fixed.epoch = self.identity.epoch.to_be_bytes();
        fixed.run = self.identity.run.to_be_bytes();
        fixed.wall_ns.set(now.wall_ns);
        fixed.rate_mhz.set(self.rate_mhz);
        fixed.rate_mhz_max.set(self.limits.rate_mhz_max);
        fixed.payload_max.set(u32::try_from(PAYLOAD_MAX).unwrap_or(u32::MAX));
        fixed.event_max.set(self.limits.event_bytes);
        fixed.line_max.set(line_bytes(self.limits.event_bytes));
        fixed.clients_max.set(self.limits.clients);
        let [vitals, processes] = [0, 1].map(|kind: usize| self.telemetry[kind].next());
        let samples = self.samples.stream.next();
        let streams = [
            StreamEntry::new(StreamId::VITALS.0, vitals, vitals),
            StreamEntry::new(StreamId::SAMPLES.0, samples, samples),
            StreamEntry::new(StreamId::PROCESSES.0, processes, processes),
            StreamEntry::new(StreamId::EVENTS.0, self.log.oldest(), self.log.next()),
        ];
        let is_served =
            |entry: &StreamEntry| self.has_processes || entry.id.get() != StreamId::PROCESSES.0;
        let streams: heapless::Vec<_, 4> = streams.into_iter().filter(is_served).collect();
        self.say(id, Notice::Welcome(&fixed, &streams), now);
    }

    /// Starts a stream of telemetry for a session.
    pub(super) fn join(&mut self, id: SessionId, kind: Kind, rate_mhz: u32, every: bool, now: Now) {
        let telemetry = &mut self.telemetry[kind as usize];
        let cursor = every.then(|| telemetry.next());
        let session = self.table.session(id);
        let mut due = Due::new(rate_mhz);
        // The next pass over processes may be seconds away, so the last one is told at once.
        let is_owed = kind == Kind::Processes && !every && telemetry.is_fresh();
        let owed = u32::from(is_owed && due.take(now.mono_ns, 0));
        session.telemetry[kind as usize] = Some(Subscription { rate_mhz, due, owed, cursor });
        session.send_buffer = Some(match kind {
            // Who gets every frame gets them at the stream's pace, which others decide.
            Kind::Vitals if every => send_buffer(self.limits.rate_mhz_max, session.format),
            Kind::Vitals => send_buffer(rate_mhz, session.format),
            Kind::Processes => {
                session.send_buffer.unwrap_or(0).max(2 * kind.frame_max(session.format))
            }
        });
        let format = session.format;
        telemetry.join(format);
        self.processes_mhz = self.table.fastest(Kind::Processes);
        self.schedule.join(rate_mhz, now.mono_ns, FIRST_FRAME_NS);
    }

    /// Stops everything a session gets.
    pub(super) fn leave(&mut self, id: SessionId, now: Now) {
        let session = self.table.session(id);
        let format = session.format;
        if session.events.take().is_some() {
            self.log.leave(format);
        }
        self.leave_samples(id, now);
        for kind in Kind::ALL {
            let subscription = self.table.session(id).telemetry[kind as usize].take();
            let Some(subscription) = subscription else { continue };
            self.telemetry[kind as usize].leave(format);
            self.schedule.leave(subscription.rate_mhz, now.mono_ns, self.table.rates());
        }
        if self.processes_mhz > 0 {
            self.processes_mhz = self.table.fastest(Kind::Processes);
        }
    }

    /// Queues a notice for one session.
    pub(super) fn say(&mut self, id: SessionId, notice: Notice<'_>, now: Now) {
        match self.table.push_notice(id, notice, now) {
            Ok(()) if self.table.session(id).has_tail() => self.table.enqueue(id),
            Ok(()) => {}
            // Only a client that makes us answer without reading gets here; it is cut.
            Err(_) => self.close(id, now),
        }
    }
}

/// About one second of frames: what lies longer in a buffer is stale. Linux doubles the figure and
/// charges about 768 bytes beside each frame.
fn send_buffer(rate_mhz: u32, format: Format) -> usize {
    const MIN: usize = 16 * 1024;
    const MAX: usize = 256 * 1024;
    let frames = usize::try_from(1_000_000_000 / period_ns(rate_mhz)).unwrap_or(MAX);
    (frames.saturating_mul(Kind::Vitals.frame_max(format).min(1024) + 768) / 2).clamp(MIN, MAX)
}
