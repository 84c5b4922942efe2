//! The lane's threads, and what they and the loop hand one another.
//!
//! Whoever has a piece of [`Work`] owns the source and the shelf in it, so nothing is shared and
//! nothing locked: a thread that never comes back keeps one source and one shelf, and no other. A
//! thread has a place for one piece, and is given none before its last one was taken back, so
//! neither side ever finds a queue full.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use kymo_platform::{Source, clock};

use super::Job;
use super::bell::Bell;
use super::shelf::{Layout, Shelf};
use crate::limits::{LANE_BUDGET_NS, LANE_STACK_SIZE, LANE_THREADS};

/// A source with what is remembered of it.
#[derive(Debug)]
pub(super) struct Unit {
    source: Box<dyn Source>,
    layout: Layout,
    is_broken: bool,
}

/// A source on its way to a thread and back.
#[derive(Debug)]
pub(super) struct Work {
    /// Number of the source, and of the thread.
    pub(super) number: usize,
    pub(super) worker: usize,
    pub(super) job: Job,
    pub(super) unit: Unit,
    pub(super) shelf: Box<Shelf>,
    pub(super) took_ns: u64,
}

/// What wakes the loop; must not block.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// What the loop and the threads share.
pub(super) struct Desk {
    asked: [ArrayQueue<Work>; LANE_THREADS],
    pub(super) done: ArrayQueue<Work>,
    begun: AtomicUsize,
    bell: Bell,
    wake: Wake,
}

/// A thread, as the loop sees it.
#[derive(Debug)]
pub(super) struct Worker {
    thread: Option<JoinHandle<()>>,
    pub(super) post: Post,
}

/// What a thread is doing.
#[derive(Debug)]
pub(super) enum Post {
    /// Nothing, so its shelf is here.
    Idle(Box<Shelf>),
    /// The job of a source, since then.
    Reading { number: usize, begun_ns: u64 },
    /// The same for longer than a job may take.
    Stuck,
}

impl Unit {
    pub(super) fn new(source: Box<dyn Source>) -> Self {
        Self { source, layout: Layout::default(), is_broken: false }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Does a job. A source that panics is left with faults in every reading; where a panic ends
    /// the process, that is the host's choice.
    pub(super) fn perform(&mut self, job: Job, shelf: &mut Shelf) {
        let Self { source, layout, is_broken } = self;
        shelf.clear();
        // Of what a panic may have left half done, the source is never called again, and the shelf
        // is set right below.
        let outcome = catch_unwind(AssertUnwindSafe(|| match job {
            Job::Scan => {
                *layout = shelf.scan(&mut **source);
                shelf.read(&mut **source, layout);
            }
            Job::Rescan => *layout = shelf.scan(&mut **source),
            Job::Read => shelf.read(&mut **source, layout),
            Job::Look => shelf.look(&mut **source),
        }));
        if outcome.is_err() {
            *layout = shelf.fail((!job.scans()).then_some(&*layout));
            *is_broken = true;
        }
    }
}

impl Desk {
    pub(super) fn new(wake: Wake) -> Self {
        Self {
            asked: std::array::from_fn(|_| ArrayQueue::new(1)),
            done: ArrayQueue::new(LANE_THREADS),
            begun: AtomicUsize::new(0),
            bell: Bell::default(),
            wake,
        }
    }

    /// The life of thread `number`, which `starter` waits for until it has begun.
    fn serve(&self, number: usize, starter: &Thread) {
        let Some(asked) = self.asked.get(number) else { return };
        self.begun.fetch_add(1, Ordering::Release);
        starter.unpark();
        while let Some(mut work) = self.bell.next(|| asked.pop()) {
            let begun_ns = clock::mono_ns();
            work.unit.perform(work.job, &mut work.shelf);
            work.took_ns = clock::mono_ns().saturating_sub(begun_ns);
            // There is room for one piece of each thread.
            let _ = self.done.push(work);
            (self.wake)();
        }
    }
}

impl Worker {
    /// Starts thread `number`.
    pub(super) fn start(desk: &Arc<Desk>, number: usize) -> io::Result<Self> {
        let (theirs, starter) = (Arc::clone(desk), thread::current());
        let thread = thread::Builder::new()
            .name(if number == 0 { "kymo-lane" } else { "kymo-spare" }.into())
            .stack_size(LANE_STACK_SIZE)
            .spawn(move || theirs.serve(number, &starter))?;
        Ok(Self { thread: Some(thread), post: Post::Idle(Box::default()) })
    }

    /// Waits until all `workers` have begun: what they allocate for themselves, they do before.
    pub(super) fn wait_for_all(desk: &Desk, workers: &[Self]) {
        while desk.begun.load(Ordering::Acquire) < workers.len() {
            thread::park();
        }
    }

    /// Gives it a piece of work; it must be idle, and the piece its own.
    pub(super) fn give(&mut self, desk: &Desk, work: Work, now_ns: u64) {
        self.post = Post::Reading { number: work.number, begun_ns: now_ns };
        let is_full = desk.asked.get(work.worker).is_none_or(|place| place.push(work).is_err());
        debug_assert!(!is_full, "an idle thread has its place free");
        self.ring();
    }

    /// Tells all of `workers` to end, and waits for those that can be expected to: a thread in a
    /// read has as long as a read may take. One that is stuck ends when it comes back.
    pub(super) fn end(desk: &Desk, workers: &mut [Self]) {
        desk.bell.end();
        workers.iter().for_each(Self::ring);
        let step = Duration::from_millis(1);
        let mut steps_left = LANE_BUDGET_NS / 1_000_000;
        for Self { thread, post } in workers {
            let Some(thread) = thread.take() else { continue };
            while matches!(post, Post::Reading { .. }) && !thread.is_finished() && steps_left > 0 {
                thread::sleep(step);
                steps_left -= 1;
            }
            if matches!(post, Post::Idle(_)) || thread.is_finished() {
                // What a source panics with is caught before.
                let _ = thread.join();
            }
        }
    }

    fn ring(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}
