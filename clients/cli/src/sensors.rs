//! `kymo sensors`: the catalog, and one value of every sensor.
//!
//! It takes what comes until every sensor has a value or a reason to have none and no more sensors
//! appear, and no longer than it was told to wait.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kymo_client::{
    Group, Item, Sensor, Settings, State, StreamId, Streams, Subscriber, directories,
};
use kymo_protocol::Groups;

use crate::args::Sensors;
use crate::clean::clean_json;
use crate::failure::Failure;
use crate::missing::missing;
use crate::readings::{Change, Reading, Readings};
use crate::sensor_json::{members, timestamp};
use crate::sensor_table::sensor_table;
use crate::{link, say};

/// As fast as the first values of a pair are wanted; a source is read at its own pace.
const RATE_MHZ: u32 = 10_000;

/// A daemon that knows its sensors tells them within this.
const CATALOG_TIME: Duration = Duration::from_secs(2);

/// When no sensors have appeared for so long, none are waited for. Those of slow buses come later
/// than the others.
const QUIET_TIME: Duration = Duration::from_millis(500);

/// Prints what the sensors are and what they read.
///
/// # Errors
///
/// The [`Failure`] that it came to.
pub fn sensors(options: &Sensors) -> Result<(), Failure> {
    let settings = settings("kymo sensors", options.directory.as_deref(), options.groups.clone());
    let mut subscriber = Subscriber::connect(settings)?;
    let groups = options.wanted();
    let readings = collect(&mut subscriber, groups, options.wait)?;
    let rows = rows(&readings, groups);
    if options.json {
        let wall_ns = match readings.newest_ns() {
            0 => now_ns(),
            newest_ns => subscriber.clock().wall_at(newest_ns),
        };
        let text = object(&readings, &rows, wall_ns);
        return say(&match io::stdout().is_terminal() {
            true => text.lines().map(|line| clean_json(line) + "\n").collect(),
            false => text,
        });
    }
    let table = match rows.is_empty() {
        true => "no sensors\n".into(),
        false => sensor_table(&rows, options.long),
    };
    let empty = without_sensors(&rows, groups);
    say(&(table + &missing(&rows, options.wait, readings.catalog().omitted()) + &empty))
}

/// How to subscribe to samples for a look at each.
pub fn settings(name: &str, directory: Option<&Path>, groups: Vec<String>) -> Settings {
    Settings {
        name: name.into(),
        streams: Streams::default().with(StreamId::SAMPLES),
        rate_mhz: RATE_MHZ,
        groups,
        ..Settings::in_directories(directories(directory))
    }
}

/// Names the groups that have no sensor at all.
fn without_sensors(rows: &[(&Sensor, Reading)], groups: Groups) -> String {
    let is_empty = |group: &Group| {
        groups.contains(*group) && rows.iter().all(|(sensor, _)| sensor.group != *group)
    };
    let names: Vec<&str> = Group::ALL.into_iter().filter(is_empty).map(Group::name).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            "\nno sensors of {}\n  the system shows the daemon no such device: \
             docs/PLATFORM.md names the files they are looked for in\n",
            names.join(", ")
        ),
    }
}

fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Takes what comes until that is all, or time is up.
///
/// # Errors
///
/// When the daemon goes, or knows of no sensors.
pub fn collect(
    subscriber: &mut Subscriber,
    groups: Groups,
    wait: Duration,
) -> Result<Readings, Failure> {
    let mut readings = Readings::default();
    let start = Instant::now();
    let mut changed_at = start;
    loop {
        match subscriber.poll_next()? {
            Poll::Ready(Item::Lost(why)) => {
                return Err(Failure::new(format!("lost the daemon: {why}")));
            }
            Poll::Ready(item) => {
                if readings.handle(&item) == Change::Catalog {
                    changed_at = Instant::now();
                }
            }
            Poll::Pending => {
                if let Some(error) = subscriber.last_error() {
                    return Err(Failure::of_client(error));
                }
                let until = end(&readings, groups, start, changed_at, wait);
                if Instant::now() >= until {
                    break;
                }
                link::wait_until(subscriber, until)
                    .map_err(|error| Failure::new(format!("can't wait: {error}")))?;
            }
        }
    }
    match readings.catalog().topology() {
        Some(_) => Ok(readings),
        None => Err(Failure::new("the daemon tells of no sensors")),
    }
}

/// When to wait no longer, as things stand.
fn end(
    readings: &Readings,
    groups: Groups,
    start: Instant,
    changed_at: Instant,
    wait: Duration,
) -> Instant {
    if readings.catalog().topology().is_none() {
        return start + wait.max(CATALOG_TIME);
    }
    let is_settled = rows(readings, groups).iter().all(|(_, r)| r.state != State::Pending);
    let quiet = if is_settled { QUIET_TIME } else { wait };
    (start + wait).min(changed_at + quiet)
}

fn rows(readings: &Readings, groups: Groups) -> Vec<(&Sensor, Reading)> {
    readings.all().filter(|(sensor, _)| groups.contains(sensor.group)).collect()
}

/// One JSON object, in which each sensor has a line of its own.
fn object(readings: &Readings, rows: &[(&Sensor, Reading)], wall_ns: u64) -> String {
    let catalog = readings.catalog();
    let sensors = rows.iter().map(|(sensor, reading)| format!("{{{}}}", members(sensor, *reading)));
    format!(
        "{{\"type\":\"sensors\",\"timestamp\":{},\"topology\":{},\"omitted\":{},\
         \"sensors\":[\n{}\n]}}\n",
        timestamp(wall_ns),
        catalog.topology().unwrap_or(0),
        catalog.omitted(),
        sensors.collect::<Vec<_>>().join(",\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readings::tests::{catalog, feed, fields, samples};

    const WAIT: Duration = Duration::from_secs(5);

    #[test]
    fn it_waits_for_what_is_pending_and_not_longer() {
        let mut readings = Readings::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let until = |readings: &Readings, wait| end(readings, Groups::ALL, start, at(100), wait);
        assert_eq!(until(&readings, Duration::ZERO), start + CATALOG_TIME);
        feed(&mut readings, &catalog(1, &[1, 2].map(fields)));
        assert_eq!(until(&readings, WAIT), start + WAIT, "nothing has a value");
        assert_eq!(until(&readings, Duration::ZERO), start);
        let told = [(1, State::Ok, 0, 1.0), (2, State::Pending, 0, 0.0)];
        feed(&mut readings, &samples(1, 1, &told));
        assert_eq!(until(&readings, WAIT), start + WAIT, "one has none yet");
        feed(&mut readings, &samples(1, 1, &[(2, State::Denied, 0, 0.0)]));
        assert_eq!(until(&readings, WAIT), at(100) + QUIET_TIME);
    }

    #[test]
    fn only_wanted_groups_are_shown_and_waited_for() {
        let mut readings = Readings::default();
        feed(&mut readings, &catalog(1, &[fields(1)]));
        assert_eq!(rows(&readings, Groups::wanted(b"hw*\n")).len(), 1);
        assert_eq!(rows(&readings, Groups::wanted(b"cpu\n")).len(), 0);
        let start = Instant::now();
        let until = end(&readings, Groups::wanted(b"cpu\n"), start, start, WAIT);
        assert_eq!(until, start + QUIET_TIME);
    }

    #[test]
    fn the_object_has_all_of_it() {
        let mut readings = Readings::default();
        feed(&mut readings, &catalog(4, &[1, 2].map(fields)));
        let text = object(&readings, &rows(&readings, Groups::ALL), 1_500_000);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value["type"], &value["topology"]), (&"sensors".into(), &4.into()));
        assert_eq!(value["omitted"], 0);
        assert_eq!(value["sensors"].as_array().unwrap().len(), 2);
        assert_eq!(text.lines().count(), 4);
        let empty = object(&readings, &[], 0);
        assert!(serde_json::from_str::<serde_json::Value>(&empty).is_ok(), "{empty}");
    }

    #[test]
    fn groups_without_a_sensor_are_named() {
        let mut readings = Readings::default();
        feed(&mut readings, &catalog(1, &[fields(1)]));
        let all = rows(&readings, Groups::ALL);
        assert!(
            without_sensors(&all, Groups::wanted(b"cpu\nhwmon\ngpu\n")).contains("of cpu, gpu\n")
        );
        assert_eq!(without_sensors(&all, Groups::wanted(b"hwmon\n")), "");
    }
}
