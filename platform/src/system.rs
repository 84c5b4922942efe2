//! Which machine and which operating system this is, for a report of somebody's that others read.
//!
//! Guarantees: nothing that names a person or this one machine: no host name, no serial number.

use nix::sys::utsname::uname;

use crate::os;
use crate::roots::Roots;

/// What a report says of a machine; `None` is not known.
///
/// ```
/// use kymo_platform::{Roots, System};
///
/// assert!(System::of(&Roots::default()).kernel.is_some());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// The operating system with its version, as it names itself.
    pub name: Option<String>,
    /// The kernel with its release.
    pub kernel: Option<String>,
    /// Its processors' architecture.
    pub machine: Option<String>,
    /// What the vendor calls the machine.
    pub model: Option<String>,
}

impl System {
    /// This machine, as `roots` show it where it is files that tell.
    #[must_use]
    pub fn of(roots: &Roots) -> Self {
        let (name, model) = os::system(roots);
        let Ok(found) = uname() else { return Self { name, model, ..Self::default() } };
        let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
        let kernel = format!("{} {}", text(found.sysname()), text(found.release()));
        Self { name, kernel: Some(kernel), machine: Some(text(found.machine())), model }
    }
}
