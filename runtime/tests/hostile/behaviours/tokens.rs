//! Subscribers that claim a past.

use crate::behaviour::{Behaviour, Counter};
use crate::script::{Leaves, Script};
use crate::words::{EVENTS, resumption};

/// Asks for what comes behind an event, and again when it was told something.
const fn resume(first: fn(&crate::attack::Scene, u64) -> Vec<u8>) -> Script {
    Script { first, leaves: Leaves::AfterAnswer, ..Script::NEW }
}

pub const ALL: &[Behaviour] = &[
    Behaviour::script(
        "token-of-the-past",
        "resumes from the first event again and again, so that all of the journal is read",
        resume(|scene, _| resumption(EVENTS, 25, false, &[], Some((&scene.epoch, 0)))),
    )
    .grows(&[Counter::EventsSent]),
    Behaviour::script(
        "token-of-the-past-unread",
        "resumes from the first event and never reads",
        Script {
            first: |scene, _| resumption(EVENTS, 25, false, &[], Some((&scene.epoch, 0))),
            reads: 0,
            ..Script::NEW
        },
    )
    .grows(&[Counter::EventsSent]),
    Behaviour::script(
        "token-of-the-past-filtered",
        "resumes from the first event with a pattern that none of them matches",
        Script {
            first: |scene, _| {
                resumption(EVENTS, 25, false, &["no*such*topic"], Some((&scene.epoch, 0)))
            },
            leaves: Leaves::AfterAnswer,
            ..Script::NEW
        },
    ),
    Behaviour::script(
        "token-of-the-future",
        "resumes from an event that is not there yet",
        resume(|scene, n| {
            let events = if n % 2 == 0 { u64::MAX } else { scene.next + 1_000_000_000 };
            resumption(EVENTS, 25, false, &[], Some((&scene.epoch, events)))
        }),
    ),
    Behaviour::script(
        "token-of-others",
        "resumes with an epoch of some other server",
        resume(|_, n| resumption(EVENTS, 25, false, &[], Some((&format!("{n:032x}"), n)))),
    ),
];
