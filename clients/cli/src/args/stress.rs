//! Options of `kymo stress`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

use super::{Command, dir_help};

const HELP: &str = concat!(
    "\
kymo stress: a load whose size and end are known, to see what shows it

usage: kymo stress [--cpu N] [--memory SIZE] [--events HZ] [options]

  --cpu N        N threads that compute, 1 to 256
  --share P      for P percent of the time each, 1 to 100 (default: 100)
  --memory SIZE  bytes that are written and kept, such as 512M or 2G; no more
                 than half of what is available
  --events HZ    events that the daemon is given to publish, 1 to 20000 a
                 second, with the topic kymo-stress
  --for S        for so long, 1 to 3600 s (default: 10)
  --json         one JSON object at the end
",
    dir_help!(),
    "  --help         print this

Without --cpu, --memory and --events it is one thread for each CPU. At the end
it tells what became of it: processor time, bytes, and how many events were
acknowledged or refused and how long that took. Ctrl-C ends it at once.

example: kymo stress --cpu 2 --for 5 & kymo watch --count 100
"
);

/// How long it takes unless said.
const SPAN: Duration = Duration::from_secs(10);

/// Options of `kymo stress`.
#[derive(Debug, PartialEq, Eq)]
pub struct Stress {
    /// `--cpu`; 0 for none.
    pub threads: u32,
    /// `--share`, in percent.
    pub share: u32,
    /// `--memory`; 0 for none.
    pub memory: u64,
    /// `--events`, a second.
    pub events_hz: Option<NonZeroU32>,
    /// `--for`
    pub span: Duration,
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut threads = None;
    let mut options = Stress {
        threads: 0,
        share: 100,
        memory: 0,
        events_hz: None,
        span: SPAN,
        directory: None,
        json: false,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("cpu") => threads = Some(parser.value()?.parse_with(among(1, 256, ""))?),
            Arg::Long("share") => {
                options.share = parser.value()?.parse_with(among(1, 100, " %"))?
            }
            Arg::Long("memory") => options.memory = parser.value()?.parse_with(size)?,
            Arg::Long("events") => {
                let rate = parser.value()?.parse_with(among(1, 20_000, " a second"))?;
                options.events_hz = NonZeroU32::new(rate);
            }
            Arg::Long("for") => {
                let seconds = parser.value()?.parse_with(among(1, 3600, " s"))?;
                options.span = Duration::from_secs(seconds.into());
            }
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    options.threads = match threads {
        Some(threads) => threads,
        None if options.memory > 0 || options.events_hz.is_some() => 0,
        None => std::thread::available_parallelism()
            .map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(1)),
    };
    Ok(Command::Stress(options))
}

fn among(least: u32, most: u32, unit: &str) -> impl Fn(&str) -> Result<u32, String> {
    move |text: &str| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("that is a whole number from {least} to {most}{unit}")),
    }
}

/// A number of bytes, with K, M or G for units of 1,024.
fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let bytes = digits.parse().ok().and_then(|number: u64| number.checked_mul(unit));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| "a size is bytes, such as 512M or 2G".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let line = "stress --cpu 2 --share 50 --memory 512M --events 100 --for 3 --dir /d --json";
        let Ok(Command::Stress(options)) = parsed(line) else { panic!() };
        let expected = Stress {
            threads: 2,
            share: 50,
            memory: 512 << 20,
            events_hz: NonZeroU32::new(100),
            span: Duration::from_secs(3),
            directory: Some("/d".into()),
            json: true,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn threads_are_meant_when_nothing_is_said() {
        let threads = |line| match parsed(line) {
            Ok(Command::Stress(options)) => options.threads,
            other => panic!("{other:?}"),
        };
        assert!(threads("stress") >= 1);
        assert_eq!(threads("stress --memory 1G"), 0);
        assert_eq!(threads("stress --events 1 --cpu 3"), 3);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("2g"), Ok(2 << 30));
        for bad in ["", "0", "G", "-1M", "1T", "99999999999G", "1.5G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
