//! Why a call of the kernel told nothing.

use kymo_protocol::NoData;

/// What the kernel said instead of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing, or no more.
    Absent,
    /// Not to this user.
    Denied,
    /// There is more than what was to hold it.
    TooSmall,
    /// Anything else.
    Fault,
}

impl Refusal {
    /// What an errno of a Mac means, by the numbers of its `errno.h`.
    #[must_use]
    pub const fn of_errno(errno: i32) -> Self {
        match errno {
            // ENOENT, ESRCH, ENXIO, ENODEV, ENOTSUP, EOPNOTSUPP
            2 | 3 | 6 | 19 | 45 | 102 => Self::Absent,
            // EPERM, EACCES
            1 | 13 => Self::Denied,
            // ENOMEM
            12 => Self::TooSmall,
            _ => Self::Fault,
        }
    }

    /// What a number of Mach means, by those of its `kern_return.h`.
    #[must_use]
    pub const fn of_mach(code: i32) -> Self {
        match code {
            // KERN_NO_SPACE
            3 => Self::TooSmall,
            // KERN_PROTECTION_FAILURE, KERN_NO_ACCESS, KERN_DENIED
            2 | 8 | 53 => Self::Denied,
            // KERN_NOT_SUPPORTED
            46 => Self::Absent,
            _ => Self::Fault,
        }
    }

    /// What is said of the value.
    #[must_use]
    pub const fn reason(self) -> NoData {
        match self {
            Self::Absent => NoData::Absent,
            Self::Denied => NoData::Denied,
            Self::TooSmall | Self::Fault => NoData::Fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_macs_not_of_the_system_that_runs_the_test() {
        for (errno, refusal, reason) in [
            (1, Refusal::Denied, NoData::Denied),
            (2, Refusal::Absent, NoData::Absent),
            (3, Refusal::Absent, NoData::Absent),
            (4, Refusal::Fault, NoData::Fault),
            (12, Refusal::TooSmall, NoData::Fault),
            (13, Refusal::Denied, NoData::Denied),
            (45, Refusal::Absent, NoData::Absent),
            // EOPNOTSUPP of Linux is EALREADY's neighbour there.
            (95, Refusal::Fault, NoData::Fault),
        ] {
            assert_eq!(Refusal::of_errno(errno), refusal);
            assert_eq!(refusal.reason(), reason);
        }
        let mach = [2, 3, 4, 5, 8, 46, 53].map(Refusal::of_mach);
        use Refusal::{Absent, Denied, Fault, TooSmall};
        assert_eq!(mach, [Denied, TooSmall, Fault, Fault, Denied, Absent, Denied]);
    }
}
