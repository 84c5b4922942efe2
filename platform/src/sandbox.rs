//! What a program gives up for good, as far as its kernel can take it away.
//!
//! For the `main` of a daemon, and never for a library: a host's own files and calls would be gone
//! with it. Best effort: what can't be taken away stays, and [`Sandbox`] says why.

use std::path::Path;

use crate::os;
use crate::roots::Roots;

/// What of the file system stays open; everything else is closed, whatever its modes say. What is
/// open already stays open.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// What sensors are read from.
    pub roots: &'a Roots,
    /// A file that is opened again and again. Its folder may be read as well, since whoever edits
    /// a file may put another one in its place.
    pub settings: Option<&'a Path>,
    /// Folders in which files are removed at the end.
    pub sockets: &'a [&'a Path],
    /// Folders in which files are made, written and removed.
    pub written: &'a [&'a Path],
    /// Whether somebody is spoken to by an abstract name.
    pub speaks_abstractly: bool,
}

/// How far a program is confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// The version of Landlock's rules that closes its files, or why none does.
    pub landlock: Result<u8, &'static str>,
    /// Whether a filter of system calls is in force, or why none is.
    pub seccomp: Result<(), &'static str>,
}

/// Closes all files but `places` to the calling thread and those that it starts from now on.
///
/// # Errors
///
/// Why it did not; then nothing is closed.
pub fn close_files(places: &Places<'_>) -> Result<u8, &'static str> {
    os::close_files(places)
}

/// Leaves this process the system calls that a running kymod makes. Another one is answered as a
/// kernel that has none such would; one that only an intruder makes ends the process.
///
/// # Errors
///
/// Why it did not; then all calls are left.
pub fn close_calls() -> Result<(), &'static str> {
    os::close_calls()
}
