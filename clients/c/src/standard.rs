//! Descriptors 0, 1 and 2.
//!
//! A program that has closed them gets them back with the next files it opens. A journal or a
//! socket that is descriptor 1 would be written to by whatever prints. The start of a program in
//! Rust opens them; that of a program in C does not, so it is done here, before anything is opened.

use std::fs::OpenOptions;
use std::os::fd::{AsRawFd, IntoRawFd};

/// Opens those of the three that are closed on /dev/null. They stay open: by the time a handle is
/// freed they may be the program's.
pub fn occupy() {
    while let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        // The least that is free is taken.
        if null.as_raw_fd() > 2 {
            break;
        }
        let _ = null.into_raw_fd();
    }
}
