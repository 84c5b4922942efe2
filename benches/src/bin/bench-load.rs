//! What does kymod cost in CPU, against a bare loop that reads and sends the same?

use std::process::ExitCode;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::cost;
use kymo_benches::pairs::Pairs;
use kymo_benches::process::Process;
use kymo_benches::program::{Report, run};
use kymo_benches::reader::Reader;
use kymo_benches::row::{Row, figure};
use kymo_benches::watch;
use kymo_protocol::{StreamId, Streams};

const QUESTION: &str = "CPU of kymod against a bare loop with the same reads and sends";

fn main() -> ExitCode {
    run(QUESTION, |args, report| {
        at(25, 10, args.rounds(5), args.span(2500), report)?;
        at(1000, 8, args.rounds(9), args.span(1200), report)?;
        whole(args.rounds(7), args.span(3000), report)
    })
}

/// Vitals and every group of samples, as a user interface gets them that wishes nothing special.
fn whole(rounds: usize, span: Duration, report: &mut Report) -> Outcome<()> {
    const RATE_HZ: u32 = 25;
    const SUBSCRIBERS: usize = 4;
    let streams = Streams::default().with(StreamId::VITALS).with(StreamId::SAMPLES);
    let pairs = Pairs::take(
        rounds,
        || {
            let process = Process::kymod(&[], "")?;
            let readers = process.subscribe_to(RATE_HZ, SUBSCRIBERS, streams)?;
            figures(&process, readers, RATE_HZ, span)
        },
        || {
            let process = Process::bare_whole(RATE_HZ, SUBSCRIBERS)?;
            let readers = process.attach(SUBSCRIBERS)?;
            figures(&process, readers, RATE_HZ, span)
        },
    )?;
    let what = format!("vitals and all samples, {SUBSCRIBERS} subscribers: CPU");
    let row = Row::new(what, pairs.kymo(0), "% of a core")
        .beside(pairs.floor(0), pairs.ratio(0))
        .ratio_limits(1.5, 1.2)
        .note(format!(
            "reads a frame of vitals, the timer's included: {} to {}; bytes to all subscribers: \
             {} to {}",
            figure(pairs.kymo(2)),
            figure(pairs.floor(2)),
            figure(pairs.kymo(3)),
            figure(pairs.floor(3)),
        ));
    report.row(&row);
    Ok(())
}

fn at(
    rate_hz: u32,
    subscribers: usize,
    rounds: usize,
    span: Duration,
    report: &mut Report,
) -> Outcome<()> {
    let pairs = Pairs::take(
        rounds,
        || {
            let process = Process::kymod(&[], "")?;
            let readers = process.subscribe(rate_hz, subscribers)?;
            figures(&process, readers, rate_hz, span)
        },
        || {
            let process = Process::bare(rate_hz, subscribers)?;
            let readers = process.attach(subscribers)?;
            figures(&process, readers, rate_hz, span)
        },
    )?;
    let what = format!("{rate_hz} Hz, {subscribers} subscribers");
    let (kymo_reads, floor_reads) = (pairs.kymo(2), pairs.floor(2));
    let row = Row::new(format!("{what}: CPU"), pairs.kymo(0), "% of a core")
        .beside(pairs.floor(0), pairs.ratio(0))
        .ratio_limits(1.5, 1.2)
        .note(format!(
            "reads a frame, the timer's included: {} to {}",
            figure(kymo_reads),
            figure(floor_reads)
        ));
    report.row(&row);
    // The must is relative to the floor, and may be a tenth of a percent above it.
    let (skipped, floor) = pairs.means(1);
    let row = Row::new(format!("{what}: skipped ticks"), skipped, "%")
        .limits(floor + 0.1, None)
        .note(format!("the floor skips {} %", figure(floor)));
    report.row(&row);
    Ok(())
}

/// CPU in percent of a core, skipped ticks in percent, reading system calls a frame, and bytes that
/// came for it.
fn figures(
    process: &Process,
    mut readers: Vec<Reader>,
    rate_hz: u32,
    span: Duration,
) -> Outcome<[f64; 4]> {
    // The first readings of everything, and the first frames, belong to the start.
    watch::many(&mut readers, Duration::from_millis(300))?;
    let (begin_ns, clock_ns) = (process.cpu_ns()?, cost::boot_ns()?);
    let reads = cost::reads(process.id());
    let came = |readers: &[Reader]| readers.iter().map(|reader| reader.bytes).sum::<u64>();
    let bytes = came(&readers);
    let seen = watch::many(&mut readers, span)?;
    let (cpu_ns, wall_ns) = (process.cpu_ns()? - begin_ns, cost::boot_ns()? - clock_ns);
    let frames = seen.span(rate_hz);
    let reads = match (reads, cost::reads(process.id())) {
        (Some(begin), Some(end)) => (end - begin) as f64 / frames.frames as f64,
        _ => f64::NAN,
    };
    let bytes = (came(&readers) - bytes) as f64 / frames.frames as f64;
    Ok([cpu_ns as f64 * 100.0 / wall_ns as f64, frames.skipped_percent(), reads, bytes])
}
