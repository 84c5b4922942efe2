//! Which sensors have a value, why others have none, and whether their sources keep up.

use kymo_client::State;

use super::{Finding, count, list, look, member, number, ok, text, told, truth};
use crate::value::Value;

/// Beyond this a source is read less than half as often as it should be.
const STRETCH_MAX: f64 = 2.0;
/// Below this nobody sees the difference.
const STRETCH_MIN: f64 = 1.05;
/// Names that are told of sources, of each reason.
const NAMED_MAX: usize = 4;

/// What is told of sensors and of what they are read from.
pub fn findings(report: &Value) -> Vec<Finding> {
    let answers = member(report, "daemon").and_then(|daemon| truth(daemon, "answers"));
    let mut findings = Vec::new();
    let sensors = report.get("sensors");
    match sensors.and_then(|sensors| text(sensors, "error")) {
        // That there is no daemon is told already.
        Some(_) if answers != Some(true) => {
            findings.push(told("sensors", "not looked at: there is no daemon to ask"));
        }
        Some(error) => {
            let todo = "a line above may tell why; else ask again with --wait 10";
            findings.push(look("sensors", error, todo));
        }
        None => findings.extend(groups(list(report, "groups"))),
    }
    findings.extend(list(report, "missing").iter().filter_map(missing));
    if let Some(omitted) = sensors.and_then(|sensors| count(sensors, "omitted")).filter(|n| *n > 0)
    {
        let is = format!("{omitted} sensors are in no catalog: there is no room for more");
        let todo = "no setting gives more: report it with `kymo doctor --json`";
        findings.push(look("truncated", is, todo));
    }
    // Without anybody else it was this report that had everything read at once.
    let watched = member(report, "daemon").and_then(|daemon| count(daemon, "subscribers"));
    findings.extend(sources(list(report, "sources"), watched != Some(0)));
    findings
}

/// Those of which all sensors have values in one line, the others in another one.
fn groups(groups: &[Value]) -> Vec<Finding> {
    let (mut whole, mut partial) = (Vec::new(), Vec::new());
    for group in groups {
        let (Some(name), Some(all)) = (text(group, "group"), count(group, "sensors")) else {
            continue;
        };
        let of = |states: &[State]| -> Vec<(u64, &'static str)> {
            let counted = states.iter().map(|state| (state.name(), count(group, state.name())));
            counted.filter_map(|(name, count)| Some((count?, name))).collect()
        };
        let (with, without): (Vec<_>, Vec<_>) =
            State::ALL.into_iter().partition(|state| state.has_value());
        let without = of(&without);
        if without.is_empty() {
            whole.push(format!("{name} {all}"));
            continue;
        }
        let have: u64 = of(&with).iter().map(|(count, _)| count).sum();
        let why: Vec<String> =
            without.iter().map(|(count, state)| format!("{count} {state}")).collect();
        partial.push(format!("{name} {have} of {all} ({})", why.join(", ")));
    }
    if whole.is_empty() && partial.is_empty() {
        let todo = "in a container give it /proc and /sys; docs/PLATFORM.md names the files";
        return vec![look("sensors", "none at all: the system shows none", todo)];
    }
    let lines = [(ok as fn(_, _) -> _, "all read", whole), (told, "in part", partial)];
    let lines = lines.into_iter().filter(|(_, _, groups)| !groups.is_empty());
    lines.map(|(finding, what, groups)| finding(what, groups.join(", "))).collect()
}

/// Why some have no value, and what gives them one.
fn missing(reason: &Value) -> Option<Finding> {
    let Some(Value::Object(groups)) = reason.get("groups") else { return None };
    let groups: Vec<String> = groups
        .iter()
        .filter_map(|(name, count)| Some(format!("{name} {}", count.word()?)))
        .collect();
    let what = match text(reason, "reason")? {
        "no permission" => "denied",
        "harmful" => "harmful",
        "asleep" => "asleep",
        "gated" => "gated",
        "fault" => "fault",
        "pending" => "pending",
        _ => "absent",
    };
    Some(told(what, groups.join(", ")).with(text(reason, "advice")?))
}

fn sources(sources: &[Value], is_watched: bool) -> Vec<Finding> {
    let named = |of: &[&str]| {
        let more = of.len().saturating_sub(NAMED_MAX);
        let names = of[..of.len() - more].join(", ");
        if more > 0 { format!("{names} and {more} more") } else { names }
    };
    let held: Vec<&str> = sources
        .iter()
        .filter(|source| truth(source, "held") == Some(true))
        .filter_map(|source| text(source, "name"))
        .collect();
    let stretched: Vec<(&str, f64)> = sources
        .iter()
        .filter_map(|source| Some((text(source, "name")?, number(source, "stretch")?)))
        .filter(|(_, stretch)| *stretch >= STRETCH_MIN)
        .collect();
    let mut findings = Vec::new();
    if !held.is_empty() {
        let todo = "its device answers late or never, and the others are read all the same; the \
                    kernel's log may say why";
        findings.push(look("held", format!("a read does not end: {}", named(&held)), todo));
    }
    if let Some((_, most)) = stretched.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
        let names: Vec<&str> = stretched.iter().map(|(name, _)| *name).collect();
        let is = format!("read up to {most:.1} times as rarely as could be: {}", named(&names));
        let todo = "they take more CPU than they may; `max_cpu` under [sensors] in kymo.toml \
                    allows more";
        findings.push(match (is_watched, *most >= STRETCH_MAX) {
            (false, _) => told("stretched", is + ", while this looked and nobody else"),
            (true, false) => told("stretched", is).with(todo),
            (true, true) => look("stretched", is, todo),
        });
    }
    if findings.is_empty() && !sources.is_empty() {
        let is = format!("{}: none hangs, and none takes more CPU than it may", sources.len());
        findings.push(ok("sources", is));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, one};
    use super::*;

    #[test]
    fn groups_are_told_by_what_they_lack() {
        let text = "{\"sensors\":{\"from\":\"daemon\",\"omitted\":0},\"groups\":[\
            {\"group\":\"cpu\",\"sensors\":18,\"ok\":17,\"held\":1},\
            {\"group\":\"disk\",\"sensors\":2,\"ok\":2},\
            {\"group\":\"power\",\"sensors\":3,\"ok\":1,\"denied\":2}],\"missing\":[\
            {\"reason\":\"no permission\",\"groups\":{\"power\":2},\"advice\":\"a rule\"}]}";
        let of = |what| one(findings, what, text);
        assert_eq!(of("all read"), Some((Verdict::Ok, "cpu 18, disk 2".into())));
        assert_eq!(of("in part"), Some((Verdict::Told, "power 1 of 3 (2 denied)".into())));
        assert_eq!(of("denied"), Some((Verdict::Told, "power 2 -> a rule".into())));
        assert_eq!(of("truncated"), None);
        assert_eq!(of("sources"), None);
    }

    #[test]
    fn no_sensor_is_not_none_asked() {
        let of = |text: &str| one(findings, "sensors", text).unwrap();
        assert_eq!(of("{\"sensors\":{\"omitted\":0},\"groups\":[]}").0, Verdict::Look);
        let silent = "{\"daemon\":{\"answers\":false},\"sensors\":{\"error\":\"no\"}}";
        assert_eq!(of(silent).0, Verdict::Told);
        let broken = "{\"daemon\":{\"answers\":true},\"sensors\":{\"error\":\"no sensors\"}}";
        assert!(of(broken).0 == Verdict::Look && of(broken).1.starts_with("no sensors -> "));
        let full = "{\"sensors\":{\"omitted\":12},\"groups\":[]}";
        let (verdict, is) = one(findings, "truncated", full).unwrap();
        assert!(verdict == Verdict::Look && is.starts_with("12 sensors"), "{is}");
    }

    #[test]
    fn sources_are_judged_by_the_slowest() {
        let of = |what, stretch: &str, held: bool| {
            let text = format!(
                "{{\"groups\":[{{\"group\":\"cpu\",\"sensors\":1,\"ok\":1}}],\"sources\":[\
                 {{\"name\":\"cpu\",\"held\":false,\"stretch\":1.0}},\
                 {{\"name\":\"disk\",\"held\":{held},\"stretch\":{stretch}}}]}}"
            );
            one(findings, what, &text)
        };
        assert_eq!(of("sources", "1.0", false).unwrap().0, Verdict::Ok);
        assert_eq!(of("sources", "null", false).unwrap().0, Verdict::Ok);
        assert_eq!(of("sources", "2.0", false), None);
        assert_eq!(of("stretched", "1.01", false), None);
        let some = of("stretched", "1.5", false).unwrap();
        assert!(some.0 == Verdict::Told && some.1.contains("1.5 times"), "{some:?}");
        assert!(some.1.contains(": disk -> "), "{some:?}");
        assert_eq!(of("stretched", "2.0", false).unwrap().0, Verdict::Look);
        let alone = "{\"daemon\":{\"subscribers\":0},\"groups\":[],\
            \"sources\":[{\"name\":\"disk\",\"stretch\":9.0}]}";
        let alone = one(findings, "stretched", alone).unwrap();
        assert!(alone.0 == Verdict::Told && alone.1.contains("nobody else"), "{alone:?}");
        let held = of("held", "1.0", true).unwrap();
        assert!(
            held.0 == Verdict::Look && held.1.starts_with("a read does not end: disk -> "),
            "{held:?}"
        );
    }
}
