//! The subscriber behind `kymo watch` and `kymo record`: of a daemon, or of the library in this
//! process.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use kymo::Builder;
use kymo_client::{
    BackoffSettings, BreakerSettings, Error, Settings, StreamId, Streams, Subscriber, Token,
    directories,
};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::args::Watch;
use crate::clean::clean;
use crate::failure::Failure;
use crate::tell;

/// Somebody looks at it: a daemon that comes back is found within this.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The bit of events, which a process that samples itself has not.
const EVENTS: u16 = 1 << (StreamId::EVENTS.0 - 1);

/// A subscriber, and whether its other end is in this process.
#[derive(Debug)]
pub struct Link {
    /// What comes.
    pub subscriber: Subscriber,
    /// Whether it samples itself.
    pub is_embedded: bool,
}

impl Link {
    /// What `kymo watch` shows.
    ///
    /// # Errors
    ///
    /// As those of [`connect`](Self::connect).
    pub fn open(options: &Watch, rate_mhz: u32, resume: Option<Token>) -> Result<Self, Failure> {
        let wants_events = options.streams.contains(StreamId::EVENTS);
        let settings = Settings {
            name: "kymo watch".into(),
            streams: options.streams,
            rate_mhz,
            topics: options.topics.clone(),
            groups: options.groups.clone(),
            resume,
            ..settings(options.directory.as_deref())
        };
        Self::connect(settings, options.directory.is_none() && !wants_events, tell_alone)
    }

    /// Connects to a daemon. When there is none, and it `may_embed`, to the library in this
    /// process, which has no events; before that it calls `tell`.
    ///
    /// # Errors
    ///
    /// When neither works.
    pub fn connect(
        settings: Settings,
        may_embed: bool,
        tell: impl FnOnce(),
    ) -> Result<Self, Failure> {
        match Subscriber::connect(settings.clone()) {
            Ok(subscriber) => Ok(Self { subscriber, is_embedded: false }),
            Err(Error::Unreachable { .. } | Error::Denied { .. }) if may_embed => {
                tell();
                let failed = |text: String| Failure::new(format!("can't sample here: {text}"));
                let stream = embed().map_err(|error| failed(error.to_string()))?;
                let streams = Streams(settings.streams.0 & !EVENTS);
                let subscriber = Subscriber::over(stream, Settings { streams, ..settings })?;
                Ok(Self { subscriber, is_embedded: true })
            }
            Err(error) => Err(Failure::of_client(&error)),
        }
    }

    /// Where it leads, for people.
    pub fn name(&self) -> String {
        name_of(self.subscriber.directory())
    }

    /// Waits until there may be something to show; false when nobody reads standard output any
    /// more. Without that, `kymo watch --rate 0.1 | head -1` would stay for ten seconds more.
    ///
    /// # Errors
    ///
    /// When the system can't wait.
    pub fn wait(&self) -> io::Result<bool> {
        let stdout = io::stdout();
        let mut watched = [
            PollFd::new(stdout.as_fd(), PollFlags::empty()),
            PollFd::new(self.subscriber.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut watched, timeout(self.subscriber.deadline())) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let closed = PollFlags::POLLERR | PollFlags::POLLHUP;
        let [output, _] = watched;
        Ok(!output.revents().is_some_and(|events| events.intersects(closed)))
    }
}

/// Settings for who looks on and is not patient.
pub fn settings(directory: Option<&Path>) -> Settings {
    Settings {
        backoff: BackoffSettings { cap: WAIT_MAX, ..BackoffSettings::default() },
        breaker: BreakerSettings { rest: WAIT_MAX, ..BreakerSettings::default() },
        ..Settings::in_directories(directories(directory))
    }
}

/// Says that nobody else samples.
pub fn tell_alone() {
    tell(format_args!("no daemon found; sampling in this process"));
}

/// Waits until `subscriber` may have something to tell, and no longer than until `end`.
///
/// # Errors
///
/// When the system can't wait.
pub fn wait_until(subscriber: &Subscriber, end: Instant) -> io::Result<()> {
    let deadline = subscriber.deadline().map_or(end, |deadline| deadline.min(end));
    let mut watched = [PollFd::new(subscriber.as_fd(), PollFlags::POLLIN)];
    match poll(&mut watched, timeout(Some(deadline))) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A directory for people; without one it is this process that samples.
pub fn name_of(directory: Option<&Path>) -> String {
    match directory {
        Some(directory) => clean(directory.to_string_lossy().chars()),
        None => "this process".into(),
    }
}

/// A connection to the library in this process. Sensors are among it whatever is asked for: vitals
/// tell what they read too.
///
/// # Errors
///
/// When this machine can't be sampled.
pub fn embed() -> Result<UnixStream, Box<dyn std::error::Error>> {
    let mut reactor = Builder::new().sensors().processes().build()?;
    let stream = reactor.connect()?;
    // When it fails the connection ends, and that is how we learn of it.
    std::thread::spawn(move || reactor.run());
    Ok(stream)
}

/// Whole milliseconds, and one more: a little early would be again and again.
pub fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}
