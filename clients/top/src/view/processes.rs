//! The processes that take most, in the order that keys choose.

use super::{Hidden, Pen, Scene};
use crate::layout::Panel;
use crate::model::{ProcessRow, Sort};
use crate::quantity::span;
use crate::theme::Role;
use crate::units::bytes;

/// Columns at which each column of the table ends: number, user, share, memory.
const PID: u16 = 8;
const CPU: u16 = 17;
const MEMORY: u16 = 28;
const STATE: u16 = 30;
const UID: u16 = 38;

/// An age from which on it is told.
const AGE_MS_MIN: u32 = 2_000;

pub fn draw(pen: &mut Pen<'_>, scene: &mut Scene<'_>) -> Hidden {
    let model = scene.model;
    let (sort, is_reversed) = (scene.look.sort, scene.look.is_reversed);
    let has_focus = scene.has_focus(Panel::Processes);
    let list = model.processes();
    let rows = list.map(|list| list.rows(sort, is_reversed, &scene.look.filter));
    let rows = rows.unwrap_or_default();
    let mut notes = Vec::new();
    if !scene.look.filter.is_empty() || scene.look.is_typing {
        let cursor = if scene.look.is_typing { "_" } else { "" };
        notes.push(format!("filter /{}{cursor}", scene.look.filter));
    }
    let title = match list.map(|list| list.total) {
        None => "processes pending".into(),
        Some(Err(state)) => format!("processes {}", state.name()),
        Some(Ok(total)) => format!("processes {} of {total}", rows.len()),
    };
    if let Some(list) = list {
        if list.is_truncated {
            notes.push("not all could be looked at".into());
        }
        if !list.has_shares && list.total.is_ok() {
            notes.push("shares come with the next look".into());
        }
        if list.age_ms >= AGE_MS_MIN {
            notes.push(format!("looked at {} ago", span(list.age_ms.into())));
        }
    }
    let mut inner = pen.framed(&title, &notes.join(", "), has_focus);
    draw_head(&mut inner, sort, is_reversed);
    let (width, height) = (inner.width(), inner.height());
    let mut rest = inner.within(0, 1, width, height.saturating_sub(1));
    super::list(&mut rest, scene, Panel::Processes, rows.len(), |pen, place, _| {
        if let Some(row) = rows.get(place) {
            draw_row(pen, row);
        }
    })
}

fn draw_head(pen: &mut Pen<'_>, sort: Sort, is_reversed: bool) {
    let mark = if is_reversed { "↑" } else { "↓" };
    let has_uid = pen.width() > UID + 12;
    let columns = [
        ("pid", PID, Some(Sort::Pid)),
        ("cpu %", CPU, Some(Sort::Cpu)),
        ("memory", MEMORY, Some(Sort::Memory)),
        ("s", STATE, None),
        ("uid", if has_uid { UID } else { 0 }, None),
    ];
    for (name, end, of) in columns {
        let is_chosen = of == Some(sort);
        let text = if is_chosen { format!("{mark}{name}") } else { name.into() };
        if end > 0 {
            pen.right(end, 0, &text, if is_chosen { Role::Focus } else { Role::Faint });
        }
    }
    let name = if sort == Sort::Name { format!("{mark}name") } else { "name".into() };
    let role = if sort == Sort::Name { Role::Focus } else { Role::Faint };
    pen.text(name_column(pen), 0, &name, role);
}

fn name_column(pen: &Pen<'_>) -> u16 {
    if pen.width() > UID + 12 { UID + 2 } else { STATE + 2 }
}

fn draw_row(pen: &mut Pen<'_>, row: &ProcessRow) {
    pen.right(PID, 0, &row.pid.to_string(), Role::Faint);
    let (share, role) = match row.cpu {
        Some(share) => (
            format!("{share:.1}"),
            match share {
                share if share >= 90.0 => Role::Bad,
                share if share >= 25.0 => Role::Raised,
                _ => Role::Text,
            },
        ),
        // Not known yet.
        None => ("-".into(), Role::Faint),
    };
    pen.right(CPU, 0, &share, role);
    pen.right(MEMORY, 0, &bytes(row.memory), Role::Text);
    let role = if matches!(row.state, 'R' | 'D') { Role::Good } else { Role::Faint };
    pen.right(STATE, 0, &row.state.to_string(), role);
    if pen.width() > UID + 12 {
        pen.right(UID, 0, &row.uid.to_string(), Role::Faint);
    }
    let column = name_column(pen);
    pen.text(column, 0, &row.name, Role::Text);
}
