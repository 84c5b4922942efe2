//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use kymo::parse_rate;
use lexopt::{Arg, Parser, ValueExt};

const HELP: &str = "\
kymod: streams vitals and events to local user interfaces

usage: kymod [options]

  --dir D        directory of the sockets (default: $KYMO_DIR,
                 $XDG_RUNTIME_DIR/kymo, /run/kymo for root, ~/.cache/kymo/run)
  --state DIR    directory of the journal (default: $KYMO_STATE,
                 $STATE_DIRECTORY, D/journal if --dir names D, else
                 $XDG_STATE_HOME/kymo, /var/lib/kymo for root)
  --rate HZ      rate of subscribers that name none, 0.1 to 1000 (default 25)
  --clients N    connections held at once, 1 to 16384 (default 256)
  --config FILE  settings in TOML: listeners, limits, journal, sensors, access
  --check-config read the settings, say `FILE: ok` or what is wrong, and end
  --proc ROOT    where procfs is (default /proc)
  --sys ROOT     where sysfs is (default /sys)
  --version      print the version
  --help         print this

Stays in the foreground, prints `ready D`, logs to standard error. SIGTERM or
SIGINT stops it, SIGHUP reads the settings again, SIGUSR1 logs its counters.

example: kymod --dir /tmp/k, and elsewhere nc -U /tmp/k/json.sock
";

/// What was asked for.
#[derive(Debug)]
pub enum Command {
    /// Serve.
    Run(Args),
    /// Print this and end.
    Say(String),
}

/// Settings of the command line; they go before those of a file.
#[derive(Debug)]
pub struct Args {
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--state`
    pub state: Option<PathBuf>,
    /// `--rate`, in thousandths of a hertz
    pub rate_mhz: Option<u32>,
    /// `--clients`
    pub clients: Option<u32>,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--check-config`
    pub is_check: bool,
    /// `--proc`
    pub proc_root: PathBuf,
    /// `--sys`
    pub sys_root: PathBuf,
}

/// Reads the command line.
pub fn parse() -> Result<Command, String> {
    parse_from(std::env::args_os()).map_err(|error| format!("{error}; see kymod --help"))
}

fn parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = Parser::from_iter(args);
    let mut args = Args {
        directory: None,
        state: None,
        rate_mhz: None,
        clients: None,
        config: None,
        is_check: false,
        proc_root: "/proc".into(),
        sys_root: "/sys".into(),
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => args.directory = Some(place(parser.value()?)?),
            Arg::Long("state") => args.state = Some(place(parser.value()?)?),
            Arg::Long("rate") => args.rate_mhz = Some(parser.value()?.parse_with(parse_rate)?),
            Arg::Long("clients") => args.clients = Some(parser.value()?.parse_with(clients)?),
            Arg::Long("config") => args.config = Some(parser.value()?.into()),
            Arg::Long("check-config") => args.is_check = true,
            Arg::Long("proc") => args.proc_root = parser.value()?.into(),
            Arg::Long("sys") => args.sys_root = parser.value()?.into(),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            Arg::Long("version") | Arg::Short('V') => {
                return Ok(Command::Say(format!("kymod {}\n", env!("CARGO_PKG_VERSION"))));
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Run(args))
}

fn clients(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("--clients takes 1 to {}", kymo::limits::CLIENTS_MAX))
}

/// A directory; an empty one is a variable that was not set.
fn place(name: OsString) -> Result<PathBuf, lexopt::Error> {
    if name.is_empty() { Err("a directory's name is empty".into()) } else { Ok(name.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, String> {
        let words = std::iter::once("kymod").chain(line.split_whitespace());
        match parse_from(words.map(OsString::from)) {
            Ok(Command::Run(args)) => Ok(args),
            Ok(Command::Say(text)) => Err(text),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn options_are_understood() {
        let args = parsed("--dir /d --rate 12.5 --clients=9 --proc /p --sys=/s").unwrap();
        assert_eq!(args.directory, Some("/d".into()));
        assert_eq!((args.rate_mhz, args.clients), (Some(12_500), Some(9)));
        assert!(!args.is_check && parsed("--check-config").unwrap().is_check);
        assert_eq!((args.proc_root, args.sys_root), ("/p".into(), "/s".into()));
    }

    #[test]
    fn mistakes_name_the_option() {
        assert!(parsed("--rate 0").unwrap_err().contains("0.1 to 1000"));
        assert!(parsed("--rate nan").unwrap_err().contains("not a number"));
        assert!(parsed("--clients -1").unwrap_err().contains("-1"));
        assert!(parsed("--clients abc").unwrap_err().contains("--clients takes 1 to 16384"));
        assert!(parsed("--bogus").unwrap_err().contains("--bogus"));
        assert!(parsed("--dir").unwrap_err().contains("--dir"));
        assert!(parsed("word").unwrap_err().contains("word"));
        assert!(parsed("--version").unwrap_err().starts_with("kymod "));
    }

    #[test]
    fn help_fits_a_screen() {
        assert!(HELP.lines().count() <= 24 && HELP.lines().all(|line| line.len() <= 80));
    }
}
