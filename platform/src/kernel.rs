//! What a kernel offers that kymo makes use of, for a report of somebody's that others read.
//!
//! Guarantees: it looks, and takes nothing up. Nothing in it is told of a person or of this one
//! machine.

use crate::Ticker;
use crate::os;
use crate::roots::Roots;

/// What this kernel offers; what it does not has a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The version of Landlock's rules that kymod would use.
    pub landlock: Result<u8, &'static str>,
    /// Filters of system calls.
    pub seccomp: Result<(), &'static str>,
    /// How long work waited for what it needs.
    pub pressure: Result<(), &'static str>,
    /// A timer that is a descriptor.
    pub timer: Result<(), &'static str>,
    /// How control groups are mounted.
    pub cgroup: Result<Cgroup, &'static str>,
    /// What the kernel reads the time from, if it says so.
    pub clock_source: Option<ClockSource>,
}

/// How control groups are mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cgroup {
    /// The first version alone.
    V1,
    /// Both, the controllers at the first one.
    Hybrid,
    /// The second version.
    V2,
}

impl Cgroup {
    /// For people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::Hybrid => "hybrid",
            Self::V2 => "v2",
        }
    }
}

/// What the kernel reads the time from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockSource {
    /// What it uses.
    pub current: String,
    /// What it could use, the best one first.
    pub available: Vec<String>,
}

impl Kernel {
    /// This kernel, as `roots` show it where it is files that tell.
    #[must_use]
    pub fn of(roots: &Roots) -> Self {
        Self {
            landlock: os::kernel::landlock(roots),
            seccomp: os::kernel::seccomp(roots),
            pressure: os::kernel::pressure(roots),
            timer: match Ticker::new() {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err("this system has none: a loop waits with timeouts"),
                Err(_) => Err("the system refuses one"),
            },
            cgroup: os::kernel::cgroup(roots),
            clock_source: os::kernel::clock_source(roots),
        }
    }
}
