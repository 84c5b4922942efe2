//! Options of `kymo watch`.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;

use kymo::parse_rate;
use kymo_client::{StreamId, Streams, Token};
use lexopt::{Arg, Error, Parser, ValueExt};

use super::ask::count;
use super::sensors::{parse_group, wanted};
use super::{Command, dir_help};
use crate::sensor_filter::SensorFilter;

const HELP: &str = concat!(
    "\
kymo watch: vitals, events, sensors and processes as they come

usage: kymo watch [options]

  --streams S what: vitals, events, samples, processes, or some of them, such
              as vitals,events (default: vitals; events with --topic or
              --resume, samples with --sensors)
  --topic P   only events whose topic is like P, such as 'build.*'; more of
              them show more
  --resume R  go on behind the last event that was shown: R is a file that
              remembers it from one call to the next, or EPOCH:SEQUENCE
  --sensors G sensors whose name, label, group or identity is like G, such as
              'hw.temp*' or 'eth0 *'; more of them show more
  --groups P  of the samples only groups like P, so that no others are read
  --json      JSON Lines, as without a terminal; of a sensor type, seq,
              timestamp and the keys of kymo sensors --json
  --rate HZ   how often vitals and samples come, 0.1 to 1000 (default: 5 on a
              terminal, else the daemon's rate)
  --count N   end after N frames or lines
",
    dir_help!(),
    "  --help      print this

Without a daemon kymo samples in its own process, unless --dir names one or
events are wanted. A daemon that goes away is waited for. Events that are lost
are named, where they would have stood.

examples: kymo watch --topic 'build.*' --resume ~/.builds-seen
          kymo watch --streams vitals,samples --sensors 'hw.*'
"
);

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
    /// `--streams`, or what follows from the others
    pub streams: Streams,
    /// `--topic`
    pub topics: Vec<String>,
    /// `--sensors`, of `--groups`
    pub sensors: SensorFilter,
    /// `--groups`
    pub groups: Vec<String>,
    /// `--resume`
    pub resume: Option<Resume>,
}

/// Where to go on.
#[derive(Debug, PartialEq, Eq)]
pub enum Resume {
    /// Behind this event.
    Token(Token),
    /// Where this file says, which is to be kept up.
    File(PathBuf),
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options = Watch::default();
    let mut streams = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("rate") => options.rate_mhz = Some(parser.value()?.parse_with(parse_rate)?),
            Arg::Long("count") => options.count = Some(parser.value()?.parse_with(count)?),
            Arg::Long("streams") => streams = Some(parser.value()?.parse_with(parse_streams)?),
            Arg::Long("topic") => options.topics.push(parser.value()?.string()?),
            Arg::Long("sensors") => options.sensors.push(&parser.value()?.string()?)?,
            Arg::Long("groups") => {
                for pattern in parser.values()? {
                    options.groups.push(pattern.parse_with(parse_group)?);
                }
            }
            Arg::Long("resume") => {
                let value = parser.value()?;
                options.resume = Some(resume(value)?);
            }
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    let wants_events = !options.topics.is_empty() || options.resume.is_some();
    let wants_samples = options.sensors != SensorFilter::default();
    let default = match (wants_events, wants_samples) {
        (false, false) => Streams::default().with(StreamId::VITALS),
        (true, false) => Streams::default().with(StreamId::EVENTS),
        (false, true) => Streams::default().with(StreamId::SAMPLES),
        (true, true) => Streams::default().with(StreamId::EVENTS).with(StreamId::SAMPLES),
    };
    options.streams = streams.unwrap_or(default);
    if wants_events && !options.streams.contains(StreamId::EVENTS) {
        let name = if options.topics.is_empty() { "--resume" } else { "--topic" };
        return Err(format!("{name} belongs to events").into());
    }
    let has_samples = options.streams.contains(StreamId::SAMPLES);
    if wants_samples && !has_samples {
        return Err("--sensors belongs to samples; say --streams vitals,samples".into());
    }
    if !options.groups.is_empty() && !has_samples {
        return Err("--groups belongs to --sensors".into());
    }
    options.sensors.keep_groups(wanted(&options.groups));
    Ok(Command::Watch(options))
}

/// Streams by their names.
pub fn parse_streams(text: &str) -> Result<Streams, String> {
    text.split(',').try_fold(Streams::default(), |streams, name| match name.trim() {
        "vitals" => Ok(streams.with(StreamId::VITALS)),
        "events" => Ok(streams.with(StreamId::EVENTS)),
        "samples" => Ok(streams.with(StreamId::SAMPLES)),
        "processes" => Ok(streams.with(StreamId::PROCESSES)),
        other => {
            Err(format!("there is no stream {other:?}, but vitals, events, samples and processes"))
        }
    })
}

/// A token, or a file for one. What only looks like a token would be a file of that name, and all
/// that was missed meanwhile would be lost without a word.
fn resume(value: OsString) -> Result<Resume, Error> {
    let text = value.to_string_lossy();
    match text.parse() {
        Ok(token) => Ok(Resume::Token(token)),
        Err(_) if text.contains(':') && !text.contains('/') => {
            let text = "--resume: no token: 32 hexadecimal digits, a colon and a number";
            Err(format!("{text} (a file of that name is ./{})", value.display()).into())
        }
        Err(_) => Ok(Resume::File(value.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    fn watch(line: &str) -> Watch {
        match parsed(line) {
            Ok(Command::Watch(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_are_understood() {
        let vitals = Streams::default().with(StreamId::VITALS);
        assert_eq!(watch("watch"), Watch { streams: vitals, ..Watch::default() });
        let expected = Watch {
            directory: Some("/d".into()),
            json: true,
            rate_mhz: Some(12_500),
            count: NonZeroU64::new(3),
            streams: vitals,
            ..Watch::default()
        };
        assert_eq!(watch("watch --dir /d --json --rate=12.5 --count 3"), expected);
        assert_eq!(watch("watch --rate 0.1").rate_mhz, Some(100));
        assert_eq!(watch("watch --rate 1e3").rate_mhz, Some(1_000_000));
    }

    #[test]
    fn sensors_mean_samples() {
        let (vitals, samples, events) = (Streams(0b1), Streams(0b10), Streams(0b1000));
        let options = watch("watch --sensors hw.* --sensors cpu --groups hwmon cpu");
        assert_eq!((options.streams, options.groups.len()), (samples, 2));
        assert_ne!(options.sensors, SensorFilter::default());
        assert_eq!(watch("watch --streams samples").streams, samples);
        let both = watch("watch --streams vitals,samples --sensors x").streams;
        assert_eq!(both, Streams(vitals.0 | samples.0));
        let both = watch("watch --topic a --sensors x").streams;
        assert_eq!(both, Streams(events.0 | samples.0));
    }

    #[test]
    fn topics_and_places_mean_events() {
        let (vitals, events) = (Streams(0b1), Streams(0b1000));
        let options = watch("watch --topic a.* --topic b");
        assert_eq!((options.streams, options.topics.len()), (events, 2));
        assert_eq!(watch("watch --streams events,vitals").streams, Streams(vitals.0 | events.0));
        let options = watch("watch --resume /f");
        assert_eq!((options.streams, options.resume), (events, Some(Resume::File("/f".into()))));
        let token = "00112233445566778899aabbccddeeff:7";
        assert!(parsed("watch --resume 12:34").unwrap_err().contains("no token"));
        assert_eq!(watch("watch --resume ./12:34").resume, Some(Resume::File("./12:34".into())));
        let options = watch(&format!("watch --resume {token}"));
        assert_eq!(options.resume, Some(Resume::Token(token.parse().unwrap())));
    }
}
