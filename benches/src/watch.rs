//! Takes what subscribers get for a while, and tells how late and how complete it was.

use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::Outcome;
use crate::reader::{Reader, Seen, Subscriber};
use crate::stats::quantile;

/// What came.
#[derive(Clone, Debug)]
pub struct Watch {
    late_ns: Vec<f64>,
    tallies: Vec<Tally>,
}

/// What came to one subscriber.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    first: Option<Seen>,
    last: Option<Seen>,
    frames: u64,
}

/// Frames of one stream over a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// Frames produced from the first to the last that was seen.
    pub frames: u64,
    /// Frames that the rate would have had room for in that time.
    pub expected: f64,
}

impl Watch {
    fn new(readers: usize) -> Self {
        // Enough for what is measured here; growing now and then does no harm to a median.
        Self { late_ns: Vec::with_capacity(1 << 18), tallies: vec![Tally::default(); readers] }
    }

    fn note(&mut self, reader: usize, seen: Seen) {
        self.late_ns.push(seen.late_ns as f64);
        let tally = &mut self.tallies[reader];
        tally.first.get_or_insert(seen);
        tally.last = Some(seen);
        tally.frames += 1;
    }

    fn finish(mut self) -> Self {
        self.late_ns.sort_by(f64::total_cmp);
        self
    }

    /// The lateness in nanoseconds that the share `q` of all frames stays below.
    #[must_use]
    pub fn late_ns(&self, q: f64) -> f64 {
        quantile(&self.late_ns, q)
    }

    /// Frames that were later than `bound_ns`.
    #[must_use]
    pub fn later_than(&self, bound_ns: f64) -> usize {
        self.late_ns.len() - self.late_ns.partition_point(|late_ns| *late_ns <= bound_ns)
    }

    /// Frames that came, to all.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.frames).sum()
    }

    /// Frames between the first and the last of each subscriber that did not come to it.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let lost = |tally: &Tally| match (tally.first, tally.last) {
            (Some(first), Some(last)) => last.sequence - first.sequence + 1 - tally.frames,
            _ => 0,
        };
        self.tallies.iter().map(lost).sum()
    }

    /// Subscribers that got nothing.
    #[must_use]
    pub fn without(&self) -> usize {
        self.tallies.iter().filter(|tally| tally.frames == 0).count()
    }

    /// Frames produced, against those that ticks at `rate_hz` would have been, as the first
    /// subscriber saw it.
    #[must_use]
    pub fn span(&self, rate_hz: u32) -> Span {
        let ends = self.tallies.first().and_then(|tally| Some((tally.first?, tally.last?)));
        ends.map_or_else(Span::default, |(first, last)| Span {
            frames: last.sequence - first.sequence,
            expected: (last.boot_ns - first.boot_ns) as f64 * f64::from(rate_hz) / 1e9,
        })
    }
}

impl Span {
    /// Share of ticks without a frame, in percent. The ends are off by a part of a tick, which is
    /// not counted.
    #[must_use]
    pub fn skipped_percent(self) -> f64 {
        let skipped = (self.expected - self.frames as f64).round().max(0.0);
        if self.expected > 0.0 { skipped * 100.0 / self.expected } else { 0.0 }
    }
}

/// One subscriber that waits in its read, as a user interface's thread does.
///
/// # Errors
///
/// When the server is gone or silent.
pub fn one(reader: &mut Reader, span: Duration) -> Outcome<Watch> {
    let mut watch = Watch::new(1);
    let until = Instant::now() + span;
    while Instant::now() < until {
        reader.read(|seen| watch.note(0, seen))?;
    }
    Ok(watch.finish())
}

/// Many subscribers in one thread.
///
/// # Errors
///
/// When the server is gone or silent.
pub fn many<S: Subscriber>(readers: &mut [S], span: Duration) -> Outcome<Watch> {
    let mut watch = Watch::new(readers.len());
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    for (reader, index) in readers.iter().zip(0..) {
        epoll.add(reader.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, index))?;
    }
    let mut events = vec![EpollEvent::empty(); 1024];
    let until = Instant::now() + span;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(watch.finish());
        }
        let left_ms = u16::try_from(left.as_millis().saturating_add(1)).unwrap_or(u16::MAX);
        let count = epoll.wait(&mut events, EpollTimeout::from(left_ms))?;
        for event in events.iter().take(count) {
            let index = usize::try_from(event.data())?;
            readers[index].read_each(&mut |seen| watch.note(index, seen))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_in_sequence_and_in_time_are_told_apart() {
        let mut watch = Watch::new(2);
        for sequence in [1, 2, 5, 6] {
            // Produced at 25 Hz, but two of the ticks between 2 and 5 gave no frame.
            let tick = if sequence < 5 { sequence } else { sequence + 2 };
            watch.note(0, Seen { sequence, boot_ns: tick * 40_000_000, late_ns: sequence * 10 });
        }
        let watch = watch.finish();
        assert_eq!((watch.frames(), watch.lost(), watch.without()), (4, 2, 1));
        assert_eq!(watch.span(25), Span { frames: 5, expected: 7.0 });
        assert!((watch.span(25).skipped_percent() - 200.0 / 7.0).abs() < 1e-9);
        assert_eq!((watch.late_ns(1.0), watch.later_than(50.0)), (60.0, 1));
    }
}
