//! macOS: the edges, and a machine whose sources are all absent until they are written.
//!
//! Type-checked on Linux; nothing in this folder has run on a Mac.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use kymo_protocol::{NoData, Reading};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, getsockopt, socket, sockopt,
};
use nix::time::ClockId;

use crate::apple::hid::Rank;
use crate::machine::{CpuTime, DiskSpace, Machine, Memory, Thermal, Transfer};
use crate::peer::Peer;
use crate::ranking::ProcessSource;
use crate::roots::{Extras, Roots};
use crate::source::Source;

pub mod iokit;
pub(crate) mod signals;
pub(crate) mod ticker;

/// CLOCK_MONOTONIC counts suspend on macOS; this one stands still.
pub(crate) const CLOCK_MONO: ClockId = ClockId::from_raw(libc::CLOCK_UPTIME_RAW);
pub(crate) const CLOCK_BOOT: ClockId = ClockId::CLOCK_MONOTONIC;
/// The raw clock is not slewed and the others are: adjtime goes by 500 millionths, and where more
/// than a second is to be made good, by 5000.
pub(crate) const CLOCK_SLEW_PPM: u64 = 5000;

/// Asks the peer of `socket` not to be able to send descriptors: Linux only, `ENOPROTOOPT` here.
pub fn refuse_descriptors(_socket: BorrowedFd<'_>) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT))
}

/// Pages of code are counted there as what they are: the file's.
#[allow(clippy::unnecessary_wraps)] // as on Linux
pub fn let_start_go() -> io::Result<()> {
    Ok(())
}

/// All threads share the zones there.
pub fn share_heap() {}

/// `sun_path` of unix(4), less its NUL.
pub(crate) const SOCKET_PATH_MAX: usize = 103;
/// TMPDIR is a directory of the user's own unless somebody changed it.
pub const TMPDIR_IS_PRIVATE: bool = true;

/// There is no MSG_NOSIGNAL: a program whose SIGPIPE is not ignored, as Rust's are by default,
/// needs
/// SO_NOSIGPIPE on each socket, which is not set yet.
pub(crate) const SEND_FLAGS: MsgFlags = MsgFlags::MSG_DONTWAIT;

/// The session id of a boot is a sysctl there, which nothing here asks for yet.
pub(crate) const BOOT_ID: Option<&str> = None;

/// Directories in memory are rare there, and hard to tell.
#[allow(clippy::unnecessary_wraps)] // as on Linux
pub(crate) fn is_lasting(_file: &std::fs::File) -> io::Result<bool> {
    Ok(true)
}

/// F_PREALLOCATE is there, and nothing here asks for it yet.
#[allow(clippy::unnecessary_wraps)] // as on Linux
pub(crate) fn reserve(_file: &std::fs::File, _size: u64) -> io::Result<bool> {
    Ok(false)
}

pub(crate) fn stream_socket(_mode: u32) -> io::Result<OwnedFd> {
    // There are no flags for this, and fchmod does not take sockets.
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?;
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(fd)
}

/// There is no service manager that speaks this: launchd has its own ways.
pub(crate) fn notify_socket(_name: &OsStr) -> Option<(OwnedFd, UnixAddr)> {
    None
}

/// launchd hands sockets over by launch_activate_socket, which is not used yet.
pub(crate) fn inherited(_count: usize) -> Option<std::iter::Empty<io::Result<OwnedFd>>> {
    None
}

/// Does nothing: see [`local_time`].
pub(crate) fn read_time_zone() {}

/// Not known yet, so times are those of UTC.
pub(crate) fn local_time(_seconds: u64) -> Option<[u8; 3]> {
    None
}

pub(crate) fn peer(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let (uid, gid) = nix::unistd::getpeereid(socket)?;
    let pid = getsockopt(&socket, sockopt::LocalPeerPid).ok();
    let pid = pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
    Ok(Peer { uid: uid.as_raw(), gid: gid.as_raw(), pid })
}

pub(crate) fn this_machine(_roots: &Roots) -> Box<dyn Machine> {
    Box::new(MacOs)
}

/// What IOKit tells, but for the controller.
pub(crate) fn this_machine_sources(_roots: &Roots, _extras: Extras) -> Vec<Box<dyn Source>> {
    let is_there = iokit::AppleSmc::new().is_there();
    iokit::iokit_sources(if is_there { Rank::Beside } else { Rank::Instead })
}

/// A Mac, as far as kymo can read it: not yet at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct MacOs;

impl Machine for MacOs {
    fn cpu_time(&mut self) -> Reading<CpuTime> {
        Err(NoData::Absent)
    }

    fn memory(&mut self) -> Memory {
        Memory {
            total: Err(NoData::Absent),
            available: Err(NoData::Absent),
            swap_total: Err(NoData::Absent),
            swap_free: Err(NoData::Absent),
        }
    }

    fn load(&mut self) -> Reading<[f32; 3]> {
        Err(NoData::Absent)
    }

    fn disk_io(&mut self) -> Reading<Transfer> {
        Err(NoData::Absent)
    }

    fn disk_space(&mut self) -> Reading<DiskSpace> {
        Err(NoData::Absent)
    }

    fn network_io(&mut self) -> Reading<Transfer> {
        Err(NoData::Absent)
    }

    fn thermal(&mut self) -> Thermal {
        Thermal { cpu: Err(NoData::Absent), gpu: Err(NoData::Absent), fans: Err(NoData::Absent) }
    }

    fn process_count(&mut self) -> Reading<u32> {
        Err(NoData::Absent)
    }

    fn uptime(&mut self) -> Reading<u64> {
        Err(NoData::Absent)
    }
}

/// Nothing ranks them yet.
pub(crate) fn this_machine_processes(_roots: &Roots) -> Option<Box<dyn ProcessSource>> {
    None
}
