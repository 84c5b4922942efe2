//! kymod is killed at random moments, again and again, while publishers and subscribers go on.
//!
//! Publishers repeat what was not acknowledged, under the same key; subscribers connect again and
//! resume behind the last event they have. Whatever the moment, each subscriber must get each event
//! once, in order, without a gap, at the sequence its publisher was told, in one epoch.
//!
//! `KYMO_KILL_CYCLES=N` sets how many kills (2,000), `KYMO_KILL_SEED=N` the seed of what is random
//! here; the machine's own timing is random besides. `make soak` runs any number.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

// The other tests of kymod use the rest of it.
#[allow(dead_code, unused_imports)]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/random.rs"]
mod random;

mod ledger;
mod publisher;
mod subscriber;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::{Daemon, PATIENCE, Scratch};
use ledger::{Ledger, PUBLISHERS};
use nix::sys::signal::Signal;
use publisher::Publisher;
use random::Random;
use serde_json::Value;
use subscriber::{Format, Seen, Subscriber};

const CYCLES: u64 = 2000;

/// The journal's usual size.
const JOURNAL_BYTES: u64 = kymo::limits::JOURNAL_BYTES_DEFAULT as u64;

/// A kill comes this many microseconds after the start at most.
const LIFE_US: u64 = 20_000;

/// What half of the starts may take with a full journal; the others may have to wait for a
/// processor, since all the clients run beside them. A debug build computes checksums twenty times
/// slower.
const START_MAX: Duration =
    if cfg!(debug_assertions) { Duration::from_millis(500) } else { Duration::from_millis(50) };

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The epoch of a daemon, which stays once there is an event.
fn begin_epoch(daemon: &Daemon) -> String {
    let mut control = daemon.json("control.sock");
    let reply = control.say("{\"action\":\"submit\",\"event\":{\"topic\":\"first\"}}\n").line();
    assert_eq!(reply["seq"], 1, "{reply}");
    daemon.json("json.sock").expect("welcome")["epoch"].as_str().unwrap().into()
}

/// A thread of this test that says what it found wrong.
type Worker<T> = JoinHandle<Result<T, String>>;

fn worker<T: Send + 'static>(
    ledger: &Arc<Ledger>,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Worker<T> {
    let ledger = Arc::clone(ledger);
    std::thread::spawn(move || {
        // A panic is a fault as well.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let outcome = outcome.unwrap_or_else(|_| Err("a panic, see above".into()));
        if outcome.is_err() {
            ledger.stop();
        }
        outcome
    })
}

/// Everybody but the daemon.
struct Crowd {
    ledger: Arc<Ledger>,
    publishers: Vec<Worker<()>>,
    subscribers: Vec<Worker<Seen>>,
}

impl Crowd {
    fn new(seed: u64, directory: &Path, epoch: &str) -> Self {
        let ledger = Arc::new(Ledger::new(seed));
        let publishers = (0..PUBLISHERS).map(|index| {
            let publisher = Publisher::new(Arc::clone(&ledger), index, directory);
            worker(&ledger, move || publisher.run())
        });
        let subscribers = [Format::Binary, Format::Json].into_iter().enumerate();
        let subscribers = subscribers.map(|(index, format)| {
            let subscriber =
                Subscriber::new(Arc::clone(&ledger), index, format, directory, epoch.into());
            worker(&ledger, move || subscriber.run())
        });
        Self {
            publishers: publishers.collect(),
            subscribers: subscribers.collect(),
            ledger: Arc::clone(&ledger),
        }
    }

    /// Lets publishers and subscribers do until the journal has no room but by forgetting.
    fn fill(&self, daemon: &Daemon) {
        let oldest = |line: Value| line["streams"]["events"]["oldest"].as_u64();
        let deadline = Instant::now() + PATIENCE;
        while oldest(daemon.json("json.sock").expect("welcome")).is_none_or(|oldest| oldest < 2) {
            assert!(Instant::now() < deadline, "the journal does not fill up");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Lets publishers and subscribers finish, and compares what they know. Returns the number of
    /// events.
    fn settle(self) -> Result<u64, String> {
        self.ledger.drain();
        let deadline = Instant::now() + PATIENCE;
        let done = |publishers: &[Worker<()>]| publishers.iter().all(Worker::is_finished);
        while !done(&self.publishers) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        let end = self.ledger.told();
        while !self.ledger.has_arrived(end) && !self.ledger.is_over() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        // One that would come twice comes now.
        std::thread::sleep(Duration::from_millis(20));
        self.ledger.stop();
        let unheard = !self.ledger.has_arrived(end);
        for publisher in self.publishers {
            publisher.join().unwrap()?;
        }
        for subscriber in self.subscribers {
            let seen = subscriber.join().unwrap()?;
            self.ledger.compare(&seen)?;
        }
        if unheard {
            return Err(format!("event {end} was acknowledged and did not arrive"));
        }
        Ok(end)
    }
}

/// What a run has measured.
#[derive(Default)]
struct Figures {
    starts: Vec<Duration>,
    full_starts: Vec<Duration>,
    events: u64,
}

/// Kills a daemon with a journal of so many bytes so many times.
fn run(seed: u64, cycles: u64, bytes: u64, figures: &mut Figures) -> Result<(), String> {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", &format!("journal.bytes = {bytes}\n"));
    let options = ["--config", config.as_str()];
    let mut random = Random::new(seed);
    let mut daemon = Daemon::start_in(&scratch.0, &options);
    let crowd = Crowd::new(seed, &scratch.0, &begin_epoch(&daemon));
    if bytes == JOURNAL_BYTES {
        crowd.fill(&daemon);
    }
    for cycle in 0..cycles {
        let life_max = if random.one_in(2) { LIFE_US / 8 } else { LIFE_US };
        let life_us = random.below(life_max);
        std::thread::sleep(Duration::from_micros(life_us));
        daemon.signal(Signal::SIGKILL);
        if daemon.said().contains("panicked") {
            return Err(format!("cycle {cycle}: {}", daemon.said()));
        }
        drop(daemon);
        if crowd.ledger.is_over() {
            return Err(format!("cycle {cycle}: {:?}", crowd.settle().err()));
        }
        let start = Instant::now();
        daemon = Daemon::start_in(&scratch.0, &options);
        figures.starts.push(start.elapsed());
        if bytes == JOURNAL_BYTES {
            figures.full_starts.push(start.elapsed());
        }
    }
    figures.events += crowd.settle()?;
    daemon.signal(Signal::SIGTERM);
    match daemon.wait().code() {
        Some(0) => Ok(()),
        code => Err(format!("the last end was {code:?}: {}", daemon.said())),
    }
}

/// p50, p99 and the longest.
fn quantiles(times: &mut [Duration]) -> [Duration; 3] {
    times.sort();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().max(1) - 1));
    [at(50), at(99), at(100)].map(|time| time.copied().unwrap_or_default())
}

#[test]
fn every_event_arrives_once_whenever_it_is_killed() {
    let cycles = number("KYMO_KILL_CYCLES").unwrap_or(CYCLES);
    let seed = number("KYMO_KILL_SEED").unwrap_or_else(Random::fresh_seed);
    println!("{cycles} kills, KYMO_KILL_SEED={seed}");
    let mut figures = Figures::default();
    let start = Instant::now();
    // A small journal is read sooner, and its segments are begun more often.
    let of_full = cycles / 40;
    let outcome = run(seed, cycles - of_full, JOURNAL_BYTES / 8, &mut figures)
        .and_then(|()| run(seed, of_full, JOURNAL_BYTES, &mut figures));
    let took = start.elapsed().as_secs_f64();
    if let Err(fault) = outcome {
        panic!("replay with KYMO_KILL_SEED={seed}: {fault}");
    }
    let full = figures.full_starts.len();
    println!(
        "{took:.1} s, {:.1} kills/s, {} events; from start to ready [p50, p99, max] \
         {:.1?}, {full} of them with a full journal {:.1?}",
        cycles as f64 / took,
        figures.events,
        quantiles(&mut figures.starts),
        quantiles(&mut figures.full_starts),
    );
    assert!(figures.events >= 10 * cycles, "too little happened to mean anything");
    let [p50, ..] = quantiles(&mut figures.full_starts);
    assert!(p50 <= START_MAX, "a start takes {p50:?} with a full journal");
}
