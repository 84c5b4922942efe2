//! Macs that are known, by kernels that answer as theirs: vitals, sensors and processes.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[allow(dead_code, reason = "each test program uses its part of it")]
#[path = "common/conformance.rs"]
mod conformance;

use std::cell::Cell;
use std::collections::BTreeSet;

use conformance::{conforms, read, scan, values};
use kymo_platform::apple::kernel::fake::{FakeKernel, FakeMac};
use kymo_platform::apple::kernel::{Kernel, Refusal, Timebase, macs, process};
use kymo_platform::apple::{DiskCounters, Mac, ranker, sources};
use kymo_platform::clock::Now;
use kymo_platform::machine::{DiskSpace, Transfer};
use kymo_platform::{Freshness, Machine, ProcessSource, Source};
use kymo_protocol::NoData::{Absent, Denied, Fault, Pending};
use kymo_protocol::{Group, Reading};

const SECOND_NS: u64 = 1_000_000_000;
const GIB: f64 = 1_073_741_824.0;

fn machine(kernel: &FakeKernel) -> Mac {
    Mac::new(Box::new(kernel.clone()), None)
}

fn of(kernel: &FakeKernel) -> Vec<Box<dyn Source>> {
    let door = || Box::new(kernel.clone()) as Box<dyn Kernel>;
    sources::of_kernel(&door, Box::new(kernel.clone()))
}

fn source(kernel: &FakeKernel, name: &str) -> Box<dyn Source> {
    of(kernel).into_iter().find(|source| source.spec().name == name).unwrap()
}

#[test]
fn every_known_mac() {
    for (name, build) in macs::MACS {
        let kernel = FakeKernel::new(build());
        conforms(&mut of(&kernel), name);
        let groups: BTreeSet<_> = of(&kernel).iter().map(|source| source.spec().group).collect();
        let all = [Group::Cpu, Group::Memory, Group::Filesystem, Group::Network, Group::Thermal];
        assert_eq!(groups, BTreeSet::from(all));
        for mut source in of(&kernel) {
            let group = source.spec().group;
            source.scan(&mut |sensor| assert_eq!(sensor.metric.group, group));
        }
    }
}

#[test]
fn sensors_of_a_pro() {
    let kernel = FakeKernel::new(macs::m3_max());
    let found = values(&mut of(&kernel));
    let swapped = 1u64 << 30;
    for (identity, value) in [
        ("cpu/cpu0/user", Ok(10_000.0)),
        ("cpu/cpu0/nice", Ok(0.0)),
        ("cpu/cpu15/system", Ok(5_000.0)),
        ("cpu/cpu15/idle", Ok(85_000.0)),
        ("cpu/cpu3/utilization", Err(Pending)),
        ("memory/total", Ok(48.0 * GIB)),
        ("memory/free", Ok(2.25 * GIB)),
        ("memory/cached", Ok(6.75 * GIB)),
        ("memory/available", Ok(9.0 * GIB)),
        ("memory/used", Ok(39.0 * GIB)),
        ("memory/wired", Ok(6.0 * GIB)),
        ("memory/anonymous", Ok(23.25 * GIB)),
        ("memory/compressed", Ok(3.0 * GIB)),
        ("memory/swap_used", Ok(0.0)),
        ("memory/swap_free", Ok(swapped as f64)),
        ("memory/faults", Ok(1_000_000.0)),
        ("memory/pages_in", Ok(300.0)),
        ("memory/pages_out", Ok(700.0)),
        ("filesystem//size", Ok(242_837_545.0 * 4096.0)),
        ("filesystem//available", Ok(121_418_772.0 * 4096.0)),
        ("filesystem/Volumes/Fast/used", Ok(400.0 * 4096.0)),
        ("filesystem/Volumes/Fast/utilization", Ok(0.4)),
        ("filesystem/Volumes/Fast/inodes_used", Ok(4000.0)),
        ("filesystem/Volumes/CARD/utilization", Ok(1.0)),
        ("filesystem/Volumes/share/available", Ok(300.0 * 4096.0)),
        ("network/en0/received", Ok(5e10)),
        // Beyond 32 bits.
        ("network/en0/sent", Ok(30_277_303_935.0)),
        ("network/en0/packets_received", Ok(5e7)),
        ("network/en0/receive_errors", Ok(5e4)),
        ("network/en0/dropped_on_receipt", Ok(0.0)),
        ("network/lo0/sent", Ok(7.0)),
        ("thermal-pressure/level", Ok(1.0)),
    ] {
        assert_eq!(found.get(identity), Some(&value), "{identity} of {:#?}", found.keys());
    }
    // One container counts once, an image is always full, and hidden ones are the system's own.
    let file_systems = found.keys().filter(|identity| identity.ends_with("/size"));
    assert_eq!(file_systems.count(), 4, "{:#?}", found.keys());
    let told = scan(&mut *source(&kernel, "cpu")).0;
    let level = |sensor: usize| told[sensor * 5].attributes[1].clone();
    assert_eq!(level(3), ("kymo.cpu.level".to_owned(), "Efficiency".to_owned()));
    assert_eq!(level(4).1, "Performance");
}

#[test]
fn vitals_of_three() {
    for (mac, total, available, swap, inward, outward) in [
        (macs::intel(), 16.0, 3.0, [0.0, 0.0], 3_002_009_000, 401_008_000),
        (macs::m1(), 8.0, 1.5, [2.0, 0.5], 5_000_000_000, 1_000_000_000),
        (macs::m3_max(), 48.0, 9.0, [1.0, 1.0], 50_000_001_600, 30_277_305_995),
    ] {
        let kernel = FakeKernel::new(mac);
        let mut machine = machine(&kernel);
        let memory = machine.memory();
        let gib = |reading: Reading<u64>| reading.unwrap() as f64 / GIB;
        assert_eq!((gib(memory.total), gib(memory.available)), (total, available));
        assert_eq!([gib(memory.swap_total), gib(memory.swap_free)], swap);
        assert_eq!(machine.load(), Ok([1.5, 1.0, 0.5]));
        assert_eq!(machine.network_io(), Ok(Transfer { inward, outward }));
        let clock = kernel.mac().clock;
        let uptime = clock.timebase.nanoseconds(clock.absolute) * 2;
        assert_eq!((machine.uptime(), machine.disk_io()), (Ok(uptime), Err(Absent)));
        assert_eq!(uptime % SECOND_NS, 0);
        assert_eq!(machine.thermal().cpu, Err(Absent));
    }
    let mut intel = machine(&FakeKernel::new(macs::intel()));
    let half = 61_030_661 * 4096;
    assert_eq!(intel.disk_space(), Ok(DiskSpace { used: half, available: half }));
    assert_eq!(intel.process_count(), Ok(2));
    // A quarter of an hour of eight threads.
    let time = intel.cpu_time().unwrap();
    assert_eq!((time.busy, time.total), (8 * 90_000, 8 * 360_000));
}

/// Four of its eight cores sleep and count nothing; a fifth works all the time.
#[test]
fn parked_cores_are_idle_and_not_busy() {
    let kernel = FakeKernel::new(macs::m1());
    let (mut machine, mut cpu) = (machine(&kernel), source(&kernel, "cpu"));
    let before = machine.cpu_time().unwrap();
    scan(&mut *cpu);
    assert_eq!(read(&mut *cpu, 40).1, Freshness::Current);
    kernel.mac().pass(SECOND_NS, |core| match core {
        0..4 => [25, 25, 50, 0],
        4 => [100, 0, 0, 0],
        // Two ticks of work, between which it was parked.
        _ => [1, 1, 0, 0],
    });
    let after = machine.cpu_time().unwrap();
    assert_eq!((after.busy - before.busy, after.total - before.total), (306, 800));
    let (readings, _) = read(&mut *cpu, 40);
    let shares = [0, 4, 5].map(|core| readings[core * 5 + 4]);
    assert_eq!(shares, [Ok(0.5), Ok(1.0), Ok(0.02)]);
    // Too soon for another share, so the last one stands.
    kernel.mac().pass(SECOND_NS / 10, |_| [10, 0, 0, 0]);
    assert_eq!(read(&mut *cpu, 40).0[4], Ok(0.5));
    // Asleep, the clock stands still, and nothing has passed.
    kernel.mac().clock.continuous += 3_600 * 24_000_000;
    let asleep = machine.cpu_time().unwrap();
    assert_eq!(asleep.total - after.total, 80);
    // Counts of 32 bits begin anew, and counts that were corrected are no work.
    kernel.mac().ticks[4] = [u32::MAX, 0, 0, 0];
    machine.cpu_time().unwrap();
    let before = machine.cpu_time().unwrap();
    kernel.mac().ticks[4] = [49, 0, 0, 0];
    kernel.mac().ticks[0][2] -= 10;
    let after = machine.cpu_time().unwrap();
    assert_eq!(after.busy - before.busy, 50);
    assert!(after.total >= before.total);
}

#[test]
fn what_the_kernel_refuses_has_a_reason() {
    let kernel = FakeKernel::new(macs::m1());
    let (mut machine, mut sources) = (machine(&kernel), of(&kernel));
    let counts: Vec<_> = sources.iter_mut().map(|source| scan(&mut **source).0.len()).collect();
    for (refusal, reason) in [
        (Refusal::Denied, Denied),
        (Refusal::TooSmall, Fault),
        (Refusal::Fault, Fault),
        (Refusal::Absent, Absent),
    ] {
        kernel.mac().refusal = Some(refusal);
        kernel.mac().pass(2 * SECOND_NS, |_| [0; 4]);
        assert_eq!(machine.cpu_time(), Err(reason));
        let memory = machine.memory();
        let told = [memory.total, memory.available, memory.swap_total, memory.swap_free];
        assert_eq!(told, [Err(reason); 4]);
        assert_eq!((machine.load(), machine.process_count()), (Err(reason), Err(reason)));
        assert_eq!((machine.disk_space(), machine.network_io()), (Err(reason), Err(reason)));
        for (source, count) in sources.iter_mut().zip(&counts) {
            let (readings, freshness) = read(&mut **source, *count);
            assert_eq!(freshness, Freshness::Current, "{source:?}");
            assert_eq!(readings, vec![Err(reason); *count], "{source:?}");
        }
    }
    kernel.mac().refusal = None;
    kernel.mac().pass(2 * SECOND_NS, |_| [0; 4]);
    // What was refused comes back by itself, and shares begin anew.
    for (source, count) in sources.iter_mut().zip(&counts) {
        let (readings, freshness) = read(&mut **source, *count);
        assert_eq!(freshness, Freshness::Current, "{source:?}");
        let is_told = |reading: &Reading<f64>| matches!(reading, Ok(_) | Err(Pending));
        assert!(readings.iter().all(is_told), "{source:?} {readings:?}");
    }
    assert!(machine.cpu_time().is_ok() && machine.memory().available.is_ok());
}

#[test]
fn what_can_not_be_true_is_a_fault() {
    let kernel = FakeKernel::new(macs::m1());
    let mut machine = machine(&kernel);
    let change = |change: &dyn Fn(&mut FakeMac)| {
        let mut mac = macs::m1();
        // The counts of pages are asked for anew after a second.
        mac.clock.absolute = kernel.mac().clock.absolute + 25_000_000;
        change(&mut mac);
        *kernel.mac() = mac;
    };
    change(&|mac| mac.vm_words = 24);
    assert_eq!(machine.memory().available, Err(Fault));
    assert_eq!(values(&mut of(&kernel))["memory/free"], Err(Fault));
    change(&|mac| mac.vm[0] = u32::MAX);
    assert_eq!(machine.memory().available, Err(Fault));
    assert_eq!(values(&mut of(&kernel))["memory/available"], Err(Fault));
    assert_eq!(values(&mut of(&kernel))["memory/used"], Err(Fault));
    change(&|mac| *mac = mac.clone().with(c"hw.memsize", &[0; 8]));
    assert_eq!(machine.memory().total, Err(Fault));
    change(&|mac| *mac = mac.clone().with(c"hw.memsize", &[0; 5]));
    assert_eq!(machine.memory().total, Err(Fault));
    change(&|mac| *mac = mac.clone().with(c"vm.swapusage", &[1; 23]));
    assert_eq!(machine.memory().swap_total, Err(Fault));
    change(&|mac| *mac = mac.clone().with(c"vm.loadavg", &[0; 24]));
    assert_eq!(machine.load(), Err(Fault));
    // A record of another size would put each field of the next one elsewhere.
    change(&|mac| mac.interfaces.push(0));
    assert_eq!(machine.network_io(), Err(Fault));
    assert!(!values(&mut of(&kernel)).keys().any(|identity| identity.starts_with("network/en0")));
    change(&|mac| mac.interfaces.truncate(70));
    assert_eq!(machine.network_io(), Err(Fault));
    change(&|mac| mac.interfaces.clear());
    assert_eq!(machine.network_io(), Err(Absent));
    change(&|mac| mac.interfaces = mac.interfaces.repeat(200));
    assert_eq!(machine.network_io(), Err(Fault));
    change(&|mac| mac.mounts[3][16..24].fill(0xff));
    assert_eq!(machine.disk_space(), Err(Fault));
    assert_eq!(values(&mut of(&kernel))["filesystem//used"], Err(Fault));
    change(&|mac| mac.mounts[3][8..32].fill(0));
    assert_eq!(machine.disk_space(), Err(Absent));
    assert_eq!(values(&mut of(&kernel))["filesystem//used"], Err(Absent));
    change(&|mac| mac.ticks.clear());
    assert_eq!(machine.cpu_time(), Err(Fault));
    change(&|mac| mac.processes = vec![(1, Err(Refusal::Denied)); 20_000]);
    assert_eq!(machine.process_count(), Err(Fault));
    change(&|mac| mac.processes.clear());
    assert_eq!(machine.process_count(), Err(Fault));
}

/// The kernel repeats itself to who asks for pages more than twice a second.
#[test]
fn pages_are_counted_once_a_second() {
    let kernel = FakeKernel::new(macs::m1());
    let mut machine = machine(&kernel);
    let first = machine.memory();
    for _ in 0..10 {
        kernel.mac().vm[0] += 1;
        kernel.mac().pass(99_000_000, |_| [0; 4]);
        assert_eq!(machine.memory(), first);
    }
    assert_eq!(kernel.mac().vm_calls, 1);
    kernel.mac().pass(10_000_000, |_| [0; 4]);
    assert_eq!(machine.memory().available.unwrap() - first.available.unwrap(), 10 * 16384);
    assert_eq!(kernel.mac().vm_calls, 2);
    assert!(source(&kernel, "memory").spec().interval_ns >= SECOND_NS);
}

#[test]
fn before_there_was_a_data_volume_the_root_is_one() {
    let kernel = FakeKernel::new(macs::m1());
    kernel.mac().mounts.truncate(1);
    assert!(machine(&kernel).disk_space().is_ok());
    let mut root = source(&kernel, "filesystem-root");
    assert_eq!(scan(&mut *root).0[0].attributes[3].1, "ro");
    kernel.mac().mounts.clear();
    assert_eq!(machine(&kernel).disk_space(), Err(Absent));
    // It is not there any more, and then it is again.
    assert_eq!(scan(&mut *root).0, []);
    assert_eq!(root.look(), Freshness::Current);
    kernel.mac().mounts = macs::m1().mounts;
    assert_eq!(root.look(), Freshness::Stale);
    assert_eq!(scan(&mut *root).0.len(), 7);
}

#[test]
fn disks_and_interfaces_that_come_and_go() {
    let kernel = FakeKernel::new(macs::m3_max());
    let mut local = source(&kernel, "filesystem");
    let mut network = source(&kernel, "network");
    let (mounted, interfaces) = (scan(&mut *local).0, scan(&mut *network).0);
    assert_eq!((mounted.len(), interfaces.len()), (2 * 7, 6 * 8));

    // Nothing is asked of a mount when the table is another one.
    let record = kernel.mac().mounts.remove(7);
    assert_eq!(read(&mut *local, 14), (vec![Err(Absent); 14], Freshness::Stale));
    assert_eq!(local.look(), Freshness::Stale);
    assert_eq!(scan(&mut *local).0.len(), 7);
    assert_eq!((read(&mut *local, 7).1, local.look()), (Freshness::Current, Freshness::Current));
    kernel.mac().mounts.push(record);
    assert_eq!(local.look(), Freshness::Stale);
    assert_eq!(scan(&mut *local).0.len(), 14);

    // en0 goes; the others keep their places and values.
    let mac = kernel.mac().clone();
    kernel.mac().interfaces.drain(180..360);
    let (readings, freshness) = read(&mut *network, 48);
    assert_eq!(freshness, Freshness::Stale);
    assert_eq!(readings[8..16], vec![Err(Absent); 8]);
    assert_eq!((readings[0], readings[16]), (Ok(7.0), Ok(1_000.0)));
    // It comes back behind the others, and one more with it.
    let en0 = &mac.interfaces[180..360];
    kernel.mac().interfaces.extend_from_slice(en0);
    let (readings, freshness) = read(&mut *network, 48);
    assert_eq!((readings[8], freshness), (Ok(5e10), Freshness::Current));
    let more = kernel.mac().clone().with_interface("utun9", 0x8051, 1, [1, 1]);
    *kernel.mac() = more;
    assert_eq!(read(&mut *network, 48).1, Freshness::Stale);
    // One that is being taken away has no name.
    kernel.mac().interfaces.extend_from_slice(&[0; 180]);
    assert_eq!(scan(&mut *network).0.len(), 7 * 8);
    assert_eq!(read(&mut *network, 56).1, Freshness::Current);
    // What is counted may go back, when a driver starts anew: it is told as it is.
    *kernel.mac() = macs::m3_max();
    scan(&mut *network);
    kernel.mac().interfaces[180 + 116..180 + 124].fill(0);
    assert_eq!(read(&mut *network, 48).0[8], Ok(0.0));
}

#[test]
fn what_is_too_much_is_counted() {
    let kernel = FakeKernel::new(macs::m1());
    kernel.mac().ticks = vec![[1, 1, 1, 1]; 130];
    let volumes: Vec<_> = (0..120).map(|disk| format!("/dev/disk{}s1", disk + 10)).collect();
    for (number, volume) in volumes.iter().enumerate() {
        let point = format!("/Volumes/{number}");
        let mac = kernel.mac().clone();
        *kernel.mac() = mac.with_mount(0x1000, ["exfat", &point, volume], [10, 5]);
    }
    let long = format!("/Volumes/{}", "x".repeat(300));
    let mac = kernel.mac().clone().with_mount(0, ["nfs", &long, "host:/x"], [10, 5]);
    *kernel.mac() = mac;
    // That of another machine is moved to where there is room for it.
    kernel.mac().mounts.rotate_right(1);
    let omitted = |name: &str| scan(&mut *source(&kernel, name)).1;
    assert_eq!(omitted("cpu"), 2 * 5);
    assert_eq!(omitted("filesystem"), (120 + 5 + 1 - 96) * 7);
    assert_eq!(omitted("filesystem-remote"), 7);
}

#[test]
fn a_volume_that_leaves_has_not_the_space_of_its_folder() {
    let kernel = FakeKernel::new(macs::m3_max());
    let mut local = source(&kernel, "filesystem");
    assert_eq!(scan(&mut *local).0.len(), 14);
    kernel.mac().leaving = "/Volumes/Fast";
    let (readings, freshness) = read(&mut *local, 14);
    assert_eq!(
        (readings[0], readings[7], freshness),
        (Err(Absent), Ok(2_048_000.0), Freshness::Current)
    );
}

#[test]
fn a_share_that_is_mounted_where_another_was_is_not_asked_for() {
    let kernel = FakeKernel::new(macs::m3_max());
    let mut remote = source(&kernel, "filesystem-remote");
    assert!(remote.spec().may_block && scan(&mut *remote).0.len() == 7);
    let place = kernel.mac().mounts.len() - 2;
    kernel.mac().mounts[place][1112..1130].copy_from_slice(b"//me@other/share\0\0");
    assert_eq!(read(&mut *remote, 7).1, Freshness::Stale);
}

#[test]
fn the_server_of_notices_is_asked_once_for_a_change() {
    let kernel = FakeKernel::new(macs::m1());
    let mut pressure = source(&kernel, "thermal-pressure");
    scan(&mut *pressure);
    let mut level = || read(&mut *pressure, 1).0[0];
    for _ in 0..100 {
        assert_eq!(level(), Ok(0.0));
    }
    assert_eq!(kernel.mac().pressure_calls, 1);
    kernel.mac().pressure = Ok(3);
    assert_eq!(level(), Ok(0.0));
    kernel.mac().is_posted = true;
    assert_eq!((level(), level()), (Ok(3.0), Ok(3.0)));
    assert_eq!(kernel.mac().pressure_calls, 2);
    // It is posted, and the server doesn't answer at first.
    kernel.mac().is_posted = true;
    kernel.mac().pressure = Err(Refusal::Fault);
    assert_eq!(level(), Err(Fault));
    kernel.mac().pressure = Ok(2);
    assert_eq!(level(), Ok(2.0));
    // No Mac has such a level.
    kernel.mac().is_posted = true;
    kernel.mac().pressure = Ok(50);
    assert_eq!(level(), Err(Fault));
}

struct Disks;

impl DiskCounters for Disks {
    fn total(&mut self) -> Reading<Transfer> {
        Ok(Transfer { inward: 1, outward: 2 })
    }
}

#[test]
fn disks_are_counted_by_who_can() {
    let kernel = Box::new(FakeKernel::new(macs::m1()));
    let mut mac = Mac::new(kernel, Some(Box::new(Disks)));
    assert_eq!(mac.disk_io(), Ok(Transfer { inward: 1, outward: 2 }));
}

thread_local! {
    static AWAKE_NS: Cell<u64> = const { Cell::new(1_000 * SECOND_NS) };
    static SET_NS: Cell<u64> = const { Cell::new(0) };
}

/// A sleep of 5 s lies between the clocks, and the machine was started 1,005 s ago.
fn now() -> Now {
    let awake_ns = AWAKE_NS.get();
    let boot_ns = awake_ns + 5 * SECOND_NS;
    Now { mono_ns: awake_ns, boot_ns, wall_ns: macs::BOOTED + boot_ns + SET_NS.get() }
}

fn wait(ns: u64) {
    AWAKE_NS.set(AWAKE_NS.get() + ns);
}

fn shares(ranker: &dyn ProcessSource) -> Vec<(u32, f32)> {
    let ranked = &ranker.ranking().by_cpu;
    ranked.iter().map(|process| (process.pid, process.cpu.unwrap())).collect()
}

#[test]
fn shares_of_processes_are_in_time_and_not_in_units() {
    let kernel = FakeKernel::new(macs::m3_max());
    let mut ranker = ranker(Box::new(kernel.clone()), now);
    assert_eq!(ranker.ranking().total, Err(Pending));
    assert!(ranker.scan(u64::MAX));
    let ranking = ranker.ranking();
    // One is another user's.
    assert_eq!((ranking.total, ranking.truncated), (Ok(5), true));
    assert!(ranking.by_cpu.is_empty());
    let greatest = &ranking.by_memory[0];
    assert_eq!((greatest.pid, greatest.uid, greatest.memory), (700, 501, 300 << 20));
    assert_eq!(greatest.name.as_str(), "Google Chrome Helper (Renderer)");
    assert_eq!((greatest.start_ns, greatest.state), (0, b'S'));
    assert_eq!(ranking.by_memory[1].name.as_str(), "?[2Jnotes");

    wait(2 * SECOND_NS);
    let change = |change: fn(FakeMac) -> FakeMac| {
        let changed = change(kernel.mac().clone());
        *kernel.mac() = changed;
    };
    // Half a core is 24 million units in two seconds; one that started half a second ago has had a
    // fifth of it; and one has the number of another.
    change(|mac| {
        let began = macs::BOOTED + 1_007 * SECOND_NS - SECOND_NS / 2;
        mac.with_process((700, 501, "busy"), macs::BOOTED, 1, 24_000_000)
            .with_process((900, 501, "new"), began, 1, 2_400_000)
            .with_process((701, 501, "reused"), began, 1, 1_200_000)
    });
    assert!(ranker.scan(u64::MAX));
    assert_eq!(shares(&*ranker), [(700, 50.0), (900, 20.0), (701, 10.0)]);
    let by_cpu = &ranker.ranking().by_cpu;
    let started = by_cpu[1].start_ns;
    assert_eq!(started, 1_007 * SECOND_NS - SECOND_NS / 2);

    // The wall clock is set: who was seen stays who he is, and has no share of that hour.
    SET_NS.set(3_600 * SECOND_NS);
    wait(SECOND_NS);
    change(|mac| {
        let began = macs::BOOTED + 1_007 * SECOND_NS - SECOND_NS / 2;
        mac.with_process((900, 501, "new"), began, 1, 2_400_000 + 6_000_000)
    });
    kernel.mac().processes.retain(|(pid, _)| *pid != 701);
    assert!(ranker.scan(u64::MAX));
    assert_eq!(shares(&*ranker), [(900, 25.0)]);
    assert_eq!(ranker.ranking().by_cpu[0].start_ns, started);
    assert_eq!(ranker.ranking().total, Ok(5));

    // As if nothing had been looked at.
    ranker.forget();
    assert_eq!(ranker.ranking().total, Err(Pending));
    wait(SECOND_NS);
    assert!(ranker.scan(u64::MAX));
    assert_eq!(shares(&*ranker), []);
}

/// To a translated program its own clocks count nanoseconds, and the kernel's records don't.
#[test]
fn a_translated_program_reads_the_same() {
    for (mac, units) in [
        (macs::intel(), 500_000_000),
        (macs::intel().with(c"sysctl.proc_translated", &1u32.to_ne_bytes()), 12_000_000),
        (macs::m1(), 12_000_000),
        (macs::m1().with(c"sysctl.proc_translated", &0u32.to_ne_bytes()), 12_000_000),
    ] {
        let kernel = FakeKernel::new(mac);
        let mut ranker = ranker(Box::new(kernel.clone()), now);
        ranker.scan(u64::MAX);
        wait(SECOND_NS);
        let mac = kernel.mac().clone();
        *kernel.mac() = mac.with_process((80, 501, "Finder"), macs::BOOTED, 1, units);
        ranker.scan(u64::MAX);
        assert_eq!(shares(&*ranker), [(80, 50.0)]);
    }
    assert_eq!(Timebase::APPLE_SILICON.of_records(false), Timebase::APPLE_SILICON);
}

#[test]
fn a_pass_goes_on_over_many_calls_and_what_hides_is_told() {
    let kernel = FakeKernel::new(FakeMac::default());
    let mut ranker = ranker(Box::new(kernel.clone()), now);
    // None at all can't be.
    assert!(ranker.scan(0));
    assert_eq!(ranker.ranking().total, Err(Fault));
    let mac = (1..=1_000).fold(FakeMac::default(), |mac, pid| {
        mac.with_process((pid, 0, "one"), macs::BOOTED, u64::try_from(pid).unwrap(), 0)
    });
    *kernel.mac() = mac;
    let mut calls = 1;
    while !ranker.scan(0) {
        calls += 1;
        if calls == 500 {
            // Some end before they are looked at.
            kernel.mac().processes.truncate(900);
        }
    }
    assert_eq!(calls, 1_000);
    let ranking = ranker.ranking();
    assert_eq!((ranking.total, ranking.truncated), (Ok(900), false));
    let greatest: Vec<_> = ranking.by_memory.iter().map(|process| process.pid).collect();
    assert!(greatest.iter().copied().eq((869..=900).rev()), "{greatest:?}");
    // A record that is shorter than it should be is of a process that hides.
    kernel.mac().processes[0].1 = Err(Refusal::Fault);
    assert!(ranker.scan(u64::MAX));
    assert_eq!((ranker.ranking().total, ranker.ranking().truncated), (Ok(900), true));
    // More than there is room for.
    let (pid, record) = (kernel.mac().processes[1].0, [0; process::SIZE]);
    kernel.mac().processes = vec![(pid, Ok(record)); 16_384];
    assert!(ranker.scan(u64::MAX) && ranker.ranking().truncated);
    kernel.mac().refusal = Some(Refusal::Denied);
    assert!(ranker.scan(u64::MAX));
    assert_eq!(ranker.ranking().total, Err(Denied));
    assert!(ranker.ranking().by_memory.is_empty());
}
