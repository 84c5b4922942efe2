//! One picture of the tables: four questions, a bar for each contestant.

use std::fmt::Write as _;

use kymo_benches::row::figure;

use crate::table::Table;

/// A question, and where its figures stand.
struct Panel {
    title: &'static str,
    hint: &'static str,
    /// Beginnings of the table's heading and of its row.
    table: &'static str,
    row: &'static str,
    unit: &'static str,
}

const PANELS: [Panel; 4] = [
    Panel {
        title: "CPU to read a machine at 25 Hz",
        hint: "% of a core, less is better",
        table: "Reading the machine",
        row: "25 Hz: CPU",
        unit: "%",
    },
    Panel {
        title: "p99 latency, 320 bytes at 1 kHz, 10 readers",
        hint: "µs, less is better",
        table: "A vitals frame",
        row: "10 subscribers: p99",
        unit: "µs",
    },
    Panel {
        title: "Server memory beside a stalled reader",
        hint: "MB at its highest, 70,000 events/s, less is better",
        table: "One stalled subscriber of events",
        row: "memory at its highest",
        unit: "MB",
    },
    Panel {
        title: "64-byte events, unpaced, 10 readers",
        hint: "thousand a second arrive, more is better; kymo and nng drop the rest",
        table: "Events of 64 bytes, unpaced",
        row: "10 subscribers: each gets",
        unit: "k/s",
    },
];

const WIDTH: u32 = 880;
const PANEL_WIDTH: u32 = 420;
const PANEL_HEIGHT: u32 = 190;
const BAR_LEFT: u32 = 112;
const BAR_WIDTH: f64 = 220.0;
const ROW_HEIGHT: u32 = 30;

/// Colours that stand out on white and on black; browsers choose better ones for each.
const STYLE: &str = "\
text{font:14px system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif;fill:#6e7781}
.title{font-size:16px;font-weight:600}.hint{font-size:12px}.value{font-size:13px}
.kymo{fill:#d9730d}.peer{fill:#7d8fa9}
@media (prefers-color-scheme:light){text{fill:#424a53}.title{fill:#1f2328}.kymo{fill:#bc4c00}}
@media (prefers-color-scheme:dark){text{fill:#9aa4af}.title{fill:#e6edf3}.kymo{fill:#f0883e}}
";

/// The picture of `tables`. What was not measured has no bar, and says so.
#[must_use]
pub fn svg(tables: &[Table]) -> String {
    let height = 2 * PANEL_HEIGHT + 10;
    // Writing to a string can't fail.
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>kymo beside its peers</title>\n<style>\n{STYLE}</style>\n"
    );
    for (panel, place) in PANELS.iter().zip(0..) {
        let (x, y) = (10 + place % 2 * (PANEL_WIDTH + 20), 10 + place / 2 * PANEL_HEIGHT);
        let _ = writeln!(text, "<g transform=\"translate({x} {y})\">");
        let _ = writeln!(text, "<text class=\"title\" y=\"16\">{}</text>", panel.title);
        let _ = writeln!(text, "<text class=\"hint\" y=\"34\">{}</text>", panel.hint);
        match tables.iter().find(|table| table.title.starts_with(panel.table)) {
            Some(table) => bars(&mut text, panel, table),
            None => text.push_str("<text y=\"70\">not measured</text>\n"),
        }
        text.push_str("</g>\n");
    }
    text.push_str("</svg>\n");
    text
}

fn bars(text: &mut String, panel: &Panel, table: &Table) {
    let values = table.columns.iter().map(|name| (name, table.figure(panel.row, name)));
    let values: Vec<_> = values.collect();
    let most = values.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
    for ((name, value), row) in values.into_iter().zip(0..) {
        let y = 48 + row * ROW_HEIGHT;
        let class = if row == 0 { "kymo" } else { "peer" };
        let baseline = y + 15;
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{name}</text>",
            BAR_LEFT - 10
        );
        let Some(value) = value.filter(|_| most > 0.0) else {
            let _ = writeln!(
                text,
                "<text class=\"value\" x=\"{BAR_LEFT}\" y=\"{baseline}\">not measured</text>"
            );
            continue;
        };
        // What is hardly anything is still seen.
        let width = (value / most * BAR_WIDTH).max(2.0);
        let _ = writeln!(
            text,
            "<rect class=\"{class}\" x=\"{BAR_LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"21\" \
             rx=\"2\"/>"
        );
        let _ = writeln!(
            text,
            "<text class=\"value\" x=\"{:.1}\" y=\"{baseline}\">{} {}</text>",
            f64::from(BAR_LEFT) + width + 8.0,
            figure(value),
            panel.unit
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Cell;

    #[test]
    fn bars_are_as_long_as_their_figures() {
        let mut table = Table::new("Reading the machine", "", &["kymo", "slow", "gone"]);
        let cell = |value| Cell::Figure { value, range: None, ratio: None };
        table.less("25 Hz: CPU", "%", vec![cell(1.0), cell(4.0), Cell::None]);
        let text = svg(&[table]);
        assert!(text.contains("width=\"55.0\"") && text.contains("width=\"220.0\""), "{text}");
        // Who is gone, and the three panels without a table.
        assert_eq!(text.matches("not measured").count(), 4);
    }
}
