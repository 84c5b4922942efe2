//! Requests that are none, in JSON and in frames: told clearly, bounded, and nobody else's concern.

use std::io::{Read, Write};

use kymo_protocol::event::EVENT_HEAD_SIZE;
use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::{
    Ack, Action, Body, Data, Decoder, ErrorCode, EventFields, Hello, Request, Words,
};
use serde_json::{Value, json};

use crate::common::{Daemon, Owner, request};

/// A subscriber and a connection of the owner's that must notice nothing.
struct Others(crate::common::Json, Owner, u64);

impl Others {
    fn new(daemon: &Daemon) -> Self {
        let mut client = daemon.json("stream.sock");
        client.subscribe(&json!({"subscribe": ["events"]}));
        client.expect("state_change");
        Self(client, daemon.owner(), 0)
    }

    fn are_well(&mut self) {
        self.2 += 1;
        assert_eq!(self.1.submit(&json!({"topic": "t"})), self.2);
        assert_eq!(self.0.expect("event")["seq"], self.2);
    }
}

fn submit(event: &str) -> String {
    format!("{{\"action\":\"submit\",\"id\":1,\"event\":{event}}}")
}

/// Requests with a mistake, the key that has it, if one has, and a place it does not lie before.
fn bad_requests() -> Vec<(String, &'static str, usize)> {
    let big = "9".repeat(400);
    let deep = format!("{{\"topic\":\"t\",\"data\":{}1{}}}", "[".repeat(15), "]".repeat(15));
    vec![
        ("{}".to_string(), "action", 0),
        ("[]".into(), "", 0),
        ("{\"action\":\"pong\"}".into(), "action", 9),
        ("{\"action\":1}".into(), "action", 9),
        ("{\"action\":\"ping\",\"event\":{\"topic\":\"t\"}}".into(), "event", 16),
        ("{\"action\":\"submit\"}".into(), "event", 9),
        ("{\"action\":\"submit\",\"event\":3}".into(), "", 28),
        (submit("{\"topic\":\"\"}"), "topic", 30),
        (submit("{\"topic\":\"a\\u0007\"}"), "topic", 30),
        (submit(&format!("{{\"topic\":\"{}\"}}", "t".repeat(129))), "topic", 30),
        (submit("{\"type\":\"custom\",\"topic\":\"t\"}"), "type", 30),
        (submit("{\"type\":\"transcription\"}"), "text", 30),
        (submit("{\"type\":\"transcription\",\"text\":7}"), "text", 50),
        (submit("{\"type\":\"transcription\",\"text\":\"x\",\"words\":-1}"), "words", 50),
        (submit("{\"type\":\"transcription\",\"text\":\"x\",\"words\":1.5}"), "words", 50),
        (submit("{\"type\":\"transcription\",\"text\":\"x\",\"wpm\":\"1\"}"), "wpm", 50),
        (submit("{\"type\":\"transcription\",\"text\":\"x\",\"wpm\":1e999}"), "wpm", 50),
        (submit(&format!("{{\"type\":\"session_start\",\"session_id\":{big}}}")), "session_id", 50),
        (
            submit("{\"type\":\"session_start\",\"session_id\":18446744073709551616}"),
            "session_id",
            50,
        ),
        (submit("{\"type\":\"state_change\"}"), "state", 30),
        (submit("{\"type\":\"state_change\",\"state\":\"asleep\"}"), "state", 50),
        (submit("{\"type\":\"notification\"}"), "hook_name", 30),
        (submit("{\"topic\":\"t\",\"timestamp\":-1}"), "timestamp", 40),
        (submit("{\"topic\":\"t\",\"timestamp\":1e300}"), "timestamp", 40),
        (submit("{\"topic\":\"t\",\"data\":1e999}"), "data", 40),
        (submit("{\"topic\":\"t\",\"data_base64\":\"QQ\"}"), "data_base64", 40),
        (submit("{\"topic\":\"t\",\"data\":01}"), "", 40),
        (submit("{\"topic\":\"t\",\"data\":\"\\ud8\"}"), "", 40),
        (submit("{\"topic\":\"t\" \"data\":1}"), "", 40),
        (submit(&deep), "", 40),
        ("{\"action\":\"submit\",\"event\":{\"topic\":\"t\"},\"ack\":\"never\"}".into(), "ack", 40),
        ("{\"action\":\"submit\",\"event\":{\"topic\":\"t\"},\"key\":{}}".into(), "key", 40),
        (submit("{\"topic\":\"t\"},\"key\":{\"client\":\"\",\"number\":1}"), "key", 40),
        ("ping\n".into(), "", 0),
        ("\u{feff}{}\n".into(), "", 0),
        ("{\"action\":\"pi\0ng\"}".into(), "", 9),
        ("\0\0\0\n".into(), "", 0),
        ("]".into(), "", 0),
        ("\"\\\n".into(), "", 0),
    ]
}

#[test]
fn mistakes_in_requests_are_named_with_their_place() {
    let daemon = Daemon::forgetful(&[]);
    let mut others = Others::new(&daemon);
    let mut owner = daemon.owner();
    for (text, key, at) in bad_requests() {
        let reply = owner.ask(&text);
        assert_eq!((&reply["status"], &reply["code"]), (&"error".into(), &"json".into()), "{text}");
        let told = reply["error"].as_str().unwrap();
        assert!(told.contains(&format!("\"{key}\"")) || key.is_empty(), "{text}: {told}");
        let (_, place) = told.rsplit_once("after byte ").unwrap_or_else(|| panic!("{told}"));
        let place: usize = place.parse().unwrap();
        assert!((at..=text.len()).contains(&place), "{text}: {told}");
    }
    // A key that is unknown or repeated is told by its place, which is right behind its colon.
    for (text, key) in [
        ("{\"action\":\"ping\",\"action\":\"ping\"}", "\"action\""),
        ("{\"action\":\"ping\",\"acton\":1}", "\"acton\""),
        (&submit("{\"topic\":\"t\",\"topic\":\"t\"}"), "\"topic\""),
        (&submit("{\"topic\":\"t\",\"datum\":1}"), "\"datum\""),
    ] {
        let at = text.rfind(key).unwrap() + key.len() + 1;
        let expected = format!("unknown, repeated or missing key after byte {at}");
        assert_eq!(owner.ask(text)["error"], expected);
    }
    // Bytes that are no text, in strings and out of them.
    for bytes in [&b"{\"action\":\"p\xff\"}"[..], b"\xff\xfe\n", b"{\"action\":\"\xed\xa0\x80\"}"] {
        let mut stream = daemon.connect("control.sock");
        stream.write_all(bytes).unwrap();
        assert_eq!(Owner(crate::common::Json::new(stream)).0.line()["code"], "json");
    }
    owner.act("ping");
    others.are_well();
}

#[test]
fn what_is_too_long_is_cut() {
    let daemon = Daemon::forgetful(&[]);
    let mut others = Others::new(&daemon);
    let resident_kb = daemon.status("VmRSS");
    let million = "[".repeat(1 << 20);
    let ten_megabytes = submit(&format!("{{\"topic\":\"{}\"}}", "x".repeat(10 << 20)));
    let spaces = format!("{{{}", " ".repeat(1 << 20));
    for text in [million, ten_megabytes, spaces, "x".repeat(1 << 20)] {
        let mut owner = daemon.owner();
        let reply = owner.ask(&text);
        assert_eq!((&reply["status"], &reply["code"]), (&"error".into(), &"too_long".into()));
        assert_eq!(owner.0.try_line(), None);
        others.are_well();
    }
    // White space between requests is no request, however much there is.
    let mut owner = daemon.owner();
    owner.0.say(&" \n\t\r".repeat(1 << 18));
    owner.act("ping");
    let grown_kb = daemon.status("VmRSS").saturating_sub(resident_kb);
    assert!(grown_kb < 1024, "{grown_kb} KB more");

    // The longest event goes, and one byte more does not; the connection goes on.
    let data = |size: usize| "x".repeat(size);
    let room = 8192 - EVENT_HEAD_SIZE - "t".len();
    let long = owner.submit(&json!({"topic": "t", "data_base64": "eHh4".repeat(room / 3)}));
    assert_eq!(others.0.expect("event")["seq"], long);
    let text = submit(&json!({"topic": "t", "data": data(room - 2)}).to_string());
    others.2 = owner.ask(&text)["seq"].as_u64().unwrap();
    assert_eq!(others.0.expect("event")["data"], data(room - 2));
    let text = submit(&json!({"topic": "t", "data": data(room - 1)}).to_string());
    let reply = owner.ask(&text);
    assert_eq!((&reply["id"], &reply["code"]), (&1.into(), &"too_long".into()), "{reply}");
    others.are_well();
}

/// A control client that speaks frames.
struct Frames(std::os::unix::net::UnixStream, Box<Decoder<FRAME_MAX>>);

impl Frames {
    fn new(daemon: &Daemon) -> Self {
        Self(daemon.connect("control.sock"), Box::default())
    }

    fn say(&mut self, bytes: &[u8]) -> &mut Self {
        // The daemon may be gone.
        let _ = self.0.write_all(bytes);
        self
    }

    /// Id, code, sequence and text of the next reply, if one comes before the end.
    fn try_reply(&mut self) -> Option<(u64, u16, u64, Value)> {
        loop {
            if let Some(frame) = self.1.next_frame().expect("whole frames") {
                let Body::Reply(reply) = frame.body else { panic!("{:?}", frame.header) };
                assert_eq!(frame.header.sequence.get(), 0);
                let fields = reply.fields();
                let text: Value = serde_json::from_str(reply.text()).unwrap();
                assert_eq!(text["status"] == "success", fields.code == 0, "{text}");
                return Some((fields.id, fields.code, fields.sequence, text));
            }
            match self.0.read(self.1.space()) {
                Ok(0) | Err(_) => return None,
                Ok(size) => self.1.filled(size),
            }
        }
    }

    /// The last reply before the end.
    fn refusal(&mut self) -> (u64, u16, String) {
        let (id, code, _, text) = self.try_reply().expect("a reply");
        assert_eq!(self.try_reply(), None, "{text}");
        (id, code, text["error"].as_str().unwrap().to_string())
    }
}

fn frame(id: u64, action: Action, ack: Option<Ack>, event: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 70_000];
    let size = Request::emit(&mut bytes, id, action, ack, None, event).unwrap();
    bytes.truncate(size);
    bytes
}

fn payload(data: &str) -> Vec<u8> {
    let mut bytes = vec![0; 16 * 1024];
    let event = EventFields::custom("t", Data::Text(Words::Plain(data)));
    let size = event.write(&mut bytes).unwrap();
    bytes.truncate(size);
    bytes
}

#[test]
fn requests_may_be_frames() {
    let daemon = Daemon::forgetful(&[]);
    let mut others = Others::new(&daemon);
    let mut frames = Frames::new(&daemon);
    let mut unknown = frame(9, Action::Ping, None, &[]);
    unknown[12..14].copy_from_slice(&999u16.to_le_bytes());
    let all = [
        frame(u64::MAX, Action::Ping, None, &[]),
        unknown,
        frame(2, Action::Submit, Some(Ack::Received), &payload("hello")),
        frame(3, Action::Status, None, &[]),
        frame(4, Action::Submit, Some(Ack::Synced), &payload("hello")),
        frame(5, Action::Submit, None, &payload(&"x".repeat(9000))),
        frame(6, Action::Toggle, None, &[]),
        frame(7, Action::Submit, None, &payload(&"x".repeat(8000))),
    ]
    .concat();
    // In pieces that end anywhere.
    for piece in all.chunks(997) {
        frames.say(piece);
    }
    let (no_journal, too_long) = (ErrorCode::NoJournal as u16, ErrorCode::TooLong as u16);
    let codes = [(u64::MAX, 0), (2, 0), (3, 0), (4, no_journal), (5, too_long), (6, 0), (7, 0)];
    let mut sequences = Vec::new();
    for expected in codes {
        let (id, code, sequence, text) = frames.try_reply().unwrap();
        assert_eq!((id, code), expected, "{text}");
        assert_eq!(text.get("id"), None, "the frame has it");
        sequences.push(sequence);
    }
    assert_eq!(sequences, [0, 1, 0, 0, 0, 3, 4]);
    assert_eq!(others.0.expect("event")["data"], "hello");
    for kind in ["session_start", "state_change", "event"] {
        others.0.expect(kind);
    }
    others.2 = 4;
    // A time of 0 is filled in.
    others.are_well();
}

#[test]
fn wrong_frames_are_told_and_end_it() {
    let daemon = Daemon::forgetful(&[]);
    let mut others = Others::new(&daemon);
    let ping = frame(7, Action::Ping, None, &[]);
    let patched = |at: usize, with: &[u8]| {
        let mut bytes = ping.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let (wrong, unexpected) = (ErrorCode::Frame as u16, ErrorCode::Unexpected as u16);
    let cases = [
        (patched(0, b"ATPX"), wrong),
        (patched(4, &[1]), wrong),
        (patched(6, &[1]), wrong),
        (patched(8, &[7]), wrong),
        (patched(8, &[255; 4]), wrong),
        (patched(32 + 8, &[77]), wrong),
        (patched(32 + 10, &[1]), wrong),
        (patched(32 + 12, &[8]), wrong),
        (patched(32 + 24, b"name"), wrong),
        (request::<Hello>(|hello| hello.set("lost")), unexpected),
    ];
    for (bytes, code) in cases {
        let mut frames = Frames::new(&daemon);
        frames.say(&[&ping[..], &bytes, &ping].concat());
        assert_eq!(frames.try_reply().map(|reply| (reply.0, reply.1)), Some((7, 0)));
        let (id, got, text) = frames.refusal();
        assert_eq!((id, got), (0, code), "{text}");
        assert!(text.len() > 10, "{text}");
    }
    // Half a frame and no more.
    let mut frames = Frames::new(&daemon);
    frames.say(&ping[..40]).0.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(frames.refusal().1, wrong);
    others.are_well();
}
