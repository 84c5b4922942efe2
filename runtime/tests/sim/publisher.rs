//! Who submits events, keeps what was not answered, and says it again with the same key.

use std::collections::VecDeque;

use kymo_protocol::{
    Ack, Action, Body, Data, ErrorCode, EventFields, EventKind, Frame, Request, Words,
};
use serde_json::{Value, json};

use crate::random::Random;
use crate::reader::frame_size;
use crate::truth::{NUMBER, Truth, digest, mix};

/// A request that has no answer yet.
#[derive(Clone, Debug)]
struct Asked {
    number: u64,
    /// The event's; `None` for anything else.
    id: Option<u64>,
    ack: Ack,
    topic: &'static str,
    text: String,
}

#[derive(Debug)]
pub struct Publisher {
    name: String,
    index: u64,
    speaks_frames: bool,
    asked: VecDeque<Asked>,
    /// To be said again.
    refused: Vec<Asked>,
    number: u64,
    pub answers: u64,
    pub refusals: u64,
    pub repeats: u64,
}

const TOPICS: [&str; 6] = ["t0", "t1", "t2", "t3", "transcription", "transcription"];

/// The text of event `id`, of some length.
pub fn text(id: u64, random: &mut Random) -> String {
    let size = [3, 40, 200, 700][random.index(4)];
    format!("{NUMBER}{id} {}", "é~".repeat(random.index(size) / 2))
}

impl Publisher {
    pub fn new(index: usize, speaks_frames: bool) -> Self {
        Self {
            name: format!("publisher-{index}"),
            index: index as u64,
            speaks_frames,
            asked: VecDeque::new(),
            refused: Vec::new(),
            number: 0,
            answers: 0,
            refusals: 0,
            repeats: 0,
        }
    }

    /// What it says next.
    pub fn speak(&mut self, random: &mut Random) -> Vec<u8> {
        if let Some(again) = self.refused.pop() {
            self.repeats += 1;
            return self.ask(again);
        }
        self.number += 1;
        let number = self.number;
        let id = (self.index << 32) + number;
        let (topic, text) = (TOPICS[random.index(TOPICS.len())], text(id, random));
        let ack = [Ack::Durable, Ack::Durable, Ack::Synced, Ack::Received][random.index(4)];
        let id = if !self.speaks_frames && random.one_in(25) { None } else { Some(id) };
        self.ask(Asked { number, id, ack, topic, text })
    }

    /// What it says on a new connection: all that was not answered, with the same keys.
    pub fn repeat(&mut self) -> Vec<u8> {
        let asked = std::mem::take(&mut self.asked);
        let again = asked.into_iter().filter(|asked| asked.id.is_some());
        let again: Vec<Asked> = again.collect();
        self.repeats += again.len() as u64;
        again.into_iter().flat_map(|asked| self.ask(asked)).collect()
    }

    /// Whether it waits for so much that it should say no more.
    pub fn is_patient(&self) -> bool {
        self.asked.len() < 20
    }

    fn ask(&mut self, asked: Asked) -> Vec<u8> {
        let bytes = if self.speaks_frames { self.frame(&asked) } else { self.line(&asked) };
        self.asked.push_back(asked);
        bytes
    }

    fn line(&self, asked: &Asked) -> Vec<u8> {
        let Asked { number, id, ack, topic, text } = asked;
        if id.is_none() {
            return format!("{{\"action\":\"toggle\",\"id\":{number}}}\n").into_bytes();
        }
        let event = match *topic {
            "transcription" => json!({"type": "transcription", "text": text}),
            topic => json!({"topic": topic, "data": text}),
        };
        let ack = ["", "received", "durable", "synced"][*ack as usize];
        let key = json!({"client": self.name, "number": number});
        let request =
            json!({"action": "submit", "id": number, "event": event, "ack": ack, "key": key});
        format!("{request}\n").into_bytes()
    }

    fn frame(&self, asked: &Asked) -> Vec<u8> {
        let (mut payload, mut bytes) = (vec![0; 4096], vec![0; 8192]);
        let data = Data::Text(Words::Plain(&asked.text));
        let fields = match asked.topic {
            "transcription" => {
                // Who speaks frames leaves nothing out.
                let name = Words::Plain("12:00:00");
                EventFields { data, name, ..EventFields::new(EventKind::Transcription) }
            }
            topic => EventFields::custom(topic, data),
        };
        let size = fields.write(&mut payload).unwrap();
        let (event, key) = (&payload[..size], Some((self.name.as_str(), asked.number)));
        let (action, ack) = (Action::Submit, Some(asked.ack));
        let size = Request::emit(&mut bytes, asked.number, action, ack, key, event).unwrap();
        bytes.truncate(size);
        bytes
    }

    /// Takes the whole replies off the front of `bytes`; how many bytes that were.
    pub fn read(&mut self, bytes: &[u8], truth: &mut Truth, hash: &mut u64) -> usize {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let size = match self.speaks_frames {
                true => frame_size(rest),
                false => rest.iter().position(|byte| *byte == b'\n').map(|end| end + 1),
            };
            let Some(size) = size else { return at };
            *hash = mix(*hash, digest(&rest[..size]));
            match self.speaks_frames {
                true => self.read_frame(&rest[..size], truth),
                false => self.read_line(&rest[..size], truth),
            }
            at += size;
        }
    }

    fn read_frame(&mut self, bytes: &[u8], truth: &mut Truth) {
        let frame = Frame::parse(bytes).expect("a frame");
        let Body::Reply(reply) = frame.body else { panic!("{:?}", frame.header) };
        let fields = reply.fields();
        let code = ErrorCode::from_number(fields.code).map(ErrorCode::name);
        self.answer(fields.id, fields.sequence, fields.ack, code, truth);
    }

    fn read_line(&mut self, bytes: &[u8], truth: &mut Truth) {
        let line: Value = serde_json::from_slice(bytes).expect("a whole line");
        let number = |key: &str| line.get(key).and_then(Value::as_u64);
        let names = ["received", "durable", "synced"].iter().zip(Ack::ALL);
        let ack = names.into_iter().find(|(name, _)| line["ack"] == **name).map(|found| found.1);
        let code = (line["status"] != "success").then(|| line["code"].as_str().expect("a code"));
        let id = number("id").expect("the id of a request");
        self.answer(id, number("seq").unwrap_or(0), ack, code, truth);
    }

    fn answer(
        &mut self,
        number: u64,
        sequence: u64,
        ack: Option<Ack>,
        code: Option<&str>,
        truth: &mut Truth,
    ) {
        let asked = self.asked.pop_front().expect("a reply to nothing");
        assert_eq!(asked.number, number, "replies are out of order");
        self.answers += 1;
        match (code, asked.id) {
            (None, Some(id)) => {
                assert_eq!(ack, Some(asked.ack), "another ack than was asked for");
                truth.acknowledge(id, sequence, asked.ack);
            }
            (None, None) => assert!(truth.get(sequence).is_some(), "a toggle without an event"),
            (Some("journal_failed"), id) => {
                self.refusals += 1;
                // What can't be synced any more is journalled all the same.
                self.refused.extend(id.map(|_| Asked { ack: Ack::Durable, ..asked }));
            }
            (Some(code), _) => panic!("request {number} was refused: {code}"),
        }
    }
}
