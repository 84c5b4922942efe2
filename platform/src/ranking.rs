//! The processes that use most, as one pass over all processes found them.

use std::fmt;

use kymo_protocol::{NoData, Reading};

/// Processes in each of the two lists.
pub const RANKED_MAX: usize = 32;
/// Bytes of a process's name, at most.
pub const NAME_SIZE_MAX: usize = 32;

/// A process, at the moment it was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Its number, in the namespace of the procfs that was read.
    pub pid: u32,
    /// Whom it belongs to; root for one that hides its memory from its user.
    pub uid: u32,
    /// When it started, in nanoseconds on the boot clock: with the pid, this is its identity.
    pub start_ns: u64,
    /// Bytes of memory that are resident, shared ones included.
    pub memory: u64,
    /// Percent of one CPU since the pass before, or since it started if that was later.
    pub cpu: Reading<f32>,
    /// The kernel's letter: R runs, S sleeps, D waits for a disk, Z is a zombie, T is stopped, I is
    /// an idle thread of the kernel.
    pub state: u8,
    /// Its name, without control characters.
    pub name: heapless::String<NAME_SIZE_MAX>,
}

/// A list of processes, the greatest first.
pub type Ranked = heapless::Vec<Process, RANKED_MAX>;

/// What one pass over all processes found.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Those that used CPUs, most first. Empty until a second pass.
    pub by_cpu: Ranked,
    /// Those that use memory, most first.
    pub by_memory: Ranked,
    /// How many processes there are; why not, if there is no telling.
    pub total: Reading<u32>,
    /// Some have no share of CPUs, because there were more than the table holds, or hide everything
    /// but their number.
    pub truncated: bool,
    /// When the pass began, on the monotonic clock: no value is older.
    pub began_ns: u64,
}

/// What looks at every process in turn; [`this_machine_processes`](crate::this_machine_processes)
/// opens that of this machine. Nothing here allocates.
pub trait ProcessSource: Send {
    /// Goes on with a pass over all processes for about `budget_ns`, at least by one process. Says
    /// true when it is whole, and [`ranking`](Self::ranking) a new one; the next call begins
    /// another pass.
    fn scan(&mut self, budget_ns: u64) -> bool;

    /// What the last whole pass found.
    fn ranking(&self) -> &Ranking;

    /// Forgets everything, a pass under way included: as if nothing had been looked at yet. What is
    /// found after a pause is no average over it.
    fn forget(&mut self);
}

// Not a bound, as for sources of sensors.
impl fmt::Debug for dyn ProcessSource + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessSource")
    }
}

impl Default for Ranking {
    fn default() -> Self {
        Self {
            by_cpu: Ranked::new(),
            by_memory: Ranked::new(),
            total: Err(NoData::Pending),
            truncated: false,
            began_ns: 0,
        }
    }
}

impl Ranking {
    /// Puts a process in its places, if it uses something and is among the first.
    pub fn add(&mut self, process: &Process) {
        if process.cpu.is_ok_and(|share| share > 0.0) {
            rank(&mut self.by_cpu, process, uses_more_cpu);
        }
        if process.memory > 0 {
            rank(&mut self.by_memory, process, uses_more_memory);
        }
    }
}

/// Whether one process comes before another.
type Before = fn(&Process, &Process) -> bool;

/// The greater share first; of equal ones the older number.
fn uses_more_cpu(one: &Process, other: &Process) -> bool {
    let key = |process: &Process| process.cpu.unwrap_or(0.0);
    let (first, second) = (key(one), key(other));
    first > second || (first >= second && one.pid < other.pid)
}

/// The greater memory first; of equal ones the older number.
fn uses_more_memory(one: &Process, other: &Process) -> bool {
    (one.memory, other.pid) > (other.memory, one.pid)
}

fn rank(list: &mut Ranked, process: &Process, before: Before) {
    let place = list.partition_point(|other| before(other, process));
    if place >= RANKED_MAX {
        return;
    }
    if list.is_full() {
        list.pop();
    }
    // There is room now, and the place is not behind the end.
    let _ = list.insert(place, process.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn process(pid: u32, memory: u64, cpu: f32) -> Process {
        Process {
            pid,
            uid: 0,
            start_ns: 0,
            memory,
            cpu: Ok(cpu),
            state: b'S',
            name: heapless::String::new(),
        }
    }

    proptest! {
        #[test]
        fn the_lists_are_the_beginning_of_all_sorted(
            found in proptest::collection::vec((0..20u64, 0..20u8), 0..100),
        ) {
            let mut ranking = Ranking::default();
            let mut all: Vec<_> = (0u32..)
                .zip(found)
                .map(|(pid, (memory, cpu))| process(pid, memory, f32::from(cpu)))
                .collect();
            for process in &all {
                ranking.add(process);
            }
            all.sort_by_key(|process| (std::cmp::Reverse(process.memory), process.pid));
            let first = all.iter().filter(|process| process.memory > 0).take(RANKED_MAX);
            prop_assert!(ranking.by_memory.iter().eq(first));
            all.sort_by(|one, other| {
                other.cpu.unwrap().total_cmp(&one.cpu.unwrap()).then(one.pid.cmp(&other.pid))
            });
            let first = all.iter().filter(|process| process.cpu != Ok(0.0)).take(RANKED_MAX);
            prop_assert!(ranking.by_cpu.iter().eq(first));
        }
    }
}
