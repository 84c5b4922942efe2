//! The whole world: a daemon, its disk and its clock, and everybody who is connected to it.

use kymo::SessionId;
use kymo::journal::Start;
use kymo_platform::clock::Now;
use kymo_protocol::{Data, EventFields, Words};

use crate::client::Client;
use crate::daemon::{Daemon, MS, STEPS};
use crate::faults::{Fault, Faults};
use crate::net::{Net, Owner};
use crate::options::{Harm, Options};
use crate::publisher::text;
use crate::random::Random;
use crate::storage::Disk;
use crate::truth::{Truth, mix};
use crate::witness;

/// One tick at 25 Hz.
const TICK_NS: u64 = 40 * MS;
/// Turns after which a loop that nobody gives anything new must sleep.
const TURNS_MAX: u32 = 500;

#[derive(Debug)]
pub struct World {
    pub options: Options,
    pub faults: Faults,
    pub random: Random,
    pub disk: Disk,
    pub truth: Truth,
    pub net: Net,
    pub daemon: Daemon,
    pub clients: Vec<Client>,
    pub witnesses: Vec<SessionId>,
    pub now: Now,
    pub boot: u128,
    pub lives: u64,
    /// Steps that a full disk and a sensor that hangs have left.
    pub full: u64,
    pub hangs: u64,
    /// What the machine slept and what its wall clock was moved by in this life, in seconds.
    pub true_s: [f64; 2],
    /// Deaths before each step of a turn, and in each operation of the storage.
    pub deaths: [u64; STEPS.len()],
    pub operations: [u64; 3],
    /// Where clients go in the middle of something, and where the daemon dies.
    pub wheel: usize,
    pub death_wheel: usize,
    pub turns: u64,
    pub events: u64,
}

impl World {
    pub fn new(options: Options) -> Self {
        let Options { seed, clients, .. } = options;
        let mut random = Random::of(seed, 0);
        let start_ns = 1_000_000 * MS;
        let wall_ns = 1_700_000_000_000 * MS;
        let now = Now { mono_ns: start_ns, boot_ns: start_ns, wall_ns };
        let disk = Disk::new();
        if options.harm == Some(Harm::Drop) {
            disk.drop_write(40);
        }
        let start = Start { epoch: random.next().into(), salt: random.next(), boot: 1 };
        let daemon = Daemon::start(&disk, &start, clients, now).expect("no faults yet");
        let mut world = Self {
            options,
            faults: Faults::new(seed, options.without),
            random,
            disk,
            truth: Truth::new(),
            net: Net::new(options.harm),
            daemon,
            clients: (0..clients).map(|index| Client::new(seed, index)).collect(),
            witnesses: Vec::new(),
            now,
            boot: 1,
            lives: 1,
            full: 0,
            hangs: 0,
            true_s: [0.0; 2],
            deaths: [0; STEPS.len()],
            operations: [0; 3],
            wheel: 0,
            death_wheel: usize::try_from(seed.wrapping_mul(5) % STEPS.len() as u64).unwrap(),
            turns: 0,
            events: 0,
        };
        world.truth.epoch = start.epoch;
        world.meet_witnesses();
        world
    }

    pub fn meet_witnesses(&mut self) {
        let Self { daemon, net, faults, truth, now, .. } = self;
        self.witnesses = witness::connect(daemon, net, faults, truth, *now);
    }

    /// One tick, and everything that may happen around it.
    pub fn step(&mut self) {
        self.pass();
        self.plan_faults();
        self.publish();
        for index in 0..self.clients.len() {
            self.speak(index);
        }
        if self.run() {
            self.check_clocks();
            for index in 0..self.clients.len() {
                self.read(index);
            }
        } else {
            self.die();
        }
        if self.faults.strikes(Fault::Stop) {
            self.stop();
        }
    }

    /// Time passes, to the next tick or beyond it.
    fn pass(&mut self) {
        let ticks = self.daemon.hub.ticks();
        let tick_ns = ticks.map_or(0, |ticks| ticks.first_ns.saturating_sub(self.now.mono_ns));
        let mut ns = if (1..TICK_NS).contains(&tick_ns) { tick_ns } else { TICK_NS };
        if self.faults.strikes(Fault::Late) {
            ns += self.faults.random(Fault::Late).below(400) * MS;
            self.faults.count(Fault::Late, 1);
        }
        self.now.mono_ns += ns;
        self.now.boot_ns += ns;
        self.now.wall_ns += ns;
        if self.faults.strikes(Fault::Suspend) {
            let most_ms = if self.faults.random(Fault::Suspend).one_in(2) { 90 } else { 99_999 };
            let slept_ms = 1 + self.faults.random(Fault::Suspend).below(most_ms);
            self.now.boot_ns += slept_ms * MS;
            self.now.wall_ns += slept_ms * MS;
            self.true_s[0] += slept_ms as f64 / 1000.0;
            self.faults.count(Fault::Suspend, 1);
        }
        if self.faults.strikes(Fault::Clock) {
            let moved_ms = self.faults.random(Fault::Clock).below(7_200_000);
            self.now.wall_ns = self.now.wall_ns + moved_ms * MS - 3_600_000 * MS;
            self.true_s[1] += moved_ms as f64 / 1000.0 - 3600.0;
            self.faults.count(Fault::Clock, 1);
        }
    }

    /// This process has something to say.
    fn publish(&mut self) {
        if !self.random.one_in(20) {
            return;
        }
        for _ in 0..=self.random.index(3) {
            self.events += 1;
            let text = text(0xFFFF << 32 | self.events, &mut self.random);
            let fields = EventFields::custom("t9", Data::Text(Words::Plain(&text)));
            let mut payload = vec![0; 4096];
            let size = fields.write(&mut payload).unwrap();
            payload.truncate(size);
            self.daemon.inbox.push_back(payload);
        }
    }

    /// A client comes, goes, or says something.
    fn speak(&mut self, index: usize) {
        let Self { clients, faults, net, daemon, now, wheel, .. } = self;
        let client = &mut clients[index];
        let Some(id) = client.id else {
            client.rests = client.rests.saturating_sub(1);
            if client.rests == 0 {
                let mut socket = client.socket(faults);
                client.leaves = !socket.said.is_empty() && faults.strikes(Fault::CutSaying);
                if client.leaves {
                    *wheel += 1;
                    socket.said.truncate(*wheel % socket.said.len());
                    faults.count(Fault::CutSaying, 1);
                }
                let owner = Owner::Client(index);
                client.id = net.connect(&mut daemon.hub, client.listener(), owner, socket, *now);
                client.rests = 5;
                if let Some(id) = client.id {
                    net.end(id).is_exact = client.is_exact();
                    faults.count(Fault::Return, u64::from(client.ledger.wish.resumes));
                }
            }
            return;
        };
        if client.leaves {
            return self.leave(index);
        }
        let end = net.end(id);
        if faults.strikes(Fault::Again) {
            end.socket.again = 1 + u32::try_from(client.random.below(20)).unwrap();
            faults.count(Fault::Again, 1);
        }
        if client.publisher.is_none() && faults.strikes(Fault::Nonsense) {
            let random = faults.random(Fault::Nonsense);
            let size = 1 + random.index(2000);
            end.socket.said.extend((0..size).map(|_| random.next().to_le_bytes()[0]));
            faults.count(Fault::Nonsense, 1);
        }
        match client.random.index(500) {
            0 => client.reads = 0,
            1 => client.reads = client.random.index(2000),
            2..10 => client.reads = usize::MAX,
            _ => {}
        }
        let Some(publisher) = &mut client.publisher else { return };
        client.reads = usize::MAX;
        if client.random.one_in(32) && publisher.is_patient() {
            let count = if faults.strikes(Fault::MergedRead) { 3 } else { 1 };
            end.requests = count;
            for _ in 0..count {
                end.socket.said.extend(publisher.speak(&mut client.random));
            }
        }
    }

    pub fn leave(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if let Some(id) = client.id.take() {
            client.rests = 1 + client.random.below(40);
            self.net.hang_up(id, &mut self.daemon.hub, self.now);
        }
    }

    /// Turns until the loop would sleep; `false` when the daemon dies of it.
    pub fn run(&mut self) -> bool {
        let Self { daemon, net, faults, now, .. } = self;
        for _ in 0..TURNS_MAX {
            self.turns += 1;
            if daemon.turn(net, faults, *now).is_err() {
                return false;
            }
            if !daemon.is_busy(net) {
                self.listen();
                return true;
            }
        }
        panic!("the loop spins");
    }

    /// Witnesses tell what there was, and those that were let go read what is left for them.
    pub fn listen(&mut self) {
        for (number, id) in self.witnesses.iter().enumerate() {
            if let Some(socket) = self.net.witness(*id) {
                witness::read(number, socket, &mut self.truth);
            }
        }
        self.bury();
    }

    pub fn bury(&mut self) {
        // Witnesses first: nobody knows more than they do.
        let mut closed = std::mem::take(&mut self.net.closed);
        for (owner, socket) in &mut closed {
            if let Owner::Witness(number) = *owner {
                witness::read(number, socket, &mut self.truth);
            }
        }
        for (owner, mut socket) in closed {
            let Owner::Client(index) = owner else { continue };
            let client = &mut self.clients[index];
            client.read(&mut socket, usize::MAX, &mut self.truth);
            (client.id, client.rests) = (None, 1 + client.random.below(20));
        }
    }

    /// A client reads, and may go in the middle of it; whether all is well.
    fn read(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Some(id) = client.id else { return };
        let socket = self.net.socket(id);
        if self.faults.strikes(Fault::Cut) {
            self.wheel += 1;
            let size = self.wheel % (socket.unread() + 1);
            client.read(socket, size, &mut self.truth);
            self.faults.count(Fault::Cut, 1);
            return self.leave(index);
        }
        client.read(socket, client.reads, &mut self.truth);
        if socket.unread() == 0 && !socket.is_blocked && socket.said.is_empty() {
            assert!(socket.pending().is_empty(), "half a frame, and nothing is to come");
            client.ledger.check_current(self.truth.binary.last(), &self.truth);
        }
    }

    /// Nothing goes wrong any more: everybody gets all there is, and the disk has it.
    pub fn finish(&mut self) {
        self.faults.end();
        self.disk.revive();
        self.disk.set_full(false);
        self.daemon.death = None;
        self.daemon.let_answer(self.now);
        for _ in 0..60 {
            self.pass();
            for index in 0..self.clients.len() {
                self.clients[index].reads = usize::MAX;
                if let Some(id) = self.clients[index].id {
                    let socket = self.net.socket(id);
                    (socket.capacity, socket.again) = (usize::MAX, 0);
                }
                self.speak(index);
            }
            assert!(self.run(), "it died of nothing");
            for index in 0..self.clients.len() {
                self.read(index);
            }
        }
        for client in self.clients.iter().filter(|client| client.publisher.is_none()) {
            assert!(client.id.is_some(), "{client:?} is not served");
            let is_begun = !client.ledger.wish.events || client.ledger.has_begun;
            assert!(is_begun, "{client:?} was granted nothing");
        }
        self.daemon.death = Some(0);
        assert!(!self.run());
        self.die();
    }

    /// Of all that was delivered.
    pub fn hash(&self) -> u64 {
        let hashes = self.clients.iter().map(|client| client.hash);
        let all = hashes.chain([self.net.bytes, self.net.sends, self.turns, self.truth.next()]);
        all.fold(self.lives, mix)
    }

    /// What was told of sleep and of the clock adds up, but for what is too little to be told.
    fn check_clocks(&self) {
        let hub = &self.daemon.hub;
        let is_failing = hub.journal_error().is_some() || hub.retry_ns().is_some();
        for (told_s, true_s) in self.truth.told_s.iter().zip(self.true_s).filter(|_| !is_failing) {
            assert!((true_s - told_s).abs() < 0.100_1, "{told_s} s of {true_s} s were told");
        }
    }
}
