//! Linux: sensors from procfs and sysfs, and the edges.
//!
//! [`Linux`] is the machine. Each parser is a pure function of the bytes of its file: [`stat`],
//! [`meminfo`], [`loadavg`], [`diskstats`], [`netdev`] and [`uptime`]. What touches the system
//! stands apart from them, and unsafe code in the one file `sys.rs`.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, getsockopt, socket, sockopt};
use nix::sys::stat::{Mode, fchmod};
use nix::time::ClockId;

use crate::machine::Machine;
use crate::peer::Peer;
use crate::roots::Roots;

mod attribute;
mod directory;
mod disks;
pub mod diskstats;
mod fans;
mod file;
mod hwmon;
pub mod loadavg;
mod machine;
pub mod meminfo;
mod name;
pub mod netdev;
mod processes;
mod sensors;
pub(crate) mod signals;
mod space;
pub mod stat;
mod sys;
mod temperature;
mod text;
mod thermal;
pub(crate) mod ticker;
pub mod uptime;

pub use machine::Linux;
pub use sys::refuse_descriptors;

pub(crate) const CLOCK_MONO: ClockId = ClockId::CLOCK_MONOTONIC;
pub(crate) const CLOCK_BOOT: ClockId = ClockId::CLOCK_BOOTTIME;

/// `sun_path` of unix(7), less its NUL.
pub(crate) const SOCKET_PATH_MAX: usize = 107;
/// TMPDIR may be anything here, mostly `/tmp`.
pub const TMPDIR_IS_PRIVATE: bool = false;

pub(crate) const SEND_FLAGS: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_NOSIGNAL);

pub(crate) fn stream_socket(mode: u32) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    // Before bind, this is the mode the file will be made with.
    fchmod(&fd, Mode::from_bits_truncate(mode))?;
    Ok(fd)
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
