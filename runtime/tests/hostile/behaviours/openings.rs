//! Connections that never come to anything.

use std::net::Shutdown;
use std::time::Duration;

use crate::behaviour::{Behaviour, Counter};
use crate::script::{Leaves, Script, nothing};
use crate::words::{ALL_STREAMS, EVENTS, VITALS, hello, subscription};

const JSON: Script = Script { door: "json.sock", ..Script::NEW };

pub const ALL: &[Behaviour] = &[
    Behaviour::script(
        "silent",
        "connects to stream.sock and says nothing",
        Script { pace: Duration::from_millis(5), ..Script::NEW },
    )
    .clients(400)
    .grows(&[Counter::Cut]),
    Behaviour::script(
        "half-frame",
        "half a hello, then silence",
        Script {
            first: |_, _| hello()[..50].to_vec(),
            pace: Duration::from_millis(5),
            ..Script::NEW
        },
    )
    .clients(400)
    .grows(&[Counter::Cut]),
    Behaviour::script(
        "slow-loris",
        "hello and subscribe, a byte every 10 ms",
        Script {
            first: |_, _| subscription(VITALS, 1000, false, &[]),
            piece: 1,
            pace: Duration::from_millis(10),
            ..Script::NEW
        },
    )
    .grows(&[Counter::Cut]),
    Behaviour::script(
        "byte-by-byte",
        "hello and subscribe, a byte a send, as fast as it goes, and again",
        Script {
            first: |_, _| subscription(VITALS, 25, false, &[]),
            piece: 1,
            leaves: Leaves::AfterWords,
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "dripping",
        "a newline a millisecond to json.sock, each of which wakes the loop",
        Script { then: |_, _| vec![b'\n'], piece: 1, pace: Duration::from_millis(1), ..JSON },
    ),
    Behaviour::script(
        "connect-storm",
        "connects to stream.sock and goes at once",
        Script { leaves: Leaves::AfterWords, reads: 0, ..Script::NEW },
    ),
    Behaviour::script(
        "connect-storm-lines",
        "connects to json.sock and goes at once, with a catch-up on its way",
        Script { leaves: Leaves::AfterWords, reads: 0, ..JSON },
    ),
    Behaviour::script(
        "connect-storm-opta",
        "connects to a version-1 socket and goes at once",
        Script { door: "opta.sock", leaves: Leaves::AfterWords, reads: 0, ..Script::NEW },
    ),
    Behaviour::script(
        "say-and-go",
        "subscribes to everything and goes without reading a byte",
        Script {
            first: |_, _| subscription(ALL_STREAMS, 1000, false, &[]),
            leaves: Leaves::AfterWords,
            reads: 0,
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "taste-and-go",
        "subscribes at 1 kHz, reads 7 bytes and goes",
        Script {
            first: |_, _| subscription(VITALS, 1000, false, &[]),
            leaves: Leaves::AfterAnswer,
            reads: 7,
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "full-house",
        "more connections than there are places, which stay",
        Script { pace: Duration::from_millis(5), ..JSON },
    )
    .clients(600)
    .grows(&[Counter::Refused])
    .fills(),
    Behaviour::script(
        "full-and-knocking",
        "the same, and whoever was turned away comes back at once",
        JSON,
    )
    .clients(600)
    .grows(&[Counter::Refused])
    .fills(),
    Behaviour::script(
        "ends-its-words",
        "subscribes at 1 kHz, shuts its writing side down and reads on",
        Script {
            first: |_, _| subscription(VITALS, 1000, false, &[]),
            shuts: Some(Shutdown::Write),
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "ends-before-words",
        "connects, shuts its writing side down, says nothing",
        Script { first: nothing, shuts: Some(Shutdown::Write), ..Script::NEW },
    ),
    Behaviour::script(
        "stops-hearing",
        "subscribes to events and vitals and shuts its reading side down",
        Script {
            first: |_, _| subscription(VITALS | EVENTS, 1000, false, &[]),
            shuts: Some(Shutdown::Read),
            leaves: Leaves::AfterWords,
            ..Script::NEW
        },
    ),
];
