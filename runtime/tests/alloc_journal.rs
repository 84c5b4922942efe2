//! Promise 3 with a journal: after `Reactor::new` returns, the loop allocates nothing.
//!
//! Everything but the syncing runs in this one thread: the loop's turns are counted, the clients
//! between them are not. Covered: submits as lines and as frames, with keys, repeats and expired
//! ones; commits through several laps of the journal; rounds of syncing; resuming from the journal,
//! with tails and gaps; a subscriber that stalls until its events are no longer kept; commits that
//! fail, and the first that works again; the journal's end.

// A test, but without libtest, by which clippy knows tests.
#![allow(clippy::expect_used)]

use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kymo::{Config, JournalSettings, Reactor, limits};
use kymo_platform::{Roots, let_writes_fail, this_machine};
use kymo_protocol::{Ack, Action, Data, EventFields, Request};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

#[path = "common/heap.rs"]
mod heap;

use heap::{allocations, counted};

/// The loop, and where it listens.
struct World {
    reactor: Reactor,
    directory: PathBuf,
}

impl World {
    /// One counted turn.
    fn turn(&mut self) {
        counted(|| self.reactor.turn(Some(Duration::from_millis(5)))).expect("a turn");
    }

    fn connect(&self, name: &str) -> UnixStream {
        let client = UnixStream::connect(self.directory.join(name)).expect("connect");
        client.set_nonblocking(true).expect("nonblocking");
        client
    }

    /// Turns until a client has got `what` so many times; all it has got.
    fn until(&mut self, client: &mut UnixStream, what: &str, times: usize) -> String {
        let (mut text, begun) = (String::new(), Instant::now());
        while text.matches(what).count() < times {
            assert!(begun.elapsed() < Duration::from_secs(20), "{times} × {what} in {text}");
            self.turn();
            text += &drain(client);
        }
        text
    }

    /// Sends requests and waits for so many replies.
    fn ask(&mut self, client: &mut UnixStream, bytes: &[u8], times: usize) -> String {
        client.write_all(bytes).expect("room");
        self.until(client, "\"status\"", times)
    }

    /// Resumes behind `last`, as a line, and reads to `end`; all it has got.
    fn resume(&mut self, epoch: &str, last: u64, end: u64) -> String {
        let mut client = self.connect("stream.sock");
        let resume = format!("{{\"epoch\":\"{epoch}\",\"events\":{last}}}");
        let line = format!("{{\"subscribe\":[\"events\"],\"resume\":{resume}}}\n");
        client.write_all(line.as_bytes()).expect("room");
        self.until(&mut client, &format!("\"seq\":{end},"), 1)
    }
}

/// Everything a client can read now.
fn drain(client: &mut UnixStream) -> String {
    let mut buffer = [0; 16 * 1024];
    let mut text = String::new();
    while let Ok(size @ 1..) = client.read(&mut buffer) {
        text += &String::from_utf8_lossy(&buffer[..size]);
    }
    text
}

fn line(number: u64, ack: Ack) -> String {
    let key = format!("{{\"client\":\"lines\",\"number\":{number}}}");
    let event = format!("{{\"topic\":\"t\",\"data\":\"{}\"}}", "x".repeat(600));
    let ack = ack.name();
    format!("{{\"action\":\"submit\",\"ack\":\"{ack}\",\"key\":{key},\"event\":{event}}}\n")
}

fn frame(number: u64) -> Vec<u8> {
    let (mut payload, mut frame) = ([0; 1024], vec![0; 2048]);
    let event = EventFields::custom("frames", Data::Bytes(&[7; 300]));
    let size = event.write(&mut payload).expect("room");
    let (key, event) = (Some(("frames", number)), &payload[..size]);
    let size = Request::emit(&mut frame, number, Action::Submit, None, key, event).expect("room");
    frame.truncate(size);
    frame
}

/// Several laps of the journal, with somebody who stalls, and some who resume.
fn laps(world: &mut World, epoch: &str) -> u64 {
    let mut lines = world.connect("control.sock");
    let mut frames = world.connect("control.sock");
    let mut stalled = world.connect("stream.sock");
    stalled.write_all(b"{\"subscribe\":[\"events\"]}\n").expect("room");
    let mut sequence = 0;
    for round in 0..60_u64 {
        let numbers = round * 16..round * 16 + 16;
        let text: String = numbers.clone().map(|number| line(number, Ack::Durable)).collect();
        assert_eq!(world.ask(&mut lines, text.as_bytes(), 16).matches("durable").count(), 16);
        let bytes: Vec<u8> = numbers.flat_map(frame).collect();
        assert_eq!(world.ask(&mut frames, &bytes, 16).matches("durable").count(), 16);
        // All of them again make no event, and one is too old to be known.
        let text = line(round * 16, Ack::Durable) + &line(round * 16, Ack::Received);
        world.ask(&mut lines, text.as_bytes(), 2);
        sequence += 32;
        if round % 10 == 0 {
            let synced = world.ask(&mut lines, line(round * 16, Ack::Synced).as_bytes(), 1);
            assert!(synced.contains("synced"), "{synced}");
        }
        if round % 7 == 0 {
            let tail = world.resume(epoch, sequence - 20, sequence);
            assert!(tail.contains("\"tail\""), "{tail}");
        }
    }
    let gap = world.resume(epoch, 0, sequence);
    assert!(gap.contains("\"reason\":\"retention\""), "{gap}");
    let late = world.until(&mut stalled, &format!("\"seq\":{sequence},"), 1);
    assert!(late.contains("\"type\":\"gap\""), "who stalled missed some");
    let expired = line(2000, Ack::Durable) + &line(1, Ack::Durable);
    assert!(world.ask(&mut lines, expired.as_bytes(), 2).contains("key_expired"));
    sequence + 1
}

/// Writes fail, and work again.
fn failures(world: &mut World, epoch: &str, sequence: u64) {
    let mut lines = world.connect("control.sock");
    let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("a limit");
    let limit = |soft| setrlimit(Resource::RLIMIT_FSIZE, soft, hard).expect("a limit");
    limit(0);
    for number in 3000..3003 {
        let reply = world.ask(&mut lines, line(number, Ack::Durable).as_bytes(), 1);
        assert!(reply.contains("journal_failed"), "{reply}");
    }
    limit(soft);
    assert_eq!(world.reactor.hub().counters().commits_failed, 3);
    let reply = world.ask(&mut lines, line(3000, Ack::Durable).as_bytes(), 1);
    assert!(reply.contains("durable"), "{reply}");
    let end = reply.trim_end().trim_end_matches('}').rsplit(':').next().expect("a sequence");
    world.resume(epoch, sequence, end.parse().expect("a number"));
}

/// The epoch, as a newcomer is told it.
fn epoch(world: &mut World) -> String {
    let mut client = world.connect("json.sock");
    let welcome = world.until(&mut client, "\"epoch\":\"", 1);
    let (_, rest) = welcome.split_once("\"epoch\":\"").expect("an epoch");
    rest[..32].into()
}

fn start(directory: &Path) -> World {
    let mut config = Config::in_directory(directory);
    config.limits.clients = 32;
    config.journal = Some(JournalSettings { bytes: limits::JOURNAL_BYTES_MIN, path: None });
    let reactor = Reactor::new(&config, this_machine(&Roots::default())).expect("a reactor");
    World { reactor, directory: directory.into() }
}

fn main() {
    let_writes_fail().expect("a mask");
    let directory = std::env::temp_dir().join(format!("kymo-alloc-j-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::DirBuilder::new().mode(0o700).create(&directory).expect("a directory");
    let mut world = start(&directory);
    let epoch = epoch(&mut world);
    let sequence = laps(&mut world, &epoch);
    failures(&mut world, &epoch, sequence);
    world.reactor.stop();
    let begun = Instant::now();
    while !world.reactor.is_done() && begun.elapsed() < Duration::from_secs(3) {
        world.turn();
    }
    assert!(world.reactor.is_done());
    drop(world);
    let _ = std::fs::remove_dir_all(&directory);
    let allocations = allocations();
    println!("{allocations} allocations in the loop");
    assert_eq!(allocations, 0);
}
