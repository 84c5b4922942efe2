//! A hub with a few sessions, told what happens by the bytes: who comes, speaks, reads, stalls and
//! goes, what is published, how time goes by. Each subscriber got every event that it asked for, as
//! it was published, in order and once, or was told exactly which it will not get; whoever says
//! anything gets whole frames or lines; and no send is longer than a tail and a frame.

use kymo::SessionId;
use kymo::limits::{SEND_MAX, TAIL_SIZE};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Data, EventFields, EventKind, Frame, Words};

use crate::oracle::{Reading, Truth};
use crate::rig::{MS, Rig, STREAM, subscription};

const FILTERS: [Option<&str>; 4] = [None, Some("t1"), Some("t*"), Some("transcription")];

struct World {
    rig: Rig,
    truth: Truth,
    witness: SessionId,
    followers: [(Option<SessionId>, Reading); 4],
    /// They say whatever the bytes have them say.
    others: [Option<SessionId>; 2],
}

impl World {
    fn new(seed: u8) -> Self {
        let mut rig = Rig::new(8);
        let mut takes = usize::from(seed);
        rig.take = Box::new(move |size| {
            assert!(size <= TAIL_SIZE + SEND_MAX, "{size} bytes in one send");
            takes = takes * 5 % 251;
            if takes % 6 == 1 { size * takes / 251 } else { size }
        });
        let witness = rig.connect(STREAM);
        let mut fixed = SubscribeFixed::default();
        fixed.streams.set(8);
        rig.say(witness, &subscription(&fixed, &[]));
        let followers = std::array::from_fn(|number| {
            let mut reading = Reading::default();
            reading.filter = FILTERS[(usize::from(seed) + number) % FILTERS.len()];
            reading.is_binary = number % 2 == 0;
            (None, reading)
        });
        Self { rig, truth: Truth::default(), witness, followers, others: [None; 2] }
    }

    /// The loop turns; those who were let go read what is left, and have no place any more.
    fn turn(&mut self, events: &[EventFields<'_>]) {
        self.rig.turn(events);
        // One send may not take all, and nobody may know more than the witness.
        loop {
            let bytes = self.rig.read(self.witness, usize::MAX);
            if bytes.is_empty() {
                break;
            }
            self.truth.learn(&bytes);
            self.rig.turn(&[]);
        }
        for (id, reading) in &mut self.followers {
            if let Some(closed) = id.take_if(|id| self.rig.sockets[id].closed) {
                reading.take(&self.rig.read(closed, usize::MAX), &self.truth);
            }
        }
        for other in &mut self.others {
            other.take_if(|id| self.rig.sockets[id].closed);
        }
        for frame in self.rig.sockets.values_mut().flat_map(|socket| socket.begun.drain(..)) {
            let is_json = || serde_json::from_slice::<serde_json::Value>(&frame).is_ok();
            assert!(if frame[0] == b'{' { is_json() } else { Frame::parse(&frame).is_ok() });
        }
    }

    fn connect(&mut self, which: usize, choice: u8) {
        let (id, reading) = &mut self.followers[which];
        let Some(new) = self.rig.try_connect(STREAM).filter(|_| id.is_none()) else { return };
        *id = Some(new);
        reading.reconnect();
        self.rig.socket(new).capacity = [300, 3_000, 20_000, 200_000][usize::from(choice % 4)];
        let has_token = reading.epoch != 0 && choice & 4 == 0;
        let vitals = choice & 8 != 0;
        let mut fixed = SubscribeFixed::default();
        fixed.streams.set(if vitals { 9 } else { 8 });
        fixed.rate_mhz.set(100_000);
        fixed.options.set(u16::from(vitals) | (u16::from(has_token) << 1));
        let topics: Vec<&str> = reading.filter.into_iter().collect();
        let (streams, mut resume) = (if vitals { "\"vitals\"," } else { "" }, String::new());
        if has_token {
            (fixed.epoch, fixed.events) = (reading.epoch.to_be_bytes(), reading.last.into());
            let (epoch, events) = (reading.epoch, reading.last);
            resume = format!(",\"resume\":{{\"epoch\":\"{epoch:032x}\",\"events\":{events}}}");
        }
        let words = match reading.is_binary {
            true => subscription(&fixed, &topics),
            false => format!(
                "{{\"subscribe\":[{streams}\"events\"],\"rate_hz\":100,\"every\":{vitals},\
                 \"topics\":{topics:?}{resume}}}\n"
            )
            .into_bytes(),
        };
        self.rig.say(new, &words);
    }

    fn publish(&mut self, count: u8, size: u8) {
        let text = "é".repeat(usize::from(size) * usize::from(size) / 16);
        let text = Data::Text(Words::Plain(&text));
        let fields = |number: u8| match number % 8 {
            7 => EventFields::new(EventKind::SessionStart),
            number => EventFields::custom(["t1", "t2", "u"][usize::from(number % 3)], text),
        };
        let wall = |number: u8| EventFields { wall_ns: 1, ..fields(number.wrapping_add(size)) };
        self.turn(&(0..count % 12).map(wall).collect::<Vec<_>>());
    }

    fn operate(&mut self, [kind, one, two]: [u8; 3], rest: &mut &[u8]) {
        let (which, amount) = (usize::from(one % 4), usize::from(two) * usize::from(two) + 1);
        let follower = self.followers[which].0;
        let other = self.others[which % 2];
        match (kind % 12, follower, other) {
            (0, None, _) => self.connect(which, two),
            (1 | 2, Some(id), _) => {
                let bytes = self.rig.read(id, amount);
                self.followers[which].1.take(&bytes, &self.truth);
            }
            (3, Some(id), _) => {
                self.rig.hang_up(id);
                self.followers[which].0 = None;
            }
            (4, Some(id), _) => self.rig.socket(id).capacity = amount + 100,
            (5 | 6, ..) => self.publish(one, two),
            (7, _, None) => self.others[which % 2] = self.rig.try_connect(usize::from(two % 4)),
            (7 | 8, _, Some(id)) => {
                let (said, behind) = rest.split_at(amount.min(rest.len()));
                self.rig.say(id, said);
                *rest = behind;
            }
            (9, _, Some(id)) if two % 4 == 0 => {
                self.rig.hang_up(id);
                self.others[which % 2] = None;
            }
            (9, _, Some(id)) => drop(self.rig.read(id, amount)),
            (10, ..) => self.rig.suspend(u64::from(two) * u64::from(one) * MS),
            _ => self.rig.pass(u64::from(two) * u64::from(one) * MS / 8),
        }
        self.turn(&[]);
    }

    /// Whoever is still there has got everything, when it has read everything.
    fn finish(mut self) {
        for index in 0..self.followers.len() {
            // What is published meanwhile is for the next round.
            for _ in 0..4 {
                let Some(id) = self.followers[index].0 else { break };
                self.rig.socket(id).capacity = usize::MAX;
                let bytes = self.rig.read_all(id);
                self.turn(&[]);
                self.followers[index].1.take(&bytes, &self.truth);
            }
        }
        let there = self.followers.iter().filter(|(id, _)| id.is_some());
        there.for_each(|(_, reading)| reading.finish(&self.truth));
    }
}

pub(crate) fn check(data: &[u8]) {
    let Some((seed, mut rest)) = data.split_first() else { return };
    let mut world = World::new(*seed);
    for _ in 0..64 {
        let Some((operation, behind)) = rest.split_first_chunk() else { break };
        rest = behind;
        world.operate(*operation, &mut rest);
        if world.rig.socket(world.witness).closed {
            // Somebody had it stopped.
            return;
        }
    }
    world.finish();
}
