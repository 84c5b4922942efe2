//! Options of `kymo sensors`.

use std::path::PathBuf;
use std::time::Duration;

use kymo_client::{Action, Group};
use kymo_protocol::Groups;
use lexopt::{Arg, Error, Parser, ValueExt};

use super::{Ask, Command, dir_help};

const HELP: &str = concat!(
    "\
kymo sensors: every sensor of a running daemon, and what it reads now

usage: kymo sensors [options]

  --groups P  only groups like P, such as 'hwmon' or 'c*'; more of them show
              more: cpu, memory, filesystem, disk, network, hwmon, thermal,
              power, gpu, pressure, cgroup. What is not asked for is not read
  --wait S    wait up to S seconds for first values (default: 2); what has not
              come is pending
  --long      also names and identities
  --json      one JSON object {\"type\",\"timestamp\",\"topology\",\"omitted\",
              \"sensors\":[...]}, each sensor an object on a line of its own with
              group, name, label, value, unit, state, age_ms, instrument,
              cadence_s, cost, scope, attributes and identity; null is unknown
  --vitals    the fields of the vitals instead, as the daemon reads them
",
    dir_help!(),
    "
Without a daemon it fails, with exit code 69; kymo watch --sensors '*' then
samples in its own process.

example: kymo sensors --json | jq '.sensors[] | select(.unit == \"Cel\") | .value'
"
);

/// The default of `--wait`.
pub const WAIT: Duration = Duration::from_secs(2);

/// Who waits longer wants `kymo watch`.
const WAIT_S_MAX: f64 = 3600.0;

/// Options of `kymo sensors`.
#[derive(Debug, PartialEq, Eq)]
pub struct Sensors {
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
    /// `--long`
    pub long: bool,
    /// `--groups`
    pub groups: Vec<String>,
    /// `--wait`
    pub wait: Duration,
}

impl Sensors {
    /// The groups that are asked for.
    pub fn wanted(&self) -> Groups {
        wanted(&self.groups)
    }
}

/// The groups that one of `patterns` is like; all without any.
pub fn wanted(patterns: &[String]) -> Groups {
    let patterns: String = patterns.iter().map(|pattern| format!("{pattern}\n")).collect();
    Groups::wanted(patterns.as_bytes())
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut options =
        Sensors { directory: None, json: false, long: false, groups: Vec::new(), wait: WAIT };
    let mut is_vitals = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => options.directory = Some(parser.value()?.into()),
            Arg::Long("json") => options.json = true,
            Arg::Long("long") => options.long = true,
            Arg::Long("vitals") => is_vitals = true,
            Arg::Long("wait") => options.wait = parser.value()?.parse_with(parse_wait)?,
            Arg::Long("groups") => {
                // As in a shell: each word up to the next option.
                for pattern in parser.values()? {
                    options.groups.push(pattern.parse_with(parse_group)?);
                }
            }
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    if !is_vitals {
        return Ok(Command::Sensors(options));
    }
    if options.long || !options.groups.is_empty() || options.wait != WAIT {
        return Err("--vitals goes with --json and --dir only".into());
    }
    let Sensors { directory, json, .. } = options;
    Ok(Command::Ask(Ask { action: Action::Sensors, directory, json }))
}

/// A pattern of groups that one of them is like.
pub fn parse_group(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('\n') || wanted(&[text.into()]) == Groups(0) {
        let names = Group::ALL.map(Group::name).join(", ");
        return Err(format!("no group is like {text:?}, but there are {names}"));
    }
    Ok(text.into())
}

/// Seconds to wait for first values.
pub fn parse_wait(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number")?;
    match seconds {
        0.0..=WAIT_S_MAX => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("a wait is 0 to {WAIT_S_MAX} s")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    fn sensors(line: &str) -> Sensors {
        match parsed(line) {
            Ok(Command::Sensors(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_are_understood() {
        let options = sensors("sensors");
        assert_eq!((options.wait, options.wanted()), (Duration::from_secs(2), Groups::ALL));
        let expected = Sensors {
            directory: Some("/d".into()),
            json: true,
            long: true,
            groups: ["cpu", "hw*", "power"].map(Into::into).into(),
            wait: Duration::from_millis(500),
        };
        let line = "sensors --groups cpu hw* --dir /d --json --long --wait 0.5 --groups power";
        assert_eq!(sensors(line), expected);
        assert!(expected.wanted().contains(Group::Hwmon));
        assert!(!expected.wanted().contains(Group::Disk));
    }

    #[test]
    fn help_says_that_it_takes_a_daemon() {
        let help = parsed("sensors --help").unwrap_err();
        assert!(help.contains("of a running daemon") && help.contains("exit code 69"), "{help}");
    }

    #[test]
    fn the_vitals_are_still_there() {
        let Ok(Command::Ask(ask)) = parsed("sensors --vitals --json --dir /d") else { panic!() };
        let expected = Ask { action: Action::Sensors, directory: Some("/d".into()), json: true };
        assert_eq!(ask, expected);
    }
}
