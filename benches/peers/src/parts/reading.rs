//! kymo's sensors beside other libraries: what bench-sources says, in a table.

use std::process::{Command, Stdio};

use kymo_benches::Outcome;
use kymo_benches::process::sibling;
use kymo_benches::row::Row;

use crate::table::{Cell, Table};

/// CPU time of one read of each source.
///
/// # Errors
///
/// When bench-sources fails.
pub fn run(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "Sensors beside the crates sysinfo and procfs",
        "CPU time of one read of each source, by `bench-sources`: beside the better of the two \
         crates, used as well as it can be, and beside the bare system calls, which nobody can \
         beat.",
        &["kymo", "the better crate", "system calls alone"],
    );
    let mut command = Command::new(sibling("bench-sources")?);
    command.arg("--json").stdin(Stdio::null()).stderr(Stdio::null());
    if is_quick {
        command.arg("--quick");
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("bench-sources ended with {}", output.status).into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let rows: Vec<Row> = text.lines().filter_map(Row::from_json).collect();
    let other = |row: &Row| {
        let value = row.floor?;
        let spread = row.ratio?;
        // Of the others to kymo, as everywhere here.
        let ratio = [1.0 / spread.median, 1.0 / spread.high, 1.0 / spread.low];
        Some(Cell::Figure { value, range: None, ratio: Some(ratio) })
    };
    for row in &rows {
        let Some((what, beside)) = row.what.split_once(": beside ") else { continue };
        if beside == "bare system calls" {
            continue;
        }
        let bare = format!("{what}: beside bare system calls");
        let bare = rows.iter().find(|row| row.what == bare).and_then(other);
        let kymo = Cell::Figure { value: row.measured, range: None, ratio: None };
        let peer = other(row).unwrap_or(Cell::None);
        let what = format!("{} ({beside})", what.trim_start_matches("read "));
        // The bare calls are no contestant.
        let bare = match bare {
            Some(Cell::Figure { value, .. }) => Cell::Text(kymo_benches::row::figure(value)),
            _ => Cell::None,
        };
        table.less(what, "ns", vec![kymo, peer, bare]);
    }
    Ok(table)
}
