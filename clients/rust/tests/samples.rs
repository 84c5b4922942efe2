//! Samples and the catalog that names them: from servers that leave something out, and from the
//! real daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use common::kymod::forgetful;
use common::*;
use kymo_client::{Body, Catalog, Group, Item, Settings, StreamId, Streams, Subscriber};

fn settings(every: bool, groups: &[&str]) -> Settings {
    Settings {
        streams: Streams::default().with(StreamId::SAMPLES),
        every,
        groups: groups.iter().map(|group| (*group).into()).collect(),
        ..Settings::default()
    }
}

/// What is told of a conversation that ends with these frames.
fn told_of(settings: Settings, frames: &[Vec<u8>], expected: &[&str]) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut subscriber = Subscriber::over(ours, settings).unwrap();
    theirs.write_all(&frames.concat()).unwrap();
    drop(theirs);
    expect(&mut subscriber, expected);
}

#[test]
fn the_catalog_comes_first_and_whole() {
    let begin = answer_samples(1, 5);
    let good = [
        begin.clone(),
        catalog(3, 0, 3, &[1, 2]),
        catalog(3, 2, 3, &[9]),
        samples(3, 5, &[1, 2, 9]),
        samples(3, 8, &[1]),
        catalog(4, 0, 1, &[1]),
        samples(4, 9, &[1]),
    ];
    let told = [
        "connected NoEvents",
        "catalog 3 from 0 of 3",
        "catalog 3 from 2 of 3",
        "samples 5",
        "samples 8",
        "catalog 4 from 0 of 1",
        "samples 9",
        "lost Ended",
    ];
    told_of(settings(false, &[]), &good, &told);

    let lost = "lost Protocol(Unexpected)";
    let hole = [begin.clone(), catalog(3, 0, 3, &[1]), catalog(3, 2, 3, &[9])];
    told_of(settings(false, &[]), &hole, &[told[0], told[1], lost]);
    let early = [begin.clone(), catalog(3, 0, 3, &[1]), samples(3, 5, &[1])];
    told_of(settings(false, &[]), &early, &[told[0], told[1], lost]);
    told_of(settings(false, &[]), &[begin, samples(3, 5, &[1])], &[told[0], lost]);
}

#[test]
fn no_frame_that_was_asked_for_is_missing_without_a_word() {
    let begin = [answer_samples(1, 5), catalog(3, 0, 1, &[1])].concat();
    let front = ["connected NoEvents", "catalog 3 from 0 of 1", "samples 5"];
    let with = |rest: &[Vec<u8>]| [&[begin.clone(), samples(3, 5, &[1])], rest].concat();
    let told = |last: &[&'static str]| [&front[..], last].concat();

    let hole = with(&[samples(3, 7, &[1])]);
    told_of(settings(true, &[]), &hole, &told(&["lost Protocol(Hole { expected: 6, found: 7 })"]));
    let named = with(&[gap_of_samples(6, 6), samples(3, 7, &[1])]);
    told_of(
        settings(true, &[]),
        &named,
        &told(&["gap of samples 6 to 6", "samples 7", "lost Ended"]),
    );
    // Hidden groups leave holes, and so does who wants the newest.
    told_of(settings(true, &["cpu"]), &hole, &told(&["samples 7", "lost Ended"]));
    told_of(settings(false, &[]), &hole, &told(&["samples 7", "lost Ended"]));
    let again = with(&[samples(3, 5, &[1])]);
    let repeated = "lost Protocol(Repeated { last: 5, found: 5 })";
    told_of(settings(false, &[]), &again, &told(&[repeated]));
    let mut merged = samples(3, 6, &[1]);
    merged[kymo_client::Samples::MERGED_OFFSET] = 2;
    let breach = "lost Protocol(Merged { sequence: 6 })";
    told_of(settings(true, &["cpu"]), &with(&[merged.clone()]), &told(&[breach]));
    told_of(settings(false, &[]), &with(&[merged]), &told(&["samples 6", "lost Ended"]));
}

#[test]
fn what_was_produced_without_a_connection_is_told_and_the_catalog_comes_again() {
    let scratch = Scratch::new();
    let listener = scratch.listen("stream.sock");
    let settings = Settings {
        streams: Streams::default().with(StreamId::SAMPLES),
        every: true,
        ..scratch.settings()
    };
    let mut subscriber = Subscriber::connect(settings).unwrap();
    let server = thread::spawn(move || {
        for (run, next) in [(1, 5), (1, 9), (2, 1)] {
            let mut peer = Peer::accept(&listener);
            peer.greeting();
            peer.say(&[answer_samples(run, next), catalog(3, 0, 1, &[1]), samples(3, next, &[1])]);
        }
    });
    let first = ["connected NoEvents", "catalog 3 from 0 of 1", "samples 5", "lost Ended"];
    expect(&mut subscriber, &first);
    expect(&mut subscriber, &["connected NoEvents", "gap of samples 6 to 8"]);
    expect(&mut subscriber, &["catalog 3 from 0 of 1", "samples 9", "lost Ended"]);
    expect(&mut subscriber, &["connected NoEvents", "catalog 3 from 0 of 1", "samples 1"]);
    server.join().unwrap();
}

/// Reads until there were `wanted` frames of samples; returns the groups that were seen.
fn follow(subscriber: &mut Subscriber, catalog: &mut Catalog, wanted: usize) -> Vec<Group> {
    let start = Instant::now();
    let (mut groups, mut count) = (Vec::new(), 0);
    while count < wanted {
        assert!(start.elapsed() < PATIENCE, "nothing comes");
        let item = subscriber.next().unwrap();
        catalog.handle(&item);
        assert!(!matches!(item, Item::Lost(_)), "{item:?}");
        let Item::Frame(frame) = item else { continue };
        let Body::Samples(samples) = frame.body else { continue };
        let named: Vec<_> = catalog.named(samples).expect("the catalog is told before").collect();
        assert_eq!(named.len(), samples.samples.len(), "each is in the catalog");
        assert!(named.iter().all(|(sensor, _)| sensor.group == samples.of().group));
        groups.push(samples.of().group);
        count += 1;
    }
    groups
}

#[test]
fn the_real_daemon_names_what_it_reads() {
    let scratch = Scratch::new();
    let mut daemon = forgetful(&scratch, &[]);
    for every in [false, true] {
        let settings = Settings {
            rate_mhz: 50_000,
            groups: vec!["mem*".into(), "cpu".into()],
            directories: vec![scratch.0.clone()],
            ..settings(every, &[])
        };
        let mut subscriber = Subscriber::connect(settings).unwrap();
        let mut catalog = Catalog::default();
        let groups = follow(&mut subscriber, &mut catalog, 20);
        assert!(catalog.is_complete());
        let wanted = [Group::Cpu, Group::Memory];
        assert!(groups.iter().all(|group| wanted.contains(group)), "{groups:?}");
        assert!(wanted.iter().all(|group| groups.contains(group)), "{groups:?}");
        let total = catalog.sensors().iter().find(|sensor| sensor.name == "system.memory.limit");
        assert_eq!(total.unwrap().unit, "By");
    }
    // Another run gives ids anew, and the catalog says so before any samples.
    let settings =
        Settings { rate_mhz: 50_000, directories: vec![scratch.0.clone()], ..scratch.settings() };
    let streams = Streams::default().with(StreamId::SAMPLES);
    let mut subscriber = Subscriber::connect(Settings { streams, ..settings }).unwrap();
    let mut catalog = Catalog::default();
    follow(&mut subscriber, &mut catalog, 5);
    let before = catalog.sensors().len();
    daemon.signal(nix::sys::signal::Signal::SIGKILL);
    daemon.wait();
    let _again = forgetful(&scratch, &[]);
    while !matches!(subscriber.next().unwrap(), Item::Lost(_)) {}
    loop {
        let item = subscriber.next().unwrap();
        catalog.handle(&item);
        if let Item::Connected(server) = item {
            assert!(server.is_new_run && catalog.topology().is_none());
            break;
        }
    }
    follow(&mut subscriber, &mut catalog, 5);
    assert!(catalog.sensors().len() * 2 > before);
}
