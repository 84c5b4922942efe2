//! Threads that compute, and memory that is kept.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

/// A busy part and a rest: short beside what any meter looks at.
const CYCLE: Duration = Duration::from_millis(10);

/// Bytes that are written at a time, so that an end is noticed.
const PIECE: usize = 1 << 20;

/// No page is smaller.
const PAGE: usize = 4096;

/// How often an end is looked for.
const STEP: Duration = Duration::from_millis(50);

/// Computes for `share` percent of the time until it is over; the processor time that it had.
pub fn compute(share: u32, is_ending: &AtomicBool) -> Duration {
    let busy = CYCLE * share.min(100) / 100;
    let mut number = 1_u64;
    let mut due = Instant::now();
    while !is_ending.load(Ordering::Relaxed) {
        while due.elapsed() < busy {
            for _ in 0..1000 {
                number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            }
        }
        due += CYCLE;
        // Who is behind, because others had the processor, does not make up for it.
        due = due.max(Instant::now().checked_sub(CYCLE).unwrap_or(due));
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    thread_time()
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map_or(Duration::ZERO, |time| {
        Duration::from_nanos(u64::try_from(time.num_nanoseconds()).unwrap_or(0))
    })
}

/// Has `size` bytes until it is over, each page of them its own.
pub fn hold(size: u64, is_ending: &AtomicBool) {
    let pieces = usize::try_from(size.div_ceil(PIECE as u64)).unwrap_or(usize::MAX);
    let mut held: Vec<Vec<u8>> = Vec::new();
    while !is_ending.load(Ordering::Relaxed) {
        if held.len() == pieces {
            thread::sleep(STEP);
            continue;
        }
        let left = size - (held.len() * PIECE) as u64;
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        // Each page another one, which none of the kernel's means to save memory can merge.
        for (number, page) in piece.chunks_mut(PAGE).enumerate() {
            let mark = (held.len() * PIECE / PAGE + number) as u64;
            if let Some(place) = page.first_chunk_mut::<8>() {
                *place = mark.to_le_bytes();
            }
        }
        held.push(black_box(piece));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_time_is_computed() {
        let is_ending = AtomicBool::new(false);
        let start = Instant::now();
        let computed = thread::scope(|scope| {
            let thread = scope.spawn(|| compute(20, &is_ending));
            thread::sleep(Duration::from_millis(500));
            is_ending.store(true, Ordering::Relaxed);
            thread.join().unwrap()
        });
        let share = computed.as_secs_f64() / start.elapsed().as_secs_f64();
        // A machine with other work gives less.
        assert!(share > 0.02 && share < 0.35, "{share}");
    }

    #[test]
    fn memory_is_really_taken() {
        let is_ending = AtomicBool::new(false);
        let resident = || {
            let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
            text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0)
        };
        let before = resident();
        thread::scope(|scope| {
            scope.spawn(|| hold(64 << 20, &is_ending));
            let start = Instant::now();
            while before > 0
                && resident() < before + (60 << 20) / PAGE
                && start.elapsed() < Duration::from_secs(20)
            {
                thread::sleep(Duration::from_millis(20));
            }
            let taken = resident();
            is_ending.store(true, Ordering::Relaxed);
            assert!(before == 0 || taken >= before + (60 << 20) / PAGE, "{before} {taken}");
        });
    }
}
