//! A seeded simulation of all of kymo: one world drives the real hub, its sessions, rings, journal,
//! sampler and sources by simulated time, with simulated sockets, a simulated disk and simulated
//! sensors, for clients of every form; the daemon dies and comes back, and so do they.
//!
//! `make sim` runs one seed, `make test` those in `seeds.txt` and fresh ones. What is checked:
//!
//! * Delivered and told as missed is produced, in order, nothing twice, byte for byte, for each
//!   client over all its connections and all lives of the daemon.
//! * What was acknowledged is there after a death, and after a loss of power if it was synced; no
//!   event is there twice, however often it was submitted; replies are in order.
//! * Whoever has room is served before the loop sleeps, and the loop sleeps.
//! * The same seed gives the same bytes.
//!
//! A run that fails is shrunk, and the command printed that replays the small one. The lane's
//! threads and what they measure by the real clock are the only things that are not simulated; the
//! world waits for them, and ages of samples are left out of the hash.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod daemon;
mod fate;
mod faults;
mod ledger;
mod net;
mod options;
mod publisher;
#[path = "../common/random.rs"]
mod random;
mod reader;
mod run;
mod sensors;
mod shrink;
mod socket;
mod storage;
mod truth;
mod witness;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use options::{HARMS, Options};
use random::Random;
use run::{Report, run};

/// How long fresh seeds are tried in a test.
const FRESH: Duration = Duration::from_secs(60);
/// Ticks of each of them.
const FRESH_TICKS: u64 = 2000;
/// As many as everything takes to happen, however slow the machine.
const FRESH_MIN: u64 = 12;
/// Every seed that ever failed.
const SEEDS: &str = include_str!("seeds.txt");

fn main() -> ExitCode {
    run::silence();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.first().map(String::as_str) {
        Some("run") => one(words.into_iter().skip(1)),
        _ => all(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// What `make sim` does.
fn one(words: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::parse(words)?;
    println!("{}", options.command());
    let report = tried(options)?;
    println!("  hash of all bytes delivered: {:016x}", report.hash);
    report.print();
    Ok(())
}

/// What `make test` does.
fn all() -> Result<(), String> {
    for words in SEEDS.lines().filter(|line| line.starts_with("SEED=")) {
        let words = words.split_whitespace().map(str::to_string);
        tried(Options::parse(words.take_while(|word| word != "#"))?)?;
    }
    let first = Random::fresh_seed();
    repeats(first)?;
    harm_is_found(first)?;
    let (mut sum, mut runs, begun) = (Report::default(), 0, Instant::now());
    while begun.elapsed() < FRESH || runs < FRESH_MIN {
        let seed = first.wrapping_add(runs);
        sum.add(&tried(Options { ticks: FRESH_TICKS, ..Options::new(seed) })?);
        runs += 1;
    }
    println!("sim: {runs} seeds from {first}");
    sum.print();
    match sum.missing() {
        missing if missing.is_empty() => Ok(()),
        missing => Err(format!("these have never happened: {missing:?}")),
    }
}

/// A run; if it fails, the smallest one that does.
fn tried(options: Options) -> Result<Report, String> {
    run(options).map_err(|failure| {
        eprintln!("failed: {}\n{}\nshrinking…", options.command(), failure.text);
        let (options, failure) = shrink::shrink(options, failure);
        format!("{}\nreplay with: {}", failure.text, options.command())
    })
}

/// The same seed gives the same bytes, another one others.
fn repeats(seed: u64) -> Result<(), String> {
    // On a busy machine a thread that hangs may do so beyond its budget by the real clock.
    let without = faults::parse("hung-sensor")?;
    let options = Options { ticks: 300, without, ..Options::new(seed) };
    let first = tried(options)?;
    let hashes = [options, Options { seed: seed ^ 1, ..options }].map(tried);
    let [second, other] = hashes.map(|report| report.map(|report| report.hash));
    if second? != first.hash || other? == first.hash {
        return Err(format!("{} is not the same each time", options.command()));
    }
    Ok(())
}

/// The canaries: what nobody may do must not go unnoticed, and shrinks to something that still
/// shows it.
fn harm_is_found(seed: u64) -> Result<(), String> {
    // Damage takes acknowledged events away, one for each bit, and writes that fail cost history.
    let without = faults::parse("flipped-bit,lost-write,full-disk,failed-sync")?;
    for (harm, name) in HARMS {
        let sound = Options { ticks: 500, without, ..Options::new(seed) };
        tried(sound)?;
        let options = Options { harm: Some(harm), ..sound };
        let Err(failure) = run(options) else {
            return Err(format!("nobody noticed: {}", options.command()));
        };
        let (small, failure) = shrink::shrink(options, failure);
        if run(small).is_ok() {
            return Err(format!("this no longer fails: {}", small.command()));
        }
        println!("sim: {name} is found: {}, {}", small.command(), failure.text);
    }
    Ok(())
}
