//! Telemetry: when it ticks, and what a tick produces for whom.

use kymo_platform::clock::Now;

use super::Hub;
use crate::sampler::Sampler;
use crate::schedule::Ticks;

impl Hub {
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
        if self.telemetry.is_wanted() {
            if self.telemetry.publish(now, sampler).is_err() {
                debug_assert!(false, "a vitals frame outgrew its ring");
                return;
            }
            self.table.owe(tick_ns, grid_ns);
        }
        if self.samples.is_wanted() {
            let published = self.samples.publish(now);
            debug_assert!(published.is_ok(), "samples outgrew their ring");
            self.table.owe_samples(tick_ns, grid_ns, &self.samples.stream);
        }
        self.published_ns = self.published_ns.or(Some(now.mono_ns));
    }

    /// Whether somebody subscribes to vitals.
    #[must_use]
    pub fn wants_vitals(&self) -> bool {
        self.telemetry.is_wanted()
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
