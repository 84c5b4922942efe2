//! Can kymod serve a thousand subscribers at 25 Hz, and nobody late?

use std::process::ExitCode;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::pairs::Pairs;
use kymo_benches::process::Process;
use kymo_benches::program::{Report, run};
use kymo_benches::reader::Reader;
use kymo_benches::row::Row;
use kymo_benches::watch;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

const QUESTION: &str = "CPU and lateness with a thousand subscribers at 25 Hz";

const RATE_HZ: u32 = 25;
const TICK_MS: f64 = 40.0;

fn main() -> ExitCode {
    run(QUESTION, |args, report| {
        crowd(1_000, args.rounds(3), args.span(3000), report)?;
        if args.stretch {
            crowd(10_000, 2, args.span(4000), report)?;
        }
        Ok(())
    })
}

fn crowd(count: usize, rounds: usize, span: Duration, report: &mut Report) -> Outcome<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = u64::try_from(count)? + 100;
    if hard < needed {
        report.remark(&format!("skipped: {count} subscribers need {needed} descriptors"));
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(needed), hard)?;
    let clients = (count + count / 10).to_string();
    let pairs = Pairs::take(
        rounds,
        || {
            let process = Process::kymod(&["--clients", &clients], "")?;
            let readers = process.subscribe(RATE_HZ, count)?;
            figures(&process, readers, span)
        },
        || {
            let process = Process::bare(RATE_HZ, count)?;
            let readers = process.attach(count)?;
            figures(&process, readers, span)
        },
    )?;
    let what = format!("{count} subscribers at {RATE_HZ} Hz");
    // More than a thousand is what we want and not what must be.
    let limits = |row: Row, must| if count == 1_000 { row.limits(must, None) } else { row };
    let row = Row::new(format!("{what}: CPU"), pairs.kymo(0), "% of a core")
        .beside(pairs.floor(0), pairs.ratio(0));
    report.row(&limits(row, 8.0));
    let row = Row::new(format!("{what}: the latest frame"), pairs.kymo(1), "ms")
        .beside(pairs.floor(1), pairs.ratio(1))
        .note(format!(
            "per run {:.1} frames later than a tick and {:.1} missing; one thread reads them all",
            pairs.means(2).0,
            pairs.means(3).0
        ));
    report.row(&limits(row, TICK_MS));
    Ok(())
}

/// CPU in percent of a core, greatest lateness in ms, frames later than a tick, frames that never
/// came.
fn figures(process: &Process, mut readers: Vec<Reader>, span: Duration) -> Outcome<[f64; 4]> {
    watch::many(&mut readers, Duration::from_millis(500))?;
    let begin_ns = process.cpu_ns()?;
    let seen = watch::many(&mut readers, span)?;
    let cpu_ns = process.cpu_ns()? - begin_ns;
    if seen.without() > 0 {
        return Err(format!("{} subscribers got nothing", seen.without()).into());
    }
    Ok([
        cpu_ns as f64 / 1e7 / span.as_secs_f64(),
        seen.late_ns(1.0) / 1e6,
        seen.later_than(TICK_MS * 1e6) as f64,
        seen.lost() as f64,
    ])
}
