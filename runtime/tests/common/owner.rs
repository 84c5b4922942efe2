//! The owner of a daemon: requests, each with its reply.

use serde_json::{Value, json};

use super::Json;

/// A connection to control.sock.
#[derive(Debug)]
pub struct Owner(pub Json);

impl Owner {
    /// The reply to a request, written as it stands.
    pub fn ask(&mut self, request: &str) -> Value {
        self.0.say(request).line()
    }

    /// The reply to an action that can only succeed.
    pub fn act(&mut self, action: &str) -> Value {
        let reply = self.ask(&json!({ "action": action }).to_string());
        assert_eq!(reply["status"], "success", "{reply}");
        reply
    }

    /// Publishes an event and returns its sequence.
    pub fn submit(&mut self, event: &Value) -> u64 {
        let reply = self.ask(&json!({"action": "submit", "event": event}).to_string());
        reply["seq"].as_u64().unwrap_or_else(|| panic!("{event}: {reply}"))
    }

    /// Publishes many of them, a few at a time, and returns their sequences.
    pub fn submit_all(&mut self, events: impl IntoIterator<Item = Value>) -> Vec<u64> {
        let mut sequences = Vec::new();
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            let requests = events.by_ref().take(50);
            let requests: Vec<_> = requests
                .map(|event| json!({"action": "submit", "event": event}).to_string())
                .collect();
            self.0.say(&requests.concat());
            for _ in requests {
                let reply = self.0.line();
                sequences.push(reply["seq"].as_u64().unwrap_or_else(|| panic!("{reply}")));
            }
        }
        sequences
    }
}
