//! What does a subscriber that stops reading do to the others, to the server, and to itself?

use std::time::Duration;

use kymo_benches::{Outcome, watch};

use super::{missing, names};
use crate::rounds::Rounds;
use crate::seats::{Tally, count, count_on, subscribe};
use crate::served::{Load, Served};
use crate::system::System;
use crate::table::Table;

const RATE_HZ: u32 = 1000;
const READING: usize = 8;

/// Vitals at a pace: are the others later?
///
/// # Errors
///
/// Never: who fails is left out.
pub fn paced(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "One stalled subscriber of vitals at 1 kHz",
        "Eight others beside one that has subscribed and reads nothing for five seconds, which is longer than \
         any queue here lasts; then it reads what there is. Each turn measures without it, and then with it. \
         Settings are those the peers come with.",
        &names(),
    );
    let (rounds, fill_ms, span_ms) = if is_quick { (1, 500, 150) } else { (5, 4400, 600) };
    let (fill, span) = (Duration::from_millis(fill_ms), Duration::from_millis(span_ms));
    let rounds = Rounds::take(rounds, &System::ALL, missing, |system| {
        let [without, ..] = beside(system, 0, Duration::from_millis(250), span)?;
        let [with, lost, told, cut] = beside(system, 1, fill, span)?;
        Ok([without, with, with / without, lost, told, cut])
    });
    table.less("the others' p99 without it", "µs", rounds.cells(0));
    table.less("the others' p99 with it", "µs", rounds.cells(1));
    table.less("with it against without it", "×", rounds.alone(2));
    table.lines.push(crate::table::Line {
        what: "what it finds afterwards".into(),
        unit: String::new(),
        is_more_better: false,
        cells: rounds.words(|[_, _, _, lost, told, cut]| after(lost, told, cut)),
    });
    table.explain(&rounds.failed);
    Ok(table)
}

/// p99 of the others in µs; messages that the stalled one lost, was told of, whether it was cut off.
fn beside(system: System, stalled: usize, fill: Duration, span: Duration) -> Outcome<[f64; 4]> {
    let mut served = Served::start(system, Load::Vitals(RATE_HZ))?;
    let mut seats = subscribe(&served, READING + stalled)?;
    served.go()?;
    let part = |ms: u64| if stalled > 0 { Duration::from_millis(ms) } else { Duration::ZERO };
    let (begin, end) = (part(50), part(200));
    let mut stalled = seats.split_off(READING);
    let mut tallies = count(&mut stalled, begin)?;
    watch::many(&mut seats, fill)?;
    let seen = watch::many(&mut seats, span)?;
    count_on(&mut stalled, &mut tallies, end)?;
    let tally = tallies.first().copied().unwrap_or_default();
    let told = stalled.first().map_or(0, crate::seat::Seat::told);
    let cut = f64::from(u8::from(tally.is_cut));
    Ok([seen.late_ns(0.99) / 1000.0, tally.lost() as f64, told as f64, cut])
}

/// Events without a pause: who remembers what the stalled one has not taken?
///
/// # Errors
///
/// Never: who fails is left out.
pub fn flooded(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "One stalled subscriber of events without a pause",
        "One other reads for four seconds beside one that reads nothing. Memory is the PSS of the process that keeps \
         what is not yet taken, before the stall and at its highest. Nobody waits for the stalled one: ZeroMQ as it \
         comes, Redis with its usual limit of 32 MB for a subscriber.",
        &names(),
    );
    let (rounds, slices) = if is_quick { (1, 5) } else { (3, 40) };
    let rounds = Rounds::take(rounds, &System::ALL, missing, |system| remember(system, slices));
    table.less("memory before", "MB", rounds.cells(0));
    table.less("memory at its highest", "MB", rounds.cells(1));
    table.more("the other gets", "thousand a second", rounds.cells(2));
    table.lines.push(crate::table::Line {
        what: "what the stalled one finds afterwards".into(),
        unit: String::new(),
        is_more_better: false,
        cells: rounds.words(|[_, _, _, lost, told, cut]| after(lost, told, cut)),
    });
    table.explain(&rounds.failed);
    Ok(table)
}

fn remember(system: System, slices: u32) -> Outcome<[f64; 6]> {
    const SLICE: Duration = Duration::from_millis(100);
    let mut served = Served::start(system, Load::Flood { is_waiting: false })?;
    let mut reading = subscribe(&served, 2)?;
    let before = served.pss()?;
    served.go()?;
    let mut tallies = count(&mut reading, SLICE)?;
    let mut stalled = reading.split_off(1);
    let mut of_stalled = tallies.split_off(1);
    let (begin, mut highest) = (tallies[0].frames, before);
    for _ in 0..slices {
        count_on(&mut reading, &mut tallies, SLICE)?;
        highest = highest.max(served.pss()?);
    }
    count_on(&mut stalled, &mut of_stalled, SLICE * 3)?;
    let each = (tallies[0].frames - begin) as f64 / f64::from(slices) / SLICE.as_secs_f64();
    let Tally { is_cut, .. } = of_stalled[0];
    let told = stalled.first().map_or(0, crate::seat::Seat::told);
    let cut = f64::from(u8::from(is_cut));
    let lost = of_stalled[0].lost() as f64;
    Ok([before / 1e6, highest / 1e6, each / 1000.0, lost, told as f64, cut])
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
