//! Subscribers that read badly.

use std::time::Duration;

use crate::behaviour::{Behaviour, Counter};
use crate::script::{Leaves, Script};
use crate::words::{ALL_STREAMS, EVENTS, VITALS, subscription};

pub const ALL: &[Behaviour] = &[
    Behaviour::script(
        "deaf",
        "vitals at 1 kHz, and never a read",
        Script { first: |_, _| subscription(VITALS, 1000, false, &[]), reads: 0, ..Script::NEW },
    ),
    Behaviour::script(
        "deaf-recorders",
        "every frame of vitals at 1 kHz, and never a read",
        Script { first: |_, _| subscription(VITALS, 1000, true, &[]), reads: 0, ..Script::NEW },
    ),
    Behaviour::script(
        "deaf-lines",
        "connects to json.sock and never reads",
        Script { door: "json.sock", reads: 0, ..Script::NEW },
    ),
    Behaviour::script(
        "deaf-to-all",
        "every stream as lines at 1 kHz, and never a read",
        Script {
            first: |_, _| {
                let streams = "[\"vitals\",\"samples\",\"processes\",\"events\"]";
                format!("{{\"subscribe\":{streams},\"rate_hz\":1000}}\n").into_bytes()
            },
            reads: 0,
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "byte-reader",
        "every stream at 1 kHz, read a byte at a time",
        Script {
            first: |_, _| subscription(ALL_STREAMS, 1000, false, &[]),
            reads: 1,
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "narrow",
        "vitals at 1 kHz through the smallest receive buffer, 100 bytes a round",
        Script {
            first: |_, _| subscription(VITALS, 1000, false, &[]),
            reads: 100,
            room: Some(1),
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "slow-reader",
        "vitals at 1 kHz, read once in half a second",
        Script {
            first: |_, _| subscription(VITALS, 1000, false, &[]),
            pace: Duration::from_millis(500),
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "greedy",
        "every stream at 1 kHz, read as fast as it comes",
        Script { first: |_, _| subscription(ALL_STREAMS, 1000, false, &[]), ..Script::NEW },
    ),
    Behaviour::script(
        "comes-and-goes",
        "every stream at 1 kHz; goes after the first answer and comes back",
        Script {
            first: |_, _| subscription(ALL_STREAMS, 1000, false, &[]),
            leaves: Leaves::AfterAnswer,
            ..Script::NEW
        },
    ),
    Behaviour::own(
        "deaf-to-events",
        "events as fast as they are taken, to subscribers that never read",
        |attack| {
            super::requests::submit_beside(attack, |_, _| subscription(EVENTS, 25, false, &[]), 0)
        },
    )
    .grows(&[Counter::Events]),
    Behaviour::own(
        "slow-to-events",
        "events as fast as they are taken, to subscribers that read 100 bytes a round",
        |attack| {
            super::requests::submit_beside(attack, |_, _| subscription(EVENTS, 25, false, &[]), 100)
        },
    )
    .grows(&[Counter::Events]),
    Behaviour::own(
        "costly-patterns",
        "patterns that take long to match, beside events that nearly match them",
        |attack| super::requests::submit_beside(attack, costly, usize::MAX),
    )
    .grows(&[Counter::Events]),
];

/// A pattern as long as patterns may be, of which each part nearly matches.
fn costly(_: &crate::attack::Scene, _: u64) -> Vec<u8> {
    let pattern = format!("*{}b", "a".repeat(62));
    let patterns: Vec<&str> = std::iter::repeat_n(pattern.as_str(), 15).collect();
    subscription(EVENTS, 25, false, &patterns)
}
