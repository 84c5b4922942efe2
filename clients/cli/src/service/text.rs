//! What a service manager is told of kymod, as the text of a file.
//!
//! The files of `clients/cli/service` are what is written, with the paths of this machine.

use std::path::Path;

use kymo_platform::Manager;

use super::site::{SOCKETS, Site, UNIT};
use crate::args::Scope;
use crate::failure::Failure;

const SYSTEM: &str = include_str!("../../service/kymod.service");
const USER: &str = include_str!("../../service/user/kymod.service");
const USER_SOCKETS: [&str; 3] = [
    include_str!("../../service/user/kymod-stream.socket"),
    include_str!("../../service/user/kymod-json.socket"),
    include_str!("../../service/user/kymod-control.socket"),
];
const AGENT: &str = include_str!("../../service/agent.plist");
const DAEMON: &str = include_str!("../../service/daemon.plist");

/// What tells files of ours from those of others.
pub const MARK: &str = "Written by `kymo service install`; `kymo service uninstall` removes it.";

/// What kymod is started as.
#[derive(Clone, Copy, Debug)]
pub struct Start<'p> {
    /// The program.
    pub program: &'p Path,
    /// What has it read its settings again.
    pub kymo: &'p Path,
    /// Its settings.
    pub config: Option<&'p Path>,
    /// By its first client.
    pub on_demand: bool,
}

/// The files that make a service of it: names below the site's directory, and texts.
///
/// # Errors
///
/// When a path can't stand in such a file.
pub fn files(site: &Site, start: Start<'_>) -> Result<Vec<(String, String)>, Failure> {
    if site.manager == Manager::Launchd {
        let name = site.file().file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![(name, plist(site, start)?)]);
    }
    let template = if site.scope == Scope::User { USER } else { SYSTEM };
    let mut files = vec![(UNIT.to_string(), unit(template, start)?)];
    if start.on_demand {
        let sockets = SOCKETS.into_iter().zip(USER_SOCKETS);
        files.extend(sockets.map(|(name, text)| (name.to_string(), marked(text))));
    }
    Ok(files)
}

/// The program that a unit starts; `None` when it says so in another way than ours.
pub fn program_of(unit: &str) -> Option<&str> {
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    match line.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => line.split_whitespace().next(),
    }
}

/// A unit from its first section on.
fn marked(text: &str) -> String {
    let from = text.find("[Unit]").unwrap_or_default();
    format!("# {MARK}\n{}", text.get(from..).unwrap_or_default())
}

fn unit(template: &str, start: Start<'_>) -> Result<String, Failure> {
    let mut text = String::new();
    for line in marked(template).lines() {
        if let Some(options) = line.strip_prefix("ExecStart=/usr/bin/kymod") {
            text += &format!("ExecStart={}{options}", word(start.program)?);
            if let Some(config) = start.config {
                text += &format!(" --config {}", word(config)?);
            }
        } else if let Some(options) = line.strip_prefix("ExecReload=/usr/bin/kymo") {
            text += &format!("ExecReload={}{options}", word(start.kymo)?);
        } else {
            text += line;
        }
        text.push('\n');
    }
    Ok(text)
}

/// A path as a word of a unit. What a manager would read as something else is refused rather than
/// escaped: it is in nobody's path on purpose.
fn word(path: &Path) -> Result<String, Failure> {
    let text = plain(path)?;
    if text.contains(['"', '\'', '\\', '%', '$']) {
        let text = format!("{}: a unit can't name such a path; put it elsewhere", path.display());
        return Err(Failure::new(text));
    }
    Ok(if text.contains(' ') { format!("\"{text}\"") } else { text.into() })
}

fn plain(path: &Path) -> Result<&str, Failure> {
    let refused = || Failure::new(format!("{}: not text on one line", path.display()));
    path.to_str().filter(|text| !text.contains(char::is_control)).ok_or_else(refused)
}

fn plist(site: &Site, start: Start<'_>) -> Result<String, Failure> {
    let template = if site.scope == Scope::User { AGENT } else { DAEMON };
    // The first comment is for who does it by hand.
    let (head, rest) = template.split_once("<!--\n").unwrap_or((template, ""));
    let (_, body) = rest.split_once("-->\n").unwrap_or(("", rest));
    let string = |path: &Path| -> Result<String, Failure> {
        Ok(format!("<string>{}</string>", escaped(plain(path)?)))
    };
    let mut words = string(start.program)?;
    if let Some(config) = start.config {
        words += &format!("\n\t\t<string>--config</string>\n\t\t{}", string(config)?);
    }
    let body = body.replacen("<string>/usr/local/bin/kymod</string>", &words, 1);
    let body = body.replace("/Users/YOU", &escaped(plain(&site.home)?));
    Ok(format!("{head}<!-- {MARK} -->\n{body}"))
}

/// Text in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(manager: Manager, scope: Scope) -> Site {
        Site::at(manager, scope, "/home/a&b".into(), Path::new("/home/a&b/.config"), 7)
    }

    fn start(program: &str) -> Start<'_> {
        let kymo = Path::new("/opt/k/kymo");
        Start { program: Path::new(program), kymo, config: None, on_demand: false }
    }

    fn text(manager: Manager, scope: Scope, start: Start<'_>) -> String {
        files(&site(manager, scope), start).unwrap().swap_remove(0).1
    }

    #[test]
    fn units_start_this_program() {
        let system = text(Manager::Systemd, Scope::System, start("/opt/k/kymod"));
        assert!(system.starts_with(&format!("# {MARK}\n[Unit]\n")), "{system}");
        assert!(system.contains("\nExecStart=/opt/k/kymod --dir /run/kymo\n"), "{system}");
        assert!(system.contains("\nExecReload=/opt/k/kymo reload --dir /run/kymo\n"), "{system}");
        assert!(!system.contains("/usr/bin"), "{system}");
        assert_eq!(program_of(&system), Some("/opt/k/kymod"));
        let config = Some(Path::new("/etc/k.toml"));
        let user = Start { config, ..start("/home/a b/kymod") };
        let user = text(Manager::Systemd, Scope::User, user);
        let line = "\nExecStart=\"/home/a b/kymod\" --config /etc/k.toml\n";
        assert!(user.contains(line) && !user.contains("/usr/bin/kymod"), "{user}");
        assert_eq!(program_of(&user), Some("/home/a b/kymod"));
        assert_eq!(program_of("[Unit]\n"), None);
    }

    #[test]
    fn a_path_that_means_something_else_is_refused() {
        for path in ["/a%h/kymod", "/a\nUser=root", "/$A/kymod", "/a\"b", "/a\\b"] {
            for manager in [Manager::Systemd, Manager::Launchd] {
                let made = files(&site(manager, Scope::User), start(path));
                let may = manager == Manager::Launchd && !path.contains('\n');
                assert_eq!(made.is_ok(), may, "{path} {manager:?}");
            }
        }
    }

    #[test]
    fn sockets_come_on_demand_alone() {
        let site = site(Manager::Systemd, Scope::User);
        let names = |on_demand| -> Vec<String> {
            let start = Start { on_demand, ..start("/k") };
            files(&site, start).unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(false), [UNIT]);
        assert_eq!(names(true)[1..], SOCKETS);
        let sockets = files(&site, Start { on_demand: true, ..start("/k") }).unwrap();
        for ((_, text), name) in sockets[1..].iter().zip(["stream", "json", "control"]) {
            assert!(text.contains(&format!("\nListenStream=%t/kymo/{name}.sock\n")), "{text}");
            assert!(text.contains(&format!("\nFileDescriptorName={name}\n")), "{text}");
            assert!(text.starts_with(&format!("# {MARK}\n[Unit]")), "{text}");
        }
    }

    #[test]
    fn property_lists_name_this_machine() {
        let config = Some(Path::new("/c<d.toml"));
        let agent = Start { config, ..start("/opt/k/kymod") };
        let agent = text(Manager::Launchd, Scope::User, agent);
        assert!(agent.contains("<string>/opt/k/kymod</string>\n\t\t<string>--config</string>"));
        assert!(agent.contains("<string>/c&lt;d.toml</string>"), "{agent}");
        assert!(agent.contains("<string>/home/a&amp;b/.cache/kymo/run/json.sock</string>"));
        assert!(!agent.contains("/Users/YOU") && !agent.contains("by hand"), "{agent}");
        assert_eq!(agent.matches(MARK).count(), 1);
        let daemon = text(Manager::Launchd, Scope::System, start("/opt/k/kymod"));
        assert!(!daemon.contains("Sockets") && daemon.contains("RunAtLoad"), "{daemon}");
    }
}
