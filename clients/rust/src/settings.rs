//! What a subscriber wants, and how patient it is.

use std::path::PathBuf;
use std::time::Duration;

use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    FrameError, Hello, Position, Stamp, StreamId, Streams, Subscribe, SubscribeOptions, emit,
};

use crate::backoff::BackoffSettings;
use crate::breaker::BreakerSettings;
use crate::limits::{GREETING_MAX, SILENCE_MAX};
use crate::token::Token;

/// What a [`Subscriber`](crate::Subscriber) wants, and how patient it is.
///
/// ```
/// use kymo_client::{Settings, StreamId, Streams, directories};
///
/// let settings = Settings {
///     streams: Streams::default().with(StreamId::EVENTS),
///     topics: vec!["build.*".into()],
///     ..Settings::in_directories(directories(None))
/// };
/// assert_eq!(settings.check(), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to look for a daemon, the best place first; see [`directories`](crate::directories).
    pub directories: Vec<PathBuf>,
    /// A name for people who look at the daemon's status; cut at 64 bytes.
    pub name: String,
    /// The streams.
    pub streams: Streams,
    /// The rate of telemetry in thousandths of a hertz; 0 for the server's default. Processes come
    /// at most twice a second, and at the default once.
    pub rate_mhz: u32,
    /// Each frame of telemetry in order, with gaps, instead of the newest.
    pub every: bool,
    /// Patterns of topics, such as `build.*`; none for all events.
    pub topics: Vec<String>,
    /// Patterns of groups of sensors, such as `hwmon*`; none for all groups. What nobody gets is
    /// not read.
    pub groups: Vec<String>,
    /// The last event that is had, from a run before.
    pub resume: Option<Token>,
    /// A server that says nothing for so long is gone; it says something every 5 s.
    pub silence: Duration,
    /// How long to wait between attempts.
    pub backoff: BackoffSettings,
    /// When to leave a server alone that fails.
    pub breaker: BreakerSettings,
}

impl Default for Settings {
    /// Vitals and all events, and no directory.
    fn default() -> Self {
        Self {
            directories: Vec::new(),
            name: String::new(),
            streams: Streams::default().with(StreamId::VITALS).with(StreamId::EVENTS),
            rate_mhz: 0,
            every: false,
            topics: Vec::new(),
            groups: Vec::new(),
            resume: None,
            silence: SILENCE_MAX,
            backoff: BackoffSettings::default(),
            breaker: BreakerSettings::default(),
        }
    }
}

impl Settings {
    /// The default, from the first daemon in `directories`.
    #[must_use]
    pub fn in_directories(directories: Vec<PathBuf>) -> Self {
        Self { directories, ..Self::default() }
    }

    /// Whether a server can be asked for this.
    ///
    /// # Errors
    ///
    /// [`FrameError::Value`] for a pattern that is empty or holds a newline, [`FrameError::Length`]
    /// for too many of them.
    pub fn check(&self) -> Result<(), FrameError> {
        self.greet(None, &mut [0; GREETING_MAX]).map(|_| ())
    }

    /// Writes hello and subscribe, which may be sent together, and returns their size.
    pub(crate) fn greet(
        &self,
        token: Option<Token>,
        buffer: &mut [u8; GREETING_MAX],
    ) -> Result<usize, FrameError> {
        let stamp = Stamp { boot_ns: 0 };
        let (hello, size) = emit::<Hello>(buffer, Position::NONE, stamp)?;
        hello.set(&self.name);
        let mut fixed = SubscribeFixed::default();
        fixed.rate_mhz.set(self.rate_mhz);
        fixed.streams.set(self.streams.0);
        let token = token.filter(|_| self.streams.contains(StreamId::EVENTS));
        let options = SubscribeOptions { every: self.every, resume: token.is_some() };
        fixed.options.set(options.bits());
        if let Some(token) = token {
            fixed.epoch = token.epoch;
            fixed.events.set(token.events);
        }
        let [topics, groups] = [&self.topics, &self.groups]
            .map(|patterns| patterns.iter().map(String::as_str).collect::<Vec<&str>>());
        let rest = buffer.get_mut(size..).unwrap_or_default();
        Ok(size + Subscribe::emit(rest, stamp, &fixed, &topics, &groups)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Body, Decoder};

    #[test]
    fn a_greeting_is_two_frames() {
        let settings = Settings {
            name: "é".repeat(64),
            rate_mhz: 5_000,
            topics: vec!["a.*".into(), "x".repeat(1014)],
            groups: vec!["cpu*".into()],
            ..Settings::default()
        };
        let token = Token { epoch: [7; 16], events: 9 };
        let mut buffer = [0; GREETING_MAX];
        let size = settings.greet(Some(token), &mut buffer).unwrap();
        let mut decoder = Decoder::<2048>::new();
        decoder.space()[..size].copy_from_slice(&buffer[..size]);
        decoder.filled(size);
        let hello = decoder.next_frame().unwrap().unwrap();
        assert!(matches!(hello.body, Body::Hello(hello) if hello.name().len() == 64));
        let frame = decoder.next_frame().unwrap().unwrap();
        let Body::Subscribe(subscribe) = frame.body else { panic!("kind") };
        assert!(subscribe.options().resume && !subscribe.options().every);
        assert_eq!((subscribe.fixed.epoch, subscribe.fixed.events.get()), ([7; 16], 9));
        assert_eq!(subscribe.topics().next(), Some("a.*"));
        assert!(subscribe.groups().eq(["cpu*"]));
    }

    #[test]
    fn what_can_t_be_asked_for_is_found_before() {
        let with = |topic: &str| Settings { topics: vec![topic.into()], ..Settings::default() };
        assert_eq!(with("a\nb").check(), Err(FrameError::Value));
        assert_eq!(with("").check(), Err(FrameError::Value));
        assert_eq!(with(&"x".repeat(1024)).check(), Err(FrameError::Length));
        let groups = Settings { groups: vec!["c\npu".into()], ..Settings::default() };
        assert_eq!(groups.check(), Err(FrameError::Value));
    }

    #[test]
    fn a_token_belongs_to_events() {
        let streams = Streams::default().with(StreamId::VITALS);
        let settings = Settings { streams, ..Settings::default() };
        let mut buffer = [0; GREETING_MAX];
        let (token, mut without) = (Some(Token::default()), [0; GREETING_MAX]);
        settings.greet(token, &mut buffer).unwrap();
        settings.greet(None, &mut without).unwrap();
        assert_eq!(buffer, without);
    }
}
