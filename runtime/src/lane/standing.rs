//! What the lane thinks of one source: what is under way, and whether the source can be trusted to
//! come back.

use super::Job;
use crate::limits::{LANE_BUDGET_NS, LANE_REST_NS, LANE_REST_NS_MAX};

/// What a source of the lane is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnitState {
    /// Nothing; it can be asked.
    #[default]
    Idle,
    /// It is asked, and waits for its turn.
    Queued,
    /// It is at it.
    Reading,
    /// It is at it for longer than its budget, and may never come back.
    Stuck,
    /// It came back too late and is left alone; then one job tells whether it has recovered.
    Quarantined {
        /// When it can be asked again.
        until_ns: u64,
    },
    /// It panicked and is never called again. Its values are faults.
    Broken,
}

/// State and record of one source.
#[derive(Debug, Default)]
pub(super) struct Standing {
    state: UnitState,
    /// How long the last quarantine was; 0 since a read in time.
    rest_ns: u64,
    /// It was wanted while every thread was stuck, and has not been read since.
    is_overdue: bool,
}

impl Standing {
    pub(super) fn state(&self) -> UnitState {
        self.state
    }

    /// Whether what it has told is too old to be current.
    pub(super) fn is_held(&self) -> bool {
        match self.state {
            UnitState::Broken => false,
            UnitState::Stuck => true,
            _ => self.rest_ns > 0 || self.is_overdue,
        }
    }

    /// Whether it can be asked now; then it is.
    pub(super) fn queue(&mut self, now_ns: u64) -> bool {
        let is_free = match self.state {
            UnitState::Idle => true,
            UnitState::Quarantined { until_ns } => now_ns >= until_ns,
            _ => false,
        };
        if is_free {
            self.state = UnitState::Queued;
        }
        is_free
    }

    pub(super) fn begin(&mut self) {
        self.state = UnitState::Reading;
    }

    pub(super) fn handle_stuck(&mut self) {
        self.state = UnitState::Stuck;
    }

    /// No thread is left for it, though it is wanted.
    pub(super) fn handle_no_thread(&mut self) {
        self.is_overdue = true;
    }

    /// It came back, however late. What counts is its own time, not when the loop took note.
    pub(super) fn handle_done(&mut self, job: Job, took_ns: u64, is_broken: bool, now_ns: u64) {
        self.state = if is_broken {
            UnitState::Broken
        } else if took_ns > LANE_BUDGET_NS {
            let rest_ns = self.rest_ns.saturating_mul(2);
            self.rest_ns = rest_ns.clamp(LANE_REST_NS, LANE_REST_NS_MAX);
            UnitState::Quarantined { until_ns: now_ns.saturating_add(self.rest_ns) }
        } else {
            // What asks no device does not prove that one answers.
            if job.reads() {
                (self.rest_ns, self.is_overdue) = (0, false);
            }
            UnitState::Idle
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const LATE: u64 = LANE_BUDGET_NS + 1;

    fn run(standing: &mut Standing, job: Job, took_ns: u64, now_ns: u64) -> bool {
        let is_asked = standing.queue(now_ns);
        if is_asked {
            standing.begin();
            standing.handle_done(job, took_ns, false, now_ns);
        }
        is_asked
    }

    #[test]
    fn each_late_read_doubles_the_rest_and_one_in_time_ends_it() {
        let (mut standing, mut now_ns) = (Standing::default(), 5);
        for rest in (0..12).map(|power| 1 << power).chain([3600, 3600]) {
            assert!(run(&mut standing, Job::Read, LATE, now_ns));
            let until_ns = now_ns + rest * SECOND;
            assert_eq!(standing.state(), UnitState::Quarantined { until_ns });
            assert!(standing.is_held() && !standing.queue(until_ns - 1));
            now_ns = until_ns;
        }
        assert!(run(&mut standing, Job::Read, LANE_BUDGET_NS, now_ns));
        assert_eq!((standing.state(), standing.is_held()), (UnitState::Idle, false));
        assert!(run(&mut standing, Job::Read, LATE, now_ns));
        let until_ns = now_ns + SECOND;
        assert_eq!(standing.state(), UnitState::Quarantined { until_ns });
    }

    #[test]
    fn a_look_proves_nothing() {
        let mut standing = Standing::default();
        assert!(run(&mut standing, Job::Scan, LATE, 0));
        assert!(run(&mut standing, Job::Look, 1, SECOND));
        assert!(run(&mut standing, Job::Rescan, 1, SECOND));
        assert_eq!((standing.state(), standing.is_held()), (UnitState::Idle, true));
        assert!(run(&mut standing, Job::Read, LATE, SECOND));
        assert_eq!(standing.state(), UnitState::Quarantined { until_ns: 3 * SECOND });
        assert!(run(&mut standing, Job::Scan, 1, 3 * SECOND));
        assert!(!standing.is_held());
    }

    #[test]
    fn one_job_at_a_time_and_none_for_the_broken() {
        let mut standing = Standing::default();
        assert!(standing.queue(0) && !standing.queue(0));
        standing.begin();
        assert!(!standing.queue(0) && !standing.is_held());
        standing.handle_stuck();
        assert!(!standing.queue(0) && standing.is_held());
        standing.handle_done(Job::Read, 1, true, 0);
        standing.handle_no_thread();
        assert_eq!((standing.state(), standing.is_held()), (UnitState::Broken, false));
        assert!(!standing.queue(u64::MAX));
    }
}
