//! A seeded simulation of samples: sources whose sensors come and go, and subscribers of different
//! groups, rates and forms that stall, take pieces, leave and come back.
//!
//! Each of them is told the whole catalog before its samples, gets the newest of each lane with an
//! exact count of those that were due to it before, or each frame in order but for what a gap
//! names; of processes, which they subscribe to beside, the newest or each likewise. A failure
//! prints the seed; `KYMO_SIM_SEED=N` replays it, `KYMO_SIM_RUNS=N` runs so many
//! fresh ones.

use kymo::{SessionId, Sources};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Body, Frame, Group, Groups, StreamId};
use serde_json::{Value, json};

use crate::processes_double::Crowd;
use crate::random::Random;
use crate::rig::{MS, Rig, STREAM, subscription, subscription_to};
use crate::samples_oracle::{Ledger, Told, Truth, told};
use crate::sensors::Double;

const CLIENTS: usize = 10;
const PATTERNS: [&[&str]; 6] =
    [&[], &["cpu"], &["c*", "disk"], &["pressure"], &["hwmon", "p*"], &["nothing"]];

/// What a subscriber was told of processes, whose total is the number of their frame.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    last: u64,
    every: bool,
    frames: u64,
}

impl Seen {
    fn take(&mut self, bytes: &[u8]) {
        let (sequence, total, merged) = if bytes[0] == b'{' {
            let line: Value = serde_json::from_slice(bytes).unwrap();
            if line["type"] == "gap" && line["stream"] == "processes" {
                return self.skip(&line["first"], &line["last"]);
            } else if line["type"] != "processes" {
                return;
            }
            let merged = line.get("merged").map_or(0, |merged| merged.as_u64().unwrap());
            (line["seq"].as_u64().unwrap(), line["total"].as_u64().unwrap(), merged)
        } else {
            let frame = Frame::parse(bytes).unwrap();
            match frame.body {
                Body::Processes(told) => {
                    let total = told.fixed.total().unwrap().into();
                    (frame.header.sequence.get(), total, told.fixed.merged.get().into())
                }
                Body::Gap(gap) if frame.header.stream.get() == StreamId::PROCESSES.0 => {
                    return self.skip(&gap.first.get().into(), &gap.last.get().into());
                }
                _ => return,
            }
        };
        self.frames += 1;
        assert_eq!(total, sequence, "another frame's processes");
        let is_next = self.last == 0 || sequence == self.last + 1;
        if self.every {
            assert!(is_next && merged == 0, "{sequence} behind {}", self.last);
        } else if self.last > 0 {
            // What is merged was due, so it lies between.
            assert!(sequence > self.last + merged, "{sequence} behind {}, {merged}", self.last);
        }
        self.last = sequence;
    }

    fn skip(&mut self, first: &Value, last: &Value) {
        assert!(self.every && (self.last == 0 || *first == self.last + 1));
        self.last = last.as_u64().unwrap();
    }
}

struct Client {
    id: Option<SessionId>,
    ledger: Ledger,
    seen: Seen,
    /// Bytes it reads in one turn at most.
    reads: usize,
}

/// What nobody may do to a subscriber; the canaries.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Lose,
    Repeat,
    Count,
    LoseCatalog,
}

struct World {
    random: Random,
    rig: Rig,
    doubles: Vec<Double>,
    truth: Truth,
    witness: SessionId,
    clients: Vec<Client>,
    harm: Option<Harm>,
    frames: u64,
    sums: [u64; 5],
}

fn doubles() -> Vec<Double> {
    let double = |group, ms: u64, count| Double::with(group, ms * MS, count);
    let doubles = vec![
        double(Group::Cpu, 5, 40),
        double(Group::Disk, 1, 3),
        double(Group::Hwmon, 20, 5),
        double(Group::Hwmon, 700, 1),
        double(Group::Pressure, 500, 6),
        double(Group::Cgroup, 15, 250),
    ];
    // No two of them have one identity.
    for (double, first) in doubles.iter().zip((0..).step_by(10_000)) {
        let count = double.script().sensors.len();
        double.script().fill(first, u32::try_from(count).unwrap());
    }
    doubles
}

impl World {
    fn new(seed: u64, harm: Option<Harm>) -> Self {
        let mut random = Random::new(seed);
        let mut rig = Rig::new(32);
        let doubles = doubles();
        // The machine's own speed is to change nothing.
        rig.sources =
            Sources::new(doubles.iter().map(Double::source).collect(), 1e9, || {}).unwrap();
        let crowd = Crowd::with(60);
        (crowd.script().is_numbered, crowd.script().slices) = (true, 3);
        rig.sources.read_processes(crowd.source());
        rig.hub.serve_processes();
        let mut sizes = random.clone();
        rig.take = Box::new(move |size| if sizes.one_in(4) { sizes.index(size + 1) } else { size });
        let witness = rig.connect(STREAM);
        let mut fixed = SubscribeFixed::default();
        // Vitals as well: the oracle knows a grid of 1 kHz, which samples alone do not keep.
        fixed.streams.set(3);
        fixed.rate_mhz.set(1_000_000);
        fixed.options.set(1);
        rig.say(witness, &subscription(&fixed, &[]));
        let truth = Truth::default();
        let clients = (0..CLIENTS).map(|_| {
            let ledger = Ledger::new(Groups(0), 1, false, &truth);
            Client { id: None, ledger, seen: Seen::default(), reads: 0 }
        });
        let clients = clients.collect();
        random.next();
        let (frames, sums) = (0, [0; 5]);
        Self { random, rig, doubles, truth, witness, clients, harm, frames, sums }
    }

    fn connect(&mut self, index: usize) {
        let id = self.rig.connect(STREAM);
        let patterns = PATTERNS[self.random.index(PATTERNS.len())];
        let rate_hz = [1000, 1000, 250, 10, 3][self.random.index(5)];
        let every = self.random.one_in(3);
        let vitals = self.random.one_in(4);
        let processes = self.random.one_in(2);
        let words = if index.is_multiple_of(2) {
            let mut fixed = SubscribeFixed::default();
            fixed.streams.set(2 + u16::from(vitals) + if processes { 4 } else { 0 });
            fixed.rate_mhz.set(u32::try_from(rate_hz).unwrap() * 1000);
            fixed.options.set(u16::from(every));
            subscription_to(&fixed, &[], patterns)
        } else {
            let mut streams = vec!["samples"];
            streams.extend(vitals.then_some("vitals"));
            streams.extend(processes.then_some("processes"));
            let line = json!({
                "subscribe": streams, "rate_hz": rate_hz, "every": every, "groups": patterns,
            });
            format!("{line}\n").into_bytes()
        };
        let text: String = patterns.iter().map(|pattern| format!("{pattern}\n")).collect();
        let groups = Groups::wanted(text.as_bytes());
        self.rig.socket(id).capacity = [300, 6000, 60_000, 1_000_000][self.random.index(4)];
        self.rig.say(id, &words);
        let client = &mut self.clients[index];
        client.ledger = Ledger::new(groups, rate_hz, every, &self.truth);
        client.seen = Seen { every, ..Seen::default() };
        client.id = Some(id);
        client.reads = [0, 40, 2000, 1_000_000, 1_000_000][self.random.index(5)];
    }

    fn let_go(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if let Some(id) = client.id.take() {
            self.rig.hang_up(id);
            let Ledger { got, merged, gaps, .. } = client.ledger;
            self.sums[4] += client.seen.frames;
            for (sum, part) in self.sums.iter_mut().zip([got, merged, gaps]) {
                *sum += part;
            }
        }
    }

    /// Sensors come and go.
    fn plug(&mut self) {
        let index = self.random.index(self.doubles.len());
        let mut script = self.doubles[index].script();
        let first = u32::try_from(index).unwrap() * 10_000;
        let first = first + u32::try_from(self.random.below(4)).unwrap();
        let most = [60, 5, 8, 2, 9, 420][index];
        let count = u32::try_from(self.random.below(most)).unwrap();
        script.fill(first, count);
        script.stale_reads = 1;
        self.sums[3] += 1;
    }

    /// One turn, and what everybody's socket began to take in it.
    fn turn(&mut self) {
        let ticks = self.rig.ticks.len();
        self.rig.turn(&[]);
        // Nobody may know more than the witness.
        loop {
            self.rig.read(self.witness, usize::MAX);
            let begun = std::mem::take(&mut self.rig.socket(self.witness).begun);
            if begun.is_empty() {
                break;
            }
            begun.iter().for_each(|frame| self.truth.learn(frame));
            self.rig.turn(&[]);
        }
        let ticks = self.rig.ticks[ticks..].to_vec();
        assert!(ticks.len() <= 1);
        for client in &mut self.clients {
            let Some(id) = client.id else { continue };
            ticks.iter().for_each(|tick_ns| client.ledger.tick(*tick_ns, &self.truth));
            let socket = self.rig.sockets.get_mut(&id).unwrap();
            for frame in std::mem::take(&mut socket.begun) {
                client.seen.take(&frame);
                let mut told = told(&frame);
                self.frames += u64::from(matches!(told, Told::Samples { .. }));
                let is_harmed = self.frames > 150;
                match (self.harm, &mut told) {
                    (Some(Harm::Lose), Told::Samples { .. }) if is_harmed => self.frames = 0,
                    (Some(Harm::Count), Told::Samples { merged, .. }) if is_harmed => {
                        *merged += 1;
                        client.ledger.take(&told, &self.truth);
                    }
                    (Some(Harm::Repeat), Told::Samples { .. }) if is_harmed => {
                        client.ledger.take(&told, &self.truth);
                        client.ledger.take(&told, &self.truth);
                    }
                    (Some(Harm::LoseCatalog), Told::Catalog { .. }) if is_harmed => {}
                    _ => client.ledger.take(&told, &self.truth),
                }
            }
        }
    }

    fn step(&mut self) {
        let ms = if self.random.one_in(200) { 400 } else { self.random.below(4) };
        self.rig.pass(ms * MS + self.random.below(MS));
        if self.random.one_in(40) {
            self.plug();
        }
        self.turn();
        for index in 0..CLIENTS {
            let Some(id) = self.clients[index].id else {
                if self.random.one_in(30) {
                    self.connect(index);
                }
                continue;
            };
            if self.rig.sockets[&id].closed {
                self.clients[index].id = None;
                continue;
            }
            let size = self.random.index(self.clients[index].reads + 1);
            self.rig.read(id, size);
            match self.random.index(200) {
                0 => self.let_go(index),
                1..4 => self.clients[index].reads = [0, 40, 2000, 100_000][self.random.index(4)],
                _ => {}
            }
        }
    }

    /// Everybody reads all there is.
    fn settle(&mut self) {
        self.rig.take = Box::new(|size| size);
        for client in &self.clients {
            if let Some(id) = client.id {
                self.rig.socket(id).capacity = usize::MAX;
            }
        }
        let (mut left, mut topology) = (500, 0);
        while left > 0 {
            // Who is served three times a second is told what sensors come last, too.
            left = if self.truth.topology == topology { left - 1 } else { 500 };
            topology = self.truth.topology;
            // The last ones without a tick.
            self.rig.pass(if left > 50 { MS } else { 0 });
            self.turn();
            for index in 0..CLIENTS {
                if let Some(id) = self.clients[index].id {
                    self.rig.read(id, usize::MAX);
                }
            }
        }
        let open = self.clients.iter().filter(|client| client.id.is_some());
        open.for_each(|client| client.ledger.finish(&self.truth));
    }

    fn run(mut self, steps: usize) -> [u64; 5] {
        for _ in 0..steps {
            self.step();
        }
        self.settle();
        (0..CLIENTS).for_each(|index| self.let_go(index));
        assert_eq!(self.rig.hub.samples().wanted(), Groups::ALL, "the witness still does");
        self.rig.hang_up(self.witness);
        self.rig.run();
        assert_eq!(self.rig.hub.samples().wanted(), Groups(0));
        assert_eq!(self.rig.hub.ticks(), None);
        self.sums
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn due_is_sent_and_merged() {
    let replayed = number("KYMO_SIM_SEED");
    let runs = replayed.map_or(number("KYMO_SIM_RUNS").unwrap_or(3), |_| 1);
    let first = replayed.unwrap_or_else(Random::fresh_seed);
    let mut sums = [0; 5];
    for seed in (0..runs).map(|run| first.wrapping_add(run)) {
        let outcome = std::panic::catch_unwind(|| World::new(seed, None).run(900));
        let run = outcome.unwrap_or_else(|_| panic!("replay with KYMO_SIM_SEED={seed}"));
        for (sum, part) in sums.iter_mut().zip(run) {
            *sum += part;
        }
    }
    println!("{runs} runs from seed {first}: frames, merged, gaps, plugs, processes {sums:?}");
    let least = [1000, 50, 5, 10, 3].map(|least| least * runs);
    assert!(sums.iter().zip(least).all(|(sum, least)| *sum > least), "too little: {sums:?}");
}

/// The canaries: a frame that is lost, told twice or miscounted must not go unnoticed.
#[test]
fn harm_is_found() {
    World::new(1, None).run(300);
    for harm in [Harm::Lose, Harm::Repeat, Harm::Count, Harm::LoseCatalog] {
        let world = || World::new(1, Some(harm)).run(300);
        assert!(std::panic::catch_unwind(world).is_err(), "{harm:?}");
    }
}
