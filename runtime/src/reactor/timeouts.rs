//! Tests: ticks without a timer, as on macOS, where the loop's own timeouts are all there is.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use kymo_platform::Fake;

use super::Reactor;
use crate::config::Config;

const RUN: Duration = Duration::from_millis(500);

/// What a subscriber of vitals at some rate got.
#[derive(Debug)]
struct Got {
    frames: u64,
    missed: u64,
    /// Those of them that a busy machine may be the reason for.
    excused: u64,
    /// Ticks that there should have been, at least and at most.
    planned: [f64; 2],
}

impl Got {
    /// Whether each tick was sent or counted as missed.
    fn adds_up(&self) -> bool {
        let found = u32::try_from(self.frames + self.missed).unwrap();
        let [least, most] = self.planned;
        (least - 2.0..=most + 2.0).contains(&f64::from(found))
    }
}

/// Runs a loop without a timer. With `exactly` it waits as the loop asks, to the nanosecond as
/// kqueue does, and turns then; without, the loop waits itself, to the millisecond on Linux.
fn run(rate_hz: u32, exactly: bool) -> Got {
    let mut reactor = Reactor::new(&Config::default(), Box::new(Fake::new())).unwrap();
    reactor.ticker = None;
    let mut client = reactor.connect().unwrap();
    client.set_nonblocking(true).unwrap();
    writeln!(client, "{{\"subscribe\":[\"vitals\"],\"rate_hz\":{rate_hz}}}").unwrap();
    let mut lines = Vec::new();
    // The first frame begins the grid.
    while vitals(&lines) == 0 {
        reactor.turn(Some(Duration::from_millis(1))).unwrap();
        read(&mut client, &mut lines);
    }
    let mut step = |reactor: &mut Reactor, lines: &mut Vec<u8>, wait| {
        let earliest = Instant::now();
        reactor.turn(Some(wait)).unwrap();
        read(&mut client, lines);
        (reactor.hub().ticks_missed(), [earliest, Instant::now()])
    };
    let before = step(&mut reactor, &mut lines, Duration::ZERO);
    let frames = vitals(&lines);
    let begun = Instant::now();
    let (period, mut excused) = (Duration::from_secs(1) / rate_hz, 0);
    while begun.elapsed() < RUN {
        let left = RUN.saturating_sub(begun.elapsed());
        if exactly {
            let (asked_at, wait) = (Instant::now(), reactor.timeout(Some(left)).unwrap());
            std::thread::sleep(wait);
            step(&mut reactor, &mut lines, Duration::ZERO);
            // Two such in a row are less than a period.
            let late = asked_at.elapsed().saturating_sub(wait);
            if late >= period / 2 {
                excused += 1 + late.as_nanos().div_ceil(period.as_nanos());
            }
        } else {
            step(&mut reactor, &mut lines, left);
        }
    }
    let after = step(&mut reactor, &mut lines, Duration::ZERO);
    let ticks = |from: Instant, to: Instant| (to - from).as_secs_f64() * f64::from(rate_hz);
    Got {
        frames: vitals(&lines) - frames,
        missed: after.0 - before.0,
        excused: u64::try_from(excused).unwrap(),
        planned: [ticks(before.1[1], after.1[0]), ticks(before.1[0], after.1[1])],
    }
}

fn read(client: &mut UnixStream, lines: &mut Vec<u8>) {
    let outcome = client.read_to_end(lines);
    assert!(outcome.is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
}

fn vitals(lines: &[u8]) -> u64 {
    str::from_utf8(lines).unwrap().matches("\"type\":\"vitals\"").count() as u64
}

#[test]
fn exact_timeouts_keep_each_rate() {
    for rate_hz in [25, 100, 1000] {
        let got = run(rate_hz, true);
        assert!(got.adds_up() && got.missed <= got.excused, "{rate_hz} Hz: {got:?}");
    }
}

#[test]
fn what_coarse_timeouts_miss_is_counted() {
    for rate_hz in [25, 100, 1000] {
        let got = run(rate_hz, false);
        assert!(got.adds_up() && got.frames > 0, "{rate_hz} Hz: {got:?}");
    }
}
