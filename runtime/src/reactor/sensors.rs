//! What the loop reads at a tick, and where it reads it.

use std::sync::Arc;

use kymo_platform::clock::{self, Now};
use kymo_platform::{ProcessSource, Source};
use kymo_protocol::Groups;

use super::Reactor;
use crate::limits::PROCESSES_SLICE_NS;
use crate::sources::Sources;
use crate::start_error::StartError;

impl Reactor {
    /// Takes over the sources of the samples stream; without them it has no sensors. To be called
    /// before the first [`turn`](Self::turn): it allocates, and starts two threads where a source
    /// may block.
    ///
    /// # Errors
    ///
    /// When there is no room for a thread.
    pub fn read_sources(&mut self, sources: Vec<Box<dyn Source>>) -> Result<(), StartError> {
        let waker = Arc::clone(&self.waker);
        // A loop that can't be woken is one that has ended.
        let passes = self.sources.passes.take();
        let max_cpu = self.settings.current().sensors.max_cpu();
        self.sources = Sources::new(sources, max_cpu, move || drop(waker.wake()))
            .map_err(|error| StartError::system("start the threads that read sensors", error))?;
        self.sources.passes = passes;
        Ok(())
    }

    /// Takes over what ranks processes; without it the stream of them is refused. To be called
    /// before the first [`turn`](Self::turn).
    pub fn read_processes(&mut self, source: Box<dyn ProcessSource>) {
        self.sources.read_processes(source);
        self.hub.serve_processes();
    }

    /// Notices that the machine slept or its wall clock was set; what was measured across a sleep
    /// begins anew.
    pub(super) fn watch_clocks(&mut self, now: Now) {
        let slept_ns = self.hub.handle_time(now);
        if slept_ns > 0 {
            self.sampler.handle_resume(slept_ns);
            self.sources.handle_resume(slept_ns);
            self.hub.set_cadences(self.sources.cadences(), now);
        }
    }

    /// Reads what is due at the tick planned for `tick_ns`, and sends it; what time it is then.
    pub(super) fn sample(&mut self, tick_ns: u64, now: Now) -> Now {
        if self.hub.wants_vitals() {
            self.sampler.handle_tick(tick_ns, now);
        }
        let wanted = self.hub.wanted();
        self.sources.handle_tick(tick_ns, now, wanted, self.hub.samples());
        if wanted.vitals {
            self.take_hardware();
        }
        self.hub.plan_tick(tick_ns);
        let now = clock::now();
        self.hub.publish(tick_ns, now, &self.sampler);
        self.serve(now);
        if wanted.groups != Groups(0) {
            self.hub.set_cadences(self.sources.cadences(), now);
        }
        now
    }

    /// Hands over to vitals what the lane has read for them.
    pub(super) fn take_hardware(&mut self) {
        if let Some(hardware) = self.sources.take_hardware(self.hub.samples()) {
            self.sampler.set_hardware(hardware);
        }
    }

    /// Goes on with a pass over the processes, if a slice of it is due: behind everything else of a
    /// turn. What it makes is sent in the next one.
    pub(super) fn look_at_processes(&mut self, is_tick: bool) {
        if self.hub.wanted().processes_ns.is_none() {
            return self.sources.rest_processes();
        }
        let Some(slice_ns) = self.sources.slice_ns() else { return };
        let now_ns = clock::mono_ns();
        let is_due = slice_ns <= now_ns && (is_tick || self.slice_ns(now_ns).is_some());
        if is_due && let Some(done) = self.sources.handle_slice() {
            self.hub.publish_processes(&done, clock::now());
        }
    }

    /// When the loop is to wake up for the next slice. A tick before its end does it as well, and
    /// is not to be late for it.
    pub(super) fn slice_ns(&self, now_ns: u64) -> Option<u64> {
        let start_ns = self.sources.slice_ns()?.max(now_ns);
        let tick_ns = self.hub.ticks().map_or(u64::MAX, |ticks| ticks.first_ns);
        (start_ns + PROCESSES_SLICE_NS <= tick_ns).then_some(start_ns)
    }
}
