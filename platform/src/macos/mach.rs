#![allow(unsafe_code)]
//! Mach's calls of the kernel, and notices. Thin: what comes back is decoded in `apple`.
//!
//! The declarations are of `mach/mach_init.h`, `mach/mach_port.h`, `mach/mach_time.h`,
//! `mach/mach_host.h` and `notify.h`; libc has some of them, marked as deprecated.

use std::ffi::CStr;
use std::marker::PhantomData;

use libc::{c_char, c_int, integer_t, kern_return_t, mach_port_t, natural_t, vm_size_t};

use super::sysctl;
use crate::apple::kernel::processor::Ticks;
use crate::apple::kernel::{Kernel, MachClock, Notice, Refusal, Timebase, mount, process, vm};

/// As `mach_timebase_info` fills it.
#[repr(C)]
struct TimebaseInfo {
    numerator: u32,
    denominator: u32,
}

unsafe extern "C" {
    /// Of this task; set before `main` and never changed.
    static mach_task_self_: mach_port_t;

    safe fn mach_host_self() -> mach_port_t;
    safe fn mach_absolute_time() -> u64;
    safe fn mach_continuous_time() -> u64;
    fn mach_timebase_info(info: *mut TimebaseInfo) -> kern_return_t;
    fn mach_port_deallocate(task: mach_port_t, name: mach_port_t) -> kern_return_t;
    fn host_page_size(host: mach_port_t, size: *mut vm_size_t) -> kern_return_t;

    fn notify_register_check(name: *const c_char, token: *mut c_int) -> u32;
    fn notify_check(token: c_int, changed: *mut c_int) -> u32;
    fn notify_get_state(token: c_int, state: *mut u64) -> u32;
    fn notify_cancel(token: c_int) -> u32;
}

const KERN_SUCCESS: kern_return_t = 0;
const NOTIFY_STATUS_OK: u32 = 0;
/// What `notify.h` says to a program that may not hear of something.
const NOTIFY_STATUS_NOT_AUTHORIZED: u32 = 7;

fn checked(code: kern_return_t) -> Result<(), Refusal> {
    if code == KERN_SUCCESS { Ok(()) } else { Err(Refusal::of_mach(code)) }
}

fn this_task() -> mach_port_t {
    // SAFETY: libSystem sets it before any code of this program runs, and nothing writes it later.
    unsafe { mach_task_self_ }
}

/// A right to ask the host's port, given back when this is dropped.
#[derive(Debug)]
struct Host(mach_port_t);

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: the name is of this task, and `mach_host_self` gave the one right that this value
        // stands for; nobody else gives it back.
        let _ = unsafe { mach_port_deallocate(this_task(), self.0) };
    }
}

/// Memory with ticks of each processor, which the kernel has mapped into this task.
struct Mapped<'h> {
    ticks: *mut integer_t,
    words: u32,
    host: PhantomData<&'h Host>,
}

impl<'h> Mapped<'h> {
    fn ask(host: &'h Host) -> Result<(Self, usize), Refusal> {
        let (mut count, mut words): (natural_t, natural_t) = (0, 0);
        let mut ticks: *mut integer_t = std::ptr::null_mut();
        let flavor = libc::PROCESSOR_CPU_LOAD_INFO;
        // SAFETY: the three places live on this stack for the whole call, which writes a count, an
        // address and a count to them and keeps none of them.
        let code = unsafe {
            libc::host_processor_info(host.0, flavor, &mut count, &mut ticks, &mut words)
        };
        checked(code)?;
        let mapped = Self { ticks, words, host: PhantomData };
        let count = usize::try_from(count).map_err(|_| Refusal::Fault)?;
        Ok((mapped, count))
    }

    fn words(&self) -> &[natural_t] {
        let count = usize::try_from(self.words).unwrap_or(0);
        if self.ticks.is_null() || count == 0 {
            return &[];
        }
        // SAFETY: the kernel mapped `words` integers of 32 bits at this page's beginning, for this
        // task alone and initialised; they stay until this value is dropped, which outlives the
        // slice. integer_t and natural_t are i32 and u32, of one size, alignment and validity.
        unsafe { std::slice::from_raw_parts(self.ticks.cast::<natural_t>(), count) }
    }
}

impl Drop for Mapped<'_> {
    fn drop(&mut self) {
        if self.ticks.is_null() {
            return;
        }
        let size = usize::try_from(self.words).unwrap_or(0) * size_of::<integer_t>();
        // SAFETY: the kernel mapped this range for this value alone, and no slice of it is left,
        // because each borrows the value.
        let _ = unsafe { libc::vm_deallocate(this_task(), self.ticks.addr(), size) };
    }
}

/// The kernel of this Mac.
#[derive(Debug)]
pub(super) struct ThisKernel {
    host: Host,
    timebase: Timebase,
}

impl ThisKernel {
    pub(super) fn new() -> Self {
        Self { host: Host(mach_host_self()), timebase: timebase() }
    }
}

fn timebase() -> Timebase {
    let mut info = TimebaseInfo { numerator: 0, denominator: 0 };
    // SAFETY: `info` lives on this stack for the whole call, has the layout of
    // `struct mach_timebase_info`, and the call keeps no pointer.
    let code = unsafe { mach_timebase_info(&mut info) };
    match info {
        // It fails for no pointer only; then the clocks of Intel are as wrong as any.
        _ if code != KERN_SUCCESS => Timebase::NANOSECONDS,
        TimebaseInfo { numerator, denominator } => Timebase { numerator, denominator },
    }
}

impl Kernel for ThisKernel {
    fn processors(&mut self, ticks: &mut [Ticks]) -> Result<usize, Refusal> {
        let (mapped, count) = Mapped::ask(&self.host)?;
        let (told, rest) = mapped.words().as_chunks::<4>();
        if told.len() != count || !rest.is_empty() {
            return Err(Refusal::Fault);
        }
        ticks.iter_mut().zip(told).for_each(|(to, from)| *to = *from);
        Ok(count)
    }

    fn vm_statistics(&mut self, words: &mut [u32; vm::WORDS]) -> Result<usize, Refusal> {
        // The count is room on the way in and what was filled on the way out: set anew each time.
        let mut count = natural_t::try_from(words.len()).map_err(|_| Refusal::Fault)?;
        let words = words.as_mut_ptr().cast::<integer_t>();
        // SAFETY: `words` is room for `count` integers of 32 bits, which the kernel fills no
        // farther; both live for the whole call, and it keeps no pointer.
        let code = unsafe {
            libc::host_statistics64(self.host.0, libc::HOST_VM_INFO64, words, &mut count)
        };
        checked(code)?;
        usize::try_from(count).map_err(|_| Refusal::Fault)
    }

    fn page_size(&mut self) -> Result<u64, Refusal> {
        let mut size: vm_size_t = 0;
        // SAFETY: `size` lives on this stack for the whole call, which keeps no pointer.
        checked(unsafe { host_page_size(self.host.0, &mut size) })?;
        u64::try_from(size).map_err(|_| Refusal::Fault)
    }

    fn clock(&mut self) -> MachClock {
        let timebase = self.timebase;
        MachClock { absolute: mach_absolute_time(), continuous: mach_continuous_time(), timebase }
    }

    fn sysctl(&mut self, name: &CStr, value: &mut [u8]) -> Result<usize, Refusal> {
        sysctl::by_name(name, value)
    }

    fn interfaces(&mut self, records: &mut [u8]) -> Result<usize, Refusal> {
        sysctl::interfaces(records)
    }

    fn mounts(&mut self, records: &mut [u8]) -> Result<usize, Refusal> {
        sysctl::mounts(records)
    }

    fn space(&mut self, path: &CStr, record: &mut [u8; mount::SIZE]) -> Result<(), Refusal> {
        sysctl::space(path, record)
    }

    fn processes(&mut self, pids: &mut [i32]) -> Result<usize, Refusal> {
        sysctl::processes(pids)
    }

    fn process(&mut self, pid: i32, record: &mut [u8; process::SIZE]) -> Result<usize, Refusal> {
        sysctl::process(pid, record)
    }
}

/// Where the level of thermal pressure is told: `kOSThermalNotificationPressureLevelName`.
const PRESSURE: &CStr = c"com.apple.system.thermalpressurelevel";

/// The notice of thermal pressure, taken back when this is dropped.
#[derive(Debug)]
pub(super) struct ThermalNotice(Result<c_int, Refusal>);

impl ThermalNotice {
    pub(super) fn new() -> Self {
        let mut token = 0;
        // SAFETY: the name ends with a NUL and is static, `token` lives on this stack for the whole
        // call, and the call keeps neither pointer.
        let status = unsafe { notify_register_check(PRESSURE.as_ptr(), &mut token) };
        Self(heard(status).map(|()| token))
    }
}

fn heard(status: u32) -> Result<(), Refusal> {
    match status {
        NOTIFY_STATUS_OK => Ok(()),
        NOTIFY_STATUS_NOT_AUTHORIZED => Err(Refusal::Denied),
        _ => Err(Refusal::Fault),
    }
}

impl Notice for ThermalNotice {
    fn has_changed(&mut self) -> Result<bool, Refusal> {
        let mut changed = 0;
        let token = self.0?;
        // SAFETY: `changed` lives on this stack for the whole call, which keeps no pointer.
        heard(unsafe { notify_check(token, &mut changed) })?;
        Ok(changed != 0)
    }

    fn state(&mut self) -> Result<u64, Refusal> {
        let mut state = 0;
        let token = self.0?;
        // SAFETY: `state` lives on this stack for the whole call, which keeps no pointer.
        heard(unsafe { notify_get_state(token, &mut state) })?;
        Ok(state)
    }
}

impl Drop for ThermalNotice {
    fn drop(&mut self) {
        if let Ok(token) = self.0 {
            // SAFETY: the token is this value's alone and was not taken back before.
            let _ = unsafe { notify_cancel(token) };
        }
    }
}
