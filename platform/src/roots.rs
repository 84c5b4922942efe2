//! Where the kernel's file systems are mounted. No path of a sensor starts anywhere else.

use std::path::PathBuf;

/// The directories below which Linux sensors are looked for; other systems ignore them.
///
/// ```
/// use kymo_platform::Roots;
///
/// let host = Roots { proc: "/host/proc".into(), sys: "/host/sys".into() };
/// assert_ne!(host, Roots::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Where procfs is: `/proc`, or where a container or a test has it.
    pub proc: PathBuf,
    /// Where sysfs is: `/sys`, or where a container or a test has it.
    pub sys: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: PathBuf::from("/proc"), sys: PathBuf::from("/sys") }
    }
}
