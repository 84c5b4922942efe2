//! The terminal's size.

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
    let (width, height) = terminal_size::terminal_size_of(std::io::stdout())?;
    let size = Size { columns: width.0, rows: height.0 };
    (size.columns > 0 && size.rows > 0).then_some(size)
}
