//! The thread that waits for the disk, so that the loop never does. It is there only with a
//! journal, and awake only while somebody wants an event to survive a loss of power.
//!
//! `make loom` tries every order in which the thread and the loop can meet with at most three
//! preemptions.

use std::fs::File;
use std::io;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

#[cfg(all(test, loom))]
use ::loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(all(test, loom)))]
use std::sync::{Condvar, Mutex, MutexGuard};

use mio::Waker;

use crate::journal::SyncRound;
use crate::limits::SYNCER_STACK_SIZE;

/// What the loop and the thread hand one another.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: Option<SyncRound>,
    /// With the bits of the segments that failed.
    done: Option<(SyncRound, u64)>,
    /// Whether the thread has begun: what it allocates for itself, it does before.
    has_begun: bool,
    is_over: bool,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics with it in hand.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// For the loop: waits until the thread has begun.
    fn wait_for_begin(&self) {
        let mut state = self.state();
        while !state.has_begun {
            state = self.wait(state);
        }
    }

    /// For the loop: begins a round.
    fn ask(&self, sync: SyncRound) {
        self.state().asked = Some(sync);
        self.changed.notify_one();
    }

    /// For the loop: the round that has ended.
    fn take_done(&self) -> Option<(SyncRound, u64)> {
        self.state().done.take()
    }

    /// For the loop: no round follows.
    fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_one();
    }

    /// The life of the thread: `sync` says which segments of a round failed, and `wake` tells the
    /// loop that one is done.
    fn serve(&self, mut sync: impl FnMut(SyncRound) -> u64, wake: impl Fn()) {
        let mut state = self.state();
        state.has_begun = true;
        self.changed.notify_all();
        while !state.is_over {
            let Some(round) = state.asked.take() else {
                state = self.wait(state);
                continue;
            };
            drop(state);
            let failed = sync(round);
            self.state().done = Some((round, failed));
            wake();
            state = self.state();
        }
    }
}

/// The thread; see the module.
#[derive(Debug)]
pub struct Syncer {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
    is_busy: bool,
}

impl Syncer {
    /// Starts a thread that syncs `files`, of which number `n` is segment `n`.
    ///
    /// # Errors
    ///
    /// When there is no room for a thread.
    pub fn new(files: Vec<File>, waker: Arc<Waker>) -> io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let theirs = Arc::clone(&desk);
        let thread = thread::Builder::new()
            .name("kymo-sync".into())
            .stack_size(SYNCER_STACK_SIZE)
            .spawn(move || {
                // A loop that can't be woken is one that has ended.
                theirs.serve(|round| sync(&files, round), || drop(waker.wake()));
            })?;
        desk.wait_for_begin();
        Ok(Self { desk, thread: Some(thread), is_busy: false })
    }

    /// Whether a round is under way.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Begins a round. None may be under way.
    pub fn ask(&mut self, sync: SyncRound) {
        self.is_busy = true;
        self.desk.ask(sync);
    }

    /// The round that has ended, and what of it failed.
    pub fn take_done(&mut self) -> Option<(SyncRound, u64)> {
        if !self.is_busy {
            return None;
        }
        let done = self.desk.take_done();
        self.is_busy = done.is_none();
        done
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.desk.end();
        if let Some(thread) = self.thread.take() {
            // It does not panic.
            let _ = thread.join();
        }
    }
}

/// Syncs the segments of a round; the bits of those that failed.
fn sync(files: &[File], round: SyncRound) -> u64 {
    files.iter().enumerate().fold(0, |failed, (index, file)| {
        let bit = 1 << index;
        let is_synced = round.segments & bit == 0 || file.sync_data().is_ok();
        if is_synced { failed } else { failed | bit }
    })
}

#[cfg(all(test, loom))]
mod loom {
    use ::loom::sync::{Arc, Notify};
    use ::loom::{model::Builder, thread};

    use super::Desk;
    use crate::journal::SyncRound;

    const PREEMPTIONS_MAX: usize = 3;
    const ROUNDS: u64 = 2;

    /// A lost word leaves one of the two asleep, which loom calls a deadlock.
    #[test]
    fn no_round_is_lost() {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(PREEMPTIONS_MAX);
        builder.check(|| {
            let (desk, wake) = (Arc::new(Desk::default()), Arc::new(Notify::new()));
            let (theirs, waker) = (Arc::clone(&desk), Arc::clone(&wake));
            let worker = thread::spawn(move || {
                theirs.serve(|round| round.segments, || waker.notify());
            });
            desk.wait_for_begin();
            for end in 0..ROUNDS {
                let round = SyncRound { segments: end + 1, end };
                desk.ask(round);
                let done = loop {
                    match desk.take_done() {
                        Some(done) => break done,
                        None => wake.wait(),
                    }
                };
                assert_eq!((done.0.end, done.1), (end, end + 1));
                assert_eq!(desk.take_done(), None);
            }
            desk.end();
            worker.join().unwrap();
        });
    }
}
