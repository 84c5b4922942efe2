//! The directory a daemon serves when nobody says which: the first of [`PLACES`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kymo_platform::SYSTEM_PLACE;
use kymo_protocol::{PLACES, Place};

/// The directory a daemon serves. `variable` looks up an environment variable: the library itself
/// reads none.
pub fn to_serve(variable: impl Fn(&str) -> Option<OsString>, is_root: bool) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    PLACES.into_iter().find_map(|place| match place {
        Place::Variable(name) => variable(name).filter(|value| !value.is_empty()).map(Into::into),
        Place::Below(name, below) => absolute(name).map(|path| path.join(below)),
        Place::OfRoot => is_root.then(|| SYSTEM_PLACE.into()),
    })
}

/// The directory of the journal: what the service manager or the user says, else beside the sockets
/// of a directory that was `given`, else where state is kept.
pub fn of_state(
    variable: impl Fn(&str) -> Option<OsString>,
    is_root: bool,
    given: Option<&Path>,
) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("KYMO_STATE")
        .or_else(|| absolute("STATE_DIRECTORY"))
        .or_else(|| given.map(|directory| directory.join("journal")))
        .or_else(|| absolute("XDG_STATE_HOME").map(|home| home.join("kymo")))
        .or_else(|| is_root.then(|| PathBuf::from("/var/lib/kymo")))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state/kymo")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    #[test]
    fn state_is_kept_where_somebody_says() {
        let all = [
            ("KYMO_STATE", "/s"),
            ("STATE_DIRECTORY", "/var/lib/x"),
            ("XDG_STATE_HOME", "/home/u/.s"),
            ("HOME", "/home/u"),
        ];
        let given = Some(Path::new("/k"));
        let of = |set: &[_], root, given| of_state(variables(set), root, given).unwrap();
        assert_eq!(of(&all, false, given), PathBuf::from("/s"));
        assert_eq!(of(&all[1..], false, given), PathBuf::from("/var/lib/x"));
        assert_eq!(of(&all[2..], false, given), PathBuf::from("/k/journal"));
        assert_eq!(of(&all[2..], true, None), PathBuf::from("/home/u/.s/kymo"));
        assert_eq!(of(&all[3..], true, None), PathBuf::from("/var/lib/kymo"));
        assert_eq!(of(&all[3..], false, None), PathBuf::from("/home/u/.local/state/kymo"));
        assert_eq!(of_state(variables(&[]), false, None), None);
    }

    #[test]
    fn the_order_is_that_of_the_table() {
        let all = [("KYMO_DIR", "/k"), ("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/home/u")];
        assert_eq!(to_serve(variables(&all), false), Some("/k".into()));
        assert_eq!(to_serve(variables(&all[1..]), true), Some("/run/user/7/kymo".into()));
        assert_eq!(to_serve(variables(&all[2..]), true), Some(SYSTEM_PLACE.into()));
        let home = Some("/home/u/.cache/kymo/run".into());
        assert_eq!(to_serve(variables(&all[2..]), false), home);
        assert_eq!(to_serve(variables(&[("HOME", "relative")]), false), None);
        assert_eq!(to_serve(variables(&[("KYMO_DIR", "")]), false), None);
    }
}
