//! What does a subscriber that stops reading do to the others, to the server, and to itself?

use std::time::Duration;

use kymo_benches::{Outcome, watch};

use super::{missing, names};
use crate::rounds::Rounds;
use crate::seat::Seat;
use crate::seats::{Session, Tally, count, count_on};
use crate::served::Load;
use crate::system::System;
use crate::table::Table;

const RATE_HZ: u32 = 1000;
const READING: usize = 8;

/// Events of a millisecond: in five seconds more than Redis keeps for a subscriber.
const BURST: u32 = 70;

/// Vitals at a pace: are the others later?
///
/// # Errors
///
/// Never: who fails is left out.
pub fn paced(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "One stalled subscriber of vitals at 1 kHz",
        "Eight others beside one that has subscribed and reads nothing for five seconds, which is \
         longer than any queue here lasts; then it reads what there is. Each turn measures without \
         it, and then with it. Settings are those the peers come with.",
        &names(),
    );
    let (rounds, fill_ms, span_ms) = if is_quick { (1, 500, 150) } else { (3, 4400, 600) };
    let (fill, span) = (Duration::from_millis(fill_ms), Duration::from_millis(span_ms));
    let rounds = Rounds::take(rounds, &System::ALL, missing, |system| {
        let [p50, without, ..] = beside(system, 0, Duration::from_millis(250), span)?;
        let [p50_with, with, lost, told, cut] = beside(system, 1, fill, span)?;
        Ok([p50, p50_with, p50_with / p50, without, with, with / without, lost, told, cut])
    });
    for (place, name) in [(0, "p50"), (3, "p99")] {
        table.less(format!("the others' {name} without it"), "µs", rounds.cells(place));
        table.less(format!("the others' {name} with it"), "µs", rounds.cells(place + 1));
        let what = format!("{name} with it against without it");
        table.less(what, "×", rounds.alone(place + 2));
    }
    table.lines.push(crate::table::Line {
        what: "what it finds afterwards".into(),
        unit: String::new(),
        is_more_better: false,
        cells: rounds.words(|[.., lost, told, cut]| after(lost, told, cut)),
    });
    table.explain(&rounds.failed);
    Ok(table)
}

/// p50 and p99 of the others in µs; messages that the stalled one lost, was told of, whether it was
/// cut off.
fn beside(system: System, stalled: usize, fill: Duration, span: Duration) -> Outcome<[f64; 5]> {
    let mut session = Session::start(system, Load::Vitals(RATE_HZ), READING, stalled)?;
    let Session { seats, stalled, .. } = &mut session;
    let part = |ms| if stalled.is_empty() { Duration::ZERO } else { Duration::from_millis(ms) };
    let (begin, end) = (part(50), part(200));
    let mut tallies = count(stalled, begin)?;
    watch::many(seats, fill)?;
    let seen = watch::many(seats, span)?;
    count_on(stalled, &mut tallies, end)?;
    let tally = tallies.first().copied().unwrap_or_default();
    let told = session.stalled.first().map_or(0, Seat::told);
    let cut = f64::from(u8::from(tally.is_cut));
    Ok([
        seen.late_ns(0.5) / 1000.0,
        seen.late_ns(0.99) / 1000.0,
        tally.lost() as f64,
        told as f64,
        cut,
    ])
}

/// 70,000 events a second: who remembers what the stalled one has not taken?
///
/// # Errors
///
/// Never: who fails is left out.
pub fn flooded(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "One stalled subscriber of events at 70 kHz",
        "70 events of 64 bytes every millisecond. One other reads for five seconds beside one that \
         reads nothing. Memory is the PSS of the process that keeps what is not yet taken, at the \
         start and at its highest. ZeroMQ's queues are those it comes with, nng's hold 8,192 \
         messages on both sides, and Redis has its usual limit of 32 MB for a subscriber.",
        &names(),
    );
    let (rounds, slices) = if is_quick { (1, 6) } else { (3, 52) };
    let rounds = Rounds::take(rounds, &System::ALL, missing, |system| remember(system, slices));
    table.less("memory at the start", "MB", rounds.cells(0));
    table.less("memory at its highest", "MB", rounds.cells(1));
    table.less("the other loses", "%", rounds.alone(2));
    table.lines.push(crate::table::Line {
        what: "what the stalled one finds afterwards".into(),
        unit: String::new(),
        is_more_better: false,
        cells: rounds.words(|[.., lost, told, cut]| after(lost, told, cut)),
    });
    table.explain(&rounds.failed);
    Ok(table)
}

fn remember(system: System, slices: u32) -> Outcome<[f64; 6]> {
    const SLICE: Duration = Duration::from_millis(100);
    let mut session = Session::start(system, Load::Bursts(BURST), 1, 1)?;
    let before = session.served.pss()?;
    let mut of_stalled = count(&mut session.stalled, SLICE / 5)?;
    // The other has fallen behind meanwhile; its own tally begins when it is up to date.
    count(&mut session.seats, SLICE)?;
    let mut tallies = count(&mut session.seats, SLICE)?;
    let mut highest = before;
    for _ in 0..slices {
        count_on(&mut session.seats, &mut tallies, SLICE)?;
        highest = highest.max(session.served.pss()?);
    }
    count_on(&mut session.stalled, &mut of_stalled, SLICE * 3)?;
    let lost_percent = tallies[0].lost() as f64 / (tallies[0].lost() + tallies[0].frames) as f64;
    let Tally { is_cut, .. } = of_stalled[0];
    let told = session.stalled.first().map_or(0, Seat::told);
    let cut = f64::from(u8::from(is_cut));
    let lost = of_stalled[0].lost() as f64;
    Ok([before / 1e6, highest / 1e6, lost_percent * 100.0, lost, told as f64, cut])
}

/// What somebody finds who reads on.
fn after(lost: f64, told: f64, cut: f64) -> String {
    let missing = |count: f64| kymo_benches::row::figure(count);
    match (lost > 0.0, told > 0.0, cut > 0.0) {
        (_, _, true) => "its connection is closed".into(),
        (false, ..) => "everything, late".into(),
        (true, true, _) => format!("{} are missing, and {} are told", missing(lost), missing(told)),
        (true, false, _) => format!("{} are missing, and nothing says so", missing(lost)),
    }
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn a_loss_is_told_or_not() {
        assert_eq!(after(5.0, 0.0, 0.0), "5.00 are missing, and nothing says so");
        assert_eq!(after(5.0, 5.0, 0.0), "5.00 are missing, and 5.00 are told");
        assert_eq!(after(0.0, 0.0, 0.0), "everything, late");
        assert_eq!(after(5.0, 0.0, 1.0), "its connection is closed");
    }
}
