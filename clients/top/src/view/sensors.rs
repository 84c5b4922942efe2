//! Temperatures, fans, supplies and what else watches hardware, each with its state and its age.

use kymo_client::{Instrument, State};
use kymo_protocol::Field;

use super::told::{Told, age, field};
use super::{Hidden, Paint, Pen, Scene};
use crate::layout::Panel;
use crate::model::{Hardware, Reading, Series};
use crate::quantity::{quantity, rate};
use crate::theme::Role;

/// Rows of graphs, and rows that a panel must have for them.
const GRAPH: u16 = 3;
const HEIGHT_MIN: u16 = 7;

pub fn draw(pen: &mut Pen<'_>, scene: &mut Scene<'_>) -> Hidden {
    let model = scene.model;
    let has_focus = scene.has_focus(Panel::Sensors);
    let sensors = model.sensors();
    let count = sensors.hardware().len();
    let note = match sensors.omitted() {
        0 => String::new(),
        omitted => format!("{omitted} more found no room"),
    };
    let mut inner = pen.framed("sensors", &note, has_focus);
    let vitals = [Series::Heat, Series::Power].map(|series| (series, vital(scene, series)));
    let has_graphs = inner.height() >= HEIGHT_MIN
        && vitals.iter().any(|(series, _)| model.history(*series).last().is_some());
    let top = draw_vitals(&mut inner, scene, &vitals, has_graphs);
    let (width, height) = (inner.width(), inner.height());
    let mut rest = inner.within(0, top, width, height - top.min(height));
    if count == 0 {
        let what = if sensors.is_known() { "no other sensors" } else { "sensors pending" };
        rest.text(1, 0, what, Role::Faint);
    }
    super::list(&mut rest, scene, Panel::Sensors, count, draw_row)
}

fn vital(scene: &Scene<'_>, series: Series) -> Reading {
    field(scene.model, series.field(), |vitals| match series.field() {
        Field::Temperature => vitals.temperature.get().into(),
        _ => vitals.power_watts.get().into(),
    })
}

/// The CPU's temperature and the machine's power, with graphs if there is room; rows they take.
fn draw_vitals(
    pen: &mut Pen<'_>,
    scene: &Scene<'_>,
    vitals: &[(Series, Reading); 2],
    has_graphs: bool,
) -> u16 {
    let half = pen.width() / 2;
    for ((series, reading), start) in vitals.iter().zip([0, half]) {
        let is_heat = *series == Series::Heat;
        let (label, unit) = if is_heat { ("heat", "Cel") } else { ("power", "W") };
        let mut head = pen.within(start, 0, half, 1);
        let x = head.text(1, 0, label, Role::Faint);
        let told = Told::aged(*reading, |value| quantity(value, unit, ""));
        head.text(x + 1, 0, &told.text, told.role);
        if has_graphs {
            let paint = if is_heat { Paint::Level } else { Paint::Flat(Role::Inward) };
            let width = half.saturating_sub(2);
            scene.graph(&mut pen.within(start + 1, 1, width, GRAPH), *series, paint);
        }
    }
    1 + if has_graphs { GRAPH } else { 0 }
}

fn draw_row(pen: &mut Pen<'_>, place: usize, scene: &Scene<'_>) {
    let sensors = scene.model.sensors();
    let Some(hardware) = sensors.hardware().get(place) else { return };
    let reading = sensors.reading(hardware.id);
    let told = told(hardware, reading, scene);
    let width = pen.width();
    // Ages stand below each other, and words end where values do.
    let column = if width >= 30 { 7 } else { 0 };
    let value_end = width.saturating_sub(column);
    if let Some(age) = age(reading) {
        pen.right(width, 0, &age, Role::Faint);
    }
    let start = pen.right(value_end, 0, &told.text, told.role);
    let room = start.saturating_sub(2);
    pen.within(1, 0, room, 1).text(0, 0, &hardware.label, Role::Text);
}

/// A sensor's value; of a counter what it grows in a second.
fn told(hardware: &Hardware, reading: Reading, scene: &Scene<'_>) -> Told {
    let sensors = scene.model.sensors();
    let Some(sensor) = sensors.sensor(hardware.id) else {
        return Told::of(Reading::PENDING, |_| String::new());
    };
    if sensor.instrument != Instrument::Counter {
        return Told::of(reading, |value| quantity(value, &sensor.unit, &sensor.name));
    }
    let per_second = sensors.rate(Some(sensor.id)).filter(|_| reading.value.is_some());
    let state = match reading.value {
        Some(_) if per_second.is_none() => State::Pending,
        _ => reading.state,
    };
    Told::of(Reading { state, value: per_second, ..reading }, |value| rate(value, &sensor.unit))
}
