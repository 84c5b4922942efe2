//! The only file that asks what time it is.

use nix::time::{ClockId, clock_getres, clock_gettime};

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

/// How fast the wall clock may be slewed beside the others, in millionths. Whatever moves it
/// farther has set it. Those two are one counter, so what is between them is sleep.
pub const SLEW_PPM: u64 = os::CLOCK_SLEW_PPM;

/// Readings farther apart than this were interrupted, and are made again.
const SPREAD_NS_MAX: u64 = 1_000_000;
/// So often at most: a machine that is so busy has no better ones.
const READINGS_MAX: u32 = 4;

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

/// The nanoseconds by which the clocks of [`Now`] advance, in the order of its fields, as the
/// system says.
#[must_use]
pub fn resolutions_ns() -> [Option<u64>; 3] {
    [os::CLOCK_MONO, os::CLOCK_BOOT, ClockId::CLOCK_REALTIME].map(|clock| {
        let time = clock_getres(clock).ok()?;
        let seconds = u64::try_from(time.tv_sec()).ok()?;
        Some(seconds * 1_000_000_000 + u64::try_from(time.tv_nsec()).ok()?)
    })
}

/// Reads the three clocks, at one instant as far as a program can tell: their distances say whether
/// the machine slept, and who is kept from the processor between two of them must not see a sleep.
#[must_use]
pub fn now() -> Now {
    read_together(
        || Now { mono_ns: mono_ns(), boot_ns: read(os::CLOCK_BOOT), wall_ns: wall_ns() },
        mono_ns,
    )
}

fn read_together(mut read: impl FnMut() -> Now, mut mono_ns: impl FnMut() -> u64) -> Now {
    let mut now = read();
    for _ in 1..READINGS_MAX {
        if mono_ns().saturating_sub(now.mono_ns) <= SPREAD_NS_MAX {
            break;
        }
        now = read();
    }
    now
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn readings_that_were_interrupted_are_made_again() {
        for (pauses_ns, readings) in [
            (&[0, 0][..], 1),
            (&[SPREAD_NS_MAX, 0], 1),
            (&[40_000_000, 0], 2),
            (&[40_000_000, 2_000_000, 0], 3),
            (&[9_000_000; 9], READINGS_MAX),
        ] {
            let (mono_ns, made) = (Cell::new(5), Cell::new(0));
            let read = || {
                let before_ns = mono_ns.get();
                mono_ns.set(before_ns + pauses_ns[made.get()]);
                made.set(made.get() + 1);
                Now { mono_ns: before_ns, boot_ns: mono_ns.get(), wall_ns: 0 }
            };
            let now = read_together(read, || mono_ns.get());
            assert_eq!(made.get(), readings as usize);
            let is_whole = now.boot_ns - now.mono_ns <= SPREAD_NS_MAX;
            assert_eq!(is_whole, readings < READINGS_MAX, "{now:?}");
        }
    }

    /// Of one instant: their distances stand still, unless somebody sets a clock.
    #[test]
    fn distances_stand_still() {
        let asleep = |now: Now| now.boot_ns.wrapping_sub(now.mono_ns).cast_signed();
        let first = now();
        let worst = (0..100_000).map(|_| (asleep(now()) - asleep(first)).abs()).max().unwrap();
        assert!(worst < 50_000_000, "{worst} ns");
    }
}
