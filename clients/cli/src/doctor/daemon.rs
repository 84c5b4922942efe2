//! Whether a daemon answers, and how it is.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kymo_client::{Action, Control, Error, directories};

use super::places::nameless;
use crate::failure::Failure;
use crate::value::Value;

/// Members of a status that name somebody, or say nothing of a fault.
const LEFT_OUT: [&str; 5] = ["status", "id", "epoch", "run", "session_id"];

/// The daemon's status, or what it answers instead; and its sources of samples.
pub fn daemon(directory: Option<&Path>) -> (Value, Value) {
    match ask(directory) {
        Ok((place, status)) => {
            let place = place.map(|place| Value::text(nameless(&place.to_string_lossy())));
            let (kept, sources) = kept(status);
            let mut members = vec![
                ("answers".into(), Value::truth(true)),
                ("directory".into(), Value::maybe(place)),
            ];
            members.extend(kept);
            (Value::Object(members), sources)
        }
        Err((why, text)) => {
            let told = [
                ("answers", Value::truth(false)),
                ("error", Value::text(nameless(&text))),
                ("why", Value::text(why)),
            ];
            (Value::object(told), Value::Null)
        }
    }
}

/// Its status and where it is; or why there is none, in a word and for people.
fn ask(directory: Option<&Path>) -> Result<(Option<PathBuf>, Value), (&'static str, String)> {
    let failed = |error: Error| (why(&error), Failure::of_client(&error).text);
    let mut control = Control::connect(directories(directory)).map_err(failed)?;
    let text = control.request(Action::Status).map_err(failed)?.text.to_string();
    let place = control.directory().map(Path::to_path_buf);
    let status = Value::parse(&text);
    Ok((place, status.map_err(|_| ("garbled", "its reply is not JSON".to_string()))?))
}

/// Why nobody answered, in a word.
fn why(error: &Error) -> &'static str {
    match error {
        Error::Unreachable { kind: ErrorKind::NotFound, .. } => "absent",
        // A socket's file that nobody holds any more.
        Error::Unreachable { kind: ErrorKind::ConnectionRefused, .. } => "stale",
        Error::Unreachable { .. } => "unreachable",
        Error::Denied { .. } => "denied",
        Error::Late => "late",
        Error::Refused { .. } => "refused",
        Error::Protocol(_) => "garbled",
        _ => "failed",
    }
}

/// What of a status is told, of its clients how many; and its sources.
fn kept(status: Value) -> (Vec<(String, Value)>, Value) {
    let Value::Object(mut members) = status else { return (Vec::new(), Value::Null) };
    let mut take = |name: &str| {
        let at = members.iter().position(|(key, _)| key == name)?;
        Some(members.remove(at).1)
    };
    let (clients, sources) = (take("clients"), take("sample_sources"));
    members.retain(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
    for (key, value) in &mut members {
        if let ("recorders", Value::List(recorders)) = (key.as_str(), value) {
            recorders.iter_mut().for_each(hide_paths);
        }
    }
    if let Some(Value::List(clients)) = clients {
        members.push(("subscribers".into(), Value::plain(clients.len())));
    }
    (members, Value::maybe(sources))
}

/// A recorder's files have names that are a person's own affair.
fn hide_paths(recorder: &mut Value) {
    let Value::Object(members) = recorder else { return };
    members.retain(|(key, _)| key != "last_file");
    for (key, value) in members {
        if let ("last_error", Value::Text(text)) = (key.as_str(), value) {
            *text = nameless(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_and_not_named() {
        let status = "{\"status\":\"success\",\"version\":\"1\",\"epoch\":\"ab\",\"clients\":\
            [{\"uid\":1000,\"name\":\"jane\"},{}],\"sample_sources\":[{\"name\":\"cpu\"}]}";
        let (members, sources) = kept(Value::parse(status).unwrap());
        assert_eq!(Value::Object(members).json(), "{\"version\":\"1\",\"subscribers\":2}");
        assert_eq!(sources.json(), "[{\"name\":\"cpu\"}]");
        assert!(kept(Value::Null).0.is_empty());
        let status = "{\"recorders\":[{\"name\":\"a\",\"last_file\":\"/home/jane/x\"}]}";
        let (members, _) = kept(Value::parse(status).unwrap());
        assert_eq!(Value::Object(members).json(), "{\"recorders\":[{\"name\":\"a\"}]}");
    }
}
