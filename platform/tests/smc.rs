//! The controller of Macs, by simulated ones: which sensors each has, and what they say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

#[allow(dead_code, reason = "each test program uses its part of it")]
#[path = "common/conformance.rs"]
mod conformance;
#[path = "smc/faults.rs"]
mod faults;
#[path = "smc/machines.rs"]
mod machines;
#[path = "smc/reply.rs"]
mod reply;

use std::collections::BTreeMap;

use conformance::scan;
use kymo_platform::apple::smc::fake::Simulated;
use kymo_platform::apple::smc::{SLOTS, Table, sources};
use kymo_platform::{Freshness, SensorInfo, Source};
use kymo_protocol::NoData::Pending;
use kymo_protocol::Reading;

/// Sources that vitals are made from.
const VITAL_SLOTS: usize = 16;

/// One of the known machines with its sources.
fn open(name: &str) -> (Simulated, Vec<Box<dyn Source>>) {
    let (machine, chip) = Simulated::machine(name).unwrap();
    let sources = sources(Some(machine.controller()), Table::of(chip));
    assert_eq!(sources.len(), SLOTS);
    (machine, sources)
}

/// A machine of a few lines.
fn with_keys(text: &str) -> (Simulated, Vec<Box<dyn Source>>) {
    let machine = Simulated::parse(text).unwrap();
    let sources = sources(Some(machine.controller()), Table::of("Apple M2"));
    (machine, sources)
}

/// Scans and looks as the host does, until nothing new is found.
fn settle(machine: &Simulated, sources: &mut [Box<dyn Source>]) {
    sources.iter_mut().for_each(|source| drop(scan(&mut **source)));
    for _ in 0..1_000 {
        let before = machine.calls();
        let mut is_quiet = true;
        for source in &mut *sources {
            if source.look() == Freshness::Stale {
                is_quiet = false;
                scan(&mut **source);
            }
        }
        if is_quiet && machine.calls() == before {
            return;
        }
    }
    panic!("the search for keys never ends");
}

/// What each sensor says, by its key, with its label.
fn told(sources: &mut [Box<dyn Source>]) -> BTreeMap<String, (String, Reading<f64>)> {
    let mut told = BTreeMap::new();
    for source in sources {
        let mut found = Vec::new();
        source.scan(&mut |sensor: &SensorInfo<'_>| {
            let key = sensor.identity.strip_prefix("smc/").unwrap().to_owned();
            found.push((key, sensor.label.to_owned()));
        });
        let mut readings = vec![Err(Pending); found.len()];
        assert_eq!(source.read(&mut readings), Freshness::Current);
        told.extend(
            found.into_iter().zip(readings).map(|((key, label), reading)| (key, (label, reading))),
        );
    }
    told
}

fn readings(sources: &mut [Box<dyn Source>]) -> BTreeMap<String, Reading<f64>> {
    told(sources).into_iter().map(|(key, (_, reading))| (key, reading)).collect()
}

/// Replies that the fuzz target began with, and whatever once broke something.
#[test]
fn seeds_of_the_fuzz_target() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/smc_reply");
    let seeds = std::fs::read_dir(folder).unwrap();
    let seeds: Vec<_> = seeds.map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
    assert!(seeds.len() >= 6);
    seeds.iter().for_each(|seed| reply::check(seed));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]
    #[test]
    fn any_reply_whatever(
        data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..3_000),
    ) {
        reply::check(&data);
    }
}
