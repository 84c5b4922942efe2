//! Commands that ask the daemon for something.

use std::num::NonZeroU64;
use std::path::PathBuf;

use kymo_client::Action;
use lexopt::{Arg, Error, Parser, ValueExt};

use super::{Command, dir_help};

/// Options of `kymo status` and its like.
#[derive(Debug, PartialEq, Eq)]
pub struct Ask {
    /// What is asked for.
    pub action: Action,
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
}

/// Options of `kymo ping`.
#[derive(Debug, PartialEq, Eq)]
pub struct Ping {
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--count`
    pub count: u64,
}

const PING_HELP: &str = concat!(
    "\
kymo ping: whether the daemon answers, and how fast

usage: kymo ping [--dir D] [--count N]

  --count N   ask N times, five times a second (default: once)
",
    dir_help!(),
    "\nexample: kymo ping --count 10\n"
);

pub fn parse(action: Action, parser: &mut Parser) -> Result<Command, Error> {
    let mut ask = Ask { action, directory: None, json: false };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => ask.directory = Some(parser.value()?.into()),
            Arg::Long("json") => ask.json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(help(action))),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Ask(ask))
}

fn help(action: Action) -> String {
    let name = action.name();
    let does = match action {
        Action::Status => "how the daemon is, and who is connected to it",
        Action::Toggle => "begin a session, or end the open one",
        Action::Metrics => "the daemon's figures and the machine's, for Prometheus",
        Action::Reload => "have the daemon read its settings again",
        Action::Quit => "have the daemon stop",
        _ => "ask the daemon",
    };
    let json = "  --json      the daemon's reply as it is, one JSON object\n";
    let example = match action {
        Action::Status => "kymo status --json | jq '.clients | length'",
        Action::Toggle => "kymo toggle && echo recording",
        Action::Metrics => "kymo metrics > kymo.prom && promtool check metrics < kymo.prom",
        Action::Reload => "kymo reload --json",
        _ => "kymo quit --dir /tmp/k",
    };
    let usage = format!("usage: kymo {name} [--dir D] [--json]");
    format!("kymo {name}: {does}\n\n{usage}\n\n{json}{}\nexample: {example}\n", dir_help!())
}

pub fn parse_ping(parser: &mut Parser) -> Result<Command, Error> {
    let mut ping = Ping { directory: None, count: 1 };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => ping.directory = Some(parser.value()?.into()),
            Arg::Long("count") => ping.count = parser.value()?.parse_with(count)?.get(),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(PING_HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Ping(ping))
}

pub fn count(text: &str) -> Result<NonZeroU64, String> {
    text.parse().map_err(|_| "a count is a whole number from 1 on".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn each_action_is_a_command() {
        for action in [Action::Status, Action::Toggle, Action::Metrics] {
            let Ok(Command::Ask(ask)) = parsed(&format!("{} --dir /d", action.name())) else {
                panic!("{action:?}")
            };
            assert_eq!(ask, Ask { action, directory: Some("/d".into()), json: false });
        }
        // What people who know exporters try first.
        let Ok(Command::Ask(ask)) = parsed("--metrics --json") else { panic!() };
        assert_eq!((ask.action, ask.json), (Action::Metrics, true));
        let Ok(Command::Ping(ping)) = parsed("ping --count 3") else { panic!() };
        assert_eq!(ping, Ping { directory: None, count: 3 });
    }
}
