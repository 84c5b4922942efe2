//! How often sources have something to do.

use kymo_protocol::Group;

use super::Sources;
use crate::limits::LOOK_NS;
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
