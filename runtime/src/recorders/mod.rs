//! Flight recorders: the last minute is kept in memory, and written with what follows when
//! something has happened.
//!
//! A recorder is a subscriber of this process like any other one that asked for every frame, so the
//! loop does nothing for it that it does not do for everybody: one thread takes the frames of all
//! recorders out of their buffers a few times a second, and is the one that waits for the disk.
//! Where that takes too long, the recording has gaps that say so, and nobody else notices.
//!
//! Guarantees: all memory is taken at the start; a file is whole records whatever happens; no file
//! is written over; there are never more than so many, and no more than one in a pause, unless
//! somebody asks for it.

mod desk;
mod file;
mod folder;
mod recorder;
#[cfg(test)]
mod tests;
mod trigger;
mod window;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kymo_platform::clock;

pub use desk::{Desk, Gauges, Order, Word, Written};
use file::Batch;
pub use folder::Folder;
pub use recorder::Recorder;

use crate::lane::Wake;
use crate::limits::{RECORDER_REST_MS, RECORDER_STACK_SIZE};

/// The recorders of a loop; see the module.
#[derive(Debug)]
pub struct Recorders {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl Recorders {
    /// Starts their thread. `wake` tells the loop that one has something to say.
    ///
    /// # Errors
    ///
    /// When there is no room for a thread.
    pub fn start(recorders: Vec<Recorder>, wake: Wake) -> io::Result<Self> {
        let desk = Arc::new(Desk::new(recorders.len()));
        let theirs = Arc::clone(&desk);
        let mut batch = Batch::new();
        let starter = thread::current();
        let thread = thread::Builder::new()
            .name("kymo-record".into())
            .stack_size(RECORDER_STACK_SIZE)
            .spawn(move || {
                // What a thread allocates for itself, it does before the start is done.
                thread::park_timeout(Duration::ZERO);
                theirs.has_begun.store(true, Ordering::Release);
                starter.unpark();
                drop(starter);
                serve(recorders, &theirs, &mut batch, &wake);
            })?;
        while !desk.has_begun.load(Ordering::Acquire) {
            thread::park();
        }
        Ok(Self { desk, thread: Some(thread) })
    }

    /// Hands an order over; whether there was room.
    pub fn ask(&self, order: Order) -> bool {
        let is_taken = self.desk.orders.push(order).is_ok();
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        is_taken
    }

    /// What a recorder has to say.
    pub fn take_word(&self) -> Option<Word> {
        self.desk.words.pop()
    }

    /// How they are.
    pub fn gauges(&self) -> &[Gauges] {
        &self.desk.gauges
    }
}

impl Drop for Recorders {
    fn drop(&mut self) {
        self.desk.is_over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It does not panic.
            let _ = thread.join();
        }
    }
}

/// The life of the thread.
fn serve(mut recorders: Vec<Recorder>, desk: &Desk, batch: &mut Batch, wake: &Wake) {
    let mut say = |mut word: Word| {
        // The loop takes them in each turn; at its end nobody does.
        while let Err(back) = desk.words.push(word) {
            if desk.is_over.load(Ordering::Acquire) {
                return;
            }
            wake();
            word = back;
            thread::park_timeout(Duration::from_millis(*RECORDER_REST_MS.start()));
        }
        wake();
    };
    while !desk.is_over.load(Ordering::Acquire) {
        let now = clock::now();
        for (recorder, gauges) in recorders.iter_mut().zip(&desk.gauges) {
            recorder.turn(now, gauges, batch, &mut say);
        }
        // One at a time, so that frames don't have to wait for all who ask.
        if let Some(order) = desk.orders.pop()
            && let Some(recorder) = recorders.get_mut(usize::from(order.recorder))
        {
            recorder.dump(order, now, batch, &mut say);
        }
        if desk.orders.is_empty() {
            let rest = recorders.iter().map(Recorder::rest).min().unwrap_or(Duration::MAX);
            thread::park_timeout(rest);
        }
    }
    for recorder in &mut recorders {
        recorder.stop(batch, &mut say);
    }
}
