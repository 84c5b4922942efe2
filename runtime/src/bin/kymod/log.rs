//! Lines on standard error. Under systemd's journal they carry a priority.

use std::fmt;
use std::io::{self, Write};

/// Lines about changes in [`SPAN_NS`]: more than a person reads, and than an owner's tool gone wild
/// may fill a disk with.
const LINES_MAX: u32 = 30;
const SPAN_NS: u64 = 10_000_000_000;

/// Bounds how many lines there are about changes, and tells how many it left out.
#[derive(Debug, Default)]
pub struct Bound {
    since_ns: u64,
    lines: u32,
    omitted: u32,
}

impl Bound {
    /// Something changed; `is_last` says that nothing will change after it.
    pub fn note(&mut self, now_ns: u64, is_last: bool, text: fmt::Arguments<'_>) {
        if is_last || now_ns - self.since_ns >= SPAN_NS {
            self.tell();
            (self.since_ns, self.lines) = (now_ns, 0);
        }
        if self.lines == LINES_MAX {
            self.omitted += 1;
            return;
        }
        self.lines += 1;
        note(text);
    }

    fn tell(&mut self) {
        if self.omitted > 0 {
            note(format_args!("{} lines were left out", self.omitted));
            self.omitted = 0;
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.tell();
    }
}

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
