//! Lines on standard error. Under systemd's journal they carry a priority.

use std::fmt;
use std::io::{self, Write};

/// Something went wrong that ends the daemon.
pub fn error(text: &str) {
    line("<3>", format_args!("{text}"));
}

/// Something changed.
pub fn note(text: fmt::Arguments<'_>) {
    line("<5>", text);
}

fn line(priority: &str, text: fmt::Arguments<'_>) {
    // Standard error is not buffered and this allocates nothing. When nobody reads it, so be it.
    let priority = if under_journal() { priority } else { "" };
    let _ = writeln!(io::stderr(), "{priority}kymod: {text}");
}

/// Whether standard error is the journal's stream, as its variable says.
fn under_journal() -> bool {
    static JOURNAL: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *JOURNAL.get_or_init(|| {
        let Ok(value) = std::env::var("JOURNAL_STREAM") else { return false };
        nix::sys::stat::fstat(io::stderr())
            .is_ok_and(|stat| value == format!("{}:{}", stat.st_dev, stat.st_ino))
    })
}
