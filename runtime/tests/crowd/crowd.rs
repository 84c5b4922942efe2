//! A thousand subscribers, read by one thread.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use crate::common::PATIENCE;
use crate::ledger::Ledger;
use crate::message::Format;
use crate::random::Random;
use crate::subscriber::{READ_SIZE, Subscriber};
use crate::tape::{Kind, Place, Tape};

/// Subscribers.
pub const MEMBERS: usize = 1000;

/// Two in so many want one topic.
const PICKY: usize = 200;

/// Of those who stalled, one in so many reads on at the end; the others go unread. A debug build
/// takes its time to find the past in the journal.
const CURIOUS: usize = if cfg!(debug_assertions) { 8 } else { 1 };

/// One who died is away for less than this.
const AWAY_MS: u64 = 50;

/// What a subscriber does besides reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Healthy,
    /// Dies when it has so many events, and comes back.
    Dies(usize),
    /// Stops reading when it has so many events.
    Stalls(usize),
}

/// Where a subscriber is.
#[derive(Debug)]
enum Member {
    Present(Subscriber),
    /// Reads nothing for the time.
    Stalled(Subscriber),
    /// Has died, and comes back then, to go on behind this place.
    Away(Instant, Place),
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    died: u64,
    stalled: u64,
    /// Events that somebody got.
    delivered: u64,
    /// Events that those who stalled were told they missed.
    missed: u64,
    /// Times that a place was not free yet.
    refused: u64,
}

/// The crowd; see the module.
pub struct Crowd {
    path: PathBuf,
    epoch: u128,
    ledger: Arc<Ledger>,
    random: Random,
    tapes: Vec<Tape>,
    fates: Vec<Fate>,
    members: Vec<Member>,
    epoll: Epoll,
    buffer: Vec<u8>,
    tally: Tally,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { died, stalled, delivered, missed, refused } = self;
        write!(
            f,
            "{delivered} deliveries to {MEMBERS}, of whom {died} died and came back (refused \
             {refused} times) and {stalled} stalled, to miss {missed} events"
        )
    }
}

impl Crowd {
    /// Everybody connects. `planned` events are to come; half of the crowd has a fate somewhere
    /// among them.
    pub fn new(
        path: PathBuf,
        epoch: u128,
        ledger: &Arc<Ledger>,
        planned: u64,
        seed: u64,
    ) -> Result<Self, String> {
        let mut random = Random::new(seed);
        let kinds = [(Format::Binary, None), (Format::Json, None)].into_iter();
        let kinds = kinds.chain([(Format::Binary, Some(1)), (Format::Json, Some(2))]);
        let tapes = kinds.map(|(format, publisher)| Tape::new(Kind { format, publisher }, ledger));
        let fates = (0..MEMBERS).map(|index| {
            let share = if is_picky(index) { crate::PUBLISHERS as u64 } else { 1 };
            let moment = usize::try_from(random.below(planned * 9 / 10) / share).unwrap();
            match index / 2 % 4 {
                0 => Fate::Dies(moment),
                1 => Fate::Stalls(moment),
                _ => Fate::Healthy,
            }
        });
        let mut crowd = Self {
            path,
            epoch,
            ledger: Arc::clone(ledger),
            fates: fates.collect(),
            random,
            tapes: tapes.collect(),
            members: Vec::with_capacity(MEMBERS),
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap(),
            buffer: vec![0; 2 * READ_SIZE],
            tally: Tally::default(),
        };
        for index in 0..MEMBERS {
            crowd.members.push(Member::Away(Instant::now(), Place::default()));
            crowd.come(index)?;
        }
        Ok(crowd)
    }

    /// Waits until everybody is subscribed.
    pub fn settle_in(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let is_in = |member: &Member| matches!(member, Member::Present(s) if s.is_subscribed());
        while !self.members.iter().all(is_in) {
            self.turn(deadline)?;
        }
        Ok(())
    }

    /// Reads until the publishers have ended, and everybody who reads has what they published.
    pub fn attend<T>(&mut self, publishers: &[JoinHandle<T>]) -> Result<(), String> {
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            let taken = self.taken();
            self.ledger.take(taken);
            if publishers.iter().all(JoinHandle::is_finished) {
                if self.is_complete() {
                    return Ok(());
                }
            } else {
                deadline = Instant::now() + PATIENCE;
            }
            self.turn(deadline)?;
        }
    }

    /// So many events has everybody who reads and wants all.
    fn taken(&self) -> u64 {
        let of_member = |(index, member): (usize, &Member)| match member {
            Member::Present(subscriber) if !is_picky(index) => Some(subscriber.place.events as u64),
            _ => None,
        };
        self.members.iter().enumerate().filter_map(of_member).min().unwrap_or(0)
    }

    /// Whether everybody who reads has everything, and nobody is away.
    fn is_complete(&self) -> bool {
        let published = self.ledger.events();
        let is_at_end = |(index, member): (usize, &Member)| match member {
            Member::Present(subscriber) => {
                subscriber.place.events == self.tapes[tape_of(index)].len()
            }
            Member::Stalled(_) => true,
            Member::Away(..) => false,
        };
        self.tapes[..2].iter().all(|tape| tape.len() as u64 == published)
            && self.tapes[2..].iter().all(|tape| tape.check().is_ok())
            && self.members.iter().enumerate().all(is_at_end)
    }

    /// Reads of everybody for whom there is something, and lets those come back whose time it is.
    fn turn(&mut self, deadline: Instant) -> Result<(), String> {
        if Instant::now() > deadline {
            return Err(format!("the last is at {} of {}", self.taken(), self.ledger.events()));
        }
        let mut events = [EpollEvent::empty(); MEMBERS];
        let count = self.epoll.wait(&mut events, 2u8).map_err(|error| error.to_string())?;
        for event in &events[..count] {
            let index = usize::try_from(event.data()).unwrap();
            self.read(index).map_err(|fault| {
                let kind = self.tapes[tape_of(index)].kind;
                format!("subscriber {index}, {kind:?}, {:?}: {fault}", self.fates[index])
            })?;
        }
        let now = Instant::now();
        for index in 0..MEMBERS {
            if matches!(self.members[index], Member::Away(until, _) if until <= now) {
                self.come(index)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> Result<(), String> {
        let tape = &mut self.tapes[tape_of(index)];
        let Member::Present(subscriber) = &mut self.members[index] else { return Ok(()) };
        let before = subscriber.place;
        subscriber.read(tape, &mut self.buffer, false)?;
        let place = subscriber.place;
        self.tally.delivered += (place.events - before.events) as u64;
        if subscriber.is_refused() {
            self.tally.refused += 1;
            self.leave(index);
            self.members[index] = Member::Away(Instant::now() + Duration::from_millis(1), place);
            return Ok(());
        }
        match self.fates[index] {
            Fate::Dies(moment) if place.events >= moment && subscriber.is_subscribed() => {
                // Wherever it is, also in the middle of a message.
                let blind = usize::try_from(self.random.below(2000)).unwrap();
                subscriber.read_blindly(blind);
                self.leave(index);
                let away = Duration::from_millis(self.random.below(AWAY_MS));
                self.members[index] = Member::Away(Instant::now() + away, place);
                self.fates[index] = Fate::Healthy;
                self.tally.died += 1;
            }
            Fate::Stalls(moment) if place.events >= moment && subscriber.is_subscribed() => {
                self.leave(index);
                let away = Member::Away(Instant::now(), place);
                let member = std::mem::replace(&mut self.members[index], away);
                let Member::Present(subscriber) = member else { unreachable!() };
                self.members[index] = Member::Stalled(subscriber);
                self.tally.stalled += 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// A subscriber connects, to go on where it was.
    fn come(&mut self, index: usize) -> Result<(), String> {
        let Member::Away(_, place) = self.members[index] else { return Ok(()) };
        let tape = &self.tapes[tape_of(index)];
        let last = tape.sequence(place.events);
        let mut subscriber = Subscriber::connect(&self.path, tape.kind, self.epoch, last)?;
        subscriber.place = place;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
        self.epoll.add(subscriber.stream(), event).map_err(|error| error.to_string())?;
        self.members[index] = Member::Present(subscriber);
        Ok(())
    }

    /// A subscriber is not waited for any more.
    fn leave(&mut self, index: usize) {
        if let Member::Present(subscriber) = &self.members[index] {
            self.epoll.delete(subscriber.stream()).unwrap();
        }
    }

    /// Those who stalled read on; then everything is compared, and everybody goes.
    pub fn finish(mut self) -> Result<Tally, String> {
        for tape in &self.tapes {
            tape.check().map_err(|fault| format!("{:?}: {fault}", tape.kind))?;
        }
        let stalled = |(_, member): &(usize, &mut Member)| matches!(member, Member::Stalled(_));
        let members = self.members.iter_mut().enumerate().filter(stalled);
        for (index, member) in members.step_by(CURIOUS) {
            let Member::Stalled(subscriber) = member else { continue };
            let tape = &mut self.tapes[tape_of(index)];
            let (before, end) = (subscriber.place, tape.len());
            subscriber.read_to(tape, &mut self.buffer, end).map_err(|fault| {
                format!("subscriber {index}, {:?}, after its stall: {fault}", tape.kind)
            })?;
            let missed = subscriber.place.missed;
            self.tally.missed += missed;
            self.tally.delivered += (end - before.events) as u64 - missed;
        }
        Ok(self.tally)
    }
}

fn is_picky(index: usize) -> bool {
    index % PICKY < 2
}

/// Every second one reads lines.
fn tape_of(index: usize) -> usize {
    index % 2 + if is_picky(index) { 2 } else { 0 }
}
