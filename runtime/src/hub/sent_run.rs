//! How far into a run of frames a socket came.

use crate::ring::Ring;

/// What a socket took of a run.
#[derive(Debug)]
pub struct SentRun<'a> {
    /// Sequence behind the last frame it began.
    pub end: u64,
    /// What it left of that frame.
    pub rest: &'a [u8],
    /// Bytes of that frame.
    pub rest_of: usize,
}

/// What `taken` bytes are of the frames `first..end`.
pub fn sent_of_run(ring: &Ring, first: u64, end: u64, taken: usize) -> SentRun<'_> {
    // Nearly always the socket takes all of it.
    if ring.bytes_of(first, end).is_some_and(|bytes| bytes.len() == taken) {
        return SentRun { end, rest: &[], rest_of: 0 };
    }
    let mut left = taken;
    for sequence in first..end {
        let frame = ring.get(sequence).unwrap_or_default();
        if left == 0 {
            return SentRun { end: sequence, rest: &[], rest_of: 0 };
        }
        if left < frame.len() {
            return SentRun { end: sequence + 1, rest: &frame[left..], rest_of: frame.len() };
        }
        left -= frame.len();
    }
    SentRun { end, rest: &[], rest_of: 0 }
}
