#![allow(unsafe_code)]
//! What the bindings leave to their callers.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

/// A descriptor that is readable when `fd` is, and lives as long as we want.
///
/// # Errors
///
/// When there is no descriptor left.
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: a library has just named the descriptor as that of a socket that our caller holds, so
    // it is open until this call is over.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    borrowed.try_clone_to_owned()
}

/// Has a publisher wait for subscribers that are slow, instead of dropping what they don't take.
///
/// # Errors
///
/// When the library refuses.
#[cfg(feature = "zeromq")]
pub fn wait_for_all(socket: &mut ::zmq::Socket) -> io::Result<()> {
    let (is_on, size) = (1_i32, size_of::<i32>());
    let option = ::zmq_sys::ZMQ_XPUB_NODROP.cast_signed();
    let value = (&raw const is_on).cast();
    // SAFETY: the socket is open while we hold it; the option is an int, of which the library reads
    // `size` bytes before the call returns (man zmq_setsockopt).
    let result = unsafe { ::zmq_sys::zmq_setsockopt(socket.as_mut_ptr(), option, value, size) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
