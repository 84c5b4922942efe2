//! Processes that are what a test tells, and a count of what is asked about them.

#![allow(dead_code)] // each test uses its part

use std::sync::{Arc, Mutex, MutexGuard};

use kymo_platform::ranking::NAME_SIZE_MAX;
use kymo_platform::{Process, ProcessSource, Ranking};
use kymo_protocol::NoData;

/// What is found, and what was asked.
#[derive(Debug, Default)]
pub struct Script {
    pub ranking: Ranking,
    /// Calls that a pass takes; 0 is 1.
    pub slices: u32,
    /// Whether the total is the number of the pass.
    pub is_numbered: bool,
    pub left: u32,
    pub calls: u64,
    /// Whole passes.
    pub passes: u64,
    pub forgotten: u64,
}

impl Script {
    /// `count` processes from number `first` on, each of which takes part in both lists.
    pub fn fill(&mut self, first: u32, count: u32) {
        self.ranking = Ranking { total: Ok(first + count), ..Ranking::default() };
        for rank in 0..count {
            let mut name = heapless::String::<NAME_SIZE_MAX>::new();
            let _ = name.push_str("a \"process\"\n");
            let share = f32::from(u16::try_from(100 + count - rank).unwrap_or(0));
            let process = Process {
                pid: first + rank,
                uid: 0,
                start_ns: u64::from(first),
                memory: u64::from(count - rank) << 20,
                cpu: Ok(share),
                state: b'S',
                name,
            };
            self.ranking.add(&process);
        }
    }
}

/// One end is the source, the other one the test's; neither allocates when it is called.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    script: Arc<Mutex<Script>>,
    shown: Ranking,
}

impl Crowd {
    /// One of `count` processes.
    pub fn with(count: u32) -> Self {
        let crowd = Self::default();
        crowd.script().fill(1, count);
        crowd
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no panic")
    }

    /// The other end.
    pub fn source(&self) -> Box<dyn ProcessSource> {
        Box::new(self.clone())
    }
}

impl ProcessSource for Crowd {
    fn scan(&mut self, _budget_ns: u64) -> bool {
        let mut script = self.script.lock().expect("no panic");
        script.calls += 1;
        script.left = if script.left == 0 { script.slices.max(1) } else { script.left } - 1;
        if script.left > 0 {
            return false;
        }
        script.passes += 1;
        self.shown.clone_from(&script.ranking);
        if script.is_numbered {
            self.shown.total = Ok(u32::try_from(script.passes).unwrap_or(0));
        }
        true
    }

    fn ranking(&self) -> &Ranking {
        &self.shown
    }

    fn forget(&mut self) {
        let mut script = self.script.lock().expect("no panic");
        script.left = 0;
        script.forgotten += 1;
        self.shown = Ranking { total: Err(NoData::Pending), ..Ranking::default() };
    }
}
