//! What a pass over the processes found, as a frame.

use kymo_platform::clock::Now;
use kymo_platform::{Process as Found, Ranking};
use kymo_protocol::limits::{PROCESS_RANKS_MAX, PROCESSES_MAX};
use kymo_protocol::{FrameError, Process, Processes, Stamp, State};

const NS_PER_MS: u64 = 1_000_000;

/// Writes the frame of a pass. A process among the first by both has one entry.
pub fn write_processes(
    buffer: &mut [u8],
    sequence: u64,
    ranking: &Ranking,
    now: Now,
) -> Result<usize, FrameError> {
    let by_cpu = ranking.by_cpu.get(..PROCESS_RANKS_MAX).unwrap_or(&ranking.by_cpu);
    let by_memory = ranking.by_memory.get(..PROCESS_RANKS_MAX).unwrap_or(&ranking.by_memory);
    let mut found: heapless::Vec<(&Found, u8, u8), PROCESSES_MAX> = heapless::Vec::new();
    for (process, rank) in by_cpu.iter().zip(1..) {
        let _ = found.push((process, rank, 0));
    }
    for (process, rank) in by_memory.iter().zip(1..) {
        let is_same =
            |other: &Found| (other.pid, other.start_ns) == (process.pid, process.start_ns);
        match found.iter_mut().find(|(other, ..)| is_same(other)) {
            Some((.., by_memory)) => *by_memory = rank,
            // There is room for both lists.
            None => drop(found.push((process, 0, rank))),
        }
    }
    let stamp = Stamp { boot_ns: now.boot_ns };
    let (processes, size) = Processes::emit(buffer, sequence, stamp, found.len())?;
    let short = |count: usize| u16::try_from(count).unwrap_or(0);
    processes.fixed.by_cpu.set(short(by_cpu.len()));
    processes.fixed.by_memory.set(short(by_memory.len()));
    processes.fixed.set_truncated(ranking.truncated);
    let state = ranking.total.map_or_else(State::from, |_| State::Ok);
    processes.fixed.set_total(state, ranking.total.unwrap_or(0));
    if ranking.total.is_ok() {
        let age_ms = now.mono_ns.saturating_sub(ranking.began_ns) / NS_PER_MS;
        processes.fixed.scan_ms.set(u32::try_from(age_ms).unwrap_or(u32::MAX));
    }
    for (entry, (process, by_cpu, by_memory)) in processes.entries.iter_mut().zip(&found) {
        fill(entry, process);
        (entry.rank_by_cpu, entry.rank_by_memory) = (*by_cpu, *by_memory);
    }
    Ok(size)
}

fn fill(entry: &mut Process, process: &Found) {
    entry.pid.set(process.pid);
    entry.uid.set(process.uid);
    entry.start_ns.set(process.start_ns);
    entry.memory.set(process.memory);
    entry.cpu.set(process.cpu.unwrap_or(f32::NAN));
    entry.set_state(process.state);
    entry.set_name(process.name.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Body, Frame, NoData};

    const NOW: Now = Now { mono_ns: 90 * NS_PER_MS, boot_ns: 5, wall_ns: 0 };

    fn process(pid: u32, start_ns: u64, cpu: Option<f32>) -> Found {
        let mut name = heapless::String::new();
        name.push_str("\u{1b}[2Jé").unwrap();
        let cpu = cpu.ok_or(NoData::Pending);
        Found { pid, uid: 7, start_ns, memory: 1 << 20, cpu, state: b'R', name }
    }

    fn frame(ranking: &Ranking) -> Vec<u8> {
        let mut bytes = vec![0xFF; Processes::frame_size(PROCESSES_MAX)];
        let size = write_processes(&mut bytes, 3, ranking, NOW).unwrap();
        bytes.truncate(size);
        bytes
    }

    #[test]
    fn a_process_of_both_lists_stands_there_once() {
        let mut ranking = Ranking { total: Ok(9), truncated: true, ..Ranking::default() };
        ranking.began_ns = 50 * NS_PER_MS;
        ranking.by_cpu.extend([process(1, 4, Some(50.0)), process(2, 4, Some(9.0))]);
        // The number of the first, and another process.
        ranking.by_memory.extend([process(2, 4, Some(9.0)), process(1, 5, None)]);
        let bytes = frame(&ranking);
        let Body::Processes(told) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        let entry = |entry: &Process| {
            (entry.pid.get(), entry.start_ns.get(), entry.rank_by_cpu, entry.rank_by_memory)
        };
        let entries: Vec<_> = told.entries.iter().map(entry).collect();
        assert_eq!(entries, [(1, 4, 1, 0), (2, 4, 2, 1), (1, 5, 0, 2)]);
        let first = &told.entries[0];
        assert_eq!((first.name(), first.state(), first.uid.get()), ("?[2Jé", 'R', 7));
        assert!(
            (first.cpu.get() - 50.0).abs() < f32::EPSILON && told.entries[2].cpu.get().is_nan()
        );
        let fixed = &told.fixed;
        assert_eq!((fixed.total(), fixed.scan_ms.get(), fixed.is_truncated()), (Some(9), 40, true));
        assert_eq!((fixed.by_cpu.get(), fixed.by_memory.get()), (2, 2));
    }

    #[test]
    fn two_full_lists_fit_and_nothing_is_told_as_such() {
        let mut ranking = Ranking { total: Ok(64), ..Ranking::default() };
        ranking.by_cpu.extend((0..32).map(|pid| process(pid, 0, Some(1.0))));
        ranking.by_memory.extend((32..64).map(|pid| process(pid, 0, None)));
        let bytes = frame(&ranking);
        let Body::Processes(told) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!((told.entries.len(), told.entries[63].rank_by_memory), (64, 32));
        let none = Ranking { total: Err(NoData::Denied), ..Ranking::default() };
        let bytes = frame(&none);
        let Body::Processes(told) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!((told.fixed.total(), told.fixed.state()), (None, State::Denied));
        assert_eq!((told.entries.len(), told.fixed.scan_ms.get()), (0, 0));
    }
}
