//! How large is kymo: memory, file, time to start, and crates?

use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use std::{fs, io};

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::memory::{self, Memory};
use kymo_benches::pairs::Pairs;
use kymo_benches::process::{Process, kymod_path};
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

/// What grows by less has not grown: one page here or there is chance.
const FLAT: f64 = 16.0;

fn main() -> ExitCode {
    run(QUESTION, |args, report| {
        size(report)?;
        start(args, report)?;
        crates(report);
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

fn memory(args: &Args, report: &mut Report) -> Outcome<()> {
    let seconds = args.seconds.unwrap_or(if args.quick { 0.5 } else { 60.0 });
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
    // A fast guest has every ring written through once: its pages come only then.
    let mut guest = kymod.subscribe(1000, 1)?;
    watch::many(&mut guest, Duration::from_secs(1))?;
    drop(guest);
    watch::many(&mut readers, Duration::from_secs(1))?;
    let early = difference(&kymod, &sleeper)?;
    watch::many(&mut readers, Duration::from_secs_f64(seconds))?;
    let late = difference(&kymod, &sleeper)?;
    let (pss, rss) = (late.pss / 1000.0, late.rss / 1000.0);
    let row = Row::new("memory above a sleeping program, PSS", pss, "KB")
        .limits(800.0, 400.0)
        .note(format!(
            "{subscribers} subscribers of {formats} formats after {seconds} s; RSS {} KB above; \
             at the start {} and {} KB",
            figure(rss),
            figure(early.pss / 1000.0),
            figure(early.rss / 1000.0)
        ));
    report.row(&row);
    let grown = (late.anonymous - early.anonymous) / 1000.0;
    let row = Row::new("memory grown since the start", grown, "KB").limits(FLAT, 0.0);
    report.row(&row.note("pages without a file behind them"));
    Ok(())
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
