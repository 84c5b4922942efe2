//! How often sources have something to do.

use kymo_protocol::Group;

use super::{Place, Sources, Unit};
use crate::limits::{FIRST_FRAME_NS, LOOK_NS};
use crate::schedule::Cadences;

impl Sources {
    /// Of each group, how soon after a tick another one can have something to do for it.
    #[must_use]
    pub fn cadences(&self) -> Cadences {
        let mut cadences = [LOOK_NS; Group::ALL.len()];
        for unit in &self.units {
            let cadence_ns = &mut cadences[unit.spec.group as usize - 1];
            *cadence_ns = unit.cadence_ns().min(*cadence_ns);
        }
        cadences
    }
}

impl Unit {
    fn cadence_ns(&self) -> u64 {
        match self.place {
            _ if self.is_empty() && !self.is_stale => LOOK_NS,
            Place::Here(_) if self.is_scanned => self.spec.interval_ns,
            // After a sleep it may be due at any time, and what the lane reads is sent at the tick
            // behind.
            _ => self.spec.interval_ns.min(FIRST_FRAME_NS),
        }
    }
}
