//! `kymo submit`: makes a request of an event, and tells what became of it.
//!
//! The request is JSON, so that the daemon fills in what people leave out and names the key that is
//! wrong.

use std::io::{self, Read};

use kymo_client::{ControlSettings, LineControl, directories};

use crate::args::{EventText, Submit};
use crate::clean::clean;
use crate::failure::{Failure, USAGE};
use crate::quote::quote;
use crate::say;
use crate::value::Value;

/// Bytes of an event on standard input; a daemon takes less.
const INPUT_MAX: u64 = 1 << 20;

/// Submits an event.
///
/// # Errors
///
/// The [`Failure`] that it came to.
pub fn submit(options: &Submit) -> Result<(), Failure> {
    let event = match &options.event {
        EventText::Given(text) => text.clone(),
        EventText::Input => read_event(io::stdin().lock())?,
    };
    let text = request(&event, options);
    let directories = directories(options.directory.as_deref());
    let mut control = LineControl::new(ControlSettings::in_directories(directories));
    let reply = control.request(&text, options.key.is_some())?;
    if options.json {
        return say(&format!("{reply}\n"));
    }
    let reply = Value::parse(reply).unwrap_or(Value::Null);
    let word = |key: &str| reply.get(key).and_then(Value::word).unwrap_or("?");
    say(&format!("{}\n", clean(format!("event {}, {}", word("seq"), word("ack")).chars())))
}

/// One JSON object: nothing else may get into the request.
fn read_event(input: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    let failed = |text: String| Failure { code: USAGE, text: format!("standard input: {text}") };
    let size = input.take(INPUT_MAX + 1).read_to_string(&mut text);
    if size.map_err(|error| failed(error.to_string()))? as u64 > INPUT_MAX {
        return Err(failed(format!("more than {INPUT_MAX} bytes")));
    }
    match Value::parse(&text) {
        Ok(Value::Object(_)) => Ok(text.trim().into()),
        Ok(_) => Err(failed("not a JSON object".into())),
        Err(error) => Err(failed(format!("{} after byte {}", error.fault.describe(), error.at))),
    }
}

fn request(event: &str, options: &Submit) -> String {
    let mut text = format!("{{\"action\":\"submit\",\"event\":{event}");
    if let Some(ack) = options.ack {
        text.push_str(&format!(",\"ack\":\"{}\"", ack.name()));
    }
    if let Some((client, number)) = &options.key {
        text.push_str(&format!(",\"key\":{{\"client\":{},\"number\":{number}}}", quote(client)));
    }
    text + "}"
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_client::Ack;

    #[test]
    fn requests_are_what_a_daemon_reads() {
        let options = Submit {
            directory: None,
            json: false,
            event: EventText::Input,
            ack: Some(Ack::Durable),
            key: Some(("a\"b".into(), 7)),
        };
        let event = read_event(&b" {\"topic\":\"t\",\n \"data\":1}\n"[..]).unwrap();
        let text = request(&event, &options);
        let read = kymo_protocol::json::parse_request(text.as_bytes()).unwrap();
        assert_eq!(read.ack, Some(Ack::Durable));
        assert!(read.key.is_some_and(|key| key.client.is("a\"b") && key.number == 7));
    }

    #[test]
    fn only_one_object_is_taken() {
        for bad in [&b""[..], b"1", b"{", b"{}}", b"{},\"ack\":\"synced\"", b"\xFF"] {
            assert_eq!(read_event(bad).unwrap_err().code, USAGE);
        }
        let endless = io::repeat(b' ');
        assert!(read_event(endless).unwrap_err().text.contains("more than"));
    }
}
