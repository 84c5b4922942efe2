//! Telemetry: when it ticks, and what a tick produces for whom.

use kymo_platform::clock::Now;
use kymo_protocol::{Position, Stamp, StreamId, Vitals, emit};

use super::Hub;
use crate::passes::Done;
use crate::processes::write_processes;
use crate::sampler::Sampler;
use crate::schedule::{Cadences, Ticks, period_ns};
use crate::sources::Wanted;
use crate::telemetry::Kind;

impl Hub {
    /// When telemetry ticks; `None` while nobody subscribes.
    #[must_use]
    pub fn ticks(&self) -> Option<Ticks> {
        self.schedule.ticks()
    }

    /// The planned time of the tick that is due now, if one is: sample for it, then
    /// [`plan_tick`](Self::plan_tick), then [`publish`](Self::publish).
    #[must_use]
    pub fn take_tick(&mut self, now: Now) -> Option<u64> {
        let tick_ns = self.schedule.take(now.mono_ns);
        if tick_ns.is_some() {
            // Whose events have to wait is due all the same.
            self.table.readmit();
        }
        tick_ns
    }

    /// Takes in how often there is something to do for each group: who wants samples more often
    /// makes no ticks in between. Until told, there always is. To be told behind
    /// each tick that reads sources, when a thread has, and when the machine has slept.
    pub fn set_cadences(&mut self, cadences: Cadences, now: Now) {
        if self.cadences != cadences {
            self.cadences = cadences;
            self.table.follow_cadences(&cadences);
            self.schedule.follow(self.table.rates(), now.mono_ns);
        }
    }

    /// Finds out who is due at the tick planned for `tick_ns`. Before the frame is made: what is
    /// done between that and its way out is the age it has when it comes.
    pub fn plan_tick(&mut self, tick_ns: u64) {
        let Some(Ticks { period_ns: grid_ns, .. }) = self.schedule.ticks() else { return };
        if self.wants_vitals() {
            self.table.owe(Kind::Vitals, tick_ns, grid_ns);
        }
    }

    /// Produces the frame of the tick planned for `tick_ns` for who is due.
    pub fn publish(&mut self, tick_ns: u64, now: Now, sampler: &Sampler) {
        let Some(Ticks { period_ns: grid_ns, .. }) = self.schedule.ticks() else { return };
        let vitals = &mut self.telemetry[Kind::Vitals as usize];
        if vitals.is_wanted() {
            let published = vitals.publish(now, &|buffer, sequence| {
                let at = Position { stream: StreamId::VITALS, sequence };
                let (vitals, size) = emit::<Vitals>(buffer, at, Stamp { boot_ns: now.boot_ns })?;
                sampler.fill(vitals, now.boot_ns);
                Ok(size)
            });
            if published.is_err() {
                debug_assert!(false, "a vitals frame outgrew its ring");
                return;
            }
        }
        if self.samples.is_wanted() {
            let published = self.samples.publish(now);
            debug_assert!(published.is_ok(), "samples outgrew their ring");
            self.table.owe_samples(tick_ns, grid_ns, &self.samples.stream);
        }
        self.published_ns = self.published_ns.or(Some(now.mono_ns));
    }

    /// Produces the frame of a whole pass over the processes and queues it for who is due.
    pub fn publish_processes(&mut self, done: &Done<'_>, now: Now) {
        let processes = &mut self.telemetry[Kind::Processes as usize];
        let published = processes
            .publish(now, &|buffer, sequence| write_processes(buffer, sequence, done.ranking, now));
        debug_assert!(published.is_ok(), "a processes frame outgrew its ring");
        if published.is_ok() {
            self.table.owe(Kind::Processes, done.tick_ns, done.interval_ns);
            self.published_ns = self.published_ns.or(Some(now.mono_ns));
        }
    }

    /// Says that there are processes to be told of: without that, subscribers are refused.
    pub fn serve_processes(&mut self) {
        self.has_processes = true;
    }

    /// Whether somebody subscribes to vitals.
    #[must_use]
    pub fn wants_vitals(&self) -> bool {
        self.telemetry[Kind::Vitals as usize].is_wanted()
    }

    /// What sources are to be read for.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let mhz = self.processes_mhz;
        Wanted {
            groups: self.samples.wanted(),
            vitals: self.wants_vitals(),
            processes_ns: (mhz > 0).then(|| period_ns(mhz)),
            at_once: false,
        }
    }

    /// Whether something was published that has yet to be served.
    #[must_use]
    pub fn has_published(&self) -> bool {
        self.published_ns.is_some()
    }

    /// Says that everybody who could take it was served what was published, by `now_ns` on the
    /// monotonic clock.
    pub fn note_served(&mut self, now_ns: u64) {
        if let Some(published_ns) = self.published_ns.take() {
            self.latency.record(now_ns.saturating_sub(published_ns));
        }
    }
}
