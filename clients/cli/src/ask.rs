//! `kymo status`, `kymo toggle`, `kymo ping` and the other questions.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use kymo_client::{Action, Control, directories};

use crate::args::{Ask, Ping};
use crate::clean::clean;
use crate::failure::Failure;
use crate::say;
use crate::table::table;
use crate::value::Value;

/// Five times a second.
const PING_PAUSE: Duration = Duration::from_millis(200);

/// Members of a reply that say nothing to people.
const HIDDEN: [&str; 2] = ["status", "id"];

fn connect(directory: Option<&Path>) -> Result<Control, Failure> {
    Ok(Control::connect(directories(directory))?)
}

/// Asks, and prints the answer.
///
/// # Errors
///
/// The [`Failure`] that it came to.
pub fn ask(options: &Ask) -> Result<(), Failure> {
    let mut control = connect(options.directory.as_deref())?;
    let text = control.request(options.action)?.text;
    if options.json {
        return say(&format!("{text}\n"));
    }
    let reply = Value::parse(text)
        .map_err(|_| Failure::new("the daemon sent a reply that is not JSON".to_string()))?;
    say(&answer(options.action, &reply))
}

/// A reply for people: its text or message alone, if it has one, else everything.
fn answer(action: Action, reply: &Value) -> String {
    let word = |key: &str| reply.get(key).and_then(Value::word);
    if let Some(text) = word("text").or(word("metrics")).filter(|_| action == Action::Metrics) {
        // Lines of its own, for another program.
        return text.lines().map(|line| clean(line.chars()) + "\n").collect();
    }
    match (word("message"), word("session_id").filter(|_| action == Action::Toggle)) {
        (Some(message), Some(session)) => {
            clean(format!("{message}, session {session}").chars()) + "\n"
        }
        (Some(message), None) => clean(message.chars()) + "\n",
        (None, _) => match table(reply, &HIDDEN) {
            text if text.is_empty() => "done\n".into(),
            text => text,
        },
    }
}

/// Asks whether somebody is there, and prints how long the answer took.
///
/// # Errors
///
/// The [`Failure`] that it came to.
pub fn ping(options: &Ping) -> Result<(), Failure> {
    let mut control = connect(options.directory.as_deref())?;
    let place = control.directory().map(|place| place.to_string_lossy().into_owned());
    let place = clean(place.unwrap_or_default().chars());
    let mut times = Vec::new();
    for number in 1..=options.count {
        if number > 1 {
            std::thread::sleep(PING_PAUSE);
        }
        let start = Instant::now();
        control.request(Action::Ping)?;
        let time = start.elapsed();
        say(&format!("{place} answered in {} µs\n", time.as_micros()))?;
        times.push(time);
    }
    if options.count > 1 {
        say(&summary(&times))?;
    }
    Ok(())
}

fn summary(times: &[Duration]) -> String {
    let mut text = String::new();
    let count = u32::try_from(times.len()).unwrap_or(u32::MAX).max(1);
    let mean = times.iter().sum::<Duration>() / count;
    if let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) {
        let [least, mean, most] = [*least, mean, *most].map(|time| time.as_micros());
        let _ = writeln!(text, "{count} times: least {least}, mean {mean}, most {most} µs");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(action: Action, reply: &str) -> String {
        answer(action, &Value::parse(reply).unwrap())
    }

    #[test]
    fn people_get_what_they_asked_for() {
        let toggled = "{\"status\":\"success\",\"message\":\"Recording started\",\"session_id\":3}";
        assert_eq!(answered(Action::Toggle, toggled), "Recording started, session 3\n");
        assert_eq!(answered(Action::Quit, "{\"status\":\"success\"}"), "done\n");
        let reply = "{\"status\":\"success\",\"text\":\"# HELP x\\nx 1\\n\"}";
        assert_eq!(answered(Action::Metrics, reply), "# HELP x\nx 1\n");
        let reply = "{\"status\":\"success\",\"id\":1,\"a\":\"\\u001b\"}";
        assert_eq!(answered(Action::Status, reply), "a  �\n");
    }

    #[test]
    fn times_are_summed_up() {
        let times = [30, 10, 20].map(Duration::from_micros);
        assert_eq!(summary(&times), "3 times: least 10, mean 20, most 30 µs\n");
    }
}
