//! macOS: the edges, and the thin half of the sources, whose other half is [`apple`](crate::apple).
//!
//! Type-checked on Linux; nothing in this folder has run on a Mac.

use std::ffi::{CString, OsStr};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, getsockopt, socket, sockopt,
};
use nix::sys::statfs::fstatfs;
use nix::time::ClockId;

use crate::activation::{ActivationError, LISTENERS};
use crate::apple::hid::Rank;
use crate::apple::launchd;
use crate::apple::smc::{self, Controller, Table};
use crate::machine::Machine;
use crate::manager::Manager;
use crate::peer::Peer;
use crate::ranking::ProcessSource;
use crate::roots::{Extras, Roots};
use crate::sandbox::Places;
use crate::source::Source;

mod edges;
pub mod iokit;
pub(crate) mod kernel;
mod layouts;
mod mach;
mod machine;
pub(crate) mod signals;
mod sysctl;
mod system;
pub(crate) mod ticker;

pub(crate) use edges::{local_time, quieten, read_time_zone};
pub use kymo_protocol::SYSTEM_PLACE_ON_MAC as SYSTEM_PLACE;
pub(crate) use system::system;

/// There is no other.
pub const SERVICE_MANAGER: Manager = Manager::Launchd;

/// mach_absolute_time, which stands still in a sleep. CLOCK_MONOTONIC is none of them: it is
/// gettimeofday less the time of the boot, in microseconds, and slewed.
pub(crate) const CLOCK_MONO: ClockId = ClockId::from_raw(libc::CLOCK_UPTIME_RAW);
/// mach_continuous_time: the same counter, and the time asleep.
pub(crate) const CLOCK_BOOT: ClockId = ClockId::from_raw(libc::CLOCK_MONOTONIC_RAW);
/// The counter is not slewed and the wall clock is: adjtime goes by 500 millionths, and where more
/// than a second is to be made good, by 5000.
pub(crate) const CLOCK_SLEW_PPM: u64 = 5000;
/// The registry makes dictionaries of all of it, for 0.1 ms or so.
pub const DISK_IO_INTERVAL_NS: u64 = 1_000_000_000;

const NO_LANDLOCK: &str = "this system has no Landlock";
const NO_FILTERS: &str = "this system has no such filters";

/// Landlock is Linux's.
pub(crate) fn close_files(_places: &Places<'_>) -> Result<u8, &'static str> {
    Err(NO_LANDLOCK)
}

/// Filters of this kind are Linux's.
pub(crate) fn close_calls() -> Result<(), &'static str> {
    Err(NO_FILTERS)
}

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

/// For sockets that do not block: the kernel does not look at MSG_DONTWAIT when it sends. The flag
/// is a newer one, which older kernels pass over; [`quieten`] is what they know.
pub(crate) const SEND_FLAGS: MsgFlags = MsgFlags::from_bits_retain(libc::MSG_NOSIGNAL);

/// The text of the boot session's UUID, and its size.
pub(crate) fn boot_id(text: &mut [u8]) -> Option<usize> {
    edges::sysctl_text(c"kern.bootsessionuuid", text).map(<[u8]>::len)
}

/// A disk that `hdiutil` made of memory has a file system like any other, and counts as lasting.
pub(crate) fn is_lasting(file: &File) -> io::Result<bool> {
    Ok(fstatfs(file)?.filesystem_type_name() != "tmpfs")
}

/// Blocks behind the end of the file, which then moves there. Where files share blocks with
/// snapshots (APFS), writing may take new ones all the same.
pub(crate) fn reserve(file: &File, size: u64) -> io::Result<bool> {
    let missing = size.saturating_sub(file.metadata()?.len());
    let mut store = libc::fstore_t {
        fst_flags: libc::F_ALLOCATEALL,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: libc::off_t::try_from(missing).map_err(io::Error::other)?,
        fst_bytesalloc: 0,
    };
    if missing > 0 {
        match fcntl(file, FcntlArg::F_PREALLOCATE(&mut store)) {
            Ok(_) => file.set_len(size)?,
            Err(Errno::ENOTSUP | Errno::EOPNOTSUPP | Errno::EINVAL) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(true)
}

pub(crate) fn stream_socket(_mode: u32) -> io::Result<OwnedFd> {
    // There are no flags for this, and fchmod does not take sockets.
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?;
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    quieten(fd.as_fd())?;
    Ok(fd)
}

/// There is no service manager that speaks this: launchd asks for no readiness.
pub(crate) fn notify_socket(_name: &OsStr) -> Option<(OwnedFd, UnixAddr)> {
    None
}

/// The sockets that launchd holds for this job, by the names of our listeners.
pub(crate) fn handed_over() -> Result<Vec<(&'static str, io::Result<OwnedFd>)>, ActivationError> {
    let mut sockets = Vec::new();
    for name in LISTENERS {
        let text = CString::new(name).unwrap_or_default();
        if let Some(socket) = launchd::the_socket(name, edges::activate(&text))? {
            sockets.push((name, Ok(socket)));
        }
    }
    Ok(sockets)
}

pub(crate) fn peer(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let (uid, gid) = nix::unistd::getpeereid(socket)?;
    let pid = getsockopt(&socket, sockopt::LocalPeerPid).ok();
    let pid = pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
    Ok(Peer { uid: uid.as_raw(), gid: gid.as_raw(), pid })
}

pub(crate) fn this_machine(_roots: &Roots) -> Box<dyn Machine> {
    machine::this_machine()
}

/// Whether every line of the file can be read.
pub(crate) fn check_smc_keys(path: &Path) -> Result<(), String> {
    with_keys(Table::of(""), path).map(drop)
}

/// `table` with the lines of a host's file.
fn with_keys(table: Table, path: &Path) -> Result<Table, String> {
    // Opening a pipe would wait for somebody to write into it.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let file = file.map_err(told)?;
    if !file.metadata().map_err(told)?.is_file() {
        return Err(format!("{}: not a regular file", path.display()));
    }
    table.with_file(path, file)
}

/// Nothing harms that is read here, and nothing raises an alarm.
pub(crate) fn this_machine_sources(roots: &Roots, _extras: Extras) -> Vec<Box<dyn Source>> {
    let mut controller = iokit::AppleSmc::new();
    let controller: Option<Box<dyn Controller>> =
        if controller.is_there() { Some(Box::new(controller)) } else { None };
    // What vitals tell comes from the controller, and from HID events where there is none.
    let rank = if controller.is_some() { Rank::Beside } else { Rank::Instead };
    let mut name = [0; 128];
    let size = sysctl::by_name(c"machdep.cpu.brand_string", &mut name).unwrap_or(0);
    let chip = String::from_utf8_lossy(name.get(..size).unwrap_or_default());
    let mut table = Table::of(chip.trim_end_matches('\0'));
    if let Some(path) = &roots.smc_keys {
        // Who wants to know why not has asked before.
        table = with_keys(table.clone(), path).unwrap_or(table);
    }
    let mut sources = machine::kernel_sources();
    sources.extend(smc::sources(controller, table));
    sources.extend(iokit::iokit_sources(rank));
    sources
}

#[allow(clippy::unnecessary_wraps)] // as on Linux
pub(crate) fn this_machine_processes(_roots: &Roots) -> Option<Box<dyn ProcessSource>> {
    Some(machine::this_machine_processes())
}
