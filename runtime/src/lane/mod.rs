//! The lane: where sources are read that may keep their reader waiting.
//!
//! A bus, a server or firmware may answer late or never, and nothing can take back a thread that
//! waits for it. So such sources are read on a thread of their own, with a second one to spare, and
//! the loop asks and takes without ever waiting for either.
//!
//! Guaranteed:
//!
//! * One job at a time, in the order in which they were asked for.
//! * A job over its budget of [`LANE_BUDGET_NS`] holds up the others once, by that much: the spare
//!   takes over. With both threads stuck, sources that are asked for are held until one of them is
//!   back.
//! * A source that came back late rests, twice as long each time, before it is tried again.
//! * Nothing is allocated after [`Lane::new`], and without sources there is no thread at all.
//! * Dropping a lane takes at most one budget. A stuck thread is left behind with its source.
//!
//! Not guaranteed:
//!
//! * That a thread ever comes back, or that the operating system lets the process go while one
//!   waits inside the kernel: whatever others wait for has to be closed before the process ends.
//! * A source that panics allocates what a panic allocates.

mod bell;
mod shelf;
mod standing;
mod worker;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;

use kymo_platform::Source;

pub use self::shelf::{Layout, Shelf};
pub use self::standing::UnitState;

use self::standing::Standing;
pub(crate) use self::worker::Wake;
use self::worker::{Desk, Post, Unit, Work, Worker};
use crate::limits::{LANE_BUDGET_NS, LANE_THREADS};

/// What a source is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// A scan, and then a read.
    Scan,
    /// A scan alone, which asks no device: for a source that may not be read yet.
    Rescan,
    /// A read.
    Read,
    /// A look.
    Look,
}

impl Job {
    /// Whether it looks for sensors.
    #[must_use]
    pub fn scans(self) -> bool {
        matches!(self, Self::Scan | Self::Rescan)
    }

    /// Whether it reads them.
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(self, Self::Scan | Self::Read)
    }

    fn with_read_if(self, is_read: bool) -> Self {
        match self {
            Self::Rescan if is_read => Self::Scan,
            Self::Look if is_read => Self::Read,
            job => job,
        }
    }
}

/// A job that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Number of the source.
    pub unit: usize,
    /// What it was asked for, with a read if it came to no end.
    pub job: Job,
    /// How long the source took. Its values are as old as that, at most.
    pub took_ns: u64,
}

/// The lane; see the module. Sources are numbered in the order in which they were given.
///
/// Ask whenever a source is due. When the loop is woken or [`Lane::deadline_ns`] has come, call
/// [`Lane::poll_done`] first and [`Lane::handle_deadlines`] after it. Times are those of
/// [`mono_ns`](kymo_platform::clock::mono_ns).
///
/// ```
/// use kymo::lane::{Job, Lane};
/// use kymo_platform::{Roots, clock, this_machine_sources};
///
/// let mut sources = this_machine_sources(&Roots::default());
/// sources.retain(|source| source.spec().may_block);
/// let the_loop = std::thread::current();
/// let mut lane = Lane::new(sources, move || the_loop.unpark())?;
/// let mut is_done = !lane.ask(0, Job::Scan, clock::mono_ns());
/// while !is_done {
///     std::thread::park();
///     lane.poll_done(clock::mono_ns(), |done, shelf| {
///         println!("{done:?}: {:?}", shelf.readings());
///         is_done = true;
///     });
///     lane.handle_deadlines(clock::mono_ns());
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Lane {
    desk: Arc<Desk>,
    workers: Vec<Worker>,
    slots: Vec<Slot>,
    /// Numbers of the sources that are queued, each once.
    waiting: VecDeque<usize>,
}

/// What the loop has of one source.
#[derive(Debug)]
struct Slot {
    /// Not here while a thread has it.
    unit: Option<Unit>,
    standing: Standing,
    /// What it was asked for last.
    job: Job,
}

impl Lane {
    /// A lane for these sources; `wake` is called on its threads whenever there is something for
    /// [`Lane::poll_done`], and must not block. Without sources it is never called.
    ///
    /// # Errors
    ///
    /// When there is no room for a thread.
    pub fn new(
        sources: Vec<Box<dyn Source>>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::with_wake(sources, Box::new(wake))
    }

    /// The same, once for whatever it is that wakes.
    pub(crate) fn with_wake(sources: Vec<Box<dyn Source>>, wake: Wake) -> io::Result<Self> {
        let threads = if sources.is_empty() { 0 } else { LANE_THREADS };
        let mut lane = Self {
            desk: Arc::new(Desk::new(wake)),
            workers: Vec::with_capacity(threads),
            waiting: VecDeque::with_capacity(sources.len()),
            slots: sources.into_iter().map(Slot::new).collect(),
        };
        for number in 0..threads {
            lane.workers.push(Worker::start(&lane.desk, number)?);
        }
        Worker::wait_for_all(&lane.desk, &lane.workers);
        Ok(lane)
    }

    /// Asks a source for something. `false` when it is under way, rests or is broken, or when no
    /// thread is left; ask again when it is due again.
    pub fn ask(&mut self, unit: usize, job: Job, now_ns: u64) -> bool {
        let is_blocked = self.is_blocked();
        let Some(slot) = self.slots.get_mut(unit) else { return false };
        if is_blocked {
            slot.standing.handle_no_thread();
            return false;
        }
        if !slot.standing.queue(now_ns) {
            return false;
        }
        slot.job = job;
        self.waiting.push_back(unit);
        self.dispatch(now_ns);
        true
    }

    /// Hands over what has come to an end since the last call, in that order. A shelf has entries
    /// after a scan alone, and no readings after a look; after a rescan each is pending.
    pub fn poll_done(&mut self, now_ns: u64, mut take: impl FnMut(&Done, &Shelf)) {
        while let Some(work) = self.desk.done.pop() {
            let Work { number, worker, mut job, unit, shelf, took_ns } = work;
            if let Some(slot) = self.slots.get_mut(number) {
                slot.standing.handle_done(job, took_ns, unit.is_broken(), now_ns);
                // Its faults are the last that is read of it.
                job = job.with_read_if(unit.is_broken());
                slot.unit = Some(unit);
            }
            take(&Done { unit: number, job, took_ns }, &shelf);
            if let Some(worker) = self.workers.get_mut(worker) {
                worker.post = Post::Idle(shelf);
            }
            self.dispatch(now_ns);
        }
    }

    /// Gives up on the thread whose job is over its budget.
    pub fn handle_deadlines(&mut self, now_ns: u64) {
        for worker in &mut self.workers {
            let Post::Reading { number, begun_ns } = worker.post else { continue };
            if now_ns >= begun_ns.saturating_add(LANE_BUDGET_NS) {
                worker.post = Post::Stuck;
                if let Some(slot) = self.slots.get_mut(number) {
                    slot.standing.handle_stuck();
                }
            }
        }
        if self.is_blocked() {
            for number in &self.waiting {
                if let Some(slot) = self.slots.get_mut(*number) {
                    slot.standing.handle_no_thread();
                }
            }
        }
        self.dispatch(now_ns);
    }

    /// When [`Lane::handle_deadlines`] is worth a call; `None` while nothing is under way.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        let deadlines = self.workers.iter().filter_map(|worker| match worker.post {
            Post::Reading { begun_ns, .. } => Some(begun_ns.saturating_add(LANE_BUDGET_NS)),
            _ => None,
        });
        deadlines.min()
    }

    /// Whether what a source has told counts as held: it is stuck or was late and has not been read
    /// in time since, or it was wanted while no thread was left.
    #[must_use]
    pub fn is_held(&self, unit: usize) -> bool {
        self.slots.get(unit).is_some_and(|slot| slot.standing.is_held())
    }

    /// What a source is doing. There is no source beyond the last, and it is idle.
    #[must_use]
    pub fn state(&self, unit: usize) -> UnitState {
        self.slots.get(unit).map(|slot| slot.standing.state()).unwrap_or_default()
    }

    /// Whether no thread is at work, so that there is nothing to take and to give up.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.workers.iter().all(|worker| matches!(worker.post, Post::Idle(_)))
    }

    /// Whether no thread is left.
    fn is_blocked(&self) -> bool {
        self.workers.iter().all(|worker| matches!(worker.post, Post::Stuck))
    }

    /// Gives the next job to a thread, unless one is at work: the other is the spare.
    fn dispatch(&mut self, now_ns: u64) {
        if self.workers.iter().any(|worker| matches!(worker.post, Post::Reading { .. })) {
            return;
        }
        let idle = |worker: &Worker| matches!(worker.post, Post::Idle(_));
        let Some(place) = self.workers.iter().position(idle) else { return };
        let Some(number) = self.waiting.pop_front() else { return };
        let (Some(worker), Some(slot)) = (self.workers.get_mut(place), self.slots.get_mut(number))
        else {
            return;
        };
        let Some(unit) = slot.unit.take() else { return };
        let Post::Idle(shelf) = std::mem::replace(&mut worker.post, Post::Stuck) else { return };
        slot.standing.begin();
        let work = Work { number, worker: place, job: slot.job, unit, shelf, took_ns: 0 };
        worker.give(&self.desk, work, now_ns);
    }
}

impl Slot {
    fn new(source: Box<dyn Source>) -> Self {
        Self { unit: Some(Unit::new(source)), standing: Standing::default(), job: Job::Scan }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        Worker::end(&self.desk, &mut self.workers);
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("workers", &self.workers)
            .field("slots", &self.slots)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod double;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;
