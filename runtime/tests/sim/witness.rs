//! Four subscribers whose sockets take everything: what they get is what was produced.

use kymo::SessionId;
use kymo_platform::clock::Now;
use kymo_protocol::{Body, Frame, StreamId, opta1};

use crate::client::subscription;
use crate::daemon::{BARE, Daemon, OPTA1, STREAM};
use crate::faults::Faults;
use crate::ledger::Wish;
use crate::net::{Net, Owner};
use crate::reader::{VITALS_LINE, frame_size};
use crate::socket::Socket;
use crate::truth::Truth;

const LISTENERS: [usize; 4] = [STREAM, STREAM, OPTA1, BARE];
const LINE: &[u8] = b"{\"subscribe\":[\"vitals\"],\"rate_hz\":25,\"every\":true}\n";

/// Connects them to a new life, before anybody else.
pub fn connect(
    daemon: &mut Daemon,
    net: &mut Net,
    faults: &mut Faults,
    truth: &Truth,
    now: Now,
) -> Vec<SessionId> {
    let wish = Wish { vitals: true, events: true, every: true, rate_hz: 25, ..Wish::default() };
    let frames = subscription(&wish, Some((truth.epoch, truth.next() - 1)), &[]);
    let mut ids = Vec::new();
    for (number, listener) in LISTENERS.into_iter().enumerate() {
        let said = [&frames, LINE, b"", b""][number].to_vec();
        let socket = Socket::new(usize::MAX, said);
        let owner = Owner::Witness(number);
        ids.extend(net.connect(&mut daemon.hub, listener, owner, socket, now));
        // None of them may be served before all that count are subscribed.
        while number < 2 && net.has_unread(&mut daemon.hub) {
            net.receive(&mut daemon.hub, faults, now);
        }
    }
    assert_eq!(ids.len(), LISTENERS.len());
    ids
}

/// Takes in what one of them got.
pub fn read(number: usize, socket: &mut Socket, truth: &mut Truth) {
    socket.read_at = socket.got.len();
    let mut at = 0;
    while let Some(size) = size_of(number, &socket.got[at..]) {
        let bytes = &socket.got[at..at + size];
        match number {
            0 => frame(bytes, truth),
            1 if bytes.starts_with(VITALS_LINE) => truth.json.push(bytes),
            2 => truth.opta1.push(bytes),
            3 if bytes.starts_with(b"{\"type\":\"vitals\"") => truth.bare.push(bytes),
            _ => {}
        }
        at += size;
    }
    socket.parsed(at);
}

fn size_of(number: usize, bytes: &[u8]) -> Option<usize> {
    match number {
        0 => frame_size(bytes),
        2 => opta1::decode(bytes).expect("a message").map(|found| found.1),
        _ => bytes.iter().position(|byte| *byte == b'\n').map(|end| end + 1),
    }
}

fn frame(bytes: &[u8], truth: &mut Truth) {
    let frame = Frame::parse(bytes).expect("a frame");
    let stream = StreamId(frame.header.stream.get());
    match frame.body {
        Body::Vitals(vitals) => {
            assert_eq!(vitals.merged.get(), 0);
            assert_eq!(frame.header.sequence.get(), truth.binary.last() + 1);
            truth.binary.push(bytes);
        }
        Body::Event(event) if frame.header.sequence.get() > 0 && !event.is_catchup() => {
            truth.learn(bytes);
        }
        Body::Subscribed(granted) => assert_eq!(granted.resume.get(), 0, "the witness is lapped"),
        Body::Gap(gap) => {
            assert_eq!((stream, gap.first.get()), (StreamId::EVENTS, truth.next()));
            truth.pass_over(gap.last.get());
        }
        _ => {}
    }
}
