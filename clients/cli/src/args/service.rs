//! Options of `kymo service`.

use std::path::PathBuf;

use lexopt::{Arg, Error, Parser};

use super::Command;

const HELP: &str = "\
kymo service: have systemd or launchd keep kymod running

usage: kymo service install|uninstall|status [options]

  install       write a unit for this kymod, enable and start it
  uninstall     stop it, and remove what install wrote; settings, journals stay
  status        what the service manager says of it

  --user        the user's manager (default, but for root)
  --system      the system's; its kymod serves root, and read_group
  --on-demand   install: started by the first client (systemd, --user)
  --config F    install: kymod's settings
  --kymod P     install: this program (default: the kymod beside kymo)
  --dry-run     print what would be done
  --json        status: one JSON object

exit codes: also 69 if status finds that it does not run, or no manager answers

example: kymo service install --user --dry-run
";

/// What is to be done about the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Have it run, now and from now on.
    Install,
    /// Have it run no more.
    Uninstall,
    /// Tell how it is.
    Status,
}

/// Whose service manager is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// That of this user.
    User,
    /// That of the system.
    System,
}

/// Options of `kymo service`.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// install, uninstall or status
    pub verb: Verb,
    /// `--user` or `--system`
    pub scope: Option<Scope>,
    /// `--on-demand`
    pub on_demand: bool,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--kymod`
    pub program: Option<PathBuf>,
    /// `--dry-run`
    pub dry_run: bool,
    /// `--json`
    pub json: bool,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let (mut verb, mut scope) = (None, None);
    let (mut on_demand, mut dry_run, mut json) = (false, false, false);
    let (mut config, mut program) = (None, None);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(word) if verb.is_none() => verb = Some(verb_of(&word.to_string_lossy())?),
            Arg::Long("user") if scope != Some(Scope::System) => scope = Some(Scope::User),
            Arg::Long("system") if scope != Some(Scope::User) => scope = Some(Scope::System),
            Arg::Long("user" | "system") => return Err("--user or --system?".into()),
            Arg::Long("on-demand") => on_demand = true,
            Arg::Long("config") => config = Some(parser.value()?.into()),
            Arg::Long("kymod") => program = Some(parser.value()?.into()),
            Arg::Long("dry-run") => dry_run = true,
            Arg::Long("json") => json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    let verb = verb.ok_or("install, uninstall or status?")?;
    let installs = on_demand || config.is_some() || program.is_some();
    if installs && verb != Verb::Install {
        return Err("--on-demand, --config and --kymod belong to install".into());
    }
    if json && verb != Verb::Status {
        return Err("--json belongs to status".into());
    }
    if dry_run && verb == Verb::Status {
        return Err("--dry-run: status does nothing".into());
    }
    Ok(Command::Service(Service { verb, scope, on_demand, config, program, dry_run, json }))
}

fn verb_of(word: &str) -> Result<Verb, Error> {
    match word {
        "install" => Ok(Verb::Install),
        "uninstall" => Ok(Verb::Uninstall),
        "status" => Ok(Verb::Status),
        other => Err(format!("install, uninstall or status, not {other:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let service = |line: &str| match parsed(line) {
            Ok(Command::Service(service)) => service,
            other => panic!("{other:?}"),
        };
        let plain = Service {
            verb: Verb::Install,
            scope: None,
            on_demand: false,
            config: None,
            program: None,
            dry_run: false,
            json: false,
        };
        assert_eq!(service("service install"), plain);
        let line = "service install --user --on-demand --config /c --kymod /k --dry-run";
        let full = Service {
            scope: Some(Scope::User),
            on_demand: true,
            config: Some("/c".into()),
            program: Some("/k".into()),
            dry_run: true,
            ..plain
        };
        assert_eq!(service(line), full);
        let status = service("service --system status --json");
        assert_eq!((status.verb, status.scope), (Verb::Status, Some(Scope::System)));
        assert!(status.json);
        assert_eq!(service("service uninstall").verb, Verb::Uninstall);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, expected) in [
            ("service", "install, uninstall or status?"),
            ("service start", "not \"start\""),
            ("service install status", "status"),
            ("service install --user --system", "--user or --system?"),
            ("service status --on-demand", "belong to install"),
            ("service uninstall --config f", "belong to install"),
            ("service install --json", "--json belongs to status"),
            ("service status --dry-run", "status does nothing"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(expected) && error.contains("--help"), "{line}: {error}");
        }
    }
}
