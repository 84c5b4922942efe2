//! The subscriber that needs no socket.

use std::thread;
use std::time::{Duration, Instant};

use kymo::protocol::{Body, Data, EventFields, StreamId, Streams};
use kymo::{Builder, LocalSubscriber, Reactor, Wish};
use kymo_platform::Fake;

const PATIENCE: Duration = Duration::from_secs(20);

fn reactor() -> Reactor {
    Builder::new().machine(Box::new(Fake::seeded(7))).build().unwrap()
}

fn only(stream: StreamId) -> Streams {
    Streams::default().with(stream)
}

fn attach(reactor: &mut Reactor, wish: &Wish<'_>) -> LocalSubscriber {
    let reader = thread::current();
    reactor.attach(wish, move || reader.unpark()).unwrap()
}

/// Calls `each` for every frame until it is content; fails when nothing comes.
fn read(subscriber: &mut LocalSubscriber, mut each: impl FnMut(&Body<'_>, u64) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        match subscriber.next_frame().unwrap() {
            Some(frame) if each(&frame.body, frame.header.sequence.get()) => return,
            Some(_) => {}
            None => {
                assert!(!subscriber.is_ended(), "the end came first");
                assert!(Instant::now() < end, "nothing comes to {subscriber:?}");
                thread::park_timeout(Duration::from_millis(100));
            }
        }
    }
}

#[test]
fn vitals_come_with_consecutive_sequences_and_a_last_word() {
    let mut reactor = reactor();
    let mut subscriber = attach(&mut reactor, &Wish { rate_mhz: 500_000, ..Wish::default() });
    let running = reactor.spawn().unwrap();
    let mut last = 0;
    read(&mut subscriber, |body, sequence| {
        if let Body::Vitals(vitals) = body {
            let missed = u64::from(vitals.merged.get());
            assert_eq!(sequence, last + missed + 1);
            last = sequence;
        }
        last > 200
    });
    running.stop().unwrap();
    let mut is_goodbye = false;
    while let Some(frame) = subscriber.next_frame().unwrap() {
        is_goodbye = matches!(frame.body, Body::Goodbye(_));
    }
    assert!(is_goodbye && subscriber.is_ended());
}

#[test]
fn who_does_not_read_keeps_nobody_up_and_misses_nothing_unsaid() {
    const EVENTS: u64 = 60_000;
    let mut reactor = reactor();
    let wish = Wish { streams: only(StreamId::EVENTS), ..Wish::default() };
    let mut idle = attach(&mut reactor, &wish);
    let mut other = attach(&mut reactor, &wish);
    let running = reactor.spawn().unwrap();
    let publisher = running.publisher().unwrap();
    let writer = thread::spawn(move || {
        for number in 0..EVENTS {
            let text = format!("{{\"number\":{number}}}");
            let event = EventFields::custom("test.number", Data::Json(&text));
            while let Err(error) = publisher.publish(&event) {
                assert_eq!(error, kymo::PublishError::Full);
                thread::sleep(Duration::from_micros(50));
            }
        }
    });
    for subscriber in [&mut other, &mut idle] {
        let (mut last, mut lost) = (0, 0);
        read(subscriber, |body, sequence| {
            match body {
                // What stands at the beginning is a snapshot, without a sequence.
                Body::Event(_) if sequence > 0 => {
                    assert_eq!(sequence, last + 1);
                    last = sequence;
                }
                Body::Gap(gap) => {
                    assert_eq!(
                        (gap.first.get(), gap.count.get()),
                        (last + 1, gap.last.get() - last)
                    );
                    lost += gap.count.get();
                    last = gap.last.get();
                }
                _ => {}
            }
            last == EVENTS
        });
        // The second one reads only when the first has all of them.
        println!("{lost} of {EVENTS} events lapped");
    }
    writer.join().unwrap();
    running.stop().unwrap();
}

#[test]
fn who_is_dropped_is_let_go() {
    let mut reactor = reactor();
    let subscriber = attach(&mut reactor, &Wish { rate_mhz: 100_000, ..Wish::default() });
    let turn = |reactor: &mut Reactor| {
        (0..3).for_each(|_| reactor.turn(Some(Duration::from_millis(20))).unwrap());
    };
    turn(&mut reactor);
    assert_eq!(reactor.hub().clients(), 1);
    drop(subscriber);
    turn(&mut reactor);
    assert_eq!(reactor.hub().clients(), 0);
    assert_eq!(reactor.deadline(), None, "nobody watches");
}

#[test]
fn a_wish_that_is_none_is_refused_at_once() {
    let mut reactor = reactor();
    let wish = Wish { topics: &["a\nb"], ..Wish::default() };
    let error = reactor.attach(&wish, || ()).unwrap_err();
    assert!(error.to_string().starts_with("what is wanted can't be said"), "{error}");
    assert_eq!(reactor.hub().clients(), 0);
}
