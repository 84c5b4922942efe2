//! Hundreds of hostile clients beside 64 honest ones, at a real daemon.
//!
//! Each behaviour is played by a process of its own, for a while, one after the other; then it
//! ends. Meanwhile honest clients of every form read vitals at 25 Hz and events, one publishes, and
//! newcomers come. What must hold is in `verdict`: honest frames in time and complete, nobody
//! honest cut or kept out, the owner answered; and of the daemon no memory, no descriptor, no
//! client, no flood in the log and no more than one core. In time is measured beside the same
//! without anybody hostile, every few behaviours.
//!
//! Without arguments each behaviour is short and bounds are wide: it shows that everything works.
//! `--full` is what `make hostile` runs. `--only WORD` takes those whose name holds it,
//! `--span-ms N` sets how long each lasts, `--list` says what they are. Canaries do harm that must
//! be seen, and come last in every run.
//!
//! It is a test of this package, and no benchmark, because cargo then builds the very daemon it
//! runs, and because it gives verdicts. It has a `main` of its own, so that it can start itself as
//! the hostile process, and because everything else that runs at the time spoils what it measures.

// A test, but without libtest, by which clippy knows tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// The other tests of kymod use the rest of it.
#[allow(dead_code, unused_imports)]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/random.rs"]
mod random;

mod args;
mod attack;
mod behaviour;
mod behaviours;
mod client;
mod honest;
mod record;
mod script;
mod state;
mod table;
mod tally;
mod trial;
mod verdict;
mod words;

use std::process::ExitCode;

use args::Args;
use behaviour::Behaviour;
use common::{Daemon, Scratch};
use honest::Honest;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;
use trial::Trial;
use verdict::Bounds;

/// Places for clients: the honest, a few hundred others, and no more.
const PLACES: &str = "512";

/// So many behaviours are between two times without any: machines change.
const PEACE: usize = 10;

/// A machine that does other things may be late for once; what a client does to others, it does
/// each time.
const TRIES: usize = 3;

fn main() -> ExitCode {
    let outcome = Args::parse().and_then(|args| match &args.attack {
        Some(orders) => {
            let behaviour = behaviours::named(&orders.name).ok_or("no such behaviour")?;
            attack::run(behaviour, orders.clone(), args.span).map(|()| true)
        }
        None if args.is_list => {
            behaviours::all().for_each(|behaviour| println!("{}", table::description(behaviour)));
            Ok(true)
        }
        None => run(&args),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("hostile: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything holds.
fn run(args: &Args) -> Result<bool, String> {
    allow_descriptors();
    let mut bounds = Bounds::of(args);
    let daemon = start();
    let honest = Honest::begin(&daemon);
    std::thread::sleep(args.span.min(std::time::Duration::from_secs(1)));
    let mut results = Results::default();
    println!("{}", table::HEAD);
    results.peace(args, &mut bounds, &daemon, &honest)?;
    let is_wanted = |behaviour: &&Behaviour| {
        args.only.as_ref().is_none_or(|word| behaviour.name.contains(word.as_str()))
            && (!behaviour.needs_root || geteuid().is_root())
    };
    for (index, behaviour) in behaviours::all().filter(is_wanted).enumerate() {
        if index > 0 && index % PEACE == 0 {
            results.peace(args, &mut bounds, &daemon, &honest)?;
        }
        results.hold(behaviour, args, &bounds, &daemon, &honest)?;
    }
    results.peace(args, &mut bounds, &daemon, &honest)?;
    let behaved = results.line();
    results.nobody_stays(&daemon, honest);
    for (canary, sign) in behaviours::CANARIES {
        let daemon = start();
        let honest = Honest::begin(&daemon);
        std::thread::sleep(std::time::Duration::from_millis(300));
        results.canary((canary, sign), args, &bounds, &daemon, &honest)?;
    }
    println!("{behaved}");
    Ok(results.failed.is_empty())
}

fn start() -> Daemon {
    let scratch = Scratch::new();
    let opta = "[[listener]]\npath = \"opta.sock\"\nformat = \"opta1\"\n";
    let config = scratch.write("kymo.toml", opta);
    let daemon = Daemon::start_in_scratch(scratch, &["--clients", PLACES, "--config", &config]);
    // Sources open their files when they are asked for first, and keep them.
    let mut first = daemon.json("stream.sock");
    first.say("{\"subscribe\":[\"samples\",\"processes\"],\"rate_hz\":10}\n");
    while first.line()["type"] != "processes" {}
    std::thread::sleep(std::time::Duration::from_millis(200));
    daemon
}

/// Those that the behaviours need; processes inherit the bound.
fn allow_descriptors() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(4096)), hard).unwrap();
}

/// What was found.
#[derive(Debug, Default)]
struct Results {
    held: usize,
    failed: Vec<&'static str>,
    /// The worst lateness without and with hostile clients, in milliseconds.
    base_ms: f64,
    worst: (&'static str, f64),
}

impl Results {
    fn peace(
        &mut self,
        args: &Args,
        bounds: &mut Bounds,
        daemon: &Daemon,
        honest: &Honest,
    ) -> Result<(), String> {
        let trial = trial::peace(args.span, daemon, honest)?;
        let faults = bounds.faults(None, &trial);
        println!("{}", table::row("(nobody hostile)", 0, &trial, &faults, 1));
        bounds.base_ms = trial.record.late_ms(0.999);
        self.base_ms = self.base_ms.max(bounds.base_ms);
        Ok(())
    }

    fn hold(
        &mut self,
        behaviour: &'static Behaviour,
        args: &Args,
        bounds: &Bounds,
        daemon: &Daemon,
        honest: &Honest,
    ) -> Result<(), String> {
        for attempt in 1..=TRIES {
            let trial = trial::hold(behaviour, args, daemon, honest)?;
            let faults = bounds.faults(Some(behaviour), &trial);
            println!("{}", self.row(behaviour, &trial, &faults, attempt));
            if faults.is_empty() {
                self.held += 1;
                return Ok(());
            }
        }
        self.failed.push(behaviour.name);
        Ok(())
    }

    fn row(
        &mut self,
        behaviour: &'static Behaviour,
        trial: &Trial,
        faults: &[String],
        attempt: usize,
    ) -> String {
        let late_ms = trial.record.late_ms(0.999);
        if late_ms > self.worst.1 {
            self.worst = (behaviour.name, late_ms);
        }
        table::row(behaviour.name, behaviour.clients, trial, faults, attempt)
    }

    /// Harm that has to be seen, by its sign.
    fn canary(
        &mut self,
        (canary, sign): (&'static Behaviour, &str),
        args: &Args,
        bounds: &Bounds,
        daemon: &Daemon,
        honest: &Honest,
    ) -> Result<(), String> {
        let args = Args { is_full: false, ..args.clone() };
        let trial = trial::hold(canary, &args, daemon, honest)?;
        let faults = bounds.faults(Some(canary), &trial);
        println!("{}", table::row(canary.name, canary.clients, &trial, &faults, 1));
        if !faults.iter().any(|fault| fault.contains(sign)) {
            println!("{}: this was harm, and nobody saw it", canary.name);
            self.failed.push(canary.name);
        }
        Ok(())
    }

    /// When the honest ones have left as well, the daemon holds nobody.
    fn nobody_stays(&mut self, daemon: &Daemon, honest: Honest) {
        drop(honest);
        let gone = common::eventually(|| {
            let status = daemon.owner().act("status");
            let nobody = status["clients"].as_array().is_some_and(Vec::is_empty);
            (nobody && status["control_clients"] == 1).then_some(())
        });
        if gone.is_none() {
            println!("somebody stays when all have left");
            self.failed.push("(nobody stays)");
        }
    }

    fn line(&self) -> String {
        table::machine_line(self.held, &self.failed, self.base_ms, self.worst)
    }
}
