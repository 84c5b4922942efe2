//! The loop: the only module that knows mio. It owns the sockets, the timer and the clock, and
//! tells the [`Hub`] what happened.
//!
//! One [`turn`](Reactor::turn): wait; tick first, so that frames leave on time; then signals,
//! peers, deadlines; then serve everyone who is ready once; then close who is to go. Each step is
//! bounded, and what is not drained carries over to the next turn.

mod doors;
mod peers;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use kymo_platform::clock::{self, Now};
use kymo_platform::machine::Machine;
use kymo_platform::{Signal, Signals, Ticker, random};
use mio::net::UnixStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::config::Config;
use crate::directory::Directory;
use crate::hub::{Hub, Identity};
use crate::limits::{CLOSING_NS, EVENTS_PER_TURN, LISTENERS_MAX};
use crate::reactor::doors::{Door, spare};
use crate::reactor::peers::Peers;
use crate::report::{Report, Reporter};
use crate::sampler::Sampler;
use crate::schedule::Ticks;
use crate::start_error::StartError;

/// Sessions have the tokens from 0 on, in the order of their ids.
const TICKER: Token = Token(usize::MAX);
const SIGNALS: Token = Token(usize::MAX - 1);
const LISTENER_FIRST: usize = usize::MAX - 1 - LISTENERS_MAX;

/// The loop; see the module.
#[derive(Debug)]
pub struct Reactor {
    poll: Poll,
    events: Events,
    hub: Hub,
    sampler: Sampler,
    ticker: Ticker,
    /// What the timer is set to.
    armed: Option<Ticks>,
    signals: Option<Signals>,
    reporter: Reporter,
    doors: Vec<Door>,
    peers: Peers,
    /// A descriptor to give up for a moment when there is no other, to tell a client so.
    spare: Option<File>,
    stop: Stop,
    /// Last, so that the lock outlives the sockets' files.
    directory: Option<Directory>,
}

/// How far stopping has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Running,
    /// Clients get their last bytes until this time.
    Draining(u64),
    Done,
}

impl Reactor {
    /// Opens everything `config` names. After this returns, nothing allocates.
    ///
    /// # Errors
    ///
    /// A [`StartError`] that says what and where; nothing stays behind then.
    pub fn new(config: &Config, machine: Box<dyn Machine>) -> Result<Self, StartError> {
        config.check()?;
        let directory = config.directory.as_deref().map(Directory::open).transpose()?;
        let system = |what: &'static str| move |error| StartError::system(what, error);
        let poll = Poll::new().map_err(system("make a poll"))?;
        let ticker = Ticker::new().map_err(system("make a timer"))?;
        if let Some(fd) = ticker.fd() {
            poll.registry()
                .register(&mut SourceFd(&fd.as_raw_fd()), TICKER, Interest::READABLE)
                .map_err(system("watch the timer"))?;
        }
        let identity = || random::random_u128().map_err(system("read random bytes"));
        let identity = Identity { epoch: identity()?, run: identity()? };
        let mut reactor = Self {
            poll,
            events: Events::with_capacity(EVENTS_PER_TURN),
            hub: Hub::new(config, identity),
            sampler: Sampler::new(machine),
            ticker,
            armed: None,
            signals: None,
            reporter: Reporter::default(),
            doors: Vec::with_capacity(config.listeners.len()),
            peers: Peers::new(config.limits.clients),
            spare: spare(),
            stop: Stop::Running,
            directory,
        };
        for listener in &config.listeners {
            reactor.open_door(&listener.path, listener.mode)?;
        }
        Ok(reactor)
    }

    /// Takes signals: SIGTERM and SIGINT stop the loop, a second one at once; SIGUSR1 reports the
    /// counters.
    ///
    /// # Errors
    ///
    /// When the operating system can't watch them.
    pub fn watch_signals(&mut self, signals: Signals) -> io::Result<()> {
        let fd = signals.fd().as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&fd), SIGNALS, Interest::READABLE)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Calls `report` with what a host may want to log.
    pub fn on_report(&mut self, report: impl FnMut(Report<'_>) + Send + 'static) {
        self.reporter = Reporter::new(report);
    }

    /// A subscriber in this process: the other end of a connection that speaks as on a binary
    /// listener. It blocks, and belongs into another thread than the loop.
    ///
    /// # Errors
    ///
    /// When there is no place or no descriptor.
    pub fn connect(&mut self) -> io::Result<StdUnixStream> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let id = self.hub.accept(None, clock::now()).map_err(|refusal| {
            io::Error::new(ErrorKind::QuotaExceeded, format!("not taken in: {refusal:?}"))
        })?;
        self.peers.insert(id, UnixStream::from_std(ours), self.poll.registry())?;
        Ok(theirs)
    }

    /// The hub, for its counters.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Whether the loop has nothing more to do: it was stopped and everyone was let go.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.stop == Stop::Done
    }

    /// Begins to stop: clients are told and get their last bytes for at most a second, in the turns
    /// that follow.
    pub fn stop(&mut self) {
        let now = clock::now();
        self.stop = match self.stop {
            Stop::Running => {
                // Who comes now finds nobody listening, instead of somebody who turns them away.
                self.doors.clear();
                self.hub.shut_down(now);
                Stop::Draining(now.mono_ns + CLOSING_NS)
            }
            Stop::Draining(_) | Stop::Done => Stop::Done,
        };
    }

    /// Runs until stopped.
    ///
    /// # Errors
    ///
    /// As [`turn`](Self::turn).
    pub fn run(&mut self) -> io::Result<()> {
        while !self.is_done() {
            self.turn(None)?;
        }
        Ok(())
    }

    /// Waits until something happens, at most for `timeout`, and handles it.
    ///
    /// # Errors
    ///
    /// Only when the operating system no longer lets us wait: nothing a client does.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.arm()?;
        let timeout = self.timeout(timeout);
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => self.events.clear(),
            outcome => outcome?,
        }
        // Before the work: an expiry during the work is then the next one and not lost. A timerfd
        // that is not read stops; its count is the hub's business.
        if self.events.iter().any(|event| event.token() == TICKER) {
            let _ = self.ticker.take();
        }
        let mut now = clock::now();
        if let Some(tick_ns) = self.hub.take_tick(now) {
            self.sampler.handle_tick(tick_ns, now);
            now = clock::now();
            self.hub.publish(tick_ns, now, &self.sampler);
            self.serve(now);
        }
        self.handle_events(now);
        self.peers.receive_rest(&mut self.hub, now);
        for door in 0..self.doors.len() {
            self.accept(door, now);
        }
        self.hub.handle_deadlines(now);
        self.serve(now);
        self.peers.let_go(&mut self.hub);
        let drained = matches!(self.stop, Stop::Draining(until_ns)
            if self.hub.clients() == 0 || now.mono_ns >= until_ns);
        if drained {
            self.stop = Stop::Done;
        }
        Ok(())
    }

    /// Sets the timer to the hub's grid, when that has changed.
    fn arm(&mut self) -> io::Result<()> {
        let ticks = self.hub.ticks();
        let on_grid = match (self.armed, ticks) {
            (Some(armed), Some(ticks)) => {
                armed.period_ns == ticks.period_ns
                    && ticks.first_ns >= armed.first_ns
                    && (ticks.first_ns - armed.first_ns).is_multiple_of(ticks.period_ns)
            }
            (None, None) => true,
            _ => false,
        };
        if on_grid {
            return Ok(());
        }
        self.armed = ticks;
        match ticks {
            Some(Ticks { first_ns, period_ns }) => self.ticker.arm(first_ns, period_ns),
            None => self.ticker.disarm(),
        }
    }

    /// How long to wait at most.
    fn timeout(&self, asked: Option<Duration>) -> Option<Duration> {
        let is_stopping = self.stop != Stop::Running;
        let unfinished = self.hub.ready() > 0
            || is_stopping && self.hub.clients() == 0
            || self.peers.has_rest()
            || self.doors.iter().any(Door::has_waiting);
        if unfinished {
            return Some(Duration::ZERO);
        }
        // Where the timer is no descriptor, its ticks are a deadline.
        let ticks = self.hub.ticks().filter(|_| self.ticker.fd().is_none());
        let stop = match self.stop {
            Stop::Draining(until_ns) => Some(until_ns),
            Stop::Running | Stop::Done => None,
        };
        let rests = self.doors.iter().filter_map(Door::rest_until_ns);
        let deadlines = [self.hub.deadline_ns(), ticks.map(|ticks| ticks.first_ns), stop];
        let next_ns = deadlines.into_iter().flatten().chain(rests).min();
        let until =
            next_ns.map(|next_ns| Duration::from_nanos(next_ns.saturating_sub(clock::mono_ns())));
        match (asked, until) {
            (Some(asked), Some(until)) => Some(asked.min(until)),
            (asked, until) => asked.or(until),
        }
    }

    /// Sends to everyone who is ready, once.
    fn serve(&mut self, now: Now) {
        for _ in 0..self.hub.ready() {
            let Some(id) = self.hub.poll_ready() else { break };
            self.peers.send(id, &mut self.hub, self.poll.registry(), now);
        }
    }

    fn handle_events(&mut self, now: Now) {
        // Taken out for the time, so that handlers may use the rest of the reactor.
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            match event.token() {
                TICKER => {}
                SIGNALS => self.handle_signals(),
                Token(token) if token >= LISTENER_FIRST => {
                    if let Some(door) = self.doors.get_mut(token - LISTENER_FIRST) {
                        door.knock();
                    }
                }
                Token(index) => self.peers.handle_event(index, event, &mut self.hub, now),
            }
        }
        self.events = events;
    }

    fn handle_signals(&mut self) {
        while let Some(signal) = self.signals.as_mut().and_then(Signals::take) {
            match signal {
                Signal::Terminate | Signal::Interrupt | Signal::HangUp => {
                    self.reporter.report(Report::Stopping(signal));
                    self.stop();
                }
                Signal::User1 => self.reporter.report(Report::Counters(&self.hub)),
            }
        }
    }
}
