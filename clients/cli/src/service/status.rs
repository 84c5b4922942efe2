//! What a service manager says of kymod.

use std::path::{Path, PathBuf};

use kymo_platform::Manager;

use super::call::{call, said};
use super::plan::{Found, found};
use super::site::{LABEL, SOCKETS, Site, UNIT};
use super::text::program_of;
use crate::args::Scope;
use crate::failure::Failure;
use crate::value::Value;

const PROPERTIES: &str = "--property=LoadState,UnitFileState,ActiveState,SubState,MainPID,\
    FragmentPath,Result,ExecMainStatus";

/// How a service is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The file that tells of it.
    pub file: Option<PathBuf>,
    /// Whether it is started with its manager: the manager's word.
    pub enabled: Option<String>,
    /// Whether it runs: the manager's words.
    pub state: Option<String>,
    /// The process.
    pub pid: Option<u32>,
    /// How it ended, if not well.
    pub failure: Option<String>,
    /// Whether it runs.
    pub is_active: bool,
    /// Whether its first client starts it.
    pub is_on_demand: bool,
}

/// Asks the manager.
///
/// # Errors
///
/// When it does not answer.
pub fn state(site: &Site) -> Result<State, Failure> {
    if site.manager == Manager::Launchd {
        let words = ["launchctl", "print", &format!("{}/{LABEL}", site.domain())];
        let output = call(&words.map(ToString::to_string))?;
        let file = site.file();
        let mut state = of_launchd(&String::from_utf8_lossy(&output.stdout));
        state.file = file.is_file().then_some(file);
        state.is_on_demand = output.status.success() && site.scope == Scope::User;
        return Ok(state);
    }
    let output = call(&site.systemctl(&["show", PROPERTIES, UNIT]))?;
    if !output.status.success() {
        return Err(super::unreachable(site, &said(&output)));
    }
    let mut state = of_systemd(&String::from_utf8_lossy(&output.stdout));
    if site.scope == Scope::User {
        let sockets =
            call(&site.systemctl(&[&["is-active", "--quiet"][..], &SOCKETS[..1]].concat()))?;
        state.is_on_demand = sockets.status.success();
    }
    Ok(state)
}

/// What the properties of `systemctl show` say.
fn of_systemd(text: &str) -> State {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.filter(|value| !value.is_empty()).map(String::from)
    };
    let active = value("ActiveState");
    let state = match (&active, value("SubState")) {
        (Some(active), Some(sub)) if *active != sub => Some(format!("{active} ({sub})")),
        (active, _) => active.clone(),
    };
    let result = value("Result").filter(|result| result != "success");
    let code = value("ExecMainStatus").filter(|code| code != "0");
    State {
        file: value("FragmentPath").map(PathBuf::from),
        enabled: value("UnitFileState"),
        state,
        pid: value("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid != 0),
        failure: result
            .map(|result| code.map_or(result.clone(), |code| format!("{result} {code}"))),
        is_active: active.is_some_and(|active| ["active", "reloading"].contains(&active.as_str())),
        is_on_demand: false,
    }
}

/// What `launchctl print` says, which is no interface: what it does not say is not known.
fn of_launchd(text: &str) -> State {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(" = "));
        line.map(String::from)
    };
    let state = value("state");
    State {
        is_active: state.as_deref() == Some("running"),
        pid: value("pid").and_then(|pid| pid.parse().ok()),
        failure: value("last exit code").filter(|code| !["0", "(never exited)"].contains(&&**code)),
        state,
        ..State::default()
    }
}

/// It as an object. `told` shortens a path, where somebody else reads it.
pub fn value(site: &Site, state: &State, told: impl Fn(&Path) -> String) -> Value {
    let text = |text: &Option<String>| Value::maybe(text.clone().map(Value::text));
    let file = state.file.as_deref();
    let unit = file.and_then(|file| std::fs::read_to_string(file).ok());
    let program = unit.as_deref().and_then(|unit| match site.manager {
        Manager::Systemd => program_of(unit),
        Manager::Launchd => unit.split("<string>").nth(2)?.split('<').next(),
    });
    let by = file.map(|file| match found(file) {
        Found::Ours(_) => "kymo",
        _ => "others",
    });
    let manager = match site.manager {
        Manager::Systemd => "systemd",
        Manager::Launchd => "launchd",
    };
    let scope = if site.scope == Scope::User { "user" } else { "system" };
    Value::object([
        ("manager", Value::text(manager)),
        ("scope", Value::text(scope)),
        ("runs", Value::truth(state.is_active)),
        ("state", text(&state.state)),
        ("pid", Value::maybe(state.pid.map(Value::plain))),
        ("enabled", text(&state.enabled)),
        ("on_demand", Value::truth(state.is_on_demand)),
        ("failure", text(&state.failure)),
        ("file", Value::maybe(file.map(|file| Value::text(told(file))))),
        ("written_by", Value::maybe(by.map(Value::text))),
        ("program", Value::maybe(program.map(|program| Value::text(told(Path::new(program)))))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_is_understood() {
        let running = "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=42\n\
            FragmentPath=/u/kymod.service\nUnitFileState=enabled\nResult=success\n\
            ExecMainStatus=0\n";
        let state = of_systemd(running);
        assert!(state.is_active && state.failure.is_none());
        assert_eq!(state.state.as_deref(), Some("active (running)"));
        assert_eq!((state.pid, state.enabled.as_deref()), (Some(42), Some("enabled")));
        let failed = "ActiveState=failed\nSubState=failed\nMainPID=0\nResult=exit-code\n\
            ExecMainStatus=78\nFragmentPath=\nUnitFileState=\n";
        let state = of_systemd(failed);
        assert!(!state.is_active && state.pid.is_none() && state.file.is_none());
        assert_eq!(state.state.as_deref(), Some("failed"));
        assert_eq!(state.failure.as_deref(), Some("exit-code 78"));
    }

    #[test]
    fn launchd_is_understood() {
        let text = "gui/501/org.kymo.kymod = {\n\tactive count = 1\n\tstate = running\n\n\
            \tpid = 731\n\tlast exit code = (never exited)\n}\n";
        let state = of_launchd(text);
        assert_eq!((state.is_active, state.pid, state.failure), (true, Some(731), None));
        let state = of_launchd("\tstate = not running\n\tlast exit code = 78\n");
        assert_eq!((state.is_active, state.failure.as_deref()), (false, Some("78")));
        assert_eq!(of_launchd(""), State::default());
    }
}
