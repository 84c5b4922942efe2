//! What a daemon lost, whom it serves, and what it costs.

use super::{Finding, count, list, look, member, number, ok, text, told, truth};
use crate::value::Value;

/// Counters of what somebody did not get; each of them was told to whom it struck.
const LOSSES: [(&str, &str); 9] = [
    ("ticks_missed", "ticks missed"),
    ("merged", "frames merged"),
    ("events_lost", "events lost"),
    ("events_dropped", "events dropped"),
    ("events_refused", "events refused"),
    ("stalled", "readers stalled"),
    ("refused", "connections refused"),
    ("cut", "connections cut"),
    ("mistakes", "mistakes of clients"),
];

/// Reads that take so much of a CPU are more than anybody wants.
const SHARE_MAX: f64 = 0.05;
/// A share of less time than this says nothing.
const UPTIME_S_MIN: f64 = 10.0;

/// What is told of the daemon's work.
pub fn findings(report: &Value) -> Vec<Finding> {
    let daemon = member(report, "daemon").filter(|daemon| truth(daemon, "answers") == Some(true));
    let Some(daemon) = daemon else { return Vec::new() };
    let findings = [losses(daemon), clients(daemon), cost(report, daemon), heap(daemon)];
    findings.into_iter().flatten().collect()
}

fn losses(daemon: &Value) -> Option<Finding> {
    let known: Vec<(u64, &str)> =
        LOSSES.into_iter().filter_map(|(key, is)| Some((count(daemon, key)?, is))).collect();
    let lost: Vec<String> =
        known.iter().filter(|(n, _)| *n > 0).map(|(n, is)| format!("{is} {n}")).collect();
    match (known.is_empty(), lost.is_empty()) {
        (true, _) => None,
        (false, true) => Some(ok("losses", "no tick, frame, event or connection")),
        (false, false) => {
            let todo = match count(daemon, "refused") {
                Some(1..) => {
                    "a connection is refused by `clients` or a quota in kymo.toml, or when the \
                     control socket's 8 places are taken"
                }
                _ => "each was told to whom it struck; `kymo status` names who is slow",
            };
            Some(told("losses", lost.join(", ")).with(todo))
        }
    }
}

fn clients(daemon: &Value) -> Option<Finding> {
    let clients = count(daemon, "subscribers")? + count(daemon, "clients_omitted").unwrap_or(0);
    let Some(max) = count(daemon, "clients_max") else {
        return Some(ok("clients", clients.to_string()));
    };
    let is = format!("{clients} of {max}");
    match clients * 10 >= max * 9 {
        true => {
            Some(look("clients", is, "more `clients` under [limits] in kymo.toml, and a restart"))
        }
        false => Some(ok("clients", is)),
    }
}

/// What reading takes, of one CPU, since the daemon began.
fn cost(report: &Value, daemon: &Value) -> Option<Finding> {
    let uptime_s = number(daemon, "uptime_secs").filter(|seconds| *seconds > 0.0)?;
    let mut costs: Vec<(&str, f64)> = Vec::new();
    if let Some(Value::Object(sources)) = daemon.get("sources") {
        let taken = sources.iter();
        costs.extend(taken.filter_map(|(name, of)| Some((&**name, number(of, "total_ns")?))));
    }
    let of = |source| Some((text(source, "name")?, number(source, "total_ns")?));
    costs.extend(list(report, "sources").iter().filter_map(of));
    let processes = daemon.get("process_source").and_then(|of| number(of, "total_ns"));
    costs.extend(processes.map(|total_ns| ("processes", total_ns)));
    let dearest = costs.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let share = costs.iter().map(|(_, total_ns)| total_ns).sum::<f64>() / (uptime_s * 1e9);
    let is = format!("reading took {:.2} % of one CPU so far, {} most", share * 100.0, dearest.0);
    if share >= SHARE_MAX && uptime_s >= UPTIME_S_MIN {
        let todo = "lower rates for who watches; less `max_cpu` under [sensors] in kymo.toml";
        return Some(look("cost", is, todo));
    }
    Some(ok("cost", is))
}

fn heap(daemon: &Value) -> Option<Finding> {
    let allocations = count(daemon, "heap_allocations")?;
    Some(match allocations {
        0 => ok("heap", "no allocation since it was ready"),
        count => {
            let is = format!("{count} allocations since it was ready, where none is promised");
            look("heap", is, "a fault of kymo's: report it with `kymo doctor --json`")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, one};
    use super::*;

    fn of(what: &str, daemon: &str) -> Option<(Verdict, String)> {
        one(findings, what, &format!("{{\"daemon\":{{\"answers\":true{daemon}}}}}"))
    }

    #[test]
    fn each_loss_is_told_and_none_is_not() {
        assert_eq!(of("losses", ""), None, "not told is not none");
        assert_eq!(of("losses", ",\"merged\":0").unwrap().0, Verdict::Ok);
        for (key, is) in LOSSES {
            let (verdict, text) = of("losses", &format!(",\"{key}\":5")).unwrap();
            assert_eq!(verdict, Verdict::Told);
            assert!(text.starts_with(&format!("{is} 5 -> ")), "{text}");
        }
        let two = of("losses", ",\"merged\":2,\"cut\":1,\"refused\":0").unwrap().1;
        assert!(two.starts_with("frames merged 2, connections cut 1 -> each was told"), "{two}");
        let refused = of("losses", ",\"refused\":1").unwrap().1;
        assert!(refused.contains("-> a connection is refused by"), "{refused}");
    }

    #[test]
    fn a_full_house_is_to_be_looked_at() {
        let of = |n: u32, omitted: u32, rest: &str| {
            let text = format!(",\"subscribers\":{n},\"clients_omitted\":{omitted}{rest}");
            of("clients", &text).unwrap()
        };
        assert_eq!(of(89, 0, ",\"clients_max\":100"), (Verdict::Ok, "89 of 100".into()));
        assert_eq!(of(89, 1, ",\"clients_max\":100").0, Verdict::Look);
        assert_eq!(of(500, 0, ""), (Verdict::Ok, "500".into()));
    }

    #[test]
    fn what_reading_takes_is_added_up() {
        let report = |uptime: u32, ns: u64| {
            format!(
                "{{\"daemon\":{{\"answers\":true,\"uptime_secs\":{uptime},\"sources\":{{\
                 \"load\":{{\"total_ns\":{ns}}}}},\"process_source\":{{\"total_ns\":{ns}}}}},\
                 \"sources\":[{{\"name\":\"disk\",\"total_ns\":{}}}]}}",
                2 * ns
            )
        };
        let of = |uptime, ns| one(findings, "cost", &report(uptime, ns)).unwrap();
        let (verdict, is) = of(100, 250_000_000);
        assert_eq!(verdict, Verdict::Ok);
        assert_eq!(is, "reading took 1.00 % of one CPU so far, disk most");
        assert_eq!(of(100, 2_500_000_000).0, Verdict::Look);
        assert_eq!(of(9, 2_500_000_000).0, Verdict::Ok, "it has only begun");
        assert_eq!(super::tests::of("cost", ",\"uptime_secs\":9"), None);
    }

    #[test]
    fn allocations_are_a_fault() {
        assert_eq!(of("heap", ",\"heap_allocations\":0").unwrap().0, Verdict::Ok);
        assert_eq!(of("heap", ",\"heap_allocations\":1").unwrap().0, Verdict::Look);
        assert_eq!(of("heap", ",\"heap_allocations\":null"), None);
    }
}
