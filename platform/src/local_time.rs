//! The time of day as people here read it.
//!
//! The zone is that of the environment (TZ, else /etc/localtime) when [`LocalTime::new`] was
//! called: a program that lives on when the zone is changed goes on in the old one. Changes between
//! summer and winter time are in the zone and are followed.

use crate::{clock, os};

const NS_PER_S: u64 = 1_000_000_000;

/// From here to there it is winter once and summer once.
const HALF_YEAR_NS: u64 = 182 * 86_400 * NS_PER_S;

/// The zone of this machine, read once.
///
/// ```
/// let zone = kymo_platform::LocalTime::new();
/// let [.., minutes, _, _, _] = zone.hms(0);
/// assert!(minutes.is_ascii_digit());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LocalTime(());

impl LocalTime {
    /// Reads the zone, which opens files and takes memory: at the start only. Nothing may change
    /// the environment meanwhile, as std demands of those who change it.
    #[must_use]
    #[allow(clippy::new_without_default)] // it does something
    pub fn new() -> Self {
        os::read_time_zone();
        let zone = Self(());
        // The C library keeps the names of summer and winter time when it meets them first.
        let now = clock::now().wall_ns;
        let _ = (zone.hms(now), zone.hms(now.saturating_add(HALF_YEAR_NS)));
        zone
    }

    /// Local `HH:MM:SS` of a wall time in nanoseconds since 1970. Where the system can't tell, it
    /// is that of UTC. Allocates nothing.
    #[must_use]
    pub fn hms(self, wall_ns: u64) -> [u8; 8] {
        let seconds = wall_ns / NS_PER_S;
        text(os::local_time(seconds).unwrap_or_else(|| utc(seconds)))
    }
}

/// Hours, minutes and seconds in UTC.
fn utc(seconds: u64) -> [u8; 3] {
    let part = |seconds: u64| u8::try_from(seconds).unwrap_or(0);
    [part(seconds / 3600 % 24), part(seconds / 60 % 60), part(seconds % 60)]
}

fn text([hours, minutes, seconds]: [u8; 3]) -> [u8; 8] {
    let tens = |number: u8| b'0' + number / 10 % 10;
    let ones = |number: u8| b'0' + number % 10;
    [
        tens(hours),
        ones(hours),
        b':',
        tens(minutes),
        ones(minutes),
        b':',
        tens(seconds),
        ones(seconds),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_each() {
        assert_eq!(&text(utc(0)), b"00:00:00");
        assert_eq!(&text(utc(86_399)), b"23:59:59");
        assert_eq!(&text(utc(1_782_918_367)), b"15:06:07");
        // A second that some zones count.
        assert_eq!(&text([23, 59, 60]), b"23:59:60");
    }

    #[test]
    fn minutes_and_seconds_are_digits_whatever_the_zone() {
        let zone = LocalTime::new();
        for wall_ns in [0, 1_782_918_367_999_999_999, u64::MAX] {
            let text = zone.hms(wall_ns);
            assert!(text.iter().enumerate().all(|(index, byte)| match index {
                2 | 5 => *byte == b':',
                _ => byte.is_ascii_digit(),
            }));
        }
    }
}
