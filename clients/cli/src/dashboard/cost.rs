//! What this process costs.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// How often it is told.
const PAUSE: Duration = Duration::from_secs(2);

/// Processor time that this process had taken at a time.
#[derive(Debug)]
pub struct Cost {
    at: Instant,
    cpu_ns: i64,
}

impl Cost {
    /// From now on.
    pub fn new() -> Self {
        Self { at: Instant::now(), cpu_ns: cpu_ns() }
    }

    /// The share of one CPU since the last telling, when it is time for one.
    pub fn poll(&mut self) -> Option<f64> {
        let span = self.at.elapsed();
        if span < PAUSE {
            return None;
        }
        let before_ns = std::mem::replace(self, Self::new()).cpu_ns;
        let taken_ns = u64::try_from(self.cpu_ns - before_ns).unwrap_or(0);
        Some(Duration::from_nanos(taken_ns).as_secs_f64() / span.as_secs_f64())
    }
}

/// In all its threads.
fn cpu_ns() -> i64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0 };
    let times = [usage.user_time(), usage.system_time()];
    times.into_iter().map(|time| time.num_nanoseconds()).sum()
}
