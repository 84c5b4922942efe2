//! Mach's clocks, which count in units of their own.
//!
//! A unit is 125/3 ns on Apple Silicon and 1 ns on Intel. A program that Rosetta translates is told
//! 1/1 for its own clocks, while the kernel's records stay in the machine's units.

/// How many nanoseconds a unit is. `mach_timebase_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timebase {
    /// Nanoseconds…
    pub numerator: u32,
    /// …in so many units.
    pub denominator: u32,
}

impl Timebase {
    /// Of Intel, and of translated programs' own clocks.
    pub const NANOSECONDS: Self = Self { numerator: 1, denominator: 1 };
    /// Of Apple Silicon: 24 MHz.
    pub const APPLE_SILICON: Self = Self { numerator: 125, denominator: 3 };

    /// Of the kernel's records of processes, as a program sees them whose own is this.
    #[must_use]
    pub const fn of_records(self, is_translated: bool) -> Self {
        if is_translated { Self::APPLE_SILICON } else { self }
    }

    /// Units in nanoseconds; the largest number where they are beyond it.
    #[must_use]
    pub fn nanoseconds(self, units: u64) -> u64 {
        let denominator = u128::from(self.denominator.max(1));
        let exact = u128::from(units) * u128::from(self.numerator) / denominator;
        u64::try_from(exact).unwrap_or(u64::MAX)
    }
}

/// One look at the clocks, in their own units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachClock {
    /// `mach_absolute_time`: stands still while the machine sleeps.
    pub absolute: u64,
    /// `mach_continuous_time`: does not.
    pub continuous: u64,
    /// What a unit is.
    pub timebase: Timebase,
}

impl MachClock {
    /// Nanoseconds that the machine was awake since it was started.
    #[must_use]
    pub fn awake_ns(&self) -> u64 {
        self.timebase.nanoseconds(self.absolute)
    }

    /// Nanoseconds since it was started.
    #[must_use]
    pub fn uptime_ns(&self) -> u64 {
        self.timebase.nanoseconds(self.continuous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_second_is_a_second_on_every_mac() {
        assert_eq!(Timebase::APPLE_SILICON.nanoseconds(24_000_000), 1_000_000_000);
        assert_eq!(Timebase::NANOSECONDS.nanoseconds(1_000_000_000), 1_000_000_000);
        assert_eq!(Timebase::NANOSECONDS.of_records(true), Timebase::APPLE_SILICON);
        assert_eq!(Timebase::NANOSECONDS.of_records(false), Timebase::NANOSECONDS);
        // Two years: a product of 64 bits would be beyond its end.
        let years = 63_072_000u64;
        assert_eq!(Timebase::APPLE_SILICON.nanoseconds(years * 24_000_000), years * 1_000_000_000);
        assert_eq!(Timebase::APPLE_SILICON.nanoseconds(u64::MAX), u64::MAX);
        let timebase = Timebase::APPLE_SILICON;
        let clock = MachClock { absolute: 24_000, continuous: 48_000, timebase };
        assert_eq!((clock.awake_ns(), clock.uptime_ns()), (1_000_000, 2_000_000));
    }

    proptest! {
        #[test]
        fn any_numbers_are_fine(numerator: u32, denominator: u32, units: u64) {
            let _ = Timebase { numerator, denominator }.nanoseconds(units);
        }
    }
}
