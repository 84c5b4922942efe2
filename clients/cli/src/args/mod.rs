//! The command line.

mod ask;
mod bench;
mod doctor;
mod dump;
mod export;
mod get;
mod hint;
mod record;
mod replay;
mod sensors;
mod service;
mod stress;
mod submit;
mod top;
mod watch;

use std::ffi::OsString;

use kymo_client::Action;
use lexopt::{Arg, Parser};

pub use ask::{Ask, Ping};
pub use bench::Bench;
pub use doctor::Doctor;
pub use dump::Dump;
pub use export::{Export, Form};
pub use get::Get;
pub use record::Record;
pub use replay::Replay;
pub use sensors::Sensors;
pub use service::{Scope, Service, Verb};
pub use stress::Stress;
pub use submit::{EventText, Submit};
pub use top::{Color, Top};
pub use watch::{Resume, Watch};

const HELP: &str = "\
kymo: this machine's vitals and its programs' events on the command line

usage: kymo COMMAND [options]; each command has --help

  get        the vitals, once, for scripts
  watch      show vitals, events and sensors as they come
  top        all of it live: graphs, sensors, processes, events
  record     keep what comes in a file
  dump       have the daemon write what was before now
  replay     show what such a file holds
  export     make a table or a plot of it
  submit     publish an event
  toggle     begin a session, or end the open one
  status     how the daemon is
  sensors    every sensor, and what it reads now
  metrics    its figures, for Prometheus; also kymo --metrics
  ping       whether it answers, and how fast
  doctor     what is wrong, and what mends it
  bench      how fast kymo is here, beside a bare socket
  stress     a load of processors, memory or events, for a while
  service    have systemd or launchd keep kymod running
  reload     have it read its settings again
  quit       have it stop
  --version  print the version
  --help     print this

exit codes: 0 done; 1 failed or refused; 2 usage; 69 no daemon; 77 denied

example: kymo submit --topic build.done --data '{\"ok\":true}'
";

/// Where every command looks for a daemon; the end of their helps.
macro_rules! dir_help {
    () => {
        "  --dir D     ask the daemon in D and no other (default: $KYMO_DIR,
              $XDG_RUNTIME_DIR/kymo, /run/kymo for root, ~/.cache/kymo/run,
              /run/kymo)
"
    };
}
use dir_help;

/// What was asked for.
#[derive(Debug)]
pub enum Command {
    /// Show the vitals once.
    Get(Get),
    /// Show what comes.
    Watch(Watch),
    /// Show all of it live.
    Top(Top),
    /// Keep what comes.
    Record(Record),
    /// Have the daemon write what it keeps.
    Dump(Dump),
    /// Show what was kept.
    Replay(Replay),
    /// Make something else of it.
    Export(Export),
    /// Publish an event.
    Submit(Submit),
    /// Ask for something else.
    Ask(Ask),
    /// Show the sensors.
    Sensors(Sensors),
    /// Ask whether somebody is there.
    Ping(Ping),
    /// Report on all of it.
    Doctor(Doctor),
    /// Measure what this machine makes of it.
    Bench(Bench),
    /// Be a load.
    Stress(Stress),
    /// Have a service manager run the daemon, or no more.
    Service(Service),
    /// Print this and end.
    Say(String),
}

/// Reads the command line.
///
/// # Errors
///
/// What can't be understood, and where to look.
pub fn parse() -> Result<Command, String> {
    parse_from(std::env::args_os())
}

fn parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_iter(args);
    let failed = |error: lexopt::Error| told(&error, hint::option(&error, HELP), "kymo");
    let name = match parser.next().map_err(failed)? {
        Some(Arg::Value(name)) => name,
        Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Say(HELP.into())),
        Some(Arg::Long("version") | Arg::Short('V')) => {
            return Ok(Command::Say(format!("kymo {}\n", env!("CARGO_PKG_VERSION"))));
        }
        Some(Arg::Long("metrics")) => "metrics".into(),
        Some(arg) => return Err(failed(arg.unexpected())),
        None => return Err(failed("what shall it do?".into())),
    };
    let name = name.to_string_lossy();
    let command = match &*name {
        "get" => get::parse(&mut parser),
        "watch" => watch::parse(&mut parser),
        "top" => top::parse(&mut parser),
        "record" => record::parse(&mut parser),
        "dump" => dump::parse(&mut parser),
        "replay" => replay::parse(&mut parser),
        "export" => export::parse(&mut parser),
        "submit" => submit::parse(&mut parser),
        "sensors" => sensors::parse(&mut parser),
        "ping" => ask::parse_ping(&mut parser),
        "doctor" => doctor::parse(&mut parser),
        "bench" => bench::parse(&mut parser),
        "stress" => stress::parse(&mut parser),
        "service" => service::parse(&mut parser),
        "help" => return Ok(Command::Say(HELP.into())),
        other => match Action::ALL.into_iter().find(|action| action.name() == other) {
            Some(action) => ask::parse(action, &mut parser),
            None => {
                let error = format!("unknown command {name:?}").into();
                return Err(told(&error, hint::command(other, HELP), "kymo"));
            }
        },
    };
    command.map_err(|error| {
        let help = match parse_from(["kymo", &*name, "--help"].map(OsString::from)) {
            Ok(Command::Say(help)) => help,
            _ => String::new(),
        };
        told(&error, hint::option(&error, &help), &format!("kymo {name}"))
    })
}

/// A mistake, what may have been meant, and where to look.
fn told(error: &lexopt::Error, meant: Option<&str>, command: &str) -> String {
    match meant {
        Some(meant) => format!("{error}; did you mean {meant}? See {command} --help"),
        None => format!("{error}; see {command} --help"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses words that no space stands in, but `~` for one.
    pub fn parsed(line: &str) -> Result<Command, String> {
        let words = line.split_whitespace().map(|word| word.replace('~', " "));
        match parse_from(std::iter::once("kymo".into()).chain(words).map(OsString::from))? {
            Command::Say(text) => Err(text),
            command => Ok(command),
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, expected) in [
            ("", "what shall it do?"),
            ("wach", "unknown command \"wach\"; did you mean watch? See kymo --help"),
            ("wax", "unknown command \"wax\"; see kymo --help"),
            ("--versoin", "did you mean --version?"),
            ("record f --streems vitals", "did you mean --streams? See kymo record --help"),
            ("status --jsn", "did you mean --json? See kymo status --help"),
            ("--json", "--json"),
            ("get warmth", "no such field"),
            ("get --wait x", "not a number"),
            ("watch --rate 0", "0.1 to 1000"),
            ("watch --rate nan", "not a number"),
            ("watch --rate 1001", "0.1 to 1000"),
            ("watch --rate fast", "not a number"),
            ("watch --rate", "--rate"),
            ("watch --count 0", "from 1 on"),
            ("watch --count -1", "from 1 on"),
            ("watch --json=yes", "--json"),
            ("watch --bogus", "--bogus"),
            ("watch word", "word"),
            ("watch --streams vitals,event", "\"event\""),
            ("watch --streams ,", "\"\""),
            ("watch --streams vitals --topic a", "--topic belongs to events"),
            ("watch --streams vitals --resume f", "--resume belongs to events"),
            ("ping --count 0", "from 1 on"),
            ("status word", "word"),
            ("toggle --count 3", "--count"),
            ("sensors word", "word"),
            ("doctor --wait nan", "0 to 3600 s"),
            ("doctor word", "word"),
            ("sensors --groups", "--groups"),
            ("sensors --groups weather", "no group is like \"weather\""),
            ("sensors --wait -1", "0 to 3600 s"),
            ("sensors --wait nan", "0 to 3600 s"),
            ("sensors --wait long", "not a number"),
            ("sensors --vitals --long", "--vitals goes with"),
            ("sensors --vitals --groups cpu", "--vitals goes with"),
            ("watch --sensors", "--sensors"),
            ("watch --streams vitals --sensors cpu", "--sensors belongs to samples"),
            ("watch --groups cpu", "--groups belongs to --sensors"),
            ("watch --sensors * --groups weather", "no group is like"),
        ] {
            assert_named(line, expected);
        }
    }

    fn assert_named(line: &str, expected: &str) {
        let error = parsed(line).unwrap_err();
        assert!(error.contains(expected) && error.contains("--help"), "{line}: {error}");
    }

    #[test]
    fn mistakes_about_loads_are_named() {
        for (line, expected) in [
            ("bench --for 2", "3 to 600"),
            ("bench --rate 1", "25 to 1000"),
            ("bench word", "word"),
            ("stress --cpu 0", "from 1 to 256"),
            ("stress --share 101", "from 1 to 100"),
            ("stress --memory 1T", "such as 512M"),
            ("stress --events 1e9", "from 1 to 20000"),
            ("stress --for 0", "from 1 to 3600"),
        ] {
            assert_named(line, expected);
        }
    }

    #[test]
    fn mistakes_about_events_are_named() {
        for (line, expected) in [
            ("submit", "what is the event?"),
            ("submit --data 1", "--topic"),
            ("submit --topic t --data {", "JSON"),
            ("submit --topic t --data 1 --text x", "--text"),
            ("submit - --topic t", "-"),
            ("submit --topic t --client c", "--number"),
            ("submit --topic t --number 1", "--client"),
            ("submit --topic t --ack sure", "received, durable or synced"),
            ("submit --type novelty", "novelty"),
            ("submit --type state_change", "--state"),
            ("submit --type notification", "--hook"),
            ("submit --type session_start --topic t", "--topic"),
            ("submit --topic t --session x", "--session"),
            ("submit other", "other"),
        ] {
            assert_named(line, expected);
        }
    }

    #[test]
    fn mistakes_about_the_dashboard_are_named() {
        for (line, expected) in [
            ("top --json --rate 3", "0.1 to 2"),
            ("top --rate 1001", "0.1 to 1000"),
            ("top --symbols dots", "braille, block or ascii"),
            ("top --theme sky", "themes are drum, paper"),
            ("top --color yes", "auto, always or never"),
            ("top --count 0", "from 1 on"),
            ("top --topic t", "--topic"),
        ] {
            assert_named(line, expected);
        }
    }

    #[test]
    fn mistakes_about_recordings_are_named() {
        for (line, expected) in [
            ("record", "into which file?"),
            ("record a b", "\"b\""),
            ("record a --for 1d", "30s, 10m"),
            ("record a --for 0s", "longer than 0"),
            ("record a --streams vitals --topic x", "--topic belongs to events"),
            ("record a --streams vitals --groups cpu", "--groups belongs to samples"),
            ("record a --rate 0", "0.1 to 1000"),
            ("replay", "which recording?"),
            ("replay a --speed 0", "0.001 to 1000000"),
            ("replay a --speed fast", "not max"),
            ("replay a --from 2s --to 1s", "--to lies behind --from"),
            ("replay a --serve /d --json", "without --json"),
            ("export a", "as what?"),
            ("export --csv", "which recording?"),
            ("export a --csv --svg", "one of --csv"),
            ("export a --csv --fields warmth", "no such field"),
        ] {
            assert_named(line, expected);
        }
    }

    #[test]
    fn help_and_version_are_said() {
        assert_eq!(parsed("--help").unwrap_err(), HELP);
        assert_eq!(parsed("help").unwrap_err(), HELP);
        assert!(parsed("--version").unwrap_err().starts_with("kymo 0."));
        for command in [
            "", "get", "watch", "top", "record", "dump", "replay", "export", "submit", "toggle",
            "status", "sensors", "metrics", "ping", "doctor", "bench", "stress", "service",
            "reload", "quit",
        ] {
            let text = parsed(&format!("{command} -h")).unwrap_err();
            assert!(text.starts_with("kymo"), "{text}");
            assert!(text.lines().count() <= 40, "{text}");
            assert!(text.lines().all(|line| line.len() <= 80), "{text}");
            assert!(text.contains("\nexample"), "{text}");
        }
    }
}
