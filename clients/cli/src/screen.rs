//! A block of lines on a terminal, drawn again in its place.
//!
//! No mode of the terminal is changed, so there is nothing to restore: whenever kymo is stopped,
//! the last block stands above the cursor. A line never wraps and a block is never higher than the
//! terminal, since either would move what "its place" means; when the size changes, terminals
//! disagree on where the old lines went, so everything is drawn anew on a clear screen.

use std::io::{self, Write};

use crate::block::{Line, Tone};
use crate::clean::clean;
use crate::terminal::Size;

/// Columns where the terminal does not say, and the most that are used.
const COLUMNS: usize = 78;

/// Columns of a label and the space behind it.
const LABEL: usize = 11;

/// How blocks are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One below the other, without any control characters.
    Plain,
    /// Each in the place of the one before.
    InPlace {
        /// Whether tones become colours.
        color: bool,
    },
}

/// A terminal with a block on it; see the module.
#[derive(Debug)]
pub struct Screen<W> {
    output: W,
    style: Style,
    /// Lines of the block above the cursor.
    drawn: usize,
    /// The last block.
    block: Vec<Line>,
    size: Option<Size>,
}

impl<W: Write> Screen<W> {
    /// A screen without a block.
    pub fn new(output: W, style: Style) -> Self {
        Self { output, style, drawn: 0, block: Vec::new(), size: None }
    }

    /// What it writes to.
    #[cfg(test)]
    pub fn output(&self) -> &W {
        &self.output
    }

    /// Leaves the block where it is: somebody else has written below it.
    pub fn forget(&mut self) {
        self.drawn = 0;
    }

    /// Prints a line that stays, above the block if there is one.
    ///
    /// # Errors
    ///
    /// When the output takes no more.
    pub fn print(&mut self, line: &str, size: Option<Size>) -> io::Result<()> {
        let mut text = String::new();
        if self.drawn > 0 {
            text = format!("\x1b[{}A\r\x1b[J", self.drawn);
        }
        text.push_str(&clean(line.chars()));
        text.push('\n');
        if let (Style::InPlace { color }, 1..) = (self.style, std::mem::take(&mut self.drawn)) {
            let block = std::mem::take(&mut self.block);
            text.push_str(&self.in_place(&block, size, color));
            self.block = block;
        }
        self.output.write_all(text.as_bytes())?;
        self.output.flush()
    }

    /// Draws a block on a terminal of `size`.
    ///
    /// # Errors
    ///
    /// When the output takes no more.
    pub fn draw(&mut self, lines: &[Line], size: Option<Size>) -> io::Result<()> {
        let text = match self.style {
            Style::Plain => plain(lines),
            Style::InPlace { color } => {
                self.block = lines.to_vec();
                self.in_place(lines, size, color)
            }
        };
        // All at once, so that nobody sees half of it.
        self.output.write_all(text.as_bytes())?;
        self.output.flush()
    }

    fn in_place(&mut self, lines: &[Line], size: Option<Size>, color: bool) -> String {
        let mut text = String::new();
        if self.drawn > 0 && self.size != size {
            text.push_str("\x1b[H\x1b[2J");
            self.drawn = 0;
        }
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        // One row is the cursor's, one column that of a terminal that wraps too early.
        let columns = size.map_or(COLUMNS, |size| usize::from(size.columns).saturating_sub(1));
        let rows = size.map_or(usize::MAX, |size| usize::from(size.rows).saturating_sub(1));
        for line in lines.iter().take(rows) {
            text.push_str("\r\x1b[2K");
            text.push_str(&row(line, columns.min(COLUMNS), color));
            text.push('\n');
        }
        text.push_str("\x1b[J");
        self.drawn = lines.len().min(rows);
        self.size = size;
        text
    }
}

fn plain(lines: &[Line]) -> String {
    let rows = lines.iter().map(|line| row(line, COLUMNS, false) + "\n");
    rows.chain(["\n".to_string()]).collect()
}

/// A line of at most `columns`, escape sequences apart.
fn row(line: &Line, columns: usize, color: bool) -> String {
    let label = cut(line.label, columns);
    let value = cut(&clean(line.value.chars()), columns.saturating_sub(LABEL));
    if value.is_empty() {
        return label;
    }
    match line.tone.escape().filter(|_| color) {
        Some(escape) => format!("{label:LABEL$}{escape}{value}\x1b[0m"),
        None => format!("{label:LABEL$}{value}"),
    }
}

/// The front of `text` that fits in `columns`.
fn cut(text: &str, columns: usize) -> String {
    let mut left = columns;
    text.chars()
        .take_while(|char| {
            // Beyond the alphabets of Europe a character may take two columns.
            let width = if u32::from(*char) < 0x300 { 1 } else { 2 };
            let fits = left >= width;
            left = left.saturating_sub(width);
            fits
        })
        .collect()
}

impl Tone {
    fn escape(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Faint => Some("\x1b[2m"),
            Self::Good => Some("\x1b[32m"),
            Self::Raised => Some("\x1b[33m"),
            Self::Bad => Some("\x1b[1;31m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(values: &[&str]) -> Vec<Line> {
        let line = |value: &&str| Line { label: "cpu", value: (*value).into(), tone: Tone::Good };
        values.iter().map(line).collect()
    }

    fn size(columns: u16, rows: u16) -> Option<Size> {
        Some(Size { columns, rows })
    }

    fn drawn(screen: &mut Screen<Vec<u8>>, values: &[&str], size: Option<Size>) -> String {
        screen.output.clear();
        screen.draw(&lines(values), size).unwrap();
        String::from_utf8(screen.output.clone()).unwrap()
    }

    #[test]
    fn a_block_takes_the_place_of_the_one_before() {
        let mut screen = Screen::new(Vec::new(), Style::InPlace { color: false });
        let first = drawn(&mut screen, &["1", "2"], size(80, 24));
        assert_eq!(first, "\r\x1b[2Kcpu        1\n\r\x1b[2Kcpu        2\n\x1b[J");
        let second = drawn(&mut screen, &["3"], size(80, 24));
        assert_eq!(second, "\x1b[2A\r\x1b[2Kcpu        3\n\x1b[J");
        screen.forget();
        assert!(drawn(&mut screen, &["4"], size(80, 24)).starts_with("\r"));
    }

    #[test]
    fn a_line_that_stays_pushes_the_block_down() {
        let mut screen = Screen::new(Vec::new(), Style::InPlace { color: false });
        screen.print("first", None).unwrap();
        assert_eq!(screen.output, b"first\n", "no block stands there");
        drawn(&mut screen, &["1", "2"], None);
        screen.output.clear();
        screen.print("a\x1b[2Jb", None).unwrap();
        let block = "\r\x1b[2Kcpu        1\n\r\x1b[2Kcpu        2\n\x1b[J";
        let expected = format!("\x1b[2A\r\x1b[Ja�[2Jb\n{block}");
        assert_eq!(String::from_utf8(screen.output.clone()).unwrap(), expected);
        assert!(drawn(&mut screen, &["3"], None).starts_with("\x1b[2A"));
        let mut screen = Screen::new(Vec::new(), Style::Plain);
        drawn(&mut screen, &["1"], None);
        screen.output.clear();
        screen.print("event", None).unwrap();
        assert_eq!(screen.output, b"event\n");
    }

    #[test]
    fn a_new_size_starts_on_a_clear_screen() {
        let mut screen = Screen::new(Vec::new(), Style::InPlace { color: false });
        drawn(&mut screen, &["1", "2"], size(80, 24));
        assert!(drawn(&mut screen, &["1"], size(40, 24)).starts_with("\x1b[H\x1b[2J\r"));
        assert!(drawn(&mut screen, &["1"], size(40, 24)).starts_with("\x1b[1A\r"));
    }

    #[test]
    fn a_small_terminal_gets_less() {
        let mut screen = Screen::new(Vec::new(), Style::InPlace { color: false });
        let text = drawn(&mut screen, &["123456", "2", "3"], size(16, 3));
        assert_eq!(text, "\r\x1b[2Kcpu        1234\n\r\x1b[2Kcpu        2\n\x1b[J");
        assert!(drawn(&mut screen, &["1"], size(16, 3)).starts_with("\x1b[2A"));
        let text = drawn(&mut screen, &["1"], size(3, 2));
        assert_eq!(text, "\x1b[H\x1b[2J\r\x1b[2Kcp\n\x1b[J");
        assert_eq!(drawn(&mut screen, &["1"], size(1, 1)), "\x1b[H\x1b[2J\x1b[J");
    }

    #[test]
    fn wide_terminals_and_silent_ones_get_the_same() {
        for size in [size(300, 24), None] {
            let mut screen = Screen::new(Vec::new(), Style::InPlace { color: false });
            let text = drawn(&mut screen, &["x".repeat(200).as_str()], size);
            assert_eq!(text.matches('x').count(), COLUMNS - LABEL);
        }
        assert_eq!(cut("a°中中b", 5), "a°中");
    }

    #[test]
    fn only_our_own_control_characters_are_sent() {
        let harmful = "\u{1b}]0;x\u{7}\n\u{9b}2J";
        let mut screen = Screen::new(Vec::new(), Style::InPlace { color: true });
        let text = drawn(&mut screen, &[harmful], None);
        assert_eq!(text, "\r\x1b[2Kcpu        \x1b[32m�]0;x���2J\x1b[0m\n\x1b[J");
        let mut screen = Screen::new(Vec::new(), Style::Plain);
        assert_eq!(drawn(&mut screen, &[harmful], None), "cpu        �]0;x���2J\n\n");
    }
}
