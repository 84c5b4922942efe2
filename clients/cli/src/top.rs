//! `kymo top`: the dashboard where there is a terminal, else processes as `kymo watch` tells them.

use std::io::{self, IsTerminal};

use crate::args::Top;
use crate::dashboard;
use crate::failure::Failure;
use crate::watch::watch;

/// Runs until a key or a signal ends it, or nothing can be done.
///
/// # Errors
///
/// The [`Failure`] that ended it.
pub fn top(options: &Top) -> Result<(), Failure> {
    if !options.is_dashboard() || !io::stdout().is_terminal() {
        return watch(&options.watch());
    }
    dashboard::dashboard(options)
}
