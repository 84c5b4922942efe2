//! The table that people read.

use std::fmt::Write as _;

use crate::row::{Judged, Row, figure, limit};

const HEAD: &str = "\
# Results

Written by `make bench`; not edited. Each figure stands beside a floor of the same run: a bare
program that makes only the system calls the same result needs. kymo and floor take turns; the ratio
is the median over the pairs, with its quartiles. Limits are of the ratio where they end in ×, else
of the figure. Figures of two machines, or of a busy one, can't be compared; ratios can, with care.
";

/// The table of `rows`, with what is known of the machine.
#[must_use]
pub fn markdown(rows: &[Row], host: &[(&str, String)], command: &str, failed: &[String]) -> String {
    let mut text = String::from(HEAD);
    text.push('\n');
    // Writing to a string can't fail.
    for (key, value) in host {
        let _ = writeln!(text, "* {key}: {value}");
    }
    let _ = writeln!(text, "* command: `{command}`\n");
    text.push_str("| what | must | stretch | measured | floor | ratio | quartiles | verdict |\n");
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for row in rows {
        let _ = writeln!(text, "{}", line(row));
    }
    let notes = rows.iter().filter(|row| !row.note.is_empty());
    text.push_str("\nNotes:\n\n");
    for row in notes {
        let _ = writeln!(text, "* {}: {}.", row.what, row.note);
    }
    for failure in failed {
        let _ = writeln!(text, "* not measured: {failure}.");
    }
    text
}

fn line(row: &Row) -> String {
    let bound = |bound: Option<f64>| match (bound, row.judged) {
        (None, _) | (_, Judged::Not) => String::new(),
        (Some(bound), Judged::Ratio) => format!("≤ {} ×", limit(bound)),
        (Some(bound), Judged::Measured) => format!("≤ {} {}", limit(bound), row.unit),
    };
    let floor = row.floor.map(|floor| format!("{} {}", figure(floor), row.unit));
    let (ratio, quartiles) = row.ratio.map_or_else(Default::default, |spread| {
        (format!("{:.2}", spread.median), format!("{:.2} … {:.2}", spread.low, spread.high))
    });
    format!(
        "| {} | {} | {} | {} {} | {} | {ratio} | {quartiles} | {} |",
        row.what,
        bound(row.must),
        bound(row.stretch),
        figure(row.measured),
        row.unit,
        floor.unwrap_or_default(),
        row.verdict(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::Spread;

    #[test]
    fn a_table_has_every_row_and_what_failed() {
        let ratio = Spread { median: 1.2, low: 1.1, high: 1.3 };
        let rows = [
            Row::new("latency", 12.34, "µs").beside(10.0, ratio).ratio_limits(1.3, 1.1),
            Row::new("size", 695.2, "KB").limits(800.0, 500.0).note("stripped"),
        ];
        let text = markdown(&rows, &[("cores", "2".into())], "make bench", &["idle".into()]);
        let first =
            "| latency | ≤ 1.3 × | ≤ 1.1 × | 12.3 µs | 10.0 µs | 1.20 | 1.10 … 1.30 | must |\n";
        assert!(text.contains(first), "{text}");
        assert!(text.contains("| size | ≤ 800 KB | ≤ 500 KB | 695 KB |  |  |  | must |\n"));
        assert!(text.contains("* size: stripped.\n* not measured: idle.\n"));
    }
}
