//! The way to the kernel of a Mac: calls that return raw facts, and what those facts mean.
//!
//! Each record's layout stands in its file with the numbers of its offsets; `macos` holds them
//! against the C library's own definitions when it is compiled. Numbers are of the machine's own
//! byte order, which is little-endian on every Mac since 2006.

mod bytes;
mod clock;
pub mod fake;
pub mod interface;
pub mod macs;
pub mod mount;
pub mod process;
pub mod processor;
mod refusal;
pub mod values;
pub mod vm;

use std::ffi::CStr;

pub use clock::{MachClock, Timebase};
pub use fake::FakeKernel;
pub use refusal::Refusal;

/// Macs have 64 logical processors at most; more than this are left out.
pub const PROCESSORS_MAX: usize = 128;

/// The kernel of a Mac. No call blocks but [`space`](Self::space), for as long as a file system
/// does, and none allocates in this process but [`processors`](Self::processors), whose memory the
/// kernel maps and the call gives back.
pub trait Kernel: Send {
    /// Ticks of each logical processor, in the order of their numbers; how many there are, whether
    /// or not there was room for them. `host_processor_info`.
    ///
    /// # Errors
    ///
    /// What the kernel said instead, as with every call here.
    fn processors(&mut self, ticks: &mut [processor::Ticks]) -> Result<usize, Refusal>;

    /// What the virtual memory tells; how many words the kernel has filled. `host_statistics64`.
    ///
    /// # Errors
    ///
    /// As above.
    fn vm_statistics(&mut self, words: &mut [u32; vm::WORDS]) -> Result<usize, Refusal>;

    /// Bytes of a page as the kernel counts them, which a translated program's are not.
    ///
    /// # Errors
    ///
    /// As above.
    fn page_size(&mut self) -> Result<u64, Refusal>;

    /// What the clocks show.
    fn clock(&mut self) -> MachClock;

    /// The value of a name; how many bytes it has. `sysctlbyname`.
    ///
    /// # Errors
    ///
    /// As above; [`Refusal::TooSmall`] where the value is longer than `value`.
    fn sysctl(&mut self, name: &CStr, value: &mut [u8]) -> Result<usize, Refusal>;

    /// A record of each network interface; how many bytes they have. `sysctl`.
    ///
    /// # Errors
    ///
    /// As above; [`Refusal::TooSmall`] where there are more than `records` holds.
    fn interfaces(&mut self, records: &mut [u8]) -> Result<usize, Refusal>;

    /// A record of each mounted file system, as the kernel has it: none of them is asked. How many
    /// there are, whether or not there was room for them. `getfsstat`.
    ///
    /// # Errors
    ///
    /// As above.
    fn mounts(&mut self, records: &mut [u8]) -> Result<usize, Refusal>;

    /// The record of the file system at `path`, which is asked. `statfs`.
    ///
    /// # Errors
    ///
    /// As above.
    fn space(&mut self, path: &CStr, record: &mut [u8; mount::SIZE]) -> Result<(), Refusal>;

    /// The numbers of processes; how many there was room for. `proc_listallpids`.
    ///
    /// # Errors
    ///
    /// As above.
    fn processes(&mut self, pids: &mut [i32]) -> Result<usize, Refusal>;

    /// The record of a process; how many bytes it has. `proc_pidinfo`.
    ///
    /// # Errors
    ///
    /// As above; [`Refusal::Absent`] for one that has ended.
    fn process(&mut self, pid: i32, record: &mut [u8; process::SIZE]) -> Result<usize, Refusal>;
}

/// A notice that says that something has changed, and a number that goes with it. `notify.h`.
pub trait Notice: Send {
    /// Whether it was posted since the last call; true the first time. Reads shared memory.
    ///
    /// # Errors
    ///
    /// What the library said instead.
    fn has_changed(&mut self) -> Result<bool, Refusal>;

    /// The number now. Asks the server of notices.
    ///
    /// # Errors
    ///
    /// As above.
    fn state(&mut self) -> Result<u64, Refusal>;
}
