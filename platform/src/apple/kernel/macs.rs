//! Fake Macs: the shapes of three that are sold and of two that are odd.
//!
//! Which names, types, flags and values a Mac has is from public reports; the counts are made up.

use std::ffi::CStr;

use super::fake::FakeMac;
use super::{MachClock, Timebase, vm};

const GIB: u64 = 1 << 30;

/// What makes a fake Mac.
pub type Build = fn() -> FakeMac;

/// Every fake Mac, with its name.
pub const MACS: [(&str, Build); 5] = [
    ("MacBook Pro, Intel i5 with hyper-threading, macOS 13", intel),
    ("MacBook Air, M1, macOS 14", m1),
    ("MacBook Pro, M3 Max, macOS 26", m3_max),
    ("Mac Studio, M1 Ultra, macOS 15", m1_ultra),
    ("nothing at all", FakeMac::default),
];

/// Flags as `mount` shows them: local, journaled, multilabel; and what hides a volume.
const VOLUME: u32 = 0x0480_1000;
const HIDDEN: u32 = 0x0010_0000;
const READ_ONLY: u32 = 0x1;

/// Four cores of two threads, which are all alike; Mach's units are nanoseconds.
#[must_use]
pub fn intel() -> FakeMac {
    let clock = awake(Timebase::NANOSECONDS, 3_600);
    let ticks = vec![[60_000, 30_000, 270_000, 0]; 8];
    let mac = memory(FakeMac { ticks, clock, ..FakeMac::default() }, 16 * GIB, 4096);
    system(mac, "disk1", 122_061_322)
        .with(c"machdep.cpu.brand_string", b"Intel(R) Core(TM) i5-1038NG7 CPU @ 2.00GHz\0")
        .with(c"vm.swapusage", &swap(0, 0))
        .with_interface("lo0", 0x8049, 24, [1 << 20, 1 << 20])
        .with_interface("gif0", 0x8010, 0x37, [0, 0])
        .with_interface("stf0", 0, 0x39, [500, 500])
        // The bridge chip's own network.
        .with_interface("en5", 0x8863, 6, [2_000_000, 1_000_000])
        .with_interface("en0", 0x8863, 6, [3_000_000_000, 400_000_000])
        .with_interface("bridge0", 0x8863, 0xd1, [5_000_000, 5_000_000])
        .with_interface("awdl0", 0x8943, 6, [9_000, 8_000])
        .with_interface("utun0", 0x8051, 1, [700_000_000, 90_000_000])
}

/// Four slow cores and four fast ones, which are parked: they have counted no idle time.
#[must_use]
pub fn m1() -> FakeMac {
    let clock = awake(Timebase::APPLE_SILICON, 10_000);
    let slow = [300_000, 200_000, 500_000, 0];
    let fast = [50_000, 10_000, 40_000, 0];
    let ticks = vec![slow, slow, slow, slow, fast, fast, fast, fast];
    let mac = memory(FakeMac { ticks, clock, ..FakeMac::default() }, 8 * GIB, 16384);
    let mac = levels(mac, &[4, 4]);
    system(mac, "disk3", 60_000_000)
        .with(c"machdep.cpu.brand_string", b"Apple M1\0")
        .with(c"vm.swapusage", &swap(2 * GIB, GIB / 2))
        .with_interface("lo0", 0x8049, 24, [7, 7])
        .with_interface("anpi0", 0x8863, 6, [1_000, 1_000])
        .with_interface("en0", 0x8863, 6, [5_000_000_000, 1_000_000_000])
        .with_interface("llw0", 0x8863, 6, [0, 0])
        .with_interface("utun0", 0x8051, 1, [0, 200])
}

/// Sixteen cores; other file systems than its own, and a process of another user.
#[must_use]
pub fn m3_max() -> FakeMac {
    let clock = awake(Timebase::APPLE_SILICON, 100_000);
    let ticks = vec![[1_000_000, 500_000, 8_500_000, 0]; 16];
    let mac = memory(FakeMac { ticks, clock, ..FakeMac::default() }, 48 * GIB, 16384);
    let mac = levels(mac, &[12, 4]);
    let mut mac = system(mac, "disk3", 242_837_545)
        .with(c"machdep.cpu.brand_string", b"Apple M3 Max\0")
        .with(c"vm.swapusage", &swap(GIB, GIB))
        .with_interface("lo0", 0x8049, 24, [7, 7])
        .with_interface("en0", 0x8863, 6, [50_000_000_000, 30_277_303_935])
        .with_interface("en7", 0x8863, 6, [1_000, 2_000])
        .with_interface("vmenet0", 0x8b63, 6, [4_000, 4_000])
        .with_interface("bridge100", 0x8a63, 0xd1, [4_000, 4_000])
        .with_interface("pdp_ip0", 0x8011, 0xff, [600, 60])
        .with_mount(VOLUME, ["apfs", "/Volumes/Fast", "/dev/disk5s1"], [1_000, 600])
        // Two volumes of one container share its space.
        .with_mount(VOLUME, ["apfs", "/Volumes/Fast 2", "/dev/disk5s2"], [1_000, 600])
        .with_mount(0x1018, ["exfat", "/Volumes/CARD", "/dev/disk6s1"], [500, 0])
        .with_mount(0x18, ["smbfs", "/Volumes/share", "//me@host/share"], [900, 300])
        .with_mount(READ_ONLY | 0x1018, ["cd9660", "/Volumes/DISC", "/dev/disk7"], [100, 0])
        .with_process((700, 501, "Google Chrome Helper (Renderer)"), BOOTED, 300 << 20, 0)
        .with_process((701, 501, "\u{1b}[2Jnotes"), BOOTED, 100 << 20, 0);
    mac.processes.push((1, Err(super::Refusal::Denied)));
    mac.pressure = Ok(1);
    mac
}

/// Two dies: which of its cores are slow is not known from their numbers.
#[must_use]
pub fn m1_ultra() -> FakeMac {
    let clock = awake(Timebase::APPLE_SILICON, 1_000);
    let ticks = vec![[10_000, 10_000, 80_000, 0]; 20];
    let mac = memory(FakeMac { ticks, clock, ..FakeMac::default() }, 128 * GIB, 16384);
    let mac = levels(mac, &[16, 4]).with(c"machdep.cpu.brand_string", b"Apple M1 Ultra\0");
    system(mac, "disk3", 500_000_000).with_interface("en0", 0x8863, 6, [1 << 40, 1 << 39])
}

/// When the fake Macs' processes started, on the wall clock.
pub const BOOTED: u64 = 1_790_000_000_000_000_000;

fn awake(timebase: Timebase, seconds: u64) -> MachClock {
    let second = 1_000_000_000 * u64::from(timebase.denominator) / u64::from(timebase.numerator);
    MachClock { absolute: seconds * second, continuous: 2 * seconds * second, timebase }
}

/// A quarter of it free or of files, half of programs, an eighth the kernel's own.
fn memory(mut mac: FakeMac, size: u64, page_size: u64) -> FakeMac {
    let pages = u32::try_from(size / page_size).unwrap_or(u32::MAX);
    mac.page_size = page_size;
    mac.vm_words = vm::WORDS;
    mac.vm[0] = pages / 16; // free, of which…
    mac.vm[23] = pages / 64; // …speculative
    mac.vm[3] = pages / 8; // wired
    mac.vm[12] = 1_000_000; // faults
    mac.vm[22] = pages / 64; // purgeable
    mac.vm[28] = 300; // swapped in
    mac.vm[30] = 700; // swapped out
    mac.vm[32] = pages / 16; // compressor
    mac.vm[34] = pages / 8; // external
    mac.vm[35] = pages / 2; // internal
    mac.pressure = Ok(0);
    mac.is_posted = true;
    mac.with(c"hw.memsize", &size.to_ne_bytes()).with(c"vm.loadavg", &load([3072, 2048, 1024]))
}

/// The volumes that the system brings, with the pages of its container.
fn system(mac: FakeMac, disk: &str, blocks: u64) -> FakeMac {
    let of = |volume: &str| format!("/dev/{disk}{volume}");
    let space = [blocks, blocks / 2];
    mac.with_mount(VOLUME | READ_ONLY, ["apfs", "/", &of("s1s1")], space)
        .with_mount(HIDDEN | 0x1000, ["devfs", "/dev", "devfs"], [400, 0])
        .with_mount(VOLUME | HIDDEN, ["apfs", "/System/Volumes/VM", &of("s6")], space)
        .with_mount(VOLUME | HIDDEN, ["apfs", "/System/Volumes/Data", &of("s5")], space)
        .with_mount(HIDDEN, ["autofs", "/System/Volumes/Data/home", "map auto_home"], [0, 0])
        .with_process((0, 0, "kernel_task"), BOOTED, 10 << 20, 0)
        .with_process((80, 501, "Finder"), BOOTED, 50 << 20, 0)
}

/// Of cores by level, the fastest first.
fn levels(mut mac: FakeMac, counts: &[u32]) -> FakeMac {
    const LEVELS: [(&CStr, &CStr, &[u8]); 2] = [
        (c"hw.perflevel0.logicalcpu_max", c"hw.perflevel0.name", b"Performance\0"),
        (c"hw.perflevel1.logicalcpu_max", c"hw.perflevel1.name", b"Efficiency\0"),
    ];
    let number = u32::try_from(counts.len()).unwrap_or(0);
    mac = mac.with(c"hw.nperflevels", &number.to_ne_bytes());
    for (count, (count_name, name_name, name)) in counts.iter().zip(LEVELS) {
        mac = mac.with(count_name, &count.to_ne_bytes()).with(name_name, name);
    }
    mac
}

fn swap(total: u64, available: u64) -> [u8; 32] {
    let mut value = [0; 32];
    for (field, number) in
        value.as_chunks_mut::<8>().0.iter_mut().zip([total, available, total - available])
    {
        *field = number.to_ne_bytes();
    }
    value
}

fn load(loads: [u32; 3]) -> [u8; 24] {
    let mut value = [0; 24];
    for (field, load) in value.as_chunks_mut::<4>().0.iter_mut().zip(loads) {
        *field = load.to_ne_bytes();
    }
    if let Some(scale) = value.last_chunk_mut::<8>() {
        *scale = 2048u64.to_ne_bytes();
    }
    value
}
