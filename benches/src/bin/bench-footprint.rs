//! How large is kymo: memory, file, time to start, and crates?

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fs, io};

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::memory::{self, Memory};
use kymo_benches::pairs::{Pairs, Spread};
use kymo_benches::process::{Process, kymod_path, sibling};
use kymo_benches::program::{Report, run};
use kymo_benches::row::{Row, figure};
use kymo_benches::{host, watch};

const QUESTION: &str = "Memory, file size, start and crates of kymod";

/// A version-1 listener beside the two default ones.
const SETTINGS: &str = "\
[[listener]]
path = \"opta.sock\"
format = \"opta1\"
streams = [\"vitals\"]
rate_hz = 25
";

/// About a thousand a second of these.
const EVENT: &str =
    "{\"action\":\"submit\",\"event\":{\"topic\":\"bench.tick\",\"data\":{\"n\":1}}}\n";
const EVENTS_AT_ONCE: usize = 10;
const EVENTS_PAUSE: Duration = Duration::from_millis(10);

/// Programs started to find what one takes.
const STARTS: usize = 7;

/// They need some seconds each.
const EMBEDDED_STARTS: usize = 3;

/// What a host may want of the library, and how a row says it.
const EMBEDDED: [(&str, &str); 3] =
    [("least", "vitals, no inbox"), ("vitals", "vitals"), ("whole", "every sensor and processes")];

/// What grows by less has not grown: one page here or there is chance.
const FLAT: f64 = 16.0;

fn main() -> ExitCode {
    run(QUESTION, |args, report| {
        size(report)?;
        start(args, report)?;
        crates(report);
        embedded(args, report)?;
        memory(args, report)
    })
}

fn size(report: &mut Report) -> Outcome<()> {
    let bytes = fs::metadata(kymod_path()?)?.len();
    let row = Row::new("kymod binary", bytes as f64 / 1000.0, "KB").limits(800.0, 500.0);
    report.row(&row.note("stripped by the release profile"));
    Ok(())
}

fn start(args: &Args, report: &mut Report) -> Outcome<()> {
    let pairs = Pairs::take(
        args.rounds(20),
        || Ok([Process::kymod(&[], "")?.start.as_secs_f64() * 1000.0]),
        || Ok([Process::sleeper()?.start.as_secs_f64() * 1000.0]),
    )?;
    let row = Row::new("start to ready", pairs.kymo(0), "ms")
        .beside(pairs.floor(0), pairs.ratio(0))
        .limits(10.0, 3.0)
        .note("the floor is a Rust program that says ready and sleeps");
    report.row(&row);
    Ok(())
}

fn crates(report: &mut Report) {
    let tree = |depth: &str| {
        let args = ["tree", "--package", "kymo", "--edges", "normal,no-proc-macro", "--offline"];
        let more = ["--prefix", "none", "--format", "{p}", "--depth", depth];
        let text = host::output("cargo", &[&args[..], &more[..]].concat());
        let mut names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
        names.sort_unstable();
        names.dedup();
        names.iter().filter(|name| !name.starts_with("kymo") && **name != "?").count()
    };
    let (all, direct) = (tree("99"), tree("1"));
    if all == 0 {
        report.remark("crates are not counted: cargo can't be run here");
        return;
    }
    let row = Row::new("crates that kymod links", all as f64, "crates");
    report.row(&row.note(format!("{direct} of them named by the runtime itself")));
}

/// What the library adds to a program that does nothing, in the host's own loop and with one
/// subscriber at 25 Hz.
fn embedded(args: &Args, report: &mut Report) -> Outcome<()> {
    let programs = [sibling("bench-embedded")?, sibling("bench-sleeper")?];
    let [with, without] = [fs::metadata(&programs[0])?.len(), fs::metadata(&programs[1])?.len()];
    let row =
        Row::new("embedded: adds to a program's file", (with - without) as f64 / 1000.0, "KB");
    let all = with as f64 / 1000.0;
    report.row(&row.note(format!("{} KB with it; every sensor is among them", figure(all))));
    for (what, words) in EMBEDDED {
        programs.iter().try_for_each(|program| memory::forget(program))?;
        let (mut sizes, mut last) = (Vec::new(), (Memory::default(), [0; 2]));
        for _ in 0..args.rounds(EMBEDDED_STARTS) {
            let (host, sleeper) = (Process::embedded(what)?, Process::sleeper()?);
            // Until what a start reads is read, and processes were looked at twice.
            thread::sleep(Duration::from_millis(if args.quick { 300 } else { 2500 }));
            let held = |folder: &str| -> Outcome<usize> {
                let count =
                    |id| Ok::<_, io::Error>(fs::read_dir(format!("/proc/{id}/{folder}"))?.count());
                Ok(count(host.id())? - count(sleeper.id())?)
            };
            last = (difference(&host, &sleeper)?, [held("task")?, held("fd")?]);
            sizes.push(last.0.pss / 1000.0);
        }
        let (pss, (memory, [threads, descriptors])) = (Spread::of(&sizes), last);
        let row = Row::new(format!("embedded: adds in memory, PSS, {words}"), pss.median, "KB");
        report.row(&row.note(format!(
            "25 Hz to one subscriber without a socket; {} KB without a file, RSS {} KB; threads: \
             {threads} more, descriptors: {descriptors} more",
            figure(memory.anonymous / 1000.0),
            figure(memory.rss / 1000.0),
        )));
    }
    Ok(())
}

/// What one kymod was seen to take.
struct Seen {
    early: Memory,
    late: Memory,
    subscribers: usize,
    formats: usize,
    events: u64,
}

fn memory(args: &Args, report: &mut Report) -> Outcome<()> {
    let seconds = args.seconds.unwrap_or(if args.quick { 0.5 } else { 60.0 });
    for program in [kymod_path()?, sibling("bench-sleeper")?] {
        memory::forget(&program)?;
    }
    // Where the kernel puts a program, and what of its file it maps, is chance at each start.
    let mut sizes = Vec::new();
    for _ in 1..args.rounds(STARTS) {
        sizes.push(watch_one(0.5)?.late.pss / 1000.0);
    }
    let seen = watch_one(seconds)?;
    sizes.push(seen.late.pss / 1000.0);
    let pss = Spread::of(&sizes);
    let row = Row::new("memory above a sleeping program, PSS", pss.median, "KB")
        .limits(800.0, 400.0)
        .note(format!(
            "median of {} starts, quartiles {} and {} KB; read from the disk; {} subscribers of {} \
             formats, a thousand events a second; RSS {} KB above; the last one after {seconds} s \
             and {} events: {} KB, at its start {} KB",
            sizes.len(),
            figure(pss.low),
            figure(pss.high),
            seen.subscribers,
            seen.formats,
            figure(seen.late.rss / 1000.0),
            seen.events,
            figure(seen.late.pss / 1000.0),
            figure(seen.early.pss / 1000.0),
        ));
    report.row(&row);
    let grown = (seen.late.anonymous - seen.early.anonymous) / 1000.0;
    let row = Row::new("memory grown since the start", grown, "KB").limits(FLAT, 0.0);
    report.row(&row.note("pages without a file behind them"));
    Ok(())
}

fn watch_one(seconds: f64) -> Outcome<Seen> {
    let (kymod, sleeper) = (Process::kymod(&[], SETTINGS)?, Process::sleeper()?);
    let mut readers = kymod.subscribe(25, 6)?;
    let (json, opta1) = (connections(&kymod, "json.sock", 5)?, connections(&kymod, "opta.sock", 5));
    let (others, formats) = match opta1 {
        Ok(opta1) => (json.into_iter().chain(opta1).collect::<Vec<_>>(), 3),
        Err(_) => (json, 2),
    };
    // They read and forget, each at its own pace.
    let subscribers = readers.len() + others.len();
    for mut stream in others {
        thread::spawn(move || io::copy(&mut stream, &mut io::sink()));
    }
    // Who reads lines gets events beside vitals.
    let publisher = Events::begin(kymod.connect("control.sock")?)?;
    // A fast guest has every ring written through once: its pages come only then.
    let mut guest = kymod.subscribe(1000, 1)?;
    watch::many(&mut guest, Duration::from_secs(1))?;
    drop(guest);
    watch::many(&mut readers, Duration::from_secs(1))?;
    let early = difference(&kymod, &sleeper)?;
    watch::many(&mut readers, Duration::from_secs_f64(seconds))?;
    let late = difference(&kymod, &sleeper)?;
    Ok(Seen { early, late, subscribers, formats, events: publisher.end()? })
}

/// Submits events, each answered, until it is ended.
struct Events {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<u64>>,
}

impl Events {
    fn begin(mut control: UnixStream) -> Outcome<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let mut replies = BufReader::new(control.try_clone()?);
        let thread = thread::spawn(move || {
            let (mut count, mut reply) = (0, String::new());
            while !is_over.load(Ordering::Relaxed) {
                control.write_all(EVENT.repeat(EVENTS_AT_ONCE).as_bytes())?;
                for _ in 0..EVENTS_AT_ONCE {
                    reply.clear();
                    replies.read_line(&mut reply)?;
                    if !reply.contains("\"success\"") {
                        return Err(io::Error::other(reply));
                    }
                    count += 1;
                }
                thread::sleep(EVENTS_PAUSE);
            }
            Ok(count)
        });
        Ok(Self { stop, thread })
    }

    /// How many there were.
    fn end(self) -> Outcome<u64> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(self.thread.join().map_err(|_| "the publisher panicked")??)
    }
}

fn connections(kymod: &Process, socket: &str, count: usize) -> Outcome<Vec<UnixStream>> {
    (0..count).map(|_| kymod.connect(socket)).collect()
}

fn difference(kymod: &Process, sleeper: &Process) -> Outcome<Memory> {
    let (kymod, sleeper) = (memory::of(kymod.id())?, memory::of(sleeper.id())?);
    Ok(Memory {
        pss: kymod.pss - sleeper.pss,
        rss: kymod.rss - sleeper.rss,
        anonymous: kymod.anonymous - sleeper.anonymous,
    })
}
