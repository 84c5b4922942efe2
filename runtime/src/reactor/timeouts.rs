//! Tests: ticks without a timer, as on macOS, where the loop's own timeouts are all there is.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use kymo_platform::Fake;

use super::Reactor;
use crate::config::Config;

const RUN: Duration = Duration::from_millis(500);
/// The machine may be busy with others.
const ATTEMPTS: usize = 10;

/// What a subscriber of vitals at some rate got.
#[derive(Debug)]
struct Got {
    frames: u64,
    missed: u64,
    /// Ticks that there should have been.
    planned: f64,
}

impl Got {
    /// Whether each tick was sent or counted as missed.
    fn adds_up(&self) -> bool {
        let found = u32::try_from(self.frames + self.missed).unwrap();
        (f64::from(found) - self.planned).abs() <= 2.0
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
    let (begun, before) = (Instant::now(), (vitals(&lines), reactor.hub().ticks_missed()));
    while begun.elapsed() < RUN {
        let left = RUN.saturating_sub(begun.elapsed());
        if exactly {
            std::thread::sleep(reactor.timeout(Some(left)).unwrap());
            reactor.turn(Some(Duration::ZERO)).unwrap();
        } else {
            reactor.turn(Some(left)).unwrap();
        }
        read(&mut client, &mut lines);
    }
    let planned = begun.elapsed().as_secs_f64() * f64::from(rate_hz);
    let frames = vitals(&lines) - before.0;
    Got { frames, missed: reactor.hub().ticks_missed() - before.1, planned }
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
        let keeps = |_| {
            let got = run(rate_hz, true);
            assert!(got.adds_up(), "{rate_hz} Hz: {got:?}");
            got.missed * 50 <= got.frames
        };
        assert!((0..ATTEMPTS).any(keeps), "{rate_hz} Hz: a tick in fifty is missed");
    }
}

#[test]
fn what_coarse_timeouts_miss_is_counted() {
    for rate_hz in [25, 100, 1000] {
        let got = run(rate_hz, false);
        assert!(got.adds_up() && got.frames > 0, "{rate_hz} Hz: {got:?}");
    }
}
