//! One suite that every source passes, on every machine that is known and on this one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use common::Tree;
use common::conformance::{conforms, conforms_alone, read, scan, values};
use common::machines::{self, GPU, K10TEMP, MACHINES};
use kymo_platform::{Extras, Freshness, Roots, Source, this_machine_sources};
use kymo_protocol::NoData::{Absent, Asleep, Denied, Fault, Pending};
use kymo_protocol::Scope;
use kymo_protocol::{Group, Reading};

#[test]
fn every_known_machine() {
    for (name, build) in MACHINES {
        let tree = Tree::empty();
        build(&tree);
        conforms(&mut tree.sources(), name);
        conforms(&mut tree.sources_with(Extras { alarms: true, harmful: true }), name);
    }
}

#[test]
fn this_machine() {
    let mut sources = this_machine_sources(&Roots::default());
    for source in &mut sources {
        conforms_alone(&mut **source, "this one");
    }
    let groups: BTreeSet<_> = sources.iter().map(|source| source.spec().group).collect();
    assert_eq!(groups, BTreeSet::from(Group::ALL));
    let found = values(&mut sources);
    assert!(found["cpu/cpu0/user"].unwrap() > 0.0);
    assert!(found["memory/total"].unwrap() > 1e6);
    assert!(found["filesystem//size"].unwrap() > 1e6);
    assert!(found["memory/used"].unwrap() < found["memory/total"].unwrap());
}

#[test]
fn sources_of_one_machine_agree_on_group_and_metric() {
    let tree = Tree::empty();
    machines::graphics(&tree, "active");
    for mut source in tree.sources() {
        let (group, scope) = (source.spec().group, source.spec().group == Group::Cgroup);
        source.scan(&mut |sensor| {
            assert_eq!(sensor.metric.group, group, "{}", sensor.identity);
            assert_eq!(sensor.scope == Scope::Cgroup, scope, "{}", sensor.identity);
        });
    }
}

#[test]
fn values_of_a_laptop() {
    let tree = Tree::empty();
    machines::intel_laptop(&tree);
    let found = values(&mut tree.sources());
    for (identity, value) in [
        ("cpu/cpu0/user", Ok(0.01)),
        ("cpu/cpu0/idle", Ok(0.04)),
        ("cpu/cpu0/steal", Err(Absent)),
        ("cpu/cpu0/utilization", Err(Pending)),
        ("schedstat/cpu0/run", Ok(5.0)),
        ("schedstat/cpu0/wait", Ok(0.25)),
        ("frequency/cpu7", Ok(1.8e9)),
        ("memory/total", Ok(1_024_000.0)),
        ("memory/used", Ok(409_600.0)),
        ("memory/swap_used", Ok(10_240.0)),
        ("memory/buffers", Err(Absent)),
        ("vmstat/minor_faults", Ok(93.0)),
        ("vmstat/major_faults", Ok(7.0)),
        ("filesystem-remote/nonexistent/mount/used", Err(Absent)),
        ("network/pci0000:00/0000:00:1f.6/received", Ok(5.0)),
        ("network/lo/sent", Ok(9.0)),
        ("hwmon/platform/coretemp.0/coretemp/temp1", Ok(58.0)),
        ("hwmon/platform/coretemp.0/coretemp/temp10", Ok(60.0)),
        ("hwmon/virtual/thermal/thermal_zone/iwlwifi_1/temp1", Err(Fault)),
        ("hwmon/platform/thinkpad_hwmon/thinkpad/pwm1", Ok(1.0)),
        ("thermal/INT3400_Thermal/temp", Ok(20.0)),
        ("supply/AC/online", Ok(1.0)),
        ("supply/BAT0/capacity", Ok(0.87)),
        ("supply/BAT0/power_now", Ok(6.789)),
        ("supply/BAT0/energy_now", Ok(144_000.0)),
        ("energy/intel-rapl:0/energy_uj", Ok(1.0)),
        ("energy/intel-rapl:0:0/energy_uj", Ok(0.5)),
        ("pressure/cpu/some/avg10", Ok(0.015)),
        ("pressure/io/some/total", Ok(2.0)),
        ("cgroup/user_time", Ok(2.0)),
        ("cgroup/throttled", Ok(2.0)),
        ("cgroup/memory", Ok(4096.0)),
        ("cgroup/read", Ok(15.0)),
        ("cgroup/writes", Ok(2.0)),
        ("cgroup/swap", Err(Absent)),
        // The least up to the root; none at all is absent.
        ("cgroup-limits/memory_limit", Ok(1_073_741_824.0)),
        ("cgroup-limits/cpu_limit", Ok(1.5)),
        ("cgroup-limits/task_limit", Ok(50.0)),
        ("cgroup-limits/swap_limit", Err(Absent)),
        ("cgroup-limits/files", Ok(2048.0)),
    ] {
        assert_eq!(found.get(identity), Some(&value), "{identity} of {:#?}", found.keys());
    }
    let disk = "disk/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0";
    assert_eq!(found[&format!("{disk}/read")], Ok(5120.0));
    assert_eq!(found[&format!("{disk}/writes")], Ok(1.0));
    // One file system counts once, images don't, and neither do zones that chips repeat.
    let mounted = format!("filesystem{}/size", tree.path("proc").display());
    assert!(found[&mounted].unwrap() > 0.0);
    for left_out in ["filesystem/elsewhere", "filesystem/snap", "thermal/acpitz", "thermal/x86"] {
        assert!(!found.keys().any(|identity| identity.starts_with(left_out)), "{left_out}");
    }
    assert!(!found.keys().any(|identity| identity.contains("sda1") || identity.contains("mmio")));
}

#[test]
fn values_of_a_desktop() {
    let tree = Tree::empty();
    machines::graphics(&tree, "active");
    let found = values(&mut tree.sources());
    let nct = |channel: &str| found[&format!("hwmon/platform/nct6775.656/nct6798/{channel}")];
    assert_eq!(found[&format!("hwmon/{K10TEMP}/k10temp/temp2")], Ok(45.125));
    assert_eq!(found[&format!("hwmon/{K10TEMP}/k10temp/temp3")], Err(Fault));
    assert_eq!((nct("in0"), nct("in1")), (Ok(1.008), Ok(-0.016)));
    assert_eq!((nct("fan1"), nct("fan2")), (Ok(0.0), Ok(1234.0)));
    assert_eq!((nct("fan3"), nct("fan4"), nct("fan5")), (Err(Fault), Err(Absent), Err(Fault)));
    assert_eq!((nct("pwm1"), nct("temp2")), (Ok(0.2), Err(Fault)));
    assert_eq!((nct("curr1"), nct("humidity1")), (Ok(1.5), Ok(0.455)));
    assert_eq!((nct("energy1"), nct("freq1")), (Ok(123.456_789), Ok(2.1e9)));
    let card = |file: &str| found[&format!("gpu/{GPU}/device/{file}")];
    assert_eq!((card("gpu_busy_percent"), card("mem_busy_percent")), (Ok(0.07), Err(Fault)));
    assert_eq!(card("mem_info_vram_used"), Ok(1_073_741_824.0));
    assert_eq!(found[&format!("hwmon/{GPU}/amdgpu/power1_average")], Ok(33.0));
    assert!(!found.keys().any(|identity| identity.contains("alarm")));
}

#[test]
fn graphics_that_sleep_are_not_touched_and_wake_up_by_themselves() {
    let tree = Tree::empty();
    machines::graphics(&tree, "suspended");
    let mut sources = tree.sources();
    let of_gpu = |identity: &String| identity.contains(GPU);
    let found = values(&mut sources);
    let mut sleeping = found.iter().filter(|(identity, _)| of_gpu(identity));
    assert!(sleeping.clone().count() >= 8 && sleeping.all(|(_, value)| *value == Err(Asleep)));
    let status = format!("sys/devices/{GPU}/power/runtime_status");
    tree.write(&status, "active\n");
    let found = values(&mut sources);
    assert_eq!(found[&format!("hwmon/{GPU}/amdgpu/temp1")], Ok(52.0));
    assert_eq!(found[&format!("gpu/{GPU}/device/gpu_busy_percent")], Ok(0.07));
    tree.write(&status, "suspending\n");
    assert_eq!(values(&mut sources)[&format!("hwmon/{GPU}/amdgpu/temp1")], Err(Asleep));
}

/// The value is a FIFO: a read of it would be a fault.
#[test]
fn what_disturbs_a_device_is_not_read_unasked() {
    let tree = Tree::empty();
    tree.chip(0, "platform/dell_smm_hwmon", "dell_smm", &[("fan1_label", "Processor Fan")]);
    tree.fifo("sys/devices/platform/dell_smm_hwmon/hwmon/hwmon0/fan1_input");
    let fan = |sources: &mut Vec<_>| values(sources)["hwmon/platform/dell_smm_hwmon/dell_smm/fan1"];
    assert_eq!(fan(&mut tree.sources_with(Extras::default())), Err(Denied));
    assert_eq!(fan(&mut tree.sources_with(Extras { alarms: false, harmful: true })), Err(Fault));
    tree.remove("sys/devices/platform/dell_smm_hwmon/hwmon/hwmon0/fan1_input");
    tree.write("sys/devices/platform/dell_smm_hwmon/hwmon/hwmon0/fan1_input", "1200\n");
    assert_eq!(fan(&mut tree.sources_with(Extras { alarms: false, harmful: true })), Ok(1200.0));
}

#[test]
fn supplies_of_other_devices_are_a_source_of_their_own() {
    let tree = Tree::empty();
    for (name, scope) in [("BAT0", "System"), ("BAT1", ""), ("hidpp_battery_0", "Device")] {
        let file = |file: &str| format!("sys/class/power_supply/{name}/{file}");
        tree.write(&file("capacity"), "50\n");
        if !scope.is_empty() {
            tree.write(&file("scope"), &format!("{scope}\n"));
        }
    }
    let mut found = values(&mut tree.sources());
    found.retain(|identity, _| identity.contains("BAT") || identity.contains("hidpp"));
    let identities: Vec<_> = found.keys().map(String::as_str).collect();
    let expected =
        ["peripheral/hidpp_battery_0/capacity", "supply/BAT0/capacity", "supply/BAT1/capacity"];
    assert_eq!(identities, expected);
}

#[test]
fn a_file_that_was_shut_is_tried_again() {
    let tree = Tree::empty();
    tree.chip(0, "platform/coretemp.0", "coretemp", &[]);
    let file = "sys/devices/platform/coretemp.0/hwmon/hwmon0/temp1_input";
    tree.fifo(file);
    let mut sources = tree.sources();
    // Scanned once: a scan opens everything anew.
    sources.retain_mut(|source| source.spec().name == "hwmon" && !scan(&mut **source).0.is_empty());
    let mut temperature = || read(&mut *sources[0], 1).0[0];
    assert_eq!(temperature(), Err(Fault));
    tree.remove(file);
    tree.write(file, "41000\n");
    let told: Vec<_> = (0..8).map(|_| temperature()).collect();
    assert_eq!((told[0], told[7]), (Err(Fault), Ok(41.0)), "{told:?}");
}

#[test]
fn alarms_are_sensors_for_whoever_asks() {
    let tree = Tree::empty();
    machines::graphics(&tree, "suspended");
    tree.chip(5, "platform/coretemp.0", "coretemp", &[("temp1_crit_alarm", "1")]);
    tree.write("sys/class/hwmon/hwmon5/temp1_label", "Package id 0\n");
    let mut sources = tree.sources_with(Extras { alarms: true, harmful: true });
    let found = values(&mut sources);
    let nct = |channel: &str| found[&format!("hwmon/platform/nct6775.656/nct6798/{channel}")];
    assert_eq!((nct("in0_min_alarm"), nct("in0_max_alarm")), (Ok(0.0), Ok(1.0)));
    // What the chip says of a broken fan is said, and what is not watched is not.
    assert_eq!((nct("fan3_alarm"), nct("fan4_alarm")), (Ok(1.0), Err(Absent)));
    assert_eq!((nct("intrusion0_alarm"), nct("in1_alarm")), (Ok(1.0), Err(Fault)));
    assert_eq!(nct("fan2"), Ok(1234.0));
    assert_eq!(found[&format!("hwmon/{GPU}/amdgpu/temp1_crit_alarm")], Err(Asleep));
    let alarms = sources.iter_mut().flat_map(|source| scan(&mut **source).0);
    let alarms: Vec<_> = alarms.filter(|sensor| sensor.metric == "kymo.hw.alarm").collect();
    let told: BTreeMap<_, _> = alarms
        .iter()
        .map(|alarm| {
            let values: Vec<_> = alarm.attributes.iter().map(|(_, value)| value.as_str()).collect();
            (alarm.label.as_str(), values)
        })
        .collect();
    for (label, attributes) in [
        ("coretemp Package id 0 crit_alarm", &["coretemp", "Package id 0", "crit"][..]),
        ("amdgpu edge crit_alarm", &["amdgpu", "edge", "crit"]),
        ("nct6798 in0 max_alarm", &["nct6798", "in0", "max"]),
        ("nct6798 in0 min_alarm", &["nct6798", "in0", "min"]),
        ("nct6798 in1 alarm", &["nct6798", "in1"]),
        ("nct6798 fan3 alarm", &["nct6798", "fan3"]),
        ("nct6798 fan4 alarm", &["nct6798", "fan4"]),
        ("nct6798 intrusion0 alarm", &["nct6798", "intrusion0"]),
    ] {
        assert_eq!(told[label], attributes, "{label}");
    }
    assert_eq!(told.len(), 8);
    // They ask for nothing that the chip's values don't.
    let mut without = tree.sources();
    for (with, without) in sources.iter_mut().zip(&mut without) {
        scan(&mut **without);
        assert_eq!(with.spec(), without.spec());
    }
}

/// A FIFO tells of everybody who opens it, by letting a writer in.
#[test]
fn no_file_of_an_alarm_is_opened_unasked() {
    let tree = Tree::empty();
    machines::amd_desktop(&tree);
    let alarm = "sys/class/hwmon/hwmon1/in0_max_alarm";
    tree.fifo(alarm);
    let path = tree.path(alarm);
    let writer = std::thread::spawn(move || drop(fs::OpenOptions::new().write(true).open(path)));
    let mut machine = tree.machine();
    let mut sources = tree.sources();
    for _ in 0..40 {
        values(&mut sources);
        assert!(sources.iter_mut().all(|source| source.look() == Freshness::Current));
        let _ = kymo_platform::Machine::thermal(&mut machine);
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(!writer.is_finished(), "somebody opened it");
    values(&mut tree.sources_with(Extras { alarms: true, harmful: true }));
    writer.join().unwrap();
}

#[test]
fn alarms_take_no_place_from_values() {
    let tree = Tree::empty();
    for chip in 0..30 {
        let names: Vec<_> =
            (0..7).map(|fan| (format!("fan{fan}_input"), format!("fan{fan}_alarm"))).collect();
        let files: Vec<_> =
            names.iter().flat_map(|(one, other)| [(&**one, "1"), (&**other, "1")]).collect();
        tree.chip(chip, &format!("platform/chip.{chip}"), "chip", &files);
    }
    let count = |extras| {
        let (mut fans, mut alarms, mut left_out) = (0, 0, 0);
        for mut source in tree.sources_with(extras) {
            let (sensors, omitted) = scan(&mut *source);
            fans += sensors.iter().filter(|sensor| sensor.unit == "rpm").count();
            alarms += sensors.iter().filter(|sensor| sensor.metric == "kymo.hw.alarm").count();
            left_out += omitted;
        }
        (fans, alarms, left_out)
    };
    assert_eq!(count(Extras { alarms: false, harmful: true }), (200, 0, 10));
    assert_eq!(count(Extras { alarms: true, harmful: true }), (200, 200, 20));
}

#[test]
fn care_is_taken_of_what_harms() {
    let tree = Tree::empty();
    MACHINES
        .iter()
        .filter(|(name, _)| name.contains("drivetemp"))
        .for_each(|(_, build)| build(&tree));
    let mut costs = BTreeMap::new();
    for mut source in tree.sources() {
        if source.spec().group == Group::Hwmon
            && let Some(sensor) = scan(&mut *source).0.first()
        {
            let spec = source.spec();
            assert!(spec.may_block);
            let chip = sensor.identity.rsplit('/').nth(1).unwrap().to_owned();
            costs.insert(chip, (spec.cost.name(), spec.interval_ns / 1_000_000_000));
        }
    }
    let expected = [
        ("drivetemp", ("harmful", 60)),
        ("nvme", ("costly", 30)),
        ("w1_slave_temp", ("harmful", 30)),
    ];
    let expected = expected.map(|(chip, care)| (chip.to_owned(), care));
    assert_eq!(costs, BTreeMap::from(expected));
}

#[test]
fn chips_that_come_go_and_are_renumbered() {
    let tree = Tree::empty();
    machines::amd_desktop(&tree);
    let mut sources: Vec<_> = tree.sources();
    sources.retain(|source| source.spec().group == Group::Hwmon);
    let before = values(&mut sources);
    assert!(sources.iter_mut().all(|source| source.look() == Freshness::Current));
    let k10temp = format!("hwmon/{K10TEMP}/k10temp/temp2");

    // The same chips under other numbers.
    fs::remove_file(tree.path("sys/class/hwmon/hwmon0")).unwrap();
    fs::remove_dir_all(tree.path(&format!("sys/devices/{K10TEMP}"))).unwrap();
    tree.chip(9, K10TEMP, "k10temp", &[("temp2_input", "46000"), ("temp2_label", "Tdie")]);
    let stale = |sources: &mut [Box<dyn Source>]| {
        sources.iter_mut().filter_map(|one| (one.look() == Freshness::Stale).then_some(())).count()
    };
    assert_eq!(stale(&mut sources), 1);
    let after = values(&mut sources);
    assert_eq!((before[&k10temp], after[&k10temp]), (Ok(45.125), Ok(46.0)));
    assert_eq!(stale(&mut sources), 0);

    // One comes: exactly one of the free sources is for it.
    tree.chip(3, "platform/it87.2608", "it8620", &[("fan1_input", "800")]);
    assert_eq!(stale(&mut sources), 1);
    let found = values(&mut sources);
    assert_eq!(found["hwmon/platform/it87.2608/it8620/fan1"], Ok(800.0));
    assert_eq!(found.len(), after.len() + 1);
    // It goes, and another takes its place.
    tree.unplug(3, "platform/it87.2608");
    tree.chip(3, "platform/new", "newchip", &[("fan1_input", "900")]);
    assert!(stale(&mut sources) >= 1);
    let found = values(&mut sources);
    assert_eq!(found["hwmon/platform/new/newchip/fan1"], Ok(900.0));
    assert_eq!(found.len(), after.len() + 1);
    // So has a bus a number of the day, and two of one device have chips of one address.
    for (number, bus) in [(4, 7), (5, 8)] {
        let place = format!("{K10TEMP}/i2c-{bus}/{bus}-004c");
        tree.chip(number, &place, "lm90", &[("temp1_input", &format!("{bus}000"))]);
    }
    values(&mut sources);
    let found = values(&mut sources);
    let lm90 = format!("hwmon/{K10TEMP}/i2c-/-004c/lm90");
    assert_eq!(found[&format!("{lm90}/temp1")], Ok(7.0));
    assert_eq!(found[&format!("{lm90}#2/temp1")], Ok(8.0));
}

#[test]
fn devices_of_classes_and_lines_that_come_and_go() {
    let tree = Tree::empty();
    machines::intel_laptop(&tree);
    let mut sources = tree.sources();
    let before = values(&mut sources);
    tree.write("sys/class/power_supply/BAT1/capacity", "50\n");
    tree.remove("sys/class/thermal/thermal_zone2");
    rapl_and_lines(&tree);
    let mut stale = BTreeSet::new();
    for source in &mut sources {
        let count = scan_count(&before, source.spec().name);
        let (_, read) = read(&mut **source, count);
        if read == Freshness::Stale || source.look() == Freshness::Stale {
            stale.insert(source.spec().name);
        }
    }
    let expected = ["cgroup", "cgroup-limits", "cpu", "disk", "energy", "filesystem", "network"];
    let expected: BTreeSet<_> = expected
        .into_iter()
        .chain(["filesystem-remote", "filesystem-root", "supply", "thermal"])
        .collect();
    assert_eq!(stale, expected);
    let after = values(&mut sources);
    assert_eq!(after["supply/BAT1/capacity"], Ok(0.5));
    assert_eq!(after["cpu/cpu1/user"], Ok(0.05));
    assert_eq!(after["network/wlan0/received"], Ok(1.0));
    assert!(!after.contains_key("thermal/INT3400_Thermal/temp"));
    assert!(!after.keys().any(|identity| identity.starts_with("network/pci")));
}

#[test]
fn the_last_disk_that_leaves_is_absent_and_then_none() {
    let tree = Tree::empty();
    machines::intel_laptop(&tree);
    let mut sources = tree.sources();
    let disk = sources.iter_mut().find(|source| source.spec().name == "disk").unwrap();
    let (sensors, _) = scan(&mut **disk);
    assert_eq!(sensors.len(), 10);
    tree.write("proc/diskstats", "");
    assert_eq!(read(&mut **disk, 10), (vec![Err(Absent); 10], Freshness::Stale));
    assert_eq!(scan(&mut **disk), (vec![], 0));
    assert_eq!(read(&mut **disk, 0).1, Freshness::Current);
}

fn scan_count(found: &BTreeMap<String, Reading<f64>>, name: &str) -> usize {
    found.keys().filter(|identity| identity.starts_with(&format!("{name}/"))).count()
}

/// Another domain, CPU, disk, interface, mount and group.
fn rapl_and_lines(tree: &Tree) {
    machines::rapl(tree, "intel-rapl:0:1", "dram\n", "7\n");
    tree.write("proc/stat", "cpu 9 9 9 9\ncpu0 1 2 3 4\ncpu1 5 6 7 8\nintr 1\n");
    tree.write("proc/diskstats", "8 16 sdb 1 0 10 0 1 0 20 0 0 0 0\n");
    let text = fs::read_to_string(tree.path("proc/net/dev")).unwrap();
    tree.write("proc/net/dev", &text.replace("eth0: 5", "wlan0: 1"));
    tree.write("proc/self/mountinfo", "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    tree.write("proc/self/cgroup", "0::/other\n");
}

/// A sensor's identity is no other's, however long a path is and whatever can't be shown of it.
#[test]
fn mounts_and_interfaces_that_look_alike_are_told_apart() {
    let tree = Tree::empty();
    let line =
        |number, point: &str| format!("{number} 1 8:{number} / {point} rw - ext4 /dev/x rw\n");
    let long = |size: usize| format!("/{}", "m".repeat(size - 1));
    let points = [long(206), long(207), "/caf\\350".into(), "/caf\\351".into()];
    tree.write(
        "proc/self/mountinfo",
        &(1..).zip(points).map(|(n, p)| line(n, &p)).collect::<String>(),
    );
    let row = |name| format!("{name}: 5 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n");
    let text = fs::read_to_string(tree.path("proc/self/mountinfo")).unwrap();
    let over = line(9, &long(206)).replace("8:9", "0:9").replace("ext4", "nfs4");
    tree.write("proc/self/mountinfo", &(text + &over));
    let rows = ["a\u{1}", "a\u{2}", "a\u{3}"].map(row).concat();
    tree.write("proc/net/dev", &format!("a | b\na | b\n{rows}"));
    let mut sources = tree.sources();
    conforms(&mut sources, "look-alikes");
    let (mut mounts, mut interfaces) = (0, 0);
    for source in &mut sources {
        let (sensors, omitted) = scan(&mut **source);
        let is_local = source.spec().name == "filesystem";
        assert_eq!(omitted, if is_local { 7 } else { 0 }, "the path that is too long");
        mounts += if is_local { sensors.len() } else { 0 };
        interfaces += if source.spec().name == "network" { sensors.len() } else { 0 };
    }
    assert_eq!((mounts, interfaces), (3 * 7, 3 * 8));
}

#[test]
fn an_energy_counter_that_begins_again_goes_on() {
    let tree = Tree::empty();
    machines::amd_desktop(&tree);
    let mut sources = tree.sources();
    let energy = sources.iter_mut().find(|source| source.spec().name == "energy").unwrap();
    let (sensors, _) = scan(&mut **energy);
    assert_eq!(sensors.len(), 1);
    let mut joules = |text: &str| {
        tree.write("sys/class/powercap/intel-rapl:0/energy_uj", text);
        read(&mut **energy, 1).0[0]
    };
    assert_eq!(joules("262143000000\n"), Ok(262_143.0));
    assert_eq!(joules("1000000\n"), Ok(262_144.328_85));
    assert_eq!(joules("-1\n"), Err(Fault));
}

#[test]
fn what_is_too_much_is_counted() {
    let tree = Tree::empty();
    MACHINES.iter().filter(|(name, _)| *name == "crowd").for_each(|(_, build)| build(&tree));
    let (mut omitted, mut channels) = (BTreeMap::new(), 0);
    for mut source in tree.sources() {
        let (sensors, left_out) = scan(&mut *source);
        *omitted.entry(source.spec().name).or_insert(0) += left_out;
        if source.spec().group == Group::Hwmon {
            channels += sensors.len();
        }
    }
    assert_eq!(omitted["cpu"], 44 * 9);
    assert_eq!(omitted["disk"], (300 - 128) * 10);
    // lo and eth0 are the first two.
    assert_eq!(omitted["network"], (602 - 500) * 8);
    assert_eq!(omitted["filesystem"], (300 - 64) * 7);
    assert_eq!(omitted["frequency"], 300 - 256);
    assert_eq!(omitted["thermal"], 40 - 32);
    // 64 chips of 9 fans, of which 200 are open; and six chips that nobody reads.
    assert_eq!((channels, omitted["hwmon"]), (200, 64 * 9 - 200 + 6));
}

#[test]
fn permissions_and_files_that_are_none() {
    let tree = Tree::empty();
    MACHINES.iter().filter(|(name, _)| name.starts_with("odd")).for_each(|(_, build)| build(&tree));
    let found = values(&mut tree.sources());
    // Root is never denied.
    let expected = |value| if nix_is_root() { Ok(value) } else { Err(Denied) };
    assert_eq!(found["energy/intel-rapl:0/energy_uj"], expected(1.0));
    assert_eq!(found["hwmon/platform/coretemp.0/coretemp/temp1"], expected(58.0));
    assert_eq!(found["pressure/memory/some/total"], expected(2.0));
    assert_eq!(found["cgroup/memory"], expected(4096.0));
    for identity in ["supply/BAT0/capacity", "supply/BAT0/voltage_now", "pressure/io/some/total"] {
        assert_eq!(found[identity], Err(Fault), "{identity}");
    }
    assert_eq!(found["vmstat/pages_in"], Err(Fault));
}

fn nix_is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

#[test]
#[ignore = "mounts: as root, `unshare -m` around it"]
fn a_mount_that_comes_is_noticed_before_anything_is_asked() {
    let mut sources = this_machine_sources(&Roots::default());
    sources.retain(|source| source.spec().name == "filesystem");
    let local = &mut sources[0];
    let (sensors, _) = scan(&mut **local);
    assert_eq!(read(&mut **local, sensors.len()).1, Freshness::Current);
    let folder = std::env::temp_dir().join(format!("kymo-mount-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let status = std::process::Command::new(program).args(arguments).arg(&folder).status();
        assert!(status.unwrap().success());
    };
    run("mount", &["-t", "tmpfs", "none"]);
    for _ in 0..2 {
        let (readings, freshness) = read(&mut **local, sensors.len());
        assert_eq!(freshness, Freshness::Stale);
        assert!(readings.iter().all(|reading| *reading == Err(Absent)));
    }
    assert_eq!(local.look(), Freshness::Stale);
    assert_eq!(scan(&mut **local).0, sensors);
    assert_eq!(read(&mut **local, sensors.len()).1, Freshness::Current);
    run("umount", &[]);
    assert_eq!(read(&mut **local, sensors.len()).1, Freshness::Stale);
    fs::remove_dir(folder).unwrap();
}
