//! Sockets that a service manager handed over at exec: LISTEN_FDS of sd_listen_fds(3).

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;

use super::sys;
use crate::activation::{ActivationError, LISTENERS, SOCKETS_MAX};

/// The sockets and their names, if the environment says that they are for this process.
pub(crate) fn handed_over()
-> Result<impl Iterator<Item = (&'static str, io::Result<OwnedFd>)>, ActivationError> {
    let names = names(|name| std::env::var_os(name), std::process::id())?;
    let sockets = match names.len() {
        0 => None,
        count => Some(sys::inherited(count).ok_or(ActivationError::Taken)?),
    };
    Ok(names.into_iter().zip(sockets.into_iter().flatten()))
}

/// The names of the sockets, in the order of their numbers.
fn names(
    variable: impl Fn(&str) -> Option<OsString>,
    pid: u32,
) -> Result<Vec<&'static str>, ActivationError> {
    let number = |name: &'static str| {
        variable(name)
            .map(|text| text.to_str().and_then(|text| text.parse::<u32>().ok()))
            .map(|number| number.ok_or(ActivationError::Variable(name)))
            .transpose()
    };
    // Not set, or inherited from a parent that was started so: not for us.
    if number("LISTEN_PID")? != Some(pid) {
        return Ok(Vec::new());
    }
    let count = usize::try_from(number("LISTEN_FDS")?.unwrap_or(0)).unwrap_or(usize::MAX);
    if count > SOCKETS_MAX {
        return Err(ActivationError::Variable("LISTEN_FDS"));
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    let bad_names = || ActivationError::Variable("LISTEN_FDNAMES");
    let given = variable("LISTEN_FDNAMES").ok_or_else(bad_names)?;
    let mut names = Vec::with_capacity(count);
    for name in given.to_str().ok_or_else(bad_names)?.split(':') {
        let known = LISTENERS.into_iter().find(|known| *known == name);
        let known = known.ok_or_else(|| ActivationError::Unknown(name.into()))?;
        if names.contains(&known) {
            return Err(ActivationError::Twice(name.into()));
        }
        names.push(known);
    }
    if names.len() == count { Ok(names) } else { Err(bad_names()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pid: &str, count: &str, given: Option<&str>) -> Result<Vec<&'static str>, String> {
        let find = |name: &str| match name {
            "LISTEN_PID" => Some(pid.into()),
            "LISTEN_FDS" => Some(count.into()),
            _ => given.map(OsString::from),
        };
        names(find, 7).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_those_of_the_listeners() {
        assert_eq!(asked("7", "2", Some("json:stream")), Ok(vec!["json", "stream"]));
        assert_eq!(asked("7", "1", Some("control")), Ok(vec!["control"]));
        for (pid, count) in [("8", "2"), ("7", "0")] {
            assert_eq!(asked(pid, count, Some("json:stream")), Ok(vec![]));
        }
        assert!(matches!(names(|_| None, 7), Ok(none) if none.is_empty()));
        for (pid, count, given, text) in [
            ("7", "1", Some("kymod.socket"), "no listener has the name `kymod.socket`; known: "),
            ("7", "2", Some("json:json"), "two sockets are named `json`"),
            ("7", "2", Some("json"), "LISTEN_FDNAMES"),
            ("7", "1", Some("json:stream"), "LISTEN_FDNAMES"),
            ("7", "1", None, "LISTEN_FDNAMES"),
            ("7", "17", Some("json"), "LISTEN_FDS"),
            ("7", "-1", Some("json"), "LISTEN_FDS"),
            ("", "1", Some("json"), "LISTEN_PID"),
        ] {
            let error = asked(pid, count, given).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }
}
