//! The hub over a journal in memory: what a start makes of damaged bytes, and of small measures.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod flips;
mod measures;

use kymo::journal::{MemoryStorage, Start};
use kymo::{Config, History, Hub, Identity, SessionId};
use kymo_platform::LocalTime;
use kymo_platform::clock::Now;
use kymo_platform::peer::Peer;
use serde_json::Value;

/// Their places in `Config::in_directory`.
const STREAM: usize = 0;
const CONTROL: usize = 2;

/// A hub, and whoever talks to it.
struct World {
    hub: Hub,
    now: Now,
}

impl World {
    /// Starts on what a disk holds.
    fn start(disk: &MemoryStorage, event_bytes: u32, epoch: u128) -> Self {
        let mut config = Config::in_directory("/nowhere");
        config.limits.clients = 4;
        config.limits.event_bytes = event_bytes;
        let start = Start { epoch, salt: 7, boot: 1 };
        let history = History::open(Box::new(disk.clone()), &start, true).expect("a start");
        let second = 1_000_000_000;
        let now = Now { mono_ns: second, boot_ns: second, wall_ns: 1_700_000_000 * second };
        let identity = Identity { epoch, run: epoch, uid: 0 };
        Self { hub: Hub::new(&config, identity, history, LocalTime::new(), now), now }
    }

    fn connect(&mut self, listener: usize) -> SessionId {
        let peer = Peer { uid: 0, gid: 0, pid: None };
        self.hub.accept(Some(listener), peer, self.now).expect("a place")
    }

    /// Closes a connection.
    fn leave(&mut self, id: SessionId) {
        self.hub.handle_input_end(id, self.now);
        self.hub.handle_hangup(id, self.now);
        while self.hub.poll_closed().is_some() {}
    }

    /// Says something, as fast as it is taken, and gives back the lines that come.
    fn talk(&mut self, id: SessionId, text: &str) -> Vec<Value> {
        self.talk_all(&[(id, text)]).remove(0)
    }

    /// The same with several at once: each turn takes in what all of them have to say.
    fn talk_all(&mut self, talks: &[(SessionId, &str)]) -> Vec<Vec<Value>> {
        let mut rests: Vec<&[u8]> = talks.iter().map(|(_, text)| text.as_bytes()).collect();
        let mut heard = vec![Vec::new(); talks.len()];
        loop {
            let mut is_idle = true;
            for ((id, _), rest) in talks.iter().zip(&mut rests) {
                let space = self.hub.input_space(*id);
                let size = space.len().min(rest.len());
                space[..size].copy_from_slice(&rest[..size]);
                *rest = &rest[size..];
                if size > 0 {
                    is_idle = false;
                    self.hub.handle_received(*id, size, self.now);
                }
            }
            self.hub.handle_rest(self.now);
            self.hub.commit(self.now);
            while let Some(ready) = self.hub.poll_ready() {
                let parts = self.hub.transmit(ready, self.now);
                let bytes: Vec<u8> = parts.concat();
                drop(parts);
                if let Some(place) = talks.iter().position(|(id, _)| *id == ready) {
                    heard[place].extend_from_slice(&bytes);
                }
                if !bytes.is_empty() {
                    is_idle = false;
                    self.hub.handle_sent(ready, bytes.len(), self.now);
                }
            }
            if is_idle && !self.hub.has_rest() {
                break;
            }
        }
        let lines = |heard: Vec<u8>| -> Vec<Value> {
            let lines = heard.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines.map(|line| serde_json::from_slice(line).expect("a line")).collect()
        };
        heard.into_iter().map(lines).collect()
    }

    /// Everything that a subscriber gets who has the events up to `last`: how it is continued, and
    /// what follows.
    fn resume(&mut self, epoch: &str, last: u64) -> (String, Vec<Value>) {
        let id = self.connect(STREAM);
        let resume = format!("{{\"epoch\":\"{epoch}\",\"events\":{last}}}");
        let text = format!("{{\"subscribe\":[\"events\"],\"resume\":{resume}}}\n");
        let mut lines = self.talk(id, &text);
        self.leave(id);
        let subscribed = lines.remove(1);
        (subscribed["resume"].as_str().unwrap().into(), lines.split_off(1))
    }

    /// Submits with a key; the replies.
    fn submit(&mut self, events: impl IntoIterator<Item = (u64, String)>) -> Vec<Value> {
        let id = self.connect(CONTROL);
        let request = |(number, event): (u64, String)| {
            let key = format!("{{\"client\":\"c\",\"number\":{number}}}");
            format!("{{\"action\":\"submit\",\"id\":{number},\"key\":{key},\"event\":{event}}}\n")
        };
        let text: String = events.into_iter().map(request).collect();
        let replies = self.talk(id, &text);
        self.leave(id);
        replies
    }

    /// The epoch, as a client is told it.
    fn epoch(&mut self) -> String {
        let id = self.connect(1);
        let welcome = self.talk(id, "").remove(0);
        self.leave(id);
        welcome["epoch"].as_str().unwrap().into()
    }
}
