//! What the loop reads at a tick, and where it reads it.

use std::sync::Arc;

use kymo_platform::Source;
use kymo_platform::clock::{self, Now};

use super::Reactor;
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
        let max_cpu = self.settings.current().sensors.max_cpu();
        self.sources = Sources::new(sources, max_cpu, move || drop(waker.wake()))
            .map_err(|error| StartError::system("start the threads that read sensors", error))?;
        Ok(())
    }

    /// Notices that the machine slept or its wall clock was set; what was measured across a sleep
    /// begins anew.
    pub(super) fn watch_clocks(&mut self, now: Now) {
        let slept_ns = self.hub.handle_time(now);
        if slept_ns > 0 {
            self.sampler.handle_resume(slept_ns);
            self.sources.handle_resume(slept_ns);
        }
    }

    /// Reads what is due at the tick planned for `tick_ns`, and sends it; what time it is then.
    pub(super) fn sample(&mut self, tick_ns: u64, now: Now) -> Now {
        if self.hub.wants_vitals() {
            self.sampler.handle_tick(tick_ns, now);
        }
        let wanted = self.hub.samples().wanted();
        self.sources.handle_tick(tick_ns, now, wanted, self.hub.samples());
        let now = clock::now();
        self.hub.publish(tick_ns, now, &self.sampler);
        self.serve(now);
        now
    }
}
