//! The dashboard as cells: a panel a file, each of which draws into a pen of its own.

mod cpu;
mod disk;
mod events;
mod graph;
mod header;
mod health;
mod help;
mod lines;
mod memory;
mod network;
mod pen;
mod processes;
mod sensors;
mod told;

use std::fmt;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::history::ZOOMS_MS;
use crate::layout::{Layout, Panel, arrange};
use crate::look::Look;
use crate::model::{Model, Series};
use crate::quantity::span;
use graph::{Paint, Scale};
use pen::Pen;

/// When something is drawn.
pub struct Moment<'a> {
    /// Nanoseconds since 1970.
    pub wall_ns: u64,
    /// `HH:MM:SS` of such a time, where the user is.
    pub time_of_day: &'a dyn Fn(u64) -> [u8; 8],
}

impl fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment").field("wall_ns", &self.wall_ns).finish_non_exhaustive()
    }
}

impl Moment<'_> {
    fn time(&self, wall_ns: u64) -> String {
        String::from_utf8_lossy(&(self.time_of_day)(wall_ns)).into_owned()
    }
}

/// What is drawn.
struct Scene<'a> {
    model: &'a Model,
    /// What is shown while the model goes on; of the moment at which it was taken.
    look: &'a mut Look,
    moment: &'a Moment<'a>,
    /// Events that came since the picture was frozen.
    missed: u64,
}

/// Draws everything, and says what is where.
pub fn draw(
    buffer: &mut Buffer,
    model: &Model,
    look: &mut Look,
    moment: &Moment<'_>,
    missed: u64,
) -> Layout {
    let area = buffer.area;
    let layout = arrange(area, look.focus, look.is_alone);
    let (symbols, ink) = (look.symbols, look.ink);
    let mut pen = |area: Rect, draw: &mut dyn FnMut(&mut Pen<'_>)| {
        let mut pen = Pen::new(buffer, area, symbols, ink);
        pen.clear();
        draw(&mut pen);
    };
    let mut scene = Scene { model, look, moment, missed };
    pen(layout.header, &mut |pen| header::draw_top(pen, &scene));
    pen(layout.footer, &mut |pen| header::draw_bottom(pen, &scene));
    pen(layout.lines, &mut |pen| lines::draw(pen, &scene));
    for (panel, area) in &layout.panels {
        pen(*area, &mut |pen| draw_panel(pen, *panel, &mut scene));
    }
    if scene.look.is_help {
        pen(help::area(area), &mut |pen| help::draw(pen, &scene));
    }
    layout
}

fn draw_panel(pen: &mut Pen<'_>, panel: Panel, scene: &mut Scene<'_>) {
    let hidden = match panel {
        Panel::Cpu => cpu::draw(pen, scene),
        Panel::Memory => memory::draw(pen, scene),
        Panel::Network => network::draw(pen, scene),
        Panel::Disk => disk::draw(pen, scene),
        Panel::Sensors => sensors::draw(pen, scene),
        Panel::Processes => processes::draw(pen, scene),
        Panel::Events => events::draw(pen, scene),
        Panel::Health => health::draw(pen, scene),
    };
    pen.foot(hidden.above, hidden.below);
}

impl Scene<'_> {
    fn has_focus(&self, panel: Panel) -> bool {
        self.look.focus == panel
    }

    /// Time that `width` cells of a graph stand for.
    fn span(&self, width: u16) -> String {
        let zoom = self.look.zoom.min(ZOOMS_MS.len() - 1);
        span(ZOOMS_MS[zoom] * u64::from(width))
    }

    /// Draws the graph of `series` over all of the pen, below what its top stands for.
    fn graph(&self, pen: &mut Pen<'_>, series: Series, paint: Paint) {
        let history = self.model.history(series);
        let count = graph::columns_of(pen.width());
        let newest_ns = self.model.newest_ns();
        let columns: Vec<_> = history.columns(self.look.zoom, newest_ns, count).collect();
        let scale = match series {
            Series::Cpu | Series::Memory => Scale::PERCENT,
            Series::Heat => Scale { least: 20.0, most: 100.0 },
            Series::Power => Scale::of_numbers(&columns),
            _ => Scale::of_bytes(&columns),
        };
        let top = match series {
            // As any share.
            Series::Cpu | Series::Memory => String::new(),
            Series::Heat => "20-100 °C".into(),
            Series::Power => format!("≤ {:.0} W", scale.most),
            _ => format!("≤ {}", crate::units::rate(scale.most)),
        };
        let has_any = columns.iter().any(Option::is_some);
        let rows = if has_any { graph::label(pen, &top) } else { 0 };
        let (width, height) = (pen.width(), pen.height());
        graph::draw(&mut pen.within(0, rows, width, height - rows), &columns, scale, paint);
    }
}

/// Rows of a list that are not seen.
#[derive(Clone, Copy, Debug, Default)]
struct Hidden {
    above: usize,
    below: usize,
}

/// Draws the rows of a list that fit.
fn list(
    pen: &mut Pen<'_>,
    scene: &mut Scene<'_>,
    panel: Panel,
    total: usize,
    mut row: impl FnMut(&mut Pen<'_>, usize, &Scene<'_>),
) -> Hidden {
    let shown = usize::from(pen.height());
    let above = scene.look.scrolled(panel, total, shown);
    let width = pen.width();
    for (place, y) in (above..total).zip(0..pen.height()) {
        row(&mut pen.within(0, y, width, 1), place, scene);
    }
    Hidden { above, below: total.saturating_sub(above + shown) }
}
