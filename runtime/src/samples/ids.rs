//! Numbers of sensors: the same for one identity for as long as there is room to remember it.

use crate::limits::SENSOR_IDS_MAX;

/// Who has which number; see the module. A number is a place in the table, plus one.
#[derive(Debug)]
pub struct Ids {
    /// Hashes of identities; 0 is a free place.
    places: Box<[u64]>,
    taken: usize,
}

impl Ids {
    /// Nobody has one.
    pub fn new() -> Self {
        Self { places: vec![0; SENSOR_IDS_MAX].into_boxed_slice(), taken: 0 }
    }

    /// The number of `identity`. `None` when all have been given away: [`forget`](Self::forget)
    /// those that are not in use then.
    pub fn of(&mut self, identity: &str) -> Option<u16> {
        let hash = hash(identity.as_bytes());
        let start = usize::try_from(hash % SENSOR_IDS_MAX as u64).ok()?;
        for step in 0..SENSOR_IDS_MAX {
            let place = (start + step) % SENSOR_IDS_MAX;
            if self.places[place] == 0 {
                // A table that is nearly full is slow to search.
                if self.taken >= SENSOR_IDS_MAX / 8 * 7 {
                    return None;
                }
                self.taken += 1;
                self.places[place] = hash;
            }
            if self.places[place] == hash {
                return u16::try_from(place + 1).ok();
            }
        }
        None
    }

    /// Forgets all but `used`. One that stays may get another number when it is asked for again,
    /// where it had to make way for one that is forgotten.
    pub fn forget(&mut self, used: &[u16]) {
        self.taken = 0;
        for (place, hash) in self.places.iter_mut().enumerate() {
            if *hash != 0 && used.iter().any(|id| usize::from(*id) == place + 1) {
                self.taken += 1;
            } else {
                *hash = 0;
            }
        }
    }
}

/// FNV-1a, and never 0.
pub fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identity_has_one_number_and_no_other_has_it() {
        let mut ids = Ids::new();
        let names: Vec<_> = (0..4000).map(|n| format!("disk/{n}")).collect();
        let numbers: Vec<_> = names.iter().map(|name| ids.of(name).unwrap()).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), numbers.len());
        assert!(sorted[0] > 0);
        for (name, number) in names.iter().zip(&numbers).rev() {
            assert_eq!(ids.of(name), Some(*number));
        }
    }

    #[test]
    fn a_full_table_says_so_and_forgets() {
        let mut ids = Ids::new();
        let mut last = 0;
        let count = (0..).take_while(|n| {
            ids.of(&format!("{n}")).is_some_and(|id| {
                last = id;
                true
            })
        });
        assert_eq!(count.count(), SENSOR_IDS_MAX / 8 * 7);
        ids.forget(&[last]);
        assert_eq!(ids.taken, 1);
        assert!(ids.of("another").is_some());
    }
}
