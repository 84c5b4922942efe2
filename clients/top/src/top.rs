//! The dashboard: a model, the user's choices, and a picture that may be frozen.

use kymo_client::Item;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::history::ZOOMS_MS;
use crate::input::Input;
use crate::keys::{Action, Command, command};
use crate::layout::{Layout, Panel};
use crate::limits::FILTER_MAX;
use crate::look::Look;
use crate::model::{DaemonStatus, Model};
use crate::symbols::Symbols;
use crate::theme::{Depth, Ink, THEMES};
use crate::view::{self, Moment};

/// How it looks at first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What graphs are made of.
    pub symbols: Symbols,
    /// How many colours there are.
    pub depth: Depth,
    /// Which of [`THEMES`]; the first one for a number that has none.
    pub theme: usize,
}

/// The dashboard. The order of calls is free; [`draw`](Self::draw) shows what is known by then.
#[derive(Debug)]
pub struct Top {
    model: Model,
    look: Look,
    /// What is shown while it is paused, and how many events had come by then.
    frozen: Option<Box<Model>>,
    /// Where things were when they were drawn last, for the mouse.
    layout: Layout,
}

impl Top {
    /// A dashboard that knows nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let theme = if options.theme < THEMES.len() { options.theme } else { 0 };
        let ink = Ink { theme, depth: options.depth };
        Self {
            model: Model::default(),
            look: Look::new(options.symbols, ink),
            frozen: None,
            layout: Layout::default(),
        }
    }

    /// Takes in what a subscriber got at `wall_ns` (since 1970).
    pub fn handle_item(&mut self, item: &Item<'_>, wall_ns: u64) {
        self.model.handle(item, wall_ns);
    }

    /// Says something among the events.
    pub fn notice(&mut self, wall_ns: u64, text: &str) {
        self.model.notice(wall_ns, text);
    }

    /// Says where values come from.
    pub fn set_source(&mut self, source: &str) {
        self.model.link_mut().set_source(source);
    }

    /// Takes in how the daemon is, or why it does not say.
    pub fn handle_status(&mut self, status: Result<DaemonStatus, String>) {
        self.model.link_mut().handle_status(status);
    }

    /// Takes in which share of one CPU this program takes.
    pub fn handle_own_cpu(&mut self, share: f64) {
        self.model.link_mut().handle_own_cpu(share);
    }

    /// Takes in an input; what the program is to do, if it is anything.
    pub fn handle_input(&mut self, input: Input) -> Option<Action> {
        let command = command(input, self.look.is_typing)?;
        let look = &mut self.look;
        match command {
            Command::Act(action) => return Some(action),
            Command::Help => look.is_help = !look.is_help,
            Command::Pause => self.pause(),
            Command::ZoomIn => look.zoom = look.zoom.saturating_sub(1),
            Command::ZoomOut => look.zoom = (look.zoom + 1).min(ZOOMS_MS.len() - 1),
            Command::NextPanel => look.focus = look.focus.next(),
            Command::PreviousPanel => look.focus = look.focus.previous(),
            Command::Alone => look.is_alone = !look.is_alone,
            Command::Move(rows) => look.scroll(look.focus, rows),
            Command::Pages(pages) => {
                let rows = self.rows(self.look.focus).saturating_mul(pages);
                self.look.scroll(self.look.focus, rows);
            }
            Command::NextSort => look.sort = look.sort.next(),
            Command::SortBy(sort) => look.sort = sort,
            Command::Reverse => look.is_reversed = !look.is_reversed,
            Command::Type => (look.is_typing, look.focus) = (true, Panel::Processes),
            Command::Letter(letter) => {
                if look.filter.chars().count() < FILTER_MAX {
                    look.filter.push(letter);
                }
            }
            Command::Erase => drop(look.filter.pop()),
            Command::Keep => look.is_typing = false,
            Command::Back => back(look),
            Command::NextSymbols => look.symbols = look.symbols.next(),
            Command::NextTheme => look.ink = look.ink.next(),
            Command::Click(x, y) => {
                if let Some(panel) = self.panel_at(x, y) {
                    self.look.focus = panel;
                }
            }
            Command::Wheel(x, y, rows) => {
                if let Some(panel) = self.panel_at(x, y) {
                    self.look.scroll(panel, rows);
                }
            }
        }
        None
    }

    fn pause(&mut self) {
        self.look.is_paused = !self.look.is_paused;
        self.frozen = self.look.is_paused.then(|| Box::new(self.model.clone()));
    }

    fn panel_at(&self, x: u16, y: u16) -> Option<Panel> {
        let contains = |area: &Rect| area.contains(Position { x, y });
        self.layout.panels.iter().find(|(_, area)| contains(area)).map(|(panel, _)| *panel)
    }

    /// Rows of a panel's list, about.
    fn rows(&self, panel: Panel) -> isize {
        let found = self.layout.panels.iter().find(|(shown, _)| *shown == panel);
        let height = found.map_or(0, |(_, area)| area.height);
        isize::try_from(height.saturating_sub(3).max(1)).unwrap_or(1)
    }

    /// Whether what is drawn stands still until a key is pressed.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.look.is_paused
    }

    /// Draws it over all of `buffer`.
    pub fn draw(&mut self, buffer: &mut Buffer, moment: &Moment<'_>) {
        let shown = self.frozen.as_deref().unwrap_or(&self.model);
        let missed = self.model.log().events().saturating_sub(shown.log().events());
        self.layout = view::draw(buffer, shown, &mut self.look, moment, missed);
    }
}

/// Takes back what was chosen last.
fn back(look: &mut Look) {
    if look.is_help {
        look.is_help = false;
    } else if look.is_typing || !look.filter.is_empty() {
        look.filter.clear();
        look.is_typing = false;
    } else {
        look.is_alone = false;
    }
}
