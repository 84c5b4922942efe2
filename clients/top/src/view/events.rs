//! Events as they came, the newest first, with losses and notices where they happened.

use super::{Hidden, Pen, Scene};
use crate::layout::Panel;
use crate::model::{Entry, Said};
use crate::theme::Role;

pub fn draw(pen: &mut Pen<'_>, scene: &mut Scene<'_>) -> Hidden {
    let model = scene.model;
    let has_focus = scene.has_focus(Panel::Events);
    let (lost, _) = model.link().lost();
    let title = format!("events {}", model.log().events());
    let note = if lost > 0 { format!("{lost} lost") } else { String::new() };
    let mut inner = pen.framed(&title, &note, has_focus);
    let count = model.log().len();
    if count == 0 {
        inner.text(1, 0, "none so far", Role::Faint);
    }
    let entries: Vec<&Entry> = model.log().newest().collect();
    super::list(&mut inner, scene, Panel::Events, count, |pen, place, scene| {
        if let Some(entry) = entries.get(place) {
            draw_entry(pen, entry, scene);
        }
    })
}

fn draw_entry(pen: &mut Pen<'_>, entry: &Entry, scene: &Scene<'_>) {
    let x = pen.text(0, 0, &scene.moment.time(entry.wall_ns), Role::Faint) + 1;
    let Said::Event { sequence, is_again } = entry.said else {
        let role = if entry.said == Said::Loss { Role::Bad } else { Role::Raised };
        let x = pen.text(x, 0, "!", role) + 1;
        pen.text(x, 0, &entry.detail, role);
        return;
    };
    let x = if pen.width() >= 50 {
        let place = if sequence == 0 { "-".into() } else { format!("#{sequence}") };
        pen.text(x, 0, &format!("{place:<6}"), Role::Faint) + 1
    } else {
        x
    };
    let x = pen.text(x, 0, &entry.topic, Role::Inward) + 1;
    let x = pen.text(x, 0, &entry.detail, Role::Text) + 1;
    match (sequence, is_again) {
        // No event: what an application is since then.
        (0, _) => _ = pen.text(x, 0, "(state)", Role::Faint),
        (_, true) => _ = pen.text(x, 0, "(again)", Role::Faint),
        _ => {}
    }
}
