//! Promise 3: after `Reactor::new` returns, the loop allocates nothing.
//!
//! Everything runs in this one thread: the loop's turns are counted, the clients between them are
//! not. Covered: accepting, three formats, 1,000 ticks at 1 kHz, a subscriber that stalls, `every`
//! with gaps, subscribing late, mistakes of every kind, disconnects, refusals and shutdown; the
//! inbox, full and empty, with publishers of both kinds, and the broadcaster; events submitted in
//! JSON and in frames and published by another thread, filters, catch-up, tokens, subscribers that
//! are lapped, every action of the owner's, and settings read again; samples in both forms while
//! sensors come and go, and lapse; processes in both forms while they come and go; with a journal
//! and without.

// A test, but without libtest, by which clippy knows tests.
#![allow(clippy::expect_used)]

use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use kymo::{
    Broadcaster, Capacity, Config, Inbox, JournalSettings, Listener, ListenerFormat, Overflow,
    PublishError, Reactor, SessionMetrics,
};
use kymo_platform::{Roots, this_machine};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{AppState, Data, EventFields, Hello, Payload, Position, Stamp, Streams, emit};

#[path = "alloc/events.rs"]
mod events;
#[path = "common/heap.rs"]
mod heap;
#[path = "alloc/processes.rs"]
mod processes;
#[path = "alloc/samples.rs"]
mod samples;
#[path = "common/sensors.rs"]
mod sensors;

use heap::{allocations, counted};

/// One counted turn.
fn turn(reactor: &mut Reactor) {
    counted(|| reactor.turn(Some(Duration::from_millis(20)))).expect("a turn");
}

fn connect(directory: &Path, name: &str, hello: &[u8]) -> UnixStream {
    let mut client = UnixStream::connect(directory.join(name)).expect("connect");
    client.set_nonblocking(true).expect("nonblocking");
    client.write_all(hello).expect("write");
    client
}

/// Everything a client can read now.
fn drain(client: &mut UnixStream) -> usize {
    let mut buffer = [0; 16 * 1024];
    let mut total = 0;
    while let Ok(size @ 1..) = client.read(&mut buffer) {
        total += size;
    }
    total
}

fn binary_subscription(every: bool) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    let stamp = Stamp { boot_ns: 0 };
    let (hello, size) = emit::<Hello>(&mut bytes, Position::NONE, stamp).expect("room");
    hello.set("alloc test");
    let (subscribe, _) =
        emit::<SubscribeFixed>(&mut bytes[size..], Position::NONE, stamp).expect("room");
    subscribe.rate_mhz.set(1_000_000);
    subscribe.streams.set(Streams(1).0);
    subscribe.options.set(u16::from(every));
    bytes.truncate(size + SubscribeFixed::FRAME_SIZE);
    bytes
}

/// The same of every event.
fn event_subscription() -> Vec<u8> {
    let mut bytes = binary_subscription(false);
    let at = bytes.len() - 40 + 4;
    bytes[at] = 8;
    bytes
}

fn steady_state(reactor: &mut Reactor, directory: &Path) {
    let fast = b"{\"subscribe\":[\"vitals\"],\"rate_hz\":1000}\n";
    let mut readers = Vec::new();
    for _ in 0..2 {
        readers.push(connect(directory, "stream.sock", &binary_subscription(false)));
        readers.push(connect(directory, "stream.sock", fast));
        readers.push(connect(directory, "json.sock", b""));
        readers.push(connect(directory, "opta.sock", b""));
    }
    // These never read: one is conflated, one is lapped and gets gaps, one speaks JSON.
    let mut stalled = [
        connect(directory, "stream.sock", &binary_subscription(false)),
        connect(directory, "stream.sock", &binary_subscription(true)),
        connect(directory, "json.sock", fast),
    ];
    while reactor.hub().frames_produced() < 1000 {
        turn(reactor);
        readers.iter_mut().for_each(|reader| {
            drain(reader);
        });
    }
    assert!(reactor.hub().counters().merged == 0, "nobody has read with a count yet");
    for client in &mut stalled {
        assert!(drain(client) > 0);
    }
    let until = reactor.hub().frames_produced() + 50;
    while reactor.hub().frames_produced() < until {
        turn(reactor);
        stalled.iter_mut().for_each(|client| {
            drain(client);
        });
    }
    assert!(reactor.hub().counters().merged > 1000, "the stalled ones were told what they missed");
}

fn churn(reactor: &mut Reactor, directory: &Path) {
    let long = [b'x'; 4096];
    let mut header = binary_subscription(false);
    header[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let sayings: [(&str, &[u8]); 7] = [
        ("json.sock", b"{\"subscribe\":[\"vitals\"]}\n{\"subscribe\":[\"vitals\"]}\n"),
        ("json.sock", b"{\"subscribe\":[\"nothing\"]}\n"),
        ("json.sock", &long),
        ("stream.sock", b"GET / HTTP/1.1\r\n\r\n"),
        ("stream.sock", &header),
        ("stream.sock", b"ATPO"),
        ("opta.sock", b"?"),
    ];
    for _ in 0..20 {
        let mut clients: Vec<_> =
            sayings.iter().map(|(name, bytes)| connect(directory, name, bytes)).collect();
        for _ in 0..3 {
            turn(reactor);
            clients.iter_mut().for_each(|client| {
                drain(client);
            });
        }
    }
    // More than there are places.
    let crowd: Vec<_> = (0..40).map(|_| connect(directory, "json.sock", b"")).collect();
    turn(reactor);
    turn(reactor);
    assert!(reactor.hub().counters().refused > 0);
    drop(crowd);
    turn(reactor);
    turn(reactor);
}

fn inbox() {
    let inbox = Inbox::new(Capacity { small: 4, large: 2, ..Capacity::default() }, || ());
    let refuse = inbox.publisher();
    let drop_oldest = inbox.publisher().with_overflow(Overflow::DropOldest);
    let long = [7; 4096];
    let round = || {
        let mut taken = 0;
        for size in [10, 4096, 100, 2000, 1, 300, 20, 30] {
            let event = EventFields::custom("topic", Data::Bytes(&long[..size]));
            taken += u32::from(drop_oldest.publish(&event).is_ok());
            assert!(matches!(refuse.publish(&event), Ok(()) | Err(PublishError::Full)));
        }
        let invalid = refuse.clone().publish(&EventFields::custom("", Data::Bytes(&long)));
        assert!(invalid.is_err() && taken > 4);
        while inbox.take(|payload| assert!(!payload.is_empty())) {}
    };
    counted(|| (0..10).for_each(|_| round()));
    assert!(inbox.counts().dropped > 0 && inbox.counts().refused > 10);
}

/// A whole life of a loop, with a journal or without.
fn life(directory: &Path, journal: Option<JournalSettings>) {
    let _ = std::fs::remove_dir_all(directory);
    std::fs::DirBuilder::new().mode(0o700).create(directory).expect("a directory");
    let mut config = Config::in_directory(directory);
    config.limits.clients = 32;
    // With a whole core for sensors: on a slow machine, few reads would say little.
    config.sensors.max_cpu_ppm = 1_000_000;
    let mut settings = "rate_hz = 30\n[[listener]]\npath = 'opta.sock'\nformat = 'opta1'\n\
                        rate_hz = 1000\n[limits]\nclients = 32\n[sensors]\nmax_cpu = 1\n"
        .to_string();
    if let Some(path) = journal.as_ref().and_then(|journal| journal.path.as_ref()) {
        settings += &format!("[journal]\npath = '{path}'\n");
    }
    config.journal = journal;
    let mut opta = Listener::new("opta.sock", ListenerFormat::Opta1).expect("short");
    opta.rate_mhz = Some(1_000_000);
    config.listeners.push(opta).expect("room");
    let machine = this_machine(&Roots::default());
    let mut reactor = Reactor::new(&config, machine).expect("a reactor");
    let doubles = samples::doubles();
    reactor.read_sources(doubles.iter().map(sensors::Double::source).collect()).expect("sources");
    let proc = processes::read(&mut reactor, directory);

    steady_state(&mut reactor, directory);
    churn(&mut reactor, directory);
    events::settings(&mut reactor, &directory.join("kymo.toml"), &settings);
    events::events(&mut reactor, directory, [&settings, "[limits]\nclient = 1\n"]);
    samples::samples(&mut reactor, directory, &doubles);
    processes::processes(&mut reactor, directory, &proc);
    let last = connect(directory, "json.sock", b"");
    turn(&mut reactor);
    counted(|| reactor.stop());
    let begun = Instant::now();
    while !reactor.is_done() && begun.elapsed() < Duration::from_secs(3) {
        turn(&mut reactor);
    }
    assert!(reactor.is_done());
    drop((last, reactor));
    let _ = std::fs::remove_dir_all(directory);
}

fn broadcaster() {
    let inbox = Inbox::new(Capacity::default(), || ());
    let mut broadcaster = Broadcaster::new(inbox.publisher(), "app.figures").expect("a topic");
    let metrics = SessionMetrics { wpm: Some(1.5), ..SessionMetrics::new(AppState::Recording) };
    for round in 0..100 {
        counted(|| {
            broadcaster.start_session(None).expect("room");
            broadcaster.state_change(AppState::Recording).expect("room");
            broadcaster.add_transcription("Hello world", Some(1.5), None).expect("room");
            for _ in 0..3 {
                broadcaster.update_metrics(&metrics).expect("JSON");
                broadcaster.broadcast(format_args!("{{\"round\":{round}}}")).expect("JSON");
            }
            broadcaster.force_broadcast("[1.5]").expect("JSON");
            broadcaster.broadcast("{").expect_err("no JSON");
            broadcaster.poll();
            broadcaster.end_session(None).expect("room");
        });
        while inbox.take(|_| ()) {}
    }
    let counts = broadcaster.counts();
    assert!(counts.broadcast >= 600 && counts.skipped >= 200, "{counts:?}");
    assert_eq!(counts.refused, 100);
}

fn main() {
    inbox();
    broadcaster();
    let directory = std::env::temp_dir().join(format!("kymo-alloc-{}", std::process::id()));
    life(&directory, None);
    let without = allocations();
    let path = directory.join("state");
    let path = Some(path.to_str().expect("a path").try_into().expect("short"));
    life(&directory, Some(JournalSettings { path, ..JournalSettings::default() }));
    let allocations = allocations();
    println!("{allocations} allocations in the loop, {without} of them without a journal");
    assert_eq!(allocations, 0);
}
