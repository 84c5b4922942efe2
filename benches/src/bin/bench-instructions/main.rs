//! How many instructions do the calls of every tick and every event take, and are they more than
//! they were?
//!
//! Without arguments it runs itself under callgrind, once for each work and number of calls, and
//! compares with the baseline. With a name and a number it does that work so many times.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::{env, fs, thread};

use kymo_benches::baseline::Baseline;
use kymo_benches::{Outcome, callgrind, host};
// What the ring's file asks of its crate.
use kymo::limits;

mod codec;
mod hub;

// The runtime shows its ring to nobody: it is built here once more, by the same profile.
#[path = "../../../../runtime/src/buffer.rs"]
mod buffer;
#[allow(dead_code)]
#[path = "../../../../runtime/src/ring.rs"]
mod ring;

const BASELINE: &str = "benches/instructions.txt";

/// Does something so many times.
type Work = fn(u32) -> Outcome<()>;

/// Calls are as many as take turns of all kinds: a ring that is full, a text that grows.
const WORKS: [(&str, u32, Work); 14] = [
    ("encode a vitals frame, binary", 10_000, codec::encode_binary),
    ("encode a vitals frame, JSON line", 1000, codec::encode_line),
    ("encode a vitals frame, opta1", 10_000, codec::encode_opta1),
    ("parse a vitals frame", 10_000, codec::parse_frame),
    ("decode a stream of 200 frames", 100, codec::decode_stream),
    ("encode an event", 10_000, codec::encode_event),
    ("encode an event, JSON line", 1000, codec::encode_event_line),
    ("parse an event", 10_000, codec::parse_event),
    ("append to a ring", 10_000, hub::append),
    ("publish an event and take it", 10_000, hub::publish_and_take),
    ("a tick of the sampler", 1000, hub::sample),
    ("a tick to 1 session", 1000, hub::tick_to_one),
    ("a tick to 64 sessions", 100, hub::tick_to_many),
    ("an event to 64 sessions", 100, hub::event_to_many),
];

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let outcome = match &words[..] {
        [] => gate(),
        [name, calls] => work(name, calls).map(|()| ExitCode::SUCCESS),
        _ => Err("no such arguments: either none, or a work and a number".into()),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("bench-instructions: {error}");
        ExitCode::FAILURE
    })
}

/// In a thread: its stack and its heap lie the same whatever the environment and the program's path
/// take of the first one's, and some copies depend on that.
fn work(name: &str, calls: &str) -> Outcome<()> {
    let calls = calls.parse()?;
    let found = WORKS.iter().find(|(known, ..)| *known == name);
    let (_, _, body) = *found.ok_or_else(|| format!("no such work: {name}"))?;
    thread::spawn(move || body(calls)).join().map_err(|_| "the work panicked")?
}

fn gate() -> Outcome<ExitCode> {
    let compiler = format!("{}, {}", host::output("rustc", &["--version"]), env::consts::ARCH);
    let counts = count_all()?;
    if env::var_os("KYMO_BLESS").is_some() {
        fs::write(BASELINE, Baseline { compiler, counts }.to_string())?;
        println!("wrote {BASELINE}");
        return Ok(ExitCode::SUCCESS);
    }
    let text = fs::read_to_string(Path::new(BASELINE))
        .map_err(|error| format!("{BASELINE}, from the root of the checkout: {error}"))?;
    let baseline = Baseline::parse(&text)?;
    let verdicts = baseline.compare(&counts);
    for (name, verdict) in &verdicts {
        println!("{name:<34}{verdict}");
    }
    if baseline.compiler != compiler {
        println!("ONLY TOLD: the baseline is of {}, this is {compiler}", baseline.compiler);
    } else if verdicts.iter().any(|(_, verdict)| verdict.is_bad()) {
        println!("if that is meant: KYMO_BLESS=1 make gate");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn count_all() -> Outcome<BTreeMap<String, u64>> {
    let program = env::current_exe()?;
    let (works, counts) = (Mutex::new(WORKS.iter()), Mutex::new(BTreeMap::new()));
    let run = || -> Outcome<()> {
        loop {
            let next = works.lock().map_err(|_| "a counting thread panicked")?.next();
            let Some((name, calls, _)) = next else { return Ok(()) };
            let count = callgrind::count(&program, name, *calls)?;
            counts.lock().map_err(|_| "a counting thread panicked")?.insert((*name).into(), count);
        }
    };
    thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(run)).collect();
        let mut ends = threads.into_iter().map(|thread| thread.join());
        ends.try_for_each(|end| end.map_err(|_| "a counting thread panicked")?)
    })?;
    Ok(counts.into_inner().map_err(|_| "a counting thread panicked")?)
}
