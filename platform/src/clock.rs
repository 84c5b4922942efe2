//! The only file that asks what time it is.

use nix::time::{ClockId, clock_gettime};

use crate::os;

/// One instant on the three clocks kymo needs.
///
/// ```
/// let earlier = kymo_platform::clock::now();
/// assert!(kymo_platform::clock::now().mono_ns >= earlier.mono_ns);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic nanoseconds that stand still during suspend: schedules and differences.
    pub mono_ns: u64,
    /// Monotonic nanoseconds since boot, suspend included: what frames carry.
    pub boot_ns: u64,
    /// Nanoseconds since 1970, as the system believes: what people read.
    pub wall_ns: u64,
}

/// Reads the monotonic clock alone.
#[must_use]
pub fn mono_ns() -> u64 {
    read(os::CLOCK_MONO)
}

/// Reads the wall clock alone: nanoseconds since 1970, as the system believes.
#[must_use]
pub fn wall_ns() -> u64 {
    read(ClockId::CLOCK_REALTIME)
}

/// Reads the three clocks.
#[must_use]
pub fn now() -> Now {
    Now { mono_ns: read(os::CLOCK_MONO), boot_ns: read(os::CLOCK_BOOT), wall_ns: wall_ns() }
}

fn read(clock: ClockId) -> u64 {
    // The three clocks exist on every supported system; a failure would be a kernel without them.
    clock_gettime(clock).map_or(0, |time| {
        // On some systems these are narrower than 64 bits.
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let nanos = u64::try_from(time.tv_nsec()).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
    })
}
