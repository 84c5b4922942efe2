//! The system calls of a kymod that runs, as a program for seccomp(2).
//!
//! What stands in no list is answered with ENOSYS, which C libraries know from older kernels: a
//! new one may try calls that nobody has heard of. A call that is of no use but to an intruder ends
//! the process. The kernel keeps the verdict of every call whose arguments don't matter (Linux
//! 5.11), so the length of the lists costs nothing.

use libc::{c_long, sock_filter};
use nix::errno::Errno;

use super::sys;

/// `AUDIT_ARCH_*` of `linux/audit.h`: numbers of calls mean what they mean here on this one alone.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
const ARCHITECTURE: u32 = 0xc000_00f3;

/// Reads, writes, waits, and what a C library does around them.
const ALLOWED: [c_long; 69] = [
    libc::SYS_pread64,
    libc::SYS_epoll_pwait,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_read,
    libc::SYS_recvfrom,
    libc::SYS_clock_gettime,
    libc::SYS_futex,
    libc::SYS_timerfd_settime,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_ppoll,
    libc::SYS_epoll_pwait2,
    libc::SYS_epoll_ctl,
    libc::SYS_timerfd_gettime,
    libc::SYS_accept4,
    libc::SYS_accept,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_fdatasync,
    libc::SYS_fsync,
    libc::SYS_unlinkat,
    libc::SYS_ftruncate,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_membarrier,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Their elders, which newer machines never had.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: [c_long; 9] = [
    libc::SYS_epoll_wait,
    libc::SYS_poll,
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_unlink,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: [c_long; 0] = [];

/// Running programs, looking into others, changing what the machine is, and the ways around a
/// filter.
const DEADLY: [c_long; 45] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_memfd_create,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
];

/// Offsets in `struct seccomp_data`, of which every machine here stores the lower half first.
const NUMBER: u32 = 0;
const MACHINE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Calls of which an argument decides.
const CONDITIONS: usize = 4;
/// The machine's check and the number, one for each call, five for each condition, three verdicts:
/// the kernel goes through it once for every number there is, so it is as short as it can be.
const PROGRAM_SIZE: usize =
    4 + ALLOWED.len() + ALLOWED_HERE.len() + DEADLY.len() + 5 * CONDITIONS + 3;
/// Where the verdicts of single calls are; the one before them is of all that has no other.
const AT_ALLOW: usize = PROGRAM_SIZE - 2;
const AT_END: usize = PROGRAM_SIZE - 1;
// A step can go over 255 others.
const _: () = assert!(PROGRAM_SIZE <= 256);

/// Classic BPF, see `linux/bpf_common.h`.
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const END: u32 = libc::SECCOMP_RET_KILL_PROCESS;

type Program = heapless::Vec<sock_filter, PROGRAM_SIZE>;

/// See [`close_calls`](crate::close_calls).
pub(crate) fn close_calls() -> Result<(), &'static str> {
    sys::give_up_new_rights().map_err(Errno::desc)?;
    sys::filter_calls(&program(std::process::id())).map_err(|errno| match errno {
        Errno::ENOSYS | Errno::EINVAL => "the kernel has no such filters",
        errno => errno.desc(),
    })
}

/// The program of the process with this number.
fn program(process: u32) -> Program {
    let mut program = Program::new();
    step(&mut program, LOAD, MACHINE);
    // What is something else on another machine is no call of ours.
    jump(&mut program, IF_EQUAL, ARCHITECTURE, (1, 0));
    step(&mut program, RETURN, END);
    step(&mut program, LOAD, NUMBER);
    for (calls, verdict) in [(&ALLOWED[..], AT_ALLOW), (&ALLOWED_HERE, AT_ALLOW), (&DEADLY, AT_END)]
    {
        for call in calls {
            let between = u8::try_from(verdict - program.len() - 1).unwrap_or(u8::MAX);
            jump(&mut program, IF_EQUAL, number(*call), (between, 0));
        }
    }
    let exec = libc::PROT_EXEC.unsigned_abs();
    let refused = libc::SECCOMP_RET_ERRNO | libc::EACCES.unsigned_abs();
    // Code is what the file has. mmap(2) and mprotect(2) name the access third.
    when(&mut program, libc::SYS_mmap, (IF_ANY_BIT, 2, exec), (END, ALLOW));
    when(&mut program, libc::SYS_mprotect, (IF_ANY_BIT, 2, exec), (END, ALLOW));
    // All sockets are there. Somebody's resolver may still ask for one of this machine's.
    let local = libc::AF_UNIX.unsigned_abs();
    when(&mut program, libc::SYS_socket, (IF_EQUAL, 0, local), (refused, END));
    // How a process aborts.
    when(&mut program, libc::SYS_tgkill, (IF_EQUAL, 0, process), (ALLOW, refused));
    step(&mut program, RETURN, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs());
    step(&mut program, RETURN, ALLOW);
    step(&mut program, RETURN, END);
    program
}

/// Decides about `call` by one of its arguments.
fn when(
    program: &mut Program,
    call: c_long,
    (test, argument, value): (u16, u32, u32),
    (verdict, otherwise): (u32, u32),
) {
    jump(program, IF_EQUAL, number(call), (0, 4));
    step(program, LOAD, ARGUMENTS + 8 * argument);
    jump(program, test, value, (0, 1));
    step(program, RETURN, verdict);
    step(program, RETURN, otherwise);
}

fn step(program: &mut Program, code: u16, k: u32) {
    jump(program, code, k, (0, 0));
}

/// Goes on behind the next `then` or `otherwise` steps.
fn jump(program: &mut Program, code: u16, k: u32, (then, otherwise): (u8, u8)) {
    let pushed = program.push(sock_filter { code, jt: then, jf: otherwise, k });
    debug_assert!(pushed.is_ok(), "PROGRAM_SIZE is what it takes");
}

/// Numbers of calls fit in 32 bits, of which a filter sees no more.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn number(call: c_long) -> u32 {
    call as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: u32 = 4711;
    const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | libc::EACCES.unsigned_abs();

    /// What the kernel does with the program, by its documentation of classic BPF.
    fn verdict(machine: u32, call: u32, arguments: [u32; 6]) -> u32 {
        let program = program(PROCESS);
        let (mut at, mut word) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            let test = match code {
                LOAD if k == NUMBER => {
                    word = call;
                    continue;
                }
                LOAD if k == MACHINE => {
                    word = machine;
                    continue;
                }
                LOAD => {
                    word = arguments[((k - ARGUMENTS) / 8) as usize];
                    continue;
                }
                IF_EQUAL => word == k,
                IF_ANY_BIT => word & k != 0,
                _ => return k,
            };
            at += usize::from(if test { jt } else { jf });
        }
    }

    fn answer(call: c_long, arguments: [u32; 6]) -> u32 {
        verdict(ARCHITECTURE, number(call), arguments)
    }

    #[test]
    fn every_call_has_its_verdict() {
        for call in ALLOWED.into_iter().chain(ALLOWED_HERE) {
            assert_eq!(answer(call, [0; 6]), ALLOW, "{call}");
            assert!(!DEADLY.contains(&call), "{call}");
        }
        for call in DEADLY {
            assert_eq!(answer(call, [0; 6]), END, "{call}");
        }
        for call in [libc::SYS_clone3, libc::SYS_clone, libc::SYS_connect, libc::SYS_kill, 9999] {
            assert_eq!(answer(call, [0; 6]), UNKNOWN, "{call}");
        }
        assert_eq!(program(PROCESS).len(), PROGRAM_SIZE);
    }

    #[test]
    fn arguments_decide_about_four() {
        let third = |access: i32| [0, 0, access.unsigned_abs(), 0, 0, 0];
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            assert_eq!(answer(call, third(libc::PROT_READ | libc::PROT_WRITE)), ALLOW);
            assert_eq!(answer(call, third(libc::PROT_READ | libc::PROT_EXEC)), END);
        }
        let first = |argument: u32| [argument, 0, 0, 0, 0, 0];
        assert_eq!(answer(libc::SYS_socket, first(libc::AF_UNIX.unsigned_abs())), REFUSED);
        assert_eq!(answer(libc::SYS_socket, first(libc::AF_INET.unsigned_abs())), END);
        assert_eq!(answer(libc::SYS_tgkill, first(PROCESS)), ALLOW);
        assert_eq!(answer(libc::SYS_tgkill, first(1)), REFUSED);
    }

    #[test]
    fn calls_of_another_machine_end_the_process() {
        // i386, whose 3 is read.
        assert_eq!(verdict(0x4000_0003, 3, [0; 6]), END);
    }
}
