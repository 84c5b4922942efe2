//! A run: how it ends, and what happened in it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::daemon::STEPS;
use crate::faults::FAULTS;
use crate::ledger::Sums;
use crate::options::Options;
use crate::storage::OPERATIONS;
use crate::world::World;

/// Simulated nanoseconds of a tick that runs in time.
const TICK_S: f64 = 0.04;

/// What was said of the last panic.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Where and why a run has failed.
#[derive(Debug)]
pub struct Failure {
    /// Ticks that show it.
    pub ticks: u64,
    pub text: String,
}

/// What happened in a run, or in many.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub hash: u64,
    pub ticks: u64,
    pub took: Duration,
    pub faults: Vec<u64>,
    pub deaths: Vec<u64>,
    pub operations: Vec<u64>,
    pub sums: Sums,
    pub lives: u64,
    pub produced: u64,
    pub answers: u64,
    pub refusals: u64,
    pub repeats: u64,
    pub bytes: u64,
    pub offsets: u64,
    pub largest: usize,
}

/// Keeps what a panic says for the report of it.
pub fn silence() {
    std::panic::set_hook(Box::new(|panic| *SAID.lock().unwrap() = panic.to_string()));
}

pub fn run(options: Options) -> Result<Report, Failure> {
    let (tick, begun) = (Cell::new(0), Instant::now());
    // A world that has failed is never looked at again.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(options);
        while tick.get() < options.ticks {
            world.step();
            tick.set(tick.get() + 1);
        }
        world.finish();
        world
    }));
    match outcome {
        Ok(world) => Ok(Report::new(&world, begun.elapsed())),
        Err(_) => {
            let text = std::mem::take(&mut *SAID.lock().unwrap());
            Err(Failure { ticks: (tick.get() + 1).min(options.ticks), text })
        }
    }
}

impl Report {
    fn new(world: &World, took: Duration) -> Self {
        let mut report = Self {
            hash: world.hash(),
            ticks: world.options.ticks,
            took,
            faults: world.faults.counts().to_vec(),
            deaths: world.deaths.to_vec(),
            operations: world.operations.to_vec(),
            lives: world.lives,
            produced: world.truth.next() - 1,
            bytes: world.net.bytes,
            offsets: world.net.wheels.offsets,
            largest: world.net.largest,
            ..Self::default()
        };
        for client in &world.clients {
            report.sums.add(&client.ledger.sums);
            if let Some(publisher) = &client.publisher {
                report.answers += publisher.answers;
                report.refusals += publisher.refusals;
                report.repeats += publisher.repeats;
            }
        }
        report
    }

    pub fn add(&mut self, other: &Self) {
        (self.hash, self.ticks, self.took) =
            (other.hash, self.ticks + other.ticks, self.took + other.took);
        add(&mut self.faults, &other.faults);
        add(&mut self.deaths, &other.deaths);
        add(&mut self.operations, &other.operations);
        self.sums.add(&other.sums);
        self.lives += other.lives;
        self.produced += other.produced;
        self.answers += other.answers;
        self.refusals += other.refusals;
        self.repeats += other.repeats;
        self.bytes += other.bytes;
        self.offsets = self.offsets.max(other.offsets);
        self.largest = self.largest.max(other.largest);
    }

    /// What should have happened and has not.
    pub fn missing(&self) -> Vec<&'static str> {
        let kinds = self.faults.iter().zip(FAULTS.iter().map(|fault| fault.1));
        let steps = self.deaths.iter().zip(STEPS);
        let operations = self.operations.iter().zip(OPERATIONS);
        let Sums { merged, caught_up, missed, tails, gaps, fresh, held, .. } = self.sums;
        let told = [merged, caught_up, missed, tails, gaps, fresh, held];
        let told =
            told.iter().zip(["merged", "caught up", "missed", "tail", "gap", "fresh", "held"]);
        let all = kinds.chain(steps).chain(operations).chain(told);
        all.filter(|(count, _)| **count == 0).map(|(_, name)| name).collect()
    }

    pub fn print(&self) {
        let row = |counts: &[u64], names: &mut dyn Iterator<Item = &'static str>| {
            let pairs = names.zip(counts).map(|(name, count)| format!("{name} {count}"));
            pairs.collect::<Vec<_>>().join(", ")
        };
        println!("  faults: {}", row(&self.faults, &mut FAULTS.iter().map(|fault| fault.1)));
        println!("  deaths before each step: {}", row(&self.deaths, &mut STEPS.into_iter()));
        println!("  deaths in the storage: {}", row(&self.operations, &mut OPERATIONS.into_iter()));
        println!("  {} lives; {} events produced, {:?}", self.lives, self.produced, self.sums);
        println!(
            "  {} answers, {} of them refusals, {} requests said again",
            self.answers, self.refusals, self.repeats
        );
        println!(
            "  {} MB delivered; writes cut up to offset {}; at most {} bytes a send",
            self.bytes / 1_000_000,
            self.offsets,
            self.largest
        );
        let simulated_s = self.ticks as f64 * TICK_S;
        let took_s = self.took.as_secs_f64();
        println!(
            "  {} ticks in {took_s:.2} s: {:.0} times as fast as real",
            self.ticks,
            simulated_s / took_s
        );
    }
}

fn add(sums: &mut Vec<u64>, others: &[u64]) {
    sums.resize(others.len(), 0);
    sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
}
