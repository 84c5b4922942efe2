//! How many sensors there are, and in which states.

use std::path::Path;
use std::time::Duration;

use kymo_client::{Error, Group, State, Subscriber};
use kymo_protocol::Groups;

use super::places::nameless;
use crate::failure::Failure;
use crate::link::embed;
use crate::missing::{Counted, counted};
use crate::readings::Readings;
use crate::sensors::{collect, settings};
use crate::value::Value;

/// Whose sensors were counted, how many in which group, and why some have no value: a daemon's;
/// where none answers and none was asked for, those of the library in this process.
pub fn sensors(directory: Option<&Path>, wait: Duration) -> [Value; 3] {
    match readings(directory, wait) {
        Ok((from, readings)) => {
            let omitted = Value::plain(readings.catalog().omitted());
            let told = [("from", Value::text(from)), ("omitted", omitted)];
            let rows: Vec<_> = readings.all().collect();
            let missing = counted(&rows, wait).into_iter().map(reason).collect();
            [Value::object(told), Value::List(groups(&readings)), Value::List(missing)]
        }
        Err(failure) => {
            let told = [("error", Value::text(nameless(&failure.text)))];
            [Value::object(told), Value::Null, Value::Null]
        }
    }
}

/// Which groups lack something, and not which sensors: their labels may be names of people's.
fn reason(counted: Counted) -> Value {
    let groups = counted.groups.iter();
    Value::object([
        ("reason", Value::text(counted.title)),
        ("groups", Value::object(groups.map(|(group, n)| (group.name(), Value::plain(n))))),
        ("advice", Value::text(counted.advice)),
    ])
}

fn readings(directory: Option<&Path>, wait: Duration) -> Result<(&'static str, Readings), Failure> {
    let settings = settings("kymo doctor", directory, Vec::new());
    let (from, mut subscriber) = match Subscriber::connect(settings.clone()) {
        Ok(subscriber) => ("daemon", subscriber),
        Err(Error::Unreachable { .. }) if directory.is_none() => {
            let stream =
                embed().map_err(|error| Failure::new(format!("can't sample here: {error}")))?;
            ("this process", Subscriber::over(stream, settings)?)
        }
        Err(error) => return Err(error.into()),
    };
    Ok((from, collect(&mut subscriber, Groups::ALL, wait)?))
}

/// For each group that has sensors their number, and how many are in each state that occurs.
fn groups(readings: &Readings) -> Vec<Value> {
    let of = |group: Group| {
        let states: Vec<State> = readings
            .all()
            .filter(|(sensor, _)| sensor.group == group)
            .map(|(_, reading)| reading.state)
            .collect();
        let count = |state: State| states.iter().filter(|found| **found == state).count();
        let mut members =
            vec![("group", Value::text(group.name())), ("sensors", Value::plain(states.len()))];
        members.extend(
            State::ALL
                .into_iter()
                .filter(|state| count(*state) > 0)
                .map(|state| (state.name(), Value::plain(count(state)))),
        );
        (!states.is_empty()).then(|| Value::object(members))
    };
    Group::ALL.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readings::tests::{catalog, feed, fields, samples};

    #[test]
    fn states_are_counted() {
        let mut readings = Readings::default();
        assert!(groups(&readings).is_empty());
        feed(&mut readings, &catalog(1, &[1, 2, 3].map(fields)));
        let told = [(1, State::Ok, 5, 1.5), (2, State::Denied, 0, 0.0), (3, State::Ok, 0, 2.0)];
        feed(&mut readings, &samples(1, 1000, &told));
        let told: Vec<String> = groups(&readings).iter().map(Value::json).collect();
        assert_eq!(told, ["{\"group\":\"hwmon\",\"sensors\":3,\"ok\":2,\"denied\":1}"]);
    }
}
