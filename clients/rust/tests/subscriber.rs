//! A subscriber and servers that do what servers do: end in the middle of a frame, forget, start
//! anew, fall silent, refuse, lie.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use kymo_client::{
    BackoffSettings, Error, ErrorCode, GoodbyeReason, Item, Settings, StreamId, Streams, Subscriber,
};
use kymo_protocol::Resume::{Fresh, Gap, Tail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

#[test]
fn any_cut_shows_the_same_items() {
    let all = [
        answer(EPOCH, Fresh, 50),
        catchup(0),
        catchup(30),
        vitals(1),
        event(50),
        heartbeat(),
        gap(51, 60),
        event(61),
        goodbye(GoodbyeReason::Shutdown),
    ]
    .concat();
    for step in [1, 7, 31, 32, 33, 40, 1000] {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut subscriber = Subscriber::over(ours, Settings::default()).unwrap();
        let all = all.clone();
        let writer = thread::spawn(move || {
            for piece in all.chunks(step) {
                theirs.write_all(piece).unwrap();
                if step < 40 {
                    thread::yield_now();
                }
            }
        });
        expect(
            &mut subscriber,
            &[
                "connected Fresh",
                "fresh",
                "catchup 0",
                "catchup 30",
                "vitals 1",
                "event 50",
                "gap 51 to 60",
                "event 61",
                "lost Goodbye(Shutdown)",
            ],
        );
        assert_eq!(subscriber.token(), token(EPOCH, 61));
        assert_eq!(subscriber.next().map(|_| ()), Err(Error::Ended));
        writer.join().unwrap();
    }
}

#[test]
fn events_go_on_behind_the_last_one_that_was_told() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let mut subscriber = Subscriber::connect(scratch.settings()).unwrap();
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.greeting(), None);
        // The last event is cut.
        peer.say(&[answer(EPOCH, Fresh, 1), event(1), event(2), event(3)[..60].to_vec()]);
        drop(peer);
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.greeting(), token(EPOCH, 2));
        peer.say(&[answer(EPOCH, Tail, 4), event(3)]);
        drop(peer);
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.greeting(), token(EPOCH, 3));
        peer.say(&[answer(EPOCH, Gap, 90), gap(4, 80), catchup(0), event(81)]);
        drop(peer);
        // This one ends before it has said anything: nothing to tell.
        drop(Peer::accept(&listener));
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.greeting(), token(EPOCH, 81));
        peer.say(&[answer(EPOCH, Tail, 82)]);
    });
    expect(&mut subscriber, &["connected Fresh", "fresh", "event 1", "event 2", "lost Ended"]);
    expect(&mut subscriber, &["connected Tail", "event 3", "lost Ended"]);
    let rest = ["connected Gap", "gap 4 to 80", "catchup 0", "event 81", "lost Ended"];
    expect(&mut subscriber, &rest);
    expect(&mut subscriber, &["connected Tail", "lost Ended"]);
    server.join().unwrap();
}

#[test]
fn another_history_is_told_once() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let settings = Settings { resume: token(EPOCH, 41), ..scratch.settings() };
    let mut subscriber = Subscriber::connect(settings).unwrap();
    assert_eq!(subscriber.token(), token(EPOCH, 41));
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.greeting(), token(EPOCH, 41));
        peer.say(&[answer(OTHER, Fresh, 7)]);
        drop(peer);
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.greeting(), token(OTHER, 6), "it goes on in the new one");
        peer.say(&[answer(OTHER, Tail, 8), event(7)]);
    });
    expect(&mut subscriber, &["connected Fresh"]);
    assert_eq!(subscriber.token(), token(EPOCH, 41), "the loss is still to be told");
    expect(&mut subscriber, &["lost after 1:41"]);
    assert_eq!(subscriber.token(), token(OTHER, 6));
    expect(&mut subscriber, &["lost Ended", "connected Tail", "event 7"]);
    server.join().unwrap();
}

#[test]
fn a_catch_up_that_is_cut_is_asked_for_again() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let mut subscriber = Subscriber::connect(scratch.settings()).unwrap();
    let server = thread::spawn(move || {
        for (asked, ends) in [(None, false), (token(EPOCH, 30), true), (token(EPOCH, 49), true)] {
            let mut peer = Peer::accept(&listener);
            assert_eq!(peer.greeting(), asked);
            peer.say(&[answer(EPOCH, Fresh, 50), catchup(0), catchup(30)]);
            if ends {
                peer.say(&[heartbeat()]);
            }
        }
    });
    let told = ["catchup 0", "catchup 30", "lost Ended"];
    expect(&mut subscriber, &["connected Fresh", "fresh", told[0], told[1], told[2]]);
    expect(&mut subscriber, &["connected Fresh", "lost after 1:30", told[0], told[1], told[2]]);
    expect(&mut subscriber, &["connected Fresh", "lost after 1:49", told[0], told[1], told[2]]);
    server.join().unwrap();
}

#[test]
fn what_breaks_the_rules_ends_the_connection_and_is_not_had() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let mut subscriber = Subscriber::connect(scratch.settings()).unwrap();
    let server = thread::spawn(move || {
        let bad: [Vec<u8>; 4] = [event(3), event(1), gap(3, 4), b"nonsense".to_vec()];
        for (index, bad) in bad.into_iter().enumerate() {
            let mut peer = Peer::accept(&listener);
            let first = index == 0;
            assert_eq!(peer.greeting(), if first { None } else { token(EPOCH, 1) });
            let answer = answer(EPOCH, if first { Fresh } else { Tail }, 1);
            peer.say(&[answer, if first { event(1) } else { vec![] }, bad, event(2)]);
        }
    });
    expect(&mut subscriber, &["connected Fresh", "fresh", "event 1"]);
    for lost in [
        "lost Protocol(Hole { expected: 2, found: 3 })",
        "lost Protocol(Repeated { last: 1, found: 1 })",
        "lost Protocol(Hole { expected: 2, found: 3 })",
        "lost Protocol(Frame(Magic))",
    ] {
        expect(&mut subscriber, &[lost]);
        assert_eq!(subscriber.token(), token(EPOCH, 1));
        if !lost.contains("Magic") {
            expect(&mut subscriber, &["connected Tail"]);
        }
    }
    server.join().unwrap();
}

#[test]
fn silence_is_an_end() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let settings = Settings { silence: Duration::from_millis(60), ..scratch.settings() };
    let mut subscriber = Subscriber::connect(settings).unwrap();
    // One that never says a word, and one that stops.
    let mut mute = Peer::accept(&listener);
    mute.greeting();
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener);
        peer.greeting();
        peer.say(&[answer(EPOCH, Fresh, 1)]);
        for sequence in 1..=5 {
            thread::sleep(Duration::from_millis(20));
            peer.say(&[event(sequence)]);
        }
        (peer, listener)
    });
    let start = Instant::now();
    expect(&mut subscriber, &["connected Fresh", "fresh"]);
    assert!(start.elapsed() >= Duration::from_millis(60));
    expect(&mut subscriber, &["event 1", "event 2", "event 3", "event 4", "event 5"]);
    expect(&mut subscriber, &["lost Silent"]);
    drop(server.join().unwrap());
}

#[test]
fn refusals_are_errors_and_tried_again() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let mut subscriber = Subscriber::connect(scratch.settings()).unwrap();
    let server = thread::spawn(move || {
        for (code, text) in [(ErrorCode::Full, "no room"), (ErrorCode::Denied, "not yours")] {
            let mut peer = Peer::accept(&listener);
            peer.say(&[error(code, text)]);
        }
        let mut peer = Peer::accept(&listener);
        peer.greeting();
        peer.say(&[answer(EPOCH, Fresh, 1)]);
    });
    let full = subscriber.next().map(|_| ()).unwrap_err();
    assert_eq!(full, refused(ErrorCode::Full, "no room"));
    assert!(full.is_transient());
    let denied = subscriber.next().map(|_| ()).unwrap_err();
    assert!(
        matches!(&denied, Error::Denied { path, .. } if *path == scratch.0.join("stream.sock"))
    );
    assert_eq!(subscriber.last_error(), Some(&denied));
    expect(&mut subscriber, &["connected Fresh"]);
    assert_eq!(subscriber.last_error(), None);
    server.join().unwrap();
}

#[test]
fn nobody_there_is_an_error_at_first_and_waited_for_later() {
    let scratch = Scratch::new();
    let error = Subscriber::connect(scratch.settings()).unwrap_err();
    assert!(matches!(&error, Error::Unreachable { path, .. } if path.ends_with("stream.sock")));
    let backoff = BackoffSettings {
        first: Duration::from_millis(20),
        cap: Duration::from_millis(40),
        ..BackoffSettings::default()
    };
    let settings = Settings { backoff, ..scratch.settings() };
    let mut subscriber = Subscriber::new(settings).unwrap();
    assert!(matches!(subscriber.poll_next(), Ok(Poll::Pending)));
    assert_eq!(subscriber.last_error(), Some(&error));
    let deadline = subscriber.deadline().unwrap();
    assert!(deadline > Instant::now() && deadline <= Instant::now() + Duration::from_millis(20));
    let place = scratch.0.clone();
    let server = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        let listener = std::os::unix::net::UnixListener::bind(place.join("stream.sock")).unwrap();
        let mut peer = Peer::accept(&listener);
        peer.greeting();
        peer.say(&[answer(EPOCH, Fresh, 1)]);
    });
    expect(&mut subscriber, &["connected Fresh", "fresh"]);
    server.join().unwrap();
}

fn is_readable(subscriber: &Subscriber) -> bool {
    let mut watched = [PollFd::new(subscriber.as_fd(), PollFlags::POLLIN)];
    poll(&mut watched, PollTimeout::from(200u16)).unwrap() == 1
}

#[test]
fn one_descriptor_serves_all_connections() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let mut subscriber = Subscriber::connect(scratch.settings()).unwrap();
    let fd = subscriber.as_fd().as_raw_fd();
    for round in 0..3 {
        let mut peer = Peer::accept(&listener);
        peer.greeting();
        assert!(!is_readable(&subscriber), "nothing was said");
        assert!(matches!(subscriber.poll_next(), Ok(Poll::Pending)));
        peer.say(&[answer(EPOCH, if round == 0 { Fresh } else { Tail }, 1)]);
        assert!(is_readable(&subscriber));
        while !matches!(subscriber.poll_next(), Ok(Poll::Pending)) {}
        drop(peer);
        assert!(is_readable(&subscriber), "an end is something to read");
        assert!(matches!(subscriber.poll_next(), Ok(Poll::Ready(Item::Lost(_)))));
        assert!(matches!(subscriber.poll_next(), Ok(Poll::Pending)));
        assert_eq!(subscriber.as_fd().as_raw_fd(), fd);
    }
}

#[test]
fn recorders_learn_what_was_produced_without_them() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let streams = Streams::default().with(StreamId::VITALS);
    let settings = Settings { streams, every: true, ..scratch.settings() };
    let mut subscriber = Subscriber::connect(settings).unwrap();
    let server = thread::spawn(move || {
        for (run, next) in [(1, 1), (1, 9), (2, 1)] {
            let mut peer = Peer::accept(&listener);
            peer.greeting();
            peer.say(&[welcome(EPOCH, run, 1), subscribed(Fresh, next, 0), vitals(next)]);
        }
    });
    expect(&mut subscriber, &["connected NoEvents", "vitals 1", "lost Ended"]);
    expect(&mut subscriber, &["connected NoEvents", "gap 2 to 8", "vitals 9", "lost Ended"]);
    match subscriber.next().unwrap() {
        Item::Connected(server) => assert!(server.is_new_run),
        item => panic!("{item:?}"),
    }
    expect(&mut subscriber, &["vitals 1"]);
    server.join().unwrap();
}

#[test]
fn a_full_queue_of_connections_is_no_wait() {
    let scratch = Scratch::new();
    let _listener = scratch.listen("stream.sock");
    // Nobody accepts: at some time the queue is full, and connecting would wait.
    let mut waiting = Vec::new();
    let start = Instant::now();
    let error = loop {
        match Subscriber::connect(scratch.settings()) {
            Ok(subscriber) if waiting.len() < 900 => waiting.push(subscriber),
            Ok(_) => return, // a system with a long queue, or with no end of descriptors
            Err(error) => break error,
        }
    };
    assert!(start.elapsed() < PATIENCE);
    assert!(matches!(error, Error::Unreachable { .. } | Error::System(_)), "{error:?}");
}

/// A history, a server that cuts connections anywhere, forgets, and starts anew, and a subscriber.
mod model {
    use super::*;
    use proptest::prelude::*;

    /// What the server does before each connection, and after how many bytes it cuts it.
    #[derive(Clone, Copy, Debug)]
    struct Turn {
        produced: u64,
        forgotten: u64,
        starts_anew: bool,
        cut: usize,
        piece: usize,
    }

    fn turn() -> impl Strategy<Value = Turn> {
        (0..6u64, 0..4u64, prop::bool::weighted(0.2), 0..900usize, 1..200usize).prop_map(
            |(produced, forgotten, starts_anew, cut, piece)| Turn {
                produced,
                forgotten,
                starts_anew,
                cut,
                piece,
            },
        )
    }

    fn replies(asked: Option<kymo_client::Token>, epoch: u8, oldest: u64, next: u64) -> Vec<u8> {
        let epoch = [epoch; 16];
        let Some(token) = asked.filter(|token| token.epoch == epoch && token.events < next) else {
            return answer(epoch, Fresh, next);
        };
        let from = token.events + 1;
        let mut bytes = answer(epoch, if from < oldest { Gap } else { Tail }, next);
        if from < oldest {
            bytes.extend(gap(from, oldest - 1));
            bytes.extend(catchup(0));
        }
        (from.max(oldest)..next).for_each(|sequence| bytes.extend(event(sequence)));
        bytes
    }

    /// What the subscriber says it has: the epoch, and up to which event without a hole.
    #[derive(Debug, Default)]
    struct Had {
        epoch: u8,
        events: u64,
    }

    impl Had {
        fn take(&mut self, item: &Item<'_>, epoch: u8, next: u64) {
            match item {
                Item::Frame(frame) if frame.header.sequence.get() > 0 => {
                    assert_eq!((self.epoch, frame.header.sequence.get()), (epoch, self.events + 1));
                    self.events += 1;
                }
                Item::Gap(gap) => {
                    assert_eq!(gap.first, self.events + 1);
                    self.events = gap.last;
                }
                Item::Fresh { lost_after } => {
                    let expected = (self.epoch > 0).then_some((self.epoch, self.events));
                    let told = lost_after.map(|token| (token.epoch[0], token.events));
                    assert_eq!(told, expected, "the loss is told from where it stood");
                    assert_ne!(self.epoch, epoch, "within an epoch nothing is lost like that");
                    (self.epoch, self.events) = (epoch, next - 1);
                }
                _ => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn delivered_and_lost_are_everything(turns in prop::collection::vec(turn(), 1..25)) {
            let scratch = Scratch::new();
            let listener = scratch.listen("stream.sock");
            let mut subscriber = Subscriber::connect(scratch.settings()).unwrap();
            let (mut epoch, mut oldest, mut next) = (1u8, 1u64, 1u64);
            let mut had = Had::default();
            let last =
                Turn { produced: 1, forgotten: 0, starts_anew: false, cut: 1 << 20, piece: 9 };
            for turn in turns.into_iter().chain([last]) {
                if turn.starts_anew {
                    (epoch, oldest, next) = (epoch + 1, 1, 1);
                }
                next += turn.produced;
                oldest = (oldest + turn.forgotten).min(next);
                while !subscriber.is_connected() {
                    prop_assert!(subscriber.poll_next().unwrap().is_pending());
                }
                let mut peer = Peer::accept(&listener);
                let mut bytes = replies(peer.greeting(), epoch, oldest, next);
                bytes.truncate(turn.cut);
                for piece in bytes.chunks(turn.piece) {
                    peer.say(&[piece.to_vec()]);
                    while let Poll::Ready(item) = subscriber.poll_next().unwrap() {
                        had.take(&item, epoch, next);
                    }
                }
                drop(peer);
                while subscriber.is_connected() {
                    match subscriber.poll_next().unwrap() {
                        Poll::Ready(item) => had.take(&item, epoch, next),
                        // It ended before it was answered.
                        Poll::Pending => break,
                    }
                }
            }
            prop_assert_eq!((had.epoch, had.events), (epoch, next - 1));
        }
    }
}
