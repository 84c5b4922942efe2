//! What a report means: whether each thing is as it should be, and what mends it.
//!
//! It judges by the report alone, so that whoever is sent one sees what its sender saw. What the
//! report does not say is judged in no way, and is never taken for 0.

mod daemon;
mod losses;
mod machine;
mod places;
mod recorders;
mod sensors;

use crate::value::Value;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// To be looked at, and mended if need be.
    Look,
    /// Neither: it is told.
    Told,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What.
    pub what: &'static str,
    /// How it was found.
    pub is: String,
    /// What mends it, or would give more.
    pub todo: Option<String>,
}

/// Findings that belong together.
#[derive(Clone, Debug)]
pub struct Section {
    /// What they are of.
    pub title: String,
    /// They, in the order in which they are read.
    pub findings: Vec<Finding>,
}

impl Finding {
    /// It as an object.
    pub fn value(&self) -> Value {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Look => "look",
            Verdict::Told => "told",
        };
        Value::object([
            ("verdict", Value::text(verdict)),
            ("what", Value::text(self.what)),
            ("is", Value::text(&*self.is)),
            ("do", Value::maybe(self.todo.as_deref().map(Value::text))),
        ])
    }

    /// The same with what would give more.
    fn with(self, todo: impl Into<String>) -> Self {
        Self { todo: Some(todo.into()), ..self }
    }
}

/// It is as it should be.
pub fn ok(what: &'static str, is: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Ok, what, is: is.into(), todo: None }
}

/// It is merely told.
pub fn told(what: &'static str, is: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Told, what, is: is.into(), todo: None }
}

/// It is to be looked at, and `todo` mends it.
pub fn look(what: &'static str, is: impl Into<String>, todo: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Look, what, is: is.into(), todo: Some(todo.into()) }
}

/// Everything that a report tells.
pub fn all(report: &Value) -> Vec<Section> {
    let from = member(report, "sensors").and_then(|sensors| text(sensors, "from"));
    let of = match from {
        Some("daemon") => " of the daemon",
        Some(_) => ", read by this process for want of a daemon",
        None => "",
    };
    let mut own = daemon::findings(report);
    own.extend(places::findings(report));
    own.extend(recorders::findings(report));
    own.extend(losses::findings(report));
    vec![
        Section { title: "daemon".into(), findings: own },
        Section { title: format!("sensors{of}"), findings: sensors::findings(report) },
        Section { title: "machine".into(), findings: machine::findings(report) },
    ]
}

/// A member that is an object or a list.
fn member<'v>(of: &'v Value, key: &str) -> Option<&'v Value> {
    of.get(key).filter(|value| matches!(value, Value::Object(_) | Value::List(_)))
}

/// The values of a list; none if it is none.
fn list<'v>(of: &'v Value, key: &str) -> &'v [Value] {
    match of.get(key) {
        Some(Value::List(list)) => list,
        _ => &[],
    }
}

fn text<'v>(of: &'v Value, key: &str) -> Option<&'v str> {
    match of.get(key) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn number(of: &Value, key: &str) -> Option<f64> {
    match of.get(key) {
        Some(Value::Plain(text)) => text.parse().ok(),
        _ => None,
    }
}

fn count(of: &Value, key: &str) -> Option<u64> {
    match of.get(key) {
        Some(Value::Plain(text)) => text.parse().ok(),
        _ => None,
    }
}

fn truth(of: &Value, key: &str) -> Option<bool> {
    match of.get(key) {
        Some(Value::Plain(text)) => text.parse().ok(),
        _ => None,
    }
}

/// For tests: what findings of `text`, a report, say, a line for each.
#[cfg(test)]
fn lines(findings: fn(&Value) -> Vec<Finding>, text: &str) -> Vec<String> {
    let told = findings(&Value::parse(text).unwrap());
    told.iter().map(|finding| finding.value().json()).collect()
}

/// For tests: the verdict and the text of the one finding about `what`.
#[cfg(test)]
fn one(findings: fn(&Value) -> Vec<Finding>, what: &str, text: &str) -> Option<(Verdict, String)> {
    let all = findings(&Value::parse(text).unwrap());
    let found: Vec<Finding> = all.into_iter().filter(|finding| finding.what == what).collect();
    assert!(found.len() < 2, "{found:?}");
    for finding in &found {
        assert!(finding.verdict != Verdict::Look || finding.todo.is_some(), "{finding:?}");
    }
    found.into_iter().next().map(|finding| {
        let todo = finding.todo.map(|todo| format!(" -> {todo}")).unwrap_or_default();
        (finding.verdict, finding.is + &todo)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_an_object() {
        let finding = look("sockets", "wide", "chmod");
        let object = "{\"verdict\":\"look\",\"what\":\"sockets\",\"is\":\"wide\",\"do\":\"chmod\"}";
        assert_eq!(finding.value().json(), object);
        let told = told("a", "b").value().json();
        assert_eq!(told, "{\"verdict\":\"told\",\"what\":\"a\",\"is\":\"b\",\"do\":null}");
        assert!(ok("a", "b").value().json().contains("\"ok\""));
    }

    #[test]
    fn who_sampled_stands_above_the_sensors() {
        let title = |text: &str| all(&Value::parse(text).unwrap())[1].title.clone();
        assert_eq!(title("{\"sensors\":{\"from\":\"daemon\"}}"), "sensors of the daemon");
        assert!(title("{\"sensors\":{\"from\":\"this process\"}}").contains("for want of"));
        assert_eq!(title("{\"sensors\":{\"error\":\"x\"}}"), "sensors");
    }
}
