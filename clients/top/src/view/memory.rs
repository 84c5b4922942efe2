//! Memory: how much of it is in use, over time, and for what.

use kymo_protocol::Field;

use super::told::{Told, bytes, field, percent};
use super::{Hidden, Paint, Pen, Scene};
use crate::layout::Panel;
use crate::model::{Reading, Series};
use crate::theme::Role;

/// Columns of the list beside the graph: a label, a bar and a number; and fewer than which leave no
/// room for it.
const SIDE: u16 = BAR_START + BAR + 11;
const BAR_START: u16 = 11;
const BAR: u16 = 6;
const WIDTH_MIN: u16 = 44;

pub fn draw(pen: &mut Pen<'_>, scene: &mut Scene<'_>) -> Hidden {
    let model = scene.model;
    let usage = field(model, Field::MemoryUsage, |vitals| vitals.memory_usage.get().into());
    let title = format!("memory {}", Told::aged(usage, percent).text);
    let has_focus = scene.has_focus(Panel::Memory);
    let room = pen.width().saturating_sub(2);
    let side = if pen.width() >= WIDTH_MIN { SIDE } else { 0 };
    let graph_width = room - side.min(room);
    let amounts = [Field::MemoryUsed, Field::MemoryTotal].map(|of| reading(scene, of));
    let note = match amounts.iter().any(|amount| amount.value.is_some()) {
        true => amounts.map(|amount| Told::of(amount, bytes).text).join(" of "),
        // The title has the word for it.
        false => String::new(),
    };
    let mut inner = pen.framed(&title, &note, has_focus);
    let (width, height) = (inner.width(), inner.height());
    let mut graph = inner.within(0, 0, graph_width, height);
    scene.graph(&mut graph, Series::Memory, Paint::Level);
    if usage.value.is_none() {
        graph.text(1, 0, usage.state.name(), Role::Faint);
    }
    if side == 0 {
        return Hidden::default();
    }
    let rows = rows(scene);
    let mut side = inner.within(graph_width, 0, width - graph_width, height);
    super::list(&mut side, scene, Panel::Memory, rows.len(), |pen, place, _| {
        draw_row(pen, &rows[place]);
    })
}

/// A number of bytes of the vitals.
fn reading(scene: &Scene<'_>, of: Field) -> Reading {
    field(scene.model, of, |vitals| {
        crate::numbers::float(match of {
            Field::MemoryTotal => vitals.memory_total.get(),
            Field::MemoryUsed => vitals.memory_used.get(),
            Field::SwapTotal => vitals.swap_total.get(),
            _ => vitals.swap_used.get(),
        })
    })
}

/// A part, and the whole that its bar is a share of.
struct Row {
    label: &'static str,
    part: Reading,
    whole: Option<f64>,
}

fn rows(scene: &Scene<'_>) -> Vec<Row> {
    let total = reading(scene, Field::MemoryTotal).value;
    let mut rows =
        vec![Row { label: "used", part: reading(scene, Field::MemoryUsed), whole: total }];
    let parts = ["cached", "buffers", "shared", "free", "available"];
    rows.extend(parts.into_iter().filter_map(|label| {
        let part = scene.model.sensors().memory_part(label)?;
        Some(Row { label, part, whole: total })
    }));
    let swap = reading(scene, Field::SwapTotal);
    let part = if swap.value.is_some() { reading(scene, Field::SwapUsed) } else { swap };
    rows.insert(1, Row { label: "swap", part, whole: swap.value });
    rows
}

fn draw_row(pen: &mut Pen<'_>, row: &Row) {
    pen.text(1, 0, row.label, Role::Faint);
    let has_none = row.whole == Some(0.0) && row.part.value == Some(0.0);
    let told = if has_none {
        Told { text: "none".into(), role: Role::Faint }
    } else {
        Told::of(row.part, bytes)
    };
    let start = pen.right(pen.width(), 0, &told.text, told.role);
    let share = row.part.value.zip(row.whole).map(|(part, whole)| part / whole);
    let is_good = !matches!(row.label, "used" | "swap");
    let role = if is_good { Role::Inward } else { pen.ink.level(share.unwrap_or(0.0)) };
    // Bars can be held against each other only if all are of one length; an empty one would be 0.
    if let Some(share) = share.filter(|_| start > BAR_START + BAR && !has_none) {
        pen.bar(BAR_START, 0, BAR, share, role);
    }
}
