//! Samples of machines whose hardware comes and goes, or is more than there is room for.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::{Duration, Instant};

use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Body, Decoder, Hello, Position, Stamp, Subscribe, emit};
use serde_json::{Value, json};

use crate::common::{Daemon, Json, eventually};
use crate::trees::Tree;
use crate::trees::machines::MACHINES;

const BOARD: &str = "platform/nct6775.656";

fn daemon(tree: &Tree) -> Daemon {
    let path = |name: &str| tree.path(name).to_str().unwrap().to_string();
    Daemon::start(&["--proc", &path("proc"), "--sys", &path("sys")])
}

fn subscribe(daemon: &Daemon, group: &str) -> Json {
    let mut client = daemon.json("stream.sock");
    client.subscribe(&json!({"subscribe": ["samples"], "rate_hz": 20, "groups": [group]}));
    client
}

/// The next line of that kind for which `find` finds something.
fn find<T>(client: &mut Json, kind: &str, find: impl Fn(&Value) -> Option<T>) -> T {
    eventually(|| Some(client.line()).filter(|line| line["type"] == kind).and_then(|l| find(&l)))
        .unwrap()
}

/// The id of the sensor that ends so, and the topology of the catalog that has it.
fn listed(client: &mut Json, end: &str) -> (u64, u64) {
    find(client, "catalog", |catalog| {
        let sensors = catalog["sensors"].as_array()?;
        let is_it = |sensor: &&Value| sensor["identity"].as_str().unwrap().ends_with(end);
        let id = sensors.iter().find(is_it)?["id"].as_u64()?;
        Some((id, catalog["topology"].as_u64()?))
    })
}

fn value(client: &mut Json, id: u64, is_it: impl Fn(&Value) -> bool) -> Value {
    find(client, "samples", |samples| {
        let sample = samples["samples"].as_array()?.iter().find(|sample| sample["id"] == id)?;
        Some(sample["value"].clone()).filter(&is_it)
    })
}

#[test]
fn a_chip_that_comes_back_under_another_number_is_the_same() {
    let tree = Tree::ordinary();
    tree.chip(3, BOARD, "nct6775", &[("fan1_input", "900"), ("temp1_input", "41000")]);
    let daemon = daemon(&tree);
    let mut client = subscribe(&daemon, "hwmon");
    let (id, topology) = listed(&mut client, "fan1");
    value(&mut client, id, |value| *value == 900.0);
    tree.unplug(3, BOARD);
    let gone = find(&mut client, "catalog", |catalog| {
        assert_eq!(catalog["sensors"], json!([]), "nothing else is there");
        catalog["topology"].as_u64()
    });
    assert!(gone > topology);
    tree.chip(7, BOARD, "nct6775", &[("fan1_input", "1200"), ("temp1_input", "41000")]);
    let (again, back) = listed(&mut client, "fan1");
    assert_eq!(again, id);
    assert!(back > gone);
    value(&mut client, id, |value| *value == 1200.0);
}

/// What a client of frames has been told of samples.
#[derive(Debug, Default)]
struct Told {
    ids: BTreeSet<u16>,
    total: usize,
    omitted: u32,
    sampled: BTreeSet<u16>,
}

/// Reads until each sensor had a sample.
fn read_frames(daemon: &Daemon) -> Told {
    let mut bytes = vec![0; 1024];
    let stamp = Stamp { boot_ns: 0 };
    let (hello, first) = emit::<Hello>(&mut bytes, Position::NONE, stamp).unwrap();
    hello.set("test");
    let mut fixed = SubscribeFixed::default();
    fixed.rate_mhz.set(20_000);
    fixed.streams.set(2);
    let second = Subscribe::emit(&mut bytes[first..], stamp, &fixed, &[], &[]).unwrap();
    let mut stream = daemon.connect("stream.sock");
    std::io::Write::write_all(&mut stream, &bytes[..first + second]).unwrap();
    let (mut decoder, mut told) = (Box::<Decoder<FRAME_MAX>>::default(), Told::default());
    let end = Instant::now() + Duration::from_secs(30);
    while told.total == 0 || told.sampled.len() < told.total {
        assert!(Instant::now() < end, "{} of {} sampled", told.sampled.len(), told.total);
        while let Some(frame) = decoder.next_frame().expect("whole frames") {
            match frame.body {
                Body::Catalog(catalog) => {
                    let part = catalog.part();
                    if part.first == 0 {
                        told.ids.clear();
                    }
                    told.ids.extend(catalog.sensors().map(|sensor| sensor.id()));
                    (told.total, told.omitted) = (part.total as usize, part.omitted);
                }
                Body::Samples(samples) => {
                    told.sampled.extend(samples.samples.iter().map(|sample| sample.id.get()));
                    assert!(told.sampled.is_subset(&told.ids), "a sample that nothing names");
                }
                _ => {}
            }
        }
        let size = stream.read(decoder.space()).unwrap();
        assert!(size > 0, "the connection ended");
        decoder.filled(size);
    }
    assert_eq!(told.ids.len(), told.total);
    told
}

#[test]
fn a_crowd_of_devices_is_told_as_far_as_there_is_room() {
    let tree = Tree::empty();
    MACHINES.iter().filter(|(name, _)| *name == "crowd").for_each(|(_, build)| build(&tree));
    let daemon = daemon(&tree);
    let told = read_frames(&daemon);
    // 500 of 602 interfaces, 256 of 300 processors, 200 of 630 fans, and so on.
    assert!((4000..=4096).contains(&told.total), "{} sensors", told.total);
    let rest = 102 * 8 + 44 * 9 + 430 + 172 * 10;
    assert!(told.omitted > rest, "{} told as left out", told.omitted);
    let mut others = [subscribe(&daemon, "*"), subscribe(&daemon, "*")];
    let mut read = |seconds| {
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            others.iter_mut().for_each(|client| drop(client.line()));
        }
    };
    // What lines need becomes resident when the first is written.
    read(3);
    let (memory, busy) = (daemon.status("RssAnon"), daemon.cpu_time());
    read(5);
    let (now, used) = (daemon.status("RssAnon"), daemon.cpu_time() - busy);
    assert!(now <= memory + 64, "{memory} KB became {now} KB");
    assert!(now < 8 * 1024, "{now} KB");
    assert!(used < Duration::from_millis(2500), "{used:?} of CPU time in five seconds");
}
