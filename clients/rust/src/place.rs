//! Where a client looks for a daemon: the places of [`PLACES`], and the system's own last.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kymo_protocol::{PLACES, Place};

use crate::os::SYSTEM_PLACE;

/// The directories in which to look for a daemon, the best first: `explicit` and no other, or those
/// that the environment and the user of this process give.
///
/// ```
/// use std::path::{Path, PathBuf};
/// use kymo_client::directories;
///
/// assert_eq!(directories(Some(Path::new("/srv/k"))), [PathBuf::from("/srv/k")]);
/// assert!(directories(None).iter().any(|place| place.ends_with("run/kymo")));
/// ```
#[must_use]
pub fn directories(explicit: Option<&Path>) -> Vec<PathBuf> {
    match explicit {
        Some(directory) => vec![directory.into()],
        None => to_try(|name| std::env::var_os(name), nix::unistd::geteuid().is_root()),
    }
}

/// The same for any environment: `variable` looks one of its variables up.
pub fn to_try(variable: impl Fn(&str) -> Option<OsString>, is_root: bool) -> Vec<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let mut places: Vec<PathBuf> = Vec::with_capacity(PLACES.len() + 1);
    places.extend(PLACES.into_iter().filter_map(|place| match place {
        Place::Variable(name) => variable(name).filter(|value| !value.is_empty()).map(Into::into),
        Place::Below(name, below) => absolute(name).map(|path| path.join(below)),
        Place::OfRoot => is_root.then(|| SYSTEM_PLACE.into()),
    }));
    if !places.iter().any(|place| place == Path::new(SYSTEM_PLACE)) {
        places.push(SYSTEM_PLACE.into());
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    #[test]
    fn the_order_is_that_of_the_table() {
        let all = [("KYMO_DIR", "/k"), ("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/home/u")];
        let expect = |root, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(to_try(variables(&all), root), expected);
        };
        expect(true, &["/k", "/run/user/7/kymo", SYSTEM_PLACE, "/home/u/.cache/kymo/run"]);
        expect(false, &["/k", "/run/user/7/kymo", "/home/u/.cache/kymo/run", SYSTEM_PLACE]);
        let nothing = [("KYMO_DIR", ""), ("HOME", "relative")];
        assert_eq!(to_try(variables(&nothing), false), [PathBuf::from(SYSTEM_PLACE)]);
    }
}
