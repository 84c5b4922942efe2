//! How fast do events go from another thread of the process to one subscriber, how late do they
//! come, and what does publishing cost its thread?

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kymo_benches::Outcome;
use kymo_benches::cost::boot_ns;
use kymo_benches::events::{EVENT_SIZE, Form, Publish, Way};
use kymo_benches::flow::{Flow, time_of};
use kymo_benches::pairs::Pairs;
use kymo_benches::program::{Report, run};
use kymo_benches::row::{Row, figure};
use kymo_benches::stats::{median, quantile, sorted};

const QUESTION: &str = "Events of another thread to one subscriber: how many, how late?";

/// Publishes timed at once, so that the clock costs little.
const BATCH: u32 = 32;

/// Batches in a row: fewer events than the inbox has room for.
const BATCHES: u32 = 16;

fn main() -> ExitCode {
    run(QUESTION, |args, report| {
        let (rounds, span) = (args.rounds(5), args.span(400));
        let limits = Some((1000.0 / 3.0, 1000.0 / 6.0));
        throughput("binary subscriber", Form::Binary, false, limits, rounds, span, report)?;
        throughput(
            "binary subscriber, with journal",
            Form::Binary,
            true,
            None,
            rounds,
            span,
            report,
        )?;
        let limits = Some((1000.0, 500.0));
        throughput("JSON Lines subscriber", Form::Lines, false, limits, rounds, span, report)?;
        throughput("JSON Lines, with journal", Form::Lines, true, None, rounds, span, report)?;
        latency(args.rounds(7), args.span(1000), report)?;
        publishing(args.rounds(5), args.span(600), report)
    })
}

/// Nanoseconds an event that came, with limits for them, and the share that was lost on the way.
fn throughput(
    what: &str,
    form: Form,
    is_journalled: bool,
    limits: Option<(f64, f64)>,
    rounds: usize,
    span: Duration,
    report: &mut Report,
) -> Outcome<()> {
    let pairs = Pairs::take(
        rounds,
        || flood(Way::kymo(Some(form), is_journalled)?, form, span),
        || flood(Way::bare(form)?, form, span),
    )?;
    let millions = |ns: f64| figure(1000.0 / ns);
    let note = format!(
        "{} M/s, floor {} M/s; {} % lost to lapping, which are not counted",
        millions(pairs.kymo(0)),
        millions(pairs.floor(0)),
        figure(pairs.means(1).0),
    );
    let name = format!("{EVENT_SIZE}-byte events → {what}");
    let row = Row::new(format!("{name}: each"), pairs.kymo(0), "ns").note(note);
    match limits {
        Some((must, stretch)) => report.row(&row.limits(must, stretch)),
        None => report.row(&row),
    }
    let row = Row::new(format!("{name}: against the floor"), pairs.kymo(0), "ns")
        .beside(pairs.floor(0), pairs.ratio(0));
    if form == Form::Binary && !is_journalled {
        report.row(&row.ratio_limits(2.0, None));
    } else {
        report.row(&row);
    }
    Ok(())
}

/// Publishes as fast as there is room, and counts what comes.
fn flood(way: Way, form: Form, span: Duration) -> Outcome<[f64; 2]> {
    let mut flow = Flow::new(way.stream, form)?;
    let ending = Arc::new(AtomicBool::new(false));
    let publisher = publish_until(way.publish, &ending)?;
    let warm = Instant::now() + span / 6;
    while Instant::now() < warm {
        flow.read(|_| ())?;
    }
    let (begin, mut events) = (Instant::now(), 0);
    while begin.elapsed() < span {
        events += flow.read(|_| ())?;
    }
    let ns = begin.elapsed().as_secs_f64() * 1e9;
    ending.store(true, Ordering::Relaxed);
    // The floor waits for a subscriber, and its publisher for it.
    drop(flow);
    publisher.join().map_err(|_| "the publisher panicked")?;
    let ended = way.handle.end()?;
    let all = (ended.sent + ended.lost).max(1);
    Ok([ns / events as f64, ended.lost as f64 * 100.0 / all as f64])
}

fn publish_until(
    mut publish: Publish,
    ending: &Arc<AtomicBool>,
) -> Outcome<thread::JoinHandle<()>> {
    let ending = Arc::clone(ending);
    Ok(thread::Builder::new().name("publisher".into()).spawn(move || {
        while !ending.load(Ordering::Relaxed) {
            if !publish(0) {
                thread::yield_now();
            }
        }
    })?)
}

/// From before the call to after the subscriber's read, with everybody asleep in between.
fn latency(rounds: usize, span: Duration, report: &mut Report) -> Outcome<()> {
    let pairs = Pairs::take(
        rounds,
        || lateness(Way::kymo(Some(Form::Binary), false)?, span),
        || lateness(Way::bare(Form::Binary)?, span),
    )?;
    for (index, name, must, stretch) in [(0, "p50", 1.3, 1.1), (1, "p99", 1.5, 1.2)] {
        let what = format!("publish in another thread → subscriber, {name}");
        let row = Row::new(what, pairs.kymo(index), "µs")
            .beside(pairs.floor(index), pairs.ratio(index))
            .ratio_limits(must, stretch)
            .note(format!("1 kHz, {rounds} pairs of {} ms", span.as_millis()));
        report.row(&row);
    }
    Ok(())
}

fn lateness(way: Way, span: Duration) -> Outcome<[f64; 2]> {
    let mut flow = Flow::new(way.stream, Form::Binary)?;
    let ending = Arc::new(AtomicBool::new(false));
    let (mut publish, is_ending) = (way.publish, Arc::clone(&ending));
    let publisher = thread::Builder::new().name("publisher".into()).spawn(move || {
        while !is_ending.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
            publish(boot_ns().unwrap_or(0));
        }
    })?;
    let mut late_us = Vec::with_capacity(1 << 14);
    let begin = Instant::now();
    while begin.elapsed() < span {
        let mut at = None;
        flow.read(|payload| at = time_of(payload))?;
        let now_ns = boot_ns()?;
        // The first ones come to caches and a scheduler that know nothing of them.
        if let Some(at_ns) = at.filter(|_| begin.elapsed() > span / 10) {
            late_us.push(now_ns.saturating_sub(at_ns) as f64 / 1000.0);
        }
    }
    ending.store(true, Ordering::Relaxed);
    publisher.join().map_err(|_| "the publisher panicked")?;
    way.handle.end()?;
    let late_us = sorted(&late_us);
    Ok([quantile(&late_us, 0.5), quantile(&late_us, 0.99)])
}

/// What the call costs while the loop is awake, and what it costs when it wakes the loop.
fn publishing(rounds: usize, span: Duration, report: &mut Report) -> Outcome<()> {
    let pairs = Pairs::take(
        rounds,
        || {
            let way = Way::kymo(Some(Form::Binary), false)?;
            calls(way, span)
        },
        || calls(Way::bare(Form::Binary)?, span),
    )?;
    let row = Row::new("publish from another thread, median", pairs.kymo(0), "ns")
        .beside(pairs.floor(0), pairs.ratio(0))
        .limits(100.0, None)
        .note(format!("the loop is awake; batches of {BATCH}; the floor is a push"));
    report.row(&row);
    let row = Row::new("publish that wakes the loop, median", pairs.kymo(1), "ns")
        .beside(pairs.floor(1), pairs.ratio(1));
    report.row(&row);
    Ok(())
}

fn calls(mut way: Way, span: Duration) -> Outcome<[f64; 2]> {
    let mut flow = Flow::new(way.stream, Form::Binary)?;
    let reader = thread::Builder::new()
        .name("subscriber".into())
        .spawn(move || while flow.read(|_| ()).is_ok() {})?;
    let (mut awake, mut waking) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    while begin.elapsed() < span {
        thread::sleep(Duration::from_millis(1));
        let call = Instant::now();
        (way.publish)(0);
        waking.push(call.elapsed().as_secs_f64() * 1e9);
        for _ in 0..BATCHES {
            let batch = Instant::now();
            let taken = (0..BATCH).filter(|_| (way.publish)(0)).count();
            let ns = batch.elapsed().as_secs_f64() * 1e9;
            if taken == BATCH as usize {
                awake.push(ns / f64::from(BATCH));
            }
        }
    }
    way.handle.end()?;
    reader.join().map_err(|_| "the subscriber panicked")?;
    Ok([median(&awake), median(&waking)])
}
