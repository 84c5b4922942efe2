//! A recording as rows: CSV as RFC 4180 has it, or JSON Lines.

use std::io::{self, Write};

use kymo_protocol::Body;

use super::columns::{Cell, Columns};
use super::stopped;
use super::walk::{Moment, Seen, walk};
use crate::args::{Export, Form};
use crate::failure::Failure;
use crate::quote::quote;
use crate::sensor_json::timestamp;

/// Writes it. What can't be written ends it; what is lost of the recording is told at the end.
///
/// # Errors
///
/// As said; with an empty text when nobody reads it any more.
pub fn write(output: &mut impl Write, options: &Export, columns: &Columns) -> Result<(), Failure> {
    let places: Vec<usize> =
        (0..columns.list().len()).filter(|place| columns.has(&columns.list()[*place])).collect();
    if options.form == Form::Csv {
        let heads = places.iter().map(|place| escaped(&columns.list()[*place].name));
        let heads: String = heads.map(|head| format!(",{head}")).collect();
        write!(output, "timestamp,seconds{heads}\r\n").map_err(|error| stopped(&error))?;
    }
    let mut row = vec![None; columns.list().len()];
    walk(options, true, &mut |seen| {
        let Seen::Frame(frame, catalog, moment) = seen else { return Ok(()) };
        row.fill(None);
        match frame.body {
            Body::Vitals(vitals) => {
                columns.of_vitals(vitals).for_each(|(place, cell)| row[place] = Some(cell));
            }
            Body::Samples(samples) => columns
                .of_samples(catalog, samples)
                .for_each(|(place, cell, _)| row[place] = Some(cell)),
            _ => {}
        }
        // None of the columns is told by this frame.
        if places.iter().all(|place| row[*place].is_none()) {
            return Ok(());
        }
        let written = match options.form {
            Form::Csv => csv(output, &places, &row, *moment),
            _ => json(output, columns, &places, &row, *moment),
        };
        written.map_err(|error| stopped(&error))
    })
}

fn csv(
    output: &mut impl Write,
    places: &[usize],
    row: &[Option<Cell>],
    moment: Moment,
) -> io::Result<()> {
    write!(output, "{},{}", timestamp(moment.wall_ns), timestamp(moment.elapsed_ns))?;
    for place in places {
        match row.get(*place).copied().flatten() {
            None | Some(Cell::Empty) => output.write_all(b",")?,
            Some(cell) => write!(output, ",{}", text(cell))?,
        }
    }
    output.write_all(b"\r\n")
}

fn json(
    output: &mut impl Write,
    columns: &Columns,
    places: &[usize],
    row: &[Option<Cell>],
    moment: Moment,
) -> io::Result<()> {
    let (wall, elapsed) = (timestamp(moment.wall_ns), timestamp(moment.elapsed_ns));
    write!(output, "{{\"timestamp\":{wall},\"seconds\":{elapsed}")?;
    for place in places {
        // What another frame tells is not null: it is not known to be unread.
        let Some(cell) = row.get(*place).copied().flatten() else { continue };
        let value = match cell {
            Cell::Empty => "null".into(),
            Cell::Word(word) => quote(word),
            cell => text(cell),
        };
        let name = columns.list().get(*place).map_or("", |column| column.name.as_str());
        write!(output, ",{}:{value}", quote(name))?;
    }
    output.write_all(b"}\n")
}

/// As many digits as lead back to the same number.
fn text(cell: Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Whole(value) => value.to_string(),
        Cell::Single(value) => value.to_string(),
        Cell::Double(value) => value.to_string(),
        Cell::Word(word) => word.into(),
    }
}

/// A head with its quotes, if it needs them.
fn escaped(name: &str) -> String {
    match name.contains(['"', ',', '\r', '\n']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_quoted_where_they_must_be() {
        assert_eq!(escaped("cpu_usage"), "cpu_usage");
        assert_eq!(escaped("disk/a,\"b\""), "\"disk/a,\"\"b\"\"\"");
    }

    #[test]
    fn numbers_lead_back_to_themselves() {
        for value in [0.1f32, 12.5, 1e-7, f32::MAX] {
            assert_eq!(text(Cell::Single(value)).parse(), Ok(value));
        }
        assert_eq!(text(Cell::Single(12.0)), "12");
        assert_eq!(text(Cell::Double(0.1 + 0.2)), "0.30000000000000004");
        assert_eq!(text(Cell::Whole(u64::MAX)), "18446744073709551615");
    }
}
