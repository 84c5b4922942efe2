//! Which service manager this kind of system is made for.

/// A service manager. That one is meant does not say that it runs: containers have none, and some
/// Linux systems have another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// systemd, by systemctl(1).
    Systemd,
    /// launchd, by launchctl(1).
    Launchd,
}
