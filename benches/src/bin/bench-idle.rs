//! Does kymod wake up when nobody watches?

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::cost;
use kymo_benches::process::Process;
use kymo_benches::program::{Report, run};
use kymo_benches::row::Row;
use kymo_benches::watch;

const QUESTION: &str = "Wake-ups of kymod without subscribers";

fn main() -> ExitCode {
    run(QUESTION, measure)
}

fn measure(args: &Args, report: &mut Report) -> Outcome<()> {
    let seconds = args.seconds.unwrap_or(if args.quick { 0.5 } else { 10.0 });
    let kymod = Process::kymod(&[], "")?;
    // Between its word and its first wait it may be switched out.
    thread::sleep(Duration::from_millis(500));
    let fresh = wake_ups(&kymod, seconds)?;
    // Somebody came and went: now it is to be as quiet as before.
    let mut readers = kymod.subscribe(1000, 4)?;
    watch::many(&mut readers, Duration::from_millis(200))?;
    drop(readers);
    thread::sleep(Duration::from_millis(500));
    let left = wake_ups(&kymod, seconds)?;
    for (what, wake_ups) in [("before any subscriber", fresh), ("after the last", left)] {
        let row = Row::new(format!("no subscribers, {what}"), wake_ups / seconds, "wake-ups/s")
            .limits(0.0, None)
            .note(format!("over {seconds} s, from the context switches of all threads"));
        report.row(&row);
    }
    Ok(())
}

fn wake_ups(kymod: &Process, seconds: f64) -> Outcome<f64> {
    let begin = cost::switches(kymod.id())?;
    thread::sleep(Duration::from_secs_f64(seconds));
    Ok((cost::switches(kymod.id())? - begin) as f64)
}
