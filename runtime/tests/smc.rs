//! The loop of a Mac, over controllers that answer as those of known machines: what vitals and
//! samples say, what is asked for whom, and whether the loop is on time meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kymo::{Config, Reactor};
use kymo_platform::Fake;
use kymo_platform::apple::smc::fake::{MACHINES, Simulated};
use kymo_platform::apple::smc::{self, Table};
use kymo_platform::fake::Readings;
use kymo_protocol::NoData;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);
const STREAMS: &str = "\"vitals\",\"samples\"";

/// A measurement that other work on the machine may spoil: one of three attempts must succeed.
fn one_of_three(attempt: impl Fn() -> Result<(), String>) {
    let spoilt: Vec<String> = (0..3).map_while(|_| attempt().err()).collect();
    assert!(spoilt.len() < 3, "{spoilt:#?}");
}

/// A running loop with one subscriber, that reads its lines.
struct Mac {
    controller: Simulated,
    lines: BufReader<UnixStream>,
    the_loop: JoinHandle<u64>,
}

impl Mac {
    /// A machine of which the controller alone tells what is hot; each call of it takes so long.
    fn start(name: &str, cost: Duration, streams: &str) -> Self {
        let (controller, chip) = Simulated::machine(name).unwrap();
        controller.cost(cost);
        let mut machine = Fake::new();
        machine.readings.thermal = Readings::none(NoData::Absent).thermal;
        let mut reactor = Reactor::new(&Config::default(), Box::new(machine)).unwrap();
        let sources = smc::sources(Some(controller.controller()), Table::of(chip));
        reactor.read_sources(sources).unwrap();
        let mut client = reactor.connect().unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        writeln!(client, "{{\"subscribe\":[{streams}],\"rate_hz\":25}}").unwrap();
        let the_loop = std::thread::spawn(move || {
            while reactor.hub().clients() > 0 {
                reactor.turn(None).unwrap();
            }
            reactor.hub().ticks_missed()
        });
        Self { controller, lines: BufReader::new(client), the_loop }
    }

    fn line(&mut self, kind: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the loop has let go");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["type"] == kind {
                return line;
            }
        }
    }

    /// The first vitals in which nothing of the hardware is pending any more.
    fn vitals(&mut self) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let vitals = self.line("vitals");
            let validity = &vitals["validity"];
            let pending = ["temperature", "gpu_temperature", "fan_speeds", "power_watts"]
                .iter()
                .any(|field| validity[field] == "pending");
            if !pending {
                return vitals;
            }
            assert!(Instant::now() < end, "{vitals}");
        }
    }

    /// Ends the loop, and says how many ticks it has missed.
    fn end(self) -> u64 {
        drop(self.lines);
        self.the_loop.join().unwrap()
    }
}

/// What each machine's fixture says: the hottest of the processor and of the graphics, the fans,
/// and what the whole of it takes.
#[test]
fn vitals_of_every_known_machine() {
    for (name, ..) in MACHINES {
        let mut mac = Mac::start(name, Duration::ZERO, "\"vitals\"");
        let vitals = mac.vitals();
        // Of one that nobody knows, the die's maximum is known, and no part of the graphics.
        assert!(name != "M6" || vitals["validity"]["gpu_temperature"] == "absent", "{vitals}");
        for field in &["temperature", "gpu_temperature"][..1 + usize::from(name != "M6")] {
            let celsius = vitals[field].as_f64().unwrap_or_else(|| panic!("{name}: {vitals}"));
            assert!((20.0..110.0).contains(&celsius), "{name}: {field} is {celsius}");
        }
        let fans = vitals["fan_speeds"].as_array();
        let has_none = vitals["validity"]["fan_speeds"] == "absent";
        assert_eq!(has_none, name == "M2 Air", "{name}: {vitals}");
        assert!(has_none || fans.is_some_and(|fans| !fans.is_empty()), "{name}: {vitals}");
        assert!(
            vitals["power_watts"].as_f64().is_some_and(|watts| watts > 0.5),
            "{name}: {vitals}"
        );
        assert_eq!(mac.controller.writes(), 0);
        mac.end();
    }
}

/// At 0.2 ms a call, as real ones take: the loop never waits for it.
#[test]
fn at_25_hz_the_loop_is_on_time() {
    one_of_three(|| {
        let mut mac = Mac::start("M2 Max", Duration::from_micros(200), STREAMS);
        mac.vitals();
        let begun = Instant::now();
        let (mut last, mut frames) = (0, 0);
        while begun.elapsed() < Duration::from_secs(4) {
            let vitals = mac.line("vitals");
            let merged = vitals["merged"].as_u64().unwrap_or(0);
            let sequence = vitals["seq"].as_u64().unwrap();
            assert!(last == 0 || sequence == last + 1 + merged, "{last} {vitals}");
            (last, frames) = (sequence, frames + 1 + merged);
        }
        let calls = mac.controller.calls();
        let late = mac.end();
        println!("{frames} frames and {calls} calls in 4 s, {late} ticks missed");
        assert!(calls > 100, "{calls} calls");
        let is_on_time = frames >= 98 && late <= 2;
        is_on_time.then_some(()).ok_or(format!("{frames} frames, {late} ticks missed"))
    });
}

#[test]
fn what_changes_is_told_in_vitals_and_in_samples() {
    let mut mac = Mac::start("M2 Max", Duration::from_micros(200), STREAMS);
    let is_it = |sensor: &&Value| sensor["identity"] == "smc/TCMz";
    let end = Instant::now() + PATIENCE;
    // The first catalog tells that nothing is known yet.
    let maximum = loop {
        let catalog = mac.line("catalog");
        let found = catalog["sensors"].as_array().and_then(|sensors| sensors.iter().find(is_it));
        match found {
            Some(sensor) => break sensor.clone(),
            None => assert!(Instant::now() < end, "{catalog}"),
        }
    };
    assert_eq!(maximum["attributes"]["hw.sensor_location"], "cpu");
    let first = mac.vitals();
    let hot = 97.25;
    assert_ne!(first["temperature"], hot);
    mac.controller.set_float("TCMz", hot);
    mac.controller.set_float("F0Ac", 0.0);
    loop {
        let told = mac.line("vitals");
        if told["temperature"] == hot && told["fan_speeds"][0] == 0 {
            break;
        }
        assert!(Instant::now() < end, "{told}");
    }
    // The same reading, with its name.
    loop {
        let told = mac.line("samples");
        let samples = told["samples"].as_array().unwrap();
        let sample = samples.iter().find(|sample| sample["id"] == maximum["id"]);
        if sample.is_some_and(|sample| sample["value"] == hot) {
            break;
        }
        assert!(Instant::now() < end, "{told}");
    }
    assert_eq!(mac.controller.writes(), 0);
    mac.end();
}

/// Nobody who wants vitals alone has more read than what they tell, and at most four keys a tick.
#[test]
fn for_vitals_alone_only_their_keys_are_read_and_few_at_once() {
    let mut mac = Mac::start("M4 Pro", Duration::from_micros(200), "\"vitals\"");
    mac.vitals();
    let before = (mac.controller.calls(), Instant::now());
    let (mut most, mut calls) = (0, before.0);
    for _ in 0..100 {
        mac.line("vitals");
        let now = mac.controller.calls();
        most = most.max(now - calls);
        calls = now;
    }
    let seconds = before.1.elapsed().as_secs_f64();
    let calls = f64::from(u32::try_from(calls - before.0).unwrap());
    println!("{calls} calls in {seconds:.1} s, {most} between two frames");
    // Two ticks' worth, since the reader may be late: of each a read of four keys, or a look of
    // twelve steps.
    assert!(most <= 48, "{most} calls between two frames");
    assert_eq!(mac.controller.reads("TB1T"), 0, "nobody asks for the battery's temperature");
    mac.end();
}

#[test]
fn a_controller_that_goes_away_is_told_and_comes_back() {
    let mut mac = Mac::start("M3 Max", Duration::ZERO, "\"vitals\"");
    mac.vitals();
    // MACH_SEND_INVALID_DEST: the driver was restarted.
    mac.controller.fail(u64::MAX, smc::KernReturn(0x1000_0003));
    let until = |mac: &mut Mac, state: &Value| {
        let end = Instant::now() + PATIENCE;
        while mac.line("vitals")["validity"]["temperature"] != *state {
            assert!(Instant::now() < end, "never {state}");
        }
    };
    until(&mut mac, &"absent".into());
    mac.controller.fail(0, smc::KernReturn(0));
    until(&mut mac, &Value::Null);
    mac.end();
}
