//! The vitals as lines, for terminals that have no room for panels: what matters most first.

use kymo_client::State;
use kymo_protocol::Field;

use super::pen::width;
use super::told::{Told, bytes, field, percent, rate};
use super::{Pen, Scene};
use crate::model::{Reading, Series};
use crate::numbers::{extent, float};
use crate::quantity::quantity;
use crate::theme::Role;

/// Columns of a label, and columns from which on values stand below each other.
const LABEL: u16 = 7;
const WIDTH_MIN: u16 = 16;

pub fn draw(pen: &mut Pen<'_>, scene: &Scene<'_>) {
    let rows = rows(scene);
    // Bars begin below each other.
    let shares = rows.iter().filter(|(.., share)| share.is_some());
    let widest = shares.map(|(_, told, _)| width(&told.text)).max().unwrap_or(0);
    for ((label, told, share), y) in rows.into_iter().zip(0..pen.height()) {
        let label = short(label, &told.text, pen.width());
        let start = match pen.width() {
            _ if label.is_empty() => 0,
            WIDTH_MIN.. => LABEL,
            _ => extent(label.len()) + 1,
        };
        pen.text(0, y, label, Role::Faint);
        let role = share.map_or(told.role, |share| pen.ink.level(share));
        pen.text(start, y, &told.text, role);
        let column = start + extent(widest) + 1;
        let room = pen.width().saturating_sub(column + 1);
        if let Some(share) = share.filter(|_| room >= 8) {
            pen.bar(column, y, room.min(30), share, role);
        }
    }
}

/// As much of `label` as leaves room for `text`: three letters at least, or nothing. What is cut
/// without it too is cut behind it.
fn short(label: &'static str, text: &str, columns: u16) -> &'static str {
    if columns >= WIDTH_MIN {
        return label;
    }
    let columns = usize::from(columns);
    let is_cut = width(text) > columns && columns > label.len() + 4;
    match columns.saturating_sub(width(text) + 1) {
        _ if is_cut => label,
        room if room >= label.len() => label,
        3.. => label.get(..3).unwrap_or(label),
        _ => "",
    }
}

type Row = (&'static str, Told, Option<f64>);

fn rows(scene: &Scene<'_>) -> Vec<Row> {
    let model = scene.model;
    let share = |reading: Reading| reading.value.map(|value| value / 100.0);
    let cpu = field(model, Field::CpuUsage, |vitals| vitals.cpu_usage.get().into());
    let memory = field(model, Field::MemoryUsage, |vitals| vitals.memory_usage.get().into());
    let disk = field(model, Field::DiskUsage, |vitals| vitals.disk_usage.get().into());
    let heat = field(model, Field::Temperature, |vitals| vitals.temperature.get().into());
    let power = field(model, Field::PowerWatts, |vitals| vitals.power_watts.get().into());
    let load = field(model, Field::Load, |vitals| vitals.load[0].get().into());
    let swap = field(model, Field::SwapUsed, |vitals| float(vitals.swap_used.get()));
    let flow = |inward: Series, outward: Series| {
        let [inward, outward] = [inward, outward].map(|series| {
            let counter = field(model, series.field(), |_| 0.0);
            rate(Some(counter), model.rate(series.field())).text
        });
        Told { text: format!("{inward}, {outward}"), role: Role::Text }
    };
    let mut rows = vec![
        ("cpu", Told::aged(cpu, percent), share(cpu)),
        ("memory", Told::aged(memory, percent), share(memory)),
        ("net", flow(Series::Received, Series::Sent), None),
        ("io", flow(Series::Read, Series::Written), None),
        ("heat", Told::aged(heat, |value| quantity(value, "Cel", "")), None),
        ("power", Told::aged(power, |value| quantity(value, "W", "")), None),
        ("disk", Told::aged(disk, percent), share(disk)),
        ("swap", Told::aged(swap, bytes), None),
        ("load", Told::aged(load, |value| format!("{value:.2}")), None),
    ];
    let (events, frames) = model.link().lost();
    if events + frames > 0 {
        let text = format!("{events} events, {frames} frames");
        rows.push(("lost", Told { text, role: Role::Bad }, None));
    }
    if let Some(entry) = model.log().newest().next() {
        let text = format!("{} {}", entry.topic, entry.detail);
        rows.push(("event", Told { text: text.trim().into(), role: Role::Text }, None));
    }
    if model.vitals().is_none() {
        let told = Told { text: State::Pending.name().into(), role: Role::Faint };
        rows.insert(0, ("kymo", told, None));
    }
    rows
}
