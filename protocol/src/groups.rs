//! A set of sensor groups: what a subscription wants of the samples.

use crate::metric::Group;
use crate::pattern::wants;

/// A set of groups: bit n−1 for group n. By default all of them, as in a subscription that names
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups(pub u16);

impl Groups {
    /// Every group.
    pub const ALL: Self = Self((1 << Group::ALL.len()) - 1);

    /// Those whose names one of `patterns` matches, each ended by a newline; all without any.
    #[must_use]
    pub fn wanted(patterns: &[u8]) -> Self {
        let wanted = Group::ALL.into_iter().filter(|group| wants(patterns, group.name()));
        Self(wanted.fold(0, |bits, group| bits | Self::bit(group)))
    }

    /// Whether `group` is one of them.
    #[must_use]
    pub const fn contains(self, group: Group) -> bool {
        self.0 & Self::bit(group) != 0
    }

    const fn bit(group: Group) -> u16 {
        1 << (group as u8 - 1)
    }
}

impl Default for Groups {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_groups_by_name() {
        assert_eq!(Groups::wanted(b""), Groups::ALL);
        assert_eq!(Groups::wanted(b"cpu\n"), Groups(1));
        assert_eq!(Groups::wanted(b"c*\npower\n"), Groups(1 | 1 << 7 | 1 << 10));
        assert_eq!(Groups::wanted(b"CPU\nweather\n"), Groups(0));
        for group in Group::ALL {
            assert!(Groups::ALL.contains(group) && !Groups(0).contains(group));
        }
        assert!(Groups(1 << 10).contains(Group::Cgroup) && !Groups(1 << 10).contains(Group::Cpu));
    }
}
