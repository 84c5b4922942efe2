//! The terminal's size.

use std::os::fd::AsFd;

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// The size of the terminal that standard output is; `None` when it is none or does not say.
pub fn size() -> Option<Size> {
    size_of(std::io::stdout())
}

/// The same of something else that may be one.
pub fn size_of(output: impl AsFd) -> Option<Size> {
    let (width, height) = terminal_size::terminal_size_of(output)?;
    let size = Size { columns: width.0, rows: height.0 };
    (size.columns > 0 && size.rows > 0).then_some(size)
}
