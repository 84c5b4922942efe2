//! Options of `kymo replay`.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

use super::Command;
use crate::sensor_filter::SensorFilter;
use crate::units::parse_span;

const HELP: &str = "\
kymo replay: a recording as kymo watch shows what comes

usage: kymo replay FILE [options]

  --speed N   N times as fast as it was, such as 4 or 0.5, or max for as fast
              as it can be printed (default: 1)
  --from T    begin T after its beginning, such as 10s or 2m
  --to T      end T after its beginning
  --sensors G of the sensors those whose name, label, group or identity is
              like G, such as 'hw.temp*'; more of them show more
  --json      JSON Lines, as without a terminal, with the sequences and times
              that the frames had
  --serve D   serve it on sockets in the directory D, for any client: another
              shell can kymo watch --dir D. It ends with the recording
  --help      print this

What is damaged is named on standard error, with its place, its size and when it
was, and the rest is shown; the exit code is 1 then. Frames that are served have
the times and sequences of now: clients find a running daemon whose machine does
what the recorded one did. --json keeps those of the recording.

examples: kymo replay crash.kymo --speed 4 --from 2m
          kymo replay x.kymo --json | jq 'select(.type==\"vitals\").cpu_usage'
";

/// Options of `kymo replay`.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The file.
    pub path: PathBuf,
    /// `--speed`; `None` for as fast as can be
    pub speed: Option<f64>,
    /// `--from`
    pub from: Duration,
    /// `--to`
    pub to: Option<Duration>,
    /// `--sensors`
    pub sensors: SensorFilter,
    /// `--json`
    pub json: bool,
    /// `--serve`
    pub serve: Option<PathBuf>,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options = Replay {
        path: PathBuf::new(),
        speed: Some(1.0),
        from: Duration::ZERO,
        to: None,
        sensors: SensorFilter::default(),
        json: false,
        serve: None,
    };
    let mut path = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(name) if path.is_none() => path = Some(name.into()),
            Arg::Long("speed") => options.speed = parser.value()?.parse_with(speed)?,
            Arg::Long("from") => options.from = parser.value()?.parse_with(parse_span)?,
            Arg::Long("to") => options.to = Some(parser.value()?.parse_with(parse_span)?),
            Arg::Long("sensors") => options.sensors.push(&parser.value()?.string()?)?,
            Arg::Long("json") => options.json = true,
            Arg::Long("serve") => options.serve = Some(parser.value()?.into()),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    options.path = path.ok_or("which recording?")?;
    if options.to.is_some_and(|to| to <= options.from) {
        return Err("--to lies behind --from".into());
    }
    if options.serve.is_some() && (options.json || options.speed.is_none()) {
        return Err("--serve goes with a --speed that is a number, and without --json".into());
    }
    Ok(Command::Replay(options))
}

/// How many times as fast; `None` for as fast as can be.
fn speed(text: &str) -> Result<Option<f64>, String> {
    if text == "max" {
        return Ok(None);
    }
    match text.parse() {
        Ok(speed @ 0.001..=1e6) => Ok(Some(speed)),
        Ok(_) => Err("a speed is 0.001 to 1000000, or max".into()),
        Err(_) => Err("not a number, and not max".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let line = "replay a.kymo --speed 0.5 --from 10s --to 2m --json --sensors hw.*";
        let Ok(Command::Replay(options)) = parsed(line) else { panic!() };
        assert_eq!((options.path, options.speed), ("a.kymo".into(), Some(0.5)));
        assert_eq!(options.from, Duration::from_secs(10));
        assert_eq!((options.to, options.json), (Some(Duration::from_secs(120)), true));
        let Ok(Command::Replay(options)) = parsed("replay a --speed max") else { panic!() };
        assert_eq!((options.speed, options.serve), (None, None));
        let Ok(Command::Replay(options)) = parsed("replay a --serve /d") else { panic!() };
        assert_eq!((options.speed, options.serve), (Some(1.0), Some("/d".into())));
    }
}
