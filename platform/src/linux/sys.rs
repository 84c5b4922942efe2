#![allow(unsafe_code)]
//! The system calls that nix lacks, or offers only with a heap allocation.
//!
//! This is the only Linux file with unsafe code. Every function is safe to call with any arguments:
//! buffers are slices, descriptors are borrowed, names are C strings. Nothing here allocates.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;

use super::landlock::Taken;
use super::maps::{stack, unwritten};

/// `SO_PASSRIGHTS` of `asm-generic/socket.h`, Linux 6.16; libc has no name for it yet.
const SO_PASSRIGHTS: libc::c_int = 83;

/// Linkers make two; a debugger's breakpoints split them.
const PROGRAM_RANGES_MAX: usize = 16;
/// More than a system call and who makes it take of the stack.
const STACK_KEPT: usize = 8192;

/// Directory entries as the kernel packs them, aligned as it writes them.
#[repr(align(8))]
#[derive(Clone)]
pub(crate) struct EntryBuffer(pub(crate) [u8; Self::SIZE]);

impl EntryBuffer {
    /// About a hundred entries a call.
    pub(crate) const SIZE: usize = 4096;

    pub(crate) const fn new() -> Self {
        Self([0; Self::SIZE])
    }
}

/// Fills `buffer` with the next entries of `directory`; an empty slice is the end.
pub(crate) fn getdents64<'b>(
    directory: BorrowedFd<'_>,
    buffer: &'b mut EntryBuffer,
) -> Result<&'b [u8], Errno> {
    let bytes = &mut buffer.0;
    // SAFETY: getdents64(2) writes at most `len` bytes to the address, which is that of a live,
    // exclusively borrowed array of just that length; the descriptor is open while it is borrowed.
    let written = unsafe {
        libc::syscall(libc::SYS_getdents64, directory.as_raw_fd(), bytes.as_mut_ptr(), bytes.len())
    };
    let written = usize::try_from(Errno::result(written)?).map_err(|_| Errno::EIO)?;
    bytes.get(..written).ok_or(Errno::EIO)
}

/// Reads the target of the link `name` in `directory` into `buffer`; too long a target is cut.
pub(crate) fn readlinkat<'b>(
    directory: BorrowedFd<'_>,
    name: &CStr,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Errno> {
    // SAFETY: readlinkat(2) reads `name` to its NUL, which a CStr has, and writes at most `len`
    // bytes to the address, which is that of a live, exclusively borrowed slice of that length; the
    // descriptor is open while it is borrowed.
    let written = unsafe {
        libc::readlinkat(
            directory.as_raw_fd(),
            name.as_ptr(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
        )
    };
    let written = usize::try_from(Errno::result(written)?).map_err(|_| Errno::EIO)?;
    buffer.get(..written).ok_or(Errno::EIO)
}

/// Makes the kernel refuse descriptors that the peer of `socket` tries to send.
///
/// Without it they are queued, and freed only when a read with a control buffer or the close of the
/// socket comes to them. Kernels before 6.16 answer `ENOPROTOOPT`, which callers ignore.
pub fn refuse_descriptors(socket: BorrowedFd<'_>) -> io::Result<()> {
    let off: libc::c_int = 0;
    let size = libc::socklen_t::try_from(size_of_val(&off)).map_err(io::Error::other)?;
    // SAFETY: setsockopt(2) reads `size` bytes from the address, which is that of a live c_int of
    // just that size; the descriptor is open while it is borrowed.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PASSRIGHTS,
            (&raw const off).cast(),
            size,
        )
    };
    Errno::result(result)?;
    Ok(())
}

/// Has all threads share one heap: the C library would map 64 MiB of addresses for each of them,
/// and use a page or two. For a `main` whose threads hardly allocate, before it starts any.
pub fn share_heap() {
    // SAFETY: mallopt(3) changes a setting of the allocator, by its own lock.
    #[cfg(target_env = "gnu")]
    let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Lets go of the pages that only a start has used: of this program's code and constants, which
/// come back from the page cache where they are used again, and of the calling thread's stack,
/// where that is the process's first and was deeper before.
///
/// What a start reads would else be counted as the program's own for ever: the kernel maps sixteen
/// pages around each one that is touched. For use at the end of a start, by a `main` only. A
/// debugger's breakpoints that were set before are lost.
///
/// # Errors
///
/// Those of the operating system; then all is as it was.
#[inline(never)]
pub fn let_start_go() -> io::Result<()> {
    // All of them are found first: what finds them is code as well, and lies deeper.
    let found = Mappings::find()?;
    for range in &found.unwritten {
        let address = std::ptr::with_exposed_provenance_mut(range.start);
        // SAFETY: the range is a private mapping of the running program's file that nobody has
        // written to, see `unwritten`, and by proc_pid_maps(5) it is there as long as the program
        // runs. So madvise(2) drops copies of what the file has, and the next access reads the same
        // bytes again: a file that is being executed can't be written to (ETXTBSY).
        let result = unsafe { libc::madvise(address, range.len(), libc::MADV_DONTNEED) };
        Errno::result(result)?;
    }
    found.stack.as_ref().map_or(Ok(()), let_stack_go)
}

/// Lets go of what is deeper in `stack` than this call, if that is the stack it is made on.
#[inline(never)]
fn let_stack_go(stack: &Range<usize>) -> io::Result<()> {
    let here = 0u8;
    let deepest = (&raw const here).addr().saturating_sub(STACK_KEPT);
    let end = deepest - deepest % usize::try_from(page_size()).unwrap_or(STACK_KEPT);
    if !stack.contains(&end) {
        return Ok(());
    }
    let address = std::ptr::with_exposed_provenance_mut(stack.start);
    // SAFETY: the stack grows downwards, and this thread, whose stack it is, has no frame so deep
    // but those of this call, which take less than what is kept. So nothing lives in the range, and
    // who calls deeper writes there before reading.
    let result = unsafe { libc::madvise(address, end - stack.start, libc::MADV_DONTNEED) };
    Errno::result(result)?;
    Ok(())
}

/// Mappings of this process. In place, so that there is nothing to free once they are let go.
struct Mappings {
    /// Its code and its constants.
    unwritten: heapless::Vec<Range<usize>, PROGRAM_RANGES_MAX>,
    stack: Option<Range<usize>>,
}

impl Mappings {
    /// Lies apart from who calls it, and is let go with the rest of a start.
    #[inline(never)]
    fn find() -> io::Result<Self> {
        let program = std::fs::read_link("/proc/self/exe")?;
        let path = program.to_str().unwrap_or_default();
        let maps = std::fs::read_to_string("/proc/self/maps")?;
        let mut found = Self { unwritten: heapless::Vec::new(), stack: None };
        for line in maps.lines() {
            if let Some(range) = unwritten(line, path) {
                // With more of them than there is room for, some stay in memory.
                let _ = found.unwritten.push(range);
            }
            found.stack = found.stack.or(stack(line));
        }
        Ok(found)
    }
}

/// `LANDLOCK_CREATE_RULESET_VERSION` and `LANDLOCK_RULE_PATH_BENEATH` of `linux/landlock.h`, and
/// its `struct landlock_path_beneath_attr`.
const LANDLOCK_VERSION: u32 = 1;
const LANDLOCK_BELOW: libc::c_int = 1;
#[repr(C, packed)]
struct Below {
    rights: u64,
    folder: RawFd,
}

/// The version of Landlock's rules that the kernel knows.
pub(crate) fn landlock_version() -> Result<u8, Errno> {
    let nothing = std::ptr::null::<Taken>();
    // SAFETY: landlock_create_ruleset(2) with this flag takes no structure and answers a number.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0usize, LANDLOCK_VERSION)
    };
    Ok(u8::try_from(Errno::result(version)?).unwrap_or(u8::MAX))
}

/// Rules that take these rights away, but where they are given back.
pub(crate) fn landlock_ruleset(taken: &Taken) -> Result<OwnedFd, Errno> {
    // SAFETY: landlock_create_ruleset(2) reads `size` bytes from the address, which is that of a
    // live structure of just that size; an older kernel refuses what it has no name for.
    let number = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const *taken, size_of::<Taken>(), 0)
    };
    let number = RawFd::try_from(Errno::result(number)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the call has just opened this descriptor, so nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Gives `rights` back below `folder`.
pub(crate) fn landlock_allow(
    ruleset: BorrowedFd<'_>,
    folder: BorrowedFd<'_>,
    rights: u64,
) -> Result<(), Errno> {
    let below = Below { rights, folder: folder.as_raw_fd() };
    // SAFETY: landlock_add_rule(2) reads a structure of this type from the address, which is that
    // of a live one; both descriptors are open while they are borrowed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            LANDLOCK_BELOW,
            &raw const below,
            0,
        )
    };
    Errno::result(result).map(drop)
}

/// Puts the rules in force for this thread and those it starts.
pub(crate) fn landlock_restrict(ruleset: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: landlock_restrict_self(2) takes numbers; the descriptor is open while it is borrowed.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) };
    Errno::result(result).map(drop)
}

/// Lets this thread gain no rights by a program it may run; the kernel wants that of whoever
/// confines itself.
pub(crate) fn give_up_new_rights() -> Result<(), Errno> {
    let (on, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
    // SAFETY: prctl(2) with PR_SET_NO_NEW_PRIVS takes numbers and touches no memory.
    let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, on, unused, unused, unused) };
    Errno::result(result).map(drop)
}

/// Puts a filter in force for all threads of this process at once.
pub(crate) fn filter_calls(program: &[libc::sock_filter]) -> Result<(), Errno> {
    let len = libc::c_ushort::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // Without the second flag, older kernels would slow the process down for what its filter does
    // not ask for.
    let flags = libc::SECCOMP_FILTER_FLAG_TSYNC | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // SAFETY: seccomp(2) reads `len` instructions from the address, which is that of a live slice
    // of just that length, and writes nothing there.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    match Errno::result(result)? {
        0 => Ok(()),
        // The number of a thread that has another filter.
        _ => Err(Errno::ESRCH),
    }
}

unsafe extern "C" {
    /// tzset(3), which libc declares for other systems only.
    fn tzset();
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
    let part = |number: libc::c_int| u8::try_from(number).ok();
    Some([part(parts.tm_hour)?, part(parts.tm_min)?, part(parts.tm_sec)?])
}

/// Bytes in a page of memory, in which procfs counts.
pub(crate) fn page_size() -> u64 {
    // SAFETY: sysconf(3) takes a number and touches no memory of ours.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}

/// The first descriptor that a service manager hands over: SD_LISTEN_FDS_START of sd-daemon.h.
const INHERITED_FIRST: RawFd = 3;

/// Takes over the descriptors that the process was started with for it, in order; `None` if they
/// have been taken before. To be asked only when the environment says that they are there.
pub(crate) fn inherited(count: usize) -> Option<impl Iterator<Item = io::Result<OwnedFd>>> {
    // The one thing a process has once: it can't be given away twice.
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    Some((INHERITED_FIRST..).take(count).map(|number| {
        // SAFETY: F_GETFD takes a number and touches no memory; a closed one is an error.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        Errno::result(flags)?;
        // SAFETY: the descriptor is open, see above. By sd_listen_fds(3) it was at exec, so nothing
        // that this process opened has its number, and it is meant for whoever reads the variables,
        // which is us; TAKEN makes us the only owner. That the variables tell the truth is the word
        // of whoever started this process, or changed its environment, which is unsafe.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn descriptors_are_refused_or_the_kernel_is_old() {
        let (here, there) = UnixStream::pair().unwrap();
        match refuse_descriptors(here.as_fd()) {
            Ok(()) => {
                use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
                let sent = [there.as_raw_fd()];
                let control = [ControlMessage::ScmRights(&sent)];
                let bytes = [io::IoSlice::new(b"x")];
                let flags = MsgFlags::empty();
                let result = sendmsg::<()>(there.as_raw_fd(), &bytes, &control, flags, None);
                assert_eq!(result, Err(Errno::EPERM));
            }
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ENOPROTOOPT)),
        }
    }

    #[test]
    fn code_that_was_let_go_comes_back() {
        let_start_go().unwrap();
        assert_eq!(std::hint::black_box(CONSTANTS).iter().sum::<u64>(), 10);
    }

    static CONSTANTS: &[u64] = &[1, 2, 3, 4];

    #[test]
    fn a_page_is_a_power_of_two() {
        assert!(page_size().is_power_of_two() && page_size() >= 4096);
    }

    #[test]
    fn errors_are_errors() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let result = getdents64(null.as_fd(), &mut EntryBuffer::new()).map(<[u8]>::len);
        assert_eq!(result, Err(Errno::ENOTDIR));
        let directory = std::fs::File::open("/proc/self").unwrap();
        let mut buffer = [0; 4];
        let result = readlinkat(directory.as_fd(), c"stat", &mut buffer).map(<[u8]>::len);
        assert_eq!(result, Err(Errno::EINVAL));
        // Cut to the buffer, as promised.
        assert_eq!(readlinkat(directory.as_fd(), c"exe", &mut buffer).map(<[u8]>::len), Ok(4));
        assert!(refuse_descriptors(null.as_fd()).is_err());
    }
}
