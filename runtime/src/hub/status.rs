//! How the daemon is, and what it measures, as its owner is told.

use kymo_platform::Sandbox;
use kymo_platform::clock::Now;
use kymo_protocol::json::{Writer, write_field};
use kymo_protocol::{Field, Payload, Position, Stamp, StreamId, Vitals, emit};

use super::Hub;
use super::replies::Surroundings;
use crate::histogram::Histogram;
use crate::limits::LISTED_CLIENTS_MAX;
use crate::sampler::Sampler;
use crate::session::Session;
use crate::sources::Sources;

impl Hub {
    /// Its counters by their names.
    pub(super) fn figures(&self) -> [(&'static str, u64); 14] {
        let counters = self.counters;
        [
            ("frames_produced", self.frames_produced()),
            ("ticks_missed", self.schedule.missed()),
            ("frames_sent", counters.frames_sent),
            ("events_sent", counters.events_sent),
            ("bytes_sent", counters.bytes_sent),
            ("merged", counters.merged),
            ("events_lost", counters.events_lost),
            ("events_refused", counters.events_refused),
            ("commits_failed", counters.commits_failed),
            ("accepted", counters.accepted),
            ("refused", counters.refused),
            ("cut", counters.cut),
            ("mistakes", counters.mistakes),
            ("stalled", counters.stalled),
        ]
    }

    pub(super) fn answer_status(
        &mut self,
        place: usize,
        surroundings: &Surroundings<'_>,
        now: Now,
    ) {
        let id = self.take_command(place);
        let mut desk = std::mem::take(&mut self.desk);
        let size = desk.write(&id, |w| self.write_status(w, surroundings, now));
        self.desk = desk;
        self.push_reply(place, &id, size, now);
    }

    fn write_status(&mut self, w: &mut Writer<'_>, surroundings: &Surroundings<'_>, now: Now) {
        let activity = *self.log.activity();
        w.raw(",\"version\":");
        w.string(env!("CARGO_PKG_VERSION"));
        w.raw(",\"epoch\":\"");
        w.hex(&self.identity.epoch.to_be_bytes());
        w.raw("\",\"run\":\"");
        w.hex(&self.identity.run.to_be_bytes());
        w.raw("\",\"uptime_secs\":");
        w.thousandths(now.mono_ns.saturating_sub(self.began_ns) / 1_000_000);
        w.raw(",\"is_running\":true,\"state\":");
        w.string(activity.state.name());
        member_or_null(w, "session_id", activity.session);
        for (name, value) in [
            ("queue_size", surroundings.queue_size),
            ("events_oldest", self.log.oldest()),
            ("events_next", self.log.next()),
            ("events_dropped", surroundings.inbox.dropped),
            ("control_clients", self.control.len() as u64),
            ("key_clients", self.keys.clients() as u64),
            ("key_clients_forgotten", self.keys.forgotten()),
        ] {
            member(w, name, value);
        }
        for (name, value) in self.figures() {
            member(w, name, value);
        }
        self.write_journal(w);
        member_or_null(w, "heap_allocations", surroundings.allocations);
        write_sandbox(w, surroundings.sandbox);
        write_latency(w, &self.latency);
        write_costs(w, surroundings.sampler);
        write_sources(w, surroundings.sources);
        self.write_recorders(w);
        self.write_clients(w);
    }

    fn write_journal(&self, w: &mut Writer<'_>) {
        w.raw(if self.log.is_journalled() { ",\"journal\":true" } else { ",\"journal\":false" });
        w.raw(",\"journal_is_failing\":");
        w.raw(if self.journal_error.is_some() { "true" } else { "false" });
        let Some(found) = self.recovery else { return };
        w.raw(",\"journal_is_lasting\":");
        w.raw(if self.is_lasting { "true" } else { "false" });
        w.raw(",\"journal_epoch\":");
        w.string(found.origin.name());
        member(w, "journal_events_found", found.events);
        member(w, "journal_events_missing", found.missing);
        member(w, "journal_segments_damaged", u64::from(found.segments_damaged));
        member(w, "journal_segments_lost", u64::from(found.segments_lost));
    }

    fn write_clients(&mut self, w: &mut Writer<'_>) {
        let next_event = self.log.next();
        w.raw(",\"clients\":[");
        let mut listed = 0;
        for place in 0..self.table.places() {
            let Some(id) = self.table.at(place) else { continue };
            if listed == LISTED_CLIENTS_MAX {
                break;
            }
            w.raw(if listed > 0 { ",{\"id\":" } else { "{\"id\":" });
            listed += 1;
            w.integer(id.index() as u64);
            write_client(w, self.table.session(id), next_event);
        }
        w.raw("]");
        member(w, "clients_omitted", (self.table.len() - listed) as u64);
        member(w, "clients_max", u64::from(self.limits.clients));
    }

    pub(super) fn answer_sensors(&mut self, place: usize, sampler: &Sampler, now: Now) {
        let id = self.take_command(place);
        self.succeed(place, &id, now, |w| {
            let Some(vitals) = now_vitals(sampler, now, &mut [0; Vitals::FRAME_SIZE]) else {
                return;
            };
            w.raw(",\"sensors\":[");
            for (index, field) in Field::ALL.into_iter().enumerate() {
                w.raw(if index > 0 { ",{\"name\":" } else { "{\"name\":" });
                w.string(field.name());
                w.raw(",\"unit\":");
                w.string(field.unit());
                let state = vitals.state(field);
                w.raw(",\"state\":");
                w.string(state.name());
                w.raw(",\"value\":");
                if state.has_value() {
                    write_field(w, &vitals, field);
                    member(w, "age_ms", u64::from(vitals.age_ms(field)));
                } else {
                    w.raw("null,\"age_ms\":null");
                }
                w.raw("}");
            }
            w.raw("]");
        });
    }
}

/// The vitals as they are known now.
pub(super) fn now_vitals(sampler: &Sampler, now: Now, frame: &mut [u8]) -> Option<Vitals> {
    let at = Position { stream: StreamId::VITALS, sequence: 0 };
    let (vitals, _) = emit::<Vitals>(frame, at, Stamp { boot_ns: now.boot_ns }).ok()?;
    sampler.fill(vitals, now.boot_ns);
    Some(*vitals)
}

pub(super) fn member(w: &mut Writer<'_>, name: &str, value: u64) {
    w.raw(",\"");
    w.raw(name);
    w.raw("\":");
    w.integer(value);
}

fn member_or_null(w: &mut Writer<'_>, name: &str, value: Option<u64>) {
    match value {
        Some(value) => member(w, name, value),
        None => {
            w.raw(",\"");
            w.raw(name);
            w.raw("\":null");
        }
    }
}

/// What the program has given up, and why it has not given up more.
fn write_sandbox(w: &mut Writer<'_>, sandbox: Option<Sandbox>) {
    let Some(Sandbox { landlock, seccomp }) = sandbox else { return w.raw(",\"sandbox\":null") };
    w.raw(",\"sandbox\":{\"landlock\":");
    w.integer(u64::from(landlock.unwrap_or(0)));
    w.raw(if seccomp.is_ok() { ",\"seccomp\":true" } else { ",\"seccomp\":false" });
    for (name, why) in [("landlock", landlock.err()), ("seccomp", seccomp.err())] {
        let Some(why) = why else { continue };
        for part in [",\"", name, "_missing\":"] {
            w.raw(part);
        }
        w.string(why);
    }
    w.raw("}");
}

/// From just before something is published until everybody who could take it was sent it.
fn write_latency(w: &mut Writer<'_>, latency: &Histogram) {
    w.raw(",\"latency_ns\":{\"count\":");
    w.integer(latency.count());
    for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        member_or_null(w, name, latency.quantile(q));
    }
    member_or_null(w, "max", latency.max());
    w.raw("}");
}

fn write_costs(w: &mut Writer<'_>, sampler: &Sampler) {
    w.raw(",\"sources\":{");
    for (index, (name, cost)) in sampler.costs().enumerate() {
        w.raw(if index > 0 { ",\"" } else { "\"" });
        w.raw(name);
        w.raw("\":{\"reads\":");
        w.integer(cost.reads);
        member(w, "total_ns", cost.total_ns);
        member_or_null(w, "max_ns", (cost.reads > 0).then_some(cost.max_ns));
        w.raw("}");
    }
    w.raw("}");
}

/// Where samples come from.
fn write_sources(w: &mut Writer<'_>, sources: &Sources) {
    w.raw(",\"sample_sources\":[");
    for (index, report) in sources.reports().enumerate() {
        w.raw(if index > 0 { ",{\"name\":" } else { "{\"name\":" });
        w.string(report.spec.name);
        w.raw(",\"group\":");
        w.string(report.spec.group.name());
        w.raw(",\"interval_s\":");
        w.thousandths(report.spec.interval_ns / 1_000_000);
        member(w, "sensors", report.sensors as u64);
        member(w, "reads", report.cost.reads);
        member(w, "total_ns", report.cost.total_ns);
        member(w, "max_ns", report.cost.max_ns);
        w.raw(if report.is_held { ",\"held\":true" } else { ",\"held\":false" });
        w.raw(",\"stretch\":");
        w.double(f64::from(report.stretch));
        w.raw("}");
    }
    w.raw("],\"process_source\":");
    let Some((cost, stretch)) = sources.processes() else { return w.raw("null") };
    w.raw("{\"passes\":");
    w.integer(cost.reads);
    member(w, "total_ns", cost.total_ns);
    member(w, "max_ns", cost.max_ns);
    w.raw(",\"stretch\":");
    w.double(f64::from(stretch));
    w.raw("}");
}

fn write_client(w: &mut Writer<'_>, session: &Session, next_event: u64) {
    w.raw(",\"uid\":");
    w.integer(u64::from(session.peer.uid));
    w.raw(",\"pid\":");
    match session.peer.pid {
        Some(pid) => w.integer(u64::from(pid)),
        None => w.raw("null"),
    }
    w.raw(",\"format\":");
    w.string(session.format.name());
    w.raw(",\"streams\":[");
    let [vitals_mhz, processes_mhz] =
        session.telemetry.map(|telemetry| telemetry.map(|telemetry| telemetry.rate_mhz));
    let samples_mhz = session.samples.as_ref().map(|samples| samples.rate_mhz);
    let streams = [
        ("vitals", vitals_mhz.is_some()),
        ("samples", samples_mhz.is_some()),
        ("processes", processes_mhz.is_some()),
        ("events", session.events.is_some()),
    ];
    for (index, (name, _)) in streams.iter().filter(|(_, is_on)| *is_on).enumerate() {
        w.raw(if index > 0 { "," } else { "" });
        w.string(name);
    }
    w.raw("],\"rate_hz\":");
    match vitals_mhz.or(samples_mhz).or(processes_mhz) {
        Some(rate_mhz) => w.thousandths(u64::from(rate_mhz)),
        None => w.raw("null"),
    }
    w.raw(",\"lag\":");
    match session.events {
        Some(events) => w.integer(next_event.saturating_sub(events.cursor)),
        None => w.raw("null"),
    }
    w.raw(",\"merged\":");
    w.integer(session.merged);
    w.raw(",\"lost\":");
    w.integer(session.lost);
    w.raw("}");
}
