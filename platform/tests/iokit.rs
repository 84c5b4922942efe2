//! What Macs tell through the I/O registry, the HID event system and reports, on every system: over
//! fakes of the doors.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/conformance.rs"]
#[allow(dead_code, reason = "each test program uses its part of it")]
mod conformance;
#[path = "common/hid_name.rs"]
mod hid_name;
#[path = "common/macs.rs"]
#[allow(dead_code, reason = "each test program uses its part of it")]
mod macs;

use std::collections::BTreeMap;

use conformance::{conforms, read, scan, values};
use kymo_platform::apple::registry::fake::{FakeRegistry, Value};
use kymo_platform::apple::registry::{BATTERY, DISK, GPU, Services, WholeDisks};
use kymo_platform::apple::report::Energy;
use kymo_platform::machine::Transfer;
use kymo_platform::{Freshness, Source};
use kymo_protocol::NoData::{Absent, Denied, Fault, Gated};
use kymo_protocol::{Group, Reading, Scope};
use macs::{MACS, Mac};
use proptest::collection::vec;
use proptest::prelude::*;

fn mac(name: &str) -> Mac {
    MACS.iter().find(|(known, _)| *known == name).unwrap().1()
}

fn found(name: &str) -> BTreeMap<String, Reading<f64>> {
    values(&mut mac(name).sources())
}

fn check(name: &str, expected: &[(&str, Reading<f64>)]) {
    let found = found(name);
    for (identity, value) in expected {
        match (found.get(*identity), value) {
            (Some(Ok(found)), Ok(value)) => {
                assert!((found - value).abs() < 1e-9, "{name}: {identity} is {found}");
            }
            (found_one, value) => {
                assert_eq!(found_one, Some(value), "{name}: {identity} of {:#?}", found.keys());
            }
        }
    }
}

#[test]
fn every_mac_conforms() {
    for (name, build) in MACS {
        let mac = build();
        conforms(&mut mac.sources(), name);
        for mut source in mac.sources() {
            let group = source.spec().group;
            source.scan(&mut |sensor| {
                assert_eq!((sensor.metric.group, sensor.scope), (group, Scope::Host), "{name}");
            });
        }
    }
}

#[test]
fn an_intel_laptop() {
    let ssd =
        "disk/AppleACPIPlatformExpert/PCI0@0/AppleACPIPCI/RP17@1B/SSD0@0/AppleANS2Controller/NS@1";
    let gpu = "gpu/AppleACPIPlatformExpert/PCI0@0/AppleACPIPCI";
    check(
        "Intel laptop",
        &[
            (&format!("{ssd}/read"), Ok(5120.0)),
            (&format!("{ssd}/written"), Ok(1024.0)),
            (&format!("{ssd}/reads"), Ok(7.0)),
            (&format!("{ssd}/writes"), Ok(9.0)),
            (&format!("{ssd}/read_time"), Ok(1.5)),
            (&format!("{ssd}/write_time"), Ok(0.25)),
            ("supply/battery/online", Ok(0.0)),
            ("supply/battery/capacity", Ok(0.5)),
            ("supply/battery/voltage", Ok(12.0)),
            ("supply/battery/current", Ok(-1.5)),
            ("supply/battery/temp", Ok(29.95)),
            ("supply/battery/charge", Ok(10_800.0)),
            ("supply/battery/charge_full", Ok(21_600.0)),
            ("supply/battery/charge_design", Ok(26_409.6)),
            ("supply/battery/time_to_empty", Ok(7200.0)),
            ("supply/battery/time_to_full", Err(Absent)),
            ("supply/battery/cycles", Ok(300.0)),
            (&format!("{gpu}/IGPU@2/IntelAccelerator/utilization"), Ok(0.12)),
            (&format!("{gpu}/PEG0@1/GFX0@0/AMDRadeonX6000/utilization"), Ok(0.0)),
            (&format!("{gpu}/PEG0@1/GFX0@0/AMDRadeonX6000/vram_used"), Ok(1e6)),
            (&format!("{gpu}/PEG0@1/GFX0@0/AMDRadeonX6000/vram_size"), Ok(4e6)),
        ],
    );
    let found = found("Intel laptop");
    // Without what is free there is no limit, and without reports no energy.
    assert!(!found.contains_key(&format!("{gpu}/IGPU@2/IntelAccelerator/vram_size")));
    assert_eq!(found.len(), 6 + 11 + 2 + 3, "{:#?}", found.keys());
}

#[test]
fn an_m1() {
    let place = "AppleARMPE/arm-io@10F00000";
    let disk = format!("disk/{place}/AppleT810xIO/ans@77400000/RTBuddy(ANS2)/NS_01@1");
    check(
        "M1",
        &[
            (&format!("{disk}/read"), Ok(4096.0)),
            ("supply/battery/online", Ok(1.0)),
            ("supply/battery/capacity", Ok(0.8)),
            // What it measures now, not on average.
            ("supply/battery/current", Ok(1.25)),
            ("supply/battery/temp", Ok(31.65)),
            ("supply/battery/charge", Ok(14_400.0)),
            ("supply/battery/charge_full", Ok(18_000.0)),
            ("supply/battery/charge_design", Ok(21_600.0)),
            ("supply/battery/time_to_empty", Err(Absent)),
            ("supply/battery/time_to_full", Ok(2700.0)),
            (&format!("gpu/{place}/sgx@6400000/AGXAccelerator/utilization"), Ok(0.33)),
            (&format!("gpu/{place}/sgx@6400000/AGXAccelerator/memory_used"), Ok(268_435_456.0)),
            ("hid/pACC_MTR_Temp_Sensor2", Ok(41.5)),
            ("hid/ANE_MTR_Temp_Sensor1", Err(Gated)),
            ("hid/PMU_tdev1", Err(Fault)),
            ("hid/PMU_tdev2", Ok(37.0)),
            ("hid/NAND_CH0_temp", Ok(30.0)),
            // In the order of their locations.
            ("hid/gas_gauge_battery", Ok(30.5)),
            ("hid/gas_gauge_battery#2", Ok(30.0)),
            ("hid/gas_gauge_battery#3", Ok(31.0)),
            ("hid-current/PMU_tdie1", Ok(1.5)),
            ("hid-current/PMU_iboost", Ok(-0.02)),
            ("hid-voltage/PMU_vbuck0", Ok(0.85)),
            ("energy/CPU_Energy", Ok(15.5)),
            ("energy/GPU_Energy", Ok(2.5)),
            ("energy/ANE", Ok(0.0)),
            ("energy/DRAM", Ok(0.75)),
        ],
    );
    let found = found("M1");
    for left_out in ["tcal", "disk/IOResources", "sdxc", "GPU0", "ECPU", "ISP"] {
        assert!(!found.keys().any(|identity| identity.contains(left_out)), "{left_out}");
    }
}

#[test]
fn labels_and_attributes() {
    let mac = mac("M1");
    let mut told = BTreeMap::new();
    for mut source in mac.sources() {
        for sensor in scan(&mut *source).0 {
            let words = sensor.attributes.iter().map(|(_, value)| value.clone());
            told.insert(sensor.identity, (sensor.label, words.collect::<Vec<_>>().join("|")));
        }
    }
    let disk = "disk/AppleARMPE/arm-io@10F00000/AppleT810xIO/ans@77400000/RTBuddy(ANS2)/NS_01@1";
    for (identity, label, attributes) in [
        (&*format!("{disk}/read_time"), "disk0 read time", "disk0|read"),
        ("supply/battery/online", "battery online", "battery"),
        ("supply/battery/charge_full", "battery charge full", "battery|full"),
        ("hid/PMU_tdev2", "PMU tdev2", "PMU tdev2|board"),
        ("hid/pACC_MTR_Temp_Sensor2", "pACC MTR Temp Sensor2", "pACC MTR Temp Sensor2|cpu"),
        ("hid-current/PMU_iboost", "PMU iboost", "PMU iboost"),
        ("energy/DRAM", "DRAM", "DRAM|memory"),
    ] {
        let expected = (label.to_owned(), attributes.to_owned());
        assert_eq!(told.get(identity), Some(&expected), "{identity} of {told:#?}");
    }
}

#[test]
fn sensors_that_stand_in_for_the_controller() {
    let places = |mac: &Mac| {
        let mut places = BTreeMap::new();
        let mut source = mac.sources().remove(3);
        let is_vital = source.spec().is_vital;
        for sensor in scan(&mut *source).0 {
            let place = sensor.attributes.get(1).map_or("", |(_, place)| place);
            *places.entry(place.to_owned()).or_insert(0) += 1;
        }
        (is_vital, places)
    };
    let of = |places: &[(&str, i32)]| {
        places.iter().map(|(place, count)| ((*place).to_owned(), *count)).collect()
    };
    // None of them says that it is the CPU's, so those of its die do.
    let mut m2_max = mac("M2 Max");
    assert_eq!(places(&m2_max), (true, of(&[("cpu", 28)])));
    m2_max.rank = kymo_platform::apple::hid::Rank::Beside;
    assert_eq!(places(&m2_max), (false, of(&[("soc", 28)])));
    let mut m1 = mac("M1");
    m1.rank = kymo_platform::apple::hid::Rank::Instead;
    let expected = of(&[
        ("ane", 1),
        ("battery", 3),
        ("board", 2),
        ("cpu", 2),
        ("gpu", 1),
        ("soc", 1),
        ("storage", 1),
    ]);
    assert_eq!(places(&m1), (true, expected));
}

#[test]
fn others() {
    check(
        "M2 Max",
        &[
            ("supply/battery/current", Ok(-2.0)),
            ("supply/battery/time_to_full", Ok(2700.0)),
            ("energy/DIE_0_CPU_Energy", Ok(1.0)),
            // There is no better one.
            ("energy/GPU0_0", Ok(0.12)),
            ("energy/DRAM0_0", Ok(0.01)),
            ("energy/DRAM0_0#2", Ok(0.02)),
            ("energy/ANE0_0", Err(Fault)),
        ],
    );
    check(
        "M5",
        &[
            ("supply/battery/capacity", Ok(0.8)),
            ("supply/battery/charge", Err(Absent)),
            ("supply/battery/charge_full", Err(Absent)),
            ("supply/battery/charge_design", Ok(21_603.6)),
            ("supply/battery/temp", Ok(31.59)),
            ("hid/PMU_TP3g", Ok(45.0)),
            ("hid/", Ok(20.0)),
            ("energy/GPU_Energy", Ok(0.0)),
        ],
    );
    let usb = "disk/AppleARMPE/arm-io@10F00000/usb-drd1@2280000/IOUSBMassStorageDriver/LUN@0";
    check("Mac mini", &[(&format!("{usb}/read"), Ok(3.0)), (&format!("{usb}#2/read"), Ok(5.0))]);
    assert!(!found("Mac mini").keys().any(|identity| identity.starts_with("supply")));
    let nonsense = found("nonsense");
    let is_number = |identity: &&String| nonsense[*identity].is_ok();
    let numbers: Vec<_> = nonsense.keys().filter(is_number).collect();
    let (written, times): (Vec<_>, Vec<_>) =
        numbers.into_iter().partition(|one| one.ends_with("written"));
    assert_eq!((written.len(), times.len()), (1, 3), "{times:?}");
}

#[test]
fn wrong_kinds_and_ranges_are_faults() {
    let registry = FakeRegistry::new(vec![macs::disk(1, "x", "disk0", "", [0, 0])]);
    let mut service = registry.state().services[0].clone();
    service.class = "AppleSmartBattery".into();
    let mut read_as = |key: &str, value: Option<Value>| {
        service.own = macs::silicon_battery();
        match value {
            Some(value) => service.own.set(key, value),
            None => service.own.remove(key),
        }
        registry.state().services[0] = service.clone();
        let mut sources: Vec<Box<dyn Source>> =
            vec![Box::new(Services::new(registry.clone(), &BATTERY))];
        values(&mut sources)
    };
    for (key, value, sensor, expected) in [
        ("Voltage", Some(macs::text("12")), "voltage", Some(Err(Fault))),
        ("Voltage", Some(0.into()), "voltage", Some(Err(Fault))),
        ("Voltage", None, "voltage", None),
        ("MaxCapacity", Some(0.into()), "capacity", Some(Err(Fault))),
        ("MaxCapacity", None, "capacity", Some(Err(Absent))),
        ("CurrentCapacity", Some(101.into()), "capacity", Some(Ok(1.0))),
        ("CurrentCapacity", Some(200.into()), "capacity", Some(Err(Fault))),
        ("Temperature", Some(0.into()), "temp", Some(Err(Fault))),
        ("Temperature", Some(65_535.into()), "temp", Some(Err(Fault))),
        ("InstantAmperage", Some((-500).into()), "current", Some(Ok(-0.5))),
        ("InstantAmperage", Some(65_036.into()), "current", Some(Ok(-0.5))),
        ("InstantAmperage", Some(4_294_966_796.into()), "current", Some(Ok(-0.5))),
        ("InstantAmperage", Some(100_000.into()), "current", Some(Err(Fault))),
        ("InstantAmperage", None, "current", Some(Ok(1.3))),
        ("ExternalConnected", Some(1.into()), "online", Some(Err(Fault))),
        ("AvgTimeToFull", Some(0.into()), "time_to_full", Some(Err(Absent))),
        ("AvgTimeToFull", Some((-1).into()), "time_to_full", Some(Err(Fault))),
        ("CycleCount", Some((-1).into()), "cycles", Some(Err(Fault))),
    ] {
        let what = format!("{key} {value:?}");
        let found = read_as(key, value);
        assert_eq!(found.get(&format!("supply/battery/{sensor}")), expected.as_ref(), "{what}");
    }
}

#[test]
fn services_that_come_and_go() {
    let mac = mac("M1");
    let mut disks = Services::new(mac.registry.clone(), &DISK);
    assert_eq!(disks.look(), Freshness::Stale);
    assert_eq!(scan(&mut disks).0.len(), 6);
    assert_eq!((read(&mut disks, 6).1, disks.look()), (Freshness::Current, Freshness::Current));
    // An image is mounted: it is none of ours, and is told once.
    let image = macs::disk(60, "image", "disk9", "File", [1, 1]);
    mac.registry.state().services.push(image);
    assert_eq!(disks.look(), Freshness::Current);
    let usb = macs::disk(61, "usb", "disk8", "External", [8, 8]);
    mac.registry.state().services.insert(0, usb);
    assert_eq!((read(&mut disks, 6).1, disks.look()), (Freshness::Stale, Freshness::Stale));
    let (sensors, _) = scan(&mut disks);
    assert_eq!(sensors.len(), 12);
    assert_eq!(read(&mut disks, 12).1, Freshness::Current);
    // What left is absent, and what is there is still read.
    mac.registry.state().services.retain(|service| service.id != 10);
    let (readings, freshness) = read(&mut disks, 12);
    assert_eq!(freshness, Freshness::Stale);
    assert_eq!(readings.iter().filter(|reading| **reading == Err(Absent)).count(), 6);
    assert_eq!(readings.iter().filter(|reading| **reading == Ok(8.0)).count(), 2);
    // The same disk in another place of the list has the same identity.
    mac.registry.state().failure = Some(Denied);
    assert_eq!(read(&mut disks, 12), (vec![Err(Denied); 12], Freshness::Current));
    assert_eq!(disks.look(), Freshness::Current);
    mac.registry.state().failure = None;
    assert_eq!(
        scan(&mut disks).0,
        sensors.into_iter().filter(|sensor| sensor.label.starts_with("disk8")).collect::<Vec<_>>()
    );
}

#[test]
fn more_services_than_fit_are_counted_and_end() {
    let services = (0..200).map(|id| {
        macs::disk(id, &format!("d{id:03}"), "disk1", if id % 2 == 0 { "File" } else { "" }, [1, 1])
    });
    let registry = FakeRegistry::new(services.collect());
    let mut disks = Services::new(registry.clone(), &DISK);
    let (sensors, omitted) = scan(&mut disks);
    assert_eq!((sensors.len(), omitted), (32 * 6, 68 * 6));
    assert_eq!((read(&mut disks, 192).1, disks.look()), (Freshness::Current, Freshness::Current));
    // Images that there is no room to remember don't make it stale either.
    registry.state().services.retain(|service| service.id % 2 == 0 || service.id < 9);
    assert_eq!(scan(&mut disks).0.len(), 24);
    assert_eq!(read(&mut disks, 24).1, Freshness::Current);
    registry.state().services.push(macs::disk(500, "new", "disk2", "", [1, 1]));
    assert_eq!(read(&mut disks, 24).1, Freshness::Stale);
    assert_eq!(WholeDisks::new(registry).transfer(), Ok(Transfer { inward: 5, outward: 5 }));
}

#[test]
fn the_sum_of_whole_disks() {
    let mac = mac("M2 Max");
    let mut disks = WholeDisks::new(mac.registry.clone());
    for _ in 0..2 {
        assert_eq!(disks.transfer(), Ok(Transfer { inward: 1010, outward: 2020 }));
    }
    // Too small a sum would be a rate below 0 now, and one far too high afterwards.
    mac.registry.state().services[1].own.remove("Statistics");
    assert_eq!(disks.transfer(), Err(Fault));
    mac.registry.state().services.clear();
    assert_eq!(disks.transfer(), Err(Absent));
    mac.registry.state().failure = Some(Denied);
    assert_eq!(disks.transfer(), Err(Denied));
    assert_eq!(WholeDisks::new(self::mac("nonsense").registry).transfer(), Err(Fault));
}

#[test]
fn a_graphics_processor_without_figures_has_no_sensors() {
    let mac = mac("M1");
    mac.registry.state().services[4].own.remove("PerformanceStatistics");
    let mut gpus = Services::new(mac.registry.clone(), &GPU);
    assert_eq!(scan(&mut gpus), (vec![], 0));
    assert_eq!((read(&mut gpus, 0).1, gpus.look()), (Freshness::Current, Freshness::Current));
}

#[test]
fn sensors_are_listed_once_and_looked_at() {
    let mac = mac("M1");
    let mut source = mac.sources().remove(3);
    assert_eq!(source.look(), Freshness::Stale);
    let (sensors, _) = scan(&mut *source);
    assert_eq!(sensors.len(), 11);
    for _ in 0..5 {
        let _ = read(&mut *source, 11);
    }
    let state = |mac: &Mac| {
        let state = mac.temperatures.state();
        (state.lists, state.values)
    };
    assert_eq!(state(&mac), (2, 55), "a read lists nothing");
    assert_eq!(source.look(), Freshness::Current);
    mac.temperatures.state().sensors.swap(0, 1);
    assert_eq!(source.look(), Freshness::Stale, "numbers go by the order");
    assert_eq!(scan(&mut *source).0, sensors, "identities don't");
    mac.temperatures.state().sensors.truncate(3);
    assert_eq!(
        read(&mut *source, 11).0.iter().filter(|reading| **reading == Err(Absent)).count(),
        8
    );
    mac.temperatures.state().failure = Some(Fault);
    assert_eq!(source.look(), Freshness::Current);
    assert_eq!(scan(&mut *source), (vec![], 0));
    let many: Vec<_> = (0..250).map(|number| format!("s{number}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), 1.0)).collect();
    let crowd = kymo_platform::apple::hid::fake::FakeHid::new(&many);
    let mut source = Mac { temperatures: crowd, ..mac }.sources().remove(3);
    let (sensors, omitted) = scan(&mut *source);
    assert_eq!((sensors.len(), omitted), (192, 58));
}

const S: u64 = 1_000_000_000;

fn energy(mac: &Mac) -> (Energy<kymo_platform::apple::report::fake::FakeReports>, Vec<String>) {
    let mut source = Energy::new(mac.reports.clone());
    let names = scan(&mut source).0.into_iter().map(|sensor| sensor.label).collect();
    (source, names)
}

#[test]
fn only_the_channels_of_parts_are_subscribed() {
    let mac = mac("M1");
    let (mut source, names) = energy(&mac);
    assert_eq!(names, ["ANE", "CPU Energy", "DRAM", "GPU Energy"]);
    let before = mac.reports.state().handed_out;
    let _ = read(&mut source, 4);
    assert_eq!(mac.reports.state().handed_out - before, 5, "with the GPU's second one");
    assert_eq!(mac.reports.state().subscriptions, 1);
    assert_eq!(source.spec().group, Group::Power);
}

#[test]
fn a_counter_that_falls_is_told_once_and_goes_on() {
    let mac = mac("M1");
    let (mut source, _) = energy(&mac);
    let mut cpu = |value: i64| {
        mac.reports.state().channel("CPU Energy").unwrap().value = value;
        read(&mut source, 4).0[1]
    };
    assert_eq!(
        [16_000, 17_000, 500, 600, 100].map(&mut cpu),
        [Ok(16.0), Ok(17.0), Err(Fault), Ok(17.1), Err(Fault)]
    );
    assert_eq!(cpu(1100), Ok(18.1));
    // What reports answer when they don't know is no fall.
    assert_eq!((cpu(i64::MIN), cpu(1200)), (Err(Fault), Ok(18.2)));
}

#[test]
fn reports_that_stall_are_told_and_subscribed_anew() {
    let mac = mac("M1");
    let (mut source, _) = energy(&mac);
    let reports = mac.reports.clone();
    let at = move |seconds: u64, cpu: i64, gpu: i64| {
        let mut state = reports.state();
        state.now_ns = seconds * S;
        state.channel("CPU Energy").unwrap().value = cpu;
        state.channel("GPU Energy").unwrap().value = gpu;
    };
    let (cpu, gpu, ane) = (1, 3, 0);
    at(100, 20_000, 2_600_000_000);
    assert_eq!(read(&mut source, 4).1, Freshness::Current);
    at(129, 20_000, 2_600_000_000);
    let (readings, freshness) = read(&mut source, 4);
    assert_eq!((readings[cpu], readings[ane], freshness), (Ok(20.0), Ok(0.0), Freshness::Current));
    // What still moves is still right; a neural engine at rest can't be told from a stalled one.
    at(130, 20_000, 2_700_000_000);
    let (readings, freshness) = read(&mut source, 4);
    assert_eq!((readings[cpu], readings[gpu], readings[ane]), (Err(Fault), Ok(2.7), Err(Fault)));
    assert_eq!(freshness, Freshness::Stale);
    assert_eq!(scan(&mut source).0.len(), 4);
    assert_eq!(mac.reports.state().subscriptions, 2);
    // That did not help, and is tried again after ten minutes.
    at(140, 20_000, 2_800_000_000);
    let (readings, freshness) = read(&mut source, 4);
    assert_eq!((readings[cpu], freshness), (Err(Fault), Freshness::Current));
    at(730, 20_000, 2_900_000_000);
    assert_eq!(read(&mut source, 4).1, Freshness::Stale);
    assert_eq!(scan(&mut source).0.len(), 4);
    at(740, 21_000, 3_000_000_000);
    let (readings, freshness) = read(&mut source, 4);
    assert_eq!((readings[cpu], readings[ane]), (Ok(21.0), Ok(0.0)), "the CPU's says that it lives");
    assert_eq!(freshness, Freshness::Current);
}

/// Each may stay in memory when it is let go of, so a stall that lasts must not go on for another
/// every ten minutes.
#[test]
fn a_stall_that_lasts_is_met_by_few_subscriptions() {
    let mac = mac("M1");
    let (mut source, _) = energy(&mac);
    let mut minute = |minute: u64, cpu: i64| {
        let mut state = mac.reports.state();
        state.now_ns = minute * 60 * S;
        state.channel("CPU Energy").unwrap().value = cpu;
        drop(state);
        if read(&mut source, 4).1 == Freshness::Stale {
            scan(&mut source);
        }
        mac.reports.state().subscriptions
    };
    minute(1, 20_000);
    let day = 24 * 60;
    let told: Vec<u64> = [2, 11, 12, 31, 32, 71, 72].map(|at| minute(at, 20_000)).to_vec();
    assert_eq!(told, [2, 2, 3, 3, 4, 4, 5]);
    let all = (73..30 * day).map(|at| minute(at, 20_000)).last();
    assert!(all.is_some_and(|all| (30..50).contains(&all)), "{all:?} in a month");
    // It is over, and the next one is met at once.
    let all = minute(30 * day, 21_000);
    assert_eq!([1, 11].map(|after| minute(30 * day + after, 21_000)), [all + 1, all + 2]);
}

#[test]
fn a_time_that_moves_is_a_sign_of_life() {
    let mac = mac("M5");
    let (mut source, _) = energy(&mac);
    let mut at = |seconds: u64, written: u64| {
        let mut state = mac.reports.state();
        state.now_ns = seconds * S;
        state.channel("CPU Energy").unwrap().written_at_ns = Some(written * S);
        drop(state);
        read(&mut source, 2).0[0]
    };
    assert_eq!(
        [at(10, 9), at(50, 49), at(79, 49), at(80, 49)],
        [Ok(0.01), Ok(0.01), Ok(0.01), Err(Fault)]
    );
}

#[test]
fn reports_that_fail_or_are_not_there() {
    let mac = mac("M1");
    mac.reports.state().failure = Some(Absent);
    let (mut source, names) = energy(&mac);
    assert_eq!((names.len(), source.look()), (0, Freshness::Current));
    mac.reports.state().failure = Some(Fault);
    let (mut source, _) = energy(&mac);
    assert_eq!(source.look(), Freshness::Stale, "it may come yet");
    mac.reports.state().failure = None;
    assert_eq!(scan(&mut source).0.len(), 4);
    assert_eq!(source.look(), Freshness::Current);
    mac.reports.state().failure = Some(Denied);
    assert_eq!(read(&mut source, 4), (vec![Err(Denied); 4], Freshness::Current));
    mac.reports.state().failure = None;
    mac.reports.state().channels.remove(1);
    assert_eq!(read(&mut source, 4).1, Freshness::Stale);
    assert_eq!(scan(&mut source).0.len(), 3);
    assert_eq!(read(&mut source, 3).1, Freshness::Current);
}

#[test]
fn seeds_of_names() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/hid_name");
    let seeds: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(seeds.len() >= 6);
    seeds.iter().for_each(|seed| hid_name::check(&std::fs::read(seed).unwrap()));
}

/// Those that are known, nearly those, and others.
const NAMES: &str = "(PMU2? t(die|dev|cal)|[pe]ACC MTR Temp Sensor|NAND CH|[ab #2_]{0,4}|\\PC*)\
                     [0-9]{0,3}( temp)?";

proptest! {
    #[test]
    fn any_names(
        names in vec(NAMES, 0..40)
    ) {
        hid_name::check(names.join("\n").as_bytes());
    }
}
