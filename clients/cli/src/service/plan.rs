//! What is done about a service, as steps that can be printed before they are taken.

use std::fmt::{self, Write};
use std::fs;
use std::path::PathBuf;

use kymo_platform::Manager;

use super::site::{LABEL, SOCKETS, Site, UNIT};
use super::text::MARK;
use crate::args::Scope;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a directory for its owner alone, where there is none.
    Directory(PathBuf),
    /// Write a file that others may read.
    Write(PathBuf, String),
    /// Remove a file.
    Remove(PathBuf),
    /// Call the service manager.
    Call(Vec<String>, Care),
}

/// What it means that a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// That all of it failed.
    Must,
    /// Nothing.
    May,
    /// That it is not ready yet: launchd still ends what was there before.
    Soon,
}

impl fmt::Display for Step {
    /// The step as a command to somebody, and a file's text below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "make {}", path.display()),
            Self::Write(path, text) => {
                write!(f, "write {}", path.display())?;
                text.lines().try_for_each(|line| {
                    f.write_str("\n  ")?;
                    f.write_str(line)
                })
            }
            Self::Remove(path) => write!(f, "remove {}", path.display()),
            Self::Call(words, _) => {
                f.write_str("run")?;
                words.iter().try_for_each(|word| {
                    f.write_char(' ')?;
                    f.write_str(word)
                })
            }
        }
    }
}

/// What a file is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    Nothing,
    /// One that we wrote, with this text.
    Ours(String),
    /// Somebody else's.
    Others,
}

/// What is at `path`.
pub fn found(path: &std::path::Path) -> Found {
    // A link is somebody's who knows why, as that of a masked unit.
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Found::Others,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Nothing,
        _ => {}
    }
    match fs::read_to_string(path) {
        Ok(text) if text.contains(MARK) => Found::Ours(text),
        _ => Found::Others,
    }
}

fn call(words: Vec<String>) -> Step {
    Step::Call(words, Care::Must)
}

fn launchctl(words: &[&str]) -> Vec<String> {
    std::iter::once(&"launchctl").chain(words).map(ToString::to_string).collect()
}

/// What is there of our sockets, and goes when they are not wanted.
fn sockets_of_ours(site: &Site) -> Vec<PathBuf> {
    let paths = SOCKETS.iter().map(|name| site.directory.join(name));
    paths.filter(|path| matches!(found(path), Found::Ours(_))).collect()
}

/// The steps that make a service of `files`, whose names are below the site's directory. A daemon
/// that runs is started anew only if what it was told has changed.
pub fn install(site: &Site, files: &[(String, String)], on_demand: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let is_new = |(name, text): &&(String, String)| {
        found(&site.directory.join(name)) != Found::Ours(text.clone())
    };
    let writes = files.iter().filter(is_new);
    let writes = writes.map(|(name, text)| Step::Write(site.directory.join(name), text.clone()));
    let writes: Vec<Step> = writes.collect();
    let has_changed = !writes.is_empty();
    if site.manager == Manager::Launchd {
        if site.scope == Scope::User {
            let below = [".cache/kymo/run", "Library/LaunchAgents", "Library/Logs"];
            steps.extend(below.map(|below| Step::Directory(site.home.join(below))));
        }
        steps.extend(writes);
        let service = format!("{}/{LABEL}", site.domain());
        let file = site.file().to_string_lossy().into_owned();
        steps.push(Step::Call(launchctl(&["bootout", &service]), Care::May));
        steps.push(Step::Call(launchctl(&["bootstrap", &site.domain(), &file]), Care::Soon));
        return steps;
    }
    let systemctl = |lead: &[&str], units: &[&str]| site.systemctl(&[lead, units].concat());
    let stale = if on_demand { Vec::new() } else { sockets_of_ours(site) };
    if !stale.is_empty() {
        // They would hold the places of the daemon's own.
        steps.push(call(systemctl(&["disable", "--now"], &SOCKETS)));
        steps.extend(stale.into_iter().map(Step::Remove));
    }
    steps.extend(writes);
    steps.push(call(systemctl(&["daemon-reload"], &[])));
    if on_demand {
        // Sockets can't be listened on while a daemon has its own.
        steps.push(Step::Call(systemctl(&["disable", "--now"], &[UNIT]), Care::May));
        steps.push(call(systemctl(&["enable", "--now"], &SOCKETS)));
    } else if has_changed {
        steps.push(call(systemctl(&["enable"], &[UNIT])));
        steps.push(call(systemctl(&["restart"], &[UNIT])));
    } else {
        steps.push(call(systemctl(&["enable", "--now"], &[UNIT])));
    }
    steps
}

/// The steps that take it away: none where nothing is. Others' files stay.
pub fn uninstall(site: &Site) -> Vec<Step> {
    let ours = matches!(found(&site.file()), Found::Ours(_));
    if site.manager == Manager::Launchd {
        if !ours {
            return Vec::new();
        }
        let service = format!("{}/{LABEL}", site.domain());
        let bootout = Step::Call(launchctl(&["bootout", &service]), Care::May);
        return vec![bootout, Step::Remove(site.file())];
    }
    let sockets = sockets_of_ours(site);
    let is_packaged = site.packaged_file().is_some();
    if !ours && sockets.is_empty() && !is_packaged {
        return Vec::new();
    }
    let has_sockets = !sockets.is_empty() || (is_packaged && site.scope == Scope::User);
    let mut words = site.systemctl(&["disable", "--now", UNIT]);
    words.extend(SOCKETS.iter().filter(|_| has_sockets).map(ToString::to_string));
    let mut steps = vec![call(words)];
    steps.extend(sockets.into_iter().map(Step::Remove));
    if ours {
        steps.push(Step::Remove(site.file()));
    }
    steps.push(call(site.systemctl(&["daemon-reload"])));
    // Else a unit that failed would be remembered.
    steps.push(Step::Call(site.systemctl(&["reset-failed", UNIT]), Care::May));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn site(manager: Manager, scope: Scope, name: &str) -> Site {
        let name = format!("kymo-plan-{name}-{}", std::process::id());
        let home = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&home);
        let mut site = Site::at(manager, scope, home.clone(), &home.join(".config"), 501);
        site.directory = home.join("units");
        // What this machine has is not this test's.
        site.packaged = vec![home.join("packaged")];
        fs::create_dir_all(&site.directory).unwrap();
        site
    }

    fn told(steps: &[Step], home: &Path) -> Vec<String> {
        let home = home.to_string_lossy().into_owned();
        let line = |step: &Step| step.to_string().lines().next().unwrap().replace(&home, "~");
        steps.iter().map(line).collect()
    }

    fn files(names: &[&str]) -> Vec<(String, String)> {
        names.iter().map(|name| (name.to_string(), format!("# {MARK}\n{name}\n"))).collect()
    }

    fn write(site: &Site, files: &[(String, String)]) {
        for (name, text) in files {
            fs::write(site.directory.join(name), text).unwrap();
        }
    }

    #[test]
    fn systemd_is_told_what_changed_and_no_more() {
        let site = site(Manager::Systemd, Scope::User, "systemd");
        let plain = files(&[UNIT]);
        let first = [
            "write ~/units/kymod.service",
            "run systemctl --user daemon-reload",
            "run systemctl --user enable kymod.service",
            "run systemctl --user restart kymod.service",
        ];
        assert_eq!(told(&install(&site, &plain, false), &site.home), first);
        write(&site, &plain);
        let again = [
            "run systemctl --user daemon-reload",
            "run systemctl --user enable --now kymod.service",
        ];
        assert_eq!(told(&install(&site, &plain, false), &site.home), again);
        let gone = [
            "run systemctl --user disable --now kymod.service",
            "remove ~/units/kymod.service",
            "run systemctl --user daemon-reload",
            "run systemctl --user reset-failed kymod.service",
        ];
        assert_eq!(told(&uninstall(&site), &site.home), gone);
        fs::write(site.file(), "[Unit]\n").unwrap();
        assert!(uninstall(&site).is_empty(), "it is not ours");
        fs::remove_dir_all(&site.home).unwrap();
    }

    #[test]
    fn on_demand_and_back() {
        let site = site(Manager::Systemd, Scope::User, "sockets");
        let all = files(&[UNIT, SOCKETS[0], SOCKETS[1], SOCKETS[2]]);
        let steps = told(&install(&site, &all, true), &site.home);
        assert_eq!(
            steps[..2],
            ["write ~/units/kymod.service", "write ~/units/kymod-stream.socket"]
        );
        let names = SOCKETS.join(" ");
        let ends = [
            "run systemctl --user daemon-reload".into(),
            "run systemctl --user disable --now kymod.service".into(),
            format!("run systemctl --user enable --now {names}"),
        ];
        assert_eq!(steps[4..], ends);
        write(&site, &all);
        let back = told(&install(&site, &all[..1], false), &site.home);
        assert_eq!(back[0], format!("run systemctl --user disable --now {names}"));
        assert_eq!(back[1], "remove ~/units/kymod-stream.socket");
        assert_eq!(back.last().unwrap(), "run systemctl --user enable --now kymod.service");
        let gone = told(&uninstall(&site), &site.home);
        assert_eq!(gone[0], format!("run systemctl --user disable --now kymod.service {names}"));
        assert_eq!(gone.iter().filter(|step| step.starts_with("remove ")).count(), 4);
        fs::remove_dir_all(&site.home).unwrap();
    }

    #[test]
    fn a_package_keeps_its_files() {
        let site = site(Manager::Systemd, Scope::System, "packaged");
        fs::create_dir_all(&site.packaged[0]).unwrap();
        fs::write(site.packaged[0].join(UNIT), "[Unit]\n").unwrap();
        let steps = told(&uninstall(&site), &site.home);
        assert_eq!(steps[0], "run systemctl disable --now kymod.service");
        assert!(steps.iter().all(|step| !step.starts_with("remove")), "{steps:?}");
        fs::remove_dir_all(&site.home).unwrap();
    }

    #[test]
    fn launchd_is_told() {
        let site = site(Manager::Launchd, Scope::User, "launchd");
        let plist = files(&["org.kymo.kymod.plist"]);
        let steps = [
            "make ~/.cache/kymo/run",
            "make ~/Library/LaunchAgents",
            "make ~/Library/Logs",
            "write ~/units/org.kymo.kymod.plist",
            "run launchctl bootout gui/501/org.kymo.kymod",
            "run launchctl bootstrap gui/501 ~/units/org.kymo.kymod.plist",
        ];
        assert_eq!(told(&install(&site, &plist, false), &site.home), steps);
        assert!(uninstall(&site).is_empty());
        write(&site, &plist);
        let gone =
            ["run launchctl bootout gui/501/org.kymo.kymod", "remove ~/units/org.kymo.kymod.plist"];
        assert_eq!(told(&uninstall(&site), &site.home), gone);
        let system = Site { scope: Scope::System, ..site };
        let steps = told(&install(&system, &plist, false), &system.home);
        assert_eq!(steps[0], "run launchctl bootout system/org.kymo.kymod");
        fs::remove_dir_all(&system.home).unwrap();
    }
}
