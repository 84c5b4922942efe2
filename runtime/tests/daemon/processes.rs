//! Processes of this machine, and of one that is a tree of files.

use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Body, Decoder, Hello, State, StreamId, Streams};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use crate::common::{Daemon, Json, Scratch, one_of_three, request};

fn subscribe(daemon: &Daemon, rate_hz: f64) -> Json {
    let mut client = daemon.json("stream.sock");
    client.subscribe(&json!({"subscribe": ["processes"], "rate_hz": rate_hz}));
    client
}

/// CPU time of this process.
fn used() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let times = [usage.user_time(), usage.system_time()];
    let times = times.map(|time| {
        Duration::from_secs(time.tv_sec().try_into().unwrap())
            + Duration::from_micros(time.tv_usec().try_into().unwrap())
    });
    times[0] + times[1]
}

fn of(line: &Value, pid: u32) -> Option<&Value> {
    line["processes"].as_array().unwrap().iter().find(|process| process["pid"] == pid)
}

#[test]
fn a_process_that_works_is_told_with_what_it_used() {
    let daemon = Daemon::start(&[]);
    let is_over = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_over);
    let spinner = std::thread::spawn(move || while !flag.load(Relaxed) {});
    one_of_three(|| {
        let mut client = subscribe(&daemon, 2.0);
        let first = client.expect("processes");
        // Shares take two looks, and are not 0 before.
        let processes = first["processes"].as_array().unwrap();
        assert!(!processes.is_empty(), "{first}");
        assert!(processes.iter().all(|process| process["cpu"].is_null()), "{first}");
        assert!(processes.iter().all(|process| process.get("rank_by_cpu").is_none()), "{first}");
        let (mut told, start, before) = (0.0, Instant::now(), used());
        for _ in 0..4 {
            let line = client.expect("processes");
            let Some(own) = of(&line, std::process::id()) else { return Err(line.to_string()) };
            if own["rank_by_cpu"].as_u64().is_none_or(|rank| rank > 5) {
                return Err(own.to_string());
            }
            told += own["cpu"].as_f64().unwrap() / 4.0;
            let total = line["total"].as_u64().unwrap();
            assert!(total > 1 && total >= line["processes"].as_array().unwrap().len() as u64);
        }
        let used = (used() - before).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
        let is_near = (told - used).abs() < used / 5.0 && told > 10.0;
        if is_near { Ok(()) } else { Err(format!("{told} % told, {used} % used")) }
    });
    is_over.store(true, Relaxed);
    spinner.join().unwrap();
}

fn stat(pid: u32, name: &str, busy: u32, pages: u32) -> String {
    format!("{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {busy} 0 0 0 20 0 1 0 5 0 {pages} 0\n")
}

/// A tree with so many processes.
fn tree(count: u32) -> (Scratch, Daemon) {
    let tree = Scratch::new();
    for pid in 1..=count {
        fs::create_dir_all(tree.0.join(format!("proc/{pid}"))).unwrap();
        tree.write(&format!("proc/{pid}/stat"), &stat(pid, "a\u{1b}[2J\n)", pid, pid));
    }
    let proc = tree.0.join("proc").to_str().unwrap().to_string();
    let daemon = Daemon::start(&["--proc", &proc, "--sys", &proc]);
    (tree, daemon)
}

#[test]
fn names_are_harmless_and_what_can_t_be_read_has_a_reason() {
    let (tree, daemon) = tree(3);
    let mut client = subscribe(&daemon, 2.0);
    let first = client.expect("processes");
    assert_eq!((&first["total"], first.get("state")), (&json!(3), None));
    let named = first["processes"].as_array().unwrap().iter().map(|process| &process["name"]);
    assert!(named.eq([&json!("a?[2J?)"); 3]), "{first}");
    tree.write("proc/2/stat", &stat(2, "busy", 1000, 2));
    let second = client.expect("processes");
    let busy = of(&second, 2).unwrap();
    assert_eq!((&busy["rank_by_cpu"], busy["memory"].as_u64()), (&json!(1), Some(2 * 4096)));
    assert!(busy["cpu"].as_f64().unwrap() > 100.0);
    assert_eq!(of(&second, 1).unwrap()["cpu"], 0.0);
    fs::remove_dir_all(tree.0.join("proc")).unwrap();
    let last = client.expect("processes");
    let told = (&last["total"], &last["state"], &last["processes"]);
    assert!(
        last["total"].is_null() && last["state"] != "ok" && last["state"].is_string(),
        "{told:?}"
    );
    assert_eq!(last["processes"], json!([]));
}

#[test]
fn frames_say_the_same() {
    let (_tree, daemon) = tree(40);
    let mut stream = daemon.connect("stream.sock");
    let subscription = request::<SubscribeFixed>(|subscribe| {
        subscribe.streams.set(Streams::default().with(StreamId::PROCESSES).0);
    });
    let hello = request::<Hello>(|hello| hello.set("test"));
    stream.write_all(&[hello, subscription].concat()).unwrap();
    let mut decoder = Decoder::<FRAME_MAX>::new();
    loop {
        match decoder.next_frame().unwrap().map(|frame| frame.body) {
            Some(Body::Subscribed(granted)) => {
                assert_eq!((granted.rate_mhz.get(), granted.next[2].get()), (1000, 1));
            }
            Some(Body::Processes(told)) => {
                assert_eq!((told.fixed.total(), told.fixed.state()), (Some(40), State::Ok));
                assert_eq!((told.fixed.by_cpu.get(), told.fixed.by_memory.get()), (0, 32));
                let greatest = told.entries.iter().max_by_key(|entry| entry.memory.get()).unwrap();
                assert_eq!((greatest.pid.get(), greatest.rank_by_memory), (40, 1));
                assert!(greatest.cpu.get().is_nan() && greatest.name() == "a?[2J?)");
                return;
            }
            Some(_) => {}
            None => {
                let size = stream.read(decoder.space()).unwrap();
                assert!(size > 0);
                decoder.filled(size);
            }
        }
    }
}

#[test]
fn many_are_looked_at_in_slices_and_rarely() {
    let (_tree, daemon) = tree(600);
    let mut vitals = daemon.json("stream.sock");
    vitals.subscribe(&json!({"subscribe": ["vitals"], "rate_hz": 1000}));
    let mut client = subscribe(&daemon, 2.0);
    let start = Instant::now();
    for _ in 0..3 {
        let mut line = client.line();
        while line["type"] == "heartbeat" {
            line = client.line();
        }
        assert_eq!(line["total"], 600, "{line}");
    }
    let source = daemon.json("control.sock").say("{\"action\":\"status\"}\n").line();
    let source = &source["process_source"];
    let number = |key: &str| source[key].as_f64().unwrap();
    assert!(number("passes") >= 3.0, "{source}");
    // In more than one slice each, and no more of a CPU than all sources may take.
    assert!(number("max_ns") < number("total_ns") / number("passes") / 3.0, "{source}");
    let share = number("total_ns") / start.elapsed().as_secs_f64() / 1e9;
    assert!(share < 0.02 && number("stretch") >= 1.0, "{share} of a CPU: {source}");
}

#[test]
fn who_did_not_ask_is_told_nothing_and_the_last_one_leaves_quiet_behind() {
    let (_tree, daemon) = tree(20);
    let mut silent = daemon.json("json.sock");
    silent.admitted();
    let mut client = subscribe(&daemon, 1000.0);
    let start = Instant::now();
    let sequences: Vec<_> =
        (0..4).map(|_| client.expect("processes")["seq"].as_u64().unwrap()).collect();
    assert!(sequences == [1, 2, 3, 4] && start.elapsed() > Duration::from_millis(1400));
    for _ in 0..50 {
        silent.vitals();
    }
    drop((silent, client));
    std::thread::sleep(Duration::from_millis(300));
    let woken = || daemon.status("voluntary_ctxt_switches");
    let before = woken();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(woken(), before, "nobody watches");
}
