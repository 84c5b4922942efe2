//! More than anybody would say to a socket of subscribers.

use crate::behaviour::{Behaviour, Counter};
use crate::script::Script;
use crate::words::{EVENTS, VITALS, frame, hello, noise, subscription};

pub const ALL: &[Behaviour] = &[
    Behaviour::script(
        "noise",
        "bytes without sense to stream.sock, and again as soon as refused",
        Script { first: noise, then: noise, ..Script::NEW },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "skipped-frames",
        "hello, and then frames of 64 KiB of an unknown kind instead of a subscription",
        Script {
            first: |_, _| hello(),
            then: |_, _| frame(200, 65_536, &[7; 65_536]),
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "skipped-for-ever",
        "a subscription, and then frames of an unknown kind without end",
        Script {
            first: |_, _| subscription(VITALS, 25, false, &[]),
            then: |_, _| frame(200, 65_536, &[7; 65_536]),
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "small-frames",
        "a subscription, and then frames of an unknown kind and no payload without end",
        Script {
            first: |_, _| subscription(EVENTS, 25, false, &[]),
            then: |_, _| frame(201, 0, &[]).repeat(1024),
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "empty-lines",
        "newlines without end to json.sock",
        Script { door: "json.sock", then: |_, _| vec![b'\n'; 65_536], ..Script::NEW },
    ),
    Behaviour::script(
        "unread-flood",
        "newlines without end to json.sock, reading nothing",
        Script { door: "json.sock", then: |_, _| vec![b'\n'; 65_536], reads: 0, ..Script::NEW },
    ),
    Behaviour::script(
        "opta-flood",
        "bytes to a version-1 socket, which takes no words",
        Script { door: "opta.sock", then: noise, ..Script::NEW },
    ),
    Behaviour::script(
        "again",
        "the same subscription again and again on one connection",
        Script {
            first: |_, _| subscription(VITALS, 25, false, &[]),
            then: |_, _| subscription(VITALS, 25, false, &[]),
            ..Script::NEW
        },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "again-lines",
        "subscribe lines one after the other on json.sock",
        Script {
            door: "json.sock",
            then: |_, _| b"{\"subscribe\":[\"vitals\"],\"rate_hz\":1000}\n".to_vec(),
            ..Script::NEW
        },
    )
    .grows(&[Counter::Mistakes]),
];
