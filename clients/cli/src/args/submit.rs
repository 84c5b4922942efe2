//! Options of `kymo submit`, and the event they make.

use std::path::PathBuf;

use kymo_client::{Ack, EventKind};
use lexopt::{Arg, Error, Parser, ValueExt};

use super::{Command, dir_help};
use crate::quote::quote;

const HELP: &str = concat!(
    "\
kymo submit: publish an event

usage: kymo submit --topic T [--data JSON | --text TEXT]
       kymo submit --text TEXT
       kymo submit --type TYPE [...]
       kymo submit -

  --topic T    an event of your own about T, such as build.done
  --data JSON  what it says
  --text TEXT  what it says, as it is; without --topic, what was spoken
  --type TYPE  event, transcription, session_start, session_end, state_change,
               notification, metrics_update (default: event or transcription)
  --state S    idle, recording, processing or error
  --hook NAME  which hook; --data is what it says
  --session N  the session it belongs to (default: the open one)
  -            the whole event as JSON from standard input
  --ack LEVEL  wait until it is received, durable (journalled) or synced (on
               the disk)
  --client NAME --number N
               make it safe to repeat: the same name and number again is the
               same event. It is repeated if the daemon goes away meanwhile
  --json       print the daemon's reply as it is
",
    dir_help!(),
    "
examples: kymo submit --topic build.done --data '{\"ok\":true}'
          kymo submit --text 'Hello world'
"
);

/// Options of `kymo submit`.
#[derive(Debug, PartialEq, Eq)]
pub struct Submit {
    /// `--dir`
    pub directory: Option<PathBuf>,
    /// `--json`
    pub json: bool,
    /// The event.
    pub event: EventText,
    /// `--ack`
    pub ack: Option<Ack>,
    /// `--client` and `--number`
    pub key: Option<(String, u64)>,
}

/// An event as JSON.
#[derive(Debug, PartialEq, Eq)]
pub enum EventText {
    /// This one.
    Given(String),
    /// What standard input says.
    Input,
}

/// What options say of the event.
#[derive(Debug, Default)]
struct Parts {
    kind: Option<EventKind>,
    topic: Option<String>,
    data: Option<String>,
    text: Option<String>,
    state: Option<String>,
    hook: Option<String>,
    session: Option<u64>,
    is_input: bool,
}

pub fn parse(parser: &mut Parser) -> Result<Command, Error> {
    let mut parts = Parts::default();
    let (mut directory, mut json, mut ack) = (None, false, None);
    let (mut client, mut number) = (None, None);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("dir") => directory = Some(parser.value()?.into()),
            Arg::Long("json") => json = true,
            Arg::Long("topic") => parts.topic = Some(parser.value()?.string()?),
            Arg::Long("data") => parts.data = Some(parser.value()?.parse_with(parse_data)?),
            Arg::Long("text") => parts.text = Some(parser.value()?.string()?),
            Arg::Long("type") => parts.kind = Some(parser.value()?.parse_with(parse_kind)?),
            Arg::Long("state") => parts.state = Some(parser.value()?.string()?),
            Arg::Long("hook") => parts.hook = Some(parser.value()?.string()?),
            Arg::Long("session") => {
                parts.session = Some(parser.value()?.parse().map_err(|_| "--session is a number")?);
            }
            Arg::Long("ack") => ack = Some(parser.value()?.parse_with(parse_ack)?),
            Arg::Long("client") => client = Some(parser.value()?.string()?),
            Arg::Long("number") => {
                number = Some(parser.value()?.parse().map_err(|_| "--number is a number")?);
            }
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP.into())),
            Arg::Value(value) if value == "-" => parts.is_input = true,
            _ => return Err(arg.unexpected()),
        }
    }
    let key = match (client, number) {
        (Some(client), Some(number)) => Some((client, number)),
        (None, None) => None,
        (Some(_), None) => return Err("--client needs --number".into()),
        (None, Some(_)) => return Err("--number needs --client".into()),
    };
    let event = parts.into_event()?;
    Ok(Command::Submit(Submit { directory, json, event, ack, key }))
}

fn parse_data(text: &str) -> Result<String, String> {
    match kymo_protocol::json::check(text) {
        Ok(()) => Ok(text.into()),
        Err(error) => Err(format!("this is not JSON after byte {}", error.at)),
    }
}

fn parse_kind(text: &str) -> Result<EventKind, String> {
    let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == text);
    kind.ok_or("there is no such type of event".into())
}

fn parse_ack(text: &str) -> Result<Ack, String> {
    let ack = Ack::ALL.into_iter().find(|ack| ack.name() == text);
    ack.ok_or("an ack is received, durable or synced".into())
}

impl Parts {
    fn into_event(self) -> Result<EventText, Error> {
        if self.is_input {
            return if self.has_any() {
                Err("- is the whole event; leave out what describes it".into())
            } else {
                Ok(EventText::Input)
            };
        }
        if !self.has_any() {
            return Err("what is the event? --topic, --text, --type or -".into());
        }
        let default = match (&self.topic, &self.text) {
            (None, Some(_)) => EventKind::Transcription,
            _ => EventKind::Custom,
        };
        let kind = self.kind.unwrap_or(default);
        let spoken = kind == EventKind::Transcription;
        let has_state = matches!(kind, EventKind::StateChange | EventKind::MetricsUpdate);
        let is_hook = kind == EventKind::Notification;
        let is_custom = kind == EventKind::Custom;
        let has_session = !has_state && !is_hook && !is_custom || kind == EventKind::MetricsUpdate;
        if self.data.is_some() && self.text.is_some() {
            return Err("--text stands beside --data".into());
        }
        let (text, data) = (self.text.as_deref().map(quote), self.data);
        let members = [
            ("topic", take("--topic", is_custom, is_custom, self.topic.as_deref().map(quote))?),
            ("state", take("--state", has_state, has_state, self.state.as_deref().map(quote))?),
            ("hook_name", take("--hook", is_hook, is_hook, self.hook.as_deref().map(quote))?),
            (
                if spoken { "text" } else { "data" },
                take("--text", spoken || is_custom, spoken, text)?,
            ),
            (
                if is_hook { "hook_data" } else { "data" },
                take("--data", is_custom || is_hook, false, data)?,
            ),
            (
                "session_id",
                take("--session", has_session, false, self.session.map(|id| id.to_string()))?,
            ),
        ];
        let mut text = format!("{{\"type\":\"{}\"", kind.name());
        for (key, value) in members {
            if let Some(value) = value {
                text.push_str(&format!(",\"{key}\":{value}"));
            }
        }
        Ok(EventText::Given(text + "}"))
    }

    fn has_any(&self) -> bool {
        let words = [&self.topic, &self.data, &self.text, &self.state, &self.hook];
        self.kind.is_some() || self.session.is_some() || words.iter().any(|word| word.is_some())
    }
}

/// An option's value, if this type of event may and must have it.
fn take<T>(name: &str, may: bool, must: bool, value: Option<T>) -> Result<Option<T>, Error> {
    match value {
        Some(_) if !may => Err(format!("{name} is nothing for this type of event").into()),
        None if must => Err(format!("{name} is missing for this type of event").into()),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::*;

    fn event(line: &str) -> serde_json::Value {
        match parsed(line) {
            Ok(Command::Submit(Submit { event: EventText::Given(text), .. })) => {
                let request = format!("{{\"action\":\"submit\",\"event\":{text}}}");
                let understood = kymo_protocol::json::parse_request(request.as_bytes());
                assert!(understood.is_ok(), "{text}: {understood:?}");
                serde_json::from_str(&text).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_make_events() {
        use serde_json::json;
        for (line, expected) in [
            (
                "submit --topic build.done --data {\"ok\":true}",
                json!({"type": "event", "topic": "build.done", "data": {"ok": true}}),
            ),
            ("submit --topic t", json!({"type": "event", "topic": "t"})),
            (
                "submit --topic t --text a\"b\\~c",
                json!({"type": "event", "topic": "t", "data": "a\"b\\ c"}),
            ),
            ("submit --text Hello~you", json!({"type": "transcription", "text": "Hello you"})),
            (
                "submit --type session_start --session 7",
                json!({"type": "session_start", "session_id": 7}),
            ),
            (
                "submit --type state_change --state idle",
                json!({"type": "state_change", "state": "idle"}),
            ),
            (
                "submit --type notification --hook h --data [1]",
                json!({"type": "notification", "hook_name": "h", "hook_data": [1]}),
            ),
        ] {
            assert_eq!(event(line), expected, "{line}");
        }
    }

    #[test]
    fn nothing_else_gets_into_the_request() {
        let smuggled = "submit --topic t --data 1},\"ack\":\"synced\",\"x\":{\"y\":1";
        assert!(parsed(smuggled).is_err());
        let odd = event("submit --topic a\",\"b\":\"c --text \u{1}\u{7f}");
        assert_eq!(odd["topic"], "a\",\"b\":\"c");
        assert_eq!(odd["data"], "\u{1}\u{7f}");
    }

    #[test]
    fn the_rest_is_understood() {
        let line = "submit - --ack durable --client app --number 7 --json --dir /d";
        let Ok(Command::Submit(submit)) = parsed(line) else { panic!() };
        let expected = Submit {
            directory: Some("/d".into()),
            json: true,
            event: EventText::Input,
            ack: Some(Ack::Durable),
            key: Some(("app".into(), 7)),
        };
        assert_eq!(submit, expected);
    }
}
