#![forbid(unsafe_code)]
//! kymod: the kymo library in a `main`.
//!
//! Exit codes: 0 stopped, 1 failed, 2 usage, 75 another one serves the directory, 77 no permission,
//! 78 a setting can't be used.

mod args;
mod log;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use args::{Args, Command};
use kymo::{Config, Reactor, StartError, limits, place};
use kymo_platform::{Roots, Signal, Signals, this_machine};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const RUNNING: u8 = 75;
const PERMISSION: u8 = 77;
const SETTING: u8 = 78;

fn main() -> ExitCode {
    match args::parse() {
        Ok(Command::Run(args)) => match run(&args) {
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
    let config = configure(args)?;
    raise_descriptor_limit(config.limits.clients)?;
    let roots = Roots { proc: args.proc_root.clone(), sys: args.sys_root.clone() };
    let mut reactor = Reactor::new(&config, this_machine(&roots))?;
    reactor.watch_signals(signals)?;
    reactor.on_report(|report| log::note(format_args!("{report}")));
    if let Some(directory) = &config.directory {
        // A reader that is gone is no reason to stop.
        let _ = writeln!(io::stdout(), "ready {}", directory.display());
    }
    reactor.run()?;
    Ok(())
}

fn configure(args: &Args) -> Result<Config, Failure> {
    let is_root = nix::unistd::geteuid().is_root();
    let directory =
        args.directory.clone().or_else(|| place::to_serve(|name| std::env::var_os(name), is_root));
    let Some(directory) = directory else {
        let text = "no place for the sockets: name one with --dir".into();
        return Err(Failure { code: SETTING, text });
    };
    let mut config = Config::in_directory(directory);
    if let Some(path) = &args.config {
        let text = std::fs::read_to_string(path).map_err(|error| Failure {
            code: if error.kind() == ErrorKind::PermissionDenied { PERMISSION } else { SETTING },
            text: format!("{}: {error}", path.display()),
        })?;
        config.read_toml(&text).map_err(|error| Failure {
            code: SETTING,
            text: format!("{}:{error}", path.display()),
        })?;
    }
    config.rate_mhz = args.rate_mhz.unwrap_or(config.rate_mhz);
    config.limits.clients = args.clients.unwrap_or(config.limits.clients);
    config.check().map_err(StartError::from)?;
    Ok(config)
}

/// Makes room for one descriptor per client, within what the system's administrator allows.
fn raise_descriptor_limit(clients: u32) -> Result<(), Failure> {
    let needed = u64::from(clients) + limits::DESCRIPTORS_RESERVED;
    let system = |errno: nix::Error| Failure::from(io::Error::from(errno));
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(system)?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        let text = format!(
            "{clients} clients need {needed} file descriptors and the hard limit is {hard}: lower \
             limits.clients (--clients) or raise the limit (RLIMIT_NOFILE, ulimit -Hn)"
        );
        return Err(Failure { code: SETTING, text });
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(system)
}
