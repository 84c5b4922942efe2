//! A client that reads lines.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use serde_json::Value;

/// A client that reads lines, each of which must be JSON.
#[derive(Debug)]
pub struct Json(BufReader<UnixStream>);

impl Json {
    /// A client on a connection.
    pub fn new(stream: UnixStream) -> Self {
        Self(BufReader::with_capacity(64 * 1024, stream))
    }

    /// Says something. The daemon may be gone.
    pub fn say(&mut self, text: &str) -> &mut Self {
        let _ = self.0.get_mut().write_all(text.as_bytes());
        self
    }

    /// Says that it has nothing more to say.
    pub fn end_of_words(&mut self) -> &mut Self {
        let _ = self.0.get_mut().shutdown(Shutdown::Write);
        self
    }

    /// The next line, if one comes before the end.
    pub fn try_line(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            // The daemon closed while words of ours were unread.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Ok(_) if !line.ends_with('\n') => panic!("a cut line: {line:?}"),
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next line.
    pub fn line(&mut self) -> Value {
        self.try_line().expect("a line")
    }

    /// The next line, which must be of this type.
    pub fn expect(&mut self, kind: &str) -> Value {
        let line = self.line();
        assert_eq!(line["type"], kind, "{line}");
        line
    }

    /// Welcome, and the state of an application that has said nothing yet; returns the welcome.
    pub fn admitted(&mut self) -> Value {
        let welcome = self.expect("welcome");
        let state = self.expect("state_change");
        let time = &state["timestamp"];
        let expected = serde_json::json!({
            "type": "state_change", "state": "idle", "timestamp": time, "catchup": true,
        });
        assert_eq!(state, expected);
        welcome
    }

    /// Subscribes on stream.sock, and returns welcome and subscribed.
    pub fn subscribe(&mut self, line: &Value) -> [Value; 2] {
        self.say(&format!("{line}\n"));
        [self.expect("welcome"), self.expect("subscribed")]
    }

    /// The next line that is no vitals, of which this is left: its type, and its sequence or what
    /// it says.
    pub fn told(&mut self) -> String {
        let line = self.skip_vitals();
        let mut text = line["type"].as_str().unwrap().to_string();
        for key in ["seq", "first", "last", "state", "topic", "text", "reason"] {
            if let Some(value) = line.get(key) {
                text += &format!(" {}", value.to_string().trim_matches('"'));
            }
        }
        text + if line["catchup"] == true { " catchup" } else { "" }
    }

    /// Skips vitals up to a line of another type.
    pub fn skip_vitals(&mut self) -> Value {
        loop {
            let line = self.line();
            if line["type"] != "vitals" {
                return line;
            }
        }
    }

    /// The next line, which must be vitals, and its sequence number.
    pub fn vitals(&mut self) -> u64 {
        self.expect("vitals")["seq"].as_u64().unwrap()
    }

    /// Whatever comes to the end must be vitals and then one error, whose code and text these are.
    pub fn refusal(&mut self) -> (String, String) {
        let line = self.skip_vitals();
        assert_eq!(line["type"], "error", "{line}");
        assert_eq!(self.try_line(), None);
        let text = |key: &str| line[key].as_str().unwrap().to_string();
        (text("code"), text("error"))
    }
}
