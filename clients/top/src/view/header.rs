//! The line at the top, which says whose values these are and of when; and the one at the bottom,
//! which says what keys do.

use kymo_protocol::{Field, SystemState};

use super::told::{Told, field};
use super::{Pen, Scene};
use crate::history::ZOOMS_MS;
use crate::layout::Panel;
use crate::model::{Reading, Sort};
use crate::quantity::span;
use crate::theme::Role;

/// Frames that do not come for so long are told, in thousandths of a second.
const SILENCE_MS: u64 = 3_000;

pub fn draw_top(pen: &mut Pen<'_>, scene: &Scene<'_>) {
    let clock = scene.moment.time(scene.moment.wall_ns);
    let end = pen.width();
    let has_clock = end >= 30;
    let end = if has_clock { pen.right(end, 0, &clock, Role::Text).saturating_sub(1) } else { end };
    let mut pen = pen.within(0, 0, end, 1);
    let x = pen.text(0, 0, "kymo", Role::Title) + 1;
    let (text, role) = condition(scene);
    let x = pen.text(x, 0, "●", role);
    let x = pen.text(x + 1, 0, &text, role) + 2;
    let state = field(scene.model, Field::SystemState, |_| 0.0);
    let verdict = scene.model.vitals().map(kymo_protocol::Vitals::verdict);
    let told =
        named("system", state, Told::of(state, |_| verdict.map_or("", SystemState::name).into()));
    let role = match verdict {
        _ if state.value.is_none() => Role::Faint,
        Some(SystemState::Critical) => Role::Bad,
        Some(SystemState::Elevated) => Role::Raised,
        _ => Role::Good,
    };
    let x = pen.text(x, 0, &told.text, role) + 2;
    let count =
        field(scene.model, Field::ProcessCount, |vitals| f64::from(vitals.process_count.get()));
    let told = named("processes", count, Told::of(count, |count| format!("{count} processes")));
    let x = pen.text(x, 0, &told.text, told.role) + 2;
    let battery =
        field(scene.model, Field::BatteryCharge, |vitals| vitals.battery_charge.get().into());
    let x = match battery.value {
        Some(charge) => pen.text(x, 0, &format!("battery {charge:.0} %"), Role::Text) + 2,
        None => x,
    };
    pen.text(x, 0, scene.model.link().source(), Role::Faint);
}

/// A state's word alone would not say of what it is.
fn named(what: &str, reading: Reading, told: Told) -> Told {
    match reading.value {
        Some(_) => told,
        None => Told { text: format!("{what} {}", told.text), ..told },
    }
}

/// Whether what is shown is of now.
fn condition(scene: &Scene<'_>) -> (String, Role) {
    let link = scene.model.link();
    let wall_ns = scene.moment.wall_ns;
    let since_ms = |past_ns: u64| wall_ns.saturating_sub(past_ns) / 1_000_000;
    if scene.look.is_paused {
        let events = match scene.missed {
            0 => String::new(),
            count => format!(", {count} events since"),
        };
        let time = scene.moment.time(link.heard_wall_ns());
        return (format!("paused at {time}{events}"), Role::Raised);
    }
    if let Some(lost_ns) = link.lost_wall_ns() {
        return (format!("lost {} ago", span(since_ms(lost_ns))), Role::Bad);
    }
    if !link.is_connected() || link.frames() == 0 {
        return ("waiting".into(), Role::Faint);
    }
    let silence_ms = since_ms(link.heard_wall_ns());
    if silence_ms > SILENCE_MS.max(link.interval_ns() / 500_000) {
        return (format!("nothing for {}", span(silence_ms)), Role::Bad);
    }
    (format!("{} Hz", f64::from(link.rate_mhz()) / 1000.0), Role::Good)
}

pub fn draw_bottom(pen: &mut Pen<'_>, scene: &Scene<'_>) {
    let look = &scene.look;
    if look.is_typing {
        let x = pen.text(0, 0, "filter /", Role::Focus);
        let x = pen.text(x, 0, &look.filter, Role::Text);
        let x = pen.text(x, 0, "_", Role::Focus) + 2;
        pen.text(x, 0, "enter keeps it, esc clears it", Role::Faint);
        return;
    }
    let sort = match look.sort {
        Sort::Cpu => "cpu",
        Sort::Memory => "memory",
        Sort::Pid => "pid",
        Sort::Name => "name",
    };
    let zoom = span(ZOOMS_MS[look.zoom.min(ZOOMS_MS.len() - 1)]);
    let pause = if look.is_paused { "go on" } else { "pause" };
    let sort = format!("sort:{sort}");
    let zoom = format!("zoom:{zoom}");
    let mut keys = vec![("q", "quit"), ("?", "help"), ("space", pause)];
    if look.focus == Panel::Processes {
        keys.extend([("s", sort.as_str()), ("/", "filter")]);
    }
    let alone = if look.is_alone { "all panels" } else { "alone" };
    keys.extend([("+-", zoom.as_str()), ("tab", "panel"), ("enter", alone)]);
    keys.extend([("g", look.symbols.name()), ("t", look.ink.name())]);
    let mut x = 0;
    for (key, does) in keys {
        // Whole or not at all.
        let size = crate::numbers::extent(key.len() + 1 + does.len());
        if x + size > pen.width() {
            break;
        }
        x = pen.text(x, 0, key, Role::Focus) + 1;
        x = pen.text(x, 0, does, Role::Faint) + 2;
    }
}
