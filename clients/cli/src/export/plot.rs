//! A recording as a plot: a panel for each unit, one below the other, on one time axis.

use std::fmt::Write as _;
use std::io::Write;

use kymo_client::StreamId;
use kymo_protocol::Body;

use super::axis::{Axis, time_step};
use super::columns::{Column, Columns, From};
use super::series::Series;
use super::svg::{Anchor, COLORS, Svg};
use super::walk::{Seen, walk};
use super::{date, stopped};
use crate::args::Export;
use crate::failure::Failure;
use crate::link::name_of;
use crate::quantity::{quantity, rate};
use crate::rates::Window;
use crate::units;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 62.0;
/// Of a panel without its legend, and of the room below it.
const PANEL: f64 = 150.0;
const SPACE: f64 = 42.0;
/// Of a line of the legend, and of a column of it.
const LEGEND: f64 = 17.0;
const LEGEND_WIDTH: f64 = 220.0;
const BOTTOM: f64 = 4.0;

/// Moments: one for each pixel that a plot is wide.
const MOMENTS: usize = 890;

/// Lines of one panel: more can't be told apart.
const LINES_MAX: usize = COLORS;

/// One line.
struct Line<'a> {
    column: &'a Column,
    series: Series,
    window: Window,
}

/// Lines of one unit.
struct Panel<'a> {
    unit: &'a str,
    is_rate: bool,
    lines: Vec<Line<'a>>,
    /// Lines that there is no room for.
    more: usize,
}

/// Writes it. What is lost of the recording is told at the end, and is a gap in the plot.
///
/// # Errors
///
/// As said; with an empty text when nobody reads standard output any more.
pub fn write(output: &mut impl Write, options: &Export, columns: &Columns) -> Result<(), Failure> {
    let mut lines: Vec<Line> = columns
        .list()
        .iter()
        .map(|column| Line { column, series: Series::default(), window: Window::default() })
        .collect();
    let (from_ns, to_ns, begun_ns) = columns.span();
    let span_s = seconds(to_ns.saturating_sub(from_ns)).max(1e-3);
    let closed = walk(options, true, &mut |seen| {
        take(&mut lines, columns, seen, from_ns, span_s);
        Ok(())
    });
    let told = |line: &Line| !line.series.moments().is_empty();
    let (lines, silent): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(told);
    let panels = panels(lines);
    let name = name_of(options.path.file_name().map(std::path::Path::new));
    let title = format!("{name}, {} UTC", date(begun_ns));
    // Fans that are not there are no news, and what has only words is told by a table.
    let silent = silent.iter().filter(|line| columns.has(line.column));
    let silent: Vec<&str> = silent.map(|line| line.column.label.as_str()).collect();
    let picture = draw(&panels, &title, &silent, seconds(from_ns), span_s);
    output.write_all(picture.as_bytes()).map_err(|error| stopped(&error))?;
    closed
}

#[allow(clippy::cast_precision_loss)] // a plot has a thousand pixels
fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// Takes in what is seen.
fn take(lines: &mut [Line], columns: &Columns, seen: &Seen<'_>, from_ns: u64, span_s: f64) {
    let (frame, catalog, moment) = match seen {
        Seen::Frame(frame, catalog, moment) => (frame, catalog, moment),
        Seen::Break(stream) => {
            let of_vitals = |line: &Line| matches!(line.column.from, From::Vitals(..));
            let is_cut = |line: &Line| match *stream {
                None => true,
                Some(StreamId::VITALS) => of_vitals(line),
                Some(StreamId::SAMPLES) => !of_vitals(line),
                Some(_) => false,
            };
            for line in lines.iter_mut().filter(|line| is_cut(line)) {
                line.series.cut();
                line.window = Window::default();
            }
            return;
        }
    };
    let at_s = seconds(moment.elapsed_ns.saturating_sub(from_ns));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to MOMENTS
    #[allow(clippy::cast_precision_loss)]
    let place = ((at_s / span_s * (MOMENTS - 1) as f64) as usize).min(MOMENTS - 1);
    let mut push = |at: usize, value: Option<f64>, age_ms: u64| {
        let Some(line) = lines.get_mut(at) else { return };
        let value = value.filter(|value| value.is_finite());
        if line.column.is_counter {
            let read_ns = moment.elapsed_ns.saturating_sub(age_ms.saturating_mul(1_000_000));
            line.window.add(read_ns, value);
        }
        match value {
            None => line.series.cut(),
            Some(value) if !line.column.is_counter => line.series.push(place, at_s, value),
            // The first reading has no rate: that is no gap.
            Some(_) => {
                if let Some(per_second) = line.window.per_second() {
                    line.series.push(place, at_s, per_second);
                }
            }
        }
    };
    match frame.body {
        Body::Vitals(vitals) => {
            for (at, cell) in columns.of_vitals(vitals) {
                let age_ms = match columns.list().get(at).map(|column| column.from) {
                    Some(From::Vitals(field, _)) => vitals.age_ms(field).into(),
                    _ => 0,
                };
                push(at, cell.number(), age_ms);
            }
        }
        Body::Samples(samples) => {
            for (at, cell, age_ms) in columns.of_samples(catalog, samples) {
                push(at, cell.number(), age_ms);
            }
        }
        _ => {}
    }
}

/// The lines by their units, in the order of their first ones.
fn panels(lines: Vec<Line<'_>>) -> Vec<Panel<'_>> {
    let mut panels: Vec<Panel> = Vec::new();
    for line in lines {
        let (unit, is_rate) = (line.column.unit.as_str(), line.column.is_counter);
        let place = panels.iter().position(|panel| (panel.unit, panel.is_rate) == (unit, is_rate));
        let place = place.unwrap_or_else(|| {
            panels.push(Panel { unit, is_rate, lines: Vec::new(), more: 0 });
            panels.len() - 1
        });
        match panels[place].lines.len() {
            LINES_MAX.. => panels[place].more += 1,
            _ => panels[place].lines.push(line),
        }
    }
    panels
}

impl Panel<'_> {
    /// Lines of its legend.
    #[allow(clippy::cast_precision_loss)] // a few
    fn legend_height(&self) -> f64 {
        let entries = self.lines.len() + usize::from(self.more > 0);
        entries.div_ceil(4) as f64 * LEGEND
    }

    fn value(&self, value: f64) -> String {
        let metric = self.lines.first().map_or("", |line| line.column.metric.as_str());
        match self.unit {
            unit if self.is_rate => rate(value, unit),
            "%" => format!("{value} %"),
            unit => quantity(value, unit, metric),
        }
    }
}

fn draw(panels: &[Panel<'_>], title: &str, silent: &[&str], from_s: f64, span_s: f64) -> String {
    let heights = panels.iter().map(|panel| PANEL + SPACE + panel.legend_height());
    let note = if silent.is_empty() { 0.0 } else { LEGEND + 8.0 };
    let height = TOP + heights.sum::<f64>() + BOTTOM + note;
    let mut svg = Svg::new(WIDTH, height, title);
    svg.text(LEFT, 26.0, Anchor::Start, "t", title);
    let span = format!("{} from {}", stopwatch(span_s), stopwatch(from_s));
    svg.text(WIDTH - RIGHT, 26.0, Anchor::End, "q", &span);
    let mut top = TOP;
    for panel in panels {
        legend(&mut svg, panel, top - 12.0);
        top += panel.legend_height();
        draw_panel(&mut svg, panel, top - 12.0, span_s, from_s);
        top += PANEL + SPACE;
    }
    if !silent.is_empty() {
        let text = format!("without a value: {}", silent.join(", "));
        svg.text(LEFT, height - 14.0, Anchor::Start, "q", &text);
    }
    svg.finish()
}

fn stopwatch(seconds: f64) -> String {
    let span = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let text = units::stopwatch(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    text.strip_suffix(".000").map(Into::into).unwrap_or(text)
}

fn legend(svg: &mut Svg, panel: &Panel<'_>, top: f64) {
    let more = (panel.more > 0).then(|| format!("and {} more, not drawn", panel.more));
    let labels = panel.lines.iter().map(|line| (line.column.label.clone(), true));
    let (mut x, mut y) = (LEFT, top);
    for (place, (label, has_line)) in labels.chain(more.map(|text| (text, false))).enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            (x, y) = (LEFT, y + LEGEND);
        }
        if has_line {
            svg.path(&format!("l c{}", place % COLORS), &format!("M{x:.1} {y:.1}h16"));
        }
        let cut: String = label.chars().take(30).collect();
        svg.text(x + 22.0, y + 4.0, Anchor::Start, "", &cut);
        x += LEGEND_WIDTH;
    }
}

fn draw_panel(svg: &mut Svg, panel: &Panel<'_>, top: f64, span_s: f64, from_s: f64) {
    let extremes = panel.lines.iter().filter_map(|line| line.series.extremes());
    let (least, greatest) =
        extremes.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0));
    let axis = Axis::holding(least, greatest, 4.0, panel.unit == "By");
    let (right, bottom) = (WIDTH - RIGHT, top + PANEL);
    let y = |value: f64| bottom - axis.share(value) * PANEL;
    for mark in axis.marks() {
        svg.path("g", &format!("M{LEFT} {:.1}H{right}", y(mark)));
        svg.text(LEFT - 8.0, y(mark) + 4.0, Anchor::End, "q", &panel.value(mark));
    }
    let step_s = time_step(span_s, 10.0);
    let mut at_s = (from_s / step_s).ceil() * step_s;
    while at_s <= from_s + span_s {
        let x = LEFT + (at_s - from_s) / span_s * (right - LEFT);
        svg.path("g", &format!("M{x:.1} {top:.1}V{bottom:.1}"));
        svg.text(x, bottom + 15.0, Anchor::Middle, "q", &stopwatch(at_s));
        at_s += step_s;
    }
    svg.path("a", &format!("M{LEFT} {top:.1}V{bottom:.1}H{right}"));
    for (place, line) in panel.lines.iter().enumerate() {
        #[allow(clippy::cast_precision_loss)] // from 0 to MOMENTS
        let x = |moment: usize| LEFT + moment as f64 / (MOMENTS - 1) as f64 * (right - LEFT);
        svg.path(&format!("l c{}", place % COLORS), &path(&line.series, x, y));
    }
}

/// Up and down in each moment, and from one to the next unless nothing is known between.
fn path(series: &Series, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    for moment in series.moments() {
        let (x, letter) = (x(moment.place), if moment.begins { 'M' } else { 'L' });
        // Writing to a string can't fail.
        let _ = write!(path, "{letter}{x:.1} {:.1}", y(moment.first));
        // A point alone is a line of no length, which its ends make visible.
        if moment.begins {
            path.push_str("h0");
        }
        if moment.least < moment.greatest {
            let values = [moment.least, moment.greatest, moment.last].map(&y);
            let _ = write!(path, "V{:.1}V{:.1}V{:.1}", values[0], values[1], values[2]);
        }
    }
    path
}
