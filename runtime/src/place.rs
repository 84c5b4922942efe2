//! Where the sockets are when nobody says so: the same for the daemon and for every client.
//!
//! | order | directory | when |
//! |---|---|---|
//! | 1 | `$KYMO_DIR` | set |
//! | 2 | `$XDG_RUNTIME_DIR/kymo` | set and absolute |
//! | 3 | `/run/kymo` | root |
//! | 4 | the per-user temporary directory, `kymo` in it | macOS |
//! | 5 | `$HOME/.cache/kymo/run` | set and absolute |
//!
//! Clients try these in turn, and `/run/kymo` last.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kymo_platform::TMPDIR_IS_PRIVATE;

/// The system's daemon.
const SYSTEM: &str = "/run/kymo";

/// Every directory that may be meant, the best first. `variable` looks up an environment variable:
/// the library itself reads none.
pub fn candidates(
    variable: impl Fn(&str) -> Option<OsString>,
    is_root: bool,
) -> impl Iterator<Item = PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let explicit = variable("KYMO_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    let runtime = absolute("XDG_RUNTIME_DIR").map(|path| path.join("kymo"));
    let system = is_root.then(|| PathBuf::from(SYSTEM));
    // TMPDIR is the per-user directory there unless somebody changed it.
    let temporary = absolute("TMPDIR").filter(|_| TMPDIR_IS_PRIVATE);
    let home = absolute("HOME").map(|path| path.join(".cache/kymo/run"));
    [explicit, runtime, system, temporary.map(|path| path.join("kymo")), home].into_iter().flatten()
}

/// The directory a daemon serves.
pub fn to_serve(variable: impl Fn(&str) -> Option<OsString>, is_root: bool) -> Option<PathBuf> {
    candidates(variable, is_root).next()
}

/// The directories a client tries.
pub fn to_try(variable: impl Fn(&str) -> Option<OsString>, is_root: bool) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = candidates(variable, is_root).collect();
    if !places.iter().any(|place| place == Path::new(SYSTEM)) {
        places.push(SYSTEM.into());
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
        let paths = |root| to_try(variables(&all), root);
        let home = PathBuf::from("/home/u/.cache/kymo/run");
        let expected = ["/k", "/run/user/7/kymo", "/run/kymo"].map(PathBuf::from);
        assert_eq!(paths(true)[..3], expected);
        assert_eq!(paths(false)[2..], [home, PathBuf::from("/run/kymo")]);
        assert_eq!(to_serve(variables(&all), false), Some("/k".into()));
        assert_eq!(to_serve(variables(&all[1..]), true), Some("/run/user/7/kymo".into()));
        assert_eq!(to_serve(variables(&all[2..]), true), Some("/run/kymo".into()));
        assert_eq!(to_serve(variables(&[("HOME", "relative")]), false), None);
        assert_eq!(to_serve(variables(&[("KYMO_DIR", "")]), false), None);
    }
}
