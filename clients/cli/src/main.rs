#![forbid(unsafe_code)]
//! kymo on the command line: an ordinary subscriber.
//!
//! Exit codes: 0 done, also when nobody reads any more; 1 failed; 2 usage; 69 no daemon where one
//! was asked for.

mod args;
mod block;
mod clean;
mod failure;
mod frames;
mod lines;
mod link;
mod rates;
mod screen;
mod terminal;
mod units;
mod watch;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use args::Command;
use failure::Failure;

fn main() -> ExitCode {
    let outcome = match args::parse() {
        Ok(Command::Watch(options)) => watch::watch(&options),
        Ok(Command::Say(text)) => {
            // Nobody may be listening, as in `kymo --help | head -1`.
            let _ = io::stdout().write_all(text.as_bytes());
            Ok(())
        }
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

/// A line on standard error. When nobody reads it, so be it.
fn tell(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "kymo: {text}");
}
