#![forbid(unsafe_code)]
//! kymo on the command line: an ordinary client.
//!
//! Exit codes: 0 done, also when nobody reads any more; 1 failed, or refused by the daemon; 2
//! usage; 69 no daemon where one was asked for; 77 there is one, but not for this user.

mod args;
mod ask;
mod bench;
mod block;
mod dashboard;
mod doctor;
mod dump;
mod event_text;
mod export;
mod failure;
mod frames;
mod get;
mod lines;
mod link;
mod missing;
mod process_block;
mod progress;
mod quantile;
mod quote;
mod readings;
mod record;
mod recording;
mod replay;
mod screen;
mod sensor_block;
mod sensor_filter;
mod sensor_json;
mod sensor_table;
mod sensors;
mod serve;
mod service;
mod stress;
mod submit;
mod table;
mod terminal;
mod token_file;
mod top;
mod value;
mod watch;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use args::Command;
use failure::Failure;
// What the dashboard shares with everything else that is shown.
use kymo_top::{clean, quantity, rates, units};

fn main() -> ExitCode {
    let outcome = match args::parse() {
        Ok(Command::Get(options)) => get::get(&options),
        Ok(Command::Watch(options)) => watch::watch(&options),
        Ok(Command::Top(options)) => top::top(&options),
        Ok(Command::Record(options)) => match options.last {
            Some(span) => dump::record_last(&options, span),
            None => record::record(&options),
        },
        Ok(Command::Dump(options)) => dump::dump(&options),
        Ok(Command::Replay(options)) => replay::replay(&options),
        Ok(Command::Export(options)) => export::export(&options),
        Ok(Command::Submit(options)) => submit::submit(&options),
        Ok(Command::Ask(options)) => ask::ask(&options),
        Ok(Command::Sensors(options)) => sensors::sensors(&options),
        Ok(Command::Ping(options)) => ask::ping(&options),
        Ok(Command::Doctor(options)) => doctor::doctor(&options),
        Ok(Command::Bench(options)) => bench::bench(&options),
        Ok(Command::Stress(options)) => stress::stress(&options),
        Ok(Command::Service(options)) => service::service(&options),
        Ok(Command::Say(text)) => say(&text),
        Err(text) => Err(Failure { code: failure::USAGE, text }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(format_args!("{}", failure.text));
            ExitCode::from(failure.code)
        }
    }
}

/// Prints text. When nobody reads it, as in `kymo --help | head -1`, so be it.
fn say(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A line on standard error. When nobody reads it, so be it.
fn tell(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "kymo: {text}");
}
