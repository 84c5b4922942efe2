//! Steps, taken; and what a service manager says when it refuses.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::plan::{Care, Step};
use super::site::Site;
use crate::args::Scope;
use crate::clean::clean;
use crate::failure::{DENIED, Failure, UNREACHABLE};

/// launchd takes a moment to end what it was told to.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// Takes a step.
///
/// # Errors
///
/// Why it failed, and with which exit code.
pub fn take(step: &Step, site: &Site) -> Result<(), Failure> {
    let denied = |path: &Path, error: &io::Error| {
        let is_denied = error.kind() == ErrorKind::PermissionDenied;
        let code = if is_denied { DENIED } else { crate::failure::FAILED };
        Failure { code, text: format!("{}: {error}", path.display()) }
    };
    match step {
        Step::Directory(path) => {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(|error| denied(path, &error))
        }
        Step::Write(path, text) => write(path, text).map_err(|error| denied(path, &error)),
        Step::Remove(path) => fs::remove_file(path).map_err(|error| denied(path, &error)),
        Step::Call(words, care) => {
            let tries = if *care == Care::Soon { TRIES } else { 1 };
            let mut output = call(words)?;
            for _ in 1..tries {
                if output.status.success() {
                    break;
                }
                sleep(PAUSE);
                output = call(words)?;
            }
            if output.status.success() || *care == Care::May {
                return Ok(());
            }
            Err(refused(words, &output, site))
        }
    }
}

/// The whole file or none: a manager may read it at any time.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let new = path.with_extension("kymo-new");
    let mut file = File::create(&new)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    fs::rename(&new, path)
}

/// Runs a command to its end, in the language that its words are looked for in.
///
/// # Errors
///
/// When it can't be run.
pub fn call(words: &[String]) -> Result<Output, Failure> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::new("nothing to run"));
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env("LC_ALL", "C").env("SYSTEMD_PAGER", "");
    command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let text = format!(
                "there is no {program} here; have what starts your programs run `kymod`, \
                 which stays in the foreground and ends on SIGTERM"
            );
            Failure { code: UNREACHABLE, text }
        }
        _ => Failure::new(format!("{program}: {error}")),
    })
}

/// The first line of what it said that is no mere report of progress.
pub fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let is_told = |line: &&str| {
        !line.trim().is_empty()
            && !line.starts_with("Created symlink")
            && !line.starts_with("Removed ")
    };
    let line = text.lines().find(is_told).unwrap_or("it says nothing");
    clean(line.trim().chars())
}

/// Why a call failed, for people.
fn refused(words: &[String], output: &Output, site: &Site) -> Failure {
    let said = said(output);
    let lower = said.to_lowercase();
    let is_denied = ["denied", "authentication", "not permitted", "not privileged"]
        .into_iter()
        .any(|word| lower.contains(word));
    let code = if is_denied { DENIED } else { crate::failure::FAILED };
    let mut text = format!("{}: {said}", words.join(" "));
    if lower.contains("masked") {
        text += "; `systemctl unmask kymod.service` allows it";
    } else if words.iter().any(|word| ["start", "restart", "--now"].contains(&word.as_str())) {
        let scope = if site.scope == Scope::User { "--user " } else { "" };
        if words.iter().any(|word| word == "systemctl") {
            text += &format!("; `journalctl {scope}-u kymod -n 20` tells more");
        }
    }
    Failure { code, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_platform::Manager;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    #[test]
    fn refusals_have_their_codes() {
        let site = Site::at(Manager::Systemd, Scope::User, "/h".into(), Path::new("/h/.config"), 7);
        let failure = |text: &str, last: &str| {
            let words = site.systemctl(&["enable", last]);
            let status = ExitStatus::from_raw(256);
            refused(&words, &Output { status, stdout: vec![], stderr: text.into() }, &site)
        };
        let denied = failure("\nFailed to enable unit: Access denied\nmore\n", "x");
        assert_eq!(denied.code, DENIED);
        assert_eq!(denied.text, "systemctl --user enable x: Failed to enable unit: Access denied");
        assert_eq!(failure("Interactive authentication required.", "x").code, DENIED);
        let masked = failure("Unit kymod.service is masked.", "x");
        assert!(masked.code == 1 && masked.text.contains("unmask"), "{}", masked.text);
        let failed = failure("Created symlink a -> b.\nJob for kymod.service failed.", "--now");
        assert!(failed.text.contains(": Job for kymod.service failed."), "{}", failed.text);
        assert!(failed.text.ends_with("; `journalctl --user -u kymod -n 20` tells more"));
        assert!(failure("", "x").text.ends_with("it says nothing"));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let failure = call(&["kymo-no-such-manager".into()]).unwrap_err();
        assert_eq!(failure.code, UNREACHABLE);
        assert!(failure.text.contains("no kymo-no-such-manager here"), "{}", failure.text);
    }

    #[test]
    fn what_is_soon_ready_is_waited_for() {
        let path = std::env::temp_dir().join(format!("kymo-soon-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let site = Site::at(Manager::Launchd, Scope::User, "/h".into(), Path::new("/h/.config"), 7);
        let script = format!("test -e {0} || {{ touch {0}; exit 5; }}", path.display());
        let words: Vec<String> = ["sh", "-c", &script].map(Into::into).into();
        assert!(take(&Step::Call(words.clone(), Care::Must), &site).is_err());
        fs::remove_file(&path).unwrap();
        take(&Step::Call(words, Care::Soon), &site).unwrap();
        let fails: Vec<String> = ["false"].map(Into::into).into();
        take(&Step::Call(fails, Care::May), &site).unwrap();
        fs::remove_file(path).unwrap();
    }
}
