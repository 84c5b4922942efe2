//! Linux: sensors from procfs and sysfs, and the edges.
//!
//! [`Linux`] is the machine. Each parser is a pure function of the bytes of its file: [`stat`],
//! [`meminfo`], [`loadavg`], [`diskstats`], [`netdev`] and [`uptime`]. What touches the system
//! stands apart from them, and unsafe code in the one file `sys.rs`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, getsockopt, socket, sockopt,
};
use nix::sys::stat::{Mode, fchmod};
use nix::sys::statfs::fstatfs;
use nix::time::ClockId;

use crate::machine::Machine;
use crate::manager::Manager;
use crate::peer::Peer;
use crate::ranking::ProcessSource;
use crate::roots::{Extras, Roots};
use crate::source::Source;

mod attribute;
mod directory;
mod disks;
pub mod diskstats;
mod drivers;
mod fans;
mod file;
mod hwmon;
mod inherited;
pub(crate) mod kernel;
mod landlock;
pub mod loadavg;
mod machine;
mod maps;
pub mod meminfo;
mod name;
pub mod netdev;
#[doc(hidden)] // a fuzz target compares it with a model
pub mod process_stat;
mod processes;
mod ranker;
mod seccomp;
mod sensors;
pub(crate) mod signals;
mod sources;
mod space;
pub mod stat;
mod sys;
mod system;
mod temperature;
mod text;
mod thermal;
pub(crate) mod ticker;
pub mod uptime;

pub(crate) use inherited::handed_over;
pub(crate) use landlock::close_files;
pub use machine::Linux;
pub(crate) use seccomp::close_calls;
pub use sys::{let_start_go, refuse_descriptors, share_heap};
pub(crate) use sys::{local_time, read_time_zone};
pub(crate) use system::system;

pub(crate) const CLOCK_MONO: ClockId = ClockId::CLOCK_MONOTONIC;
pub(crate) const CLOCK_BOOT: ClockId = ClockId::CLOCK_BOOTTIME;
/// The three clocks are one counter with offsets: what slews it slews them all.
pub(crate) const CLOCK_SLEW_PPM: u64 = 0;
/// As fast as counts of CPUs: it is one small text.
pub const DISK_IO_INTERVAL_NS: u64 = 40_000_000;

/// The text of the boot's own number, see random(4), and its size.
pub(crate) fn boot_id(text: &mut [u8]) -> Option<usize> {
    File::open("/proc/sys/kernel/random/boot_id").ok()?.read(text).ok()
}

/// Magic numbers of tmpfs and ramfs, from statfs(2).
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

pub(crate) fn is_lasting(file: &File) -> io::Result<bool> {
    // The number is 32 bits wide, and its type another on each machine.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::unnecessary_cast)]
    let kind = fstatfs(file)?.filesystem_type().0 as u32;
    Ok(!IN_MEMORY.contains(&kind))
}

pub(crate) fn reserve(file: &File, size: u64) -> io::Result<bool> {
    let size = i64::try_from(size).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, size) {
            Ok(()) => return Ok(true),
            Err(Errno::EINTR) => {}
            Err(Errno::EOPNOTSUPP) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// `sun_path` of unix(7), less its NUL.
pub(crate) const SOCKET_PATH_MAX: usize = 107;
pub use kymo_protocol::SYSTEM_PLACE;

/// What most distributions have.
pub const SERVICE_MANAGER: Manager = Manager::Systemd;

pub(crate) const SEND_FLAGS: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_NOSIGNAL);

pub(crate) fn stream_socket(mode: u32) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    // Before bind, this is the mode the file will be made with.
    fchmod(&fd, Mode::from_bits_truncate(mode))?;
    Ok(fd)
}

/// Nothing to do: see [`SEND_FLAGS`].
#[allow(clippy::unnecessary_wraps)] // as on macOS
pub(crate) fn quieten(_socket: BorrowedFd<'_>) -> io::Result<()> {
    Ok(())
}

/// A socket to tell the service manager with, and where that listens: a path, or `@` and an
/// abstract name.
pub(crate) fn notify_socket(name: &OsStr) -> Option<(OwnedFd, UnixAddr)> {
    let address = match name.as_bytes() {
        [b'/', ..] => UnixAddr::new(name).ok()?,
        [b'@', name @ ..] if !name.is_empty() => UnixAddr::new_abstract(name).ok()?,
        _ => return None,
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Datagram, flags, None).ok()?;
    Some((fd, address))
}

pub(crate) fn peer(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let found = getsockopt(&socket, sockopt::PeerCredentials)?;
    // The kernel writes 0 for a process that this pid namespace doesn't see.
    let pid = u32::try_from(found.pid()).ok().filter(|pid| *pid != 0);
    Ok(Peer { uid: found.uid(), gid: found.gid(), pid })
}

pub(crate) fn this_machine(roots: &Roots) -> Box<dyn Machine> {
    Box::new(Linux::new(&roots.proc, &roots.sys))
}

pub(crate) fn this_machine_sources(roots: &Roots, extras: Extras) -> Vec<Box<dyn Source>> {
    sources::all(roots, extras)
}

/// No controller has such keys here: the file is not looked at.
#[allow(clippy::unnecessary_wraps)] // as on macOS
pub(crate) fn check_smc_keys(_path: &Path) -> Result<(), String> {
    Ok(())
}

#[allow(clippy::unnecessary_wraps)] // as on systems that can't
pub(crate) fn this_machine_processes(roots: &Roots) -> Option<Box<dyn ProcessSource>> {
    Some(Box::new(ranker::Ranker::new(roots)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_keys_is_looked_at() {
        assert_eq!(check_smc_keys(Path::new("/nowhere/keys.txt")), Ok(()));
    }
}
