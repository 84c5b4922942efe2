//! The share of CPUs that each process had between two looks at it.
//!
//! A number alone doesn't prove that it is the same process: the moment when it started does, as
//! its kernel tells it.

use std::fmt;

use kymo_protocol::{NoData, Reading};

use crate::clock::Now;

/// Processes whose times are remembered; of further ones the memory is known alone.
pub(crate) const PROCESSES_MAX: usize = 8192;
/// Kernels count in ticks of 10 ms, and a share of less than twenty would be noise.
const WINDOW_NS: u64 = 200_000_000;

/// What is seen of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    pub(crate) pid: u32,
    /// When it started, in the kernel's unit: the same with every look.
    pub(crate) start: u64,
    /// The same in nanoseconds on the boot clock, as well as it can be told now.
    pub(crate) start_ns: u64,
    /// Its time on CPUs since then.
    pub(crate) busy_ns: u64,
}

/// What that says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Percent of one CPU since the look before.
    pub(crate) cpu: Reading<f32>,
    /// When it started, as the first look told it.
    pub(crate) start_ns: u64,
    /// There was room for it.
    pub(crate) is_remembered: bool,
}

/// A process at the last look.
#[derive(Clone, Copy, Debug)]
struct Known {
    pid: u32,
    pass: u8,
    start: u64,
    start_ns: u64,
    busy_ns: u64,
    read_ns: u64,
}

/// Every process at its last look.
pub(crate) struct Shares {
    /// Ascending by pid. Never grows beyond what it was made with.
    known: Vec<Known>,
    pass: u8,
    /// When the pass before this one began, on the boot clock.
    before_boot_ns: Option<u64>,
}

impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shares").field(&self.known.len()).finish()
    }
}

impl Shares {
    /// All memory is taken here, and no page of it touched.
    pub(crate) fn new() -> Self {
        Self { known: Vec::with_capacity(PROCESSES_MAX), pass: 0, before_boot_ns: None }
    }

    /// A pass begins.
    pub(crate) fn begin(&mut self) {
        self.pass = self.pass.wrapping_add(1);
    }

    /// The pass that began then is whole: what it did not see has ended.
    pub(crate) fn end(&mut self, began_boot_ns: u64) {
        let pass = self.pass;
        self.known.retain(|known| known.pass == pass);
        self.before_boot_ns = Some(began_boot_ns);
    }

    /// As if nothing had been looked at yet.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.before_boot_ns = None;
    }

    /// The share of a CPU since the last look at this very process.
    pub(crate) fn note(&mut self, look: &Look, now: Now) -> Share {
        let Look { pid, start, start_ns, busy_ns } = *look;
        let pass = self.pass;
        let looked = Known { pid, pass, start, start_ns, busy_ns, read_ns: now.mono_ns };
        let mut is_remembered = true;
        match self.known.binary_search_by_key(&pid, |known| known.pid) {
            Ok(place) => {
                if let Some(known) = self.known.get_mut(place) {
                    if known.start == start {
                        return known.again(looked);
                    }
                    *known = looked;
                }
            }
            Err(place) if self.known.len() < PROCESSES_MAX => self.known.insert(place, looked),
            Err(_) => is_remembered = false,
        }
        // One that started since the pass before has all its time in between.
        let cpu = match self.before_boot_ns {
            Some(before) if start_ns >= before => {
                percent(busy_ns, now.boot_ns.saturating_sub(start_ns))
            }
            _ => Err(NoData::Pending),
        };
        Share { cpu, start_ns, is_remembered }
    }

    #[cfg(test)]
    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> {
        self.known.iter().map(|known| known.pid)
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.known.capacity()
    }
}

impl Known {
    fn again(&mut self, looked: Self) -> Share {
        self.pass = looked.pass;
        let time_ns = looked.read_ns.saturating_sub(self.read_ns);
        let cpu = percent(looked.busy_ns.saturating_sub(self.busy_ns), time_ns);
        if cpu.is_ok() {
            *self = Self { start_ns: self.start_ns, ..looked };
        }
        Share { cpu, start_ns: self.start_ns, is_remembered: true }
    }
}

fn percent(busy_ns: u64, time_ns: u64) -> Reading<f32> {
    if time_ns < WINDOW_NS {
        return Err(NoData::Pending);
    }
    Ok(narrow(busy_ns as f64 / time_ns as f64 * 100.0))
}

/// Ticks are coarser than the last bits of an f32.
#[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
fn narrow(share: f64) -> f32 {
    share as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    fn at(seconds: u64) -> Now {
        let mono_ns = seconds * SECOND_NS;
        Now { mono_ns, boot_ns: mono_ns, wall_ns: 0 }
    }

    #[test]
    fn who_started_when_is_told_once_and_the_table_never_grows() {
        let mut shares = Shares::new();
        let capacity = shares.capacity();
        let count = u32::try_from(PROCESSES_MAX).unwrap();
        shares.begin();
        for pid in (1..=count + 1).rev() {
            let look = Look { pid, start: 7, start_ns: u64::from(pid), busy_ns: 0 };
            assert_eq!(shares.note(&look, at(1)).is_remembered, pid > 1);
        }
        assert_eq!((shares.pids().count(), shares.capacity()), (PROCESSES_MAX, capacity));
        assert!(shares.pids().is_sorted());
        shares.end(SECOND_NS);
        shares.begin();
        // The kernel tells another start of the same process, because a clock was set.
        let look = Look { pid: 9, start: 7, start_ns: 500, busy_ns: SECOND_NS };
        let share = shares.note(&look, at(3));
        assert_eq!((share.cpu, share.start_ns), (Ok(50.0), 9));
        let again = shares.note(&Look { busy_ns: 3 * SECOND_NS, ..look }, at(4));
        assert_eq!((again.cpu, again.start_ns), (Ok(200.0), 9));
        shares.end(3 * SECOND_NS);
        assert_eq!(shares.pids().collect::<Vec<_>>(), [9]);
        // Another one has its number, and started after the pass before.
        shares.begin();
        let other = Look { pid: 9, start: 8, start_ns: 4 * SECOND_NS, busy_ns: SECOND_NS };
        assert_eq!(shares.note(&other, at(8)).cpu, Ok(25.0));
        shares.forget();
        assert_eq!(shares.note(&other, at(9)).cpu, Err(NoData::Pending));
    }
}
