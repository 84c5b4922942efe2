//! A control client and servers that answer, refuse, and go away in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use kymo_client::limits::OUTSTANDING_MAX;
use kymo_client::{
    Ack, Action, BackoffSettings, Breach, BreakerSettings, Control, ControlSettings, Data, Error,
    ErrorCode, EventFields, GoodbyeReason, LineControl, Submit, Why,
};
use kymo_protocol::{Body, Reply, ReplyFields, Stamp};

/// What a server is asked, as far as tests care.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    id: u64,
    action: Action,
    key: Option<(String, u64)>,
}

fn settings(scratch: &Scratch) -> ControlSettings {
    let first = Duration::from_millis(1);
    ControlSettings {
        backoff: BackoffSettings { first, cap: first, ..BackoffSettings::default() },
        ..ControlSettings::in_directories(vec![scratch.0.clone()])
    }
}

fn asked(peer: &mut Peer) -> Asked {
    peer.read(|frame| match frame.body {
        Body::Request(request) => Some(Asked {
            id: request.id(),
            action: request.action(),
            key: request.key().map(|(client, number)| (client.into(), number)),
        }),
        _ => None,
    })
}

fn reply(id: u64, code: u16, sequence: u64, text: &str) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let ack = (sequence > 0).then_some(Ack::Durable);
    let fields = ReplyFields { id, code, ack, sequence };
    let size = Reply::emit(&mut bytes, Stamp { boot_ns: 0 }, fields, text).unwrap();
    bytes.truncate(size);
    bytes
}

fn keyed<'a>(event: &'a EventFields<'a>, number: u64) -> Submit<'a> {
    Submit { key: Some(("app", number)), ..Submit::new(event) }
}

#[test]
fn answers_and_refusals_are_told_apart() {
    let scratch = Scratch::new();
    let listener = scratch.listen("control.sock");
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        let ping = asked(&mut peer);
        assert_eq!(ping.action, Action::Ping);
        let whole = reply(ping.id, 0, 0, "{\"status\":\"success\"}");
        for piece in whole.chunks(5) {
            peer.say(&[piece.to_vec()]);
        }
        let submit = asked(&mut peer);
        assert_eq!(submit.key, Some(("app".into(), 7)));
        peer.say(&[reply(submit.id, 0, 42, "{}")]);
        let toggle = asked(&mut peer);
        let no = "{\"status\":\"error\",\"error\":\"no device\",\"code\":\"refused\"}";
        peer.say(&[reply(toggle.id, ErrorCode::Refused as u16, 0, no)]);
        let quit = asked(&mut peer);
        peer.say(&[reply(quit.id, 999, 0, no)]);
    });
    let mut control = Control::connect(vec![scratch.0.clone()]).unwrap();
    assert_eq!(control.request(Action::Ping).unwrap().text, "{\"status\":\"success\"}");
    let event = EventFields::custom("build.done", Data::Json("1"));
    let answer = control.submit(keyed(&event, 7)).unwrap();
    assert_eq!((answer.sequence, answer.ack), (42, Some(Ack::Durable)));
    let error = control.request(Action::Toggle).unwrap_err();
    assert_eq!(error, refused(ErrorCode::Refused, "no device"));
    // A code of a later server is an error like the others.
    let error = control.request(Action::Quit).unwrap_err();
    assert_eq!(error, Error::Refused { code: None, text: "no device".into() });
    server.join().unwrap();
}

#[test]
fn what_has_a_key_is_sent_again_and_nothing_else() {
    let scratch = Scratch::new();
    let listener = scratch.listen("control.sock");
    let mut control = Control::new(settings(&scratch));
    let event = EventFields::custom("build.done", Data::Json("1"));
    let first = control.start_submit(keyed(&event, 1)).unwrap();
    let second = control.start_submit(Submit::new(&event)).unwrap();
    let third = control.start_submit(keyed(&event, 3)).unwrap();
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        // It has read all of them, and answers one; then it is killed.
        let ids: Vec<u64> = (0..3).map(|_| asked(&mut peer).id).collect();
        peer.say(&[reply(ids[0], 0, 1, "{}")]);
        drop(peer);
        // The next one dies before it has read anything, and one in the middle of its answer.
        drop(Peer::accept(&listener));
        let mut peer = Peer::accept(&listener);
        let id = asked(&mut peer).id;
        peer.say(&[reply(id, 0, 3, "{}")[..20].to_vec()]);
        drop(peer);
        let mut peer = Peer::accept(&listener);
        let again = asked(&mut peer);
        assert_eq!((again.id, again.key), (ids[2], Some(("app".into(), 3))));
        peer.say(&[reply(again.id, 0, 3, "{}")]);
        peer
    });
    let mut told = Vec::new();
    while let Some(replied) = control.finish().unwrap() {
        told.push((replied.id, replied.outcome.map(|answer| answer.sequence)));
    }
    assert_eq!(told, [(first, Ok(1)), (second, Err(Error::Lost(Why::Ended))), (third, Ok(3))]);
    drop(server.join().unwrap());
}

#[test]
fn up_to_sixty_four_are_on_their_way() {
    let scratch = Scratch::new();
    let listener = scratch.listen("control.sock");
    let mut control = Control::connect(vec![scratch.0.clone()]).unwrap();
    // Together more than a socket takes at once.
    let text = "x".repeat(3000);
    let event = EventFields::custom("t", Data::Text(kymo_protocol::Words::Plain(&text)));
    let numbers = 0..u64::try_from(OUTSTANDING_MAX).unwrap();
    let ids: Vec<u64> = numbers
        .clone()
        .map(|number| control.start_submit(keyed(&event, number)).unwrap())
        .collect();
    assert_eq!(control.start_submit(keyed(&event, 64)), Err(Error::Full));
    assert_eq!(control.request(Action::Ping).map(|_| ()), Err(Error::Outstanding));
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        for number in numbers {
            let request = asked(&mut peer);
            assert_eq!(request.key, Some(("app".into(), number)));
            peer.say(&[reply(request.id, 0, number + 1, "{}")]);
        }
        peer
    });
    for (id, sequence) in ids.into_iter().zip(1..) {
        let replied = control.finish().unwrap().unwrap();
        assert_eq!((replied.id, replied.outcome.map(|answer| answer.sequence)), (id, Ok(sequence)));
    }
    assert_eq!(control.finish(), Ok(None));
    drop(server.join().unwrap());
}

#[test]
fn a_server_that_left_while_nothing_was_asked_is_no_loss() {
    let scratch = Scratch::new();
    let listener = scratch.listen("control.sock");
    let mut control = Control::connect(vec![scratch.0.clone()]).unwrap();
    // One that stops, and has said so, still takes bytes for a while.
    let mut stopping = Peer::accept(&listener);
    let ping = control.start(Action::Ping).unwrap();
    stopping.say(&[reply(ping, 0, 0, "{}")]);
    assert!(control.finish().unwrap().unwrap().outcome.is_ok());
    stopping.say(&[goodbye(GoodbyeReason::Shutdown)]);
    let (ended, wait) = mpsc::channel();
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        let toggle = asked(&mut peer);
        peer.say(&[reply(toggle.id, 0, 0, "{}")]);
        // And one that has ended.
        drop(peer);
        ended.send(()).unwrap();
        let mut peer = Peer::accept(&listener);
        let toggle = asked(&mut peer);
        peer.say(&[reply(toggle.id, 0, 0, "{}")]);
        peer
    });
    // A toggle can't be repeated: it must not go to the connection that has ended.
    assert_eq!(control.request(Action::Toggle).map(|_| ()), Ok(()));
    wait.recv().unwrap();
    assert_eq!(control.request(Action::Toggle).map(|_| ()), Ok(()));
    drop(server.join().unwrap());
}

#[test]
fn a_server_without_room_says_so_in_either_form() {
    let scratch = Scratch::new();
    let listener = scratch.listen("control.sock");
    let mut control = Control::new(settings(&scratch));
    let server = thread::spawn(move || {
        let line = b"{\"type\":\"error\",\"code\":\"full\",\"error\":\"no room\"}\n".to_vec();
        for words in [line, error(ErrorCode::Full, "no room")] {
            Peer::accept(&listener).say(&[words]);
        }
        // What was too long ends the connection; what was asked behind it is done.
        let mut peer = Peer::accept(&listener);
        asked(&mut peer);
        peer.say(&[error(ErrorCode::TooLong, "no")]);
        drop(peer);
        let mut peer = Peer::accept(&listener);
        let ping = asked(&mut peer);
        peer.say(&[reply(ping.id, 0, 0, "{}")]);
        peer
    });
    for _ in 0..2 {
        control = Control::connect(vec![scratch.0.clone()]).unwrap();
        // It is read also when it was there before anything was asked.
        thread::sleep(Duration::from_millis(20));
        let error = control.request(Action::Toggle).unwrap_err();
        assert_eq!(error, refused(ErrorCode::Full, "no room"));
    }
    let bad = control.start(Action::Help).unwrap();
    let good = control.start(Action::Ping).unwrap();
    let replied = control.finish().unwrap().unwrap();
    assert_eq!((replied.id, replied.outcome), (bad, Err(refused(ErrorCode::TooLong, "no"))));
    let replied = control.finish().unwrap().unwrap();
    assert_eq!((replied.id, replied.outcome.is_ok()), (good, true));
    drop(server.join().unwrap());
}

#[test]
fn who_answers_something_else_is_no_server() {
    let scratch = Scratch::new();
    let listener = scratch.listen("control.sock");
    let mut control = Control::new(settings(&scratch));
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        let ping = asked(&mut peer);
        peer.say(&[reply(ping.id + 1, 0, 0, "{}")]);
        Peer::accept(&listener).say(&[b"HTTP/1.1 400 Bad Request\r\n".to_vec()]);
    });
    let breach = Err(Error::Protocol(Breach::Unexpected));
    assert_eq!(control.request(Action::Ping).map(|_| ()), breach);
    assert!(matches!(control.request(Action::Ping), Err(Error::Protocol(Breach::Frame(_)))));
    assert_eq!(control.outstanding(), 0);
    server.join().unwrap();
}

#[test]
fn a_late_reply_is_not_taken_for_the_next_one() {
    let scratch = Scratch::new();
    let listener = scratch.listen("control.sock");
    let reply_time = Duration::from_millis(50);
    let mut control = Control::new(ControlSettings { reply_time, ..settings(&scratch) });
    let server = thread::spawn(move || {
        let mut late = Peer::accept(&listener);
        asked(&mut late);
        let mut peer = Peer::accept(&listener);
        let ping = asked(&mut peer);
        peer.say(&[reply(ping.id, 0, 0, "{}")]);
        (late, peer)
    });
    let start = Instant::now();
    assert_eq!(control.request(Action::Toggle).map(|_| ()), Err(Error::Late));
    assert!(start.elapsed() >= reply_time && start.elapsed() < PATIENCE);
    assert!(control.request(Action::Ping).is_ok());
    drop(server.join().unwrap());
}

#[test]
fn after_many_failures_it_rests() {
    let scratch = Scratch::new();
    let rest = Duration::from_millis(100);
    let breaker = BreakerSettings { failures_max: 3, rest, successes_min: 1 };
    let mut control = Control::new(ControlSettings { breaker, ..settings(&scratch) });
    for _ in 0..3 {
        let error = control.request(Action::Ping).unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    }
    let listener = scratch.listen("control.sock");
    let error = control.request(Action::Ping).unwrap_err();
    assert!(matches!(&error, Error::Resting(last) if matches!(**last, Error::Unreachable { .. })));
    assert!(error.is_transient());
    thread::sleep(rest);
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        let ping = asked(&mut peer);
        peer.say(&[reply(ping.id, 0, 0, "{}")]);
        peer
    });
    assert!(control.request(Action::Ping).is_ok());
    drop(server.join().unwrap());
}

#[test]
fn what_can_t_be_sent_is_refused_here() {
    let scratch = Scratch::new();
    let mut control = Control::new(settings(&scratch));
    let no_json = EventFields::custom("t", Data::Json("{"));
    assert!(matches!(control.submit(Submit::new(&no_json)), Err(Error::Invalid(_))));
    let event = EventFields::custom("t", Data::Json("1"));
    let submit = Submit { key: Some(("", 1)), ..Submit::new(&event) };
    assert!(matches!(control.submit(submit), Err(Error::Invalid(_))));
    assert!(matches!(control.request(Action::Submit), Err(Error::Invalid(_))));
    assert_eq!(control.outstanding(), 0);
}

fn read_line(listener: &UnixListener) -> (UnixStream, String) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let line = line_of(&mut stream);
    (stream, line)
}

fn line_of(stream: &mut UnixStream) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while byte != *b"\n" {
        stream.read_exact(&mut byte).unwrap();
        line.extend_from_slice(&byte);
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn lines_are_repeated_only_when_they_may_be() {
    let scratch = Scratch::new();
    let listener = scratch.listen("control.sock");
    let server = thread::spawn(move || {
        let (mut stream, line) = read_line(&listener);
        assert_eq!(line, "{\"action\":\"toggle\"}\n");
        stream.write_all(b"{\"status\":").unwrap();
        drop(stream);
        drop(read_line(&listener));
        let (mut stream, line) = read_line(&listener);
        assert_eq!(line, "{\"action\":\"ping\"}\n");
        stream.write_all(b"{\"status\":\"success\"").unwrap();
        stream.write_all(b",\"message\":\"pong\"}\n").unwrap();
        // The next one comes on the same connection.
        line_of(&mut stream);
        stream.write_all(b"{\"status\":\"error\",\"code\":\"json\",\"error\":\"x\"}\n").unwrap();
        stream
    });
    let mut control = LineControl::new(settings(&scratch));
    let toggle = control.request("{\"action\":\"toggle\"}", false).map(|_| ());
    assert_eq!(toggle, Err(Error::Lost(Why::Ended)));
    let ping = control.request("{\"action\":\"ping\"}", true).unwrap();
    assert_eq!(ping, "{\"status\":\"success\",\"message\":\"pong\"}");
    let error = control.request("{}", false).unwrap_err();
    assert_eq!(error, refused(ErrorCode::Json, "x"));
    drop(server.join().unwrap());
}
