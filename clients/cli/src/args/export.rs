//! Options of `kymo export`.

use std::path::PathBuf;
use std::time::Duration;

use kymo_protocol::Field;
use lexopt::{Arg, Error, Parser, ValueExt};

use super::Command;
use super::get::field;
use crate::sensor_filter::SensorFilter;
use crate::units::parse_span;

const HELP: &str = "\
kymo export: a recording as a table, as JSON Lines or as a picture

usage: kymo export FILE --csv|--json|--svg [options]

  --csv       a table (RFC 4180) with a row for each frame of vitals or samples;
              what was not read is empty
  --json      the same rows as JSON Lines; what was not read is null
  --svg       a plot, light or dark as its viewer is: minimum and maximum of
              each moment, and gaps where nothing is known
  --fields F  only these of the vitals, such as cpu_usage,load (default: all;
              in a plot the usual ones)
  --sensors G sensors whose name, label, group or identity is like G, such as
              'hw.temp*'; more of them show more (default: in a table all,
              or none beside --fields; in a plot none)
  --from T    begin T after its beginning, such as 10s or 2m
  --to T      end T after its beginning
  --help      print this

Bytes since boot are plotted as bytes per second, over the second before. Events
and processes are no columns; kymo replay --json --speed max prints them.
What is damaged is named on standard error, and the exit code is 1 then; the
rest is exported.

example: kymo export crash.kymo --svg --fields cpu_usage,temperature > crash.svg
";

/// As what to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A table.
    Csv,
    /// JSON Lines.
    Json,
    /// A plot.
    Svg,
}

/// Options of `kymo export`.
#[derive(Debug, PartialEq)]
pub struct Export {
    /// The file.
    pub path: PathBuf,
    /// As what.
    pub form: Form,
    /// `--fields`; `None` when none were named
    pub fields: Option<Vec<Field>>,
    /// `--sensors`; `None` when none were named
    pub sensors: Option<SensorFilter>,
    /// `--from`
    pub from: Duration,
    /// `--to`
    pub to: Option<Duration>,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let (mut path, mut form, mut fields, mut sensors) = (None, None, None, None);
    let (mut from, mut to) = (Duration::ZERO, None);
    while let Some(arg) = parser.next()? {
        let asked = match arg {
            Arg::Long("csv") => Some(Form::Csv),
            Arg::Long("json") => Some(Form::Json),
            Arg::Long("svg") => Some(Form::Svg),
            _ => None,
        };
        if form.is_some() && asked.is_some() {
            return Err("one of --csv, --json and --svg".into());
        }
        form = form.or(asked);
        match arg {
            Arg::Value(name) if path.is_none() => path = Some(name.into()),
            Arg::Long("csv" | "json" | "svg") => {}
            Arg::Long("fields") => fields = Some(parser.value()?.parse_with(parse_fields)?),
            Arg::Long("sensors") => {
                let filter: &mut SensorFilter = sensors.get_or_insert_default();
                filter.push(&parser.value()?.string()?)?;
            }
            Arg::Long("from") => from = parser.value()?.parse_with(parse_span)?,
            Arg::Long("to") => to = Some(parser.value()?.parse_with(parse_span)?),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            _ => return Err(arg.unexpected()),
        }
    }
    let path = path.ok_or("which recording?")?;
    let form = form.ok_or("as what? --csv, --json or --svg")?;
    if to.is_some_and(|to| to <= from) {
        return Err("--to lies behind --from".into());
    }
    Ok(Command::Export(Export { path, form, fields, sensors, from, to }))
}

fn parse_fields(text: &str) -> Result<Vec<Field>, String> {
    text.split(',').map(|name| field(name.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn options_are_understood() {
        let line = "export a.kymo --svg --fields cpu_usage,load --sensors cpu --from 1s --to 2s";
        let Ok(Command::Export(options)) = parsed(line) else { panic!() };
        assert_eq!((options.path, options.form), ("a.kymo".into(), Form::Svg));
        assert_eq!(options.fields, Some(vec![Field::CpuUsage, Field::Load]));
        assert!(options.sensors.is_some());
        assert_eq!((options.from.as_secs(), options.to.unwrap().as_secs()), (1, 2));
        let Ok(Command::Export(options)) = parsed("export --csv a") else { panic!() };
        assert_eq!((options.fields, options.sensors), (None, None));
    }
}
