//! Options of `kymo record`.

use std::path::PathBuf;
use std::time::Duration;

use kymo::parse_rate;
use kymo_client::{StreamId, Streams};
use lexopt::{Arg, Error, Parser, ValueExt};

use super::sensors::parse_group;
use super::watch::parse_streams;
use super::{Command, dir_help};
use crate::units::parse_span;

const HELP: &str = concat!(
    "\
kymo record: vitals, events, sensors and processes into a file

usage: kymo record FILE [options]

  --streams S what: vitals, events, samples, processes, or some of them, such
              as vitals,events (default: vitals,events,samples)
  --topic P   only events whose topic is like P, such as 'build.*'; more of
              them keep more
  --groups P  of the samples only groups like P, such as cpu,hw*, so that no
              others are read
  --rate HZ   how often vitals and samples come, 0.1 to 1000 (default: the
              daemon's rate); each of them is kept
  --for T     end after T, such as 30s or 10m (default: when interrupted)
  --last T    what was in the last T, of what a [[recorder]] in the daemon's
              settings keeps, and nothing that comes
  --recorder R
              which one, with --last (default: the first)
  --force     write over a file that is there
  --json      what it came to as one JSON object
",
    dir_help!(),
    "  --help      print this

The file holds the frames as they come, each with a checksum, and stands alone.
What is written survives a crash; at most a second is not. A daemon that goes
away is waited for; what is missed is named in the file. Without a daemon kymo
samples in its own process, without events, unless --dir names one or events
are asked for. Exit code 1: the file took no more, and what was written is safe.

example: kymo record crash.kymo --rate 100 --for 10m; kymo replay crash.kymo
"
);

/// Options of `kymo record`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The file.
    pub path: PathBuf,
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--streams`; none were named without any
    pub streams: Streams,
    /// `--topic`
    pub topics: Vec<String>,
    /// `--groups`
    pub groups: Vec<String>,
    /// `--rate`, in thousandths of a hertz; 0 for the daemon's
    pub rate_mhz: u32,
    /// `--for`
    pub span: Option<Duration>,
    /// `--last`
    pub last: Option<Duration>,
    /// `--recorder`
    pub recorder: Option<String>,
    /// `--force`
    pub force: bool,
    /// `--json`
    pub json: bool,
}

impl Record {
    /// Whether nothing says what is wanted.
    fn is_bare(&self) -> bool {
        let Self { streams, topics, groups, rate_mhz, span, .. } = self;
        streams.is_empty()
            && topics.is_empty()
            && groups.is_empty()
            && *rate_mhz == 0
            && span.is_none()
    }
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options = Record::default();
    let mut path = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(name) if path.is_none() => path = Some(name.into()),
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("streams") => options.streams = parser.value()?.parse_with(parse_streams)?,
            Arg::Long("topic") => options.topics.push(parser.value()?.string()?),
            Arg::Long("groups") => {
                // Not each word up to the next option: one of them may be the file.
                let patterns = parser.value()?.string()?;
                for pattern in patterns.split(',') {
                    options.groups.push(parse_group(pattern.trim())?);
                }
            }
            Arg::Long("rate") => options.rate_mhz = parser.value()?.parse_with(parse_rate)?,
            Arg::Long("for") => options.span = Some(parser.value()?.parse_with(parse_span)?),
            Arg::Long("last") => options.last = Some(parser.value()?.parse_with(parse_span)?),
            Arg::Long("recorder") => options.recorder = Some(parser.value()?.string()?),
            Arg::Long("force") => options.force = true,
            Arg::Long("json") => options.json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    options.path = path.ok_or("into which file?")?;
    if options.span.or(options.last).is_some_and(|span| span.is_zero()) {
        return Err("a recording is longer than 0".into());
    }
    let names = options.streams;
    if !options.topics.is_empty() && !names.is_empty() && !names.contains(StreamId::EVENTS) {
        return Err("--topic belongs to events".into());
    }
    if !options.groups.is_empty() && !names.is_empty() && !names.contains(StreamId::SAMPLES) {
        return Err("--groups belongs to samples".into());
    }
    if options.recorder.is_some() && options.last.is_none() {
        return Err("--recorder belongs to --last".into());
    }
    if options.last.is_some() && !options.is_bare() {
        return Err("with --last the recorder's settings say what is in it".into());
    }
    Ok(Command::Record(options))
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let line = "record a.kymo --streams vitals,events --topic b.* --rate 100 --for 1.5m \
                    --force --json --dir /d";
        let Ok(Command::Record(options)) = parsed(line) else { panic!() };
        let streams = Streams::default().with(StreamId::VITALS).with(StreamId::EVENTS);
        let expected = Record {
            path: "a.kymo".into(),
            directory: Some("/d".into()),
            streams,
            topics: vec!["b.*".into()],
            rate_mhz: 100_000,
            span: Some(Duration::from_secs(90)),
            force: true,
            json: true,
            ..Record::default()
        };
        assert_eq!(options, expected);
        let Ok(Command::Record(options)) = parsed("record --groups cpu,hw* a") else { panic!() };
        assert_eq!((options.groups.len(), options.streams.is_empty()), (2, true));
        let Ok(Command::Record(options)) = parsed("record a --last 60s --recorder x") else {
            panic!()
        };
        let last = Some(Duration::from_secs(60));
        assert_eq!((options.last, options.recorder.as_deref()), (last, Some("x")));
        for line in ["--recorder x", "--last 60s --for 3s", "--last 60s --rate 5", "--last 0"] {
            assert!(parsed(&format!("record a {line}")).is_err(), "{line}");
        }
    }
}
