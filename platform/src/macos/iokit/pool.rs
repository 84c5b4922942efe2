#![allow(unsafe_code)]
//! What Objective-C objects of the system's leave behind on this thread, let go of in time.
//!
//! HID's clients, services and events are such objects, and what is behind the private calls is
//! Apple's affair. An object that is autoreleased on a thread without a pool lives as long as the
//! thread, and those that read sensors never end.

use std::ffi::c_void;

#[link(name = "objc", kind = "dylib")]
unsafe extern "C" {
    safe fn objc_autoreleasePoolPush() -> *mut c_void;
    fn objc_autoreleasePoolPop(pool: *mut c_void);
}

/// A pool of this thread, emptied when this is dropped. An address makes it stay on its thread.
#[must_use]
pub(super) struct Pool(*mut c_void);

impl Pool {
    /// The innermost one from here on.
    pub(super) fn new() -> Self {
        Self(objc_autoreleasePoolPush())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: it was made on this thread, and those that were made later are gone. What is ours
        // has a count of its own.
        unsafe { objc_autoreleasePoolPop(self.0) }
    }
}
