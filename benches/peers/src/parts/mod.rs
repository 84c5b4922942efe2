//! What is measured, in parts that can be run one by one.

pub mod codecs;
pub mod collectors;
pub mod fanout;
pub mod flood;
pub mod reading;
pub mod stall;

use kymo_benches::Outcome;

use crate::system::System;
use crate::table::Table;

/// A part: its word for the command line, and what measures it. `true`: as little as shows that it
/// works.
pub type Part = (&'static str, fn(bool) -> Outcome<Table>);

/// In the order of the report.
pub const ALL: [Part; 8] = [
    ("late-vitals", fanout::vitals),
    ("late-events", fanout::events),
    ("flood", flood::run),
    ("stall", stall::paced),
    ("stall-flood", stall::flooded),
    ("collectors", collectors::run),
    ("codecs", codecs::run),
    ("reading", reading::run),
];

/// Columns of the systems that hand messages on.
fn names() -> Vec<&'static str> {
    System::ALL.into_iter().map(System::name).collect()
}

fn missing(system: System) -> Option<String> {
    system.missing().map(Into::into)
}
