//! What every program does around its measurement.

use std::process::ExitCode;

use crate::Outcome;
use crate::args::{Args, HELP};
use crate::row::Row;

/// Takes the rows of a program, and prints each as soon as it is known.
#[derive(Debug)]
pub struct Report {
    json: bool,
    missed: usize,
}

impl Report {
    /// A finished row.
    pub fn row(&mut self, row: &Row) {
        self.missed += usize::from(row.is_missed());
        if self.json {
            println!("{}", row.to_json());
        } else {
            println!("{row}");
        }
    }

    /// Something to know about the run.
    pub fn remark(&self, text: &str) {
        eprintln!("{text}");
    }
}

/// Runs a program that answers `question`. The exit code is 1 when it could not, or when a must was
/// missed and that was asked for.
#[must_use]
pub fn run(question: &str, body: fn(&Args, &mut Report) -> Outcome<()>) -> ExitCode {
    let args = match Args::parse() {
        Ok(args) if args.help => {
            print!("{question}\n\n{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(args) => args,
        Err(error) => {
            eprintln!("{error}; see --help");
            return ExitCode::from(2);
        }
    };
    let mut report = Report { json: args.json, missed: 0 };
    match body(&args, &mut report) {
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
        Ok(()) if args.gate && report.missed > 0 => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
    }
}
