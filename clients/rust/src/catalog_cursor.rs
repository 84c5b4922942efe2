//! How far the telling of a catalog has come: no part left out, and no samples before the catalog
//! that names them. Pure: no socket, no clock.

use kymo_protocol::CatalogPart;

use crate::error::Breach;
use crate::limits::SENSORS_MAX;

/// Where the telling of a catalog stands; see the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatalogCursor {
    /// What is told, or was told last.
    topology: Option<u32>,
    /// Sensors of it that were told, and how many there are.
    told: u32,
    total: u32,
}

impl CatalogCursor {
    /// A part of a catalog has come, with `count` sensors.
    pub fn handle_part(&mut self, part: CatalogPart, count: usize) -> Result<(), Breach> {
        let goes_on = self.topology == Some(part.topology) && !self.is_whole();
        let is_next = match goes_on {
            true => (part.first, part.total) == (self.told, self.total),
            false => part.first == 0,
        };
        // A part that tells nothing would never end.
        let is_empty = count == 0 && part.total > 0;
        if !is_next || is_empty || part.total > SENSORS_MAX {
            return Err(Breach::Unexpected);
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.topology = Some(part.topology);
        (self.told, self.total) = (part.first.saturating_add(count), part.total);
        Ok(())
    }

    /// Samples of `topology` have come. Those of a topology before the present one mean nothing
    /// any more, and are no mistake.
    pub fn handle_samples(&self, topology: u32) -> Result<(), Breach> {
        match self.topology {
            Some(told) if told != topology || self.is_whole() => Ok(()),
            _ => Err(Breach::Unexpected),
        }
    }

    const fn is_whole(&self) -> bool {
        self.told == self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(topology: u32, first: u32, total: u32) -> CatalogPart {
        CatalogPart { topology, total, first, omitted: 0 }
    }

    #[test]
    fn parts_come_in_order_before_samples() {
        let mut cursor = CatalogCursor::default();
        let bad = Err(Breach::Unexpected);
        assert_eq!(cursor.handle_samples(1), bad, "nothing names them");
        assert_eq!(cursor.handle_part(part(1, 2, 5), 3), bad, "the first is left out");
        assert_eq!(cursor.handle_part(part(1, 0, 5), 2), Ok(()));
        assert_eq!(cursor.handle_samples(1), bad, "not all of them are told");
        assert_eq!(cursor.handle_part(part(1, 3, 5), 2), bad, "one is left out");
        assert_eq!(cursor.handle_part(part(1, 2, 6), 3), bad, "another catalog");
        assert_eq!(cursor.handle_part(part(1, 2, 5), 0), bad, "it would never end");
        assert_eq!(cursor.handle_part(part(1, 2, 5), 3), Ok(()));
        assert_eq!(cursor.handle_samples(1), Ok(()));
    }

    #[test]
    fn another_topology_begins_again() {
        let mut cursor = CatalogCursor::default();
        cursor.handle_part(part(1, 0, 5), 2).unwrap();
        assert!(cursor.handle_part(part(2, 2, 5), 3).is_err());
        assert_eq!(cursor.handle_part(part(2, 0, 1), 1), Ok(()));
        assert_eq!(cursor.handle_samples(1), Ok(()), "they mean nothing, and do no harm");
        assert_eq!(cursor.handle_samples(2), Ok(()));
        assert_eq!(cursor.handle_part(part(2, 0, 1), 1), Ok(()), "it may be told again");
        assert_eq!(cursor.handle_part(part(3, 0, 0), 0), Ok(()), "nothing is left");
        assert!(cursor.handle_part(part(4, 0, SENSORS_MAX + 1), 1).is_err());
    }
}
