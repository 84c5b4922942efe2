//! What the loop does between two waits, without a socket or a clock.

use std::hint::black_box;

use kymo::{Capacity, Config, History, Hub, Identity, Inbox, Sampler, SessionId};
use kymo_benches::Outcome;
use kymo_benches::sample;
use kymo_platform::clock::Now;
use kymo_platform::peer::Peer;
use kymo_platform::{Fake, LocalTime};

use crate::codec;
use crate::ring::Ring;

const START: Now =
    Now { mono_ns: 1_000_000_000, boot_ns: 1_000_000_000, wall_ns: 1_790_000_000_123_456_789 };
const MANY: usize = 64;

/// The next of 25 a second.
fn pass(now: &mut Now) {
    now.mono_ns += 40_000_000;
    now.boot_ns += 40_000_000;
    now.wall_ns += 40_000_000;
}

pub fn append(calls: u32) -> Outcome<()> {
    let frame = sample::frame()?;
    let mut ring = Ring::new(128, frame.len());
    for sequence in 1..=u64::from(calls) {
        black_box(&mut ring)
            .append::<()>(sequence, frame.len(), |buffer| {
                buffer.copy_from_slice(black_box(&frame));
                Ok(frame.len())
            })
            .map_err(|()| "never")?;
    }
    Ok(())
}

pub fn publish_and_take(calls: u32) -> Outcome<()> {
    let inbox = Inbox::new(Capacity::default(), || ());
    let publisher = inbox.publisher();
    for _ in 0..calls {
        publisher.publish(black_box(&codec::event()))?;
        if !inbox.take(|payload| {
            black_box(payload);
        }) {
            return Err("nothing was published".into());
        }
        // What the loop asks before it sleeps.
        black_box(inbox.is_pending());
    }
    Ok(())
}

pub fn sample(calls: u32) -> Outcome<()> {
    let mut sampler = Sampler::new(Box::new(Fake::seeded(1)));
    let mut now = START;
    for _ in 0..calls {
        pass(&mut now);
        black_box(&mut sampler).handle_tick(now.mono_ns, now);
    }
    Ok(())
}

pub fn tick_to_one(calls: u32) -> Outcome<()> {
    ticks(calls, 1)
}

pub fn tick_to_many(calls: u32) -> Outcome<()> {
    ticks(calls, MANY)
}

fn ticks(calls: u32, sessions: usize) -> Outcome<()> {
    let mut rig = Rig::new(sessions, "vitals")?;
    let mut sampler = Sampler::new(Box::new(Fake::seeded(1)));
    sampler.handle_tick(rig.now.mono_ns, rig.now);
    for _ in 0..calls {
        pass(&mut rig.now);
        let now = rig.now;
        let _slept_ns = rig.hub.handle_time(now);
        let tick_ns = rig.hub.take_tick(now).ok_or("no tick")?;
        rig.hub.plan_tick(tick_ns);
        rig.hub.publish(tick_ns, now, &sampler);
        rig.hub.handle_deadlines(now);
        rig.drain(sessions)?;
    }
    Ok(())
}

pub fn event_to_many(calls: u32) -> Outcome<()> {
    let mut rig = Rig::new(MANY, "events")?;
    let mut payload = [0; 128];
    let size = codec::event().write(&mut payload)?;
    for _ in 0..calls {
        rig.now.mono_ns += 1000;
        rig.now.boot_ns += 1000;
        rig.now.wall_ns += 1000;
        rig.hub.take_event(black_box(&mut payload[..size]), rig.now);
        rig.hub.commit(rig.now);
        rig.drain(MANY)?;
    }
    Ok(())
}

/// A hub whose sessions want one stream.
struct Rig {
    hub: Hub,
    now: Now,
}

impl Rig {
    fn new(sessions: usize, stream: &str) -> Outcome<Self> {
        let mut config = Config::default();
        // A quarter of the places may be taken by those that have yet to be heard.
        config.limits.clients = u32::try_from(sessions)? * 4;
        let identity = Identity { epoch: 1, run: 2, uid: 0 };
        let hub = Hub::new(&config, identity, History::none(), LocalTime::new(), START);
        let mut rig = Self { hub, now: START };
        let wish = format!("{{\"subscribe\":[\"{stream}\"],\"rate_hz\":25}}\n");
        for _ in 0..sessions {
            let id = rig.accept()?;
            rig.hub.input_space(id)[..wish.len()].copy_from_slice(wish.as_bytes());
            rig.hub.handle_received(id, wish.len(), rig.now);
        }
        // What is said at the start.
        while let Some(id) = rig.hub.poll_ready() {
            rig.send(id);
        }
        Ok(rig)
    }

    fn accept(&mut self) -> Outcome<SessionId> {
        let peer = Peer { uid: 0, gid: 0, pid: None };
        let taken = self.hub.accept(None, peer, self.now);
        Ok(taken.map_err(|refusal| format!("{refusal:?}"))?)
    }

    fn send(&mut self, id: SessionId) -> usize {
        let size = black_box(self.hub.transmit(id, self.now)).iter().map(|part| part.len()).sum();
        self.hub.handle_sent(id, size, self.now);
        size
    }

    /// Sends what is ready; each session must have something.
    fn drain(&mut self, sessions: usize) -> Outcome<()> {
        let mut sent = 0;
        while let Some(id) = self.hub.poll_ready() {
            sent += usize::from(self.send(id) > 0);
        }
        if sent == sessions { Ok(()) } else { Err(format!("sent to {sent}").into()) }
    }
}
