//! How the service is, for a report that others read.

use std::path::Path;

use super::site::Site;
use super::status::{state, value};
use crate::args::Scope;
use crate::value::Value;

/// The service of whoever asks, or, where there is none, the system's. No number of a process is in
/// it; `told` shortens a path. A manager that does not answer is a finding, too.
pub fn report(told: impl Fn(&Path) -> String) -> Value {
    let Ok(own) = Site::here(None) else { return Value::Null };
    let others = (own.scope == Scope::User).then(|| Site::here(Some(Scope::System)).ok()).flatten();
    first(std::iter::once(own).chain(others).map(|site| one(&site, &told)))
}

/// The first that is installed; if none is, the first that answers; and if none does, the first.
fn first(reports: impl Iterator<Item = Value>) -> Value {
    let rank = |report: &Value| match (report.get("answers"), report.get("file")) {
        (_, Some(Value::Text(_))) => 2,
        (Some(Value::Plain(answers)), _) if answers == "true" => 1,
        _ => 0,
    };
    let mut best = Value::Null;
    for report in reports {
        if best == Value::Null || rank(&best) < rank(&report) {
            best = report;
        }
    }
    best
}

fn one(site: &Site, told: impl Fn(&Path) -> String) -> Value {
    let found = state(site);
    let answers = found.is_ok();
    let Value::Object(mut members) = value(site, &found.unwrap_or_default(), told) else {
        return Value::Null;
    };
    members.retain(|(key, _)| key != "pid" && (answers || ["manager", "scope"].contains(&&**key)));
    members.insert(2, ("answers".into(), Value::truth(answers)));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_goes_first() {
        let report = |scope: &str, answers: bool, file: Option<&str>| {
            Value::object([
                ("scope", Value::text(scope)),
                ("answers", Value::truth(answers)),
                ("file", Value::maybe(file.map(Value::text))),
            ])
        };
        let chosen = |reports: &[Value]| {
            first(reports.iter().cloned()).get("scope").and_then(Value::word).map(String::from)
        };
        let silent = report("user", false, None);
        let empty = report("user", true, None);
        let system = report("system", true, Some("/u/kymod.service"));
        assert_eq!(chosen(&[empty.clone(), system.clone()]).unwrap(), "system");
        assert_eq!(chosen(&[silent.clone(), report("system", true, None)]).unwrap(), "system");
        assert_eq!(chosen(&[empty, report("system", true, None)]).unwrap(), "user");
        assert_eq!(chosen(&[silent, report("system", false, None)]).unwrap(), "user");
        assert_eq!(first(std::iter::empty()), Value::Null);
    }
}
