//! A seeded simulation of the hub with clients, sockets and a clock of its own.
//!
//! Sockets take and give any number of bytes, block, and vanish; clients speak four formats, read
//! at their own pace, stall, say wrong things, in pieces. The oracle follows each client's bytes:
//! frames are whole and in order, and what it got plus what it was told it missed is what was
//! produced for it. A failure prints the seed; `KYMO_SIM_SEED=N` replays it, `KYMO_SIM_RUNS=N` runs
//! so many fresh ones.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;

use kymo::{Config, Format, History, Hub, Identity, Listener, ListenerFormat, Sampler, SessionId};
use kymo_platform::clock::Now;
use kymo_platform::peer::Peer;
use kymo_platform::{Fake, LocalTime};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Body, Decoder, Hello, Position, Stamp, emit, opta1};

const MS: u64 = 1_000_000;
const CLIENTS: u32 = 24;

#[path = "common/random.rs"]
mod random;

use random::Random;

/// What a client makes of the bytes it gets.
#[derive(Default)]
struct Reading {
    bytes: Vec<u8>,
    last: Option<u64>,
    frames: u64,
    missed: u64,
    ended: bool,
}

impl Reading {
    /// Checks one telemetry frame against the one before it.
    fn frame(&mut self, sequence: u64, merged: u64, exact: bool) {
        if let Some(last) = self.last {
            assert!(sequence > last, "sequence {sequence} after {last}");
            if exact {
                assert_eq!(sequence - last - 1, merged, "told {merged} between {last}, {sequence}");
            }
        }
        assert!(!self.ended, "a frame after the last word");
        self.last = Some(sequence);
        self.frames += 1;
        self.missed += merged;
    }

    fn gap(&mut self, first: u64, last: u64) {
        assert_eq!(Some(first), self.last.map(|last| last + 1).or(Some(first)));
        self.last = Some(last);
        self.missed += last - first + 1;
    }

    fn take(&mut self, format: Format, every: bool, exact: bool) {
        match format {
            Format::Binary => self.take_frames(exact && !every),
            Format::Json | Format::JsonBare => self.take_lines(format, exact && !every),
            Format::Opta1 => {
                let size =
                    |bytes: &[u8]| opta1::decode(bytes).expect("a whole message").map(|m| m.1);
                while let Some(size) = size(&self.bytes) {
                    self.bytes.drain(..size);
                    self.frames += 1;
                }
            }
        }
    }

    fn take_frames(&mut self, exact: bool) {
        let mut decoder = Box::new(Decoder::<4096>::new());
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut at = 0;
        let mut used = 0;
        loop {
            let space = decoder.space();
            let size = space.len().min(bytes.len() - at);
            space[..size].copy_from_slice(&bytes[at..at + size]);
            decoder.filled(size);
            at += size;
            while let Some(frame) = decoder.next_frame().expect("a whole frame") {
                used += 32 + frame.header.payload_size();
                let sequence = frame.header.sequence.get();
                match frame.body {
                    Body::Vitals(vitals) => {
                        self.frame(sequence, vitals.merged.get().into(), exact);
                    }
                    Body::Gap(gap) => self.gap(gap.first.get(), gap.last.get()),
                    Body::Error(_) | Body::Goodbye(_) => self.ended = true,
                    _ => {}
                }
            }
            if at == bytes.len() {
                break;
            }
        }
        bytes.drain(..used);
        self.bytes = bytes;
    }

    fn take_lines(&mut self, format: Format, exact: bool) {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let value: serde_json::Value = serde_json::from_slice(&line).expect("a whole line");
            let number = |key: &str| value[key].as_u64().unwrap_or(0);
            match value["type"].as_str() {
                Some("vitals") if format == Format::JsonBare => self.frames += 1,
                Some("vitals") => self.frame(number("seq"), number("merged"), exact),
                Some("gap") => self.gap(number("first"), number("last")),
                Some("error" | "goodbye") => self.ended = true,
                Some("welcome" | "subscribed" | "heartbeat") => {}
                other => panic!("unexpected line of type {other:?}"),
            }
        }
    }
}

/// A client and the socket between it and the hub.
struct Client {
    format: Format,
    every: bool,
    /// Whether each frame the hub produces is due to it, so that the count must be exact.
    exact: bool,
    to_say: Vec<u8>,
    in_flight: Vec<u8>,
    capacity: usize,
    blocked: bool,
    reads: usize,
    reading: Reading,
}

struct World {
    random: Random,
    hub: Hub,
    sampler: Sampler,
    now: Now,
    clients: HashMap<SessionId, Client>,
    one_rate: bool,
    lossy: bool,
    produced: u64,
    checked: u64,
    misses: u64,
}

impl World {
    fn new(seed: u64, lossy: bool) -> Self {
        let mut random = Random::new(seed);
        let mut config = Config::in_directory("/simulated");
        config.limits.clients = CLIENTS;
        // Events have a simulation of their own.
        config.listeners[1].streams = ListenerFormat::Opta1.streams();
        config.listeners.pop();
        let opta = Listener::new("opta", ListenerFormat::Opta1).unwrap();
        config.listeners.push(opta).unwrap();
        let bare = Listener { bare: true, ..config.listeners[1].clone() };
        config.listeners.push(bare).unwrap();
        let one_rate = random.one_in(2);
        let start = 1_000_000 * MS;
        let now = Now { mono_ns: start, boot_ns: start, wall_ns: 1_700_000_000_000 * MS };
        Self {
            random,
            hub: Hub::new(
                &config,
                Identity { epoch: 1, run: 2, uid: 0 },
                History::none(),
                LocalTime::new(),
                now,
            ),
            sampler: Sampler::new(Box::new(Fake::seeded(seed))),
            now,
            clients: HashMap::new(),
            one_rate,
            lossy,
            produced: 0,
            checked: 0,
            misses: 0,
        }
    }

    fn connect(&mut self) {
        let listener = self.random.index(4);
        let peer = Peer { uid: 0, gid: 0, pid: None };
        let Ok(id) = self.hub.accept(Some(listener), peer, self.now) else { return };
        let every = self.random.one_in(3);
        let rates = [1_000, 7_000, 25_000, 100_000];
        let rate_mhz = if self.one_rate { 25_000 } else { rates[self.random.index(4)] };
        let json = self.random.one_in(2);
        let (format, to_say, every) = match listener {
            0 if json => (Format::Json, line(rate_mhz, every), every),
            0 => (Format::Binary, frames(rate_mhz, every), every),
            1 if json => (Format::Json, [b"\n\r\n", &line(rate_mhz, false)[..]].concat(), false),
            1 => (Format::Json, Vec::new(), false),
            2 => (Format::Opta1, Vec::new(), false),
            _ => (Format::JsonBare, Vec::new(), false),
        };
        // A second request changes the rate in the middle: that stretch is not counted.
        let exact = self.one_rate && !(listener == 1 && json);
        let mut client = Client {
            format,
            every,
            exact,
            to_say,
            in_flight: Vec::new(),
            capacity: 64 << self.random.index(10),
            blocked: false,
            reads: [0, 1, 700, 100_000][self.random.index(4)],
            reading: Reading::default(),
        };
        if self.random.one_in(8) {
            let size = self.random.index(3000);
            client.to_say.extend((0..size).map(|_| self.random.next().to_le_bytes()[0]));
        }
        self.clients.insert(id, client);
    }

    /// The hub sends to everyone who is ready, through sockets that take what they like.
    fn serve(&mut self) {
        for _ in 0..self.hub.ready() {
            let Some(id) = self.hub.poll_ready() else { return };
            let parts = self.hub.transmit(id, self.now);
            let bytes: Vec<u8> = parts.concat();
            drop(parts);
            if bytes.is_empty() {
                continue;
            }
            let client = self.clients.get_mut(&id).expect("a client for each session");
            assert!(!client.blocked, "bytes for a socket that takes none");
            let room = client.capacity.saturating_sub(client.in_flight.len());
            let whole = room >= bytes.len() && !self.random.one_in(8);
            let size =
                if whole { bytes.len() } else { self.random.index(room.min(bytes.len()) + 1) };
            client.in_flight.extend_from_slice(&bytes[..size]);
            client.blocked = size < bytes.len();
            if self.lossy && size > 0 && self.random.one_in(50) {
                client.in_flight.pop();
            }
            self.hub.handle_sent(id, size, self.now);
        }
    }

    /// Clients read and speak.
    fn clients_act(&mut self) {
        let mut ids: Vec<SessionId> = self.clients.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let client = self.clients.get_mut(&id).expect("listed above");
            let size = self.random.index(client.reads + 1).min(client.in_flight.len());
            client.reading.bytes.extend(client.in_flight.drain(..size));
            client.reading.take(client.format, client.every, client.exact);
            if client.blocked && client.in_flight.len() < client.capacity {
                client.blocked = false;
                self.hub.handle_writable(id);
            }
            let said = self.random.index(client.to_say.len() + 1);
            let space = self.hub.input_space(id);
            let said = said.min(space.len());
            space[..said].copy_from_slice(&client.to_say[..said]);
            client.to_say.drain(..said);
            if said > 0 {
                self.hub.handle_received(id, said, self.now);
            }
            match self.random.index(400) {
                0 => self.hub.handle_hangup(id, self.now),
                1 => self.hub.handle_input_end(id, self.now),
                2 => client.reads = 100_000,
                _ => {}
            }
        }
    }

    /// Sockets of closed sessions are gone; what was in them is still read.
    fn let_go(&mut self) {
        while let Some(id) = self.hub.poll_closed() {
            let mut client = self.clients.remove(&id).expect("a client for each session");
            client.reading.bytes.append(&mut client.in_flight);
            client.reading.take(client.format, client.every, client.exact);
            self.checked += client.reading.frames;
            self.misses += client.reading.missed;
        }
        assert_eq!(self.hub.clients(), self.clients.len());
    }

    fn step(&mut self) {
        let slow = self.random.one_in(200);
        let pause = if slow { 1 + self.random.next() % 12_000 } else { self.random.next() % 60 };
        self.now.mono_ns += pause * MS;
        self.now.boot_ns += pause * MS;
        self.now.wall_ns += pause * MS;
        if let Some(tick_ns) = self.hub.take_tick(self.now) {
            self.sampler.handle_tick(tick_ns, self.now);
            self.hub.plan_tick(tick_ns);
            self.hub.publish(tick_ns, self.now, &self.sampler);
            self.produced += 1;
            self.serve();
        }
        if self.random.one_in(10) {
            self.connect();
        }
        self.clients_act();
        self.hub.handle_deadlines(self.now);
        self.serve();
        self.let_go();
    }

    fn run(mut self, steps: usize) -> (u64, u64) {
        for _ in 0..steps {
            self.step();
        }
        assert_eq!(self.hub.frames_produced(), self.produced);
        self.hub.shut_down(self.now);
        for _ in 0..100 {
            self.step();
        }
        assert_eq!(self.hub.clients(), 0, "everybody is let go after the shutdown");
        assert_eq!(self.hub.ticks(), None);
        (self.checked, self.misses)
    }
}

fn line(rate_mhz: u32, every: bool) -> Vec<u8> {
    let rate = f64::from(rate_mhz) / 1000.0;
    format!("{{\"subscribe\":[\"vitals\"],\"rate_hz\":{rate},\"every\":{every}}}\n").into_bytes()
}

fn frames(rate_mhz: u32, every: bool) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let stamp = Stamp { boot_ns: 0 };
    let (hello, first) = emit::<Hello>(&mut bytes, Position::NONE, stamp).expect("room");
    hello.set("simulated");
    let rest = &mut bytes[first..];
    let (subscribe, second) = emit::<SubscribeFixed>(rest, Position::NONE, stamp).expect("room");
    subscribe.rate_mhz.set(rate_mhz);
    subscribe.streams.set(1);
    subscribe.options.set(u16::from(every));
    bytes.truncate(first + second);
    bytes
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn delivered_and_missed_is_produced() {
    let runs = number("KYMO_SIM_RUNS").unwrap_or(10);
    let first = number("KYMO_SIM_SEED").unwrap_or_else(Random::fresh_seed);
    let runs = if number("KYMO_SIM_SEED").is_some() { 1 } else { runs };
    let (mut checked, mut missed) = (0, 0);
    for seed in (0..runs).map(|run| first.wrapping_add(run)) {
        let outcome = std::panic::catch_unwind(|| World::new(seed, false).run(2000));
        let (frames, misses) =
            outcome.unwrap_or_else(|_| panic!("replay with KYMO_SIM_SEED={seed}"));
        checked += frames;
        missed += misses;
    }
    println!("{runs} runs from seed {first}: {checked} frames delivered, {missed} missed and told");
    assert!(checked > 1000 * runs && missed > 100 * runs, "too little happened to mean anything");
}

/// The canary: a socket that loses a byte now and then must not go unnoticed.
#[test]
fn a_lost_byte_is_found() {
    let found = (0..20)
        .filter(|seed| std::panic::catch_unwind(|| World::new(*seed, true).run(500)).is_err());
    assert!(found.count() >= 18);
}
