//! One who submits numbered events and repeats those it does not know the fate of.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::{Ack, Action, Body, Data, Decoder, EventFields, Request};
use serde_json::Value;

use crate::common::PATIENCE;
use crate::ledger::Ledger;
use crate::random::Random;

/// Requests without reply, at most.
const WINDOW: u64 = 64;

/// How replies are found in what comes.
enum Replies {
    Lines(Vec<u8>),
    Frames(Box<Decoder<FRAME_MAX>>),
}

/// A reply: which request it answers, and with which ack and sequence.
type Answer = (u64, String, u64);

/// A publisher; see the module.
pub struct Publisher {
    ledger: Arc<Ledger>,
    index: usize,
    name: String,
    path: PathBuf,
    random: Random,
    /// Numbers below this one were answered.
    answered: u64,
    /// Numbers below this one were sent on this connection.
    sent: u64,
}

impl Publisher {
    /// The first speaks JSON, the second frames.
    pub fn new(ledger: Arc<Ledger>, index: usize, directory: &Path) -> Self {
        let name = format!("p{index}");
        let random = ledger.random(&name);
        let path = directory.join("control.sock");
        Self { ledger, index, name, path, random, answered: 0, sent: 0 }
    }

    /// Publishes until it is told to drain, and everything is answered.
    pub fn run(mut self) -> Result<(), String> {
        while !self.ledger.is_over() && !self.is_done() {
            match UnixStream::connect(&self.path) {
                Ok(stream) => self.talk(stream)?,
                Err(_) => std::thread::sleep(Duration::from_micros(200)),
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.ledger.is_draining()
            && self.ledger.acked_by(self.index) == self.ledger.sent_by(self.index)
    }

    /// Talks until the daemon is gone.
    fn talk(&mut self, mut stream: UnixStream) -> Result<(), String> {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut replies = match self.index {
            0 => Replies::Lines(Vec::new()),
            _ => Replies::Frames(Box::default()),
        };
        // What was not answered is sent again, under the same keys.
        self.sent = self.answered;
        while !self.ledger.is_over() && !self.is_done() {
            let bytes = self.requests();
            if bytes.is_empty() && self.sent == self.answered {
                std::thread::sleep(Duration::from_micros(200));
                continue;
            }
            // What the daemon took before it was killed may have become events.
            if stream.write_all(&bytes).is_err() || !self.hear(&mut stream, &mut replies)? {
                return Ok(());
            }
            if self.random.one_in(16) {
                std::thread::sleep(Duration::from_micros(self.random.below(1500)));
            }
        }
        Ok(())
    }

    /// Some more requests, as many as are allowed.
    fn requests(&mut self) -> Vec<u8> {
        let window = 1 + self.random.below(WINDOW);
        let mut end = self.answered + window;
        if self.ledger.is_draining() || self.ledger.is_ahead() {
            end = end.min(self.ledger.sent_by(self.index));
        }
        self.ledger.send(self.index, end);
        let mut bytes = Vec::new();
        for number in self.sent..end {
            let ack = match self.random.below(256) {
                0 => Some(Ack::Synced),
                1..64 => Some(Ack::Durable),
                _ => None,
            };
            let data = self.ledger.data(self.index, number);
            if self.index == 0 {
                bytes.extend(self.line(number, ack, &data));
            } else {
                bytes.extend(self.frame(number, ack, &data));
            }
        }
        self.sent = self.sent.max(end);
        bytes
    }

    fn line(&self, number: u64, ack: Option<Ack>, data: &str) -> Vec<u8> {
        let name = &self.name;
        let ack = ack.map_or(String::new(), |ack| format!("\"ack\":\"{}\",", ack.name()));
        format!(
            "{{\"action\":\"submit\",\"id\":{number},{ack}\"key\":{{\"client\":\"{name}\",\
             \"number\":{number}}},\"event\":{{\"topic\":\"{name}\",\"data\":{data}}}}}\n"
        )
        .into_bytes()
    }

    fn frame(&self, number: u64, ack: Option<Ack>, data: &str) -> Vec<u8> {
        let (mut payload, mut frame) = (vec![0; 8192], vec![0; 16 * 1024]);
        let event = EventFields::custom(&self.name, Data::Json(data));
        let size = event.write(&mut payload).unwrap();
        let key = Some((self.name.as_str(), number));
        let event = &payload[..size];
        let size = Request::emit(&mut frame, number, Action::Submit, ack, key, event).unwrap();
        frame.truncate(size);
        frame
    }

    /// Takes in replies, at least one if there is one to come. `false`: the daemon is gone.
    fn hear(&mut self, stream: &mut UnixStream, replies: &mut Replies) -> Result<bool, String> {
        let mut buffer = [0; 4096];
        let size = match stream.read(&mut buffer) {
            Ok(size @ 1..) => size,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(format!("publisher {} got no reply for {PATIENCE:?}", self.index));
            }
            _ => return Ok(false),
        };
        for (number, ack, sequence) in replies.take(&buffer[..size])? {
            if number != self.answered || !["durable", "synced"].contains(&ack.as_str()) {
                let expected = self.answered;
                return Err(format!("{ack} of {number} instead of {expected}"));
            }
            self.ledger.tell(self.index, number, sequence)?;
            self.answered += 1;
        }
        Ok(true)
    }
}

impl Replies {
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Answer>, String> {
        match self {
            Self::Lines(rest) => {
                rest.extend_from_slice(bytes);
                let end = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let lines: Vec<u8> = rest.drain(..end).collect();
                lines
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .map(line)
                    .collect()
            }
            Self::Frames(decoder) => take_frames(decoder, bytes),
        }
    }
}

fn line(line: &[u8]) -> Result<Answer, String> {
    let text = String::from_utf8_lossy(line).into_owned();
    let reply: Value = serde_json::from_slice(line).map_err(|error| format!("{error}: {text}"))?;
    match (reply["id"].as_u64(), reply["ack"].as_str(), reply["seq"].as_u64()) {
        (Some(id), Some(ack), Some(sequence)) => Ok((id, ack.into(), sequence)),
        _ => Err(text),
    }
}

fn take_frames(decoder: &mut Decoder<FRAME_MAX>, mut bytes: &[u8]) -> Result<Vec<Answer>, String> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let space = decoder.space();
        let size = space.len().min(bytes.len());
        space[..size].copy_from_slice(&bytes[..size]);
        decoder.filled(size);
        bytes = &bytes[size..];
        while let Some(frame) = decoder.next_frame().map_err(|error| error.to_string())? {
            let Body::Reply(reply) = frame.body else { return Err("no reply".into()) };
            let fields = reply.fields();
            let Some(ack) = fields.ack.filter(|_| fields.code == 0) else {
                return Err(reply.text().into());
            };
            answers.push((fields.id, ack.name().into(), fields.sequence));
        }
    }
    Ok(answers)
}
