//! The conversation in frames.

use std::time::{Duration, Instant};

use kymo_protocol::heartbeat::Heartbeat;
use kymo_protocol::{ErrorCode, GoodbyeReason, Hello};

use crate::common::{Binary, Daemon, Got, request, subscribe};

/// Three vitals in order, the first of them `first`.
fn three_vitals(client: &mut Binary, first: u64) {
    let got: Vec<u64> = (0..3).map(|_| client.vitals().0).collect();
    assert_eq!(got, [first, first + 1, first + 2]);
}

/// A frame of a kind nobody knows, with `size` bytes of payload.
fn unknown(size: u32) -> Vec<u8> {
    let mut bytes = request::<Heartbeat>(|_| {});
    bytes.truncate(32);
    bytes[8..12].copy_from_slice(&size.to_le_bytes());
    bytes[12..14].copy_from_slice(&999u16.to_le_bytes());
    bytes.resize(32 + size as usize, 0xAA);
    bytes
}

#[test]
fn hello_and_subscribe_may_come_in_any_pieces() {
    let daemon = Daemon::start(&[]);
    let [hello, wish] = subscribe(100_000, false);
    let both = [&hello[..], &wish].concat();

    let mut together = daemon.binary();
    together.say(&both);
    let next = together.admitted();
    three_vitals(&mut together, next);

    let mut apart = daemon.binary();
    let Got::Welcome { next } = apart.say(&hello).frame() else { panic!("no welcome") };
    assert!(next > 3);
    let granted = apart.say(&wish).frame();
    let Got::Subscribed { rate_mhz: 100_000, next } = granted else { panic!("{granted:?}") };
    three_vitals(&mut apart, next);

    let mut piecemeal = daemon.binary();
    for byte in &both {
        piecemeal.say(&[*byte]);
        std::thread::sleep(Duration::from_millis(1));
    }
    let next = piecemeal.admitted();
    three_vitals(&mut piecemeal, next);
}

#[test]
fn unknown_kinds_are_skipped() {
    let daemon = Daemon::start(&[]);
    let [hello, wish] = subscribe(100_000, false);
    // The second is much larger than what the daemon keeps of a client's words.
    let all = [unknown(0), unknown(64 * 1024), hello, unknown(8), unknown(4096), wish, unknown(16)];
    let mut client = daemon.binary();
    client.say(&all.concat());
    let next = client.admitted();
    three_vitals(&mut client, next);
    for _ in 0..100 {
        client.say(&unknown(64 * 1024));
    }
    client.vitals();
}

#[test]
fn mistakes_are_told_and_end_it() {
    let daemon = Daemon::start(&[]);
    let mut witness = daemon.binary();
    let [hello, wish] = subscribe(100_000, false);
    witness.say(&[&hello[..], &wish].concat());
    let next = witness.admitted();
    three_vitals(&mut witness, next);

    let patched = |bytes: &[u8], at: usize, with: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let version_1 = [&[12, 0, 0, 0], &hello[..4], &[1, 0, 0, 0, 0, 0, 0, 0]].concat();
    let cases = [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), ErrorCode::Frame, "magic number is missing"),
        (vec![0; 4096], ErrorCode::Frame, "magic number is missing"),
        (version_1, ErrorCode::Frame, "version 1"),
        (patched(&hello, 4, &[3]), ErrorCode::Frame, "version is not 2"),
        (patched(&hello, 6, &[1]), ErrorCode::Frame, "unknown flags"),
        (patched(&hello, 8, &[80]), ErrorCode::Frame, "length"),
        (patched(&hello, 8, &[8, 0, 1]), ErrorCode::Frame, "length"),
        (patched(&hello, 8, &[255; 4]), ErrorCode::Frame, "length"),
        (patched(&hello, 38, &[1]), ErrorCode::Frame, "reserved"),
        (patched(&hello, 32, &[3, 0, 9]), ErrorCode::Version, "you speak 3 to 9"),
        (patched(&wish, 8, &[0, 16]), ErrorCode::TooLong, "2048"),
        (wish.clone(), ErrorCode::Unexpected, "say hello"),
        (request::<Heartbeat>(|_| {}), ErrorCode::Unexpected, "come from servers"),
    ];
    for (bytes, code, text) in cases {
        let mut bytes = bytes;
        bytes.resize(bytes.len().max(4200), 0);
        let got = daemon.binary().say(&bytes).refusal();
        assert!(got.0 == code && got.1.contains(text), "{text}: {got:?}");
    }
    // And behind a good beginning.
    for (second, code) in [(hello.clone(), ErrorCode::Unexpected), (vec![1; 64], ErrorCode::Frame)]
    {
        let mut client = daemon.binary();
        client.say(&[&hello[..], &second].concat());
        assert!(matches!(client.frame(), Got::Welcome { .. }));
        assert_eq!(client.refusal().0, code);
    }
    let mut client = daemon.binary();
    client.say(&[&hello[..], &wish, &wish].concat()).admitted();
    let error = loop {
        match client.frame() {
            Got::Vitals { .. } => {}
            other => break other,
        }
    };
    assert!(matches!(error, Got::Error(ErrorCode::Unexpected, _)), "{error:?}");

    // Many frames later, none is missing.
    let mut last = witness.vitals();
    while last.0 < next + 30 {
        let frame = witness.vitals();
        assert_eq!(frame.0, last.0 + 1 + frame.1);
        last = frame;
    }
}

#[test]
fn who_does_not_say_in_time_what_it_wants_is_sent_away() {
    let daemon = Daemon::start(&[]);
    let [hello, wish] = subscribe(0, false);
    let start = Instant::now();
    let mut silent = daemon.binary();
    let mut half = daemon.binary();
    half.say(&hello[..50]);
    let mut undecided = daemon.binary();
    undecided.say(&hello);
    assert!(matches!(undecided.frame(), Got::Welcome { .. }));
    let mut brace = daemon.json("stream.sock");
    brace.say("{\"subscribe\"");
    for client in [&mut silent, &mut half, &mut undecided] {
        assert_eq!(client.frame(), Got::Goodbye(GoodbyeReason::Deadline));
        assert!((1900..10_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
        assert_eq!(client.say(&wish).try_frame(), None);
    }
    assert_eq!(brace.expect("goodbye")["reason"], "deadline");
    assert_eq!(brace.try_line(), None);
}

#[test]
fn who_says_no_more_may_listen() {
    let daemon = Daemon::start(&[]);
    let [hello, wish] = subscribe(100_000, false);
    let mut client = daemon.binary();
    let next = client.say(&[&hello[..], &wish].concat()).end_of_words().admitted();
    three_vitals(&mut client, next);
    // Who has not said what it wants never will.
    let mut client = daemon.binary();
    client.say(&hello).end_of_words();
    assert!(matches!(client.try_frame(), None | Some(Got::Welcome { .. })));
    assert_eq!(client.try_frame(), None);
}

#[test]
fn names_are_free() {
    let daemon = Daemon::start(&[]);
    let [_, wish] = subscribe(0, false);
    for name in ["", "é".repeat(32).as_str(), "\u{1b}[2J"] {
        let hello = request::<Hello>(|hello| hello.set(name));
        let mut client = daemon.binary();
        let next = client.say(&[&hello[..], &wish].concat()).admitted();
        assert_eq!(client.vitals().0, next);
    }
}
