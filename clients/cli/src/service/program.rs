//! Which kymod a service starts.

use std::env;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::args::Scope;
use crate::failure::{DENIED, Failure};

/// The kymod that was named; else that beside this kymo, by its name in PATH if it has one there,
/// because a packager's link outlives the version that it leads to; else that in PATH.
///
/// # Errors
///
/// When there is none.
pub fn kymod(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        return match is_program(&path) {
            true => Ok(path),
            false => Err(Failure::new(format!("{}: not a program", path.display()))),
        };
    }
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join("kymod")));
    choose(beside.filter(|path| is_program(path)), &in_path("kymod")).ok_or_else(|| {
        Failure::new("there is no kymod beside this kymo and none in PATH; name it with --kymod")
    })
}

/// This kymo, by its name in PATH if it has one there.
///
/// # Errors
///
/// When the system does not say which it is.
pub fn own() -> Result<PathBuf, Failure> {
    let own = env::current_exe().map_err(|error| Failure::new(format!("this program: {error}")))?;
    Ok(choose(Some(own.clone()), &in_path("kymo")).unwrap_or(own))
}

fn in_path(name: &str) -> Vec<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths)
        .filter(|path| path.is_absolute())
        .map(|path| path.join(name))
        .filter(|path| is_program(path))
        .collect()
}

fn choose(beside: Option<PathBuf>, known: &[PathBuf]) -> Option<PathBuf> {
    let Some(beside) = beside else { return known.first().cloned() };
    let same = |path: &&PathBuf| fs::canonicalize(path).ok() == fs::canonicalize(&beside).ok();
    known.iter().find(same).cloned().or(Some(beside))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
}

/// Whether a service of `scope` may start `program`: nobody but root may be able to change what
/// the system starts.
///
/// # Errors
///
/// Who else can, by which path.
pub fn check(program: &Path, scope: Scope) -> Result<(), Failure> {
    if scope == Scope::User {
        return Ok(());
    }
    let real = fs::canonicalize(program)
        .map_err(|error| Failure::new(format!("{}: {error}", program.display())))?;
    for path in real.ancestors() {
        let is_open = fs::symlink_metadata(path).is_ok_and(|found| may_be_changed(&found));
        if is_open {
            let text = format!(
                "{}: others than root can change it, and with it what the system would start; \
                 install kymod where only root can write, or use --user",
                path.display()
            );
            return Err(Failure { code: DENIED, text });
        }
    }
    Ok(())
}

fn may_be_changed(found: &Metadata) -> bool {
    open_to_others(found.uid(), found.mode(), found.is_dir())
}

/// In a sticky directory others can only add.
fn open_to_others(uid: u32, mode: u32, is_directory: bool) -> bool {
    let is_sticky = is_directory && mode & 0o1000 != 0;
    uid != 0 || (mode & 0o022 != 0 && !is_sticky)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lasting_name_is_taken() {
        let scratch = env::temp_dir().join(format!("kymo-program-{}", std::process::id()));
        let _ = fs::remove_dir_all(&scratch);
        let [cellar, bin] = ["cellar", "bin"].map(|name| scratch.join(name));
        for path in [&cellar, &bin] {
            fs::create_dir_all(path).unwrap();
        }
        let [real, link] = [cellar.join("kymod"), bin.join("kymod")];
        fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let other = PathBuf::from("/usr/bin/kymod");
        let both = [other.clone(), link.clone()];
        assert_eq!(choose(Some(real.clone()), &both), Some(link));
        assert_eq!(choose(Some(real.clone()), &both[..1]), Some(real));
        assert_eq!(choose(None, &both), Some(other));
        assert_eq!(choose(None, &[]), None);
        fs::remove_dir_all(scratch).unwrap();
    }

    #[test]
    fn what_others_can_change_is_not_started() {
        for (uid, mode, is_directory, expected) in [
            (0, 0o100_755, false, false),
            (1000, 0o100_755, false, true),
            (0, 0o100_775, false, true),
            (0, 0o100_757, false, true),
            (0, 0o40_777, true, true),
            (0, 0o41_777, true, false),
            (0, 0o101_777, false, true),
        ] {
            assert_eq!(open_to_others(uid, mode, is_directory), expected, "{uid} {mode:o}");
        }
    }
}
