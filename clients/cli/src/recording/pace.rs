//! When it is time for what was recorded.

use std::time::{Duration, Instant};

/// Seconds that are as good as for ever: a damaged file may have any time.
const CENTURY_S: f64 = 3e9;

/// Whole nanoseconds.
pub fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// When it is time for what was made at `at_ns`, if what was made at `from_ns` was due at `begun`
/// and everything goes `speed` times as fast.
pub fn due(begun: Instant, from_ns: u64, at_ns: u64, speed: f64) -> Instant {
    let since_s = Duration::from_nanos(at_ns.saturating_sub(from_ns)).as_secs_f64() / speed;
    let since = Duration::try_from_secs_f64(since_s.min(CENTURY_S)).unwrap_or(Duration::ZERO);
    begun.checked_add(since).unwrap_or(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_can_not_be_is_never_due() {
        let begun = Instant::now();
        let since = |at_ns, speed| due(begun, 1_000_000_000, at_ns, speed) - begun;
        assert_eq!(since(3_000_000_000, 4.0), Duration::from_millis(500));
        assert_eq!(since(5, 1.0), Duration::ZERO, "before the beginning");
        assert_eq!(since(u64::MAX, 1e-300), Duration::from_secs(3_000_000_000));
    }
}
