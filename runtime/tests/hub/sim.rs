//! A seeded simulation of events: published by the owner and by this process, followed by clients
//! that stall, are cut off in the middle, and come back with a token. The machine sleeps now and
//! then, and somebody sets its clock.
//!
//! What each of them got and what it was told it will not get is what was produced, in order,
//! nothing twice, as it was published, across all of its connections; and what was told of sleep
//! and of the clock adds up to what there was. A failure prints the seed;
//! `KYMO_SIM_SEED=N` replays it, `KYMO_SIM_RUNS=N` runs so many fresh ones.

use kymo::SessionId;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Action, AppState, Data, EventFields, EventKind, Number, NumberValue, Words};
use serde_json::{Value, json};

use crate::oracle::{Harm, Produced, Reading, Truth};
use crate::random::Random;
use crate::rig::{CONTROL, MS, Rig, STREAM, request, subscription};

const CLIENTS: usize = 8;
const FILTERS: [Option<&str>; 5] = [None, None, Some("t1"), Some("t*"), Some("transcription")];

struct Client {
    id: Option<SessionId>,
    reading: Reading,
    /// Bytes it reads in one turn at most.
    reads: usize,
}

struct World {
    random: Random,
    rig: Rig,
    truth: Truth,
    witness: SessionId,
    owners: [SessionId; 2],
    clients: Vec<Client>,
    /// What the owner that speaks JSON was told, and how much it asked.
    replies: Vec<u8>,
    requests: usize,
    submitted: u64,
    taken: u64,
    /// What the machine slept, and what its wall clock was moved by, in milliseconds.
    clocks: [i64; 2],
}

fn data(random: &mut Random) -> String {
    let size = [3, 40, 300, 7000][random.index(4)];
    format!("{} {}", random.next(), "é".repeat(random.index(size) / 2))
}

impl World {
    fn new(seed: u64, harm: Option<(u64, Harm)>) -> Self {
        let mut random = Random::new(seed);
        let mut rig = Rig::new(32);
        let mut sizes = random.clone();
        rig.take = Box::new(move |size| if sizes.one_in(6) { sizes.index(size + 1) } else { size });
        let witness = rig.connect(STREAM);
        let mut fixed = SubscribeFixed::default();
        fixed.streams.set(8);
        rig.say(witness, &subscription(&fixed, &[]));
        let owners = [rig.connect(CONTROL), rig.connect(CONTROL)];
        let clients = (0..CLIENTS)
            .map(|number| {
                let filter = FILTERS[random.index(FILTERS.len())];
                let is_binary = number % 2 == 0;
                let mut reading = Reading::default();
                (reading.filter, reading.is_binary, reading.harm) = (filter, is_binary, harm);
                Client { id: None, reading, reads: 100_000 }
            })
            .collect();
        Self {
            random,
            rig,
            truth: Truth::default(),
            witness,
            owners,
            clients,
            replies: Vec::new(),
            requests: 0,
            submitted: 0,
            taken: 0,
            clocks: [0; 2],
        }
    }

    /// Those that the hub has let go read what is left for them, before others have their places.
    fn bury(&mut self) {
        for client in &mut self.clients {
            let Some(id) = client.id.filter(|id| self.rig.sockets[id].closed) else { continue };
            let bytes = self.rig.read(id, usize::MAX);
            client.reading.take(&bytes, &self.truth);
            client.id = None;
        }
    }

    fn connect(&mut self, index: usize) {
        self.bury();
        let client = &mut self.clients[index];
        let id = self.rig.connect(STREAM);
        client.id = Some(id);
        client.reading.reconnect();
        client.reads = [100_000, 100_000, 900, 30, 0][self.random.index(5)];
        self.rig.socket(id).capacity = [500, 5000, 200_000][self.random.index(3)];
        let resume = client.reading.epoch != 0 && !self.random.one_in(8);
        // Vitals of which each one counts come in between.
        let vitals = self.random.one_in(3);
        let topics: Vec<&str> = client.reading.filter.into_iter().collect();
        let words = if client.reading.is_binary {
            let mut fixed = SubscribeFixed::default();
            fixed.streams.set(if vitals { 9 } else { 8 });
            fixed.rate_mhz.set(1_000_000);
            fixed.options.set(u16::from(vitals) | if resume { 2 } else { 0 });
            if resume {
                fixed.epoch = client.reading.epoch.to_be_bytes();
                fixed.events = client.reading.last.into();
            }
            subscription(&fixed, &topics)
        } else {
            let streams = if vitals { vec!["vitals", "events"] } else { vec!["events"] };
            let mut line = json!({
                "subscribe": streams, "rate_hz": 1000, "every": vitals, "topics": topics,
            });
            if resume {
                let epoch = format!("{:032x}", client.reading.epoch);
                line["resume"] = json!({"epoch": epoch, "events": client.reading.last});
            }
            format!("{line}\n").into_bytes()
        };
        // In pieces.
        let at = self.random.index(words.len());
        self.rig.say(id, &words[..at]);
        self.rig.turn(&[]);
        if !self.rig.socket(id).closed {
            self.rig.say(id, &words[at..]);
        }
    }

    /// The owner publishes, in JSON or in frames.
    fn submit(&mut self) {
        let speech = self.random.index(2);
        let id = self.owners[speech];
        for _ in 0..self.random.index(6) {
            let data = data(&mut self.random);
            let topic = format!("t{}", self.random.index(4));
            self.submitted += 1;
            let bytes = if speech == 0 {
                self.requests += 1;
                let event = match self.random.index(4) {
                    0 => json!({"type": "transcription", "text": data}),
                    _ => json!({"topic": topic, "data": data}),
                };
                json!({"action": "submit", "event": event}).to_string().into_bytes()
            } else {
                let fields = EventFields::custom(&topic, Data::Text(Words::Plain(&data)));
                let fields = EventFields { wall_ns: self.random.next(), ..fields };
                request(self.submitted, Action::Submit, Some(&fields))
            };
            self.rig.say(id, &bytes);
        }
        if speech == 0 && self.random.one_in(40) {
            self.requests += 1;
            self.rig.say(id, br#"{"action":"toggle"}"#);
        }
    }

    /// This process publishes, and the loop turns.
    fn turn(&mut self) {
        let texts: Vec<String> =
            (0..self.random.index(5)).map(|_| data(&mut self.random)).collect();
        let mut events: Vec<EventFields<'_>> = Vec::new();
        for text in &texts {
            let mut fields = EventFields::custom("t9", Data::Text(Words::Plain(text)));
            if self.random.one_in(30) {
                fields = EventFields::new(EventKind::SessionStart);
                fields
                    .numbers
                    .set(Number::SessionId, NumberValue::Integer(self.random.next() >> 1));
            } else if self.random.one_in(10) {
                let state = Some(AppState::Recording);
                fields = EventFields { state, ..EventFields::new(EventKind::StateChange) };
            }
            events.push(EventFields { wall_ns: 1 + (self.random.next() >> 2), ..fields });
        }
        self.taken += events.len() as u64;
        self.rig.turn(&events);
        self.learn();
    }

    fn learn(&mut self) {
        // One send may not take all; nobody else may know more than it does.
        loop {
            let bytes = self.rig.read(self.witness, usize::MAX);
            if bytes.is_empty() {
                return;
            }
            self.truth.learn(&bytes);
            self.rig.turn(&[]);
        }
    }

    fn clients_act(&mut self) {
        for index in 0..CLIENTS {
            let Some(id) = self.clients[index].id else {
                if self.random.one_in(20) {
                    self.connect(index);
                    self.learn();
                }
                continue;
            };
            let size = self.random.index(self.clients[index].reads + 1);
            let bytes = self.rig.read(id, size);
            self.clients[index].reading.take(&bytes, &self.truth);
            match self.random.index(150) {
                // It goes, and what it has not read is lost.
                0 => {
                    self.rig.hang_up(id);
                    self.clients[index].id = None;
                }
                1 => self.clients[index].reads = [0, 10, 900, 100_000][self.random.index(4)],
                2 => self.rig.socket(id).capacity = 400 << self.random.index(10),
                _ => {}
            }
        }
        // They were stuck, or an event that they had begun is gone.
        self.bury();
    }

    fn step(&mut self) {
        let ms = if self.random.one_in(300) { 40_000 } else { self.random.next() % 20 };
        self.rig.pass(ms * MS);
        if self.random.one_in(50) {
            // Below a tenth of a second it is told with the next one.
            let most_ms = if self.random.one_in(2) { 90 } else { 99_999 };
            let slept_ms = 1 + self.random.below(most_ms);
            self.rig.suspend(slept_ms * MS);
            self.clocks[0] += i64::try_from(slept_ms).unwrap();
        }
        if self.random.one_in(50) {
            let moved_ms = i64::try_from(self.random.below(7_200_000)).unwrap() - 3_600_000;
            self.rig.step(moved_ms * 1_000_000);
            self.clocks[1] += moved_ms;
        }
        if self.random.one_in(3) {
            self.submit();
        }
        self.turn();
        self.clients_act();
        let bytes = self.rig.read(self.owners[0], usize::MAX);
        self.replies.extend(bytes);
        self.rig.read(self.owners[1], usize::MAX);
    }

    /// Each request was answered, in order, and with the sequence that its event has.
    fn check_replies(&mut self) {
        let bytes = self.rig.read_all(self.owners[0]);
        self.replies.extend(bytes);
        let lines = self.replies.split_inclusive(|byte| *byte == b'\n');
        let replies: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
        assert_eq!(replies.len(), self.requests);
        let mut last = 0;
        for reply in replies {
            let sequence = reply["seq"].as_u64().unwrap_or_else(|| panic!("{reply}"));
            assert!(sequence > last && sequence <= self.truth.last());
            last = sequence;
        }
    }

    /// What was told adds up, but for what was too little to be told.
    fn check_clocks(&self) {
        let mut told = [0.0; 2];
        for sequence in 1..=self.truth.last() {
            let Produced { topic, line, .. } = self.truth.get(sequence);
            match topic.as_str() {
                "kymo.resumed" => told[0] += line["data"]["slept_s"].as_f64().unwrap(),
                "kymo.clock" => told[1] += line["data"]["moved_s"].as_f64().unwrap(),
                _ => {}
            }
        }
        for (told_s, true_ms) in told.into_iter().zip(self.clocks) {
            let untold_ms = true_ms as f64 - told_s * 1000.0;
            assert!(untold_ms.abs() < 100.001, "{told_s} s of {true_ms} ms were told");
        }
    }

    fn run(mut self, steps: usize) -> [u64; 4] {
        for _ in 0..steps {
            self.step();
        }
        self.rig.take = Box::new(|size| size);
        // Who is let go now, because it was stuck or cut, comes back like all the others.
        for _ in 0..4 {
            self.bury();
            for index in 0..CLIENTS {
                if self.clients[index].id.is_none() {
                    self.connect(index);
                }
                let id = self.clients[index].id.unwrap();
                self.rig.socket(id).capacity = usize::MAX;
            }
            self.rig.run();
            self.learn();
            for client in &mut self.clients {
                let bytes = self.rig.read_all(client.id.unwrap());
                client.reading.take(&bytes, &self.truth);
            }
        }
        assert!(self.truth.last() >= self.submitted + self.taken);
        self.check_clocks();
        self.check_replies();
        let mut sums = [0; 4];
        for client in &mut self.clients {
            client.reading.finish(&self.truth);
            let Reading { got, missed, tails, gaps, .. } = client.reading;
            for (sum, part) in sums.iter_mut().zip([got, missed, tails, gaps]) {
                *sum += part;
            }
        }
        sums
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn delivered_and_missed_is_produced() {
    let replayed = number("KYMO_SIM_SEED");
    let runs = replayed.map_or(number("KYMO_SIM_RUNS").unwrap_or(4), |_| 1);
    let first = replayed.unwrap_or_else(Random::fresh_seed);
    let mut sums = [0; 4];
    for seed in (0..runs).map(|run| first.wrapping_add(run)) {
        let outcome = std::panic::catch_unwind(|| World::new(seed, None).run(1200));
        let run = outcome.unwrap_or_else(|_| panic!("replay with KYMO_SIM_SEED={seed}"));
        for (sum, part) in sums.iter_mut().zip(run) {
            *sum += part;
        }
    }
    println!("{runs} runs from seed {first}: events, missed, tails, gaps {sums:?}");
    let least = [2000, 200, 6, 6].map(|least| least * runs);
    assert!(sums.iter().zip(least).all(|(sum, least)| *sum > least), "too little: {sums:?}");
}

/// The canaries: an event that is lost, told twice or changed on its way must not go unnoticed.
#[test]
fn harm_is_found() {
    for harm in [Harm::Lose, Harm::Repeat, Harm::Change] {
        for seed in 0..2 {
            World::new(seed, None).run(300);
            let world = || World::new(seed, Some((97, harm))).run(300);
            assert!(std::panic::catch_unwind(world).is_err(), "{harm:?} with seed {seed}");
        }
    }
}
