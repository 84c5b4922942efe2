//! Samples as a line.

use crate::json::Writer;
use crate::json::notice_line::write_list;
use crate::json::vitals_line::{write_merged, write_number, write_start};
use crate::samples::{Sample, Samples};
use crate::state::State;

/// Writes the members of a samples object, without its closing brace; `merged` is the last.
pub(super) fn write_samples(
    w: &mut Writer<'_>,
    samples: &Samples,
    sequence: Option<u64>,
    wall_ns: u64,
) {
    let of = samples.of();
    write_start(w, "samples", sequence, wall_ns);
    write_number(w, "topology", of.topology);
    w.raw(",\"group\":");
    w.string(of.group.name());
    if of.parts > 1 {
        write_number(w, "part", of.part.into());
        write_number(w, "parts", of.parts.into());
    }
    w.raw(",\"samples\":");
    write_list(w, samples.samples.iter(), write_sample);
    write_merged(w, samples.merged());
}

fn write_sample(w: &mut Writer<'_>, sample: &Sample) {
    w.raw("{\"id\":");
    w.integer(u64::from(sample.id.get()));
    w.raw(",\"value\":");
    let state = sample.state();
    if state.has_value() {
        w.double(sample.value.get());
    } else {
        w.raw("null");
    }
    if state != State::Ok {
        w.raw(",\"state\":");
        w.string(state.name());
    }
    if sample.age_ms.get() > 0 && state.has_value() {
        write_number(w, "age_ms", sample.age_ms.get());
    }
    w.raw("}");
}
