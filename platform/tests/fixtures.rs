//! The Linux machine on trees of files: every value of procfs and every state.
//!
//! What root can't test: it is never denied, so `Denied` is proven at the mapping of errno alone.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use common::Tree;
use kymo_platform::Machine;
use kymo_platform::linux::Linux;
use kymo_platform::machine::{CpuTime, Transfer};
use kymo_protocol::NoData;
use kymo_protocol::NoData::{Absent, Fault};

/// A file is found to be replaced, and devices to have changed, within so many reads.
const READS: usize = 33;

fn settled<T>(mut read: impl FnMut() -> T) -> T {
    for _ in 0..READS {
        read();
    }
    read()
}

/// Every reading of procfs reduced to its reason, by the name of its file.
fn reasons(machine: &mut Linux) -> [(&'static str, Option<NoData>); 6] {
    [
        ("proc/stat", machine.cpu_time().err()),
        ("proc/meminfo", machine.memory().total.err()),
        ("proc/loadavg", machine.load().err()),
        ("proc/diskstats", machine.disk_io().err()),
        ("proc/net/dev", machine.network_io().err()),
        ("proc/uptime", machine.uptime().err()),
    ]
}

#[test]
fn every_value() {
    let tree = Tree::ordinary();
    let mut machine = tree.machine();
    for _ in 0..3 {
        assert_eq!(machine.cpu_time(), Ok(CpuTime { busy: 2152, total: 141_372 }));
        let memory = machine.memory();
        assert_eq!((memory.total, memory.available), (Ok(1_024_000), Ok(614_400)));
        assert_eq!((memory.swap_total, memory.swap_free), (Ok(51_200), Ok(40_960)));
        assert_eq!(machine.load(), Ok([0.5, 0.25, 0.12]));
        assert_eq!(machine.disk_io(), Ok(Transfer { inward: 5_120, outward: 10_240 }));
        assert_eq!(machine.network_io(), Ok(Transfer { inward: 5, outward: 7 }));
        assert_eq!(machine.uptime(), Ok(708_400_000_000));
        assert_eq!(machine.process_count(), Ok(3));
        assert!(machine.disk_space().is_ok());
    }
}

#[test]
fn nothing_there_is_absent_and_comes_by_itself() {
    let tree = Tree::empty();
    let mut machine = tree.machine();
    assert!(reasons(&mut machine).iter().all(|(_, reason)| *reason == Some(Absent)));
    let thermal = machine.thermal();
    assert_eq!((thermal.cpu, thermal.gpu, thermal.fans), (Err(Absent), Err(Absent), Err(Absent)));
    assert_eq!(machine.process_count(), Err(Fault));
    let complete = Tree::ordinary();
    tree.remove("proc");
    fs::rename(complete.path("proc"), tree.path("proc")).unwrap();
    tree.chip(0, "platform/coretemp.0", "coretemp", &[("temp1_input", "40000")]);
    settled(|| reasons(&mut machine));
    assert!(reasons(&mut machine).iter().all(|(_, reason)| reason.is_none()));
    assert_eq!(settled(|| machine.thermal()).cpu, Ok(40.0));
}

#[test]
fn no_root_at_all() {
    let nowhere = std::path::Path::new("/nonexistent/\u{1f980}");
    let mut machine = Linux::new(nowhere, nowhere);
    assert!(reasons(&mut machine).iter().all(|(_, reason)| *reason == Some(Absent)));
    assert_eq!(machine.process_count(), Err(Absent));
    let mut machine = Linux::new(std::path::Path::new("a\0b"), std::path::Path::new(""));
    assert_eq!(machine.cpu_time(), Err(Absent));
    assert_eq!(machine.thermal().cpu, Err(Absent));
}

#[test]
fn damage_is_a_fault_of_that_file_alone_and_heals() {
    type Damage = fn(&Tree, &str);
    let damages: [(&str, Damage); 9] = [
        ("empty", |tree, file| tree.write(file, "")),
        ("cut", |tree, file| {
            let text = match file {
                "proc/stat" => "cpu  930 0 11",
                "proc/meminfo" => "MemTotal: 10",
                "proc/loadavg" => "0.50 0.25",
                "proc/diskstats" => " 8 0 sda 1 0 10 0 1",
                "proc/net/dev" => "Inter-| Receive | Transmit\n face |bytes|bytes\n eth0: 5 0",
                _ => "708",
            };
            tree.write(file, text);
        }),
        ("absurd", |tree, file| {
            let text = fs::read_to_string(tree.path(file)).unwrap();
            tree.write(file, &text.replace(['1', '2', '5', '7'], "99999999999999999999"));
        }),
        ("binary", |tree, file| tree.write(file, "\u{0}\u{7f}\u{ff}\n\u{1}|\u{2}\n")),
        ("endless line", |tree, file| tree.write(file, &"x".repeat(100_000))),
        ("a directory", |tree, file| {
            tree.remove(file);
            fs::create_dir(tree.path(file)).unwrap();
        }),
        ("a FIFO", |tree, file| tree.fifo(file)),
        ("a socket", |tree, file| {
            tree.remove(file);
            drop(UnixListener::bind(tree.path(file)).unwrap());
        }),
        ("a device", |tree, file| {
            tree.remove(file);
            symlink("/dev/zero", tree.path(file)).unwrap();
        }),
    ];
    for (damage, harm) in damages {
        for (number, (file, _)) in reasons(&mut Tree::ordinary().machine()).into_iter().enumerate()
        {
            let tree = Tree::ordinary();
            let mut machine = tree.machine();
            let text = fs::read_to_string(tree.path(file)).unwrap();
            harm(&tree, file);
            for machine in [&mut machine, &mut tree.machine()] {
                for (other, (name, reason)) in settled(|| reasons(machine)).into_iter().enumerate()
                {
                    // Without a block device the kernel writes no line.
                    let is_none = (damage, file) == ("empty", "proc/diskstats");
                    let what = if is_none { Absent } else { Fault };
                    let expected = (other == number).then_some(what);
                    assert_eq!(reason, expected, "{name} where {file} is {damage}");
                }
            }
            tree.remove(file);
            tree.write(file, &text);
            assert_eq!(settled(|| reasons(&mut machine))[number].1, None, "{file} heals");
        }
    }
}

#[test]
fn a_file_that_was_replaced_or_unlinked_is_noticed() {
    let tree = Tree::ordinary();
    let mut machine = tree.machine();
    assert_eq!(machine.load(), Ok([0.5, 0.25, 0.12]));
    tree.replace("proc/loadavg", "1.00 2.00 3.00 1/1 1\n");
    assert_eq!(settled(|| machine.load()), Ok([1.0, 2.0, 3.0]));
    tree.remove("proc/loadavg");
    assert_eq!(settled(|| machine.load()), Err(Absent));
    tree.write("proc/loadavg", "4.00 5.00 6.00 1/1 1\n");
    assert_eq!(settled(|| machine.load()), Ok([4.0, 5.0, 6.0]));
    // In the same inode it is seen at once.
    tree.write("proc/loadavg", "7.00 8.00 9.00 1/1 1\n");
    assert_eq!(machine.load(), Ok([7.0, 8.0, 9.0]));
}

#[test]
fn long_files_are_read_to_their_end() {
    let tree = Tree::ordinary();
    let (mut disks, mut devices) =
        (String::new(), fs::read_to_string(tree.path("proc/net/dev")).unwrap());
    for number in 0..3_000u64 {
        disks.push_str(&format!("259 {number} nvme{number}n1 1 0 2 0 1 0 4 0 0 0 0 0 0 0 0\n"));
        devices.push_str(&format!("veth{number}: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n"));
    }
    tree.write("proc/diskstats", &disks);
    tree.write("proc/net/dev", &devices);
    let mut machine = tree.machine();
    let moved = Transfer { inward: 3_000 * 1024, outward: 3_000 * 2048 };
    assert_eq!((machine.disk_io(), machine.disk_io()), (Ok(moved), Ok(moved)));
    assert_eq!(machine.network_io(), Ok(Transfer { inward: 3_005, outward: 6_007 }));
}

#[test]
fn sysfs_tells_disks_from_partitions() {
    let tree = Tree::ordinary();
    // Names that tell nothing: odd0p1 is a whole disk, odd a partition of it.
    tree.write(
        "proc/diskstats",
        "8 0 odd0p1 1 0 2 0 1 0 4 0 0 0 0\n8 1 odd 1 0 2 0 1 0 4 0 0 0 0\n\
         104 0 cciss/c0d0 1 0 2 0 1 0 4 0 0 0 0\n7 0 loop0 1 0 2 0 1 0 4 0 0 0 0\n",
    );
    let two = Ok(Transfer { inward: 2 * 1024, outward: 2 * 2048 });
    let one = Ok(Transfer { inward: 1024, outward: 2048 });
    // By name: odd and cciss/c0d0. By /sys/block and by /sys/class/block: odd0p1 and cciss/c0d0.
    assert_eq!(tree.machine().disk_io(), two);
    for disk in ["odd0p1", "cciss!c0d0", "loop0"] {
        fs::create_dir_all(tree.path("sys/block").join(disk)).unwrap();
    }
    assert_eq!(tree.machine().disk_io(), two);
    fs::remove_dir(tree.path("sys/block/odd0p1")).unwrap();
    assert_eq!(tree.machine().disk_io(), one);
    fs::remove_dir_all(tree.path("sys/block")).unwrap();
    tree.write("sys/class/block/odd/partition", "1\n");
    for disk in ["odd0p1", "cciss!c0d0", "loop0"] {
        fs::create_dir_all(tree.path("sys/class/block").join(disk)).unwrap();
    }
    assert_eq!(tree.machine().disk_io(), two);
    tree.write("sys/class/block/odd0p1/partition", "1\n");
    assert_eq!(tree.machine().disk_io(), one);
}

#[test]
fn an_nvme_namespace_with_several_paths_counts_once() {
    let tree = Tree::ordinary();
    // As kernels with and without accounting at the whole show it.
    for whole in ["0 0 0 0 0 0 0", "1 0 4 0 1 0 8"] {
        tree.write(
            "proc/diskstats",
            &format!(
                "0 0 nvme0c0n1 1 0 2 0 1 0 4 0 0 0 0\n0 0 nvme0c1n1 1 0 2 0 1 0 4 0 0 0 0\n\
                 259 1 nvme0n1 {whole} 0 0 0 0\n259 2 nvme0n1p1 {whole} 0 0 0 0\n\
                 259 3 nvme1n1 1 0 2 0 1 0 4 0 0 0 0\n"
            ),
        );
        fs::create_dir_all(tree.path("sys/class/block")).unwrap();
        let link = |name: &str, target: &str| {
            let target = format!("../../devices/{target}/{name}");
            let _ = symlink(target, tree.path("sys/class/block").join(name));
        };
        link("nvme0c0n1", "pci0000:00/0000:01:00.0/nvme/nvme0");
        link("nvme0c1n1", "pci0000:00/0000:02:00.0/nvme/nvme1");
        link("nvme0n1", "virtual/nvme-subsystem/nvme-subsys0");
        link("nvme1n1", "pci0000:00/0000:03:00.0/nvme/nvme2");
        tree.write("sys/devices/pci0000:00/0000:03:00.0/nvme/nvme2/nvme1n1/size", "1");
        assert_eq!(tree.machine().disk_io(), Ok(Transfer { inward: 3_072, outward: 6_144 }));
    }
}
