//! How the daemon is: asked by a thread of its own, because an answer may be waited for.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use kymo_client::{Action, Control, ControlSettings, Error};
use kymo_top::DaemonStatus;

use crate::clean::clean;
use crate::value::Value;

/// Time between questions: counters change, and nobody follows them faster.
const PAUSE: Duration = Duration::from_secs(2);

/// What became of a question.
pub type Answer = Result<DaemonStatus, String>;

/// Asks the first daemon in `directories` again and again, until nobody listens any more.
pub fn ask(directories: Vec<PathBuf>) -> Receiver<Answer> {
    let (sender, receiver) = sync_channel(1);
    // Without a thread there are no answers, and that is told: "pending".
    let _ = thread::Builder::new().spawn(move || run(directories, &sender));
    receiver
}

fn run(directories: Vec<PathBuf>, sender: &SyncSender<Answer>) {
    let mut control = Control::new(ControlSettings::in_directories(directories));
    let mut last = None;
    loop {
        let answer = match control.request(Action::Status) {
            Ok(answer) => match Value::parse(answer.text) {
                Ok(reply) => Some(Ok(status(&reply, &mut last))),
                Err(_) => Some(Err("it sent a status that is not JSON".into())),
            },
            // The dashboard knows that it is gone.
            Err(Error::Unreachable { .. } | Error::Resting(_) | Error::Lost(_)) => None,
            Err(error) => Some(Err(clean(error.to_string().chars()))),
        };
        if answer.is_some_and(|answer| sender.send(answer).is_err()) {
            return;
        }
        thread::sleep(PAUSE);
    }
}

/// What reading sensors had cost at a time.
#[derive(Clone, Copy, Debug)]
struct Cost {
    total_ns: f64,
    at: Instant,
}

fn status(reply: &Value, last: &mut Option<Cost>) -> DaemonStatus {
    let member = |key: &str| reply.get(key);
    let word = |key: &str| member(key).and_then(Value::word).map(|text| clean(text.chars()));
    let number = |key: &str| word(key).and_then(|text| text.parse::<u64>().ok());
    let clients = match member("clients") {
        Some(Value::List(list)) => Some(list.len() as u64 + number("clients_omitted").unwrap_or(0)),
        _ => None,
    };
    let now = Cost { total_ns: total_cost(reply), at: Instant::now() };
    let before = last.replace(now);
    let latency = |name| {
        let text = member("latency_ns").and_then(|latency| latency.get(name)?.word());
        text.and_then(|text| text.parse().ok())
    };
    DaemonStatus {
        version: word("version"),
        uptime_s: word("uptime_secs").and_then(|text| text.parse().ok()),
        clients,
        cost: before.and_then(|before| share(before, now)),
        latency_ns: latency("p50").zip(latency("p99")),
        events_dropped: number("events_dropped"),
        heap_allocations: number("heap_allocations"),
        journal_is_failing: word("journal_is_failing").as_deref() == Some("true"),
    }
}

/// Share of one CPU between two times; `None` when the daemon has begun anew.
fn share(before: Cost, now: Cost) -> Option<f64> {
    let span_ns = now.at.duration_since(before.at).as_secs_f64() * 1e9;
    let grown_ns = now.total_ns - before.total_ns;
    (span_ns > 0.0 && grown_ns >= 0.0).then(|| grown_ns / span_ns)
}

/// Every `total_ns` in it: of the sources of vitals, of samples and of processes.
fn total_cost(value: &Value) -> f64 {
    match value {
        Value::List(list) => list.iter().map(total_cost).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let own = value.word().filter(|_| key == "total_ns");
                own.map_or_else(|| total_cost(value), |text| text.parse().unwrap_or(0.0))
            })
            .sum(),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_understood() {
        let reply = |cost: u64| {
            let text = format!(
                "{{\"version\":\"0.1\\u001b\",\"uptime_secs\":61.5,\"clients\":[{{}},{{}}],\
                 \"clients_omitted\":3,\"latency_ns\":{{\"p50\":9000,\"p99\":null}},\
                 \"heap_allocations\":0,\"journal_is_failing\":true,\
                 \"sources\":{{\"stat\":{{\"total_ns\":{cost}}}}},\
                 \"sample_sources\":[{{\"total_ns\":5}}],\"process_source\":null}}"
            );
            Value::parse(&text).unwrap()
        };
        let mut last = None;
        let told = status(&reply(100), &mut last);
        let expected = DaemonStatus {
            version: Some("0.1�".into()),
            uptime_s: Some(61.5),
            clients: Some(5),
            cost: None,
            latency_ns: None,
            events_dropped: None,
            heap_allocations: Some(0),
            journal_is_failing: true,
        };
        assert_eq!(told, expected);
        assert!((last.unwrap().total_ns - 105.0).abs() < 0.1);
        thread::sleep(Duration::from_millis(2));
        assert!(status(&reply(200), &mut last).cost.unwrap() > 0.0);
        assert_eq!(status(&reply(0), &mut last).cost, None, "it has begun anew");
    }
}
