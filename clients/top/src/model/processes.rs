//! The processes of one frame, and the orders they can stand in.

use kymo_client::{Processes, State};

use crate::clean::clean;

/// What the rows are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Most processor time first; those whose share is not known yet last.
    #[default]
    Cpu,
    /// Most memory first.
    Memory,
    /// The least number first.
    Pid,
    /// By name, letter by letter.
    Name,
}

impl Sort {
    /// The order behind this one.
    pub const fn next(self) -> Self {
        match self {
            Self::Cpu => Self::Memory,
            Self::Memory => Self::Pid,
            Self::Pid => Self::Name,
            Self::Name => Self::Cpu,
        }
    }
}

/// A process.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessRow {
    /// Its number, as the daemon sees it.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// Bytes of it in memory.
    pub memory: u64,
    /// % of one CPU; `None` while it is not known.
    pub cpu: Option<f32>,
    /// A letter, as `ps` shows it.
    pub state: char,
    /// Its name, without characters that a terminal would act on.
    pub name: String,
}

/// The processes of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessList {
    rows: Vec<ProcessRow>,
    /// How many there are in all, or why nobody knows.
    pub total: Result<u32, State>,
    /// Whether not all of them could be looked at.
    pub is_truncated: bool,
    /// Whether shares of processors are known.
    pub has_shares: bool,
    /// How old the oldest look is.
    pub age_ms: u32,
}

impl ProcessList {
    pub(super) fn of(told: &Processes) -> Self {
        let rows = told.entries.iter().map(|entry| ProcessRow {
            pid: entry.pid.get(),
            uid: entry.uid.get(),
            memory: entry.memory.get(),
            cpu: Some(entry.cpu.get()).filter(|share| share.is_finite()),
            state: entry.state(),
            name: clean(entry.name().chars()),
        });
        Self {
            rows: rows.collect(),
            total: told.fixed.total().ok_or(told.fixed.state()),
            is_truncated: told.fixed.is_truncated(),
            has_shares: told.entries.iter().any(|entry| entry.cpu.get().is_finite()),
            age_ms: told.fixed.scan_ms.get(),
        }
    }

    /// Those whose name or number has `filter` in it, whatever the case, in order.
    pub fn rows(&self, sort: Sort, is_reversed: bool, filter: &str) -> Vec<&ProcessRow> {
        let filter = filter.to_lowercase();
        let is_wanted = |row: &&ProcessRow| {
            row.name.to_lowercase().contains(&filter) || row.pid.to_string().contains(&filter)
        };
        let mut rows: Vec<&ProcessRow> = self.rows.iter().filter(is_wanted).collect();
        rows.sort_by(|one, other| {
            let by_cpu = |row: &ProcessRow| row.cpu.unwrap_or(-1.0);
            let order = match sort {
                Sort::Cpu => by_cpu(other).total_cmp(&by_cpu(one)),
                Sort::Memory => other.memory.cmp(&one.memory),
                Sort::Pid => one.pid.cmp(&other.pid),
                Sort::Name => one.name.cmp(&other.name),
            };
            // Ties stand as the number says, so that rows do not change places for nothing.
            let order = order.then(one.pid.cmp(&other.pid));
            if is_reversed { order.reverse() } else { order }
        });
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> ProcessList {
        let row = |pid, memory, cpu, name: &str| ProcessRow {
            pid,
            uid: 0,
            memory,
            cpu,
            state: 'S',
            name: name.into(),
        };
        ProcessList {
            rows: vec![
                row(30, 5, Some(0.0), "zsh"),
                row(7, 9, None, "Init"),
                row(12, 5, Some(80.0), "cc1"),
            ],
            total: Ok(3),
            is_truncated: false,
            has_shares: true,
            age_ms: 0,
        }
    }

    fn pids(sort: Sort, is_reversed: bool, filter: &str) -> Vec<u32> {
        list().rows(sort, is_reversed, filter).iter().map(|row| row.pid).collect()
    }

    #[test]
    fn rows_stand_in_order() {
        assert_eq!(pids(Sort::Cpu, false, ""), [12, 30, 7]);
        assert_eq!(pids(Sort::Cpu, true, ""), [7, 30, 12]);
        assert_eq!(pids(Sort::Memory, false, ""), [7, 12, 30]);
        assert_eq!(pids(Sort::Pid, false, ""), [7, 12, 30]);
        assert_eq!(pids(Sort::Name, false, ""), [7, 12, 30]);
    }

    #[test]
    fn a_filter_is_of_names_and_numbers() {
        assert_eq!(pids(Sort::Cpu, false, "in"), [7]);
        assert_eq!(pids(Sort::Cpu, false, "12"), [12]);
        assert_eq!(pids(Sort::Cpu, false, "none"), [0; 0]);
        assert_eq!((0..4).fold(Sort::Cpu, |sort, _| sort.next()), Sort::Cpu);
    }
}
