//! What does one more subscriber cost?

use std::process::ExitCode;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::pairs::{Pairs, Spread};
use kymo_benches::program::{Report, run};
use kymo_benches::row::{Row, figure};
use kymo_benches::server::Server;
use kymo_benches::{stats, watch};

const QUESTION: &str = "CPU time of the loop for one more subscriber, per frame";

const RATE_HZ: u32 = 1000;
const CROWDS: [usize; 4] = [1, 8, 32, 128];

fn main() -> ExitCode {
    run(QUESTION, measure)
}

fn measure(args: &Args, report: &mut Report) -> Outcome<()> {
    let span = args.span(450);
    let pairs =
        Pairs::take(args.rounds(7), || costs(Server::kymo, span), || costs(Server::bare, span))?;
    let each: Vec<_> = CROWDS
        .iter()
        .enumerate()
        .map(|(index, crowd)| {
            let (kymo, floor) = (pairs.kymo(index), pairs.floor(index));
            format!("{crowd}: {} to {} µs", figure(kymo), figure(floor))
        })
        .collect();
    let last = CROWDS.len();
    let row = Row::new("one more subscriber, per frame, CPU", pairs.kymo(last), "µs")
        .beside(pairs.floor(last), pairs.ratio(last))
        .ratio_limits(1.5, 1.15)
        .note(format!("slope over the CPU of a whole frame for {} subscribers", each.join(", ")));
    report.row(&row);
    let Spread { median, low, high } = pairs.ratio(0);
    let row = Row::new("a frame for one subscriber, CPU of the loop", pairs.kymo(0), "µs")
        .beside(pairs.floor(0), Spread { median, low, high })
        .note("the machine is a fake one: nothing is read");
    report.row(&row);
    Ok(())
}

/// CPU of the loop in µs a frame for each of the crowds, and the slope over them.
fn costs(serve: fn(u32, usize) -> Outcome<Server>, span: Duration) -> Outcome<[f64; 5]> {
    let mut costs = [0.0; 5];
    let mut points = Vec::new();
    for (cost, crowd) in costs.iter_mut().zip(CROWDS) {
        let mut server = serve(RATE_HZ, crowd)?;
        watch::many(&mut server.readers, Duration::from_millis(100))?;
        let begin_ns = server.cpu_ns()?;
        let seen = watch::many(&mut server.readers, span)?;
        let cpu_ns = server.cpu_ns()? - begin_ns;
        *cost = cpu_ns as f64 / 1000.0 / seen.span(RATE_HZ).frames as f64;
        points.push((crowd as f64, *cost));
    }
    costs[CROWDS.len()] = stats::slope(&points);
    Ok(costs)
}
