//! How long is a frame under way inside the loop: from just before it is encoded to after its
//! subscriber has read it?

use std::process::ExitCode;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::pairs::Pairs;
use kymo_benches::program::{Report, run};
use kymo_benches::row::Row;
use kymo_benches::server::Server;
use kymo_benches::watch;

const QUESTION: &str = "From just before encoding to after the subscriber's read: how long?";

fn main() -> ExitCode {
    run(QUESTION, |args, report| {
        at(1000, args.rounds(15), args.span(800), report)?;
        at(100, args.rounds(7), args.span(2000), report)
    })
}

fn at(rate_hz: u32, rounds: usize, span: Duration, report: &mut Report) -> Outcome<()> {
    let measure = |mut server: Server| {
        let reader = server.readers.first_mut().ok_or("no subscriber")?;
        watch::one(reader, Duration::from_millis(100))?;
        let seen = watch::one(reader, span)?;
        Ok([seen.late_ns(0.5) / 1000.0, seen.late_ns(0.99) / 1000.0])
    };
    let pairs = Pairs::take(
        rounds,
        || measure(Server::kymo(rate_hz, 1)?),
        || measure(Server::bare(rate_hz, 1)?),
    )?;
    let frames = f64::from(rate_hz) * span.as_secs_f64();
    for (figure, name, must, stretch) in [(0, "p50", 1.3, 1.1), (1, "p99", 1.5, 1.2)] {
        let row =
            Row::new(format!("in-loop latency at {rate_hz} Hz, {name}"), pairs.kymo(figure), "µs");
        let row = row
            .beside(pairs.floor(figure), pairs.ratio(figure))
            .ratio_limits(must, stretch)
            .note(format!("{rounds} pairs of {frames:.0} frames"));
        report.row(&row);
    }
    Ok(())
}
