//! The connection, the daemon behind it and this program: rates, losses and costs.

use kymo_protocol::Field;

use super::told::{Told, field};
use super::{Hidden, Pen, Scene};
use crate::layout::Panel;
use crate::model::{DaemonStatus, Link};
use crate::quantity::span;
use crate::theme::Role;
use crate::units::duration;

/// Columns of a label.
const LABEL: u16 = 9;

pub fn draw(pen: &mut Pen<'_>, scene: &mut Scene<'_>) -> Hidden {
    let has_focus = scene.has_focus(Panel::Health);
    let rows = rows(scene);
    let mut inner = pen.framed("health", "", has_focus);
    super::list(&mut inner, scene, Panel::Health, rows.len(), |pen, place, _| {
        if let Some((label, told)) = rows.get(place) {
            pen.text(1, 0, label, Role::Faint);
            pen.text(1 + LABEL, 0, &told.text, told.role);
        }
    })
}

type Row = (&'static str, Told);

fn plain(text: impl Into<String>) -> Told {
    Told { text: text.into(), role: Role::Text }
}

fn rows(scene: &Scene<'_>) -> Vec<Row> {
    let link = scene.model.link();
    let mut rows = vec![("source", source(scene, link)), ("frames", frames(link))];
    rows.push(("lost", losses(link)));
    match link.status() {
        Some(Ok(status)) => rows.extend(status_rows(status)),
        Some(Err(why)) => rows.push(("daemon", Told { text: why.clone(), role: Role::Faint })),
        None => {}
    }
    if let Some(share) = link.own_cpu() {
        rows.push(("this", plain(format!("takes {:.1} % of a CPU", share * 100.0))));
    }
    let uptime =
        field(scene.model, Field::Uptime, |vitals| crate::numbers::float(vitals.uptime_ns.get()));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    rows.push(("machine", Told::of(uptime, |ns| format!("up {}", duration(ns as u64)))));
    rows
}

fn source(scene: &Scene<'_>, link: &Link) -> Told {
    match link.lost_wall_ns() {
        Some(lost_ns) => {
            let since_ns = scene.moment.wall_ns.saturating_sub(lost_ns);
            let text = format!("lost {} ago: {}", span(since_ns / 1_000_000), link.source());
            Told { text, role: Role::Bad }
        }
        None if link.is_connected() => plain(link.source()),
        None => Told { text: format!("waiting for {}", link.source()), role: Role::Faint },
    }
}

fn frames(link: &Link) -> Told {
    let hz = f64::from(link.rate_mhz()) / 1000.0;
    plain(format!("{} at {hz} Hz, {} merged", link.frames(), link.merged()))
}

fn losses(link: &Link) -> Told {
    let (events, frames) = link.lost();
    let again = link.connections().saturating_sub(1);
    let text = format!("{events} events, {frames} frames, reconnects {again}");
    let role = if events + frames > 0 { Role::Bad } else { Role::Text };
    Told { text, role }
}

fn status_rows(status: &DaemonStatus) -> Vec<Row> {
    let unknown = || "?".to_string();
    let number = |value: Option<u64>| value.map_or_else(unknown, |value| value.to_string());
    let version = status.version.clone().unwrap_or_else(unknown);
    let uptime =
        status.uptime_s.map_or_else(unknown, |seconds| crate::quantity::quantity(seconds, "s", ""));
    let clients = number(status.clients);
    let ending = if status.clients == Some(1) { "" } else { "s" };
    let text = format!("{version}, up {uptime}, {clients} client{ending}");
    let mut rows = vec![("daemon", plain(text))];
    let cost =
        status.cost.map_or("pending".into(), |share| format!("{:.2} % of a CPU", share * 100.0));
    let allocations = number(status.heap_allocations);
    let text = format!("sensors {cost}, {allocations} allocations");
    rows.push(("cost", plain(text)));
    if let Some((half, most)) = status.latency_ns {
        let text = format!("p50 {} µs, p99 {} µs", half / 1000, most / 1000);
        rows.push(("latency", plain(text)));
    }
    if status.journal_is_failing {
        let text = "the journal can't be written".to_string();
        rows.push(("journal", Told { text, role: Role::Bad }));
    }
    if let Some(dropped @ 1..) = status.events_dropped {
        let text = format!("{dropped} events: the inbox was full");
        rows.push(("dropped", Told { text, role: Role::Bad }));
    }
    rows
}
