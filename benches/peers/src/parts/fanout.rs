//! How late are messages that come at a pace, and what does it cost to hand them out?

use std::time::Duration;

use kymo_benches::{Outcome, watch};

use super::{missing, names};
use crate::rounds::Rounds;
use crate::seats::subscribe;
use crate::served::{Load, Served};
use crate::system::System;
use crate::table::Table;

const RATE_HZ: u32 = 1000;
const SUBSCRIBERS: [usize; 3] = [1, 10, 100];

/// Of the bytes of a vitals frame.
///
/// # Errors
///
/// Never: who fails is left out.
pub fn vitals(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "A vitals frame, 320 bytes at 1 kHz",
        "From just before the message is made to after the subscriber has read it, and the CPU time of the \
         serving processes. kymo makes the frame in its own loop, from a machine that is not read; the \
         peers' publisher is a thread that sleeps until the next is due.",
        &names(),
    );
    late(&mut table, Load::Vitals(RATE_HZ), is_quick);
    Ok(table)
}

/// Of an event of 64 bytes.
///
/// # Errors
///
/// Never: who fails is left out.
pub fn events(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "An event of 64 bytes at 1 kHz",
        "The same, published by another thread than the one that sends: kymo's publisher sleeps until the \
         next is due, as the others' do, and wakes the loop. kymo adds a header of 32 bytes.",
        &names(),
    );
    late(&mut table, Load::Events(RATE_HZ), is_quick);
    Ok(table)
}

fn late(table: &mut Table, load: Load, is_quick: bool) {
    let (rounds, span_ms) = if is_quick { (2, 150) } else { (7, 600) };
    let span = Duration::from_millis(span_ms);
    for count in SUBSCRIBERS {
        let rounds = Rounds::take(rounds, &System::ALL, missing, |system| {
            measure(system, load, count, span)
        });
        let word = if count == 1 { "subscriber" } else { "subscribers" };
        for (figure, name) in ["p50", "p99"].into_iter().enumerate() {
            table.less(format!("{count} {word}: {name}"), "µs", rounds.cells(figure));
        }
        table.less(format!("{count} {word}: CPU of the server"), "% of a core", rounds.cells(2));
        table.explain(&rounds.failed);
    }
    let rounds = rounds.to_string();
    table.notes.push(format!("{rounds} rounds of {span_ms} ms each; no message was lost"));
}

/// Lateness in µs at the middle and at 99 %, CPU of the server in percent.
fn measure(system: System, load: Load, count: usize, span: Duration) -> Outcome<[f64; 3]> {
    let mut served = Served::start(system, load)?;
    let mut seats = subscribe(&served, count)?;
    served.go()?;
    watch::many(&mut seats, Duration::from_millis(250))?;
    let begin_ns = served.cpu_ns()?;
    let seen = watch::many(&mut seats, span)?;
    let cpu_ns = served.cpu_ns()? - begin_ns;
    if seen.without() > 0 {
        return Err(format!("{} subscribers got nothing", seen.without()).into());
    }
    if seen.lost() > 0 {
        return Err(format!("{} messages were lost", seen.lost()).into());
    }
    let cpu_percent = cpu_ns as f64 / span.as_nanos() as f64 * 100.0;
    Ok([seen.late_ns(0.5) / 1000.0, seen.late_ns(0.99) / 1000.0, cpu_percent])
}
