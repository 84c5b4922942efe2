//! Processors: how busy all of them are, over time, and each of them now.

use kymo_protocol::Field;

use super::told::{Told, field, percent};
use super::{Hidden, Paint, Pen, Scene};
use crate::layout::Panel;
use crate::model::{Core, Series};
use crate::numbers::extent;
use crate::quantity::quantity;
use crate::theme::Role;

/// Columns of one processor: its number, a bar and its share.
const CORE_WIDTH: u16 = 18;
const BAR: u16 = 8;

pub fn draw(pen: &mut Pen<'_>, scene: &mut Scene<'_>) -> Hidden {
    let model = scene.model;
    let usage = field(model, Field::CpuUsage, |vitals| vitals.cpu_usage.get().into());
    let title = format!("cpu {}", Told::aged(usage, percent).text);
    let has_focus = scene.has_focus(Panel::Cpu);
    let cores = model.sensors().cores();
    let room = pen.width().saturating_sub(2);
    // At most half of the panel, and no column that no processor is in.
    let rows = pen.height().saturating_sub(2).max(1);
    let wanted = extent(cores.len()).div_ceil(rows).max(1);
    let columns = wanted.min((room / 2) / CORE_WIDTH);
    let side = if cores.is_empty() { 0 } else { columns * CORE_WIDTH };
    let graph_width = room - side.min(room);
    let note = format!("load {}  last {}", load(scene), scene.span(graph_width));
    let mut inner = pen.framed(&title, &note, has_focus);
    let (width, height) = (inner.width(), inner.height());
    let mut graph = inner.within(0, 0, graph_width, height);
    scene.graph(&mut graph, Series::Cpu, Paint::Level);
    if usage.value.is_none() {
        graph.text(1, 0, usage.state.name(), Role::Faint);
    }
    if columns == 0 || side == 0 {
        return Hidden::default();
    }
    let mut side = inner.within(graph_width, 0, width - graph_width, height);
    // Row by row, so that a list that is scrolled moves by whole rows.
    let total = cores.len().div_ceil(usize::from(columns));
    super::list(&mut side, scene, Panel::Cpu, total, |pen, row, scene| {
        let first = row * usize::from(columns);
        for (core, column) in cores.iter().skip(first).zip(0..columns) {
            draw_core(&mut pen.within(column * CORE_WIDTH, 0, CORE_WIDTH, 1), core, scene);
        }
    })
}

fn load(scene: &Scene<'_>) -> String {
    let mean =
        |place: usize| field(scene.model, Field::Load, |vitals| vitals.load[place].get().into());
    let first = mean(0);
    if first.value.is_none() {
        return first.state.name().into();
    }
    let [one, five, fifteen] = [0, 1, 2].map(|place| Told::of(mean(place), |x| format!("{x:.2}")));
    format!("{} {} {}", one.text, five.text, fifteen.text)
}

fn draw_core(pen: &mut Pen<'_>, core: &Core, scene: &Scene<'_>) {
    let sensors = scene.model.sensors();
    let usage = sensors.reading_of(core.usage).unwrap_or(crate::model::Reading::PENDING);
    pen.text(1, 0, &format!("{:<2}", core.number), Role::Faint);
    let end = pen.width();
    // Of a list of few, the clock is what else is worth knowing.
    let told = match (usage.value, sensors.reading_of(core.frequency).and_then(|it| it.value)) {
        (None, Some(hertz)) => Told { text: quantity(hertz, "Hz", ""), role: Role::Faint },
        _ => Told::of(usage, |share| format!("{:.0} %", share * 100.0)),
    };
    let start = pen.right(end, 0, &told.text, told.role);
    // An empty bar would be 0.
    if let Some(share) = usage.value.filter(|_| start > BAR + 4) {
        let role = pen.ink.level(share);
        pen.bar(4, 0, BAR, share, role);
    }
}
