//! What kymo calls in a program, and with what.

use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::action::KymoAction;
use crate::error::KymoWhy;
use crate::text::KymoText;

/// Is called with a sentence that a program may want to log. On the loop's thread, which it must
/// not keep waiting: ticks that pass meanwhile are counted as missed.
pub type KymoReport = Option<extern "C" fn(context: *mut c_void, text: KymoText)>;

/// Is asked before kymo does what its owner asks for over the control socket, and answers with a
/// ::KymoHandled; `answer` is for a word about it, and empty at first. On the loop's thread, which
/// it must not keep waiting.
pub type KymoCommand =
    Option<extern "C" fn(context: *mut c_void, action: KymoAction, answer: &mut KymoWhy) -> i32>;

/// Is called when a subscriber that found nothing has something again, or will have nothing any
/// more. On the loop's thread, which it must not keep waiting, or that of who frees the hub. It may
/// not call anything with that subscriber. When kymo_subscriber_free() has returned it is not
/// running, and will not be called.
pub type KymoReady = Option<extern "C" fn(context: *mut c_void)>;

/// What a program wants to have back when it is called.
#[derive(Clone, Copy, Debug)]
pub struct Context(pub *mut c_void);

// SAFETY: kymo does nothing with it but hand it back; the program was told on which thread.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// The pointer. A method, so that closures take the whole and not the pointer alone.
    pub fn get(&self) -> *mut c_void {
        self.0
    }
}

/// A [`KymoReady`] that can be called until it is closed, and not after that has returned: what it
/// is handed may be gone by then.
#[derive(Debug)]
pub struct Gate {
    ready: Mutex<KymoReady>,
    context: Context,
}

impl Gate {
    pub fn new(ready: KymoReady, context: *mut c_void) -> Self {
        Self { ready: Mutex::new(ready), context: Context(context) }
    }

    /// Calls it. Waits for nobody but who closes the gate.
    pub fn call(&self) {
        let open = self.open();
        if let Some(ready) = *open {
            ready(self.context.get());
        }
    }

    /// Waits for a call that is under way, and lets no other through.
    pub fn close(&self) {
        *self.open() = None;
    }

    fn open(&self) -> MutexGuard<'_, KymoReady> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
