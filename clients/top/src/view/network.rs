//! The network: what comes in and goes out, over time, and through which interface.

use kymo_protocol::Field;

use super::told::{bytes, field, rate};
use super::{Hidden, Paint, Pen, Scene};
use crate::layout::Panel;
use crate::model::{Reading, Series};
use crate::numbers::float;
use crate::theme::Role;

pub fn draw(pen: &mut Pen<'_>, scene: &mut Scene<'_>) -> Hidden {
    let model = scene.model;
    let received =
        field(model, Field::NetworkRxBytes, |vitals| float(vitals.network_rx_bytes.get()));
    let sent = field(model, Field::NetworkTxBytes, |vitals| float(vitals.network_tx_bytes.get()));
    let flows = [
        Flow { series: Series::Received, label: "in", reading: received, role: Role::Inward },
        Flow { series: Series::Sent, label: "out", reading: sent, role: Role::Outward },
    ];
    let has_focus = scene.has_focus(Panel::Network);
    let note = format!("last {}", scene.span(pen.width().saturating_sub(3) / 2));
    let mut inner = pen.framed("network", &note, has_focus);
    let count = model.sensors().interfaces().len();
    let mut rest = draw_flows(&mut inner, scene, &flows, count);
    super::list(&mut rest, scene, Panel::Network, count, draw_interface)
}

/// A direction that bytes go in.
pub struct Flow {
    pub series: Series,
    pub label: &'static str,
    pub reading: Reading,
    pub role: Role,
}

/// Draws two flows beside each other; what is left below them for `rows` rows of a list.
pub fn draw_flows<'p>(
    pen: &'p mut Pen<'_>,
    scene: &Scene<'_>,
    flows: &[Flow; 2],
    rows: usize,
) -> Pen<'p> {
    let (width, height) = (pen.width(), pen.height());
    // Graphs first: the list gets what is more than four rows, and no more than half.
    let list = crate::numbers::extent(rows).min(height.saturating_sub(4).max(height / 3));
    let graph_height = height.saturating_sub(list + 1);
    for (flow, place) in flows.iter().zip(0..) {
        let start = place * (width / 2);
        let half = (width / 2).saturating_sub(1);
        let per_second = scene.model.rate(flow.series.field());
        let told = rate(Some(flow.reading), per_second);
        let mut head = pen.within(start, 0, half, 1);
        let x = head.text(0, 0, flow.label, flow.role);
        let x = head.text(x + 1, 0, &told.text, told.role);
        if let Some(total) = flow.reading.value.filter(|_| head.width() > x + 17) {
            head.right(half, 0, &format!("total {}", bytes(total)), Role::Faint);
        }
        let mut graph = pen.within(start, 1, half, graph_height);
        scene.graph(&mut graph, flow.series, Paint::Flat(flow.role));
    }
    pen.within(0, height - list.min(height), width, list)
}

fn draw_interface(pen: &mut Pen<'_>, place: usize, scene: &Scene<'_>) {
    let sensors = scene.model.sensors();
    let Some(interface) = sensors.interfaces().get(place) else { return };
    let rates = [interface.received, interface.sent]
        .map(|id| rate(sensors.reading_of(id), sensors.rate(id)));
    draw_pair(pen, &interface.name, rates.map(|told| told.text));
}

/// A name, and two rates at the right.
pub fn draw_pair(pen: &mut Pen<'_>, name: &str, [inward, outward]: [String; 2]) {
    let width = pen.width();
    let start = pen.right(width, 0, &outward, Role::Outward);
    let column = 13.min(width / 3);
    let end = start.min(width.saturating_sub(column)).saturating_sub(1);
    let start = pen.right(end, 0, &inward, Role::Inward);
    let room = start.min(end.saturating_sub(column)).saturating_sub(1);
    pen.within(0, 0, room.max(3), 1).text(0, 0, name, Role::Text);
}
