//! Bytes that parse as a frame are exactly the bytes that writing its fields again gives, and its
//! line is one line of JSON.

use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::{HEADER_SIZE, NOTICE_LINE_MAX, VITALS_LINE_MAX};
use kymo_protocol::{
    Body, ErrorReport, Frame, Gap, Goodbye, Heartbeat, Hello, Payload, Position, Stamp, StreamId,
    Subscribe, Subscribed, Vitals, Welcome, emit,
};
use serde_json::Value;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(frame) = Frame::parse(bytes) else { return };
    let mut line = [0; 8192];
    let clock = ClockMap { boot_ns: 1_000_000_000, wall_ns: 1_699_000_000_000_000_000 };
    let size = write_line(&mut line, &frame, clock, LineOptions::default()).expect("room enough");
    let (newline, text) = line[..size].split_last().expect("not empty");
    assert!(*newline == b'\n' && text.iter().all(|byte| *byte >= 0x20), "not one line");
    let value: Value = serde_json::from_slice(text).expect("a line is JSON");
    assert!(value.is_object());
    let limit = match frame.body {
        Body::Subscribe(_) => line.len(),
        Body::Vitals(_) => VITALS_LINE_MAX,
        _ => NOTICE_LINE_MAX,
    };
    assert!(size <= limit, "a line of {size} bytes");

    if let Some(again) = written_again(&frame) {
        assert!(again[HEADER_SIZE..] == bytes[HEADER_SIZE..], "writing it again gives other bytes");
        assert!(again[..12] == bytes[..12], "writing it again gives another header");
    }
}

fn written_again(frame: &Frame<'_>) -> Option<Vec<u8>> {
    let mut out = vec![0xFF; 4096];
    let stamp = Stamp { boot_ns: frame.header.timestamp.get() };
    let at = Position {
        stream: StreamId(frame.header.stream.get()),
        sequence: frame.header.sequence.get(),
    };
    fn put<P: Payload + Copy>(out: &mut [u8], at: Position, stamp: Stamp, payload: &P) -> usize {
        let (target, size) = emit::<P>(out, at, stamp).expect("room enough");
        *target = *payload;
        size
    }
    let size = match frame.body {
        Body::Hello(hello) => {
            let (again, size) = emit::<Hello>(&mut out, at, stamp).expect("room enough");
            again.set(hello.name());
            (again.version_min, again.version_max) = (hello.version_min, hello.version_max);
            size
        }
        Body::Error(report) => {
            let (again, size) = emit::<ErrorReport>(&mut out, at, stamp).expect("room enough");
            again.set(report.code()?, report.text());
            size
        }
        Body::Subscribe(subscribe) => {
            let topics: Vec<&str> = subscribe.topics().collect();
            let groups: Vec<&str> = subscribe.groups().collect();
            Subscribe::emit(&mut out, stamp, &subscribe.fixed, &topics, &groups)
                .expect("patterns that parse can be written")
        }
        Body::Welcome(welcome) => {
            Welcome::emit(&mut out, stamp, &welcome.fixed, &welcome.streams).expect("room enough")
        }
        Body::Vitals(vitals) => put::<Vitals>(&mut out, at, stamp, vitals),
        Body::Subscribed(subscribed) => put::<Subscribed>(&mut out, at, stamp, subscribed),
        Body::Gap(gap) => put::<Gap>(&mut out, at, stamp, gap),
        Body::Heartbeat(heartbeat) => put::<Heartbeat>(&mut out, at, stamp, heartbeat),
        Body::Goodbye(goodbye) => put::<Goodbye>(&mut out, at, stamp, goodbye),
        _ => return None,
    };
    out.truncate(size);
    Some(out)
}
