//! Inside another program nothing is allocated either: in its own loop, on a thread of kymo's own,
//! read without a socket, published to meanwhile, and stopped.
//!
//! A program of its own for the counter, which is a global allocator: libtest's threads allocate.

// A test, but without libtest, by which clippy knows tests.
#![allow(clippy::expect_used)]

use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use kymo::protocol::{Body, Data, EventFields, StreamId, Streams};
use kymo::{Builder, LocalSubscriber, Publisher, Reactor, Wish};
use kymo_platform::Fake;

#[path = "common/heap.rs"]
mod heap;

use heap::{allocations, counted};

fn made() -> (Reactor, LocalSubscriber, Publisher) {
    let machine = Box::new(Fake::seeded(7));
    let mut reactor = Builder::new().machine(machine).processes().build().expect("a loop");
    let streams = [StreamId::VITALS, StreamId::EVENTS, StreamId::PROCESSES];
    let streams = streams.into_iter().fold(Streams::default(), Streams::with);
    let wish = Wish { streams, rate_mhz: 500_000, ..Wish::default() };
    let reader = thread::current();
    let subscriber = reactor.attach(&wish, move || reader.unpark()).expect("a place");
    let publisher = reactor.publisher().expect("an inbox");
    (reactor, subscriber, publisher)
}

fn publish(publisher: &Publisher) {
    let event = EventFields::custom("test.number", Data::Json("{\"number\":1}"));
    // A full inbox is an answer.
    let _ = publisher.publish(&event);
}

/// Takes in what is there: how many vitals, and how many events.
fn read(subscriber: &mut LocalSubscriber, seen: &mut [u64; 2]) {
    while let Some(frame) = subscriber.next_frame().expect("a frame") {
        match frame.body {
            Body::Vitals(_) => seen[0] += 1,
            Body::Event(_) => seen[1] += 1,
            _ => {}
        }
    }
}

fn in_the_loop_of_the_host() {
    let (mut reactor, mut subscriber, publisher) = made();
    let mut seen = [0; 2];
    counted(|| {
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            publish(&publisher);
            reactor.turn(Some(Duration::from_millis(1))).expect("a turn");
            assert!(reactor.as_fd().try_clone_to_owned().is_ok());
            let _ = reactor.deadline();
            read(&mut subscriber, &mut seen);
        }
        reactor.stop();
        drop(publisher);
    });
    println!("own loop: {} vitals, {} events, {} allocations", seen[0], seen[1], allocations());
    assert!(seen[0] > 50 && seen[1] > 50, "{seen:?}");
    assert_eq!(allocations(), 0);
}

fn on_a_thread_of_its_own() {
    let (reactor, mut subscriber, publisher) = made();
    let running = reactor.spawn().expect("a thread");
    let mut seen = [0; 2];
    // A thread allocates when it starts.
    while seen[0] == 0 {
        read(&mut subscriber, &mut seen);
        thread::park_timeout(Duration::from_millis(10));
    }
    counted(|| {
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            publish(&publisher);
            read(&mut subscriber, &mut seen);
            thread::park_timeout(Duration::from_millis(5));
        }
        running.stopper().stop();
        while !subscriber.is_ended() {
            read(&mut subscriber, &mut seen);
            thread::park_timeout(Duration::from_millis(5));
        }
    });
    println!("own thread: {} vitals, {} events, {} allocations", seen[0], seen[1], allocations());
    assert!(seen[0] > 50 && seen[1] > 50, "{seen:?}");
    assert_eq!(allocations(), 0);
    running.stop().expect("its end");
}

fn main() {
    in_the_loop_of_the_host();
    on_a_thread_of_its_own();
}
