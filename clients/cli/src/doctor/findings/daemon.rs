//! Whether a daemon answers, which one, and what it keeps and gave up.

use super::{Finding, count, look, member, number, ok, text, told, truth};
use crate::units::duration;
use crate::value::Value;

/// What is told of the daemon.
pub fn findings(report: &Value) -> Vec<Finding> {
    let Some(daemon) = member(report, "daemon") else { return Vec::new() };
    if truth(daemon, "answers") != Some(true) {
        let streams = member(report, "sensors").and_then(|sensors| text(sensors, "from"));
        return vec![silent(daemon, streams == Some("daemon"))];
    }
    let own = text(report, "kymo").unwrap_or_default();
    let mut findings = vec![answers(daemon, own)];
    findings.extend(version(daemon, own));
    findings.extend(journal(daemon));
    findings.extend(sandbox(daemon));
    findings
}

/// Why nobody told how it is. `streams` says whether it gives its sensors all the same.
fn silent(daemon: &Value, streams: bool) -> Finding {
    let error = text(daemon, "error").unwrap_or("nobody says why");
    let (is, todo) = match text(daemon, "why") {
        Some("absent") => {
            let todo = "`kymod` starts one, `kymo service install` keeps one running; one that is \
                        elsewhere is found by --dir or KYMO_DIR";
            return look("answers", "nobody: no socket where kymo looks", todo);
        }
        Some("stale") => {
            let is = "nobody: a socket is left over from a kymod that has ended";
            let todo = "start `kymod` again, which takes its place; its log says why it ended";
            return look("answers", is, todo);
        }
        Some("denied") if streams => {
            let is = "it streams, but how it is only its own user and root are told";
            return told("answers", is).with("ask as that user, or as root");
        }
        Some("denied") => {
            let todo = "ask as its user; read_group under [access] in kymo.toml lets a group read";
            return look("answers", "it may be there, but not for this user", todo);
        }
        Some("unreachable") => {
            ("no socket can be asked there", "--dir or KYMO_DIR names another directory")
        }
        Some("late") => (
            "it took the question and does not reply",
            "the machine is overloaded, or kymod hangs: its log tells; then start it again",
        ),
        Some("garbled") => ("something else than kymod answers", "give kymod a --dir of its own"),
        _ => ("it does not tell how it is", "its log tells more; start it again"),
    };
    look("answers", format!("{is} ({error})"), todo)
}

fn answers(daemon: &Value, own: &str) -> Finding {
    let place = text(daemon, "directory").unwrap_or("a place it does not tell");
    let version = text(daemon, "version").unwrap_or("of no version");
    let same = if version == own { ", as this kymo," } else { "" };
    let mut is = format!("kymod {version}{same} in {place}");
    if let Some(seconds) = number(daemon, "uptime_secs").filter(|seconds| *seconds >= 0.0) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        let ns = (seconds * 1e9) as u64;
        is += &format!(", up {}", duration(ns));
    }
    ok("answers", is)
}

/// Only a difference is told.
fn version(daemon: &Value, own: &str) -> Option<Finding> {
    let version = text(daemon, "version").filter(|version| *version != own)?;
    let is = format!("kymod is {version}, and this kymo is {own}");
    Some(look("version", is, "start the newer kymod: `kymo quit`, or `systemctl restart kymod`"))
}

fn journal(daemon: &Value) -> Option<Finding> {
    let journalled = truth(daemon, "journal")?;
    if !journalled {
        let is = "switched off: events are gone when kymod ends";
        return Some(told("journal", is).with("enabled = true under [journal] in kymo.toml"));
    }
    let failed = count(daemon, "commits_failed").unwrap_or(0);
    let failing = truth(daemon, "journal_is_failing") == Some(true);
    if failing || failed > 0 {
        let is = match failing {
            true => format!("it can't be written now: {failed} turns of events were not kept"),
            false => format!("{failed} turns of events were not kept; now it is written"),
        };
        let todo = "make room on its disk, and look at the owner of its directory; kymod's log has \
                    the error";
        return Some(look("journal", is, todo));
    }
    let damages = [
        ("journal_events_missing", "events are missing"),
        ("journal_segments_damaged", "segments are damaged"),
        ("journal_segments_lost", "segments are lost"),
    ];
    let found = damages.into_iter().filter_map(|(key, is)| {
        let count = count(daemon, key).filter(|count| *count > 0)?;
        Some(format!("{count} {is}"))
    });
    let found: Vec<String> = found.collect();
    if !found.is_empty() {
        let is = format!("at the start {}", found.join(", "));
        let todo = "check the disk; subscribers were told of the gap";
        return Some(look("journal", is, todo));
    }
    if truth(daemon, "journal_is_lasting") == Some(false) {
        let is = "in memory: events survive kymod, and not the machine's end";
        return Some(told("journal", is).with("`kymod --state` or journal.path: one on a disk"));
    }
    Some(ok("journal", "written, and nothing in it was missing"))
}

fn sandbox(daemon: &Value) -> Option<Finding> {
    let sandbox = match daemon.get("sandbox")? {
        Value::Null => return Some(told("sandbox", "none: the program is no kymod")),
        sandbox => sandbox,
    };
    let why = |key| text(sandbox, key).map(String::from);
    let reasons: Vec<String> =
        ["landlock_missing", "seccomp_missing"].into_iter().filter_map(why).collect();
    let Some(reason) = reasons.first() else {
        let version = count(sandbox, "landlock")?;
        return Some(ok("sandbox", format!("files by Landlock {version}, calls by seccomp")));
    };
    if reasons.iter().any(|reason| reason.contains("switched off by")) {
        let todo = "enabled = true under [sandbox] in kymo.toml, and a restart";
        return Some(look("sandbox", reason.clone(), todo));
    }
    Some(told("sandbox", format!("not whole: {}", reasons.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, lines, one};
    use super::*;

    fn of(what: &str, daemon: &str) -> Option<(Verdict, String)> {
        let text = format!("{{\"kymo\":\"0.1.0\",\"daemon\":{{\"answers\":true{daemon}}}}}");
        one(findings, what, &text)
    }

    #[test]
    fn a_daemon_that_answers_is_told_with_its_place() {
        let (verdict, is) =
            of("answers", ",\"directory\":\"~/k\",\"version\":\"0.1.0\",\"uptime_secs\":61.5")
                .unwrap();
        assert_eq!(
            (verdict, &*is),
            (Verdict::Ok, "kymod 0.1.0, as this kymo, in ~/k, up 00:01:01")
        );
        assert_eq!(of("version", ",\"version\":\"0.1.0\""), None);
        let (verdict, is) = of("version", ",\"version\":\"0.0.9\"").unwrap();
        assert_eq!(verdict, Verdict::Look);
        assert!(is.starts_with("kymod is 0.0.9, and this kymo is 0.1.0 -> "), "{is}");
    }

    #[test]
    fn each_silence_has_its_reason() {
        let of = |why: &str, from: &str| {
            let text = format!(
                "{{\"daemon\":{{\"answers\":false,\"error\":\"E\",\"why\":\"{why}\"}},\
                 \"sensors\":{{\"from\":\"{from}\"}}}}"
            );
            assert_eq!(lines(findings, &text).len(), 1);
            one(findings, "answers", &text).unwrap()
        };
        for (why, part) in [
            ("absent", "kymo service install"),
            ("stale", "left over"),
            ("denied", "read_group"),
            ("unreachable", "another directory"),
            ("late", "hangs"),
            ("garbled", "--dir"),
            ("failed", "(E)"),
        ] {
            let (verdict, is) = of(why, "this process");
            assert_eq!(verdict, Verdict::Look, "{why}");
            assert!(is.contains(part), "{why}: {is}");
        }
        assert_eq!(of("denied", "daemon").0, Verdict::Told, "a reader may not ask more");
        assert!(findings(&Value::Null).is_empty());
    }

    #[test]
    fn a_journal_is_judged() {
        let of = |rest: &str| of("journal", rest).unwrap();
        assert_eq!(of(",\"journal\":true").0, Verdict::Ok);
        assert_eq!(of(",\"journal\":true,\"journal_is_lasting\":true").0, Verdict::Ok);
        let (verdict, is) = of(",\"journal\":true,\"journal_is_lasting\":false");
        assert!(verdict == Verdict::Told && is.contains("in memory"), "{is}");
        let (verdict, is) = of(",\"journal\":false");
        assert!(verdict == Verdict::Told && is.contains("switched off"), "{is}");
        let (verdict, is) = of(",\"journal\":true,\"commits_failed\":3");
        assert!(verdict == Verdict::Look && is.contains("3 turns"), "{is}");
        let (verdict, is) = of(",\"journal\":true,\"journal_is_failing\":true");
        assert!(verdict == Verdict::Look && is.contains("can't be written"), "{is}");
        for key in ["events_missing", "segments_damaged", "segments_lost"] {
            let (verdict, is) = of(&format!(",\"journal\":true,\"journal_{key}\":7"));
            assert!(verdict == Verdict::Look && is.contains("7 "), "{is}");
        }
        assert_eq!(super::tests::of("journal", ""), None, "an older daemon does not tell");
    }

    #[test]
    fn a_sandbox_is_judged() {
        let of = |sandbox: &str| of("sandbox", &format!(",\"sandbox\":{sandbox}"));
        let (verdict, is) = of("{\"landlock\":7,\"seccomp\":true}").unwrap();
        assert_eq!((verdict, &*is), (Verdict::Ok, "files by Landlock 7, calls by seccomp"));
        let off = "{\"landlock\":0,\"seccomp\":false,\"landlock_missing\":\"switched off by \
            sandbox.enabled\",\"seccomp_missing\":\"switched off by sandbox.enabled\"}";
        let (verdict, is) = of(off).unwrap();
        assert!(verdict == Verdict::Look && is.matches("switched").count() == 1, "{is}");
        let old = "{\"landlock\":0,\"seccomp\":true,\"landlock_missing\":\"no Landlock\"}";
        assert_eq!(of(old), Some((Verdict::Told, "not whole: no Landlock".into())));
        assert_eq!(of("null").unwrap().0, Verdict::Told);
        assert_eq!(of("{}"), None);
    }
}
