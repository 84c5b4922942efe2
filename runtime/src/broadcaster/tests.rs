//! The broadcaster and an inbox, on a clock of the tests'.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use super::*;
use crate::inbox::{Capacity, Inbox};
use kymo_protocol::Event;
use proptest::prelude::*;

const MS: u64 = 1_000_000;

fn at(ms: u64) -> Now {
    Now { mono_ns: ms * MS, boot_ns: ms * MS, wall_ns: (1_000_000 + ms) * MS }
}

fn inbox(small: usize) -> Inbox {
    Inbox::new(Capacity { small, large: 1, ..Capacity::default() }, || ())
}

/// Every 100 ms at most.
fn broadcaster(inbox: &Inbox) -> Broadcaster {
    Broadcaster::new(inbox.publisher(), "app.figures").unwrap().with_rate_mhz(10_000)
}

/// What came: type, words or data, and time of day in ms since the tests' zero.
fn taken(inbox: &Inbox) -> Vec<String> {
    let mut events = Vec::new();
    let mut tell = |payload: &mut [u8]| {
        let event = Event::parse(payload).unwrap();
        let what = match (event.kind(), event.data()) {
            (EventKind::Custom, Data::Json(text)) => text.to_owned(),
            (EventKind::MetricsUpdate, _) => {
                let words = event.integer(Number::Words).unwrap();
                format!("{} {words}", event.state().unwrap().name())
            }
            (EventKind::Transcription, Data::Text(Words::Plain(text))) => text.to_owned(),
            (kind, _) => kind.name().to_owned(),
        };
        let when = event.wall_ns().checked_sub(1_000_000 * MS).map(|ns| ns / MS);
        events.push(when.map_or(what.clone(), |ms| format!("{what} @{ms}")));
    };
    while inbox.take(&mut tell) {}
    events
}

fn words(words: u64) -> SessionMetrics {
    SessionMetrics { words: Some(words), ..SessionMetrics::new(AppState::Recording) }
}

#[test]
fn of_figures_that_come_too_soon_the_newest_goes_when_it_is_due() {
    let inbox = inbox(64);
    let mut broadcaster = broadcaster(&inbox);
    assert_eq!(broadcaster.metrics_at(&words(1), at(0)), Ok(Paced::Sent));
    for (ms, number) in [(10, 2), (20, 3), (99, 4)] {
        assert_eq!(broadcaster.metrics_at(&words(number), at(ms)), Ok(Paced::Held));
    }
    assert_eq!(broadcaster.poll_at(at(99)), Some(Duration::from_millis(1)));
    assert_eq!(taken(&inbox), ["recording 1 @0"]);
    assert_eq!(broadcaster.poll_at(at(100)), None);
    // The time is that of the call.
    assert_eq!(taken(&inbox), ["recording 4 @99"]);
    assert_eq!(broadcaster.metrics_at(&words(5), at(199)), Ok(Paced::Held));
    assert_eq!(broadcaster.metrics_at(&words(6), at(200)), Ok(Paced::Sent));
    assert_eq!(taken(&inbox), ["recording 6 @200"]);
    let counts = BroadcastCounts { broadcast: 3, skipped: 3, refused: 0 };
    assert_eq!(broadcaster.counts(), counts);
}

#[test]
fn any_later_call_sends_what_is_due() {
    let inbox = inbox(64);
    let mut broadcaster = broadcaster(&inbox);
    for number in [1, 2] {
        broadcaster.metrics_at(&words(number), at(0)).unwrap();
        broadcaster.figures_at(format_args!("{number}"), false, at(0)).unwrap();
    }
    broadcaster.transcription_at("early", None, None, at(99)).unwrap();
    assert_eq!(taken(&inbox), ["recording 1 @0", "1 @0", "early @99"]);
    broadcaster.transcription_at("late", None, None, at(100)).unwrap();
    assert_eq!(taken(&inbox), ["recording 2 @0", "2 @0", "late @100"]);
}

#[test]
fn the_last_figures_stand_before_the_end_of_their_session() {
    let inbox = inbox(64);
    let mut broadcaster = broadcaster(&inbox);
    broadcaster.session(EventKind::SessionStart, Some(7), at(0)).unwrap();
    broadcaster.metrics_at(&words(1), at(1)).unwrap();
    broadcaster.metrics_at(&words(2), at(2)).unwrap();
    broadcaster.session(EventKind::SessionEnd, None, at(3)).unwrap();
    let all = ["session_start", "recording 1 @1", "recording 2 @2", "session_end"];
    assert_eq!(taken(&inbox), all);
    broadcaster.metrics_at(&words(3), at(4)).unwrap();
    broadcaster.state_at(AppState::Idle, at(5)).unwrap();
    assert_eq!(taken(&inbox), ["recording 3 @4", "state_change"]);
}

#[test]
fn another_state_and_what_is_forced_wait_for_nothing() {
    let inbox = inbox(64);
    let mut broadcaster = broadcaster(&inbox);
    broadcaster.metrics_at(&words(1), at(0)).unwrap();
    let failed = SessionMetrics { state: AppState::Error, ..words(2) };
    assert_eq!(broadcaster.metrics_at(&failed, at(1)), Ok(Paced::Sent));
    assert_eq!(broadcaster.metrics_at(&failed, at(2)), Ok(Paced::Held));
    for (number, paced) in [(1, Paced::Sent), (2, Paced::Held)] {
        let outcome = broadcaster.figures_at(format_args!("{number}"), false, at(3));
        assert_eq!(outcome, Ok(paced));
    }
    assert_eq!(broadcaster.figures_at(format_args!("3"), true, at(4)), Ok(Paced::Sent));
    assert_eq!(taken(&inbox), ["recording 1 @0", "error 2 @1", "1 @3", "3 @4"]);
    let counts = BroadcastCounts { broadcast: 4, skipped: 1, refused: 0 };
    assert_eq!(broadcaster.counts(), counts);
}

#[test]
fn what_is_dropped_with_figures_sends_them() {
    let inbox = inbox(64);
    let mut broadcaster = broadcaster(&inbox);
    broadcaster.metrics_at(&words(1), at(0)).unwrap();
    broadcaster.metrics_at(&words(2), at(1)).unwrap();
    drop(broadcaster);
    assert_eq!(taken(&inbox), ["recording 1 @0", "recording 2 @1"]);
}

#[test]
fn a_full_inbox_holds_figures_and_refuses_events() {
    let inbox = inbox(1);
    let mut broadcaster = broadcaster(&inbox);
    broadcaster.session(EventKind::SessionStart, None, at(0)).unwrap();
    assert_eq!(broadcaster.metrics_at(&words(1), at(0)), Ok(Paced::Held));
    assert_eq!(broadcaster.poll_at(at(0)), Some(Duration::from_millis(100)));
    let refused = broadcaster.transcription_at("hello", None, None, at(1));
    assert_eq!(refused, Err(PublishError::Full));
    assert_eq!(taken(&inbox), ["session_start"]);
    assert_eq!(broadcaster.poll_at(at(100)), None);
    assert_eq!(taken(&inbox), ["recording 1 @0"]);
    let counts = BroadcastCounts { broadcast: 2, skipped: 0, refused: 1 };
    assert_eq!(broadcaster.counts(), counts);
}

#[test]
fn who_outlives_the_loop_is_told() {
    let inbox = inbox(8);
    let mut broadcaster = broadcaster(&inbox);
    broadcaster.metrics_at(&words(1), at(0)).unwrap();
    broadcaster.metrics_at(&words(2), at(1)).unwrap();
    drop(inbox);
    let closed = Err(PublishError::Closed);
    assert_eq!(broadcaster.session(EventKind::SessionEnd, None, at(2)), closed);
    assert_eq!(broadcaster.metrics_at(&words(3), at(900)), Err(PublishError::Closed));
    let counts = BroadcastCounts { broadcast: 1, skipped: 0, refused: 3 };
    assert_eq!(broadcaster.counts(), counts);
}

#[test]
fn figures_that_are_none_cost_nothing() {
    let inbox = Inbox::new(Capacity { small: 8, large: 2, event_bytes: 1024 }, || ());
    let mut broadcaster = broadcaster(&inbox);
    broadcaster.figures_at(format_args!("1"), false, at(0)).unwrap();
    broadcaster.figures_at(format_args!("[2, 3]"), false, at(1)).unwrap();
    let invalid = Err(PublishError::Invalid(FrameError::Value));
    for text in ["", "{", "1 2", "\n1", "NaN"] {
        assert_eq!(broadcaster.figures_at(format_args!("{text}"), true, at(2)), invalid);
    }
    let long = format!("\"{}\"", "x".repeat(1022));
    let outcome = broadcaster.figures_at(format_args!("{long}"), true, at(3));
    assert_eq!(outcome, Err(PublishError::TooLong));
    let fits = &long[..1024 - 24 - "app.figures".len() - 8 - 1];
    broadcaster.figures_at(format_args!("{fits}\""), true, at(4)).unwrap();
    broadcaster.send_held(true, at(4));
    assert_eq!(taken(&inbox), ["1 @0".into(), format!("{fits}\" @4")]);
    let counts = BroadcastCounts { broadcast: 2, skipped: 1, refused: 6 };
    assert_eq!(broadcaster.counts(), counts);
}

#[test]
fn topics_that_are_none_are_refused() {
    let inbox = inbox(8);
    for topic in ["", "a\nb", "kymo.resumed", &"x".repeat(129)] {
        let outcome = Broadcaster::new(inbox.publisher(), topic).map(|_| ());
        assert_eq!(outcome, Err(PublishError::Invalid(FrameError::Value)), "{topic}");
    }
    assert!(Broadcaster::new(inbox.publisher(), &"x".repeat(128)).is_ok());
}

proptest! {
    /// Every call is counted once or held, whatever the loop does, and what is taken was broadcast.
    #[test]
    fn nothing_is_lost_unsaid(
        steps in prop::collection::vec((0u8..7, 0u64..150), 0..60),
        room in 1usize..4,
    ) {
        let inbox = inbox(room);
        let mut broadcaster = broadcaster(&inbox);
        let (mut calls, mut came, mut ms) = (0, 0, 0);
        for (what, pause_ms) in steps {
            ms += pause_ms;
            let now = at(ms);
            calls += 1;
            match what {
                0 => drop(broadcaster.metrics_at(&words(calls), now)),
                1 => drop(broadcaster.figures_at(format_args!("{calls}"), false, now)),
                2 => drop(broadcaster.figures_at(format_args!("{calls}"), true, now)),
                3 => drop(broadcaster.transcription_at("hello", None, None, now)),
                4 => drop(broadcaster.session(EventKind::SessionStart, None, now)),
                5 => {
                    came += taken(&inbox).len() as u64;
                    calls -= 1;
                }
                _ => {
                    broadcaster.poll_at(now);
                    calls -= 1;
                }
            }
            let held = u64::from(broadcaster.metrics.is_some())
                + u64::from(broadcaster.figures.is_some());
            let BroadcastCounts { broadcast, skipped, refused } = broadcaster.counts();
            prop_assert_eq!(broadcast + skipped + refused + held, calls);
            prop_assert_eq!(came + inbox.len() as u64, broadcast);
        }
    }
}
