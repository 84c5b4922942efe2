//! Waiting for a descriptor, or for a moment.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::Error;

/// Waits until `fd` can be read, or `deadline` has come.
pub fn until_readable(fd: BorrowedFd<'_>, deadline: Option<Instant>) -> Result<(), Error> {
    until(fd, PollFlags::POLLIN, deadline)
}

/// Waits until one of `events` holds for `fd`, or `deadline` has come. A signal ends it as well.
pub fn until(
    fd: BorrowedFd<'_>,
    events: PollFlags,
    deadline: Option<Instant>,
) -> Result<(), Error> {
    let mut watched = [PollFd::new(fd, events)];
    match poll(&mut watched, deadline.map_or(PollTimeout::NONE, timeout)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(Error::System(std::io::Error::from(error).kind())),
    }
}

/// Whole milliseconds, rounded up: a little late is once, a little early is again and again.
fn timeout(deadline: Instant) -> PollTimeout {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = left.saturating_add(Duration::from_nanos(999_999));
    PollTimeout::try_from(Duration::from_millis(
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
    ))
    .unwrap_or(PollTimeout::MAX)
}
