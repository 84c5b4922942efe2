//! The thread that waits for the disk, so that the loop never does. It is there only with a
//! journal, and awake only while somebody wants an event to survive a loss of power.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

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
            .spawn(move || serve(&theirs, &files, &waker))?;
        let mut state = desk.state();
        while !state.has_begun {
            state = desk.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        Ok(Self { desk, thread: Some(thread), is_busy: false })
    }

    /// Whether a round is under way.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Begins a round. None may be under way.
    pub fn ask(&mut self, sync: SyncRound) {
        self.is_busy = true;
        self.desk.state().asked = Some(sync);
        self.desk.changed.notify_one();
    }

    /// The round that has ended, and what of it failed.
    pub fn take_done(&mut self) -> Option<(SyncRound, u64)> {
        if !self.is_busy {
            return None;
        }
        let done = self.desk.state().done.take();
        self.is_busy = done.is_none();
        done
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.desk.state().is_over = true;
        self.desk.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic.
            let _ = thread.join();
        }
    }
}

fn serve(desk: &Desk, files: &[File], waker: &Waker) {
    let mut state = desk.state();
    state.has_begun = true;
    desk.changed.notify_all();
    while !state.is_over {
        let Some(sync) = state.asked.take() else {
            state = desk.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(state);
        let failed = files.iter().enumerate().fold(0, |failed, (index, file)| {
            let bit = 1 << index;
            let is_synced = sync.segments & bit == 0 || file.sync_data().is_ok();
            if is_synced { failed } else { failed | bit }
        });
        state = desk.state();
        state.done = Some((sync, failed));
        drop(state);
        // A loop that can't be woken is one that has ended.
        let _ = waker.wake();
        state = desk.state();
    }
}
