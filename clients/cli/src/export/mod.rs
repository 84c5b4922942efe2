//! `kymo export`: a recording as a table, as JSON Lines or as a plot.
//!
//! The file is read twice: first to find what columns there are and how long it is, then to write
//! them. So what is kept does not grow with the recording.

mod axis;
mod columns;
mod legend;
mod plot;
mod scale;
mod series;
mod svg;
mod table;
mod walk;

use std::io::{self, BufWriter, ErrorKind, Write};

use crate::args::{Export, Form};
use crate::failure::Failure;
use crate::tell;
use columns::Columns;
use walk::walk;

/// Prints a recording in another form.
///
/// # Errors
///
/// The [`Failure`] that ended it; also when something of the recording is lost, behind all that is
/// not.
pub fn export(options: &Export) -> Result<(), Failure> {
    let mut columns = Columns::new(options);
    // What is lost is told in the second pass.
    let surveyed = walk(options, false, &mut |seen| {
        columns.survey(seen);
        Ok(())
    });
    if columns.is_empty() {
        surveyed?;
        return Err(Failure::new("nothing of what was asked for is in the recording"));
    }
    let mut output = BufWriter::new(io::stdout());
    let written = match options.form {
        Form::Csv | Form::Json => table::write(&mut output, options, &columns),
        Form::Svg => plot::write(&mut output, options, &columns),
    };
    // Also behind a loss: the rest is there.
    let written = output.flush().map_err(|error| stopped(&error)).and(written);
    if written.as_ref().is_err_and(|failure| failure.text.is_empty()) {
        return Ok(());
    }
    if let Some(text) = columns.left_out() {
        tell(format_args!("{text}"));
    }
    written
}

/// What it means that standard output took no more; an empty text when nobody reads it.
fn stopped(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::new(""),
        _ => Failure::new(format!("standard output: {error}")),
    }
}

/// Day and time in UTC, as ISO 8601 has them but for the T.
fn date(wall_ns: u64) -> String {
    let seconds = wall_ns / 1_000_000_000;
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let days_of = |year: u64| if is_leap(year) { 366 } else { 365 };
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hours, minutes, seconds) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year}-{month:02}-{:02} {hours:02}:{minutes:02}:{seconds:02}", days + 1)
}

/// As the Gregorian calendar has it.
fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_700_000_000, "2023-11-14 22:13:20"),
            (4_107_542_399, "2100-02-28 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(date(seconds * 1_000_000_000), text);
        }
    }
}
