//! `kymo replay`: a recording, as `kymo watch` shows what comes, or served to others.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use kymo_client::{Body, Item, StreamId, Streams};
use kymo_protocol::recording::Start;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

use crate::args::{Replay, Watch};
use crate::clean::clean;
use crate::failure::{Ending, Failure};
use crate::link::{name_of, timeout};
use crate::recording::{
    Losses, Player, Shown, close, due, nanoseconds, open, tell_end, unreadable,
};
use crate::sensor_json::timestamp;
use crate::serve::serve;
use crate::value::Value;
use crate::watch::View;

/// Blocks on a terminal are at least so far apart: more can't be seen.
const BLOCK: Duration = Duration::from_millis(200);

/// Shows a recording, or serves it.
///
/// # Errors
///
/// The [`Failure`] that ended it; also when something of the recording is lost, behind all that is
/// not.
pub fn replay(options: &Replay) -> Result<(), Failure> {
    if let Some(directory) = &options.serve {
        return serve(options, directory);
    }
    let mut player = open(&options.path, options.from)?;
    let mut losses = Losses::default();
    // The first record says what there is to show.
    if let Shown::Hole(damage) = player.next().map_err(|error| unreadable(&options.path, &error))? {
        losses.begin(damage, 0);
    }
    let mut screening = Screening::new(options, player.start().map(Start::streams), losses);
    loop {
        if let Some(ending) = screening.step(&mut player, options)? {
            return match ending {
                Ending::Done => Ok(()),
                Ending::Failed(failure) => Err(failure),
            };
        }
    }
}

/// A recording being shown.
struct Screening {
    view: View,
    losses: Losses,
    /// When which time of the recording was shown.
    pace: Option<(Instant, u64)>,
    /// When a block was drawn last, on a terminal.
    drawn: Option<Instant>,
    has_blocks: bool,
}

impl Screening {
    /// Shows what came of `streams`; of all without any.
    fn new(options: &Replay, streams: Option<Streams>, losses: Losses) -> Self {
        let all = [StreamId::VITALS, StreamId::EVENTS, StreamId::SAMPLES, StreamId::PROCESSES];
        let all = all.into_iter().fold(Streams::default(), Streams::with);
        let streams = streams.unwrap_or(all);
        let sensors = options.sensors.clone();
        let watch = Watch { json: options.json, streams, sensors, ..Watch::default() };
        let (mut view, _) = View::new(&watch, |name| std::env::var(name).ok());
        view.set_recording(name_of(Some(&options.path)));
        let has_blocks = !options.json && io::stdout().is_terminal();
        Self { view, losses, pace: None, drawn: None, has_blocks }
    }

    fn step(&mut self, player: &mut Player, options: &Replay) -> Result<Option<Ending>, Failure> {
        // Before something is shown its time must have come, and that is known when it was read.
        let clock = player.clock();
        let before_ns = player.elapsed_ns();
        let shown = player.next().map_err(|error| unreadable(&options.path, &error))?;
        let (frame, at_ns) = match shown {
            Shown::Nothing => return Ok(None),
            Shown::End => {
                tell_end(&options.path, player);
                let closed = close(&options.path, player, &self.losses, true);
                return Ok(Some(self.end(closed)));
            }
            Shown::Connected(rate_mhz) => {
                self.view.begin(rate_mhz);
                return Ok(None);
            }
            Shown::Hole(damage) => {
                self.losses.begin(damage, before_ns);
                return Ok(None);
            }
            Shown::Lost(wall_ns, why) => {
                let text = format!("the recorder lost the daemon: {}", clean(why.chars()));
                let at = Value::plain(timestamp(wall_ns));
                let notice = [("timestamp", at), ("why", Value::text(why))];
                return Ok(self.view.notice(&text, "lost", notice));
            }
            Shown::Fresh(token) => {
                let text = "events may be lost: the daemon did not know those behind";
                let notice = [("lost_after", Value::text(token.to_string()))];
                return Ok(self.view.notice(&format!("{text} {token}"), "fresh", notice));
            }
            Shown::Gap(gap) => return Ok(self.view.show(&Item::Gap(gap), clock)),
            Shown::Frame(frame, at_ns) => (frame, at_ns),
        };
        if let Some(text) = self.losses.take(Some(at_ns)) {
            self.view.tell(&text);
        }
        if options.to.is_some_and(|to| at_ns > nanoseconds(to)) {
            let closed = close(&options.path, player, &self.losses, false);
            return Ok(Some(self.end(closed)));
        }
        if let Some(ending) = self.keep_pace(at_ns, options)? {
            return Ok(Some(ending));
        }
        if self.has_blocks && matches!(frame.body, Body::Vitals(_)) && options.speed.is_some() {
            let now = Instant::now();
            if self.drawn.is_some_and(|drawn| now.duration_since(drawn) < BLOCK) {
                return Ok(None);
            }
            self.drawn = Some(now);
        }
        Ok(self.view.show(&Item::Frame(frame), clock))
    }

    /// Waits until it is time for what was made at `at_ns`.
    fn keep_pace(&mut self, at_ns: u64, options: &Replay) -> Result<Option<Ending>, Failure> {
        let Some(speed) = options.speed else { return Ok(None) };
        let (begun, from_ns) = *self.pace.get_or_insert_with(|| (Instant::now(), at_ns));
        let due = due(begun, from_ns, at_ns, speed);
        if Instant::now() >= due {
            return Ok(None);
        }
        if let Some(ending) = self.view.flush() {
            return Ok(Some(ending));
        }
        while Instant::now() < due {
            if !rest(due).map_err(|error| Failure::new(format!("can't wait: {error}")))? {
                return Ok(Some(Ending::Done));
            }
        }
        Ok(None)
    }

    fn end(&mut self, closed: Result<(), Failure>) -> Ending {
        if let Some(ending) = self.view.flush() {
            return ending;
        }
        if let Some(text) = self.losses.take(None) {
            self.view.tell(&text);
        }
        match closed {
            Ok(()) => Ending::Done,
            Err(failure) => Ending::Failed(failure),
        }
    }
}

/// Waits until `due`; false when nobody reads standard output any more.
fn rest(due: Instant) -> io::Result<bool> {
    let stdout = io::stdout();
    let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    match poll(&mut watched, timeout(Some(due))) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let closed = PollFlags::POLLERR | PollFlags::POLLHUP;
    Ok(!watched[0].revents().is_some_and(|events| events.intersects(closed)))
}
