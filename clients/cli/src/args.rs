//! The command line.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;

use kymo::parse_rate;
use lexopt::{Arg, Parser, ValueExt};

const HELP: &str = "\
kymo: this machine's vitals on the command line

usage: kymo watch [options]

  watch      show the vitals as they come; see kymo watch --help
  --version  print the version
  --help     print this

example: kymo watch --json --count 1
";

const WATCH_HELP: &str = "\
kymo watch: the vitals as they come

usage: kymo watch [--dir D] [--json] [--rate HZ] [--count N]

  --dir D     ask the daemon in D and no other (default: $KYMO_DIR,
              $XDG_RUNTIME_DIR/kymo, ~/.cache/kymo/run, /run/kymo)
  --json      JSON Lines, as without a terminal
  --rate HZ   how often, 0.1 to 1000 (default: 5 on a terminal, else the
              daemon's rate)
  --count N   end after N frames or lines
  --help      print this

Without a daemon kymo samples in its own process, unless --dir names one.
A daemon that goes away is waited for.

example: kymo watch --json --rate 1 | grep -o '\"cpu_usage\":[^,]*'
";

/// What was asked for.
#[derive(Debug)]
pub enum Command {
    /// Show vitals.
    Watch(Watch),
    /// Print this and end.
    Say(String),
}

/// Options of `kymo watch`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
    /// `--rate`, in thousandths of a hertz
    pub rate_mhz: Option<u32>,
    /// `--count`
    pub count: Option<NonZeroU64>,
}

/// Reads the command line.
///
/// # Errors
///
/// What can't be understood, and where to look.
pub fn parse() -> Result<Command, String> {
    parse_from(std::env::args_os())
}

fn parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_iter(args);
    let failed = |error: lexopt::Error| format!("{error}; see kymo --help");
    match parser.next().map_err(failed)? {
        Some(Arg::Value(name)) if name == "watch" => {
            watch(&mut parser).map_err(|error| format!("{error}; see kymo watch --help"))
        }
        Some(Arg::Value(name)) if name == "help" => Ok(Command::Say(HELP.into())),
        Some(Arg::Value(name)) => Err(failed(format!("unknown command {name:?}").into())),
        Some(Arg::Long("help") | Arg::Short('h')) => Ok(Command::Say(HELP.into())),
        Some(Arg::Long("version") | Arg::Short('V')) => {
            Ok(Command::Say(format!("kymo {}\n", env!("CARGO_PKG_VERSION"))))
        }
        Some(arg) => Err(failed(arg.unexpected())),
        None => Err(failed("what shall it do?".into())),
    }
}

fn watch(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let mut options = Watch::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("rate") => options.rate_mhz = Some(parser.value()?.parse_with(parse_rate)?),
            Arg::Long("count") => options.count = Some(parser.value()?.parse_with(count)?),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(WATCH_HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Watch(options))
}

fn count(text: &str) -> Result<NonZeroU64, String> {
    text.parse().map_err(|_| "a count is a whole number from 1 on".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Watch, String> {
        let words = std::iter::once("kymo").chain(line.split_whitespace());
        match parse_from(words.map(OsString::from))? {
            Command::Watch(options) => Ok(options),
            Command::Say(text) => Err(text),
        }
    }

    #[test]
    fn options_are_understood() {
        assert_eq!(parsed("watch"), Ok(Watch::default()));
        let options = parsed("watch --dir /d --json --rate=12.5 --count 3").unwrap();
        let expected = Watch {
            directory: Some("/d".into()),
            json: true,
            rate_mhz: Some(12_500),
            count: NonZeroU64::new(3),
        };
        assert_eq!(options, expected);
        assert_eq!(parsed("watch --rate 0.1").unwrap().rate_mhz, Some(100));
        assert_eq!(parsed("watch --rate 1e3").unwrap().rate_mhz, Some(1_000_000));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, expected) in [
            ("", "what shall it do?"),
            ("wach", "unknown command \"wach\""),
            ("--json", "--json"),
            ("watch --rate 0", "0.1 to 1000"),
            ("watch --rate nan", "0.1 to 1000"),
            ("watch --rate 1001", "0.1 to 1000"),
            ("watch --rate fast", "not a number"),
            ("watch --rate", "--rate"),
            ("watch --count 0", "from 1 on"),
            ("watch --count -1", "from 1 on"),
            ("watch --json=yes", "--json"),
            ("watch --bogus", "--bogus"),
            ("watch word", "word"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(expected) && error.contains("--help"), "{line}: {error}");
        }
    }

    #[test]
    fn help_and_version_are_said() {
        assert_eq!(parsed("--help").unwrap_err(), HELP);
        assert_eq!(parsed("help").unwrap_err(), HELP);
        assert_eq!(parsed("watch -h").unwrap_err(), WATCH_HELP);
        assert!(parsed("--version").unwrap_err().starts_with("kymo 0."));
        for text in [HELP, WATCH_HELP] {
            assert!(text.lines().count() <= 24 && text.lines().all(|line| line.len() <= 80));
        }
    }
}
