//! Processes as a line.

use crate::json::Writer;
use crate::json::notice_line::write_list;
use crate::json::vitals_line::{write_merged, write_number, write_start};
use crate::processes::{Process, Processes};
use crate::state::State;

/// Writes the members of a processes object, without its closing brace; `merged` is the last.
pub(super) fn write_processes(
    w: &mut Writer<'_>,
    processes: &Processes,
    sequence: Option<u64>,
    wall_ns: u64,
) {
    let fixed = &processes.fixed;
    write_start(w, "processes", sequence, wall_ns);
    match fixed.total() {
        Some(total) => write_number(w, "total", total),
        None => w.raw(",\"total\":null"),
    }
    if fixed.state() != State::Ok {
        w.raw(",\"state\":");
        w.string(fixed.state().name());
    }
    if fixed.is_truncated() {
        w.raw(",\"truncated\":true");
    }
    write_number(w, "scan_ms", fixed.scan_ms.get());
    w.raw(",\"processes\":");
    write_list(w, processes.entries.iter(), write_process);
    write_merged(w, fixed.merged.get());
}

fn write_process(w: &mut Writer<'_>, process: &Process) {
    w.raw("{\"pid\":");
    w.integer(u64::from(process.pid.get()));
    w.raw(",\"name\":");
    w.string(process.name());
    w.raw(",\"cpu\":");
    w.float(process.cpu.get());
    w.raw(",\"memory\":");
    w.integer(process.memory.get());
    w.raw(",\"state\":");
    w.string(process.state().encode_utf8(&mut [0; 4]));
    write_number(w, "uid", process.uid.get());
    w.raw(",\"start_s\":");
    w.seconds(process.start_ns.get());
    for (key, rank) in
        [("rank_by_cpu", process.rank_by_cpu), ("rank_by_memory", process.rank_by_memory)]
    {
        if rank > 0 {
            write_number(w, key, rank.into());
        }
    }
    w.raw("}");
}
