//! Where the kernel's file systems are mounted, and what is read there only for whoever asks. No
//! path of a sensor starts anywhere else.

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

/// What is not read unasked, because reading it changes something for others; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Alarms of chips. Many drivers clear one when it is read, and then another tool, such as
    /// `sensors` or a script that watches the machine, never sees it. Without this none of their
    /// files is ever opened.
    pub alarms: bool,
    /// Values of chips whose driver disturbs the device or the machine when it reads them, as
    /// docs/PLATFORM.md tells of each. Without this they are named, and `denied`.
    pub harmful: bool,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: PathBuf::from("/proc"), sys: PathBuf::from("/sys") }
    }
}
