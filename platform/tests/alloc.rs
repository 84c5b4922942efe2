#![allow(unsafe_code)]
//! Proves that reading allocates nothing, whatever happens to files and devices meanwhile.
//!
//! A program of its own without the test harness, whose threads allocate when they like.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[cfg(target_os = "linux")]
mod common;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "each test program uses its part of it")]
#[path = "common/macs.rs"]
mod macs;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call goes on to the system's allocator unchanged, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, which is the same one.
        unsafe { System.dealloc(address, layout) }
    }

    unsafe fn realloc(&self, address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`, which is the same one.
        unsafe { System.realloc(address, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    use common::Tree;
    use kymo_platform::linux::Linux;
    use kymo_platform::{LocalTime, Notify, Roots, Signal, Signals, Ticker, clock, peer};
    use std::os::fd::AsFd;

    let roots = Roots::default();
    let empty = Tree::empty();
    let tree = Tree::ordinary();
    let gpu = "pci0000:00/0000:03:00.0";
    tree.chip(0, "platform/coretemp.0", "coretemp", &[("temp1_input", "40000")]);
    tree.chip(1, "platform/nct6775.656", "nct6775", &[("fan1_input", "1000"), ("fan2_input", "0")]);
    tree.chip(2, gpu, "amdgpu", &[("temp1_label", "edge"), ("temp1_input", "50000")]);
    tree.zone(0, "cpu-thermal\n", "45000\n");
    // Longer than any buffer on the stack that a path could be copied to.
    let deep = "x".repeat(200) + "/";
    let mut machines = [
        Linux::new(&roots.proc, &roots.sys),
        tree.machine(),
        empty.machine(),
        Linux::new(deep.repeat(8).as_ref(), deep.repeat(8).as_ref()),
    ];
    for machine in &mut machines {
        read_all(machine);
    }

    for round in 0..1_000 {
        let reads = count(|| machines.iter_mut().for_each(|machine| read_all(machine)));
        assert_eq!(reads, 0, "allocations in round {round}");
        // What the test does to the files between the rounds may allocate.
        match round {
            100 => tree.replace("proc/stat", "cpu 1 2 3 4\n"),
            200 => tree.remove("proc/net/dev"),
            300 => tree.unplug(1, "platform/nct6775.656"),
            400 => tree.chip(5, "platform/it87", "it8620", &[("fan1_input", "1")]),
            500 => tree.write(&format!("sys/devices/{gpu}/power/runtime_status"), "suspended\n"),
            600 => tree.unplug(0, "platform/coretemp.0"),
            700 => tree.remove("proc"),
            800 => tree.write("proc/stat", "cpu 1 2 3 4\n"),
            _ => {}
        }
    }

    others_allocate_nothing();

    let mut ticker = Ticker::new().unwrap().unwrap();
    let mut signals = Signals::new(&Signal::ALL).unwrap();
    let place = std::env::temp_dir().join(format!("kymo-notify-alloc-{}", std::process::id()));
    let manager = std::os::unix::net::UnixDatagram::bind(&place).unwrap();
    let named = |name: &str| (name == "NOTIFY_SOCKET").then(|| place.clone().into());
    let (notify, zone) = (Notify::from_variables(named, 1), LocalTime::new());
    let (here, _there) = std::os::unix::net::UnixStream::pair().unwrap();
    let edges = count(|| {
        for _ in 0..1_000 {
            ticker.arm(clock::now().mono_ns, 1_000).unwrap();
            let _ = (ticker.take(), signals.take());
            peer::credentials(here.as_fd()).unwrap();
            let _ = kymo_platform::refuse_descriptors(here.as_fd());
            ticker.disarm().unwrap();
            let _ = (notify.ready(), notify.reloading(7), notify.status("fine"));
            let _ = std::hint::black_box(zone.hms(clock::now().wall_ns));
            let _ = manager.recv(&mut [0; 64]);
        }
    });
    std::fs::remove_file(place).unwrap();
    assert_eq!(edges, 0, "allocations at the edges");
    assert!(count(|| drop(std::hint::black_box(vec![1]))) > 0, "the counter counts");
    println!("0 allocations in 4,000 reads of every source");
}

/// Every scan, look and read of every source, while files and devices come and go.
#[cfg(target_os = "linux")]
fn sources_allocate_nothing() {
    use common::{Tree, machines};
    use kymo_protocol::NoData;

    let mut readings = vec![Err(NoData::Pending); 8_192];
    let mut round = |sources: &mut Vec<Box<dyn kymo_platform::Source>>| {
        for source in sources {
            let mut count = 0;
            let _ = std::hint::black_box(source.scan(&mut |sensor| {
                count += 1;
                let _ = std::hint::black_box((sensor.identity, sensor.attributes));
            }));
            for _ in 0..3 {
                let _ = source.read(&mut readings[..count]);
                let _ = source.look();
            }
        }
    };
    for (name, build) in machines::MACHINES {
        let tree = Tree::empty();
        build(&tree);
        let mut sources = tree.sources();
        sources.extend(tree.sources_with(kymo_platform::Extras { alarms: true, harmful: true }));
        assert_eq!(count(|| round(&mut sources)), 0, "{name}, from the first scan on");
    }
    let tree = Tree::empty();
    machines::graphics(&tree, "suspended");
    let mut sources = tree.sources();
    sources.extend(kymo_platform::this_machine_sources(&kymo_platform::Roots::default()));
    for step in 0..9 {
        for _ in 0..20 {
            assert_eq!(count(|| round(&mut sources)), 0, "after change {step}");
        }
        // What the test does to the files between the rounds may allocate.
        match step {
            0 => {
                tree.write(&format!("sys/devices/{}/power/runtime_status", machines::GPU), "active")
            }
            1 => tree.unplug(1, "platform/nct6775.656"),
            2 => tree.chip(7, "platform/it87", "it8620", &[("fan1_input", "1")]),
            3 => machines::intel_laptop(&tree),
            4 => tree.remove("sys/class/power_supply/BAT0"),
            5 => tree.replace("proc/net/dev", "Inter-|\n face |\n eth7: 1 2 3\n"),
            6 => tree.remove("sys"),
            7 => tree.remove("proc"),
            _ => {}
        }
    }
}

/// The same of Macs, over fakes: what CoreFoundation allocates is not ours.
#[cfg(target_os = "linux")]
fn registries_allocate_nothing() {
    use kymo_platform::apple::registry::WholeDisks;
    use kymo_protocol::NoData;

    let mut readings = vec![Err(NoData::Pending); 512];
    for (name, build) in macs::MACS {
        let mac = build();
        let mut sources = mac.sources();
        let mut disks = WholeDisks::new(mac.registry.clone());
        for step in 0..6 {
            let allocations = count(|| {
                for source in &mut sources {
                    let mut count = 0;
                    let _ = std::hint::black_box(source.scan(&mut |_| count += 1));
                    for _ in 0..3 {
                        let _ = (source.read(&mut readings[..count]), source.look());
                    }
                }
                let _ = std::hint::black_box(disks.transfer());
            });
            assert_eq!(allocations, 0, "{name}, after change {step}");
            // What the test does to the machine between the rounds may allocate.
            match step {
                0 => (0..90).for_each(|id| {
                    let disk = macs::disk(1000 + id, "many", "disk9", "External", [1, 1]);
                    mac.registry.state().services.push(disk);
                }),
                1 => mac.reports.state().now_ns = 100_000_000_000,
                2 => mac.temperatures.state().sensors.reverse(),
                3 => mac.registry.state().failure = Some(NoData::Denied),
                _ => mac.reports.state().failure = Some(NoData::Fault),
            }
        }
    }
}

/// Every scan, look and read of every source of a Mac's controller, from the first on, while keys
/// and the controller come and go.
#[cfg(target_os = "linux")]
fn controllers_allocate_nothing() {
    use kymo_platform::apple::smc::fake::{MACHINES, Simulated};
    use kymo_platform::apple::smc::{KernReturn, Table, sources};
    use kymo_protocol::NoData;

    let mut readings = [Err(NoData::Pending); 4];
    for (name, chip, text) in MACHINES {
        let machine = Simulated::parse(text).unwrap();
        let mut sources = sources(Some(machine.controller()), Table::of(chip));
        for step in 0..6 {
            let allocations = count(|| {
                let count = sources.len();
                for turn in 0..10 * count {
                    let source = &mut sources[turn % count];
                    let _ = std::hint::black_box(source.scan(&mut |sensor| {
                        let _ = std::hint::black_box((sensor.identity, sensor.label));
                    }));
                    let _ = source.read(&mut readings);
                    let _ = source.look();
                }
            });
            assert_eq!(allocations, 0, "{name}, after change {step}");
            // What the test does between the rounds may allocate.
            match step {
                0 => machine.answer("TCMz", 0x84),
                1 => machine.set("PSTR", &[0; 7]),
                2 => machine.refuse("F0Ac", Some(KernReturn(0xE000_02C1_u32.cast_signed()))),
                3 => machine.fail(30, KernReturn(0xE000_02C0_u32.cast_signed())),
                _ => machine.remove("TB1T"),
            }
        }
    }
}

/// Passes over the processes of this machine and of one that has too many.
#[cfg(target_os = "linux")]
fn rankers_allocate_nothing() {
    use kymo_platform::{Roots, this_machine_processes};

    let tree = common::Tree::empty();
    let mut rankers = [
        Roots::default(),
        Roots { proc: tree.path("proc"), sys: tree.path("sys"), smc_keys: None },
    ]
    .map(|roots| this_machine_processes(&roots));
    for round in 0..6 {
        for pid in 0..if round == 1 { 200 } else { 0 } {
            let text = format!("{pid} (one) R 1 1 1 0 -1 0 0 0 0 0 {pid} 0 0 0 20 0 1 0 1 0 {pid}");
            tree.write(&format!("proc/{pid}/stat"), &text);
        }
        let scans = count(|| {
            for ranker in rankers.iter_mut().flatten() {
                while !ranker.scan(100_000) {}
                let _ = std::hint::black_box(ranker.ranking());
                if round == 3 {
                    ranker.forget();
                }
            }
        });
        assert_eq!(scans, 0, "in round {round}");
        if round == 4 {
            tree.remove("proc");
        }
    }
}

#[cfg(target_os = "linux")]
fn others_allocate_nothing() {
    sources_allocate_nothing();
    rankers_allocate_nothing();
    macs_allocate_nothing();
    controllers_allocate_nothing();
    registries_allocate_nothing();
}

/// Vitals, sensors and processes of Macs whose kernels answer, refuse, and answer anew.
#[cfg(target_os = "linux")]
fn macs_allocate_nothing() {
    use kymo_platform::apple::kernel::macs::MACS;
    use kymo_platform::apple::kernel::{FakeKernel, Kernel, Refusal};
    use kymo_platform::apple::{Mac, ranker, sources};
    use kymo_protocol::NoData;

    let mut readings = vec![Err(NoData::Pending); 8_192];
    for (name, build) in MACS {
        let kernel = FakeKernel::new(build());
        let door = || Box::new(kernel.clone()) as Box<dyn Kernel>;
        let mut machine = Mac::new(door(), None);
        let mut sources = sources::of_kernel(&door, Box::new(kernel.clone()));
        let mut ranker = ranker(door(), kymo_platform::clock::now);
        for step in 0..12 {
            let reads = count(|| {
                read_all(&mut machine);
                for source in &mut sources {
                    let mut count = 0;
                    let _ = std::hint::black_box(source.scan(&mut |_| count += 1));
                    let _ = (source.read(&mut readings[..count]), source.look());
                }
                while !ranker.scan(0) {}
                let _ = std::hint::black_box(ranker.ranking());
            });
            assert_eq!(reads, 0, "{name}, step {step}");
            // What the test does to the machine between the rounds may allocate.
            let mut mac = kernel.mac();
            match step {
                2 => mac.refusal = Some(Refusal::Fault),
                3 => mac.refusal = None,
                4 => mac.ticks = vec![[1; 4]; 200],
                5 => mac.mounts = mac.mounts.repeat(200),
                6 => mac.interfaces = mac.interfaces.repeat(200),
                7 => mac.processes = mac.processes.repeat(9_000),
                8 => *mac = build(),
                _ => mac.pass(700_000_000, |_| [7; 4]),
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn read_all(machine: &mut dyn kymo_platform::Machine) {
    let _ = std::hint::black_box((
        machine.cpu_time(),
        machine.memory(),
        machine.load(),
        machine.disk_io(),
        machine.disk_space(),
        machine.network_io(),
        machine.thermal(),
        machine.process_count(),
        machine.uptime(),
    ));
}

#[cfg(target_os = "linux")]
fn count(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    work();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}
