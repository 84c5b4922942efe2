//! What looks like the protocol at first.

use crate::behaviour::{Behaviour, Counter};
use crate::script::Script;
use crate::words::{VITALS, frame, hello, noise, of, subscription};

const JSON: Script = Script { door: "json.sock", ..Script::NEW };
const CONTROL: Script = Script { door: "control.sock", ..Script::NEW };

pub const ALL: &[Behaviour] = &[
    Behaviour::script(
        "noise-lines",
        "bytes without sense to json.sock",
        Script { first: noise, ..JSON },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "noise-requests",
        "bytes without sense to control.sock",
        Script { first: noise, then: noise, ..CONTROL },
    )
    .clients(64)
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "turning",
        "a right hello and a right subscription, then bytes without sense",
        Script { first: |_, _| subscription(VITALS, 1000, false, &[]), then: noise, ..Script::NEW },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "huge-lengths",
        "headers that announce 4 GiB, or 8 bytes more than is allowed",
        Script {
            first: |_, n| frame(of(&[1, 3, 200], n), of(&[u32::MAX, 65_544], n), &[]),
            ..Script::NEW
        },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "zero-lengths",
        "hello, subscribe and request of no bytes",
        Script { first: |_, n| frame(of(&[1, 3, 9], n), 0, &[]), ..Script::NEW },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "wrong-side",
        "frames that only a server sends",
        Script {
            first: |_, n| {
                [hello(), frame(of(&[2, 4, 5, 6, 7, 16, 32], n), 288, &[0; 288])].concat()
            },
            ..Script::NEW
        },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "deep-lines",
        "a million opening brackets to json.sock",
        Script { then: |_, _| vec![b'['; 1_000_000], ..JSON },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "deep-requests",
        "a million opening brackets to control.sock",
        Script { then: |_, _| vec![b'['; 1_000_000], ..CONTROL },
    )
    .clients(64)
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "endless-line",
        "a subscribe line whose string never ends",
        Script {
            first: |_, _| b"{\"subscribe\":[\"".to_vec(),
            then: |_, _| vec![b'a'; 4096],
            ..Script::NEW
        },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "endless-request",
        "a request whose string never ends",
        Script {
            first: |_, _| b"{\"action\":\"".to_vec(),
            then: |_, _| vec![b'a'; 65_536],
            ..CONTROL
        },
    )
    .clients(64)
    .grows(&[Counter::Mistakes]),
    Behaviour::script("zeros", "zeros to json.sock", Script { then: |_, _| vec![0; 4096], ..JSON })
        .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "not-utf8",
        "a subscribe line with bytes that are no UTF-8",
        Script { first: |_, _| b"{\"subscribe\":[\"vi\xff\xfe\xc0tals\"]}\n".to_vec(), ..JSON },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "controls",
        "a request with escape sequences of terminals in its strings",
        Script {
            then: |_, _| b"{\"action\":\"\x1b]0;x\x07\",\"id\":\"\x1b[2J\"}\n".repeat(200),
            ..CONTROL
        },
    )
    .clients(64)
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "unknown-streams",
        "subscribes to streams that nobody serves",
        Script { first: |_, n| subscription(1 << (4 + n % 12), 25, false, &[]), ..Script::NEW },
    )
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "unknown-groups",
        "lines that ask for groups and topics that there are not",
        Script {
            first: |_, n| {
                let groups = format!("\"groups\":[\"no-such-{n}\",\"*?*\"]");
                format!("{{\"subscribe\":[\"samples\"],\"rate_hz\":1000,{groups}}}\n").into_bytes()
            },
            ..JSON
        },
    ),
];
