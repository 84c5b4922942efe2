//! Does a subscriber that stops reading delay the others?

use std::process::ExitCode;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::pairs::Pairs;
use kymo_benches::program::{Report, run};
use kymo_benches::row::Row;
use kymo_benches::server::Server;
use kymo_benches::watch;

const QUESTION: &str = "Lateness of eight subscribers beside one that has stopped reading";

const RATE_HZ: u32 = 1000;
const READING: usize = 8;

fn main() -> ExitCode {
    run(QUESTION, measure)
}

fn measure(args: &Args, report: &mut Report) -> Outcome<()> {
    // Long enough at 1 kHz to fill the stalled subscriber's buffer, which then stays full.
    let (warm_up, span) = (Duration::from_millis(600), args.span(700));
    let lateness = |stalled: usize| {
        let mut server = Server::kymo(RATE_HZ, READING + stalled)?;
        let readers = &mut server.readers[..READING];
        watch::many(readers, warm_up)?;
        let seen = watch::many(readers, span)?;
        Ok([seen.late_ns(0.5) / 1000.0, seen.late_ns(0.99) / 1000.0])
    };
    let pairs = Pairs::take(args.rounds(11), || lateness(1), || lateness(0))?;
    let row = Row::new("one stalled subscriber: the others' p99", pairs.kymo(1), "µs")
        .beside(pairs.floor(1), pairs.ratio(1))
        .ratio_limits(1.3, 1.1)
        .note("the floor is kymo without the stalled one; 1 kHz, 8 others");
    report.row(&row);
    let row = Row::new("one stalled subscriber: the others' p50", pairs.kymo(0), "µs")
        .beside(pairs.floor(0), pairs.ratio(0));
    report.row(&row);
    Ok(())
}
