//! Signals as a descriptor: a kqueue with EVFILT_SIGNAL.
//!
//! The kernel notes a signal for the queue before it looks at masks, so blocking the signal keeps
//! its default action away and loses nothing. Type-checked only: it has not run on a Mac.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

use crate::signal::{Signal, set_of};

/// The signals that were asked for, to be taken one by one.
#[derive(Debug)]
pub struct Signals(Kqueue);

impl Signals {
    /// Blocks `wanted` in this thread, and opens a descriptor that receives them.
    ///
    /// To be called before other threads start, so that they inherit the mask: a thread that
    /// doesn't block a signal may get it first, with the default action. The mask stays when this
    /// is dropped; a child process inherits it unless it resets it.
    pub fn new(wanted: &[Signal]) -> io::Result<Self> {
        set_of(wanted).thread_block()?;
        let queue = Kqueue::new()?;
        for signal in wanted {
            let ident = usize::try_from(signal.number() as i32).map_err(io::Error::other)?;
            // A kqueue is never inherited by a child, so it needs no close-on-exec.
            queue.kevent(&[event(ident)], &mut [], Some(AT_ONCE))?;
        }
        Ok(Self(queue))
    }

    /// The descriptor that is readable while a signal waits.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// The next signal that waits, if one does.
    #[must_use]
    pub fn take(&mut self) -> Option<Signal> {
        let mut events = [event(0)];
        loop {
            match self.0.kevent(&[], &mut events, Some(AT_ONCE)) {
                Ok(1) => {
                    let number = i32::try_from(events.first()?.ident()).ok()?;
                    if let Some(signal) = Signal::from_number(number) {
                        return Some(signal);
                    }
                }
                Err(nix::errno::Errno::EINTR) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }
}

const AT_ONCE: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

fn event(ident: usize) -> KEvent {
    let flags = EvFlags::EV_ADD | EvFlags::EV_CLEAR;
    KEvent::new(ident, EventFilter::EVFILT_SIGNAL, flags, FilterFlag::empty(), 0, 0)
}
