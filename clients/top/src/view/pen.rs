//! A part of the screen that is drawn on: the only way to its cells.
//!
//! Guarantees: nothing is drawn outside of the part; no character reaches a cell that a terminal
//! would act on, nor one that can't be seen; in the set of ASCII no other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use crate::clean::is_harmful;
use crate::numbers::{extent, part_of};
use crate::symbols::Symbols;
use crate::theme::{Ink, Role};

/// A part of the screen; see the module. Places are columns and rows within it.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    pub symbols: Symbols,
    pub ink: Ink,
}

impl<'a> Pen<'a> {
    /// A pen for `area`, as far as that lies within `buffer`.
    pub fn new(buffer: &'a mut Buffer, area: Rect, symbols: Symbols, ink: Ink) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area, symbols, ink }
    }

    /// Columns.
    pub fn width(&self) -> u16 {
        self.area.width
    }

    /// Rows.
    pub fn height(&self) -> u16 {
        self.area.height
    }

    /// A part of this part.
    pub fn within(&mut self, x: u16, y: u16, width: u16, height: u16) -> Pen<'_> {
        let (x, y) = (x.min(self.area.width), y.min(self.area.height));
        let area = Rect {
            x: self.area.x + x,
            y: self.area.y + y,
            width: width.min(self.area.width - x),
            height: height.min(self.area.height - y),
        };
        Pen { buffer: self.buffer, area, symbols: self.symbols, ink: self.ink }
    }

    /// Writes `text` and returns the column behind it.
    pub fn text(&mut self, x: u16, y: u16, text: &str, role: Role) -> u16 {
        let style = self.ink.style(role);
        self.styled(x, y, text, style)
    }

    /// The same in a style. What does not fit is cut, and a sign says so.
    pub fn styled(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        if x >= self.area.width || y >= self.area.height {
            return x;
        }
        let text = shown(text, self.symbols);
        let (start, mut end) = (x, x);
        for char in text.chars() {
            let size = columns_of(char);
            if end + size > self.area.width {
                self.mark_cut(start, end, y, style);
                return self.area.width;
            }
            match size {
                0 => self.join(end.saturating_sub(1), y, char),
                size => {
                    self.set(end, y, char, style);
                    // The second half of a wide character shows nothing of its own.
                    (end + 1..end + size).for_each(|x| self.set(x, y, ' ', style));
                }
            }
            end += size;
        }
        end
    }

    /// A text that begins at `start` is cut at `end`: a sign behind it, or in its last column.
    fn mark_cut(&mut self, start: u16, end: u16, y: u16, style: Style) {
        let mut place = end;
        if end >= self.area.width {
            place = self.area.width - 1;
            // It takes the place of a whole character, though that is wide.
            if place > start && self.symbol_width(place - 1, y) > 1 {
                self.set(place, y, ' ', style);
                place -= 1;
            }
        }
        self.put(place, y, '…', style);
    }

    fn set(&mut self, x: u16, y: u16, char: char, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((self.area.x + x, self.area.y + y)) {
            cell.set_char(char).set_style(style);
        }
    }

    /// Puts an accent on what stands there.
    fn join(&mut self, x: u16, y: u16, accent: char) {
        let is_half = x > 0 && self.symbol_width(x - 1, y) > 1;
        let x = if is_half { x - 1 } else { x };
        if let Some(cell) = self.buffer.cell_mut((self.area.x + x, self.area.y + y)) {
            let symbol = format!("{}{accent}", cell.symbol());
            cell.set_symbol(&symbol);
        }
    }

    fn symbol_width(&self, x: u16, y: u16) -> usize {
        let cell = self.buffer.cell((self.area.x + x, self.area.y + y));
        cell.map_or(0, |cell| width(cell.symbol()))
    }

    /// Writes `text` so that it ends before column `end`, and returns where it begins.
    pub fn right(&mut self, end: u16, y: u16, text: &str, role: Role) -> u16 {
        let size = extent(width(&shown(text, self.symbols)));
        let x = end.min(self.area.width).saturating_sub(size);
        self.text(x, y, text, role);
        x
    }

    /// One character of our own, of one column.
    pub fn put(&mut self, x: u16, y: u16, char: char, style: Style) {
        if x >= self.area.width || y >= self.area.height {
            return;
        }
        self.set(x, y, self.symbols.shown(char), style);
    }

    /// Empties it.
    pub fn clear(&mut self) {
        for position in self.area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
            }
        }
    }

    /// Says in the lower side of a box that more is above and below.
    pub fn foot(&mut self, above: usize, below: usize) {
        let (width, height) = (self.width(), self.height());
        let parts = [("↑", above), ("↓", below)];
        let parts = parts.into_iter().filter(|(_, count)| *count > 0);
        let text: Vec<String> = parts.map(|(mark, count)| format!("{mark} {count} more")).collect();
        if !text.is_empty() && height > 1 && width > 4 {
            let mut side = self.within(2, height - 1, width - 4, 1);
            let end = side.width();
            side.right(end, 0, &format!(" {} ", text.join("  ")), Role::Faint);
        }
    }

    /// A bar of `size` columns. What is more than nothing has a part of it, however small.
    pub fn bar(&mut self, x: u16, y: u16, size: u16, share: f64, role: Role) {
        let [full, half, empty] = self.symbols.bar();
        let halves = part_of(size.saturating_mul(2), share).max(u16::from(share > 0.0));
        let (style, faint) = (self.ink.style(role), self.ink.style(Role::Border));
        for column in 0..size {
            let (char, style) = match halves.saturating_sub(column * 2) {
                0 => (empty, faint),
                1 => (half, style),
                _ => (full, style),
            };
            self.put(x.saturating_add(column), y, char, style);
        }
    }

    /// A box around the part with `title` in its upper side, `note` at the right of it; what is
    /// inside of it.
    pub fn framed(&mut self, title: &str, note: &str, has_focus: bool) -> Pen<'_> {
        let (width, height) = (self.width(), self.height());
        if width < 2 || height < 2 {
            return self.within(0, 0, 0, 0);
        }
        let border = self.symbols.border();
        let style = self.ink.style(if has_focus { Role::Focus } else { Role::Border });
        let (right, bottom) = (width - 1, height - 1);
        for x in 1..right {
            self.put(x, 0, border.horizontal, style);
            self.put(x, bottom, border.horizontal, style);
        }
        for y in 1..bottom {
            self.put(0, y, border.vertical, style);
            self.put(right, y, border.vertical, style);
        }
        let corners = [(0, 0), (right, 0), (0, bottom), (right, bottom)];
        for ((x, y), corner) in corners.into_iter().zip(border.corners) {
            self.put(x, y, corner, style);
        }
        let role = if has_focus { Role::Focus } else { Role::Title };
        let mut upper = self.within(2, 0, width.saturating_sub(4), 1);
        let end = upper.text(0, 0, &format!(" {title} "), role);
        let note = format!(" {note} ");
        let size = extent(self::width(&note));
        let room = upper.width();
        if note.len() > 2 && end + size <= room {
            upper.right(room, 0, &note, Role::Faint);
        }
        self.within(1, 1, width - 2, height - 2)
    }
}

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { Span::raw(text).width() }
}

fn columns_of(char: char) -> u16 {
    extent(width(char.encode_utf8(&mut [0; 4])))
}

/// `text` as a terminal may have it.
fn shown(text: &str, symbols: Symbols) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut accents = 0;
    for char in text.chars() {
        if char.is_ascii() && !char.is_ascii_control() {
            shown.push(char);
            accents = 0;
            continue;
        }
        // Which looks a character is to have: cells count the plain ones.
        if matches!(char, '\u{FE00}'..='\u{FE0F}') {
            continue;
        }
        // The letter behind a sign of degrees tells enough.
        if symbols == Symbols::Ascii && char == '°' {
            continue;
        }
        let is_accent = columns_of(char) == 0;
        accents = if is_accent { accents + 1 } else { 0 };
        // Two of them make a syllable or a letter of any script; more would pile up.
        let is_hidden = is_accent && (accents > 2 || is_invisible(char) || shown.is_empty());
        let char = match is_harmful(char) || is_hidden || is_invisible(char) {
            true => char::REPLACEMENT_CHARACTER,
            false => char,
        };
        shown.push(symbols.shown(char));
    }
    shown
}

/// Characters that are nothing to see: joiners, fillers and tags.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCAF}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(size: u16, symbols: Symbols, draw: impl FnOnce(&mut Pen<'_>)) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, size, 1));
        let area = buffer.area;
        draw(&mut Pen::new(&mut buffer, area, symbols, Ink::default()));
        buffer.content().iter().map(|cell| cell.symbol()).collect()
    }

    fn text(size: u16, symbols: Symbols, text: &str) -> String {
        drawn(size, symbols, |pen| {
            pen.text(0, 0, text, Role::Text);
        })
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(text(5, Symbols::Block, "abcde"), "abcde");
        assert_eq!(text(5, Symbols::Block, "abcdef"), "abcd…");
        assert_eq!(text(5, Symbols::Ascii, "abcdef"), "abcd~");
        assert_eq!(text(4, Symbols::Block, "中中").matches('中').count(), 2);
        assert_eq!(text(4, Symbols::Block, "中中中"), "中 … ");
        assert_eq!(text(3, Symbols::Block, "中中"), "中 …");
        let right = drawn(6, Symbols::Block, |pen| {
            assert_eq!(pen.right(5, 0, "abc", Role::Text), 2);
        });
        assert_eq!(right, "  abc ");
    }

    #[test]
    fn nothing_harmful_or_hidden_reaches_a_cell() {
        assert_eq!(text(12, Symbols::Block, "a\u{1b}[2J\u{202e}b\u{200b}c"), "a�[2J�b�c   ");
        assert_eq!(text(6, Symbols::Block, "e\u{301}\u{301}\u{301}x"), "e\u{301}\u{301}�x   ");
        assert_eq!(text(4, Symbols::Block, "𛀀𑧜x"), "𛀀 𑧜x");
        assert_eq!(text(4, Symbols::Block, "\u{301}a"), "�a  ");
        assert_eq!(text(9, Symbols::Ascii, "5 °C é…µ"), "5 C ?~u  ");
        assert_eq!(text(4, Symbols::Ascii, "中a"), "?a  ");
    }

    #[test]
    fn bars_have_halves() {
        let bar = |share| drawn(4, Symbols::Ascii, |pen| pen.bar(0, 0, 4, share, Role::Good));
        let bars = ["....", "-...", "=-..", "====", "===="];
        assert_eq!([0.0, 0.01, 0.4, 1.0, 9.0].map(bar), bars);
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 6));
        let area = Rect::new(2, 2, 2, 2);
        let mut pen = Pen::new(&mut buffer, area, Symbols::Block, Ink::default());
        for place in 0..9 {
            pen.text(place, place, "xxxxxxx", Role::Text);
            pen.right(place, place, "xxxxxxx", Role::Text);
            pen.put(place, 0, 'x', Style::new());
            pen.bar(place, 1, 9, 1.0, Role::Text);
            pen.within(place, place, 9, 9).text(0, 0, "xxxxxxx", Role::Text);
            pen.framed("xxxxxxxxxx", "xxxxxxx", true);
        }
        for (place, cell) in buffer.content().iter().enumerate() {
            let inside = area.contains(buffer.pos_of(place).into());
            assert!(inside || cell.symbol() == " ");
        }
    }
}
