//! What does kymod cost in CPU at 25 Hz, against collectd with the same sources?

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::collectd::Collectd;
use kymo_benches::cost;
use kymo_benches::pairs::{Pairs, Spread};
use kymo_benches::process::Process;
use kymo_benches::program::{Report, run};
use kymo_benches::row::Row;
use kymo_benches::watch;

const QUESTION: &str = "CPU of kymod at 25 Hz with 10 subscribers against collectd at 25 Hz";

const RATE_HZ: u32 = 25;
const SUBSCRIBERS: usize = 10;

fn main() -> ExitCode {
    run(QUESTION, measure)
}

fn measure(args: &Args, report: &mut Report) -> Outcome<()> {
    let Some(program) = Collectd::program() else {
        report.remark("skipped: collectd is not installed (Debian: collectd-core)");
        return Ok(());
    };
    let span = args.span(2500);
    let pairs = Pairs::take(
        args.rounds(3),
        || {
            let kymod = Process::kymod(&[], "")?;
            let mut readers = kymod.subscribe(RATE_HZ, SUBSCRIBERS)?;
            watch::many(&mut readers, Duration::from_millis(300))?;
            let begin_ns = kymod.cpu_ns()?;
            watch::many(&mut readers, span)?;
            Ok([percent(kymod.cpu_ns()? - begin_ns, span)])
        },
        || {
            let collectd = Collectd::start(program, RATE_HZ)?;
            thread::sleep(Duration::from_millis(700));
            let begin_ns = cost::process_ns(collectd.id())?;
            thread::sleep(span);
            Ok([percent(cost::process_ns(collectd.id())? - begin_ns, span)])
        },
    )?;
    let Spread { median, low, high } = pairs.ratio(0);
    let row = Row::new("25 Hz: CPU beside collectd", pairs.kymo(0), "% of a core")
        .beside(pairs.floor(0), Spread { median, low, high })
        .ratio_limits(0.2, None)
        .note("collectd writes its values nowhere and has no reader; kymod serves 10");
    report.row(&row);
    Ok(())
}

fn percent(cpu_ns: u64, span: Duration) -> f64 {
    cpu_ns as f64 / 1e7 / span.as_secs_f64()
}
