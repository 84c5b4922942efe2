//! Of a run that fails, a smaller one that fails as well: fewer ticks, then fewer clients, then
//! fewer kinds of faults.

use crate::faults::FAULTS;
use crate::options::Options;
use crate::run::{Failure, run};

/// The smaller run, and how it fails.
pub fn shrink(options: Options, failure: Failure) -> (Options, Failure) {
    let mut best = (Options { ticks: failure.ticks, ..options }, failure);
    for clients in [1, 2, 4, 8, 16, 32] {
        let fewer = Options { clients, ..best.0 };
        if clients < best.0.clients && attempt(&mut best, fewer) {
            break;
        }
    }
    for index in 0..FAULTS.len() {
        let without = best.0.without | 1 << index;
        let fewer = Options { without, ..best.0 };
        if without != best.0.without {
            attempt(&mut best, fewer);
        }
    }
    best
}

/// Takes the smaller run if it fails.
fn attempt(best: &mut (Options, Failure), options: Options) -> bool {
    let Err(failure) = run(options) else { return false };
    *best = (Options { ticks: failure.ticks, ..options }, failure);
    true
}
