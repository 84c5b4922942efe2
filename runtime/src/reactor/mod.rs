//! The loop: the only module that knows mio. It owns the sockets, the timer and the clock, and
//! tells the [`Hub`] what happened.
//!
//! One [`turn`](Reactor::turn): wait; tick first, so that frames leave on time; then signals,
//! peers, deadlines; then serve everyone who is ready once; then close who is to go. Each step is
//! bounded, and what is not drained carries over to the next turn.

mod archive;
mod commander;
mod commands;
mod doors;
mod host;
mod locals;
mod peers;
mod recorders;
mod sensors;
mod syncer;
#[cfg(test)]
mod timeouts;
mod timing;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kymo_platform::clock::{self, Now};
use kymo_platform::machine::Machine;
use kymo_platform::{LocalTime, Sandbox, Signals, Ticker, random};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::unistd::{Gid, geteuid};

use crate::config::Config;
use crate::directory::Directory;
use crate::hub::{Hub, Identity};
use crate::inbox::Inbox;
use crate::limits::{CLOSING_NS, CONTROL_MAX, EVENTS_PER_TURN, LISTENERS_MAX, SENDS_PER_FLOOD};
use crate::reactor::archive::Archive;
use crate::reactor::commander::Commander;
use crate::reactor::commands::Settings;
use crate::reactor::doors::{Door, spare};
use crate::reactor::host::wake_of;
use crate::reactor::locals::Locals;
use crate::reactor::peers::Peers;
use crate::reactor::syncer::Syncer;
use crate::recorders::{Folder, Recorders};
use crate::report::Reporter;
use crate::sampler::Sampler;
use crate::schedule::Ticks;
use crate::sources::Sources;
use crate::start_error::StartError;

pub use locals::Wish;

/// Sessions have the tokens from 0 on, in the order of their ids.
const TICKER: Token = Token(usize::MAX);
const SIGNALS: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);
const LISTENER_FIRST: usize = usize::MAX - 2 - LISTENERS_MAX;

/// The loop; see the module.
#[derive(Debug)]
pub struct Reactor {
    poll: Poll,
    events: Events,
    hub: Box<Hub>,
    sampler: Sampler,
    waker: Arc<Waker>,
    /// Without one, ticks are deadlines.
    ticker: Option<Ticker>,
    /// What the timer is set to.
    armed: Option<Ticks>,
    signals: Option<Signals>,
    /// Events of other threads of this process.
    inbox: Option<Inbox>,
    commander: Commander,
    /// Counts heap allocations since the start was done.
    allocations: Option<fn() -> u64>,
    /// What the program has given up.
    sandbox: Option<Sandbox>,
    settings: Box<Settings>,
    reporter: Reporter,
    is_journal_failing: bool,
    doors: Vec<Door>,
    peers: Peers,
    locals: Locals,
    /// Of recorders that have yet to start.
    folders: Vec<Folder>,
    /// Whether another thread wants the loop to end.
    stop_asked: Arc<AtomicBool>,
    /// A descriptor to give up for a moment when there is no other, to tell a client so.
    spare: Option<File>,
    stop: Stop,
    // From here on in the order of dropping. What others wait for comes first: a thread may be kept
    // by the kernel, and what it shares with the process with it.
    /// Waits for the disk as well.
    recorders: Option<Recorders>,
    /// Waits for the disk; the lock is to outlive that.
    syncer: Option<Syncer>,
    /// Outlives the sockets' files.
    directory: Option<Directory>,
    /// Waits for reads that are under way.
    sources: Sources,
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
        Self::with_sockets(config, machine, Vec::new())
    }

    /// The same with sockets that a service manager handed over: `("json", socket)` is that of the
    /// listener `json.sock`. Their files stay the manager's; who may connect to them is decided by
    /// their modes, and by the listener's.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and when a socket has no listener.
    pub fn with_sockets(
        config: &Config,
        machine: Box<dyn Machine>,
        sockets: Vec<(&str, OwnedFd)>,
    ) -> Result<Self, StartError> {
        Self::confined(config, machine, sockets, || {})
    }

    /// The same, and calls `confine` when everything is open and no thread is started yet: what it
    /// takes from its own thread, later ones do not get either.
    ///
    /// # Errors
    ///
    /// As [`with_sockets`](Self::with_sockets).
    pub fn confined(
        config: &Config,
        machine: Box<dyn Machine>,
        sockets: Vec<(&str, OwnedFd)>,
        confine: impl FnOnce(),
    ) -> Result<Self, StartError> {
        config.check()?;
        let readers = config.access.group_id()?.map(Gid::from_raw);
        let open = |path: &Path| Directory::open(path, readers);
        let directory = config.directory.as_deref().map(open).transpose()?;
        let system = |what: &'static str| move |error| StartError::system(what, error);
        let poll = Poll::new().map_err(system("make a poll"))?;
        let ticker = Ticker::new().map_err(system("make a timer"))?;
        if let Some(ticker) = &ticker {
            poll.registry()
                .register(&mut SourceFd(&ticker.fd().as_raw_fd()), TICKER, Interest::READABLE)
                .map_err(system("watch the timer"))?;
        }
        let identity = || random::random_u128().map_err(system("read random bytes"));
        let identity = Identity { epoch: identity()?, run: identity()?, uid: geteuid().as_raw() };
        let mut archive = Archive::open(config, identity.epoch)?;
        let to_sync = archive.take_files();
        let folders = recorders::folders(config)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(system("make a waker"))?;
        let waker = Arc::new(waker);
        let inbox = config.inbox.map(|size| Inbox::new(size, wake_of(&waker)));
        let mut reactor = Self {
            poll,
            events: Events::with_capacity(EVENTS_PER_TURN),
            hub: Box::new(Hub::new(
                config,
                identity,
                archive.history,
                LocalTime::new(),
                clock::now(),
            )),
            folders,
            recorders: None,
            syncer: None,
            sampler: Sampler::new(machine),
            sources: Sources::new(Vec::new(), config.sensors.max_cpu(), || {})
                .map_err(system("make the sources"))?,
            waker,
            ticker,
            armed: None,
            signals: None,
            inbox,
            commander: Commander::default(),
            allocations: None,
            sandbox: None,
            settings: Box::new(Settings::new(config)),
            reporter: Reporter::default(),
            is_journal_failing: false,
            doors: Vec::with_capacity(config.listeners.len()),
            peers: Peers::new(config.limits.clients as usize + CONTROL_MAX),
            locals: Locals::default(),
            stop_asked: Arc::default(),
            spare: spare(),
            stop: Stop::Running,
            directory,
        };
        reactor.open_doors(config, readers, sockets)?;
        confine();
        reactor.syncer = Archive::syncer(to_sync, &reactor.waker)?;
        Ok(reactor)
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
                self.take_last_events(now);
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
        // that is not read stops; its count is the hub's business. One that can't be read is armed
        // anew, else it would never expire again.
        if self.events.iter().any(|event| event.token() == TICKER)
            && self.ticker.as_mut().is_some_and(|ticker| ticker.take() == 0)
        {
            self.armed = None;
        }
        let mut now = clock::now();
        if self.stop == Stop::Running && self.stop_asked.load(Ordering::Acquire) {
            self.stop();
        }
        self.watch_clocks(now);
        let tick_ns = self.hub.take_tick(now);
        if let Some(tick_ns) = tick_ns {
            now = self.sample(tick_ns, now);
        }
        if self.sources.handle_done(now, self.hub.samples()) {
            self.hub.set_cadences(self.sources.cadences(), now);
        }
        self.handle_events(now);
        self.locals.look(&mut self.hub, now);
        self.peers.receive_rest(&mut self.hub, now);
        for door in 0..self.doors.len() {
            self.accept(door, now);
        }
        self.hub.handle_deadlines(now);
        self.hub.handle_rest(now);
        self.peers.receive_unread(&mut self.hub, now);
        self.peers.feed(&mut self.hub, now);
        self.handle_commands(now);
        self.serve_recorders(now);
        // Also when they came through the control socket.
        let is_flood = self.take_events(now) | !self.hub.takes_events(now);
        // Before anybody is served: an event that is sent must not be taken back.
        self.hub.commit(now);
        self.watch_journal();
        self.sync(now);
        self.serve(now);
        if is_flood {
            // Lines are longer than frames: one send does not hold those of a whole turn, and who
            // keeps up must not be lapped for that.
            (1..SENDS_PER_FLOOD).for_each(|_| self.serve(now));
        }
        self.let_go();
        self.look_at_processes(tick_ns.is_some());
        let drained = matches!(self.stop, Stop::Draining(until_ns)
            if self.hub.clients() == 0 || now.mono_ns >= until_ns);
        if drained {
            self.stop = Stop::Done;
        }
        if self.stop == Stop::Done {
            self.close_journal();
        }
        Ok(())
    }

    /// Whether other threads have handed over events.
    fn has_events(&self) -> bool {
        self.inbox.as_ref().is_some_and(Inbox::is_pending)
    }

    /// Sends to everyone who is ready, once.
    fn serve(&mut self, now: Now) {
        for _ in 0..self.hub.ready() {
            let Some(id) = self.hub.poll_ready() else { break };
            if !self.locals.send(id, &mut self.hub, now) {
                self.peers.send(id, &mut self.hub, self.poll.registry(), now);
            }
        }
        if self.hub.has_published() {
            self.hub.note_served(clock::mono_ns());
        }
    }

    /// Closes the connections that are to go.
    fn let_go(&mut self) {
        while let Some(id) = self.hub.poll_closed() {
            self.locals.close(id);
            self.peers.close(id);
        }
    }

    fn handle_events(&mut self, now: Now) {
        // Taken out for the time, so that handlers may use the rest of the reactor.
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            match event.token() {
                TICKER | WAKER => {}
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
}
