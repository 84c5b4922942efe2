//! One who submits its share of the events, each at its time.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kymo_protocol::{Action, Body, Data, EventFields, Frame, Request};
use serde_json::Value;

use crate::ledger::{Ledger, PUBLISHERS};
use crate::message::Format;

/// Requests without reply, at most.
const WINDOW: u64 = 64;

/// A publisher; see the module.
pub struct Publisher {
    ledger: Arc<Ledger>,
    index: usize,
    format: Format,
    stream: UnixStream,
    /// Replies that have not come whole.
    heard: VecDeque<u8>,
    sent: u64,
    answered: u64,
}

impl Publisher {
    /// On a connection to control.sock.
    pub fn new(ledger: Arc<Ledger>, index: usize, stream: UnixStream) -> Self {
        let format = if index.is_multiple_of(2) { Format::Json } else { Format::Binary };
        Self { ledger, index, format, stream, heard: VecDeque::new(), sent: 0, answered: 0 }
    }

    /// Publishes its share of `rate` events a second for `span`; when the last was answered.
    pub fn run(mut self, begin: Instant, rate: u64, span: Duration) -> Result<Instant, String> {
        loop {
            let elapsed = begin.elapsed().min(span);
            let is_over = elapsed == span || self.ledger.is_over();
            if is_over && self.answered == self.sent {
                return Ok(Instant::now());
            }
            let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap();
            let due = elapsed_us * rate / PUBLISHERS as u64 / 1_000_000;
            let end = due.min(self.answered + WINDOW);
            if end > self.sent && !is_over && !self.ledger.is_ahead() {
                let requests: Vec<u8> = (self.sent..end).flat_map(|n| self.request(n)).collect();
                self.stream.write_all(&requests).map_err(|error| error.to_string())?;
                self.sent = end;
            } else if self.answered == self.sent {
                std::thread::sleep(Duration::from_micros(500));
            }
            if self.answered < self.sent {
                self.hear().map_err(|fault| format!("publisher {}: {fault}", self.index))?;
            }
        }
    }

    fn request(&self, number: u64) -> Vec<u8> {
        let (topic, data) = (format!("p{}", self.index), Ledger::data(self.index, number));
        if self.format == Format::Json {
            let event = format!("{{\"topic\":\"{topic}\",\"data\":{data}}}");
            let line = format!("{{\"action\":\"submit\",\"id\":{number},\"event\":{event}}}\n");
            return line.into_bytes();
        }
        let (mut payload, mut frame) = ([0; 512], vec![0; 1024]);
        let size = EventFields::custom(&topic, Data::Json(&data)).write(&mut payload).unwrap();
        let event = &payload[..size];
        let size = Request::emit(&mut frame, number, Action::Submit, None, None, event).unwrap();
        frame.truncate(size);
        frame
    }

    /// Takes in replies, at least one read of them.
    fn hear(&mut self) -> Result<(), String> {
        let mut buffer = [0; 8192];
        let size = self.stream.read(&mut buffer).map_err(|error| error.to_string())?;
        self.heard.extend(&buffer[..size]);
        if size == 0 {
            return Err("the connection has ended".into());
        }
        let mut sequences = Vec::new();
        let bytes = self.heard.make_contiguous();
        let mut used = 0;
        while let Some(size) = self.format.size(&bytes[used..])? {
            let (id, sequence) = answer(self.format, &bytes[used..used + size])?;
            if id != self.answered {
                return Err(format!("answer {id} instead of {}", self.answered));
            }
            sequences.push(sequence);
            self.answered += 1;
            used += size;
        }
        self.heard.drain(..used);
        self.ledger.tell(self.index, &sequences);
        Ok(())
    }
}

/// Which request was answered, and with which sequence.
fn answer(format: Format, message: &[u8]) -> Result<(u64, u64), String> {
    if format == Format::Json {
        let reply: Value = serde_json::from_slice(message).map_err(|error| error.to_string())?;
        let answer = reply["id"].as_u64().zip(reply["seq"].as_u64());
        return answer.ok_or_else(|| reply.to_string());
    }
    let frame = Frame::parse(message).map_err(|error| error.to_string())?;
    match frame.body {
        Body::Reply(reply) if reply.fields().code == 0 => {
            Ok((reply.fields().id, reply.fields().sequence))
        }
        other => Err(format!("{other:?}")),
    }
}
