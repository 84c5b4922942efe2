//! Counters that drivers report: the energy of processors. The calls are private to Apple, so the
//! system may have none.

mod channel;
mod energy;
pub mod fake;

use kymo_protocol::Reading;

pub use channel::{Part, joules_per, part};
pub use energy::Energy;

/// Longer names of channels are cut here.
pub const NAME_SIZE_MAX: usize = 64;

/// A channel, as a sample has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel<'a> {
    /// What its driver calls it; other drivers may have one of that name.
    pub name: &'a str,
    /// What it counts in, by the label of its unit.
    pub unit: &'a str,
    /// What was counted so far.
    pub value: i64,
    /// When its driver wrote that, if it says so; on the clock of [`Reports::sample`].
    pub written_at_ns: Option<u64>,
}

/// The way to the group of channels that count energy.
pub trait Reports: Send {
    /// Subscribes to those channels whose names `is_wanted` wants, and lets go of others. May take
    /// seconds.
    fn subscribe(&mut self, is_wanted: fn(&str) -> bool) -> Reading<()>;
    /// Hands each channel to `each`, and returns when that was, on a clock that stands still while
    /// the machine sleeps. Takes some milliseconds, and may block.
    fn sample(&mut self, each: &mut dyn FnMut(&Channel<'_>)) -> Reading<u64>;
}
