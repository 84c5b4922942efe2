//! Identities of sensors that a device names as it likes: none is given twice.

use crate::phrase::Phrase;

/// Longer names are cut here, so that a number fits behind them.
const NAME_SIZE_MAX: usize = 192;

/// Which identities were given; never grows beyond what it was made with.
#[derive(Debug)]
pub(super) struct Unique {
    /// FNV-1a of each: an accident costs a number at an end, and no identity is given twice.
    given: Vec<u64>,
}

impl Unique {
    pub(super) fn new(count_max: usize) -> Self {
        Self { given: Vec::with_capacity(count_max) }
    }

    pub(super) fn clear(&mut self) {
        self.given.clear();
    }

    /// `family/name`, with `#2` and so on behind it where that was given before. `None` when as
    /// many were given as were said at the start.
    pub(super) fn identity(&mut self, family: &str, name: &str) -> Option<Phrase> {
        if self.given.len() == self.given.capacity() {
            return None;
        }
        let size = (0..=name.len().min(NAME_SIZE_MAX)).rev().find(|at| name.is_char_boundary(*at));
        let name = name.get(..size.unwrap_or(0)).unwrap_or_default();
        let plain = Phrase::new().with(family).with("/").with_name(name);
        let mut identity = plain.clone();
        // One of so many and one is not among so many that were given.
        for twin in 2..self.given.len() as u64 + 3 {
            if !self.given.contains(&hash(&identity)) {
                break;
            }
            identity = plain.clone().with("#").with_number(twin);
        }
        self.given.push(hash(&identity));
        Some(identity)
    }
}

fn hash(text: &Phrase) -> u64 {
    text.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_identity_is_given_twice() {
        let mut unique = Unique::new(6);
        let long = "°".repeat(300);
        let mut next = |name| unique.identity("hid", name).map(Phrase::into_string);
        let given = ["a b", "a_b", "a_b#2", "a b", "a b#2"].map(&mut next);
        let given = given.each_ref().map(|given| given.as_deref().unwrap_or("none"));
        assert_eq!(given, ["hid/a_b", "hid/a_b#2", "hid/a_b#2#2", "hid/a_b#3", "hid/a_b#2#3"]);
        assert_eq!(next(&long).map(|long| long.len()), Some(4 + NAME_SIZE_MAX));
        assert_eq!(next("one too many"), None);
    }
}
