//! The client and the real daemon, which is killed while somebody reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::time::{Duration, Instant};

use common::kymod::forgetful;
use common::{PATIENCE, Scratch};
use kymo_client::{
    Action, Body, Control, Data, Error, ErrorCode, EventFields, Item, Resumed, Settings, StreamId,
    Streams, Submit, Subscriber,
};

fn publish(control: &mut Control, topic: &str) -> u64 {
    let event = EventFields::custom(topic, Data::Json("{\"ok\":true}"));
    control.submit(Submit::new(&event)).unwrap().sequence
}

/// The next event's sequence; everything before it goes to `told`.
fn next_event(subscriber: &mut Subscriber, told: &mut Vec<String>) -> u64 {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE);
        match subscriber.next().unwrap() {
            Item::Frame(frame) => {
                if let (Body::Event(_), sequence @ 1..) = (frame.body, frame.header.sequence.get())
                {
                    return sequence;
                }
            }
            item => told.push(common::told(&item)),
        }
    }
}

fn events(scratch: &Scratch) -> Settings {
    let streams = Streams::default().with(StreamId::EVENTS);
    Settings { streams, ..scratch.settings() }
}

#[test]
fn a_daemon_that_is_killed_takes_its_history_along_and_that_is_told() {
    let scratch = Scratch::new();
    let daemon = forgetful(&scratch, &[]);
    let mut control = Control::connect(vec![scratch.0.clone()]).unwrap();
    let mut subscriber = Subscriber::connect(events(&scratch)).unwrap();
    let mut told = Vec::new();
    assert!(matches!(subscriber.next(), Ok(Item::Connected(_))));
    assert_eq!(publish(&mut control, "a"), 1);
    assert_eq!(next_event(&mut subscriber, &mut told), 1);
    assert_eq!(told, ["fresh"]);
    let before = subscriber.token().unwrap();
    publish(&mut control, "nobody.reads.this");
    drop(daemon);
    let _daemon = forgetful(&scratch, &[]);
    // What it has read meanwhile may or may not have come before the end.
    told.clear();
    let mut had = before.events;
    let lost_after = loop {
        match subscriber.next().unwrap() {
            Item::Fresh { lost_after } => break lost_after.unwrap(),
            Item::Frame(frame) => had = had.max(frame.header.sequence.get()),
            item => told.push(common::told(&item)),
        }
    };
    assert_eq!(told, ["lost Ended", "connected Fresh"]);
    assert_eq!((lost_after.epoch, lost_after.events), (before.epoch, had));
    // The control client has noticed on its own.
    assert_eq!(publish(&mut control, "b"), 1);
    told.clear();
    assert_eq!(next_event(&mut subscriber, &mut told), 1);
    assert_eq!(told, Vec::<String>::new(), "it is told once");
    assert_ne!(subscriber.token().unwrap().epoch, before.epoch);
}

#[test]
fn a_token_of_another_run_of_the_client_is_continued() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let mut control = Control::connect(vec![scratch.0.clone()]).unwrap();
    let mut told = Vec::new();
    let mut subscriber = Subscriber::connect(events(&scratch)).unwrap();
    assert!(matches!(subscriber.next(), Ok(Item::Connected(_))));
    publish(&mut control, "a");
    assert_eq!(next_event(&mut subscriber, &mut told), 1);
    let resume = subscriber.token();
    drop(subscriber);
    publish(&mut control, "b");
    publish(&mut control, "c");
    let settings = Settings { resume, topics: vec!["c*".into()], ..events(&scratch) };
    let mut subscriber = Subscriber::connect(settings).unwrap();
    match subscriber.next().unwrap() {
        Item::Connected(server) => assert_eq!(server.resumed, Resumed::Tail),
        item => panic!("{item:?}"),
    }
    assert_eq!(next_event(&mut subscriber, &mut told), 3);
}

#[test]
fn a_reader_that_was_away_too_long_gets_a_gap() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let mut control = Control::connect(vec![scratch.0.clone()]).unwrap();
    let mut subscriber = Subscriber::connect(events(&scratch)).unwrap();
    assert!(matches!(subscriber.next(), Ok(Item::Connected(_))));
    let (mut told, mut last) = (Vec::new(), publish(&mut control, "a"));
    assert_eq!(next_event(&mut subscriber, &mut told), 1);
    let resume = subscriber.token();
    drop(subscriber);
    let text = "x".repeat(4000);
    let event = EventFields::custom("big", Data::Text(kymo_protocol::Words::Plain(&text)));
    for _ in 0..100 {
        last = control.submit(Submit::new(&event)).unwrap().sequence;
    }
    let mut subscriber = Subscriber::connect(Settings { resume, ..events(&scratch) }).unwrap();
    told.clear();
    let first = next_event(&mut subscriber, &mut told);
    assert_eq!(told, ["connected Gap".into(), format!("gap 2 to {}", first - 1)]);
    for expected in first + 1..=last {
        assert_eq!(next_event(&mut subscriber, &mut told), expected);
    }
}

#[test]
fn many_events_at_once_all_come() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let mut control = Control::connect(vec![scratch.0.clone()]).unwrap();
    let mut subscriber = Subscriber::connect(events(&scratch)).unwrap();
    assert!(matches!(subscriber.next(), Ok(Item::Connected(_))));
    let event = EventFields::custom("t", Data::Json("[1,2,3]"));
    let (mut expected, mut told) = (1, Vec::new());
    for round in 0..50 {
        for number in round * 64..(round + 1) * 64 {
            let submit = Submit { key: Some(("t", number)), ..Submit::new(&event) };
            control.start_submit(submit).unwrap();
        }
        let mut last = 0;
        while let Some(replied) = control.finish().unwrap() {
            last = replied.outcome.unwrap().sequence;
        }
        while expected <= last {
            assert_eq!(next_event(&mut subscriber, &mut told), expected);
            expected += 1;
        }
    }
    assert_eq!(told, ["fresh"]);
}

#[test]
fn a_daemon_s_refusals_have_their_codes() {
    let scratch = Scratch::new();
    let daemon = forgetful(&scratch, &["--clients", "1"]);
    let mut control = Control::connect(vec![scratch.0.clone()]).unwrap();
    let event = EventFields::custom("t", Data::Json("1"));
    let submit = Submit { ack: Some(kymo_client::Ack::Synced), ..Submit::new(&event) };
    let error = control.submit(submit).unwrap_err();
    assert!(matches!(error, Error::Refused { code: Some(ErrorCode::NoJournal), .. }), "{error}");
    // The only place for a subscriber is taken.
    let mut first = Subscriber::connect(events(&scratch)).unwrap();
    assert!(matches!(first.next(), Ok(Item::Connected(_))));
    let mut second = Subscriber::connect(events(&scratch)).unwrap();
    let error = second.next().map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Refused { code: Some(ErrorCode::Full), .. }), "{error}");
    // So are all eight for owners.
    let owners: Vec<Control> = (0..8)
        .map_while(|_| {
            let mut owner = Control::connect(vec![scratch.0.clone()]).unwrap();
            owner.request(Action::Ping).is_ok().then_some(owner)
        })
        .collect();
    assert_eq!(owners.len(), 7);
    let mut late = Control::connect(vec![scratch.0.clone()]).unwrap();
    let error = late.request(Action::Ping).unwrap_err();
    assert!(matches!(error, Error::Refused { code: Some(ErrorCode::Full), .. }), "{error}");
    // An order to quit is answered, and then there is nobody.
    assert!(control.request(Action::Quit).is_ok());
    let start = Instant::now();
    loop {
        match control.request(Action::Ping) {
            Err(Error::Unreachable { .. } | Error::Resting(_)) => break,
            _ => assert!(start.elapsed() < PATIENCE),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(daemon);
}
