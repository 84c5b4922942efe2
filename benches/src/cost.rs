//! What a thread or a process costs: CPU time, and how often it was woken.

use std::fs;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::Outcome;

/// CPU time of all threads of a process, those that have ended included, in nanoseconds.
///
/// # Errors
///
/// When there is no such process.
pub fn process_ns(pid: u32) -> Outcome<u64> {
    nanoseconds(clock_gettime(clock_getcpuclockid(Pid::from_raw(pid.cast_signed()))?)?)
}

/// CPU time of one thread of this process, by its number in the system.
///
/// # Errors
///
/// When there is no such thread.
pub fn thread_ns(thread: Pid) -> Outcome<u64> {
    // The kernel's own encoding: the number inverted, three bits up, "per thread" and "scheduled".
    // The C library makes its thread clocks this way, but names no thread by number.
    let clock = (!thread.as_raw() << 3) | 0b110;
    nanoseconds(clock_gettime(ClockId::from_raw(clock))?)
}

/// Nanoseconds on the clock that frames carry.
///
/// # Errors
///
/// When the system has no such clock.
pub fn boot_ns() -> Outcome<u64> {
    nanoseconds(clock_gettime(ClockId::CLOCK_BOOTTIME)?)
}

fn nanoseconds(time: TimeSpec) -> Outcome<u64> {
    Ok(u64::try_from(time.tv_sec())? * 1_000_000_000 + u64::try_from(time.tv_nsec())?)
}

/// How often the threads of a process have left a CPU: each wake-up ends in one switch.
///
/// # Errors
///
/// When the process is gone.
pub fn switches(pid: u32) -> Outcome<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between being listed and being read.
        let Ok(status) = fs::read_to_string(task?.path().join("status")) else { continue };
        let counts = status.lines().filter(|line| line.contains("ctxt_switches:"));
        for word in counts.filter_map(|line| line.split_whitespace().last()) {
            sum += word.parse::<u64>()?;
        }
    }
    Ok(sum)
}

/// System calls that read, since the start of a process; `None` where the kernel does not count.
#[must_use]
pub fn reads(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("syscr: "))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_know_this_thread() {
        let begin = thread_ns(nix::unistd::gettid()).unwrap();
        while thread_ns(nix::unistd::gettid()).unwrap() < begin + 2_000_000 {}
        assert!(process_ns(std::process::id()).unwrap() >= begin + 2_000_000);
        assert!(switches(std::process::id()).is_ok());
    }
}
