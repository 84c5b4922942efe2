//! Options of `kymo top`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use kymo::parse_rate;
use kymo_client::{StreamId, Streams};
use kymo_top::{Symbols, THEMES};
use lexopt::{Arg, Error, Parser, ValueExt};

use super::ask::count;
use super::watch::Watch;
use super::{Command, dir_help};

const HELP: &str = concat!(
    "\
kymo top: this machine live, with graphs, sensors, processes and events

usage: kymo top [options]

  --rate HZ   how often values come, 0.1 to 1000 (default: 5); processes are
              looked at twice a second at most
  --symbols S braille, block or ascii (default: braille where the locale has
              UTF-8)
  --theme T   drum, paper, ember or ocean
  --color W   auto, always or never (default: auto, which asks NO_COLOR,
              CLICOLOR_FORCE, COLORTERM and TERM)
  --plain     a table of processes alone, without keys; as with --count
  --json      JSON Lines, as without a terminal: the frames of the daemon, up
              to 32 processes of each kind, with their ranks
  --count N   end after N frames of processes; the first one knows no shares
              of processors, unless somebody else watches already
",
    dir_help!(),
    "  --help      print this

Keys: q ends, ? tells the others. A word in the place of a number says why
there is none. A share is of one processor, and since the look before; memory
is what is resident, shared pages included. Without a daemon kymo samples in
its own process, unless --dir names one. One that goes away is waited for.

example: kymo top --count 2 --json | tail -1 | jq '.processes[] | [.name, .cpu]'
"
);

/// More would be noise: procfs counts processor time in hundredths of a second.
const PROCESS_RATE_MHZ_MAX: u32 = 2_000;

/// What a table of processes alone is asked for at.
const PROCESS_RATE_MHZ: u32 = 1_000;

/// Options of `kymo top`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
    /// `--plain`
    pub plain: bool,
    /// `--count`
    pub count: Option<NonZeroU64>,
    /// `--rate`, in thousandths of a hertz
    pub rate_mhz: Option<u32>,
    /// `--symbols`
    pub symbols: Option<Symbols>,
    /// `--theme`, as its place among [`THEMES`]
    pub theme: usize,
    /// `--color`
    pub color: Color,
}

/// Whether there are to be colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// As the environment says.
    #[default]
    Auto,
    /// Whatever it says.
    Always,
    /// None.
    Never,
}

impl Top {
    /// Whether it is to be the dashboard, if there is a terminal.
    pub fn is_dashboard(&self) -> bool {
        !self.json && !self.plain && self.count.is_none()
    }

    /// The same without a dashboard: processes alone.
    pub fn watch(&self) -> Watch {
        let rate_mhz = self.rate_mhz.unwrap_or(PROCESS_RATE_MHZ).min(PROCESS_RATE_MHZ_MAX);
        Watch {
            directory: self.directory.clone(),
            json: self.json,
            count: self.count,
            rate_mhz: Some(rate_mhz),
            streams: Streams::default().with(StreamId::PROCESSES),
            ..Watch::default()
        }
    }
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options = Top::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("plain") => options.plain = true,
            Arg::Long("rate") => options.rate_mhz = Some(parser.value()?.parse_with(parse_rate)?),
            Arg::Long("count") => options.count = Some(parser.value()?.parse_with(count)?),
            Arg::Long("symbols") => options.symbols = Some(parser.value()?.parse_with(symbols)?),
            Arg::Long("theme") => options.theme = parser.value()?.parse_with(theme)?,
            Arg::Long("color") => options.color = parser.value()?.parse_with(color)?,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    let is_too_fast = options.rate_mhz.is_some_and(|rate| rate > PROCESS_RATE_MHZ_MAX);
    if is_too_fast && !options.is_dashboard() {
        return Err("a rate of processes is 0.1 to 2".into());
    }
    Ok(Command::Top(options))
}

fn symbols(text: &str) -> Result<Symbols, String> {
    Symbols::from_name(text).ok_or_else(|| "symbols are braille, block or ascii".into())
}

fn theme(text: &str) -> Result<usize, String> {
    let place = THEMES.into_iter().position(|name| name == text);
    place.ok_or_else(|| format!("themes are {}", THEMES.join(", ")))
}

fn color(text: &str) -> Result<Color, String> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        _ => Err("colours are auto, always or never".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    fn top(line: &str) -> Top {
        match parsed(line) {
            Ok(Command::Top(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_are_understood() {
        let options = top("top --json --rate 0.5 --count 3 --dir /d").watch();
        assert_eq!((options.json, options.rate_mhz), (true, Some(500)));
        assert_eq!(options.count.map(u64::from), Some(3));
        assert!(options.streams.iter().eq([StreamId::PROCESSES]));
        assert_eq!(top("top").watch().rate_mhz, Some(1000));
        assert_eq!(top("top --rate 1000").watch().rate_mhz, Some(2000), "where it is no terminal");
        let options = top("top --symbols ascii --theme ember --color never --rate 50");
        let expected = Top {
            symbols: Some(Symbols::Ascii),
            theme: 2,
            color: Color::Never,
            rate_mhz: Some(50_000),
            ..Top::default()
        };
        assert_eq!(options, expected);
        assert!(options.is_dashboard() && !top("top --plain").is_dashboard());
        assert!(!top("top --count 1").is_dashboard() && !top("top --json").is_dashboard());
    }

    #[test]
    fn the_help_names_every_theme() {
        assert!(THEMES.iter().all(|name| HELP.contains(name)));
    }
}
