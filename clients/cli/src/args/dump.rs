//! Options of `kymo dump`.

use std::path::PathBuf;

use lexopt::{Arg, Error, Parser, ValueExt};

use super::{Command, dir_help};

const HELP: &str = concat!(
    "\
kymo dump: have the daemon write what a recorder of it keeps

usage: kymo dump [RECORDER] [options]

  --json      the daemon's reply as it is, one JSON object
",
    dir_help!(),
    "
A [[recorder]] in the daemon's settings keeps the last minute in memory, see
kymo.toml(5). It is written into a file, with what comes for a while, and the
file's name is printed once what was before is in it. Without RECORDER it is
the first one.

example: kymo export --svg \"$(kymo dump --json | jq -r .file)\" > last.svg
"
);

/// Options of `kymo dump`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// Which recorder.
    pub recorder: Option<String>,
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options = Dump::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(name) if options.recorder.is_none() => {
                options.recorder = Some(name.string()?);
            }
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Dump(options))
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let Ok(Command::Dump(options)) = parsed("dump spikes --json --dir /d") else { panic!() };
        let recorder = Some("spikes".into());
        assert_eq!(options, Dump { recorder, json: true, directory: Some("/d".into()) });
        assert!(parsed("dump a b").unwrap_err().contains("\"b\""));
    }
}
