#![allow(unsafe_code)]
//! A stack that nobody can walk, in the released kymod.
//!
//! std's panic hook brings along what names the functions of a backtrace: readers of DWARF, of ELF
//! and of compressed sections, a fifth of the file. A released kymod is stripped and has nothing of
//! what they read. They are called for each frame that the C compiler's library finds, by one of
//! its functions. The one here finds none, so that nothing calls them. What a panic says and where
//! it happened are printed all the same.
//!
//! The others are named by std's handler of unwinding, which is linked in whether anything unwinds
//! or not; a panic ends the process here (`profile.release`). With all of them at hand the library
//! itself, 15 KB of memory, is not loaded.

use std::ffi::{c_int, c_void};
use std::process::abort;

/// `_URC_END_OF_STACK` of the Itanium C++ ABI, which names all of these.
const END_OF_STACK: c_int = 5;

// SAFETY: it has the signature that the ABI gives this name, touches none of its arguments, and
// answers what is true of an empty stack. Only std calls it, and only to print a backtrace.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_frame: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

// SAFETY: of this one and of those below: the ABI's signature, no argument is touched, and there is
// no return. Nothing unwinds, so nobody calls it.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume(_exception: *mut c_void) -> ! {
    abort()
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetIPInfo(_context: *mut c_void, _before: *mut c_int) -> usize {
    abort()
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetLanguageSpecificData(_context: *mut c_void) -> *mut c_void {
    abort()
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetRegionStart(_context: *mut c_void) -> usize {
    abort()
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetTextRelBase(_context: *mut c_void) -> usize {
    abort()
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetDataRelBase(_context: *mut c_void) -> usize {
    abort()
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_SetGR(_context: *mut c_void, _register: c_int, _value: usize) {
    abort()
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_SetIP(_context: *mut c_void, _value: usize) {
    abort()
}
