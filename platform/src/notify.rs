//! Tells the service manager how the daemon is: the protocol of sd_notify(3).
//!
//! Guarantees: telling never waits, never allocates and never fails the daemon. A manager that
//! can't be told says so by `false`, for a log and nothing else; without a manager everything is
//! told to nobody. The library never looks for a manager by itself: [`Notify::from_env`] is for
//! the daemon's `main`.
//!
//! The variables stay in the environment. They are there to be unset for the sake of programs that
//! are started later, and kymod starts none; unsetting is unsafe beside other threads.

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{UnixAddr, sendto};

use crate::os;

/// Bytes of a message; a status that is longer is cut.
const MESSAGE_SIZE: usize = 256;

/// The service manager, if there is one.
///
/// ```
/// use kymo_platform::Notify;
///
/// let nobody = Notify::none();
/// assert!(!nobody.ready());
/// assert_eq!(nobody.watchdog_interval(), None);
/// ```
#[derive(Debug)]
pub struct Notify {
    manager: Option<(OwnedFd, UnixAddr)>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// No manager.
    #[must_use]
    pub fn none() -> Self {
        Self { manager: None, watchdog: None }
    }

    /// The manager that the environment names: NOTIFY_SOCKET, a path or `@` and an abstract name,
    /// and WATCHDOG_USEC, unless WATCHDOG_PID means another process.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var_os(name), std::process::id())
    }

    /// The same with another environment. What can't be understood is no manager, or no watchdog.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Self {
        let number = |name: &str| variable(name).map(|text| text.to_str()?.parse::<u64>().ok());
        let manager = variable("NOTIFY_SOCKET").and_then(|name| os::notify_socket(&name));
        let is_meant = number("WATCHDOG_PID").is_none_or(|found| found == Some(u64::from(pid)));
        let interval_us = number("WATCHDOG_USEC").flatten().filter(|_| is_meant);
        let watchdog = interval_us.filter(|us| *us > 0).map(Duration::from_micros);
        Self { watchdog: watchdog.filter(|_| manager.is_some()), manager }
    }

    /// How long the manager waits for a [`watchdog`](Self::watchdog) before it takes the daemon for
    /// dead; `None`: it does not wait for any. To be told twice in that time.
    #[must_use]
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Whether the manager listens at an abstract name.
    #[doc(hidden)]
    #[must_use]
    pub fn is_abstract(&self) -> bool {
        // One of a path has one, and one without a name is no manager's.
        self.manager.as_ref().is_some_and(|(_, address)| address.path().is_none())
    }

    /// It serves, after the start or after a reload.
    pub fn ready(&self) -> bool {
        self.tell(format_args!("READY=1"))
    }

    /// It reads its settings again, since this time of the monotonic clock, in microseconds; a
    /// [`ready`](Self::ready) must follow, whether or not the settings are any good.
    pub fn reloading(&self, mono_us: u64) -> bool {
        // In one message: a manager that gets the first half alone waits for the second.
        self.tell(format_args!("RELOADING=1\nMONOTONIC_USEC={mono_us}"))
    }

    /// It is about to end.
    pub fn stopping(&self) -> bool {
        self.tell(format_args!("STOPPING=1"))
    }

    /// It lives.
    pub fn watchdog(&self) -> bool {
        self.tell(format_args!("WATCHDOG=1"))
    }

    /// How it is, in one line for people.
    pub fn status(&self, text: &str) -> bool {
        // A line break would begin another message.
        self.tell(format_args!("STATUS={}", text.lines().next().unwrap_or_default()))
    }

    fn tell(&self, text: fmt::Arguments<'_>) -> bool {
        let Some((socket, address)) = &self.manager else { return false };
        let mut message = Line(heapless::String::new());
        // What does not fit is cut.
        let _ = message.write_fmt(text);
        loop {
            let bytes = message.0.as_bytes();
            match sendto(socket.as_raw_fd(), bytes, address, os::SEND_FLAGS) {
                Err(Errno::EINTR) => {}
                outcome => return outcome.is_ok(),
            }
        }
    }
}

/// Text up to a size.
struct Line(heapless::String<MESSAGE_SIZE>);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| self.0.push(character).map_err(|_| fmt::Error))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")] // abstract names
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    fn notify(variables: &[(&str, &str)]) -> Notify {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Notify::from_variables(|name| find(name).map(|(_, value)| value.into()), 7)
    }

    fn heard(manager: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        let size = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..size].to_vec()).unwrap()
    }

    #[test]
    fn each_word_is_one_message() {
        let path = std::env::temp_dir().join(format!("kymo-notify-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("kymo/notify/{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        for (manager, place) in
            [(by_path, path.to_str().unwrap().into()), (by_name, format!("@{name}"))]
        {
            let notify = notify(&[("NOTIFY_SOCKET", &place)]);
            assert!(notify.ready());
            assert_eq!(heard(&manager), "READY=1");
            assert!(notify.reloading(u64::MAX));
            assert_eq!(heard(&manager), "RELOADING=1\nMONOTONIC_USEC=18446744073709551615");
            assert!(notify.watchdog());
            assert_eq!(heard(&manager), "WATCHDOG=1");
            assert!(notify.status("3 clients\nREADY=1"));
            assert_eq!(heard(&manager), "STATUS=3 clients");
            assert!(notify.status(&"é".repeat(1000)));
            let long = heard(&manager);
            assert!(long.len() > MESSAGE_SIZE - 2 && long.ends_with("éé"), "{long}");
            assert!(notify.stopping());
            assert_eq!(heard(&manager), "STOPPING=1");
            // A manager that does not read stops nobody.
            let full = (0..100_000).find(|_| !notify.watchdog());
            assert!(full.is_some());
            drop(manager);
            assert!(!notify.ready());
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn no_manager_is_no_trouble() {
        let long = format!("/{}", "x".repeat(200));
        for place in ["", "@", "relative/path", "vsock:2:1234", "/nonexistent/socket", &long] {
            assert!(!notify(&[("NOTIFY_SOCKET", place)]).ready(), "{place}");
        }
        assert!(!notify(&[]).ready());
    }

    #[test]
    fn the_watchdog_is_that_of_this_process() {
        let interval = |usec, pid: Option<&str>| {
            let mut variables = vec![("NOTIFY_SOCKET", "/run/x"), ("WATCHDOG_USEC", usec)];
            variables.extend(pid.map(|pid| ("WATCHDOG_PID", pid)));
            notify(&variables).watchdog_interval()
        };
        assert_eq!(interval("10000000", Some("7")), Some(Duration::from_secs(10)));
        assert_eq!(interval("1", None), Some(Duration::from_micros(1)));
        assert_eq!(interval("10000000", Some("8")), None);
        assert_eq!(interval("10000000", Some("")), None);
        for usec in ["0", "", "-1", "1s", "99999999999999999999"] {
            assert_eq!(interval(usec, None), None, "{usec}");
        }
        assert_eq!(notify(&[("WATCHDOG_USEC", "5")]).watchdog_interval(), None);
    }
}
