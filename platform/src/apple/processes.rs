//! The processes that use most, from their records, a few at a time.
//!
//! A user is told of his own processes, root of all. The others are counted, and the ranking says
//! that it is not whole.

use std::fmt;

use kymo_protocol::NoData;

use super::kernel::process::{ProcessRecord, SIZE};
use super::kernel::{Kernel, Refusal, Timebase, values};
use super::machine::PROCESSES_MAX;
use crate::clock::Now;
use crate::phrase::ShortText;
use crate::ranking::{Process, ProcessSource, Ranking};
use crate::shares::{Look, Shares};

/// What ranks the processes behind `kernel`, by the clock of `now`. All memory is taken here.
#[must_use]
pub fn ranker(mut kernel: Box<dyn Kernel>, now: fn() -> Now) -> Box<dyn ProcessSource> {
    let translated = values::number(&mut *kernel, c"sysctl.proc_translated");
    let timebase = kernel.clock().timebase.of_records(translated == Ok(1));
    Box::new(Ranker {
        kernel,
        timebase,
        pids: vec![0; PROCESSES_MAX],
        count: 0,
        at: None,
        shares: Shares::new(),
        next: Box::default(),
        last: Box::default(),
        began: Now::default(),
        now,
    })
}

/// Looks at every process in turn.
struct Ranker {
    kernel: Box<dyn Kernel>,
    timebase: Timebase,
    /// Those that a pass began with.
    pids: Vec<i32>,
    count: usize,
    /// Where the pass under way is, if one is.
    at: Option<usize>,
    shares: Shares,
    /// Of the pass under way, and of the last whole one.
    next: Box<Ranking>,
    last: Box<Ranking>,
    began: Now,
    now: fn() -> Now,
}

impl fmt::Debug for Ranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranker").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Ranker {
    fn begin(&mut self) -> Result<usize, Refusal> {
        self.count = self.kernel.processes(&mut self.pids)?;
        if self.count == 0 {
            return Err(Refusal::Fault);
        }
        self.began = (self.now)();
        self.shares.begin();
        *self.next = Ranking {
            total: Ok(0),
            // A list that is full may have left some out.
            truncated: self.count >= self.pids.len(),
            began_ns: self.began.mono_ns,
            ..Ranking::default()
        };
        Ok(0)
    }

    /// Goes on until the pass is whole or the time is over; says whether it is whole.
    fn advance(&mut self, until_ns: u64) -> Result<bool, Refusal> {
        let mut at = match self.at {
            Some(at) => at,
            None => self.begin()?,
        };
        while let Some(pid) = self.pids.get(..self.count).and_then(|pids| pids.get(at)).copied() {
            let mut record = [0; SIZE];
            let told = self.kernel.process(pid, &mut record);
            let now = (self.now)();
            let found = told.map(|size| record.get(..size).and_then(ProcessRecord::parse));
            self.note(pid, found, now);
            at += 1;
            self.at = Some(at);
            if now.mono_ns >= until_ns && at < self.count {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn note(&mut self, pid: i32, found: Result<Option<ProcessRecord<'_>>, Refusal>, now: Now) {
        // One that ended since it was listed doesn't count; one that hides does.
        let (false, Ok(pid)) = (found == Err(Refusal::Absent), u32::try_from(pid)) else { return };
        self.next.total = self.next.total.map(|total| total.saturating_add(1));
        let Ok(Some(record)) = found else {
            self.next.truncated = true;
            return;
        };
        // It is told on the wall clock, which may have been set since: the first look counts.
        let age_ns = now.wall_ns.saturating_sub(record.start_wall_ns);
        let look = Look {
            pid,
            start: record.start_wall_ns,
            start_ns: now.boot_ns.saturating_sub(age_ns),
            busy_ns: self.timebase.nanoseconds(record.busy),
        };
        let share = self.shares.note(&look, now);
        self.next.truncated |= !share.is_remembered;
        self.next.add(&Process {
            pid,
            uid: record.uid,
            start_ns: share.start_ns,
            memory: record.resident,
            cpu: share.cpu,
            state: record.state,
            name: ShortText::new().with_bytes(record.name).into_string(),
        });
    }
}

impl ProcessSource for Ranker {
    fn scan(&mut self, budget_ns: u64) -> bool {
        let start_ns = (self.now)().mono_ns;
        match self.advance(start_ns.saturating_add(budget_ns)) {
            Ok(false) => return false,
            Ok(true) => {
                self.shares.end(self.began.boot_ns);
                std::mem::swap(&mut self.last, &mut self.next);
            }
            Err(refusal) => {
                let total = Err(refusal.reason());
                *self.last = Ranking { total, ..Ranking::default() };
            }
        }
        self.at = None;
        true
    }

    fn ranking(&self) -> &Ranking {
        &self.last
    }

    fn forget(&mut self) {
        self.shares.forget();
        self.at = None;
        *self.last = Ranking { total: Err(NoData::Pending), ..Ranking::default() };
    }
}
