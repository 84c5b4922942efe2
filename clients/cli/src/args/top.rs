//! Options of `kymo top`.

use kymo::parse_rate;
use kymo_client::{StreamId, Streams};
use lexopt::{Arg, Error, Parser, ValueExt};

use super::ask::count;
use super::watch::Watch;
use super::{Command, dir_help};

const HELP: &str = concat!(
    "\
kymo top: the processes that use most, by processor time and by memory

usage: kymo top [options]

  --json      JSON Lines, as without a terminal: the frames of the daemon, up
              to 32 processes of each kind, with their ranks
  --rate HZ   how often, 0.1 to 2 (default: 1; a machine of thousands of
              processes is looked at more rarely)
  --count N   end after N frames; the first one knows no shares of processors,
              unless somebody else watches already
",
    dir_help!(),
    "  --help      print this

A share is of one processor, and since the frame before. Memory is what is
resident, shared pages included. Processes are those the daemon can see, in a
container its own. Without a daemon kymo looks itself, unless --dir names one.

example: kymo top --count 2 --json | tail -1 | jq '.processes[] | [.name, .cpu]'
"
);

/// More would be noise: procfs counts processor time in hundredths of a second.
const RATE_MHZ_MAX: u32 = 2_000;

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let streams = Streams::default().with(StreamId::PROCESSES);
    let mut options = Watch { streams, rate_mhz: Some(1_000), ..Watch::default() };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("rate") => options.rate_mhz = Some(parser.value()?.parse_with(rate)?),
            Arg::Long("count") => options.count = Some(parser.value()?.parse_with(count)?),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Watch(options))
}

fn rate(text: &str) -> Result<u32, String> {
    match parse_rate(text) {
        Ok(rate_mhz) if rate_mhz <= RATE_MHZ_MAX => Ok(rate_mhz),
        _ => Err("a rate of processes is 0.1 to 2".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let Ok(Command::Watch(options)) = parsed("top --json --rate 0.5 --count 3 --dir /d") else {
            panic!()
        };
        assert_eq!((options.json, options.rate_mhz), (true, Some(500)));
        assert_eq!(options.count.map(u64::from), Some(3));
        assert!(options.streams.iter().eq([StreamId::PROCESSES]));
        let Ok(Command::Watch(options)) = parsed("top") else { panic!() };
        assert_eq!(options.rate_mhz, Some(1000));
    }
}
