//! Time of short pieces of code: many calls at once, so that the clock costs nothing.

use std::time::Instant;

/// Nanoseconds of one call of `work`, over `calls` of them.
pub fn per_call(calls: u32, mut work: impl FnMut()) -> f64 {
    let begin = Instant::now();
    for _ in 0..calls {
        work();
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}
