//! How late are messages that come at a pace, and what does it cost to hand them out?

use std::time::Duration;

use kymo_benches::row::figure;
use kymo_benches::{Outcome, watch};

use super::{missing, names};
use crate::rounds::Rounds;
use crate::seats::Session;
use crate::served::Load;
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
        "From just before the message is made to after the subscriber has read it, and the CPU \
         time of the serving processes. kymo makes the frame in its own loop, from a machine that \
         is not read; the peers' publisher is a thread that sleeps until the next is due.",
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
        "The same, published by another thread than the one that sends: kymo's publisher sleeps \
         until the next is due, as the others' do, and wakes the loop. kymo adds a header of 32 \
         bytes.",
        &names(),
    );
    late(&mut table, Load::Events(RATE_HZ), is_quick);
    Ok(table)
}

fn late(table: &mut Table, load: Load, is_quick: bool) {
    let (rounds, span_ms) = if is_quick { (2, 150) } else { (5, 600) };
    let span = Duration::from_millis(span_ms);
    for count in SUBSCRIBERS {
        let rounds = Rounds::take(rounds, &System::ALL, missing, |system| {
            measure(system, load, count, span)
        });
        let word = if count == 1 { "subscriber" } else { "subscribers" };
        for (place, name) in ["p50", "p99"].into_iter().enumerate() {
            table.less(format!("{count} {word}: {name}"), "µs", rounds.cells(place));
        }
        table.less(format!("{count} {word}: CPU of the server"), "% of a core", rounds.cells(2));
        for (system, lost) in System::ALL.into_iter().zip(rounds.medians(3)) {
            if lost > 0.0 {
                let (name, lost) = (system.name(), figure(lost));
                table.notes.push(format!("{name} lost {lost} % on the way to {count} {word}"));
            }
        }
        table.explain(&rounds.failed);
    }
    table.notes.push(format!("{rounds} rounds of {span_ms} ms each; else no message was lost"));
}

/// Lateness in µs at the middle and at 99 %, CPU of the server and messages lost in percent.
fn measure(system: System, load: Load, count: usize, span: Duration) -> Outcome<[f64; 4]> {
    let mut session = Session::start(system, load, count, 0)?;
    watch::many(&mut session.seats, Duration::from_millis(250))?;
    let begin_ns = session.served.cpu_ns()?;
    let seen = watch::many(&mut session.seats, span)?;
    let cpu_ns = session.served.cpu_ns()? - begin_ns;
    if seen.frames() == 0 {
        return Err("nothing came".into());
    }
    // Who gets nothing at all is not among the late ones, and not forgotten.
    let frames = seen.frames() as f64;
    let deaf = seen.without() as f64 * f64::from(load.rate_hz()) * span.as_secs_f64();
    let lost = seen.lost() as f64 + deaf;
    let lost_percent = lost / (lost + frames) * 100.0;
    let cpu_percent = cpu_ns as f64 / span.as_nanos() as f64 * 100.0;
    Ok([seen.late_ns(0.5) / 1000.0, seen.late_ns(0.99) / 1000.0, cpu_percent, lost_percent])
}
