//! When the next value of a kind may go.

/// At least an interval between two values, by a clock of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    interval_ns: u64,
    due_ns: u64,
}

impl Pace {
    /// For so many values a second, in thousandths; the first one is due at once.
    pub fn new(rate_mhz: u32) -> Self {
        Self { interval_ns: 1_000_000_000_000 / u64::from(rate_mhz.max(1)), due_ns: 0 }
    }

    /// Whether a value may go now.
    pub fn is_due(&self, now_ns: u64) -> bool {
        now_ns >= self.due_ns
    }

    /// How long until one may.
    pub fn wait_ns(&self, now_ns: u64) -> u64 {
        self.due_ns.saturating_sub(now_ns)
    }

    /// One went, or was tried: the next is due an interval later.
    pub fn went(&mut self, now_ns: u64) {
        self.due_ns = now_ns.saturating_add(self.interval_ns);
    }
}
