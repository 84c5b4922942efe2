//! Where the kernel's file systems are mounted, and what is read there only for whoever asks. No
//! path of a sensor starts anywhere else. And where a host names sensors itself.

use std::path::PathBuf;

/// The directories below which Linux sensors are looked for, and the file that names keys of Macs;
/// each system ignores what is another's.
///
/// ```
/// use kymo_platform::Roots;
///
/// let host = Roots { proc: "/host/proc".into(), sys: "/host/sys".into(), ..Roots::default() };
/// assert_ne!(host, Roots::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Where procfs is: `/proc`, or where a container or a test has it.
    pub proc: PathBuf,
    /// Where sysfs is: `/sys`, or where a container or a test has it.
    pub sys: PathBuf,
    /// A file of lines that come before those of the table of the controller's keys; see
    /// [`check_smc_keys`](crate::check_smc_keys), which says whether they can be used.
    pub smc_keys: Option<PathBuf>,
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
        Self { proc: PathBuf::from("/proc"), sys: PathBuf::from("/sys"), smc_keys: None }
    }
}
