//! The real kymod while its calls fail: each call of its steady state with each error that it may
//! return, once and for as long as the fault lasts.
//!
//! A round of a [`Stage`] does everything that a daemon does. Whatever is amiss in it is told in
//! words, and must be what [`ROWS`] says, to the letter: whatever is not named there works. When
//! the fault ends, all must be well; what was acknowledged must be there, for who listened all the
//! while, for who asks for the history, and after another start.
//!
//! `make inject` tries all pairs of a call and an error, `make test` one of each row that has
//! failed once or would hurt most. `KYMO_INJECT=sendto` tries those whose name contains that.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

#[allow(dead_code, unused_imports, reason = "the daemon's tests use the rest")]
#[path = "../common/mod.rs"]
mod common;
mod crew;
mod edges;
mod ledger;
mod page;
mod pairs;
mod stage;
// Machines that are trees of files, as the sources are tested with.
#[path = "../../../platform/tests/common/mod.rs"]
mod trees;

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::Tracer;
use pairs::{NEVER, NOTHING, PART, ROWS, Row};
use stage::Stage;

/// Most of a round is waiting.
const AT_ONCE: usize = 6;
/// Longer than the slowest source takes to come up.
const ONCE: Duration = Duration::from_millis(1700);
const FOR_EVER: Duration = Duration::from_secs(2);

/// A call and one of its errors.
#[derive(Clone, Copy)]
struct Pair {
    row: &'static Row,
    error: &'static str,
}

impl Pair {
    fn name(self) -> String {
        let Row { call, place, .. } = self.row;
        let on = if place.is_empty() { "" } else { " on " };
        format!("{call}{on}{place}: {}", self.error)
    }

    /// Which calls fail when it fails once: of procfs a few, since two read the same.
    fn once(self) -> &'static str {
        if self.row.place.starts_with("/proc") && self.row.call == "pread64" { "1..4" } else { "1" }
    }

    /// The same for ever: an interruption needs a signal each time, and nobody sends as many.
    fn for_ever(self) -> &'static str {
        if self.error == "EINTR" { "1..100" } else { "1+" }
    }

    /// What is amiss in a round with this fault; `None` where there is no strace.
    fn round(self, stage: &mut Stage, when: &str, time: Duration) -> Option<String> {
        let Row { call, place, .. } = self.row;
        let mark = stage.begin();
        let trace = format!("trace={call}");
        let inject = format!("inject={call}:error={}:when={when}", self.error);
        let mut options = vec!["-e", &trace, "-e", &inject];
        let paths = stage.paths(place);
        paths.iter().for_each(|path| options.extend(["-P", path]));
        let tracer = Tracer::attach(stage.daemon(), &options)?;
        let amiss = stage.finish(mark, time);
        let seen = tracer.detach();
        let injected = seen.iter().filter(|line| line.contains("(INJECTED)")).count();
        assert!(injected > 0, "{}: it was never called", self.name());
        Some(if amiss.is_empty() { NOTHING.into() } else { amiss.join("; ") })
    }

    /// Both rounds, each with the end of its fault; `None` where there is no strace.
    fn check(self) -> Option<()> {
        let mut stage = Stage::new();
        let once = self.round(&mut stage, self.once(), ONCE)?;
        let is_right = match self.row.once {
            PART => {
                once.split("; ").all(|what| self.row.for_ever.contains(what) || what == NOTHING)
            }
            expected => once == expected,
        };
        stage.settle();
        let for_ever = match self.row.for_ever {
            NEVER => NEVER.into(),
            _ => self.round(&mut stage, self.for_ever(), FOR_EVER)?,
        };
        let is_right = is_right && for_ever == self.row.for_ever;
        assert!(is_right, "{}\n  once: {once}\n  for ever: {for_ever}", self.name());
        stage.settle();
        stage.close();
        Some(())
    }
}

fn check(pairs: &[Pair]) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(pair) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match catch_unwind(|| pair.check()) {
                        Ok(None) => return,
                        Ok(Some(())) => {}
                        Err(_) => failed.lock().unwrap().push(pair.name()),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}

fn of(row: &'static Row) -> impl Iterator<Item = Pair> {
    row.errors.iter().map(move |error| Pair { row, error })
}

#[test]
fn the_pairs_that_matter() {
    let rows = ROWS.iter().filter(|row| row.is_quick);
    check(&rows.filter_map(|row| of(row).next()).collect::<Vec<_>>());
}

/// `make inject`.
#[test]
#[ignore = "takes two minutes"]
fn every_pair() {
    let part = std::env::var("KYMO_INJECT").unwrap_or_default();
    let pairs = ROWS.iter().flat_map(of).filter(|pair| pair.name().contains(&part));
    check(&pairs.collect::<Vec<_>>());
}
