//! `kymo service`: kymod as a service of systemd or launchd.
//!
//! Guarantees: what is written is marked, and nothing else is ever overwritten or removed; doing
//! the same again changes nothing; where no manager answers, nothing is written, and a dry run says
//! that it would not be.

mod call;
mod plan;
mod program;
mod report;
mod site;
mod status;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use kymo_platform::Manager;

use crate::args::{Scope, Service, Verb};
use crate::failure::{DENIED, Failure, UNREACHABLE, USAGE};
use crate::say;
use crate::table::table;
use crate::tell as warn;
use plan::{Found, Step, found};
pub use report::report;
use site::Site;
use text::{Start, program_of};

/// Does what was asked for.
///
/// # Errors
///
/// Why it can't be, and what can be done about it.
pub fn service(options: &Service) -> Result<(), Failure> {
    let site = Site::here(options.scope)?;
    match options.verb {
        Verb::Install => install(options, &site),
        Verb::Uninstall => uninstall(options, &site),
        Verb::Status => tell(options, &site),
    }
}

fn install(options: &Service, site: &Site) -> Result<(), Failure> {
    if options.on_demand && site.scope == Scope::System {
        let text = "--on-demand is for --user: the system's kymod makes its directory itself, and \
                    sleeps while nobody is connected";
        return Err(Failure { code: USAGE, text: text.into() });
    }
    let program = program::kymod(options.program.as_deref())?;
    let kymo = program::own()?;
    for path in [&program, &kymo] {
        program::check(path, site.scope)?;
    }
    let config = options.config.as_deref().map(|path| settings(&program, path)).transpose()?;
    let config = config.as_deref();
    let start = Start { program: &program, kymo: &kymo, config, on_demand: options.on_demand };
    let files = match site.packaged_file() {
        Some(file) if config.is_none() && starts(&file, &program) && !site.file().exists() => {
            Vec::new()
        }
        _ => text::files(site, start)?,
    };
    for (name, _) in &files {
        let path = site.directory.join(name);
        if found(&path) == Found::Others {
            let text = format!(
                "{}: kymo did not write it, and leaves it; remove it first",
                path.display()
            );
            return Err(Failure::new(text));
        }
    }
    carry_out(options, site, || plan::install(site, &files, options.on_demand))?;
    if options.dry_run {
        return Ok(());
    }
    say(match (site.manager, site.scope, options.on_demand) {
        (Manager::Systemd, Scope::User, false) => {
            "kymod runs while this user is logged in; `loginctl enable-linger` keeps it beyond\n"
        }
        (Manager::Systemd, Scope::User, true) | (Manager::Launchd, Scope::User, _) => {
            "the first who connects starts kymod\n"
        }
        (_, Scope::System, _) => {
            "kymod runs, for root; kymo.toml(5) says how a read_group may connect\n"
        }
    })
}

fn uninstall(options: &Service, site: &Site) -> Result<(), Failure> {
    if plan::uninstall(site).is_empty() {
        return say("there is no service of kymo's to remove\n");
    }
    carry_out(options, site, || plan::uninstall(site))
}

/// Prints the steps, and takes each behind its line.
fn carry_out(
    options: &Service,
    site: &Site,
    steps: impl FnOnce() -> Vec<Step>,
) -> Result<(), Failure> {
    if options.dry_run {
        steps().iter().try_for_each(|step| say(&format!("{step}\n")))?;
        if let Err(failure) = reach(site) {
            warn(format_args!("none of this can be done now: {}", failure.text));
        }
        return Ok(());
    }
    if site.scope == Scope::System && site.uid != 0 {
        let text = "the system's services are root's: sudo kymo service …, or use --user";
        return Err(Failure { code: DENIED, text: text.into() });
    }
    reach(site)?;
    for step in steps() {
        if matches!(&step, Step::Directory(path) if path.is_dir()) {
            continue;
        }
        let line = step.to_string();
        say(&format!("{}\n", line.lines().next().unwrap_or_default()))?;
        call::take(&step, site)?;
    }
    Ok(())
}

/// Whether the manager answers.
fn reach(site: &Site) -> Result<(), Failure> {
    let words = match site.manager {
        Manager::Systemd => site.systemctl(&["show", "--property=Version"]),
        Manager::Launchd => ["launchctl", "print", &site.domain()].map(ToString::to_string).into(),
    };
    let output = call::call(&words)?;
    if output.status.success() { Ok(()) } else { Err(unreachable(site, &call::said(&output))) }
}

/// What can be done where the manager does not answer.
fn unreachable(site: &Site, said: &str) -> Failure {
    let advice = match (site.manager, site.scope) {
        (Manager::Systemd, Scope::User) => format!(
            "a user's manager needs a login session (often none behind su and sudo, none in \
             containers); `loginctl enable-linger` starts it for good, \
             XDG_RUNTIME_DIR=/run/user/{} names it",
            site.uid
        ),
        (Manager::Systemd, Scope::System) => {
            "in a container, or where another program starts services, have that run `kymod`".into()
        }
        (Manager::Launchd, _) => {
            "a user's agents need that user's session at the screen; --system needs none".into()
        }
    };
    let name = if site.manager == Manager::Systemd { "systemd" } else { "launchd" };
    Failure { code: UNREACHABLE, text: format!("{name} does not answer ({said}): {advice}") }
}

/// Whether a package's unit starts this program, by whatever name.
fn starts(file: &Path, program: &Path) -> bool {
    let unit = fs::read_to_string(file).unwrap_or_default();
    let real = |path: &Path| fs::canonicalize(path).ok();
    program_of(&unit).is_some_and(|named| {
        real(program).is_some_and(|program| real(Path::new(named)) == Some(program))
    })
}

/// The settings by a name that holds everywhere, if kymod can use them.
fn settings(program: &Path, path: &Path) -> Result<PathBuf, Failure> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let words =
        [program.as_os_str(), "--check-config".as_ref(), "--config".as_ref(), path.as_ref()];
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let output = call::call(&words)?;
    if output.status.success() {
        return Ok(path);
    }
    let code = output.status.code().and_then(|code| u8::try_from(code).ok());
    Err(Failure { code: code.unwrap_or(crate::failure::FAILED), text: call::said(&output) })
}

fn tell(options: &Service, site: &Site) -> Result<(), Failure> {
    let state = status::state(site)?;
    let told = status::value(site, &state, |path| path.display().to_string());
    say(&if options.json { told.json() + "\n" } else { table(&told, &[]) })?;
    if state.is_active || state.is_on_demand {
        return Ok(());
    }
    Err(Failure { code: UNREACHABLE, text: "it does not run as a service".into() })
}
