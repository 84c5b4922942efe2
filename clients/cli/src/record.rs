//! `kymo record`: what comes, into a file.
//!
//! Guarantees: a frame that was written out is in the file whatever ends this process, and that is
//! done once a second; what is missed is named in the file; a file that takes no more is left whole
//! and said to be. Frames are taken out of the socket twenty times a second, so a thousand a second
//! wake nobody up a thousand times.

use std::fmt::Write;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kymo_client::{Error, Item, Settings, StreamId, Streams};
use kymo_platform::{Signal, Signals, let_writes_fail};
use kymo_protocol::recording::{Outcome, Start};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

use crate::args::Record;
use crate::clean::clean;
use crate::failure::Failure;
use crate::link::{self, Link, name_of, tell_alone, timeout};
use crate::progress::Progress;
use crate::recording::{Counts, Writer};
use crate::value::Value;
use crate::{say, tell, units};

/// Frames wait so long in the socket, which has room for a second of them.
const REST: Duration = Duration::from_millis(50);

/// What has come is in the file after so long.
const FLUSH: Duration = Duration::from_secs(1);

/// The line on a terminal is drawn so often.
const PROGRESS: Duration = Duration::from_millis(500);

/// Records until the time is over, somebody interrupts it, or the file takes no more.
///
/// # Errors
///
/// The [`Failure`] that ended it, with what is safe.
pub fn record(options: &Record) -> Result<(), Failure> {
    let system = |error: io::Error| Failure::new(format!("can't begin: {error}"));
    // Before the library starts threads, which get the mask.
    let signals = Signals::new(&[Signal::Interrupt, Signal::Terminate]).map_err(system)?;
    let_writes_fail().map_err(system)?;
    let wanted = wanted(options);
    let settings = Settings {
        name: "kymo record".into(),
        streams: wanted,
        rate_mhz: options.rate_mhz,
        every: true,
        topics: options.topics.clone(),
        groups: options.groups.clone(),
        ..link::settings(options.directory.as_deref())
    };
    let asks_for_events = options.streams.contains(StreamId::EVENTS) || !options.topics.is_empty();
    if options.path.is_dir() {
        let name = name_of(Some(&options.path));
        return Err(Failure::new(format!("{name} is a directory; a file's name is needed")));
    }
    if !options.force && options.path.exists() {
        return Err(there_is_one(options));
    }
    let may_embed = options.directory.is_none() && !asks_for_events;
    let link = Link::connect(settings, may_embed, tell_alone)?;
    let program = concat!("kymo ", env!("CARGO_PKG_VERSION"));
    let start = Start::new(wanted, options.rate_mhz, wall_ns(), program);
    let writer = match Writer::create(&options.path, options.force, &start) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(there_is_one(options));
        }
        Err(error) => {
            return Err(Failure::new(format!("{}: {error}", name_of(Some(&options.path)))));
        }
        Ok(writer) => writer,
    };
    let now = Instant::now();
    let recorder = Recorder {
        link,
        writer,
        signals,
        begun: now,
        end: options.span.map(|span| now + span),
        flushed: now,
        drawn: now,
        progress: if options.json { Progress::hidden() } else { Progress::new() },
    };
    recorder.run(options)
}

pub fn there_is_one(options: &Record) -> Failure {
    let name = name_of(Some(&options.path));
    Failure::new(format!("{name} is there already; --force writes over it"))
}

/// The streams, and those that others bring with them.
fn wanted(options: &Record) -> Streams {
    let usual = [StreamId::VITALS, StreamId::EVENTS, StreamId::SAMPLES];
    match options.streams.is_empty() {
        true => usual.into_iter().fold(Streams::default(), Streams::with),
        false => options.streams,
    }
}

fn wall_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A recording on its way.
struct Recorder {
    link: Link,
    writer: Writer,
    signals: Signals,
    begun: Instant,
    end: Option<Instant>,
    flushed: Instant,
    drawn: Instant,
    progress: Progress,
}

/// What ended a recording.
enum Ending {
    Done(Outcome),
    /// The file.
    File(io::Error),
    /// The other end, or the system.
    Failed(Failure),
}

impl Recorder {
    fn run(mut self, options: &Record) -> Result<(), Failure> {
        let ending = loop {
            match self.turn() {
                Ok(()) => {}
                Err(ending) => break ending,
            }
        };
        let outcome = match &ending {
            Ending::Done(outcome) => *outcome,
            Ending::File(_) => Outcome::Full,
            Ending::Failed(_) => Outcome::Refused,
        };
        let finished = self.writer.finish(outcome);
        self.progress.clear();
        let safe = self.writer.safe();
        let name = name_of(Some(self.writer.path()));
        let failure = match (ending, finished) {
            (Ending::File(error), _) | (Ending::Done(_), Err(error)) => {
                let kept = told(&safe);
                Some(Failure::new(format!("{name}: {error}; safe in it are {kept}")))
            }
            (Ending::Failed(failure), _) => Some(failure),
            (Ending::Done(_), Ok(())) => None,
        };
        if options.json {
            say(&(self.object(&name, failure.is_none()).json() + "\n"))?;
        } else if self.progress.is_shown() && failure.is_none() {
            tell(format_args!("{} in {name}", told(&safe)));
        }
        failure.map_or(Ok(()), Err)
    }

    /// Takes what has come, and waits for more.
    fn turn(&mut self) -> Result<(), Ending> {
        self.take()?;
        let now = Instant::now();
        if self.signals.take().is_some() {
            return Err(Ending::Done(Outcome::Stopped));
        }
        if self.end.is_some_and(|end| now >= end) {
            return Err(Ending::Done(Outcome::Over));
        }
        if now.duration_since(self.flushed) >= FLUSH {
            self.writer.flush().map_err(Ending::File)?;
            self.flushed = now;
        }
        if self.progress.is_shown() && now.duration_since(self.drawn) >= PROGRESS {
            self.draw(now);
        }
        let wait = |error: io::Error| Ending::Failed(Failure::new(format!("can't wait: {error}")));
        if self.wait(now + REST, false).map_err(wait)? {
            return Ok(());
        }
        let line = self.progress.is_shown().then(|| self.drawn + PROGRESS);
        let ends = [self.end, self.link.subscriber.deadline(), line];
        let next = ends.into_iter().flatten().fold(self.flushed + FLUSH, Instant::min);
        self.wait(next, true).map_err(wait)?;
        Ok(())
    }

    /// Waits for a signal, and if so for what comes; whether there was a signal.
    fn wait(&self, until: Instant, is_listening: bool) -> io::Result<bool> {
        let until = self.end.map_or(until, |end| end.min(until));
        let mut watched = [
            PollFd::new(self.signals.fd(), PollFlags::POLLIN),
            PollFd::new(self.link.subscriber.as_fd(), PollFlags::POLLIN),
        ];
        let count = if is_listening { 2 } else { 1 };
        match poll(&mut watched[..count], timeout(Some(until))) {
            Ok(_) | Err(Errno::EINTR) => Ok(watched[0].any().unwrap_or(false)),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes everything that has come.
    fn take(&mut self) -> Result<(), Ending> {
        /// What is left of an item when the frame behind it is written.
        enum Told {
            Frame,
            Connected,
            Gap(kymo_client::Gap),
            Fresh(kymo_client::Token),
            Lost(String),
            Nothing,
        }
        loop {
            let told = match self.link.subscriber.poll_next() {
                Err(Error::Ended) => {
                    let text = "sampling in this process ended";
                    return Err(Ending::Failed(Failure::new(text)));
                }
                Err(error) => return Err(Ending::Failed(Failure::of_client(&error))),
                Ok(Poll::Pending) => return Ok(()),
                Ok(Poll::Ready(item)) => match item {
                    Item::Frame(_) => Told::Frame,
                    Item::Connected(_) => Told::Connected,
                    Item::Gap(gap) => Told::Gap(gap),
                    Item::Fresh { lost_after: Some(token) } => Told::Fresh(token),
                    Item::Lost(why) => Told::Lost(why.to_string()),
                    _ => Told::Nothing,
                },
            };
            let subscriber = &self.link.subscriber;
            let writer = &mut self.writer;
            let written = match told {
                Told::Frame => {
                    writer.clock(subscriber.clock()).and_then(|()| writer.frame(subscriber.wire()))
                }
                Told::Connected => writer
                    .frame(subscriber.welcome())
                    .and_then(|()| writer.frame(subscriber.wire())),
                Told::Gap(_) if !subscriber.wire().is_empty() => writer.frame(subscriber.wire()),
                Told::Gap(gap) => writer.missed(&gap),
                Told::Fresh(token) => writer.fresh(token),
                Told::Lost(why) => {
                    let written = writer.lost(wall_ns(), &why).and_then(|()| writer.flush());
                    self.warn(&format!("lost the daemon: {}; waiting for it", clean(why.chars())));
                    written
                }
                Told::Nothing => Ok(()),
            };
            written.map_err(Ending::File)?;
        }
    }

    /// A line on standard error, which stays.
    fn warn(&mut self, text: &str) {
        self.progress.clear();
        tell(format_args!("{text}"));
    }

    fn draw(&mut self, now: Instant) {
        self.drawn = now;
        let elapsed_ns = u64::try_from(now.duration_since(self.begun).as_nanos()).unwrap_or(0);
        let elapsed = units::stopwatch(elapsed_ns);
        let counts = self.writer.counts();
        let bytes = units::bytes(counts.bytes);
        let mut line = format!("{elapsed}  {} frames, {bytes}", counts.frames);
        if counts.missed > 0 {
            let _ = write!(line, ", {} missed", counts.missed);
        }
        if !self.link.subscriber.is_connected() {
            line.push_str("; waiting for the daemon");
        }
        self.progress.draw(&line);
    }

    fn object(&self, name: &str, is_whole: bool) -> Value {
        let Counts { frames, missed, records, bytes, elapsed_ns } = self.writer.safe();
        let seconds =
            format!("{}.{:03}", elapsed_ns / 1_000_000_000, elapsed_ns / 1_000_000 % 1000);
        Value::object([
            ("file", Value::text(name)),
            ("complete", Value::truth(is_whole)),
            ("seconds", Value::plain(seconds)),
            ("frames", Value::plain(frames)),
            ("missed", Value::plain(missed)),
            ("records", Value::plain(records)),
            ("bytes", Value::plain(bytes)),
        ])
    }
}

/// What is in a file, in words.
fn told(counts: &Counts) -> String {
    let Counts { frames, missed, bytes, elapsed_ns, .. } = *counts;
    let (elapsed, bytes) = (units::stopwatch(elapsed_ns), units::bytes(bytes));
    let missed = if missed > 0 { format!(", {missed} missed") } else { String::new() };
    format!("{elapsed} with {frames} frames{missed}, {bytes}")
}
