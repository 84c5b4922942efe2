//! A history as an area: solid up to the least of each column, sparse from there to the most.
//!
//! A value of 0 has a line of its own at the bottom; where nothing is known there is nothing.

use crate::history::Column;
use crate::numbers::{extent, part_of};
use crate::symbols::Symbols;
use crate::theme::Role;
use crate::view::pen::Pen;

/// How a graph is coloured.
#[derive(Clone, Copy, Debug)]
pub enum Paint {
    /// By how high it is: what is high is bad.
    Level,
    /// All alike.
    Flat(Role),
}

/// What the bottom and the top of a graph stand for.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub least: f64,
    pub most: f64,
}

impl Scale {
    pub const PERCENT: Self = Self { least: 0.0, most: 100.0 };

    fn share(self, value: f32) -> f64 {
        (f64::from(value) - self.least) / (self.most - self.least)
    }

    /// From 0 to a round number of bytes that is no less than any of `columns`.
    pub fn of_bytes(columns: &[Option<Column>]) -> Self {
        let most = most(columns).unwrap_or(0.0);
        let mut top = 1024.0;
        while top < most && top < 1e18 {
            top *= 2.0;
        }
        Self { least: 0.0, most: top }
    }

    /// From 0 to a number of the series 1, 2, 5, 10 … that is no less than any of `columns`.
    pub fn of_numbers(columns: &[Option<Column>]) -> Self {
        let most = most(columns).unwrap_or(0.0);
        let mut steps = [2.0, 2.5, 2.0].into_iter().cycle();
        let mut top = 1.0;
        while top < most && top < 1e18 {
            top *= steps.next().unwrap_or(10.0);
        }
        Self { least: 0.0, most: top }
    }
}

fn most(columns: &[Option<Column>]) -> Option<f64> {
    columns.iter().flatten().map(|column| f64::from(column.most)).max_by(f64::total_cmp)
}

/// Draws `columns`, two for each column of the pen and the last one rightmost.
pub fn draw(pen: &mut Pen<'_>, columns: &[Option<Column>], scale: Scale, paint: Paint) {
    let height = pen.height();
    let steps = height.saturating_mul(steps_of(pen.symbols));
    let cells: Vec<&[Option<Column>]> = columns.rchunks(2).collect();
    for (cell, x) in cells.iter().zip((0..pen.width()).rev()) {
        let two = [cell.len().checked_sub(2).and_then(|place| cell[place]), last(cell)];
        let heights = two.map(|column| column.map(|column| heights(column, scale, steps)));
        for row in 0..height {
            let up = height - 1 - row;
            let Some(char) = character(pen.symbols, heights, up) else { continue };
            let role = match paint {
                Paint::Flat(role) => role,
                Paint::Level => pen.ink.level(f64::from(up + 1) / f64::from(height)),
            };
            let style = pen.ink.style(role);
            pen.put(x, row, char, style);
        }
    }
}

fn last(cell: &[Option<Column>]) -> Option<Column> {
    cell.last().copied().flatten()
}

/// Steps of height in a cell.
const fn steps_of(symbols: Symbols) -> u16 {
    match symbols {
        Symbols::Braille => 4,
        Symbols::Block => 8,
        Symbols::Ascii => 3,
    }
}

/// Steps up to which a column is solid, and to which it goes.
#[derive(Clone, Copy, Debug)]
struct Heights {
    least: u16,
    most: u16,
}

fn heights(column: Column, scale: Scale, steps: u16) -> Heights {
    let height = |value| part_of(steps, scale.share(value)).max(1);
    Heights { least: height(column.least), most: height(column.most) }
}

/// What the cell `up` cells above the bottom shows of its two columns.
fn character(symbols: Symbols, columns: [Option<Heights>; 2], up: u16) -> Option<char> {
    let base = up * steps_of(symbols);
    if symbols == Symbols::Braille {
        return braille(columns, base);
    }
    // One column of both.
    let of = |heights: fn(Heights) -> u16| columns.into_iter().flatten().map(heights);
    let least = of(|heights| heights.least).min()?;
    let most = of(|heights| heights.most).max()?;
    let steps = steps_of(symbols);
    // Half a cell of spread is no more than the eye can see of it.
    let is_spread = most - least >= steps;
    let solid = (if is_spread { least } else { most }).saturating_sub(base).min(steps);
    let sparse = most.saturating_sub(base).min(steps);
    let set = match symbols {
        Symbols::Ascii => [' ', '.', 'o', '#', '#', '#', '#', '#', '#'],
        _ => [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    };
    match (solid, sparse) {
        (0, 0) => None,
        (0, _) if symbols == Symbols::Ascii => Some(':'),
        (0, filled) => Some(if filled == steps { '▒' } else { '░' }),
        (filled, _) => Some(set[usize::from(filled)]),
    }
}

/// Eight dots, numbered as Unicode numbers them: down the left column, down the right one, and
/// then the two at the bottom (The Unicode Standard, 21.1).
fn braille(columns: [Option<Heights>; 2], base: u16) -> Option<char> {
    const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
    let mut pattern = 0;
    for ((column, dots), side) in columns.into_iter().zip(DOTS).zip(0u16..) {
        let Some(Heights { least, most }) = column else { continue };
        for (dot, y) in dots.into_iter().zip(base..) {
            let is_sparse = y < most && ((y + side) % 2 == 0 || y + 1 == most);
            if y < least || is_sparse {
                pattern |= dot;
            }
        }
    }
    if pattern == 0 { None } else { char::from_u32(0x2800 + pattern) }
}

/// How many columns a graph of `width` cells has.
pub const fn columns_of(width: u16) -> usize {
    width as usize * crate::history::COLUMNS
}

/// A label above a graph, if there is room for both; the rows that it takes, where it would hide
/// what is highest.
pub fn label(pen: &mut Pen<'_>, text: &str) -> u16 {
    if text.is_empty() || pen.width() < extent(text.chars().count()) || pen.height() < 2 {
        return 0;
    }
    pen.text(0, 0, text, Role::Faint);
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Ink;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    fn drawn(symbols: Symbols, height: u16, values: &[Option<(f32, f32)>]) -> Vec<String> {
        let area = Rect::new(0, 0, extent(values.len().div_ceil(2)), height);
        let mut buffer = Buffer::empty(area);
        let column = |(least, most)| Column { least, most };
        let columns: Vec<_> = values.iter().map(|value| value.map(column)).collect();
        let mut pen = Pen::new(&mut buffer, area, symbols, Ink::default());
        draw(&mut pen, &columns, Scale::PERCENT, Paint::Level);
        let rows = buffer.content().chunks(usize::from(area.width));
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect()).collect()
    }

    fn flat(values: &[f32]) -> Vec<Option<(f32, f32)>> {
        values.iter().map(|value| Some((*value, *value))).collect()
    }

    #[test]
    fn dots_grow_with_values() {
        let values = flat(&[0.0, 25.0, 50.0, 75.0, 100.0, 100.0]);
        assert_eq!(drawn(Symbols::Braille, 1, &values), ["⣀⣴⣿"]);
        assert_eq!(drawn(Symbols::Braille, 2, &flat(&[100.0, 50.0])), ["⡇", "⣿"]);
    }

    #[test]
    fn blocks_and_letters_have_one_column() {
        let values = flat(&[0.0, 0.0, 50.0, 50.0, 100.0, 100.0]);
        assert_eq!(drawn(Symbols::Block, 1, &values), ["▁▄█"]);
        assert_eq!(drawn(Symbols::Ascii, 1, &values), [".o#"]);
    }

    #[test]
    fn what_is_unknown_is_empty_and_zero_is_not() {
        let values = [None, Some((0.0, 0.0)), None, None];
        assert_eq!(drawn(Symbols::Braille, 1, &values), ["⢀ "]);
        assert_eq!(drawn(Symbols::Block, 1, &values), ["▁ "]);
        assert_eq!(drawn(Symbols::Ascii, 1, &values), [". "]);
    }

    #[test]
    fn a_spike_is_sparse_above_its_least() {
        let values = [Some((25.0, 100.0)); 2];
        assert_eq!(drawn(Symbols::Block, 2, &values), ["▒", "▄"]);
        assert_eq!(drawn(Symbols::Braille, 1, &values), ["⣫"]);
        assert_eq!(drawn(Symbols::Ascii, 2, &values), [":", "o"]);
    }

    #[test]
    fn scales_are_round() {
        let of = |most| vec![Some(Column { least: 0.0, most })];
        assert_eq!(Scale::of_bytes(&of(3000.0)).most, 4096.0);
        assert_eq!(Scale::of_bytes(&[None]).most, 1024.0);
        assert_eq!(
            [0.5, 3.0, 12.0].map(|most| Scale::of_numbers(&of(most)).most),
            [1.0, 5.0, 20.0]
        );
        assert!(Scale::of_bytes(&of(f32::MAX)).most.is_finite());
    }
}
