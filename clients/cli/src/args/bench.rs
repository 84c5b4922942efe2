//! Options of `kymo bench`.

use std::time::Duration;

use kymo::parse_rate;
use lexopt::{Arg, Error, Parser, ValueExt};

use super::Command;

const HELP: &str = "\
kymo bench: how fast kymo is on this machine, beside a bare socket

usage: kymo bench [options]

  --for S     how long in all, 3 to 600 s (default: 15)
  --rate HZ   of events and ticks where their lateness is measured
              (default: 1000)
  --json      one JSON object

event       from before one thread publishes an event of 64 bytes to after a
            subscriber has read it; bare: a thread that writes the same bytes
tick        how much longer or shorter than its period each tick of vitals took;
            bare: a thread that sleeps until each is due
throughput  such events as fast as they go, and those that were lost on the way,
            which a subscriber is told; bare: writes of 32 KiB

kymo and the bare socket take turns in this process. Each figure is a median of
rounds, the ratio that of their pairs, with its quartiles. No daemon is asked:
kymo ping does that. Numbers of a busy machine are worth little, ratios more.

example: kymo bench --for 60 --json > bench.json
";

/// What a run takes unless said.
const SPAN: Duration = Duration::from_secs(15);

/// Less has too few frames for a p99, more is a mistake.
const SPAN_S: std::ops::RangeInclusive<f64> = 3.0..=600.0;

/// Options of `kymo bench`.
#[derive(Debug, PartialEq, Eq)]
pub struct Bench {
    /// `--for`
    pub span: Duration,
    /// `--rate`
    pub rate_mhz: u32,
    /// `--json`
    pub json: bool,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options = Bench { span: SPAN, rate_mhz: 1_000_000, json: false };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("for") => options.span = parser.value()?.parse_with(span)?,
            Arg::Long("rate") => options.rate_mhz = parser.value()?.parse_with(rate)?,
            Arg::Long("json") => options.json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Bench(options))
}

fn span(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if SPAN_S.contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a run takes 3 to 600 s".into()),
    }
}

/// Below 25 Hz a round would have no frames.
fn rate(text: &str) -> Result<u32, String> {
    match parse_rate(text) {
        Ok(rate_mhz) if rate_mhz >= 25_000 => Ok(rate_mhz),
        _ => Err("this rate is 25 to 1000".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let Ok(Command::Bench(options)) = parsed("bench --for 3 --rate 100 --json") else {
            panic!()
        };
        let span = Duration::from_secs(3);
        assert_eq!(options, Bench { span, rate_mhz: 100_000, json: true });
        let Ok(Command::Bench(options)) = parsed("bench") else { panic!() };
        assert_eq!(options, Bench { span: SPAN, rate_mhz: 1_000_000, json: false });
    }
}
