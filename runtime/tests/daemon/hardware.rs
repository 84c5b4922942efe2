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
    daemon_with(tree, "")
}

fn daemon_with(tree: &Tree, settings: &str) -> Daemon {
    let path = |name: &str| tree.path(name).to_str().unwrap().to_string();
    tree.write("kymo.toml", settings);
    let roots = ["--proc", &path("proc"), "--sys", &path("sys")];
    Daemon::start(&[&roots[..], &["--config", &path("kymo.toml")]].concat())
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

/// Nobody asks for sensors, and yet the lane has to read one source of them, and no other.
#[test]
fn vitals_tell_of_the_battery() {
    let tree = Tree::ordinary();
    let supplies: [(&str, &[(&str, &str)]); 3] = [
        ("AC", &[("type", "Mains"), ("online", "0")]),
        ("BAT0", &[("type", "Battery"), ("capacity", "87"), ("power_now", "12500000")]),
        ("hidpp_battery_0", &[("type", "Battery"), ("capacity", "5"), ("scope", "Device")]),
    ];
    for (name, files) in supplies {
        for (file, word) in files {
            tree.write(&format!("sys/class/power_supply/{name}/{file}"), &format!("{word}\n"));
        }
    }
    let daemon = daemon(&tree);
    let mut client = daemon.json("stream.sock");
    client.subscribe(&json!({"subscribe": ["vitals"], "rate_hz": 20}));
    let told = find(&mut client, "vitals", |vitals| {
        Some((vitals["battery_charge"].as_f64()?, vitals["power_watts"].clone()))
    });
    assert_eq!(told, (87.0, json!(12.5)));
    tree.write("sys/class/power_supply/AC/online", "1\n");
    let told = find(&mut client, "vitals", |vitals| {
        vitals["power_watts"].is_null().then(|| vitals["validity"]["power_watts"].clone())
    });
    assert_eq!(told, "absent");
    let status = daemon.owner().ask("{\"action\":\"status\"}");
    assert_eq!(status["heap_allocations"], 0);
    let status = status.to_string();
    assert!(status.contains("supply") && !status.contains("peripheral"), "{status}");
}

#[test]
fn alarms_are_read_where_a_setting_says_so_and_nowhere_else() {
    let tree = Tree::ordinary();
    tree.chip(3, BOARD, "k10temp", &[("temp1_input", "41000"), ("temp1_max_alarm", "1")]);
    let reader = daemon_with(&tree, "[sensors]\nalarms = true\n");
    let mut client = subscribe(&reader, "hwmon");
    let (id, _) = listed(&mut client, "k10temp/temp1_max_alarm");
    value(&mut client, id, |value| *value == 1.0);
    let alarm = "sys/class/hwmon/hwmon3/temp1_max_alarm";
    tree.write(alarm, "0\n");
    value(&mut client, id, |value| *value == 0.0);
    tree.write("kymo.toml", "");
    let refused = reader.owner().ask("{\"action\":\"reload\"}");
    assert_eq!(refused["error"], "sensors.alarms needs a restart");
    drop((client, reader));

    // A FIFO tells of everybody who opens it, by letting a writer in.
    tree.fifo(alarm);
    let path = tree.path(alarm);
    let writer = std::thread::spawn(move || {
        drop(std::fs::OpenOptions::new().write(true).open(path));
    });
    let other = daemon(&tree);
    let mut client = subscribe(&other, "hwmon");
    let catalog = find(&mut client, "catalog", |catalog| {
        let sensors = catalog["sensors"].as_array()?;
        (!sensors.is_empty()).then(|| catalog["sensors"].to_string())
    });
    assert!(catalog.contains("temp1") && !catalog.contains("alarm"), "{catalog}");
    for _ in 0..10 {
        client.expect("samples");
    }
    assert!(!writer.is_finished(), "somebody opened it");
    drop(std::fs::File::options().read(true).write(true).open(tree.path(alarm)));
    writer.join().unwrap();
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
    // A catalog may be told anew when all have been sampled: what is left out is told in it.
    let is_whole = |told: &Told| told.total > 0 && told.ids.len() == told.total;
    while !is_whole(&told) || told.sampled.len() < told.total {
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
