//! A program that SIGPIPE ends, as it ends hosts in C, outlives a server that is gone.
//!
//! Alone in its process, since what a signal does is the process's own affair.
#![allow(clippy::unwrap_used)] // as in any test

use std::os::unix::net::UnixStream;

use kymo_client::{Settings, Subscriber};
use nix::sys::signal::{SigHandler, Signal, signal};

#[test]
fn a_server_that_is_gone_raises_no_signal() {
    // SAFETY: the default action is no code of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    let outcome = Subscriber::over(ours, Settings::default());
    assert!(outcome.is_err() || outcome.is_ok_and(|mut subscriber| subscriber.next().is_err()));
}
