//! What strangers ask for keeps nobody waiting.

use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Data, EventFields};

use crate::rig::{MS, Rig, STREAM, subscription};

const STRANGERS: usize = 100;

fn subscriber(rig: &mut Rig, streams: u16, topics: &[&str]) -> kymo::SessionId {
    let id = rig.connect(STREAM);
    let mut fixed = SubscribeFixed::default();
    fixed.rate_mhz.set(25_000);
    fixed.streams.set(streams);
    rig.say(id, &subscription(&fixed, topics));
    id
}

/// How many vitals and events have come.
fn told(rig: &mut Rig, id: kymo::SessionId) -> (usize, usize) {
    let kinds = rig.socket(id).begun.iter().map(|frame| frame[12]);
    kinds.fold((0, 0), |(vitals, events), kind| match kind {
        16 => (vitals + 1, events),
        32 => (vitals, events + 1),
        _ => (vitals, events),
    })
}

#[test]
fn patterns_that_nearly_match_take_no_more_than_their_share_of_a_turn() {
    let mut rig = Rig::new(128);
    let nearly = format!("*{}b", "a".repeat(62));
    let patterns: Vec<&str> = std::iter::repeat_n(nearly.as_str(), 15).collect();
    for _ in 0..STRANGERS {
        subscriber(&mut rig, 8, &patterns);
    }
    // Each comes last into the queue, behind all strangers.
    let honest = subscriber(&mut rig, 1 | 8, &["honest"]);
    rig.run();
    let before = told(&mut rig, honest);
    let topic = "a".repeat(120);
    let hostile = EventFields::custom(&topic, Data::Json("1"));
    let mut events = vec![hostile; 20];
    events.push(EventFields::custom("honest", Data::Json("1")));
    rig.turn(&events);
    let mut turns = 1;
    let mut told_after = None;
    // A turn takes some milliseconds, so that ticks come between.
    while rig.hub.ready() > 0 {
        rig.pass(4 * MS);
        rig.turn(&[]);
        turns += 1;
        let (vitals, events) = told(&mut rig, honest);
        if told_after.is_none() && events > before.1 {
            told_after = Some(turns);
        }
        // A frame each tick of 40 ms, however much is asked for.
        let due = turns / 10;
        assert!(vitals - before.0 + 1 >= due, "{vitals} vitals after {turns} turns");
    }
    // A hundred times twenty looks at 55,000 bytes each are a tenth of a second.
    assert!(turns > 20, "all of it in {turns} turns");
    // Its turn comes when everybody's has come once.
    assert!(told_after.is_some_and(|turns| turns <= 4), "{told_after:?} of {turns} turns");
}
