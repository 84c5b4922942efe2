#![deny(unsafe_code)]
//! kymod: the kymo library in a `main`.
//!
//! Exit codes: 0 stopped, 1 failed, 2 usage, 75 another one serves the directory, 77 no permission,
//! 78 a setting can't be used.

mod args;
mod descriptors;
mod heap;
mod log;
mod sandbox;
// Where the library is linked in with the file, it would be there twice.
#[cfg(all(panic = "abort", target_env = "gnu", not(target_feature = "crt-static")))]
mod unwind;

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use args::{Args, Command};
use kymo::journal::Origin;
use kymo::limits::RECORDER_PATH_MAX;
use kymo::{
    Config, ConfigFile, ConfigFileError, JournalSettings, Message, Reactor, Report, StartError,
    place,
};
use kymo_platform::{
    Extras, Notify, Roots, Signal, Signals, activation, check_smc_keys, clock, let_start_go,
    let_writes_fail, share_heap, this_machine, this_machine_processes, this_machine_sources_with,
};

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const RUNNING: u8 = 75;
const PERMISSION: u8 = 77;
const SETTING: u8 = 78;

type RecordingsPath = heapless::String<RECORDER_PATH_MAX>;

fn main() -> ExitCode {
    match args::parse() {
        Ok(Command::Run(args)) => match if args.is_check { check(&args) } else { run(&args) } {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                log::error(&failure.text);
                ExitCode::from(failure.code)
            }
        },
        Ok(Command::Say(text)) => {
            // Nobody may be listening, as in `kymod --help | head -1`.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(text) => {
            log::error(&text);
            ExitCode::from(USAGE)
        }
    }
}

/// Why kymod ends, and with which code.
#[derive(Debug)]
struct Failure {
    code: u8,
    text: String,
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Config(_) | StartError::Listener { .. } | StartError::Directory { .. } => {
                SETTING
            }
            StartError::Running { .. } => RUNNING,
            StartError::System { error, .. } => match error.kind() {
                ErrorKind::PermissionDenied => PERMISSION,
                // A journal that other settings have made.
                ErrorKind::InvalidData => SETTING,
                _ => FAILED,
            },
        };
        Self { code, text: error.to_string() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { code: FAILED, text: error.to_string() }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    // Before anything else: a signal that comes early is to find its way as well.
    let wanted = [Signal::Terminate, Signal::Interrupt, Signal::HangUp, Signal::User1];
    let signals = Signals::new(&wanted)?;
    // The journal's writes are told that they fail; they do not end the daemon.
    let_writes_fail()?;
    share_heap();
    let mut file = settings_file(args)?;
    let mut config = configure(args, file.as_mut())?;
    let named = settle(&mut config, args)?;
    let sockets = activation::from_env()
        .map_err(|error| Failure { code: SETTING, text: error.to_string() })?;
    descriptors::make_room(config.limits.clients)?;
    let smc_keys = config.sensors.smc_keys.as_deref().map(PathBuf::from);
    let roots = Roots { proc: args.proc_root.clone(), sys: args.sys_root.clone(), smc_keys };
    // A machine without procfs or sysfs is one; a misspelt folder is none.
    let usual = Roots::default();
    for (root, usual) in [(&roots.proc, usual.proc), (&roots.sys, usual.sys)] {
        if *root != usual && !root.is_dir() {
            let text = format!("{}: there is no such folder", root.display());
            return Err(Failure { code: SETTING, text });
        }
    }
    let notify = Arc::new(Notify::from_env());
    let mut closed = Err("");
    let confine =
        || closed = sandbox::close_files(&config, &roots, args.config.as_deref(), &notify);
    let mut reactor = Reactor::confined(&config, this_machine(&roots), sockets, confine)?;
    let extras = Extras { alarms: config.sensors.alarms, harmful: config.sensors.harmful };
    reactor.read_sources(this_machine_sources_with(&roots, extras))?;
    if let Some(processes) = this_machine_processes(&roots) {
        reactor.read_processes(processes);
    }
    reactor.start_recorders()?;
    reactor.watch_signals(signals)?;
    let manager = Arc::clone(&notify);
    let mut bound = log::Bound::default();
    reactor.on_report(move |report| {
        match report {
            Report::Stopping(_) => drop(manager.stopping()),
            Report::Reloading => drop(manager.reloading(clock::mono_ns() / 1000)),
            Report::Reloaded | Report::NotReloaded(_) => drop(manager.ready()),
            _ => {}
        }
        let is_last = matches!(report, Report::Stopping(_));
        bound.note(clock::mono_ns(), is_last, format_args!("{report}"));
    });
    tell_damage(&reactor);
    let options = (args.rate_mhz, args.clients);
    let state = config.journal.clone();
    let recordings = place_of_recordings(args);
    // The reader's memory stays until the end.
    reactor.on_reload(move |config| {
        reload(config, file.as_mut(), options, (named, state.as_ref()))?;
        place_recordings(config, recordings.as_ref())
    });
    // Every thread is there.
    reactor.tell_sandbox(sandbox::close_calls(&config, closed));
    if let Some(directory) = &config.directory {
        notify.status(&format!("serves {}", directory.display()));
        // A reader that is gone is no reason to stop.
        let _ = writeln!(io::stdout(), "ready {}", directory.display());
    }
    notify.ready();
    reactor.count_allocations(heap::allocations);
    let lost = |error| Failure { code: FAILED, text: format!("the loop can't go on: {error}") };
    serve(&mut reactor, &notify).map_err(lost)
}

/// Says what a start found damaged in the journal, or lost.
fn tell_damage(reactor: &Reactor) {
    let Some(found) = reactor.hub().recovery() else { return };
    let is_whole = matches!(found.origin, Origin::New | Origin::Continued);
    if !is_whole || found.segments_damaged + found.segments_lost > 0 || found.missing > 0 {
        log::note(format_args!("{found}"));
    }
}

/// Runs until stopped. The manager's watchdog is told from the loop itself, so that a loop that
/// hangs is found out; only then does the loop wake up with nobody watching.
///
/// A function of its own, because nothing of a start is to run after its code was let go.
#[inline(never)]
fn serve(reactor: &mut Reactor, notify: &Notify) -> io::Result<()> {
    // It only saves memory.
    let _ = let_start_go();
    heap::start_is_done();
    let Some(interval) = notify.watchdog_interval() else { return reactor.run() };
    let period_ns = u64::try_from(interval.as_nanos() / 2).unwrap_or(u64::MAX);
    let mut due_ns = 0;
    while !reactor.is_done() {
        let now_ns = clock::mono_ns();
        if now_ns >= due_ns {
            // A word that was lost is said again before the manager misses it.
            let pause_ns = if notify.watchdog() { period_ns } else { period_ns / 8 };
            due_ns = now_ns.saturating_add(pause_ns);
        }
        reactor.turn(Some(Duration::from_nanos(due_ns - now_ns)))?;
    }
    Ok(())
}

/// The file of settings, unread, if there is one.
fn settings_file(args: &Args) -> Result<Option<ConfigFile>, Failure> {
    let Some(path) = &args.config else { return Ok(None) };
    let file = ConfigFile::new(path);
    file.map(Some).map_err(|error| refused(path, &ConfigFileError::System(error)))
}

/// The settings of the command line and of the file.
fn configure(args: &Args, file: Option<&mut ConfigFile>) -> Result<Config, Failure> {
    let directory = args
        .directory
        .clone()
        .or_else(|| place::to_serve(|name| std::env::var_os(name), is_root()));
    // Settings can be checked wherever they will be served.
    let directory = directory.or_else(|| args.is_check.then(|| ".".into()));
    let Some(directory) = directory else {
        let text = "no place for the sockets: name one with --dir".into();
        return Err(Failure { code: SETTING, text });
    };
    let mut config = Config::in_directory(directory);
    config.journal = Some(JournalSettings::default());
    // Other programs' threads are no concern of the daemon's.
    config.inbox = None;
    if let Some(file) = file {
        file.read(&mut config).map_err(|error| refused(file.path(), &error))?;
    }
    override_settings(&mut config, (args.rate_mhz, args.clients));
    Ok(config)
}

/// The settings as they are read while the daemon runs.
fn reload(
    config: &mut Config,
    file: Option<&mut ConfigFile>,
    options: (Option<u32>, Option<u32>),
    (named, state): (Named, Option<&JournalSettings>),
) -> Result<(), Message> {
    config.reset();
    config.journal = Some(JournalSettings::default());
    if let Some(file) = file {
        let outcome = file.read(config);
        let path = file.path().display();
        outcome.map_err(|error| match &error {
            ConfigFileError::Toml(error) => Message::new(format_args!("{path}:{error}")),
            error => Message::new(format_args!("{path}: {error}")),
        })?;
    }
    override_settings(config, options);
    if let (Some(journal), Some(state)) = (&mut config.journal, state)
        && match named {
            Named::ByOption => true,
            Named::InFile => false,
            Named::Nowhere => journal.path.is_none(),
        }
    {
        // Nothing says otherwise than at the start.
        journal.path.clone_from(&state.path);
    }
    Ok(())
}

/// Who said at the start where the journal is.
#[derive(Clone, Copy, Debug)]
enum Named {
    ByOption,
    InFile,
    Nowhere,
}

/// Settles where the journal is and checks that a start can use it all.
fn settle(config: &mut Config, args: &Args) -> Result<Named, Failure> {
    let named = place_journal(config, args)?;
    place_recordings(config, place_of_recordings(args).as_ref())
        .map_err(|text| Failure { code: SETTING, text: text.to_string() })?;
    config.check().map_err(StartError::from)?;
    if let Some(path) = config.sensors.smc_keys.as_deref() {
        check_smc_keys(Path::new(path)).map_err(|text| Failure { code: SETTING, text })?;
    }
    Ok(named)
}

/// Settles where the journal is: the command line holds against the file, and both against the
/// rest.
fn place_journal(config: &mut Config, args: &Args) -> Result<Named, Failure> {
    let Some(journal) = &mut config.journal else { return Ok(Named::Nowhere) };
    let (named, path) = match &args.state {
        Some(path) => (Named::ByOption, Some(path.clone())),
        // Kept as it is, which is how a reload finds it again.
        None if journal.path.is_some() => return Ok(Named::InFile),
        None => {
            let (is_root, given) = (is_root(), args.directory.as_deref());
            (Named::Nowhere, place::of_state(|name| std::env::var_os(name), is_root, given))
        }
    };
    let fail = |text: &str| Err(Failure { code: SETTING, text: text.into() });
    let Some(path) = path else {
        return fail(
            "no place for the journal: name one with --state, or set journal.enabled = false",
        );
    };
    let Ok(path) = std::path::absolute(path) else { return fail("--state is empty") };
    match path.to_str().and_then(|path| path.try_into().ok()) {
        Some(path) => journal.path = Some(path),
        None => return fail("the journal's path is too long, or not UTF-8"),
    }
    Ok(named)
}

/// Where recordings are that the file names no place for: beside the journal.
fn place_of_recordings(args: &Args) -> Option<RecordingsPath> {
    let (is_root, given) = (is_root(), args.directory.as_deref());
    let state = args.state.clone();
    let state = state.or_else(|| place::of_state(|name| std::env::var_os(name), is_root, given));
    // What is given as a whole has the journal as one of its folders.
    let inner = given.filter(|given| state.as_deref() == Some(&given.join("journal")));
    let path = inner.map(Path::to_path_buf).or(state)?.join("recordings");
    let path = std::path::absolute(path).ok()?;
    path.to_str()?.try_into().ok()
}

/// Settles where recordings are. Allocates nothing.
fn place_recordings(config: &mut Config, usual: Option<&RecordingsPath>) -> Result<(), Message> {
    for recorder in config.recorders.iter_mut().filter(|recorder| recorder.path.is_none()) {
        let name = &recorder.name;
        let text = format_args!("recorder {name}: no place for its files; set its path");
        recorder.path = Some(usual.ok_or_else(|| Message::new(text))?.clone());
    }
    Ok(())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// What the command line says of the rate and of the clients holds against the file.
fn override_settings(config: &mut Config, (rate_mhz, clients): (Option<u32>, Option<u32>)) {
    config.rate_mhz = rate_mhz.unwrap_or(config.rate_mhz);
    config.limits.clients = clients.unwrap_or(config.limits.clients);
}

/// Why a file of settings can't be used.
fn refused(path: &Path, error: &ConfigFileError) -> Failure {
    let path = path.display();
    match error {
        ConfigFileError::Toml(error) => Failure { code: SETTING, text: format!("{path}:{error}") },
        ConfigFileError::System(system) if system.kind() == ErrorKind::PermissionDenied => {
            Failure { code: PERMISSION, text: format!("{path}: {error}") }
        }
        _ => Failure { code: SETTING, text: format!("{path}: {error}") },
    }
}

/// Reads the settings as a start would, and says that they can be used.
fn check(args: &Args) -> Result<(), Failure> {
    let mut config = configure(args, settings_file(args)?.as_mut())?;
    settle(&mut config, args)?;
    config.access.group_id().map_err(StartError::from)?;
    let what = args.config.as_deref().unwrap_or(Path::new("settings"));
    // Nobody may be listening.
    let _ = writeln!(io::stdout(), "{}: ok", what.display());
    Ok(())
}
