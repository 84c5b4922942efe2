//! `kymo bench`: this machine's figures beside those of a bare socket.

mod bare;
mod spread;
mod way;

use std::time::Duration;

use crate::args::Bench;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::say;
use crate::value::Value;
use spread::{Pairs, Spread};

/// Pairs of each part.
const ROUNDS: u32 = 5;

/// Parts, and sides that take turns in each.
const TURNS: u32 = 3 * 2 * ROUNDS;

/// What the measurements are made of.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One line of the table.
#[derive(Debug)]
struct Row {
    /// Key in JSON.
    key: &'static str,
    /// For people.
    what: &'static str,
    unit: &'static str,
    kymo: f64,
    /// The bare socket's, and the ratio to it; `None` where it has no such thing.
    bare: Option<(f64, Spread)>,
}

/// Measures, and prints what was measured.
///
/// # Errors
///
/// When this process can't have the threads and sockets it takes.
pub fn bench(options: &Bench) -> Result<(), Failure> {
    let rows = measure(options)
        .map_err(|error| Failure::new(format!("can't measure on this machine: {error}")))?;
    say(&if options.json { object(&rows, options) + "\n" } else { table(&rows) })
}

fn measure(options: &Bench) -> Outcome<Vec<Row>> {
    let progress = Progress::new();
    let turn = options.span / TURNS;
    let period = Duration::from_secs(1_000) / options.rate_mhz;
    let mut done = 0;
    let mut count = |what: &str| {
        progress.show(f64::from(done) / f64::from(TURNS), what);
        done += 2;
    };
    let events = Pairs::take(
        ROUNDS,
        || count("events"),
        || way::events(turn, period),
        || bare::events(turn, period),
    )?;
    let ticks = Pairs::take(
        ROUNDS,
        || count("ticks"),
        || way::ticks(turn, period),
        || bare::ticks(turn, period),
    )?;
    let flood =
        Pairs::take(ROUNDS, || count("throughput"), || way::flood(turn), || bare::flood(turn))?;
    let beside = |pairs: &Pairs, figure, key, what, unit| {
        let bare = Some((pairs.bare(figure), pairs.ratio(figure)));
        Row { key, what, unit, kymo: pairs.kymo(figure), bare }
    };
    Ok(vec![
        beside(&events, 0, "event_late_p50_us", "event, p50", "µs"),
        beside(&events, 1, "event_late_p99_us", "event, p99", "µs"),
        beside(&ticks, 0, "tick_off_p50_us", "tick, off by, p50", "µs"),
        beside(&ticks, 1, "tick_off_p99_us", "tick, off by, p99", "µs"),
        beside(&flood, 0, "events_per_s", "throughput", "/s"),
        Row {
            key: "events_lost_percent",
            what: "lost, and told",
            unit: "%",
            kymo: flood.kymo(1),
            bare: None,
        },
    ])
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("{:20}{:>14}{:>14}   ratio\n", "", "kymo", "bare socket");
    for Row { what, unit, kymo, bare, .. } in rows {
        let kymo = figure(*kymo, unit);
        let line = match bare {
            None => format!("{what:20}{kymo:>14}"),
            Some((bare, Spread { low, median, high })) => {
                let bare = figure(*bare, unit);
                let [low, median, high] = [*low, *median, *high].map(ratio);
                format!("{what:20}{kymo:>14}{bare:>14}   {median} ({low} to {high})")
            }
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// As many digits as mean something.
fn figure(value: f64, unit: &str) -> String {
    match value {
        1e6.. => format!("{:.2} M{unit}", value / 1e6),
        1e4.. => format!("{:.0} k{unit}", value / 1e3),
        100.0.. => format!("{value:.0} {unit}"),
        10.0.. => format!("{value:.1} {unit}"),
        _ => format!("{value:.2} {unit}"),
    }
}

/// The same of a ratio.
fn ratio(value: f64) -> String {
    match value {
        ..0.1 => format!("{value:.4}"),
        _ => format!("{value:.2}"),
    }
}

fn object(rows: &[Row], options: &Bench) -> String {
    let number = |value: f64| match value.is_finite() {
        true => Value::Plain(format!("{value:.4}")),
        false => Value::Null,
    };
    let rows = rows.iter().map(|row| {
        let ratio = row.bare.as_ref().map(|(_, ratio)| ratio);
        let beside = [
            ("kymo", number(row.kymo)),
            ("bare", Value::maybe(row.bare.as_ref().map(|(bare, _)| number(*bare)))),
            ("ratio", Value::maybe(ratio.map(|ratio| number(ratio.median)))),
            ("ratio_low", Value::maybe(ratio.map(|ratio| number(ratio.low)))),
            ("ratio_high", Value::maybe(ratio.map(|ratio| number(ratio.high)))),
        ];
        (row.key, Value::object(beside))
    });
    let start = [
        ("type", Value::Text("bench".into())),
        ("kymo", Value::Text(env!("CARGO_PKG_VERSION").into())),
        ("rate_hz", Value::Plain(format!("{}", f64::from(options.rate_mhz) / 1000.0))),
        ("rounds", Value::plain(ROUNDS)),
    ];
    Value::object(start.into_iter().chain(rows)).json()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let ratio = Spread { low: 1.25, median: 1.5, high: 2.0 };
        let small = Spread { low: 0.025, median: 0.05, high: 0.1 };
        let row = |key, what, unit, kymo, bare| Row { key, what, unit, kymo, bare };
        vec![
            row("event_late_p50_us", "event, p50", "µs", 41.25, Some((27.5, ratio))),
            row("events_per_s", "throughput", "/s", 3_270_000.0, Some((f64::NAN, small))),
            row("events_lost_percent", "lost, and told", "%", 0.0, None),
        ]
    }

    #[test]
    fn a_table_has_a_line_for_each_figure() {
        assert_eq!(
            table(&rows()),
            "                              kymo   bare socket   ratio\n\
             event, p50                 41.2 µs       27.5 µs   1.50 (1.25 to 2.00)\n\
             throughput                3.27 M/s        NaN /s   0.0500 (0.0250 to 0.10)\n\
             lost, and told              0.00 %\n"
        );
    }

    #[test]
    fn what_is_no_number_is_null() {
        let options = Bench { span: Duration::from_secs(3), rate_mhz: 62_500, json: true };
        let text = object(&rows(), &options);
        let object = Value::parse(&text).unwrap();
        let figure = |key: &str, name: &str| object.get(key).unwrap().get(name).unwrap().json();
        assert_eq!(object.get("rate_hz").unwrap().json(), "62.5");
        assert_eq!(figure("event_late_p50_us", "kymo"), "41.2500");
        assert_eq!(figure("event_late_p50_us", "ratio_high"), "2.0000");
        assert_eq!(figure("events_per_s", "bare"), "null");
        assert_eq!(figure("events_lost_percent", "ratio"), "null");
    }
}
