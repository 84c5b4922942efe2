//! Processes as lines of a block, those that use processors above those that use memory.

use kymo_client::{Process, Processes};

use crate::block::{Line, Tone};
use crate::units::{age, bytes};

/// Rows of each list where the terminal does not say how high it is.
const ROWS: usize = 10;

/// The lines of a frame, `rows` at most if that is a number. Names are as they came: they are made
/// harmless where lines are drawn.
pub fn process_lines(processes: &Processes, rows: Option<usize>) -> Vec<Line> {
    let mut lines = vec![total(processes)];
    lines.push(line("", "  cpu %     memory  state      pid      uid  name".into(), Tone::Faint));
    // What is over belongs to the first list, and what that does not need to the second.
    let each = rows.map_or(ROWS, |rows| rows.saturating_sub(lines.len()) / 2);
    for (label, rank) in [("by cpu", cpu as fn(&Process) -> u8), ("by memory", memory)] {
        let mut list: Vec<_> = processes.entries.iter().filter(|entry| rank(entry) > 0).collect();
        list.sort_by_key(|entry| rank(entry));
        let labels = std::iter::once(label).chain(std::iter::repeat(""));
        lines.extend(labels.zip(list).take(each).map(|(label, entry)| row(label, entry)));
    }
    lines
}

const fn cpu(entry: &Process) -> u8 {
    entry.rank_by_cpu
}

const fn memory(entry: &Process) -> u8 {
    entry.rank_by_memory
}

fn total(processes: &Processes) -> Line {
    let fixed = &processes.fixed;
    let Some(total) = fixed.total() else {
        return line("processes", fixed.state().name().into(), Tone::Faint);
    };
    let mut value = total.to_string();
    if fixed.is_truncated() {
        value.push_str(", of which not all could be looked at");
    }
    if fixed.by_cpu.get() == 0 {
        value.push_str("; shares of processors come with the next look");
    }
    if let Some(age) = age(fixed.scan_ms.get()) {
        value = format!("{value}; looked at from {age} on");
    }
    line("processes", value, Tone::Plain)
}

fn row(label: &'static str, entry: &Process) -> Line {
    let share = entry.cpu.get();
    let share = if share.is_finite() { format!("{share:.1}") } else { "-".into() };
    let value = format!(
        "{share:>7} {:>10}  {:<5} {:>8} {:>8}  {}",
        bytes(entry.memory.get()),
        entry.state(),
        entry.pid.get(),
        entry.uid.get(),
        entry.name(),
    );
    line(label, value, Tone::Plain)
}

const fn line(label: &'static str, value: String, tone: Tone) -> Line {
    Line { label, value, tone }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_client::{Body, Frame, State};
    use kymo_protocol::Stamp;

    fn lines(rows: Option<usize>, fill: impl FnOnce(&mut Processes)) -> Vec<(String, String)> {
        let mut bytes = vec![0; Processes::frame_size(3)];
        let (told, _) = Processes::emit(&mut bytes, 1, Stamp { boot_ns: 0 }, 3).unwrap();
        for (entry, pid) in told.entries.iter_mut().zip(1..) {
            entry.pid.set(pid);
            entry.set_state(b'S');
            entry.set_name(b"sh");
            entry.memory.set(u64::from(pid) << 20);
            entry.cpu.set(if pid == 3 { f32::NAN } else { 12.34 });
            entry.rank_by_memory = u8::try_from(4 - pid).unwrap();
        }
        told.entries[1].rank_by_cpu = 1;
        told.fixed.by_cpu.set(1);
        told.fixed.by_memory.set(3);
        told.fixed.set_total(State::Ok, 9);
        fill(told);
        let Body::Processes(told) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        let lines = process_lines(told, rows);
        lines.into_iter().map(|line| (line.label.into(), line.value)).collect()
    }

    #[test]
    fn lists_stand_in_the_order_of_their_ranks() {
        let shown = lines(None, |_| ());
        let labels: Vec<_> = shown.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["processes", "", "by cpu", "by memory", "", ""]);
        assert_eq!(shown[0].1, "9");
        assert_eq!(shown[2].1, "   12.3    2.0 MiB  S            2        0  sh");
        assert_eq!(shown[3].1, "      -    3.0 MiB  S            3        0  sh");
        assert_eq!(lines(Some(4), |_| ()).len(), 4);
    }

    #[test]
    fn what_is_not_known_is_said() {
        let shown = lines(None, |told| {
            told.fixed.set_truncated(true);
            told.fixed.by_cpu.set(0);
            told.entries[1].rank_by_cpu = 0;
            told.fixed.scan_ms.set(5000);
        });
        for word in ["not all", "next look", "5 s ago"] {
            assert!(shown[0].1.contains(word), "{shown:?}");
        }
        let mut bytes = vec![0; Processes::frame_size(0)];
        let (told, _) = Processes::emit(&mut bytes, 1, Stamp { boot_ns: 0 }, 0).unwrap();
        told.fixed.set_total(State::Denied, 0);
        assert_eq!(process_lines(told, None)[0].value, "denied");
    }
}
