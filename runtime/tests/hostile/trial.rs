//! One behaviour beside the honest clients, and what came of it.

use std::time::{Duration, Instant};

use crate::args::{Args, Orders};
use crate::attack::Attacker;
use crate::behaviour::{Behaviour, LEAVING};
use crate::common::Daemon;
use crate::honest::Honest;
use crate::record::Record;
use crate::state::State;
use crate::tally::Tally;

/// The long form lets each behaviour touch every page that it will ever touch, for so long.
const WARM_UP: Duration = Duration::from_millis(400);

/// What is asked of it how often while the behaviour lasts.
const ASK: Duration = Duration::from_millis(250);

/// What came of it.
#[derive(Clone, Debug)]
pub struct Trial {
    pub tally: Tally,
    pub record: Record,
    /// Before anybody hostile came, at the end of its time, and when all had left.
    pub before: State,
    pub during: State,
    pub after: State,
    /// While the behaviour lasted.
    pub span: Duration,
    /// CPU time of the daemon's in it.
    pub cpu_ms: u64,
    /// The slowest reply to `status` in it.
    pub status_ms: f64,
    /// Until all had left.
    pub leaving: Duration,
}

/// Lets a behaviour happen.
pub fn hold(
    behaviour: &Behaviour,
    args: &Args,
    daemon: &Daemon,
    honest: &Honest,
) -> Result<Trial, String> {
    if args.is_full {
        attack(behaviour, args, WARM_UP, daemon, honest)?;
    }
    attack(behaviour, args, args.span, daemon, honest)
}

fn attack(
    behaviour: &Behaviour,
    args: &Args,
    span: Duration,
    daemon: &Daemon,
    honest: &Honest,
) -> Result<Trial, String> {
    // In the short form as many as keep the places of the long one busy on a slow machine.
    let clients = if args.is_full { behaviour.clients } else { behaviour.clients.div_ceil(4) };
    // Who fills the house needs all of them.
    let clients = if behaviour.fills { behaviour.clients } else { clients };
    let orders = Orders {
        name: behaviour.name.into(),
        directory: daemon.directory.clone(),
        pid: daemon.pid().cast_signed(),
        clients,
    };
    let before = calm(daemon, honest, usize::MAX, LEAVING)?;
    honest.take();
    let begin = Instant::now();
    let mut attacker = Attacker::start(&orders, span)?;
    let (mut slowest, mut last) = (Duration::ZERO, begin);
    while attacker.is_running() {
        std::thread::sleep(Duration::from_millis(5));
        if last.elapsed() >= ASK {
            last = Instant::now();
            honest.status()?;
            slowest = slowest.max(last.elapsed());
        }
    }
    let during = State::of(daemon, honest)?;
    let (span, record) = (begin.elapsed(), honest.take());
    let tally = attacker.tally()?;
    let left = Instant::now();
    let after = calm(daemon, honest, before.descriptors, behaviour.leaving)?;
    Ok(Trial {
        tally,
        cpu_ms: during.cpu_ms - before.cpu_ms,
        record,
        before,
        during,
        after,
        span,
        status_ms: slowest.as_secs_f64() * 1e3,
        leaving: left.elapsed(),
    })
}

/// Nobody hostile at all.
pub fn peace(span: Duration, daemon: &Daemon, honest: &Honest) -> Result<Trial, String> {
    let before = calm(daemon, honest, usize::MAX, LEAVING)?;
    honest.take();
    std::thread::sleep(span);
    let after = calm(daemon, honest, before.descriptors, LEAVING)?;
    Ok(Trial {
        tally: Tally::default(),
        record: honest.take(),
        cpu_ms: after.cpu_ms - before.cpu_ms,
        before,
        during: after.clone(),
        after,
        span,
        status_ms: 0.0,
        leaving: Duration::ZERO,
    })
}

/// Waits until nobody hostile is left; how it is then, or at the end of all patience.
fn calm(
    daemon: &Daemon,
    honest: &Honest,
    descriptors: usize,
    leaving: Duration,
) -> Result<State, String> {
    let begin = Instant::now();
    loop {
        let state = State::of(daemon, honest)?;
        let is_calm = state.is_calm() && state.descriptors <= descriptors;
        if is_calm || begin.elapsed() > leaving {
            return Ok(state);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Trial {
    /// The daemon's share of one core.
    pub fn cpu_percent(&self) -> u64 {
        self.cpu_ms * 100 / u64::try_from(self.span.as_millis()).unwrap_or(1).max(1)
    }
}
