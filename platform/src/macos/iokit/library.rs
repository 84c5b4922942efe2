#![allow(unsafe_code)]
//! Calls that Apple documents nowhere, looked up by name.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

/// A library of the system's. It is never let go of: what was looked up stays there.
#[derive(Debug)]
pub(super) struct Library(NonNull<c_void>);

impl Library {
    /// The first of `paths` that there is. Since macOS 11 such files are in the cache of the
    /// loader alone, which knows them by these paths.
    pub(super) fn open(paths: &[&CStr]) -> Option<Self> {
        let open = |path: &&CStr| {
            // SAFETY: the path ends with a NUL. Loading one of the system's libraries runs what it
            // has to run then, as any program that is linked to it does.
            NonNull::new(unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) })
        };
        paths.iter().find_map(open).map(Self)
    }

    /// The call of that name.
    ///
    /// # Safety
    ///
    /// `F` is a function pointer with the signature that the call has.
    pub(super) unsafe fn call<F: Copy>(&self, name: &CStr) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) }
        // SAFETY: the library is open, and the name ends with a NUL.
        let address = unsafe { libc::dlsym(self.0.as_ptr(), name.as_ptr()) };
        let address = NonNull::new(address)?;
        // SAFETY: both are addresses of one size, this one is not null, and the caller says that
        // the function there has that signature.
        Some(unsafe { std::mem::transmute_copy(&address) })
    }
}
