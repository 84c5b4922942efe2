//! How far something is, on a terminal.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};

use crate::terminal;

/// Columns of the bar.
const BAR: usize = 20;

/// A line on standard error that is drawn again in its place, and gone when this is. Nothing at
/// all where that is no terminal, or one that can't draw in place.
#[derive(Debug)]
pub struct Progress {
    is_shown: bool,
    /// Whether a line stands there now.
    is_drawn: Cell<bool>,
}

impl Progress {
    /// One that has said nothing yet.
    pub fn new() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_shown = io::stderr().is_terminal() && !is_dumb;
        Self { is_shown, is_drawn: Cell::new(false) }
    }

    /// One that never says anything.
    pub const fn hidden() -> Self {
        Self { is_shown: false, is_drawn: Cell::new(false) }
    }

    /// Whether anybody sees it.
    pub const fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Draws a line, as much of it as there is room for.
    pub fn draw(&self, line: &str) {
        if self.is_shown {
            let columns = terminal::size_of(io::stderr()).map_or(80, |size| size.columns.into());
            let line: String = line.chars().take(usize::saturating_sub(columns, 1)).collect();
            let _ = write!(io::stderr(), "\r\x1b[K{line}");
            self.is_drawn.set(true);
        }
    }

    /// Takes the line away, for something that stays.
    pub fn clear(&self) {
        if self.is_drawn.replace(false) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    /// Draws that `share` is done, 0 to 1, and what is going on.
    pub fn show(&self, share: f64, what: &str) {
        self.draw(&bar(share, what));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // of 0 to 1
fn bar(share: f64, what: &str) -> String {
    let share = share.clamp(0.0, 1.0);
    let full = (share * BAR as f64) as usize;
    format!("[{:<BAR$}] {:3.0} %  {what}", "#".repeat(full), share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_what_is_done() {
        assert_eq!(bar(0.0, "x"), "[                    ]   0 %  x");
        assert_eq!(bar(0.5, "x"), "[##########          ]  50 %  x");
        assert_eq!(bar(7.0, "x"), "[####################] 100 %  x");
    }
}
