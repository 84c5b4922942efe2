//! What keys do, over everything else.

use ratatui::layout::Rect;

use super::{Pen, Scene};
use crate::theme::Role;

const KEYS: [(&str, &str); 17] = [
    ("q, ctrl-c", "end"),
    ("?, h", "this help"),
    ("space", "freeze what is shown; the same goes on"),
    ("+ -", "less or more time in the graphs"),
    ("tab, shift-tab", "the next panel, the one before"),
    ("enter", "this panel alone, and all again"),
    ("up down j k", "move in a list; also the wheel"),
    ("pgup pgdn home end", "by pages, to its ends"),
    ("s", "order: cpu, memory, pid, name"),
    ("c m p n", "order by one of these"),
    ("r", "the other way round"),
    ("/", "only processes like that"),
    ("esc", "no filter, no help, all panels"),
    ("g", "symbols: braille, block, ascii"),
    ("t", "colours"),
    ("ctrl-l", "draw everything anew"),
    ("ctrl-z", "back to the shell; fg returns"),
];

/// Columns of a key.
const KEY: u16 = 19;

const WIDTH: u16 = 62;
const HEIGHT: u16 = 23;

/// Where it is, in the midst of `area`.
pub fn area(area: Rect) -> Rect {
    let (width, height) = (WIDTH.min(area.width), HEIGHT.min(area.height));
    let (x, y) = ((area.width - width) / 2, (area.height - height) / 2);
    Rect { x: area.x + x, y: area.y + y, width, height }
}

pub fn draw(pen: &mut Pen<'_>, _scene: &Scene<'_>) {
    if pen.height() < 5 || pen.width() < 20 {
        pen.text(0, 0, "q quit, ? back", Role::Focus);
        return;
    }
    let mut inner = pen.framed("keys", "esc closes", true);
    let rows = KEYS.into_iter().zip(0..);
    let mut last = 0;
    for ((key, does), y) in rows {
        inner.text(1, y, key, Role::Focus);
        inner.text(KEY + 1, y, does, Role::Text);
        last = y + 1;
    }
    let words = [
        "A word in the place of a number says why there is none:",
        "pending, asleep, gated, fault, denied, absent. held is the",
        "last value of a sensor that does not answer.",
    ];
    for (word, y) in words.into_iter().zip(last + 1..) {
        inner.text(1, y, word, Role::Faint);
    }
}
