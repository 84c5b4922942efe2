#![forbid(unsafe_code)]
//! kymo on the command line: an ordinary client.
//!
//! Exit codes: 0 done, also when nobody reads any more; 1 failed, or refused by the daemon; 2
//! usage; 69 no daemon where one was asked for; 77 there is one, but not for this user.

mod args;
mod ask;
mod block;
mod clean;
mod doctor;
mod event_text;
mod failure;
mod frames;
mod get;
mod lines;
mod link;
mod missing;
mod process_block;
mod quantity;
mod quote;
mod rates;
mod readings;
mod screen;
mod sensor_block;
mod sensor_filter;
mod sensor_json;
mod sensor_table;
mod sensors;
mod submit;
mod table;
mod terminal;
mod token_file;
mod units;
mod value;
mod watch;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use args::Command;
use failure::Failure;

fn main() -> ExitCode {
    let outcome = match args::parse() {
        Ok(Command::Get(options)) => get::get(&options),
        Ok(Command::Watch(options)) => watch::watch(&options),
        Ok(Command::Submit(options)) => submit::submit(&options),
        Ok(Command::Ask(options)) => ask::ask(&options),
        Ok(Command::Sensors(options)) => sensors::sensors(&options),
        Ok(Command::Ping(options)) => ask::ping(&options),
        Ok(Command::Doctor(options)) => doctor::doctor(&options),
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
