//! Events, their publishers and the owner's requests.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kymo::{ConfigFile, Message, Overflow, PublishError, Publisher, Reactor};
use kymo_protocol::{Action, Data, EventFields, Request, Words};

use super::{binary_subscription, connect, drain, turn};

const OWNER: &str = concat!(
    r#"{"action":"ping","id":"x"}{"action":"status"}{"action":"toggle"}{"action":"help"}"#,
    r#"{"action":"submit","event":{"topic":"a.b","data":{"k":[1,2.5,null,"\u0007"]}}}"#,
    r#"{"action":"submit","event":{"type":"transcription","text":"one two"}}"#,
    r#"{"action":"submit","event":{"type":"session_start"}}"#,
    r#"{"action":"submit","event":{"topic":"b","data_base64":"QUJD"},"#,
    r#""key":{"client":"c","number":1}}"#,
    r#"{"action":"submit","event":{"topic":""}}{"action":"nonsense"}}{"action":"sensors"}"#,
    r#"{"action":"submit","event":{"topic":"b"},"ack":"synced"}{"action":"metrics"}"#,
    r#"{"action":"submit","event":{"type":"notification","hook_name":"h","hook_data":[]}}"#,
);

fn frames() -> Vec<u8> {
    let (mut payload, mut all) = (vec![0; 9000], Vec::new());
    let long = "é".repeat(3900);
    for text in ["short", &long] {
        let event = EventFields::custom("c.d", Data::Text(Words::Plain(text)));
        let size = event.write(&mut payload).expect("room");
        let mut frame = vec![0; 10_000];
        let action = Action::Submit;
        let size = Request::emit(&mut frame, 7, action, None, None, &payload[..size]);
        all.extend_from_slice(&frame[..size.expect("room")]);
    }
    all
}

/// Settings that are read from a file, right and wrong in turns.
pub fn settings(reactor: &mut Reactor, path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
    let mut file = ConfigFile::new(path).expect("a path");
    reactor.on_reload(move |config| {
        config.reset();
        file.read(config).map_err(|error| Message::new(format_args!("{error}")))
    });
}

/// A thread that publishes for as long as it may.
fn publish(publisher: Publisher, is_over: &Arc<AtomicBool>) -> std::thread::JoinHandle<u64> {
    let is_over = Arc::clone(is_over);
    let begun = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&begun);
    let thread = std::thread::spawn(move || {
        let long = [7; 4096];
        let drops = publisher.clone().with_overflow(Overflow::DropOldest);
        let mut published = 0;
        while !is_over.load(Ordering::Relaxed) {
            for size in [10, 4096, 100] {
                let event = EventFields::custom("p", Data::Bytes(&long[..size]));
                assert!(matches!(publisher.publish(&event), Ok(()) | Err(PublishError::Full)));
                published += u64::from(drops.publish(&event).is_ok());
            }
            seen.store(published, Ordering::Relaxed);
            std::thread::yield_now();
        }
        published
    });
    while begun.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    thread
}

/// Every kind of subscriber and of request, for many rounds.
pub fn events(reactor: &mut Reactor, directory: &Path, settings: [&str; 2]) {
    let filtered = b"{\"subscribe\":[\"events\"],\"topics\":[\"*.b\",\"t*\"]}\n";
    let mut readers = [
        connect(directory, "json.sock", b""),
        connect(directory, "stream.sock", filtered),
        connect(directory, "stream.sock", b"{\"subscribe\":[\"events\"]}\n"),
        connect(directory, "stream.sock", &binary_subscription(true)),
        connect(directory, "stream.sock", &super::event_subscription()),
    ];
    let mut stuck = [
        connect(directory, "stream.sock", b"{\"subscribe\":[\"events\"]}\n"),
        connect(directory, "stream.sock", &super::event_subscription()),
        connect(directory, "json.sock", b""),
    ];
    let mut owner = connect(directory, "control.sock", b"");
    let mut program = connect(directory, "control.sock", b"");
    // It asks, and never listens.
    let mut deaf = connect(directory, "control.sock", b"");
    let (frames, mut heard) = (frames(), String::new());
    let is_over = Arc::new(AtomicBool::new(false));
    let publisher = publish(reactor.publisher().expect("an inbox"), &is_over);
    let words = ["pong", "settings reloaded", "\"config\"", "Recording", "\"seq\":", "\"json\""];
    for round in 0..3000usize {
        // On a busy machine the loop is behind what it is asked for.
        if round >= 150 && words.iter().all(|word| heard.contains(word)) {
            break;
        }
        let _ = owner.write(OWNER.as_bytes());
        let _ = program.write(&frames);
        let _ = deaf.write(b"{\"action\":\"status\"}");
        if round % 10 == 0 {
            std::fs::write(directory.join("kymo.toml"), settings[round / 10 % 2]).expect("written");
            let _ = owner.write(b"{\"action\":\"reload\"}");
            visitors(reactor, directory);
        }
        turn(reactor);
        readers.iter_mut().chain([&mut program]).for_each(|client| {
            drain(client);
        });
        let mut bytes = [0; 64 * 1024];
        while let Ok(size @ 1..) = owner.read(&mut bytes) {
            heard.push_str(&String::from_utf8_lossy(&bytes[..size]));
        }
    }
    for word in words {
        assert!(heard.contains(word), "nobody said {word}");
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(publisher.join().expect("a publisher") > 100);
    assert!(stuck.iter_mut().map(drain).sum::<usize>() > 100_000);
    for _ in 0..40 {
        turn(reactor);
        stuck.iter_mut().chain(&mut readers).for_each(|client| {
            drain(client);
        });
    }
    let counters = reactor.hub().counters();
    assert!(counters.events_sent > 1000 && counters.events_lost > 1000, "{counters:?}");
    drop((readers, stuck, owner, program, deaf));
    turn(reactor);
    turn(reactor);
}

/// Newcomers, those who come back, and those who say wrong things.
fn visitors(reactor: &mut Reactor, directory: &Path) {
    let mut first = connect(directory, "json.sock", b"");
    turn(reactor);
    let mut welcome = [0; 200];
    let _ = first.read(&mut welcome);
    let welcome = String::from_utf8_lossy(&welcome);
    let (_, epoch) = welcome.split_once("\"epoch\":\"").expect("a welcome");
    let token = |events: u64| {
        let epoch = &epoch[..32];
        format!(
            "{{\"subscribe\":[\"events\"],\"resume\":{{\"epoch\":\"{epoch}\",\
             \"events\":{events}}}}}\n"
        )
    };
    let sayings: [(&str, Vec<u8>); 8] = [
        ("json.sock", Vec::new()),
        ("json.sock", token(3).into_bytes()),
        ("stream.sock", token(1).into_bytes()),
        ("stream.sock", token(u64::MAX).into_bytes()),
        ("control.sock", b"\xff\0{]".to_vec()),
        ("control.sock", b"ATPOxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_vec()),
        ("control.sock", "[".repeat(60_000).into_bytes()),
        ("control.sock", frames()[..40].to_vec()),
    ];
    let mut clients: Vec<UnixStream> = Vec::new();
    for (name, bytes) in &sayings {
        let mut client = connect(directory, name, b"");
        let _ = client.write(bytes);
        client.shutdown(std::net::Shutdown::Write).expect("open");
        clients.push(client);
    }
    for _ in 0..6 {
        turn(reactor);
        clients.iter_mut().for_each(|client| {
            drain(client);
        });
    }
    drop(clients);
    turn(reactor);
}
