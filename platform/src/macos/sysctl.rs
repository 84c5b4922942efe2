#![allow(unsafe_code)]
//! The kernel's calls that fill a buffer. Thin: what they fill is decoded in `apple`.

use std::ffi::CStr;

use libc::{c_int, c_void};
use nix::errno::Errno;

use crate::apple::kernel::{Refusal, mount, process};

/// Of `net/if_mib.h`, below CTL_NET and PF_LINK: what is told of all kinds of interfaces, of all
/// there are at once, in general.
const INTERFACES: [c_int; 6] = [
    libc::CTL_NET,
    libc::PF_LINK,
    libc::NETLINK_GENERIC,
    libc::IFMIB_IFALLDATA,
    0,
    libc::IFDATA_GENERAL,
];

fn refusal() -> Refusal {
    Refusal::of_errno(Errno::last_raw())
}

/// Fills nothing behind what it returns.
pub(super) fn by_name(name: &CStr, value: &mut [u8]) -> Result<usize, Refusal> {
    let mut size = value.len();
    let (name, room) = (name.as_ptr(), value.as_mut_ptr().cast::<c_void>());
    // SAFETY: `name` ends with a NUL, `room` is room for `size` bytes, all three live for the whole
    // call, it keeps none of them, and there is no new value to be read.
    let result = unsafe { libc::sysctlbyname(name, room, &mut size, std::ptr::null_mut(), 0) };
    if result == 0 { Ok(size.min(value.len())) } else { Err(refusal()) }
}

pub(super) fn interfaces(records: &mut [u8]) -> Result<usize, Refusal> {
    let mut names = INTERFACES;
    let mut size = records.len();
    let (name, count) = (names.as_mut_ptr(), 6);
    let room = records.as_mut_ptr().cast::<c_void>();
    // SAFETY: `name` has `count` numbers, `room` is room for `size` bytes, all live for the whole
    // call, it keeps none of them, and there is no new value to be read.
    let result = unsafe { libc::sysctl(name, count, room, &mut size, std::ptr::null_mut(), 0) };
    if result == 0 { Ok(size.min(records.len())) } else { Err(refusal()) }
}

pub(super) fn mounts(records: &mut [u8]) -> Result<usize, Refusal> {
    let room = records.len() / mount::SIZE;
    let size = c_int::try_from(room * mount::SIZE).map_err(|_| Refusal::Fault)?;
    let table = records.as_mut_ptr().cast::<libc::statfs>();
    // SAFETY: `table` is room for `size` bytes, which the kernel fills with whole records and no
    // farther, at whatever address; it lives for the whole call, which keeps no pointer.
    let told = unsafe { libc::getfsstat(table, size, libc::MNT_NOWAIT) };
    let told = usize::try_from(told).map_err(|_| refusal())?;
    if told < room {
        return Ok(told);
    }
    // Full: there may be more.
    // SAFETY: without a table it tells how many there are, and writes nothing.
    let all = unsafe { libc::getfsstat(std::ptr::null_mut(), 0, libc::MNT_NOWAIT) };
    usize::try_from(all).map(|all| all.max(told)).map_err(|_| refusal())
}

pub(super) fn space(path: &CStr, record: &mut [u8; mount::SIZE]) -> Result<(), Refusal> {
    let room = record.as_mut_ptr().cast::<libc::statfs>();
    loop {
        // SAFETY: `path` ends with a NUL, `room` is room for one record, which is as large as
        // `layouts` asserts, and the call copies bytes to it, at whatever address; both live for
        // the whole call, which keeps neither.
        if unsafe { libc::statfs(path.as_ptr(), room) } == 0 {
            return Ok(());
        }
        if Errno::last() != Errno::EINTR {
            return Err(refusal());
        }
    }
}

pub(super) fn processes(pids: &mut [i32]) -> Result<usize, Refusal> {
    let size = c_int::try_from(size_of_val(pids)).map_err(|_| Refusal::Fault)?;
    let room = pids.as_mut_ptr().cast::<c_void>();
    // SAFETY: `room` is room for `size` bytes of numbers of 32 bits, for the whole call, which
    // keeps no pointer.
    let count = unsafe { libc::proc_listallpids(room, size) };
    match usize::try_from(count) {
        Ok(count) if count > 0 => Ok(count.min(pids.len())),
        _ => Err(refusal()),
    }
}

pub(super) fn process(pid: i32, record: &mut [u8; process::SIZE]) -> Result<usize, Refusal> {
    let size = c_int::try_from(process::SIZE).map_err(|_| Refusal::Fault)?;
    let room = record.as_mut_ptr().cast::<c_void>();
    let flavor = libc::PROC_PIDTASKALLINFO;
    // SAFETY: `room` is room for `size` bytes for the whole call, which keeps no pointer.
    let told = unsafe { libc::proc_pidinfo(pid, flavor, 0, room, size) };
    match usize::try_from(told) {
        Ok(told) if told > 0 => Ok(told.min(process::SIZE)),
        _ => Err(refusal()),
    }
}
