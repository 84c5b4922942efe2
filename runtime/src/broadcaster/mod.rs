//! A publisher for applications that broadcast: sessions, transcriptions and states at once, and
//! figures at a bounded rate.
//!
//! Guaranteed:
//!
//! * An event of a session (start, end, state, transcription) is published when the call returns
//!   `Ok`, in the order of the calls.
//! * Of figures the newest wins. One that comes too soon is held, and sent by the first call of any
//!   method after it is due, [`poll`](Broadcaster::poll) among them; before any change of session
//!   or state; and when the broadcaster is dropped. So the last figures are never those that are
//!   missing.
//! * Nothing is lost unsaid: each call is in one of the [`BroadcastCounts`], or held.
//! * After [`Broadcaster::new`] nothing is allocated but by the caller's own formatting.
//!
//! Not guaranteed: a rate to the millisecond by calls alone; who wants that calls
//! [`poll`](Broadcaster::poll) when it says.

mod held;
mod pace;
mod session_metrics;
mod text;

use std::fmt;
use std::time::Duration;

use kymo_platform::LocalTime;
use kymo_platform::clock::{self, Now};
use kymo_protocol::event::EVENT_HEAD_SIZE;
use kymo_protocol::limits::{EVENT_NAME_MAX, FRAME_ALIGN, RATE_MHZ_MAX, RATE_MHZ_MIN};
use kymo_protocol::{
    AppState, Data, EventFields, EventKind, FrameError, Number, NumberValue, Words,
};

use crate::config::RATE_MHZ_DEFAULT;
use crate::inbox::{PublishError, Publisher};
use crate::topics;
use pace::Pace;
pub use session_metrics::SessionMetrics;
use text::Held;

/// What became of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paced {
    /// The loop has them.
    Sent,
    /// They wait: they came too soon, or the inbox was full. Newer ones may take their place.
    Held,
}

/// What became of calls; see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastCounts {
    /// The loop has them.
    pub broadcast: u64,
    /// Newer figures took their place before they were due.
    pub skipped: u64,
    /// They could not be published; the caller was told, or the loop ended while they waited.
    pub refused: u64,
}

/// For applications that broadcast; see the module.
///
/// ```
/// use kymo::protocol::AppState;
/// use kymo::{Broadcaster, Builder, Paced, SessionMetrics};
/// use kymo_platform::Fake;
///
/// let running = Builder::new().machine(Box::new(Fake::new())).build()?.spawn()?;
/// let publisher = running.publisher().expect("the usual settings have an inbox");
/// let mut broadcaster = Broadcaster::new(publisher, "my-app.metrics")?.with_rate_mhz(10_000);
///
/// broadcaster.start_session(None)?;
/// broadcaster.state_change(AppState::Recording)?;
/// broadcaster.add_transcription("Hello world", Some(145.2), Some(234.5))?;
/// let metrics = SessionMetrics { wpm: Some(145.2), ..SessionMetrics::new(AppState::Recording) };
/// assert_eq!(broadcaster.update_metrics(&metrics)?, Paced::Sent);
/// assert_eq!(broadcaster.update_metrics(&metrics)?, Paced::Held);
/// broadcaster.broadcast(format_args!("{{\"queue\":{}}}", 7))?;
/// broadcaster.end_session(None)?;
/// assert_eq!(broadcaster.counts().broadcast, 7);
/// running.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Broadcaster {
    publisher: Publisher,
    topic: heapless::String<EVENT_NAME_MAX>,
    metrics_pace: Pace,
    /// With the time of day of their call.
    metrics: Option<(SessionMetrics, u64)>,
    /// The state that was told last.
    state: Option<AppState>,
    figures_pace: Pace,
    /// Whether `text` waits, and the time of day of its call.
    figures: Option<u64>,
    text: Held,
    /// What people here call the time of day.
    zone: LocalTime,
    counts: BroadcastCounts,
}

impl Broadcaster {
    /// One whose own figures have this topic, at 25 Hz at most. For more topics make more of them;
    /// for more threads, too, or put one under a lock.
    ///
    /// # Errors
    ///
    /// [`PublishError::Invalid`] for a topic that is none: empty, longer than 128 bytes, with
    /// control characters, or one of kymo's own, which begin with `kymo.`.
    pub fn new(publisher: Publisher, topic: &str) -> Result<Self, PublishError> {
        let mut room = [0; EVENT_NAME_MAX + 64];
        let invalid = PublishError::Invalid(FrameError::Value);
        let is_ours = topic.starts_with(topics::OWN);
        let probe = EventFields::custom(topic, Data::Json("0")).write(&mut room);
        if is_ours || probe.is_err() {
            return Err(invalid);
        }
        // What is held must find room when it is due.
        let around = EVENT_HEAD_SIZE + topic.len() + FRAME_ALIGN;
        let text = Held::new(publisher.event_bytes().saturating_sub(around));
        Ok(Self {
            publisher,
            topic: topic.try_into().map_err(|_| invalid)?,
            metrics_pace: Pace::new(RATE_MHZ_DEFAULT),
            metrics: None,
            state: None,
            figures_pace: Pace::new(RATE_MHZ_DEFAULT),
            figures: None,
            text,
            zone: LocalTime::new(),
            counts: BroadcastCounts::default(),
        })
    }

    /// Figures go at most so often, in thousandths of a hertz, from 100 to 1,000,000; what lies
    /// outside becomes the nearest. Session's figures and the application's own count apart.
    #[must_use]
    pub fn with_rate_mhz(mut self, rate_mhz: u32) -> Self {
        let pace = Pace::new(rate_mhz.clamp(RATE_MHZ_MIN, RATE_MHZ_MAX));
        (self.metrics_pace, self.figures_pace) = (pace, pace);
        self
    }

    /// A session begins; one that is open ends first. `None`: kymo numbers it.
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`].
    pub fn start_session(&mut self, session_id: Option<u64>) -> Result<(), PublishError> {
        self.session(EventKind::SessionStart, session_id, clock::now())
    }

    /// A session ends; `None` stands for the one that is open.
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`].
    pub fn end_session(&mut self, session_id: Option<u64>) -> Result<(), PublishError> {
        self.session(EventKind::SessionEnd, session_id, clock::now())
    }

    /// The application does something else now.
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`].
    pub fn state_change(&mut self, state: AppState) -> Result<(), PublishError> {
        self.state_at(state, clock::now())
    }

    /// A piece of recognised speech, with words per minute and milliseconds from speech to text.
    /// kymo counts the words and fills in
    /// the session; its time of day is that of this call, as people here tell it.
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`]; [`PublishError::TooLong`] for a text beyond the limit.
    pub fn add_transcription(
        &mut self,
        text: &str,
        wpm: Option<f64>,
        latency_ms: Option<f64>,
    ) -> Result<(), PublishError> {
        self.transcription_at(text, wpm, latency_ms, clock::now())
    }

    /// Figures of the session. They go at once when they are due or when their state is another
    /// than the one told last; else they are held, in the place of those held before.
    ///
    /// # Errors
    ///
    /// [`PublishError::Closed`] when the loop has ended.
    pub fn update_metrics(&mut self, metrics: &SessionMetrics) -> Result<Paced, PublishError> {
        self.metrics_at(metrics, clock::now())
    }

    /// Figures of the application's own, as one JSON value on one line: a text, `format_args!`, or
    /// whatever writes itself. They are held like the session's.
    ///
    /// # Errors
    ///
    /// [`PublishError::Invalid`] for what is no such value, [`PublishError::TooLong`], and
    /// [`PublishError::Closed`] when the loop has ended. What was held before stays then.
    pub fn broadcast(&mut self, figures: impl fmt::Display) -> Result<Paced, PublishError> {
        self.figures_at(format_args!("{figures}"), false, clock::now())
    }

    /// The same at once, whenever the last ones went: for what must not wait.
    ///
    /// # Errors
    ///
    /// As [`broadcast`](Self::broadcast).
    pub fn force_broadcast(&mut self, figures: impl fmt::Display) -> Result<Paced, PublishError> {
        self.figures_at(format_args!("{figures}"), true, clock::now())
    }

    /// Sends what is due of what is held, and says how long until the rest is: for a timer of the
    /// host's. `None`: nothing is held.
    pub fn poll(&mut self) -> Option<Duration> {
        self.poll_at(clock::now())
    }

    /// Sends what is held, due or not. What finds no room stays held.
    pub fn flush(&mut self) {
        self.send_held(true, clock::now());
    }

    /// What became of the calls so far.
    #[must_use]
    pub fn counts(&self) -> BroadcastCounts {
        self.counts
    }

    fn poll_at(&mut self, now: Now) -> Option<Duration> {
        self.send_held(false, now);
        let waits = [
            self.metrics.map(|_| self.metrics_pace.wait_ns(now.mono_ns)),
            self.figures.map(|_| self.figures_pace.wait_ns(now.mono_ns)),
        ];
        waits.into_iter().flatten().min().map(Duration::from_nanos)
    }

    fn session(
        &mut self,
        kind: EventKind,
        session_id: Option<u64>,
        now: Now,
    ) -> Result<(), PublishError> {
        self.send_held(true, now);
        let mut fields = EventFields::new(kind);
        if let Some(session_id) = session_id {
            fields.numbers.set(Number::SessionId, NumberValue::Integer(session_id));
        }
        self.publish(&fields)
    }

    fn state_at(&mut self, state: AppState, now: Now) -> Result<(), PublishError> {
        self.send_held(true, now);
        let fields = EventFields { state: Some(state), ..EventFields::new(EventKind::StateChange) };
        self.publish(&fields)?;
        self.state = Some(state);
        Ok(())
    }

    fn transcription_at(
        &mut self,
        text: &str,
        wpm: Option<f64>,
        latency_ms: Option<f64>,
        now: Now,
    ) -> Result<(), PublishError> {
        self.send_held(false, now);
        let label = self.zone.hms(now.wall_ns);
        let name = Words::Plain(std::str::from_utf8(&label).unwrap_or("00:00:00"));
        let data = Data::Text(Words::Plain(text));
        let kind = EventKind::Transcription;
        let mut fields = EventFields { name, data, ..EventFields::new(kind) };
        fields.wall_ns = now.wall_ns;
        for (number, value) in [(Number::Wpm, wpm), (Number::LatencyMs, latency_ms)] {
            if let Some(value) = value {
                fields.numbers.set(number, NumberValue::Float(value));
            }
        }
        self.publish(&fields)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
