//! A subscriber that reconnects and resumes; see [`Subscriber`].

mod advance;

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::task::Poll;
use std::time::Instant;

use kymo_protocol::Decoder;
use kymo_protocol::decoder::Span;
use kymo_protocol::json::ClockMap;
use kymo_protocol::limits::FRAME_MAX;

use crate::error::Error;
use crate::item::{Gap, Item};
use crate::limits::WELCOME_MAX;
use crate::os::Ready;
use crate::position::Position;
use crate::redial::Redial;
use crate::settings::Settings;
use crate::token::Token;
use crate::wait;

/// A subscriber that reconnects and resumes.
///
/// It has no thread, and its buffers are allocated when it is made. It keeps the [`Token`] of the
/// last event it has told and names it whenever it connects again, so events go on without a seam;
/// where they can't, it says so with a [`Gap`] or [`Item::Fresh`], once.
///
/// # Waiting
///
/// [`next`](Self::next) waits. In a loop of one's own:
///
/// 1. take items with [`poll_next`](Self::poll_next) until it is [`Poll::Pending`];
/// 2. wait until [`as_fd`](AsFd::as_fd) can be read, or [`deadline`](Self::deadline) has come; the
///    descriptor is the same for the whole life of the subscriber, whatever it is connected to;
/// 3. go back to 1.
///
/// # Errors and losses
///
/// A connection that ends is [`Item::Lost`], not an error; the next call goes on. An error is told
/// when a server *refuses*: the connection is closed then, and the next call tries again when its
/// time has come. A server that can't be reached is an error of [`connect`](Self::connect) only;
/// after that, and with [`new`](Self::new), it is waited for, and
/// [`last_error`](Self::last_error) says what is in the way.
///
/// ```no_run
/// use kymo_client::{Body, Item, Settings, Subscriber, directories};
///
/// let mut subscriber = Subscriber::connect(Settings::in_directories(directories(None)))?;
/// loop {
///     match subscriber.next()? {
///         Item::Frame(frame) => match frame.body {
///             Body::Vitals(vitals) => println!("{} %", vitals.cpu_usage.get()),
///             Body::Event(event) => println!("{}", event.topic()),
///             _ => {}
///         },
///         Item::Gap(gap) => println!("{} frames are lost", gap.count),
///         Item::Fresh { lost_after: Some(token) } => println!("all after {token} may be lost"),
///         Item::Lost(why) => println!("{why}; waiting for it"),
///         _ => {}
///     }
/// }
/// # #[allow(unreachable_code)] Ok::<(), kymo_client::Error>(())
/// ```
#[derive(Debug)]
pub struct Subscriber {
    settings: Settings,
    /// Whether there is nothing to connect to again.
    is_given: bool,
    stream: Option<UnixStream>,
    directory: Option<PathBuf>,
    decoder: Box<Decoder<FRAME_MAX>>,
    /// Where the frame behind the last item lies.
    shown: Option<Span>,
    /// The last welcome, as it came.
    welcome: Vec<u8>,
    ready: Ready,
    redial: Redial,
    position: Position,
    greeted: Option<Greeted>,
    is_subscribed: bool,
    /// To be told before anything else, in this order.
    fresh: Option<Option<Token>>,
    missed: [Option<Gap>; 3],
    heard_at: Instant,
    last_error: Option<Error>,
}

/// What a welcome said.
#[derive(Clone, Copy, Debug)]
struct Greeted {
    epoch: [u8; 16],
    run: [u8; 16],
    clock: ClockMap,
}

impl Subscriber {
    /// A subscriber that connects at the first call of [`next`](Self::next), and waits for a server
    /// if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for patterns that can't be asked for, [`Error::System`] when there is no
    /// descriptor left.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        settings.check().map_err(Error::Invalid)?;
        let ready = Ready::new().map_err(|error| Error::System(error.kind()))?;
        let is_filtered = !settings.topics.is_empty();
        let mut position = Position::new(settings.resume, is_filtered, settings.every);
        if !settings.groups.is_empty() {
            position = position.with_some_groups(settings.every);
        }
        Ok(Self {
            position,
            redial: Redial::new(settings.backoff, settings.breaker),
            settings,
            is_given: false,
            stream: None,
            directory: None,
            decoder: Box::default(),
            shown: None,
            welcome: Vec::with_capacity(WELCOME_MAX),
            ready,
            greeted: None,
            is_subscribed: false,
            fresh: None,
            missed: [None; 3],
            heard_at: Instant::now(),
            last_error: None,
        })
    }

    /// A subscriber that is connected, though it has not been answered yet.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new); [`Error::Unreachable`] and [`Error::Denied`] when there is no
    /// server to connect to now.
    pub fn connect(settings: Settings) -> Result<Self, Error> {
        let mut subscriber = Self::new(settings)?;
        match subscriber.dial(Instant::now()) {
            true => Ok(subscriber),
            false => Err(subscriber.last_error.unwrap_or(Error::Ended)),
        }
    }

    /// A subscriber on a connection that the caller has, such as one to a library in the same
    /// process. After its end there is [`Error::Ended`].
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn over(stream: UnixStream, settings: Settings) -> Result<Self, Error> {
        let mut subscriber = Self::new(settings)?;
        subscriber.is_given = true;
        let system = |error: std::io::Error| Error::System(error.kind());
        stream.set_nonblocking(true).map_err(system)?;
        subscriber.begin(stream, Instant::now()).map_err(system)?;
        Ok(subscriber)
    }

    /// The next item; waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] and [`Error::Denied`] by the server; [`Error::Ended`];
    /// [`Error::System`].
    #[allow(clippy::should_implement_trait)] // an item borrows from the subscriber
    pub fn next(&mut self) -> Result<Item<'_>, Error> {
        self.shown = None;
        let step = loop {
            let now = Instant::now();
            if let Some(step) = self.advance(now)? {
                break step;
            }
            wait::until_readable(self.ready.as_fd(), self.deadline())?;
        };
        Ok(self.show(step))
    }

    /// The next item if it is there; never waits.
    ///
    /// # Errors
    ///
    /// As those of [`next`](Self::next).
    pub fn poll_next(&mut self) -> Result<Poll<Item<'_>>, Error> {
        self.shown = None;
        match self.advance(Instant::now())? {
            Some(step) => Ok(Poll::Ready(self.show(step))),
            None => Ok(Poll::Pending),
        }
    }

    /// When to call [`poll_next`](Self::poll_next) again though nothing can be read.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.stream {
            Some(_) => self.heard_at.checked_add(self.settings.silence),
            None => self.redial.deadline(),
        }
    }

    /// The last event that was told, to be kept for another run: ask for it after each item, when
    /// that is dealt with. `None` until something is known of the history.
    #[must_use]
    pub fn token(&self) -> Option<Token> {
        match self.fresh {
            // As long as a loss was not told, nobody may go on behind it.
            Some(lost_after) => lost_after,
            None => self.position.token(),
        }
    }

    /// The frame behind the last item, as it came; empty when no frame said it. For who keeps
    /// frames or passes them on. That of [`Item::Connected`] is the subscribed frame.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        self.shown.map_or(&[], |span| self.decoder.bytes(span))
    }

    /// The welcome of the present connection, or of the last one, as it came; empty before the
    /// first.
    #[must_use]
    pub fn welcome(&self) -> &[u8] {
        &self.welcome
    }

    /// The newest pair of times of the server: the wall time of any frame.
    #[must_use]
    pub fn clock(&self) -> ClockMap {
        self.greeted.map(|greeted| greeted.clock).unwrap_or_default()
    }

    /// Where the present connection leads, or the last one led.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Whether a connection stands.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.stream.is_some()
    }

    /// Why the last attempt to connect failed, as long as none has succeeded since.
    #[must_use]
    pub const fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }
}

impl AsFd for Subscriber {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}
