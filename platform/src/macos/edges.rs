#![allow(unsafe_code)]
//! The calls of the edges that nix and std lack; docs/PLATFORM.md says where each fact is from.
//!
//! Every function is safe to call with any arguments: buffers are slices, descriptors are borrowed,
//! names are C strings.

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{null_mut, slice_from_raw_parts};

use nix::errno::Errno;

unsafe extern "C" {
    /// tzset(3), which libc declares for other systems only.
    fn tzset();

    /// `launch.h` of the system's own library, macOS 10.9: 0, or what went wrong.
    fn launch_activate_socket(
        name: *const c_char,
        sockets: *mut *mut c_int,
        count: *mut libc::size_t,
    ) -> c_int;
}

/// Has sends on `socket` fail, whose peer is gone, and raise no SIGPIPE.
pub(crate) fn quieten(socket: BorrowedFd<'_>) -> io::Result<()> {
    let on: c_int = 1;
    let size = libc::socklen_t::try_from(size_of_val(&on)).map_err(io::Error::other)?;
    // SAFETY: setsockopt(2) reads `size` bytes from the address, which is that of a live c_int of
    // just that size; the descriptor is open while it is borrowed.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NOSIGPIPE,
            (&raw const on).cast(),
            size,
        )
    };
    Errno::result(result)?;
    Ok(())
}

/// What sysctl(3) says of `name`, in `buffer`, without the NUL; `None` when it is longer, or there
/// is no such name.
pub(crate) fn sysctl_text<'b>(name: &CStr, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let size = super::sysctl::by_name(name, buffer).ok()?;
    buffer.get(..size)?.split(|byte| *byte == 0).next()
}

/// Reads the zone that [`local_time`] answers in, from TZ or /etc/localtime.
pub(crate) fn read_time_zone() {
    // SAFETY: tzset(3) reads the environment and the zone's file, under a lock of the C library's
    // own. Whoever changes the environment answers for that nobody reads it: std says so of
    // `set_var`, which is unsafe for this reason.
    unsafe { tzset() };
}

/// Hours, minutes and seconds in the zone that was read, of a time in seconds since 1970. `None`
/// when its year is out of range.
pub(crate) fn local_time(seconds: u64) -> Option<[u8; 3]> {
    let time = libc::time_t::try_from(seconds).ok()?;
    let mut parts = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: localtime_r(3) reads a live time_t and writes a whole `tm` to the address, which is
    // that of live, exclusively borrowed memory of that type; the zone is read under a lock.
    let written = unsafe { libc::localtime_r(&raw const time, parts.as_mut_ptr()) };
    if written.is_null() {
        return None;
    }
    // SAFETY: localtime_r(3) did not return NULL, so it has filled the structure.
    let parts = unsafe { parts.assume_init() };
    let part = |number: c_int| u8::try_from(number).ok();
    Some([part(parts.tm_hour)?, part(parts.tm_min)?, part(parts.tm_sec)?])
}

/// The sockets that launchd holds for this job under `name`, or why there are none, as a number of
/// errno. It gives each name's away once.
pub(crate) fn activate(name: &CStr) -> Result<Vec<OwnedFd>, i32> {
    let (mut numbers, mut count) = (null_mut(), 0);
    // SAFETY: it reads `name` to its NUL, which a CStr has, and writes an address and a count to
    // live, exclusively borrowed variables of just these types.
    let outcome =
        unsafe { launch_activate_socket(name.as_ptr(), &raw mut numbers, &raw mut count) };
    if outcome != 0 {
        return Err(outcome);
    }
    if numbers.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: with 0 it has told the address of an array of `count` numbers, made by malloc(3) for
    // the caller, who is the only one to know it.
    let array = unsafe { &*slice_from_raw_parts(numbers.cast_const(), count) };
    let sockets = array
        .iter()
        .map(|number| {
            // SAFETY: they are descriptors that launchd opened for this process and gives away
            // once, so nobody else here owns them.
            unsafe { OwnedFd::from_raw_fd(*number) }
        })
        .collect();
    // SAFETY: the array was made by malloc(3) for the caller to free, and is not used any more.
    unsafe { libc::free(numbers.cast()) };
    Ok(sockets)
}
