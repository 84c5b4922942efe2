//! The vitals as lines, for terminals that have no room for panels: what matters most first.

use kymo_client::State;
use kymo_protocol::Field;

use super::told::{Told, bytes, field, percent, rate};
use super::{Pen, Scene};
use crate::model::{Reading, Series};
use crate::numbers::float;
use crate::quantity::quantity;
use crate::theme::Role;

/// Columns of a label, and columns from which on there is one.
const LABEL: u16 = 7;
const WIDTH_MIN: u16 = 16;

pub fn draw(pen: &mut Pen<'_>, scene: &Scene<'_>) {
    let rows = rows(scene);
    for ((label, told, share), y) in rows.into_iter().zip(0..pen.height()) {
        let has_label = pen.width() >= WIDTH_MIN;
        let start = if has_label { LABEL } else { 0 };
        pen.text(0, y, label, Role::Faint);
        let role = share.map_or(told.role, |share| pen.ink.level(share));
        pen.within(start, y, u16::MAX, 1).clear();
        let x = pen.text(start, y, &told.text, role);
        let room = pen.width().saturating_sub(x + 2);
        if share.is_some() && room >= 8 {
            pen.bar(x + 1, y, room.min(30), share, role);
        }
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
