//! One life of the daemon: the real hub with its journal, sampler and sources, turned as the
//! reactor turns them, by a clock that stands until somebody moves it.

use std::collections::VecDeque;
use std::sync::Arc;

use kymo::journal::{Entry, Journal, Start, Storage, SyncRound};
use kymo::{
    Config, Handled, History, Hub, Identity, InboxCounts, Listener, ListenerFormat, Sampler,
    SessionId, Sources, Surroundings,
};
use kymo_platform::clock::Now;
use kymo_platform::{Fake, LocalTime};
use kymo_protocol::Group;

use crate::faults::Faults;
use crate::net::Net;
use crate::sensors::{Gate, Sensors};
use crate::storage::{Disk, SEGMENTS};
use crate::truth::Found;

pub const MS: u64 = 1_000_000;
/// The listeners, by their index.
pub const STREAM: usize = 0;
pub const JSON: usize = 1;
pub const CONTROL: usize = 2;
pub const OPTA1: usize = 3;
pub const BARE: usize = 4;
/// Bytes of an event's payload.
pub const EVENT_BYTES: u32 = 2048;

/// What a turn does, in its order; a death comes before one of these.
pub const STEPS: [&str; 13] = [
    "clocks",
    "tick",
    "sample",
    "lane",
    "receive",
    "deadlines",
    "rest",
    "commands",
    "events",
    "commit",
    "sync",
    "serve",
    "close",
];

/// It is dead.
#[derive(Clone, Copy, Debug)]
pub struct Died;

#[derive(Debug)]
pub struct Daemon {
    pub hub: Hub,
    sampler: Sampler,
    sources: Sources,
    pub gate: Arc<Gate>,
    disk: Disk,
    /// Events of this process that wait.
    pub inbox: VecDeque<Vec<u8>>,
    sync: Option<SyncRound>,
    /// The step before which it is to die.
    pub death: Option<usize>,
}

fn config(clients: usize) -> Config {
    let mut config = Config::in_directory("/simulated");
    config.limits.clients = u32::try_from(clients + 8).unwrap();
    config.limits.event_bytes = EVENT_BYTES;
    let opta1 = Listener::new("opta", ListenerFormat::Opta1).unwrap();
    let streams = opta1.streams;
    config.listeners.push(opta1).unwrap();
    let bare = Listener::new("bare", ListenerFormat::Json).unwrap();
    config.listeners.push(Listener { bare: true, streams, ..bare }).unwrap();
    config
}

impl Daemon {
    /// Begins a life with what is on the disk; `None` when it dies of that.
    pub fn start(disk: &Disk, start: &Start, clients: usize, now: Now) -> Option<Self> {
        let storage: Box<dyn Storage> = Box::new(disk.clone());
        let history = History::open(storage, start, true);
        if disk.is_deadly() {
            return None;
        }
        let history = history.expect("whatever it holds, it opens");
        let identity = Identity { epoch: start.epoch, run: start.epoch, uid: 0 };
        let gate = Arc::new(Gate::default());
        let answer = Arc::clone(&gate);
        let steady = Sensors { group: Group::Cpu, interval_ns: 40 * MS, count: 5, gate: None };
        let lane = Some(Arc::clone(&gate));
        let slow = Sensors { group: Group::Hwmon, interval_ns: 1000 * MS, count: 3, gate: lane };
        let sources: Vec<Box<dyn kymo_platform::Source>> = vec![Box::new(steady), Box::new(slow)];
        // The machine's own speed is to change nothing.
        let sources = Sources::new(sources, 1e9, move || answer.answer()).unwrap();
        Some(Self {
            hub: Hub::new(&config(clients), identity, history, LocalTime::new(), now),
            sampler: Sampler::new(Box::new(Fake::seeded(1))),
            sources,
            gate,
            disk: disk.clone(),
            inbox: VecDeque::new(),
            sync: None,
            death: None,
        })
    }

    /// What such a start would find.
    pub fn look(disk: &Disk, start: &Start) -> Found {
        let mut found = Found::default();
        let visit = |entry: Entry<'_>| {
            if let Entry::Event { sequence, frame, .. } = entry {
                let before = found.frames.insert(sequence, frame.to_vec());
                assert!(before.is_none(), "sequence {sequence} is in the journal twice");
            }
        };
        let journal = Journal::open(Box::new(disk.copy()), start, visit).expect("it opens");
        (found.epoch, found.oldest, found.next) =
            (journal.epoch(), journal.oldest(), journal.next());
        found
    }

    /// Before a step of a turn.
    fn at(&mut self, step: usize) -> Result<(), Died> {
        let is_dead = self.death == Some(step) || self.disk.is_deadly();
        if is_dead { Err(Died) } else { Ok(()) }
    }

    /// One turn.
    pub fn turn(&mut self, net: &mut Net, faults: &mut Faults, now: Now) -> Result<(), Died> {
        self.at(0)?;
        let slept_ns = self.hub.handle_time(now);
        if slept_ns > 0 {
            self.sampler.handle_resume(slept_ns);
            self.sources.handle_resume(slept_ns);
            self.hub.set_cadences(self.sources.cadences(), now);
        }
        self.at(1)?;
        if let Some(tick_ns) = self.hub.take_tick(now) {
            self.sample(tick_ns, now)?;
            self.serve(net, faults, now)?;
        }
        self.at(3)?;
        self.settle(now);
        self.at(4)?;
        net.receive(&mut self.hub, faults, now);
        self.at(5)?;
        self.hub.handle_deadlines(now);
        self.at(6)?;
        self.hub.handle_rest(now);
        self.at(7)?;
        self.obey(now);
        self.at(8)?;
        while self.hub.takes_events(now)
            && let Some(mut event) = self.inbox.pop_front()
        {
            self.hub.take_event(&mut event, now);
        }
        self.at(9)?;
        self.hub.commit(now);
        self.at(10)?;
        self.sync(now);
        self.at(11)?;
        self.serve(net, faults, now)?;
        self.at(12)?;
        while let Some(id) = self.hub.poll_closed() {
            net.close(id);
        }
        assert_eq!(self.hub.clients(), net.len());
        Ok(())
    }

    fn sample(&mut self, tick_ns: u64, now: Now) -> Result<(), Died> {
        if self.hub.wants_vitals() {
            self.sampler.handle_tick(tick_ns, now);
        }
        let wanted = self.hub.wanted();
        self.sources.handle_tick(tick_ns, now, wanted, self.hub.samples());
        self.at(2)?;
        self.hub.plan_tick(tick_ns);
        self.hub.publish(tick_ns, now, &self.sampler);
        self.hub.set_cadences(self.sources.cadences(), now);
        Ok(())
    }

    /// Takes over what the lane has read, until it does nothing or hangs.
    fn settle(&mut self, now: Now) {
        self.take_answer(now);
        while self.sources.deadline_ns().is_some() && self.gate.wait() {
            self.take_answer(now);
        }
    }

    fn take_answer(&mut self, now: Now) {
        if self.sources.handle_done(now, self.hub.samples()) {
            self.hub.set_cadences(self.sources.cadences(), now);
        }
    }

    /// What hangs answers at last; whether anything did.
    pub fn let_answer(&mut self, now: Now) -> bool {
        let has_hung = self.gate.open();
        if has_hung && self.gate.wait() {
            self.take_answer(now);
        }
        has_hung
    }

    fn obey(&mut self, now: Now) {
        while let Some((id, action)) = self.hub.poll_command() {
            let surroundings = Surroundings {
                sampler: &self.sampler,
                sources: &self.sources,
                queue_size: self.inbox.len() as u64,
                inbox: InboxCounts::default(),
                allocations: None,
                sandbox: None,
            };
            self.hub.answer_command(id, action, Handled::No, &surroundings, now);
        }
    }

    /// A round of syncing takes until the next turn.
    fn sync(&mut self, now: Now) {
        if let Some(round) = self.sync.take() {
            let mut failed = 0;
            for segment in (0..SEGMENTS).filter(|segment| round.segments >> segment & 1 != 0) {
                let is_synced = self.disk.sync(segment).is_ok();
                failed |= u64::from(!is_synced) << segment;
            }
            self.hub.handle_synced(round, failed, now);
        }
        self.sync = self.hub.poll_sync();
    }

    fn serve(&mut self, net: &mut Net, faults: &mut Faults, now: Now) -> Result<(), Died> {
        let ready = self.hub.ready();
        assert!(ready <= net.len(), "{ready} sessions of {} are ready", net.len());
        for _ in 0..ready {
            let Some(id) = self.hub.poll_ready() else { break };
            let is_alive = || !self.disk.is_deadly();
            if !net.send(id, &mut self.hub, faults, is_alive, now) {
                return Err(Died);
            }
        }
        Ok(())
    }

    /// After its death: what it would have sent to those that know everything.
    pub fn testify(
        &mut self,
        witnesses: &[SessionId],
        net: &mut Net,
        faults: &mut Faults,
        now: Now,
    ) {
        for _ in 0..1000 {
            let Some(id) = self.hub.poll_ready() else { return };
            if witnesses.contains(&id) {
                net.send(id, &mut self.hub, faults, || true, now);
            }
        }
    }

    /// Whether the loop would not sleep.
    pub fn is_busy(&mut self, net: &Net) -> bool {
        self.hub.ready() > 0
            || self.hub.has_rest()
            || self.sync.is_some()
            || !self.inbox.is_empty() && self.hub.retry_ns().is_none()
            || net.has_unread(&mut self.hub)
    }

    /// Ends in good order.
    pub fn close(&mut self) {
        if let Some(journal) = self.hub.take_journal() {
            // That costs no event, at most the epoch.
            let _ = journal.close();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The lane waits for its threads.
        self.gate.open();
    }
}
