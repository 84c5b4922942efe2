//! How many messages come when the publisher does not pause?

use std::time::Duration;

use kymo_benches::Outcome;

use super::{missing, names};
use crate::rounds::Rounds;
use crate::seats::{Session, Tally, count};
use crate::served::Load;
use crate::system::System;
use crate::table::Table;

const SUBSCRIBERS: [usize; 3] = [1, 10, 100];

/// Events of 64 bytes without a pause.
///
/// # Errors
///
/// Never: who fails is left out.
pub fn run(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "Events of 64 bytes, unpaced",
        "As many as the publisher can get rid of. What counts is what a subscriber got, the mean \
         of all; and what was lost on the way. All subscribers are read by one thread. Each peer \
         is set up for this: ZeroMQ's publisher waits for the slowest subscriber \
         (ZMQ_XPUB_NODROP), which is then its pace; nng's queues hold 8,192 messages on both \
         sides; Redis is sent 256 commands at a time.",
        &names(),
    );
    let (rounds, span_ms) = if is_quick { (2, 200) } else { (5, 700) };
    let span = Duration::from_millis(span_ms);
    for subscribers in SUBSCRIBERS {
        let rounds = Rounds::take(rounds, &System::ALL, missing, |system| {
            measure(system, subscribers, span)
        });
        let word = if subscribers == 1 { "subscriber" } else { "subscribers" };
        let what = format!("{subscribers} {word}: each gets");
        table.more(what, "thousand a second", rounds.cells(0));
        table.less(format!("{subscribers} {word}: lost"), "%", rounds.alone(1));
        let cut = rounds.medians(2);
        for (system, cut) in System::ALL.into_iter().zip(cut).filter(|(_, cut)| *cut > 0.0) {
            let name = system.name();
            table.notes.push(format!("{name} cut {cut:.0} of {subscribers} off as too slow"));
        }
        table.explain(&rounds.failed);
    }
    table.notes.push(
        "kymo's publisher waits for its loop, and its loop for nobody: who is too slow is told how \
         many it lost. nng says nothing"
            .into(),
    );
    Ok(table)
}

/// Thousands a second for each subscriber, percent lost, subscribers cut off.
fn measure(system: System, subscribers: usize, span: Duration) -> Outcome<[f64; 3]> {
    let mut session = Session::start(system, Load::Flood, subscribers, 0)?;
    count(&mut session.seats, Duration::from_millis(200))?;
    let tallies = count(&mut session.seats, span)?;
    let frames: u64 = tallies.iter().map(|tally| tally.frames).sum();
    let lost: u64 = tallies.iter().map(Tally::lost).sum();
    let cut = tallies.iter().filter(|tally| tally.is_cut).count();
    if frames == 0 {
        return Err("nothing came".into());
    }
    let each = frames as f64 / subscribers as f64 / span.as_secs_f64() / 1000.0;
    Ok([each, lost as f64 * 100.0 / (lost + frames) as f64, cut as f64])
}
