//! Options of `kymo doctor`.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

use super::sensors::{WAIT, parse_wait};
use super::{Command, dir_help};

const HELP: &str = concat!(
    "\
kymo doctor: what is wrong, and what mends it

usage: kymo doctor [options]

  --wait S    wait up to S seconds for the sensors' first values (default: 2)
  --json      one JSON object, to send to who looks for a fault
",
    dir_help!(),
    "
Looks at the daemon, its sockets, losses and settings, at the sensors, and at
what the machine offers, and gives each a mark: ok; !! for what is to be mended,
with what mends it; -- for what is merely told. Without a daemon it samples in
its own process, but not with --dir. It changes nothing, and ends with 0
whatever it finds. No host name, user name or serial number is in it, and no
sensor's value.

example: kymo doctor --json > report.json
"
);

/// Options of `kymo doctor`.
#[derive(Debug, PartialEq, Eq)]
pub struct Doctor {
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
    /// `--wait`
    pub wait: Duration,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options = Doctor { directory: None, json: false, wait: WAIT };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("wait") => options.wait = parser.value()?.parse_with(parse_wait)?,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Doctor(options))
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let Ok(Command::Doctor(options)) = parsed("doctor --json --dir /d --wait 0.5") else {
            panic!()
        };
        let wait = Duration::from_millis(500);
        assert_eq!(options, Doctor { directory: Some("/d".into()), json: true, wait });
    }
}
