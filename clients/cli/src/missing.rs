//! Which sensors have no value, why, and what would give them one.

use std::fmt::Write;
use std::time::Duration;

use kymo_client::{Cost, Group, Sensor, State};

use crate::readings::Reading;
use crate::sensor_table::label;

/// Sensors that are named, of each reason.
const NAMED_MAX: usize = 6;

/// A reason, what it is called, and what it means.
struct Reason {
    title: &'static str,
    advice: String,
    /// What it is true of.
    is_of: fn(&Sensor, State) -> bool,
}

/// Why some sensors have no value.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    /// What the reason is called.
    pub title: &'static str,
    /// What it means, and what would give them one.
    pub advice: String,
    /// How many there are in which group.
    pub groups: Vec<(Group, usize)>,
}

/// Each reason that occurs, for those who are not told which sensors there are.
pub fn counted(rows: &[(&Sensor, Reading)], waited: Duration) -> Vec<Counted> {
    let of = |reason: Reason| {
        let count = |group: Group| {
            let is_of = |(sensor, reading): &&(&Sensor, Reading)| {
                sensor.group == group && (reason.is_of)(sensor, reading.state)
            };
            (group, rows.iter().filter(is_of).count())
        };
        let groups: Vec<_> =
            Group::ALL.into_iter().map(count).filter(|(_, count)| *count > 0).collect();
        let advice = reason.advice.split_whitespace().collect::<Vec<_>>().join(" ");
        (!groups.is_empty()).then_some(Counted { title: reason.title, advice, groups })
    };
    reasons(waited).into_iter().filter_map(of).collect()
}

/// A paragraph for what has no value; empty when all have one. `waited` is how long values were
/// waited for; `omitted` is how many sensors are in no catalog.
pub fn missing(rows: &[(&Sensor, Reading)], waited: Duration, omitted: u32) -> String {
    let mut text = String::new();
    for reason in reasons(waited) {
        let is_of = |(sensor, reading): &&(&Sensor, Reading)| (reason.is_of)(sensor, reading.state);
        let names: Vec<String> =
            rows.iter().filter(is_of).map(|(sensor, _)| in_group(sensor)).collect();
        if names.is_empty() {
            continue;
        }
        let more = names.len().saturating_sub(NAMED_MAX);
        let mut list = names[..names.len() - more].join(", ");
        if more > 0 {
            let _ = write!(list, " and {more} more");
        }
        let _ = writeln!(text, "  {}: {list}", reason.title);
        let _ = writeln!(text, "    {}", reason.advice);
    }
    if !text.is_empty() {
        text.insert_str(0, "\nmissing\n");
    }
    if omitted > 0 {
        let _ = writeln!(text, "\ntruncated: the daemon has no room for {omitted} more sensors");
    }
    text
}

fn reasons(waited: Duration) -> [Reason; 9] {
    let reason = |title, advice: &str, is_of| Reason { title, advice: advice.into(), is_of };
    let waited = waited.as_secs_f64();
    [
        reason(
            "no permission",
            "energy counters are root's alone: give kymod CAP_DAC_READ_SEARCH, or let its group \
             read\n    energy_uj with a udev rule; kymo's docs/SETTINGS.md has both",
            |sensor, state| state == State::Denied && is_energy(sensor),
        ),
        reason(
            "no permission",
            "the system does not let kymod's user read them; root may, and so may who has \
             CAP_DAC_READ_SEARCH",
            |sensor, state| {
                state == State::Denied && !is_energy(sensor) && sensor.cost != Cost::Harmful
            },
        ),
        reason(
            "harmful",
            "reading disturbs the device or the machine; `harmful = true` under [sensors] in \
             kymo.toml allows it",
            |sensor, state| state == State::Denied && sensor.cost == Cost::Harmful,
        ),
        reason("asleep", "reading would wake the device; use it, and it is read", |_, state| {
            state == State::Asleep
        }),
        reason("gated", "a part without power; it is read when it has some", |_, state| {
            state == State::Gated
        }),
        reason(
            "fault",
            "the device answered with an error, with what can't be true or with no number; or it\
             \n    says itself that it is broken; or what should be a file is none",
            |_, state| state == State::Fault,
        ),
        reason(
            "absent",
            "this machine has no such limit or controller (those of cgroup v1 are not read)",
            |sensor, state| state == State::Absent && sensor.group == Group::Cgroup,
        ),
        reason(
            "absent",
            "this machine has no such thing, or it is switched off",
            |sensor, state| state == State::Absent && sensor.group != Group::Cgroup,
        ),
        Reason {
            title: "pending",
            advice: format!("nothing came within {waited} s; --wait gives them longer"),
            is_of: |_, state| state == State::Pending,
        },
    ]
}

fn is_energy(sensor: &Sensor) -> bool {
    sensor.group == Group::Power && sensor.name == "hw.energy"
}

fn in_group(sensor: &Sensor) -> String {
    format!("{}/{}", sensor.group.name(), label(sensor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readings::Readings;
    use crate::readings::tests::{catalog, feed, fields};

    fn sensor(group: Group, name: &str, label: &str) -> Sensor {
        let mut readings = Readings::default();
        feed(&mut readings, &catalog(1, &[fields(1)]));
        let known = readings.catalog().sensors()[0].clone();
        Sensor { group, name: name.into(), label: label.into(), ..known }
    }

    fn told(rows: &[(&Sensor, State)], omitted: u32) -> String {
        let reading = |state| Reading { state, value: None, age_ms: 0 };
        let rows: Vec<(&Sensor, Reading)> =
            rows.iter().map(|(sensor, state)| (*sensor, reading(*state))).collect();
        missing(&rows, Duration::from_secs(2), omitted)
    }

    #[test]
    fn each_state_without_a_value_has_its_reason() {
        let one = sensor(Group::Cpu, "x", "one\u{1b}[2J");
        for state in State::ALL {
            let text = told(&[(&one, state)], 0);
            assert_eq!(text.is_empty(), state.has_value(), "{state:?}: {text}");
            assert!(text.is_empty() || text.contains(": cpu/one�[2J\n    "), "{text}");
        }
        assert!(told(&[(&one, State::Pending)], 0).contains("within 2 s"));
        assert_eq!(told(&[(&one, State::Ok)], 0), "");
    }

    #[test]
    fn who_may_not_read_energy_is_told_what_helps() {
        let energy = sensor(Group::Power, "hw.energy", "package-0");
        let disk = sensor(Group::Filesystem, "system.filesystem.usage", "/mnt used");
        let text = told(&[(&energy, State::Denied), (&disk, State::Denied)], 0);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1..3], ["missing", "  no permission: power/package-0"]);
        assert!(lines[3].contains("CAP_DAC_READ_SEARCH") && lines[4].contains("udev"), "{text}");
        assert_eq!(lines[5], "  no permission: filesystem//mnt used");
        assert!(!lines[6].contains("energy"), "{text}");
    }

    #[test]
    fn groups_are_counted_by_reason() {
        let cpu = sensor(Group::Cpu, "x", "one");
        let energy = sensor(Group::Power, "hw.energy", "package-0");
        let told = [(&cpu, State::Absent), (&cpu, State::Absent), (&cpu, State::Ok)];
        let told = told.into_iter().chain([(&energy, State::Denied), (&energy, State::Absent)]);
        let reading = |state| Reading { state, value: None, age_ms: 0 };
        let rows: Vec<_> = told.map(|(sensor, state)| (sensor, reading(state))).collect();
        let counted = counted(&rows, Duration::from_secs(2));
        assert_eq!(counted.len(), 2);
        assert_eq!(counted[0].groups, [(Group::Power, 1)]);
        assert!(counted[0].advice.contains("udev") && !counted[0].advice.contains("  "));
        assert_eq!(counted[1].title, "absent");
        assert_eq!(counted[1].groups, [(Group::Cpu, 2), (Group::Power, 1)]);
    }

    #[test]
    fn many_are_counted() {
        let one = sensor(Group::Cpu, "x", "one");
        let text = told(&[(&one, State::Absent); 9], 12);
        assert_eq!(text.matches("cpu/one").count(), NAMED_MAX);
        assert!(text.contains(" and 3 more\n"), "{text}");
        assert!(text.ends_with("\ntruncated: the daemon has no room for 12 more sensors\n"));
        assert_eq!(told(&[], 1).lines().count(), 2);
    }
}
