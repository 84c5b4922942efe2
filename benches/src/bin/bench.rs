//! Runs every program and writes the table.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fs};

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::host;
use kymo_benches::process::sibling;
use kymo_benches::program::{Report, run};
use kymo_benches::results::markdown;
use kymo_benches::row::Row;

const QUESTION: &str = "Every benchmark, and a table of them";

/// In the order of the table. The footprint has a minute of its own when it is run alone.
const PROGRAMS: [(&str, &[&str]); 11] = [
    ("encode", &[]),
    ("latency", &[]),
    ("events", &[]),
    ("fanout", &[]),
    ("load", &[]),
    ("collectd", &[]),
    ("crowd", &[]),
    ("stall", &[]),
    ("idle", &[]),
    ("sources", &[]),
    ("footprint", &["--seconds", "15"]),
];

fn main() -> ExitCode {
    run(QUESTION, bench)
}

fn bench(args: &Args, report: &mut Report) -> Outcome<()> {
    let begin = Instant::now();
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    let wanted = |name: &str| args.only.as_deref().is_none_or(|word| name.contains(word));
    for (name, options) in PROGRAMS.into_iter().filter(|(name, _)| wanted(name)) {
        if let Err(error) = program(name, options, args, report, &mut rows) {
            report.remark(&format!("{name}: {error}"));
            failed.push(format!("{name}: {error}"));
        }
    }
    report.remark(&format!("took {:.0} s", begin.elapsed().as_secs_f64()));
    let default = Path::new("benches/RESULTS.md");
    let is_whole = !args.quick && args.only.is_none() && default.parent().is_some_and(Path::is_dir);
    let out = args.out.as_deref().or(is_whole.then_some(default));
    if let Some(path) = out {
        let words: Vec<_> = env::args().skip(1).collect();
        let command = format!("bench {}", words.join(" "));
        fs::write(path, markdown(&rows, &host::describe(), command.trim(), &failed))?;
        report.remark(&format!("wrote {}", path.display()));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

/// Runs one program and passes its rows on as they come.
fn program(
    name: &str,
    options: &[&str],
    args: &Args,
    report: &mut Report,
    rows: &mut Vec<Row>,
) -> Outcome<()> {
    let mut command = Command::new(sibling(&format!("bench-{name}"))?);
    command.arg("--json").stdin(Stdio::null()).stdout(Stdio::piped());
    if args.quick {
        command.arg("--quick");
    } else {
        command.args(options);
    }
    if args.stretch {
        command.arg("--stretch");
    }
    let mut child = command.spawn()?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            if let Some(row) = Row::from_json(&line?) {
                report.row(&row);
                rows.push(row);
            }
        }
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("ended with {status}").into()) }
}
