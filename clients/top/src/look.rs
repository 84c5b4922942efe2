//! What the user has chosen: how things look, which of them, and in what order.

use crate::layout::Panel;
use crate::model::Sort;
use crate::symbols::Symbols;
use crate::theme::Ink;

/// A second a cell: a minute on a terminal of 80 columns.
const ZOOM: usize = 3;

/// The choices; see the module.
#[derive(Clone, Debug)]
pub struct Look {
    pub symbols: Symbols,
    pub ink: Ink,
    /// Which time a cell of a graph stands for.
    pub zoom: usize,
    /// What keys go to.
    pub focus: Panel,
    /// Whether it has the terminal for itself.
    pub is_alone: bool,
    pub is_help: bool,
    pub is_paused: bool,
    pub sort: Sort,
    pub is_reversed: bool,
    /// Of processes.
    pub filter: String,
    /// Whether keys go into the filter.
    pub is_typing: bool,
    /// Rows of each panel's list that are above the first one shown.
    scroll: [usize; Panel::ALL.len()],
    /// The most that may be.
    scroll_max: [usize; Panel::ALL.len()],
}

impl Look {
    pub fn new(symbols: Symbols, ink: Ink) -> Self {
        Self {
            symbols,
            ink,
            zoom: ZOOM,
            focus: Panel::Processes,
            is_alone: false,
            is_help: false,
            is_paused: false,
            sort: Sort::default(),
            is_reversed: false,
            filter: String::new(),
            is_typing: false,
            scroll: [0; Panel::ALL.len()],
            scroll_max: [0; Panel::ALL.len()],
        }
    }

    /// Rows of `panel` that are above the first one shown, of `total` where `shown` fit.
    pub fn scrolled(&mut self, panel: Panel, total: usize, shown: usize) -> usize {
        let most = total.saturating_sub(shown);
        self.scroll_max[panel as usize] = most;
        self.scroll[panel as usize].min(most)
    }

    /// Moves a panel's list, no farther than there is something to see.
    pub fn scroll(&mut self, panel: Panel, rows: isize) {
        let place = panel as usize;
        let from = self.scroll[place].min(self.scroll_max[place]);
        self.scroll[place] = from.saturating_add_signed(rows).min(self.scroll_max[place]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_where_its_last_row_is_seen() {
        let mut look = Look::new(Symbols::Ascii, Ink::default());
        assert_eq!(look.scrolled(Panel::Events, 10, 4), 0);
        look.scroll(Panel::Events, 100);
        assert_eq!(look.scrolled(Panel::Events, 10, 4), 6);
        assert_eq!(look.scrolled(Panel::Events, 8, 4), 4, "fewer are left");
        look.scroll(Panel::Events, -1);
        assert_eq!(look.scrolled(Panel::Events, 8, 4), 3);
        look.scroll(Panel::Events, -100);
        assert_eq!(look.scrolled(Panel::Events, 8, 4), 0);
        assert_eq!(look.scrolled(Panel::Sensors, 8, 4), 0, "each has its own");
    }
}
