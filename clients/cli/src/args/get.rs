//! Options of `kymo get`.

use std::path::PathBuf;
use std::time::Duration;

use kymo_protocol::Field;
use lexopt::{Arg, Error, Parser, ValueExt};

use super::sensors::{WAIT, parse_wait};
use super::{Command, dir_help};

const HELP: &str = concat!(
    "\
kymo get: what the vitals are now, once

usage: kymo get [FIELD...] [options]

  FIELD       only these, such as cpu_usage or load (default: all)
  --json      one JSON object: timestamp, the fields, and as in kymo watch
              their validity and age_ms; what has no value is null
  --wait S    wait up to S seconds for values that are pending (default: 2)
",
    dir_help!(),
    "
One FIELD prints its value alone, more of them their names, values and units.
Without a value it is the state's word, such as absent or denied, and when FIELD
was named the exit code is 1. Without a daemon kymo looks itself, unless --dir
names one. The fields are what kymo get prints; sensors have kymo sensors.

example: test \"$(kymo get cpu_usage | cut -d. -f1)\" -lt 90 || echo busy
"
);

/// Options of `kymo get`.
#[derive(Debug, PartialEq, Eq)]
pub struct Get {
    /// What is asked for; all without any.
    pub fields: Vec<Field>,
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
    /// `--wait`
    pub wait: Duration,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options = Get { fields: Vec::new(), directory: None, json: false, wait: WAIT };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(name) => options.fields.push(name.parse_with(field)?),
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("wait") => options.wait = parser.value()?.parse_with(parse_wait)?,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Get(options))
}

/// The field with this name.
pub fn field(name: &str) -> Result<Field, String> {
    Field::ALL.into_iter().find(|field| field.name() == name).ok_or_else(|| {
        let names = Field::ALL.map(Field::name).join(", ");
        format!("no such field, but there are {names}")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let Ok(Command::Get(options)) = parsed("get load --json cpu_usage --dir /d --wait 0.5")
        else {
            panic!()
        };
        let fields = vec![Field::Load, Field::CpuUsage];
        let wait = Duration::from_millis(500);
        assert_eq!(options, Get { fields, directory: Some("/d".into()), json: true, wait });
        assert!(parsed("get warmth").unwrap_err().contains("there are cpu_usage, memory_usage"));
    }
}
