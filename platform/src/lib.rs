#![deny(unsafe_code)]
//! The operating system's edges: sensors as typed readings, clocks, timers, signals and peers.
//!
//! [`Machine`] is what the sampler sees: one typed call per source, no allocation, and a reason
//! instead of a number where there is none. [`this_machine`] opens the one this program runs on;
//! [`Fake`] is a machine for tests. The edges have the same surface on every system: [`Ticker`],
//! [`Signals`], [`peer`], [`random`], [`socket`], [`refuse_descriptors`], [`clock`], [`LocalTime`],
//! and what a service manager has to say and to hear: [`activation`] and [`Notify`].
//!
//! Every file, key and system call touched, with its cost, stands in docs/PLATFORM.md. Nothing here
//! writes to a device, starts a thread or keeps a global, but one: that the sockets of a service
//! manager were taken.
//!
//! ```
//! use kymo_platform::{Roots, this_machine};
//!
//! let mut machine = this_machine(&Roots::default());
//! match machine.memory().total {
//!     Ok(bytes) => println!("{bytes} bytes"),
//!     Err(reason) => println!("no number, because {reason:?}"),
//! }
//! ```
//!
//! The system is chosen here and nowhere else: `os` is one of the folders `linux` and `macos`. What
//! a Mac needs besides its own calls is in `apple`, on every system. These three are public for
//! their tests alone, and what the daemon needs beside the library for it: they are not documented,
//! and change as they have to.

pub mod activation;
#[doc(hidden)]
pub mod apple;
pub mod clock;
pub mod durability;
pub mod fake;
mod kernel;
mod local_time;
pub mod machine;
mod manager;
pub mod notify;
pub mod peer;
mod phrase;
pub mod random;
pub mod ranking;
mod roots;
mod sandbox;
mod shares;
mod signal;
pub mod socket;
#[doc(hidden)]
pub mod sort;
pub mod source;
mod system;

use std::path::Path;

#[cfg(target_os = "linux")]
#[doc(hidden)]
pub mod linux;
#[cfg(target_vendor = "apple")]
#[doc(hidden)]
pub mod macos;

#[cfg(target_os = "linux")]
use linux as os;
#[cfg(target_vendor = "apple")]
use macos as os;

pub use fake::Fake;
#[doc(hidden)]
pub use kernel::{Cgroup, ClockSource, Kernel};
pub use local_time::LocalTime;
pub use machine::Machine;
#[doc(hidden)]
pub use manager::Manager;
pub use notify::Notify;
pub use os::signals::Signals;
pub use os::ticker::Ticker;
#[doc(hidden)]
pub use os::{DISK_IO_INTERVAL_NS, SERVICE_MANAGER, let_start_go, share_heap};
pub use os::{SYSTEM_PLACE, refuse_descriptors};
pub use ranking::{Process, ProcessSource, Ranking};
pub use roots::{Extras, Roots};
pub use sandbox::Sandbox;
#[doc(hidden)]
pub use sandbox::{Places, close_calls, close_files};
pub use signal::Signal;
#[doc(hidden)]
pub use signal::let_writes_fail;
pub use source::{Freshness, SensorInfo, Source, SourceSpec};
pub use system::System;

/// Opens the machine this program runs on.
///
/// Never fails: what can't be opened has a state, and is tried again from time to time. All memory
/// and nearly all descriptors are taken here; the rest as hardware comes and goes.
#[must_use]
pub fn this_machine(roots: &Roots) -> Box<dyn Machine> {
    os::this_machine(roots)
}

/// Whether a host's file of keys of the system management controller can be used as
/// [`Roots::smc_keys`]: only Macs look at it, and nothing is wrong elsewhere.
///
/// It is asked before the sources are made. These take no line of a file that has a wrong one, and
/// have nobody to tell.
///
/// # Errors
///
/// The path, the line and what is wrong there.
pub fn check_smc_keys(path: &Path) -> Result<(), String> {
    os::check_smc_keys(path)
}

/// The sources of every sensor of this machine, in the order of their groups; none are read yet.
///
/// All memory is taken here; descriptors are taken by scans and reads, as hardware comes and goes.
#[must_use]
pub fn this_machine_sources(roots: &Roots) -> Vec<Box<dyn Source>> {
    this_machine_sources_with(roots, Extras::default())
}

/// The same with what is read only for whoever asks.
///
/// ```
/// use kymo_platform::{Extras, Roots, this_machine_sources_with};
///
/// let extras = Extras { alarms: true, harmful: false };
/// let sources = this_machine_sources_with(&Roots::default(), extras);
/// # let _ = sources;
/// ```
#[must_use]
pub fn this_machine_sources_with(roots: &Roots, extras: Extras) -> Vec<Box<dyn Source>> {
    os::this_machine_sources(roots, extras)
}

/// What ranks the processes of this machine; none are looked at yet. `None` where kymo can't.
///
/// All memory is taken here, and of what remembers each process no page is touched before one is
/// looked at. A descriptor is taken by the first scan.
///
/// ```
/// use kymo_platform::{Roots, this_machine_processes};
///
/// if let Some(mut processes) = this_machine_processes(&Roots::default()) {
///     while !processes.scan(1_000_000) {}
///     println!("{:?} processes", processes.ranking().total);
/// }
/// ```
#[must_use]
pub fn this_machine_processes(roots: &Roots) -> Option<Box<dyn ProcessSource>> {
    os::this_machine_processes(roots)
}
