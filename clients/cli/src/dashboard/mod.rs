//! The dashboard on a terminal: keys, signals and a daemon in one loop.
//!
//! However fast frames come, they are taken 25 times a second and drawn as often; in between
//! nothing but a key or a signal wakes this process.

mod cost;
mod ending;
mod environment;
mod keyboard;
mod screen;
mod status;

use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::Receiver;
use std::task::Poll;
use std::time::{Duration, Instant};

use kymo_client::{Error, Settings, StreamId, Streams, directories};
use kymo_platform::{LocalTime, Signal, Signals, clock};
use kymo_top::{Action, Moment, Options, Top};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal;

use crate::args;
use crate::clean::clean;
use crate::failure::{Ending, Failure};
use crate::link::{Link, name_of, settings, timeout};
use crate::terminal::{Size, size};
use cost::Cost;
use ending::End;
pub use environment::depth;
use keyboard::Keyboard;
use screen::Screen;

/// As many as an eye can follow.
const RATE_MHZ: u32 = 5_000;

/// Time between two frames on the screen, at least.
const FRAME: Duration = Duration::from_millis(40);

/// A terminal says nothing when its size changes, to who has no handler of signals.
const LOOK: Duration = Duration::from_millis(250);

/// Items that are taken before keys are looked at again.
const ITEMS_MAX: usize = 4096;

/// What nobody looks at is not asked for.
const GROUPS: [&str; 10] = [
    "cpu",
    "memory",
    "filesystem",
    "disk",
    "network",
    "hwmon",
    "thermal",
    "power",
    "gpu",
    "pressure",
];

const ALONE: &str = "no daemon found; this process samples, and gets no events";

/// Runs until a key or a signal ends it, or nothing can be done.
///
/// # Errors
///
/// The [`Failure`] that ended it. The terminal is as it was by then.
pub fn dashboard(options: &args::Top) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    environment::check(variable)?;
    // Before there is another thread, which would get them.
    let wanted = [Signal::Terminate, Signal::Interrupt, Signal::HangUp];
    let system = |what: &str| {
        let what = what.to_string();
        move |error: io::Error| Failure::new(format!("{what}: {error}"))
    };
    let signals = Signals::new(&wanted).map_err(system("can't take signals"))?;
    let keyboard = Keyboard::open().map_err(system("there are no keys here; use --plain"))?;
    let mut top = Top::new(Options {
        symbols: options.symbols.unwrap_or_else(|| environment::symbols(variable)),
        depth: environment::depth(options.color, variable),
        theme: options.theme,
    });
    let link = connect(options, &mut top)?;
    let statuses =
        (!link.is_embedded).then(|| status::ask(directories(options.directory.as_deref())));
    let screen = Screen::enter().map_err(system("can't take the terminal"))?;
    let zone = LocalTime::new();
    let now = Instant::now();
    let mut dashboard = Dashboard {
        top,
        link,
        screen,
        signals,
        keyboard,
        zone,
        statuses,
        drawn: Drawn { at: now - FRAME, second: 0, size: None },
        taken_at: now - FRAME,
        cost: Cost::new(),
        told: None,
        is_stale: true,
        has_more: true,
    };
    let ending = dashboard.run();
    // Here the terminal is given back.
    drop(dashboard);
    ending.take_effect()
}

fn connect(options: &args::Top, top: &mut Top) -> Result<Link, Failure> {
    let streams = [StreamId::VITALS, StreamId::SAMPLES, StreamId::PROCESSES, StreamId::EVENTS];
    let settings = Settings {
        name: "kymo top".into(),
        streams: streams.into_iter().fold(Streams::default(), Streams::with),
        rate_mhz: options.rate_mhz.unwrap_or(RATE_MHZ),
        groups: GROUPS.map(Into::into).into(),
        ..settings(options.directory.as_deref())
    };
    let may_embed = options.directory.is_none();
    let mut is_alone = false;
    let link = Link::connect(settings, may_embed, || is_alone = true)?;
    match is_alone {
        true => {
            top.set_source("this process");
            top.notice(clock::now().wall_ns, ALONE);
        }
        false => {
            let name = name_of(link.subscriber.directory());
            top.set_source(&format!("the daemon in {name}"));
        }
    }
    Ok(link)
}

/// What is on the screen.
#[derive(Debug)]
struct Drawn {
    at: Instant,
    /// Of the clock on it.
    second: u64,
    size: Option<Size>,
}

#[derive(Debug)]
struct Dashboard {
    top: Top,
    link: Link,
    screen: Screen,
    signals: Signals,
    keyboard: Keyboard,
    zone: LocalTime,
    statuses: Option<Receiver<status::Answer>>,
    drawn: Drawn,
    /// When items were taken last.
    taken_at: Instant,
    cost: Cost,
    /// What was told of attempts to connect.
    told: Option<Error>,
    /// Whether the screen shows less than is known.
    is_stale: bool,
    /// Whether items may be there without anything to read.
    has_more: bool,
}

impl Dashboard {
    fn run(&mut self) -> End {
        loop {
            if let Some(end) = self.turn() {
                return end;
            }
        }
    }

    fn turn(&mut self) -> Option<End> {
        if let Some(signal) = self.signals.take() {
            return Some(End::Signal(signal));
        }
        if let Some(end) = self.take_keys() {
            return Some(end);
        }
        if self.taken_at.elapsed() >= FRAME
            && let Some(ending) = self.take_items()
        {
            return Some(End::Ending(ending));
        }
        self.look_around();
        if self.is_stale
            && self.drawn.at.elapsed() >= FRAME
            && let Err(error) = self.draw()
        {
            return Some(End::Ending(Ending::of_output(&error)));
        }
        self.wait()
    }

    fn take_keys(&mut self) -> Option<End> {
        let now = Instant::now();
        while let Some(input) = self.keyboard.poll_next(now) {
            self.is_stale = true;
            let done = match self.top.handle_input(input) {
                None => Ok(()),
                Some(Action::Quit) => return Some(End::Quit),
                Some(Action::Redraw) => self.screen.clear(),
                Some(Action::Suspend) => self.screen.without(|| {
                    // This process alone: the shell sees it stop, and continues it.
                    let _ = signal::raise(signal::Signal::SIGSTOP);
                }),
            };
            if let Err(error) = done {
                return Some(End::Ending(Ending::of_output(&error)));
            }
        }
        None
    }

    fn take_items(&mut self) -> Option<Ending> {
        self.taken_at = Instant::now();
        let wall_ns = clock::now().wall_ns;
        for _ in 0..ITEMS_MAX {
            match self.link.subscriber.poll_next() {
                Ok(Poll::Ready(item)) => {
                    self.top.handle_item(&item, wall_ns);
                    // Frozen, it shows nothing of this.
                    self.is_stale |= !self.top.is_paused();
                }
                Ok(Poll::Pending) => {
                    self.has_more = false;
                    self.tell_of_attempts(wall_ns);
                    return None;
                }
                Err(Error::Ended) => {
                    let text = "sampling in this process has ended";
                    return Some(Ending::Failed(Failure::new(text)));
                }
                Err(error) if error.is_transient() => {
                    let text = format!("the daemon says no: {error}");
                    self.top.notice(wall_ns, &clean(text.chars()));
                }
                Err(error) => return Some(Ending::Failed(Failure::of_client(&error))),
            }
        }
        self.has_more = true;
        None
    }

    /// Why there is no connection, when that is another reason than before.
    fn tell_of_attempts(&mut self, wall_ns: u64) {
        let error = self.link.subscriber.last_error();
        if error == self.told.as_ref() {
            return;
        }
        self.told = error.cloned();
        // That nobody is there was told when it went away.
        if let Some(error) = error.filter(|error| !matches!(error, Error::Unreachable { .. })) {
            let text = format!("no connection: {error}");
            self.top.notice(wall_ns, &clean(text.chars()));
            self.is_stale = true;
        }
    }

    /// What nobody tells of: the clock, the terminal's size, what this process costs.
    fn look_around(&mut self) {
        let second = clock::now().wall_ns / 1_000_000_000;
        let size = size();
        self.is_stale |= second != self.drawn.second || size != self.drawn.size;
        if let Some(answer) = self.statuses.as_ref().and_then(|answers| answers.try_recv().ok()) {
            self.top.handle_status(answer);
        }
        if let Some(share) = self.cost.poll() {
            self.top.handle_own_cpu(share);
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let wall_ns = clock::now().wall_ns;
        let zone = self.zone;
        let moment = Moment { wall_ns, time_of_day: &|wall_ns| zone.hms(wall_ns) };
        let top = &mut self.top;
        self.screen.draw(|buffer| top.draw(buffer, &moment))?;
        let second = wall_ns / 1_000_000_000;
        self.drawn = Drawn { at: Instant::now(), second, size: size() };
        self.is_stale = false;
        Ok(())
    }

    /// Waits until there may be something to do.
    fn wait(&mut self) -> Option<End> {
        let now = Instant::now();
        let next_take = self.taken_at + FRAME;
        // What came since it was taken last waits until it is taken again.
        let is_early = now < next_take;
        let mut end = now + LOOK;
        if self.is_stale {
            end = end.min(self.drawn.at + FRAME);
        }
        if is_early || self.has_more {
            end = end.min(next_take);
        }
        let others = [
            self.keyboard.deadline(),
            self.link.subscriber.deadline().map(|deadline| deadline.max(next_take)),
        ];
        end = others.into_iter().flatten().fold(end, Instant::min);
        let events = if is_early { PollFlags::empty() } else { PollFlags::POLLIN };
        let mut watched = [
            PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.fd(), PollFlags::POLLIN),
            PollFd::new(self.link.subscriber.as_fd(), events),
        ];
        match poll(&mut watched, timeout(Some(end))) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => {
                let failure = Failure::new(format!("can't wait: {error}"));
                return Some(End::Ending(Ending::Failed(failure)));
            }
        }
        let told = watched[0].revents().unwrap_or(PollFlags::empty());
        let is_closed = told.intersects(PollFlags::POLLHUP | PollFlags::POLLERR);
        if told.contains(PollFlags::POLLIN) && !matches!(self.keyboard.read(), Ok(true)) {
            return Some(End::Quit);
        }
        is_closed.then_some(End::Quit)
    }
}
