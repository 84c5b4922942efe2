//! Where sockets are, and who may use them.

use super::{Finding, list, look, member, ok, text, told, truth};
use crate::value::Value;

const SOCKETS: [&str; 3] = ["stream.sock", "json.sock", "control.sock"];
/// Who has no business in the directory of sockets, and with sockets.
const DIRECTORY_TOO_WIDE: u32 = 0o022;
const SOCKET_TOO_WIDE: u32 = 0o117;

/// The sockets of a daemon that answers; else each place that was looked at.
pub fn findings(report: &Value) -> Vec<Finding> {
    let places = list(report, "places");
    let daemon = member(report, "daemon");
    if daemon.and_then(|daemon| truth(daemon, "answers")) != Some(true) {
        return places.iter().filter_map(looked_at).collect();
    }
    let of = daemon.and_then(|daemon| text(daemon, "directory"));
    let place = places.iter().find(|place| of.is_some() && text(place, "directory") == of);
    place.map(sockets).unwrap_or_default()
}

/// The mode in what is told of a file, such as `socket 0600 own`.
fn octal(told: &str) -> &str {
    told.split(' ').nth(1).unwrap_or(told)
}

fn mode(told: &str) -> Option<u32> {
    u32::from_str_radix(octal(told), 8).ok()
}

fn sockets(place: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let directory = text(place, "directory").unwrap_or("?");
    let is = text(place, "is").unwrap_or("?");
    if is.starts_with("directory") && mode(is).is_some_and(|mode| mode & DIRECTORY_TOO_WIDE != 0) {
        let is = format!("{directory} is {}: others may put sockets of theirs there", octal(is));
        findings.push(look("directory", is, format!("chmod go-w {directory}")));
    }
    let Value::Object(members) = place else { return findings };
    let is_socket = |name: &str| !["directory", "is"].contains(&name);
    let names = members.iter().map(|(name, _)| &**name).filter(|name| is_socket(name));
    let found: Vec<(&str, &str)> =
        names.filter_map(|name| Some((name, text(place, name)?))).collect();
    for (name, is) in &found {
        if is.starts_with("socket") && mode(is).is_some_and(|mode| mode & SOCKET_TOO_WIDE != 0) {
            let is = format!("{name} is {}: whoever may enter {directory} may use it", octal(is));
            let todo = "a narrower `mode` of its [[listener]] in kymo.toml, or chmod; read_group \
                        under [access] lets a group in";
            findings.push(look("sockets", is, todo));
        }
    }
    if findings.is_empty() {
        findings.push(summary(is, &found));
    }
    findings
}

/// In one line, if all have the same mode.
fn summary(directory: &str, found: &[(&str, &str)]) -> Finding {
    let (_, first) = found.first().copied().unwrap_or_default();
    let is = match found.iter().all(|(_, is)| *is == first) && first.starts_with("socket") {
        true => format!("{} in a directory {}", octal(first), octal(directory)),
        false => {
            let each = found.iter().map(|(name, is)| format!("{name} {is}"));
            format!("directory {}: {}", octal(directory), each.collect::<Vec<_>>().join(", "))
        }
    };
    ok("sockets", is)
}

/// What is at a place where nobody answered.
fn looked_at(place: &Value) -> Option<Finding> {
    let directory = text(place, "directory")?;
    let is = text(place, "is")?;
    if !is.starts_with("directory") {
        let finding = told("looked in", format!("{directory}: {is}"));
        return Some(match is {
            "absent" => finding,
            _ if is.contains("too long") => finding.with("a shorter name is needed"),
            "denied" => finding.with("a directory above it is closed to this user"),
            _ => finding.with("that is no directory: name another one, or put it out of the way"),
        });
    }
    let found = |name| text(place, name);
    let sockets: Vec<String> =
        SOCKETS.into_iter().filter_map(|name| Some(format!("{name} {}", found(name)?))).collect();
    let is_all = |word: &str| SOCKETS.into_iter().all(|name| found(name) == Some(word));
    let there = match (is_all("absent"), is_all("denied")) {
        (true, _) => "its sockets are absent".into(),
        (_, true) => "it is closed to this user".into(),
        _ => sockets.join(", "),
    };
    let finding = told("looked in", format!("{directory}: {is}, {there}"));
    Some(match (is_all("denied"), is.ends_with("own")) {
        (true, true) => {
            let is = finding.is;
            look("looked in", is, format!("chmod 700 {directory}"))
        }
        _ => finding,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, lines, one};
    use super::*;

    fn report(answers: bool, directory: &str, socket: &str) -> String {
        format!(
            "{{\"daemon\":{{\"answers\":{answers},\"directory\":\"~/k\"}},\"places\":[\
             {{\"directory\":\"~/k\",\"is\":\"{directory}\",\"stream.sock\":\"socket 0600 own\",\
             \"json.sock\":\"{socket}\",\"control.sock\":\"socket 0600 own\"}}]}}"
        )
    }

    #[test]
    fn what_lets_others_in_is_to_be_looked_at() {
        let of = |what, directory: &str, socket: &str| {
            one(findings, what, &report(true, directory, socket))
        };
        let own = "directory 0700 own";
        let fine = of("sockets", own, "socket 0600 own").unwrap();
        assert_eq!(fine, (Verdict::Ok, "0600 in a directory 0700".into()));
        let group = of("sockets", "directory 0750 own", "socket 0660 own").unwrap();
        assert!(group.0 == Verdict::Ok && group.1.contains("json.sock socket 0660"), "{group:?}");
        for mode in ["0666", "0602", "0601", "0777"] {
            let wide = of("sockets", own, &format!("socket {mode} own")).unwrap();
            assert!(wide.0 == Verdict::Look && wide.1.starts_with("json.sock "), "{wide:?}");
        }
        for mode in ["0777", "0770", "0702", "1777"] {
            let directory = format!("directory {mode} own");
            let wide = of("directory", &directory, "socket 0600 own").unwrap();
            assert_eq!(wide.0, Verdict::Look);
            assert!(wide.1.ends_with("chmod go-w ~/k"), "{wide:?}");
        }
        assert_eq!(of("directory", "directory 0755 own", "socket 0600 own"), None);
    }

    #[test]
    fn each_place_is_told_where_nobody_answers() {
        let of = |is: &str, socket: &str| {
            let text = report(false, is, socket).replace("socket 0600 own", socket);
            one(findings, "looked in", &text).unwrap()
        };
        assert_eq!(of("absent", "absent"), (Verdict::Told, "~/k: absent".into()));
        let empty = of("directory 0700 own", "absent").1;
        assert_eq!(empty, "~/k: directory 0700 own, its sockets are absent");
        let closed = of("directory 0000 own", "denied");
        assert!(closed.0 == Verdict::Look && closed.1.ends_with("-> chmod 700 ~/k"), "{closed:?}");
        let other = of("directory 0700 of another user", "denied");
        assert!(other.0 == Verdict::Told && other.1.contains("closed to this user"), "{other:?}");
        assert!(of("file 0644 own", "absent").1.contains("no directory"));
        assert!(of("path too long for a socket", "absent").1.ends_with("shorter name is needed"));
        assert!(of("denied", "denied").1.contains("above it"));
        let left = of("directory 0700 own", "socket 0600 own").1;
        assert!(left.contains("control.sock socket 0600 own"), "{left}");
        let two = "{\"places\":[{\"directory\":\"/a\",\"is\":\"absent\"},\
            {\"directory\":\"/b\",\"is\":\"absent\"}]}";
        assert_eq!(lines(findings, two).len(), 2);
    }
}
