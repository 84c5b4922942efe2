//! A recording as a plot: a panel for each unit, one below the other, on one time axis.

use std::fmt::Write as _;
use std::io::Write;

use kymo_client::StreamId;
use kymo_protocol::Body;

use super::axis::{Axis, time_step};
use super::columns::{Column, Columns, From};
use super::legend::{Legend, SAMPLE, cut, width_of};
use super::scale::Scale;
use super::series::Series;
use super::svg::{Anchor, COLORS, Svg};
use super::walk::{Seen, walk};
use super::{date, stopped};
use crate::args::Export;
use crate::failure::Failure;
use crate::link::name_of;
use crate::rates::{WINDOW_NS, Window};
use crate::units;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 62.0;
/// Of a panel without its legend, and of the room below it.
const PANEL: f64 = 150.0;
const SPACE: f64 = 42.0;
/// Of a row of the legend, and of the note below all panels.
const LEGEND: f64 = 17.0;
const NOTE: f64 = 25.0;
/// Less than the room below a panel: nothing follows the last one.
const BOTTOM: f64 = -10.0;

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
    for line in &mut lines {
        line.series.finish(MOMENTS - 1, span_s);
    }
    let told = |line: &Line| !line.series.moments().is_empty();
    let (lines, silent): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(told);
    let panels = panels(lines);
    let name = name_of(options.path.file_name().map(std::path::Path::new));
    let title = (name, format!(", {} UTC", date(begun_ns)));
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
    let place = place_of(at_s, span_s);
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
            Some(_) => push_rate(line, at_s, from_ns, span_s),
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

/// The moment in which `at_s` lies.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to MOMENTS
#[allow(clippy::cast_precision_loss)]
fn place_of(at_s: f64, span_s: f64) -> usize {
    ((at_s / span_s * (MOMENTS - 1) as f64) as usize).min(MOMENTS - 1)
}

/// Takes in what a counter grows in a second, as it is at `at_s`. A line begins when a whole window
/// is known, since over less the rate jumps, and is that window's mean from its first reading on:
/// readings without a rate are no gap.
fn push_rate(line: &mut Line, at_s: f64, from_ns: u64, span_s: f64) {
    let Some((first_ns, last_ns)) = line.window.span_ns() else { return };
    let Some(per_second) = line.window.per_second() else { return };
    if line.series.begins() {
        // What is short has no time for a whole one.
        let least_s = (span_s / 4.0).min(seconds(WINDOW_NS));
        if seconds(last_ns - first_ns) < least_s {
            return;
        }
        let first_s = seconds(first_ns.saturating_sub(from_ns)).min(at_s);
        line.series.push(place_of(first_s, span_s), first_s, per_second);
    }
    line.series.push(place_of(at_s, span_s), at_s, per_second);
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
    fn legend(&self) -> Legend {
        let more = (self.more > 0).then(|| format!("and {} more, not drawn", self.more));
        let labels = self.lines.iter().map(|line| line.column.label.clone());
        Legend::new(labels.chain(more), WIDTH - LEFT - RIGHT)
    }

    #[allow(clippy::cast_precision_loss)] // a few
    fn legend_height(&self) -> f64 {
        self.legend().rows() as f64 * LEGEND
    }

    /// What its axis counts in, and the axis.
    fn scale(&self) -> (Scale, Axis) {
        let extremes = self.lines.iter().filter_map(|line| line.series.extremes());
        let (least, greatest) =
            extremes.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 0.0));
        let metric = self.lines.first().map_or("", |line| line.column.metric.as_str());
        let scale = Scale::of(self.unit, metric, self.is_rate, greatest.abs().max(least.abs()));
        let (low, high) = (least * scale.factor, greatest * scale.factor);
        let axis = Axis::holding(low, high, 4.0, scale.is_bytes, scale.from_zero);
        (scale, axis)
    }
}

fn draw(
    panels: &[Panel<'_>],
    (name, date): &(String, String),
    silent: &[&str],
    from_s: f64,
    span_s: f64,
) -> String {
    let heights = panels.iter().map(|panel| PANEL + SPACE + panel.legend_height());
    let note = if silent.is_empty() { 0.0 } else { NOTE };
    let height = TOP + heights.sum::<f64>() + BOTTOM + note;
    let mut svg = Svg::new(WIDTH, height, &format!("{name}{date}"));
    let span = format!("{} from {}", stopwatch(span_s), stopwatch(from_s));
    // Its letters are wider by a third.
    let room = (WIDTH - LEFT - RIGHT - SAMPLE - width_of(&span)) / 1.34 - width_of(date);
    svg.text(LEFT, 26.0, Anchor::Start, "t", &(cut(name, room) + date));
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
        let text = cut(&text, WIDTH - LEFT - RIGHT);
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
    let legend = panel.legend();
    let (mut x, mut y) = (LEFT, top);
    for (place, text) in legend.texts.iter().enumerate() {
        if place > 0 && place.is_multiple_of(legend.columns) {
            (x, y) = (LEFT, y + LEGEND);
        }
        if place < panel.lines.len() {
            svg.path(&format!("l c{}", place % COLORS), &format!("M{x:.1} {y:.1}h16"));
        }
        svg.text(x + SAMPLE, y + 4.0, Anchor::Start, "", text);
        x += legend.step;
    }
}

fn draw_panel(svg: &mut Svg, panel: &Panel<'_>, top: f64, span_s: f64, from_s: f64) {
    let (scale, axis) = panel.scale();
    let (right, bottom) = (WIDTH - RIGHT, top + PANEL);
    let y = |value: f64| bottom - axis.share(value) * PANEL;
    for mark in axis.marks() {
        svg.path("g", &format!("M{LEFT} {:.1}H{right}", y(mark)));
        svg.text(LEFT - 8.0, y(mark) + 4.0, Anchor::End, "q", &axis.label(mark));
    }
    let name = cut(&scale.name, LEFT);
    svg.text(LEFT - 8.0, top - 13.0, Anchor::End, "q", &name);
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
        svg.path(
            &format!("l c{}", place % COLORS),
            &path(&line.series, x, |value| y(value * scale.factor)),
        );
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

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::Field;

    fn line(column: &Column) -> Line<'_> {
        Line { column, series: Series::default(), window: Window::default() }
    }

    fn column() -> Column {
        Column {
            name: String::new(),
            label: String::new(),
            unit: "By".into(),
            metric: String::new(),
            is_counter: true,
            from: From::Vitals(Field::DiskReadBytes, 0),
            has_value: true,
        }
    }

    /// The bug it finds: a line of rates that begins with the rate of a tenth of a second.
    #[test]
    fn rates_begin_with_the_mean_of_a_whole_window() {
        let column = column();
        let mut line = line(&column);
        let (mut count, mut at_ms) = (0u32, 0u32);
        let mut pass = |line: &mut Line<'_>| {
            at_ms += 1000;
            // A burst behind a pause, and then a thousand a second.
            for step in 0..100u32 {
                count += if step < 5 { 1000 } else { 40 };
                at_ms += 40;
                line.window.add(u64::from(at_ms) * 1_000_000, Some(count.into()));
                push_rate(line, f64::from(at_ms) / 1000.0, 0, 60.0);
            }
        };
        pass(&mut line);
        line.series.cut();
        line.window = Window::default();
        pass(&mut line);
        let (least, greatest) = line.series.extremes().unwrap();
        // 24 steps follow the first reading in a second, four of them in the burst.
        assert!((999.0..1001.0).contains(&least) && (4800.0..4900.0).contains(&greatest));
        let begins = line.series.moments().iter().filter(|moment| moment.begins);
        let begins: Vec<usize> = begins.map(|moment| moment.place).collect();
        assert_eq!(begins, [place_of(1.04, 60.0), place_of(6.04, 60.0)], "from the first reading");
        // What is short has no time for a second.
        let mut short = Line { series: Series::default(), window: Window::default(), ..line };
        for at_ms in [0u32, 120, 240] {
            short.window.add(u64::from(at_ms) * 1_000_000, Some(at_ms.into()));
            push_rate(&mut short, f64::from(at_ms) / 1000.0, 0, 0.4);
        }
        assert_eq!(short.series.extremes(), Some((1000.0, 1000.0)));
    }

    #[test]
    fn a_plot_says_its_unit_once_and_nothing_of_a_zero_but_that() {
        let column = column();
        let mut line = line(&column);
        line.series.push(0, 0.0, 0.0);
        line.series.push(9, 1.0, 0.0);
        let panels = panels(vec![line]);
        let name = ("a".repeat(200), ", then".to_string());
        let svg = draw(&panels, &name, &[], 0.0, 60.0);
        assert!(svg.contains(">B/s</text>") && svg.contains(">0</text>"), "{svg}");
        assert!(!svg.contains(">1</text>") && !svg.contains("1 B"), "{svg}");
        assert!(svg.contains("a…, then</text>"), "what is cut is the name: {svg}");
    }
}
