//! Processes: none are looked at yet.

use kymo_protocol::NoData;

use crate::ranking::Ranking;
use crate::roots::Roots;

/// Finds nothing yet.
#[derive(Debug)]
pub struct Ranker(Ranking);

impl Ranker {
    /// Looks at nothing.
    #[must_use]
    pub fn new(_roots: &Roots) -> Self {
        Self(Ranking { total: Err(NoData::Absent), ..Ranking::default() })
    }

    /// Is done at once.
    pub fn scan(&mut self, _budget_ns: u64) -> bool {
        true
    }

    /// No process at all.
    #[must_use]
    pub fn ranking(&self) -> &Ranking {
        &self.0
    }
}
