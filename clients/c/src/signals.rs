//! Signals stay with the threads of the program.

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Those that tell of what the thread itself has done: they are handled where they come.
const OWN: [Signal; 7] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGABRT,
    Signal::SIGSYS,
];

/// Runs `start` so that the threads it starts never run the program's signal handlers: a thread
/// has the mask of the one that started it.
pub fn kept<T>(start: impl FnOnce() -> T) -> T {
    let mut none = SigSet::all();
    OWN.into_iter().for_each(|signal| none.remove(signal));
    let before = none.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let started = start();
    if let Ok(before) = before {
        // It was in force a moment ago.
        let _ = before.thread_set_mask();
    }
    started
}
