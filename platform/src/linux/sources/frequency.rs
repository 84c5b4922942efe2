//! The clock of each group of CPUs that share one, from cpufreq.
//!
//! On some machines the kernel asks every core and waits for it, ten milliseconds each. So a round
//! is stopped when it takes too long, and after a few such rounds the clocks are no longer asked.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, NoData, Reading};
use nix::fcntl::AT_FDCWD;

use super::cpu::CPUS_MAX;
use crate::clock;
use crate::linux::attribute::read_word;
use crate::linux::directory::for_each_entry;
use crate::linux::file::{c_path, open_directory};
use crate::linux::name::{Name, index_in};
use crate::linux::sys::EntryBuffer;
use crate::linux::text::number;
use crate::phrase::Phrase;
use crate::sort::insertion;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

const SPEC: SourceSpec = SourceSpec {
    name: "frequency",
    group: Group::Cpu,
    interval_ns: 1_000_000_000,
    cadence_ms: 0,
    cost: Cost::Moderate,
    may_block: true,
    is_vital: false,
};

/// One clock is worth so much time, and all of them so much.
const READ_NS_MAX: u64 = 1_000_000;
const ROUND_NS_MAX: u64 = 8_000_000;
/// So many rounds in a row are no accident. A round is judged by its fastest clock, because other
/// programs may have had the CPU for the others.
const SLOW_ROUNDS_MAX: u8 = 3;

/// The clocks of the CPUs.
#[derive(Debug)]
pub(super) struct Frequency {
    path: CString,
    directory: Option<OwnedFd>,
    /// Numbers of policies, ascending; never grow beyond what they were made with.
    policies: Vec<u16>,
    slow_rounds: u8,
    now_ns: fn() -> u64,
}

impl Frequency {
    pub(super) fn new(sys_root: &Path) -> Self {
        Self {
            path: c_path(&sys_root.join("devices/system/cpu/cpufreq")),
            directory: None,
            policies: Vec::with_capacity(CPUS_MAX),
            slow_rounds: 0,
            now_ns: clock::mono_ns,
        }
    }
}

impl Source for Frequency {
    fn spec(&self) -> SourceSpec {
        SPEC
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let (policies, mut omitted) = (&mut self.policies, 0u32);
        policies.clear();
        self.directory = open_directory(AT_FDCWD, &self.path).ok();
        let Some(directory) = &self.directory else { return 0 };
        let _ =
            for_each_entry(
                directory.as_fd(),
                &mut EntryBuffer::new(),
                &mut |entry| match index_in(entry.name, "policy", "") {
                    Some(policy) if policies.len() < policies.capacity() => policies.push(policy),
                    Some(_) => omitted += 1,
                    None => {}
                },
            );
        if self.slow_rounds >= SLOW_ROUNDS_MAX {
            let count = u32::try_from(policies.len()).unwrap_or(u32::MAX);
            policies.clear();
            return omitted.saturating_add(count);
        }
        insertion(policies, |one, other| one < other);
        for policy in &*policies {
            // A policy has the number of its first CPU.
            let cpu = Phrase::new().with_number(u64::from(*policy));
            let label = Phrase::new().with("cpu").with(cpu.as_str()).with(" frequency");
            let identity = Phrase::new().with("frequency/cpu").with(cpu.as_str());
            found(&SensorInfo {
                metric: known(3),
                label: label.as_str(),
                attributes: &[("cpu.logical_number", cpu.as_str())],
                identity: identity.as_str(),
                cadence_ms: SPEC.cadence_ms,
                scope: Scope::Host,
            });
        }
        omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let Some(directory) = &self.directory else { return Freshness::Current };
        let start_ns = (self.now_ns)();
        let (mut before_ns, mut fastest_ns) = (start_ns, u64::MAX);
        let (mut gone, mut asked) = (false, 0);
        for (policy, reading) in self.policies.iter().zip(&mut *readings) {
            let file = Name::indexed("policy", *policy, "/scaling_cur_freq");
            let khz = read_word(directory.as_fd(), &file);
            gone |= khz == Err(NoData::Absent);
            *reading = khz.and_then(|khz| hertz(&khz));
            asked += 1;
            let now_ns = (self.now_ns)();
            fastest_ns = fastest_ns.min(now_ns.saturating_sub(before_ns));
            before_ns = now_ns;
            if now_ns.saturating_sub(start_ns) >= ROUND_NS_MAX {
                break;
            }
        }
        let unasked = readings.iter_mut().take(self.policies.len()).skip(asked);
        unasked.for_each(|reading| *reading = Err(NoData::Pending));
        if asked > 0 {
            let count = u64::try_from(self.policies.len()).unwrap_or(u64::MAX);
            let is_slow =
                fastest_ns >= READ_NS_MAX || fastest_ns.saturating_mul(count) >= ROUND_NS_MAX;
            self.slow_rounds = if is_slow { self.slow_rounds.saturating_add(1) } else { 0 };
        }
        Freshness::stale_if(gone || (asked > 0 && self.slow_rounds >= SLOW_ROUNDS_MAX))
    }

    fn look(&mut self) -> Freshness {
        // CPUs come and go with their policies, which a read notices; the first ones don't.
        let is_there = open_directory(AT_FDCWD, &self.path).is_ok();
        Freshness::stale_if(is_there != self.directory.is_some())
    }
}

/// A stopped clock is none that can be told.
fn hertz(khz: &[u8]) -> Reading<f64> {
    let khz = number(khz).filter(|khz| (1..100_000_000).contains(khz));
    khz.map(|khz| khz as f64 * 1e3).ok_or(NoData::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static NOW_NS: Cell<u64> = const { Cell::new(0) };
        static STEP_NS: Cell<u64> = const { Cell::new(0) };
    }

    fn tick() -> u64 {
        NOW_NS.set(NOW_NS.get() + STEP_NS.get());
        NOW_NS.get()
    }

    #[test]
    fn slow_clocks_are_given_up() {
        let root = std::env::temp_dir().join(format!("kymo-frequency-{}", std::process::id()));
        for policy in 0..20 {
            let folder = root.join(format!("devices/system/cpu/cpufreq/policy{policy}"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("scaling_cur_freq"), "1800000\n").unwrap();
        }
        let mut clocks = Frequency { now_ns: tick, ..Frequency::new(&root) };
        let mut count = 0;
        assert_eq!(clocks.scan(&mut |_| count += 1), 0);
        assert_eq!(count, 20);
        let mut readings = [Err(NoData::Pending); 20];
        STEP_NS.set(1_000);
        assert_eq!(clocks.read(&mut readings), Freshness::Current);
        assert_eq!(readings, [Ok(1.8e9); 20]);
        // 3 ms a clock: each round stops after the third, and the third round is the last.
        STEP_NS.set(3_000_000);
        for expected in [Freshness::Current, Freshness::Current, Freshness::Stale] {
            assert_eq!(clocks.read(&mut readings), expected);
            assert_eq!(readings[..3], [Ok(1.8e9); 3]);
            assert_eq!(readings[3..], [Err(NoData::Pending); 17]);
        }
        count = 0;
        assert_eq!(clocks.scan(&mut |_| count += 1), 20);
        assert_eq!(count, 0);
        assert_eq!(clocks.read(&mut []), Freshness::Current);
        std::fs::remove_dir_all(root).unwrap();
    }
}
