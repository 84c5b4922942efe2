//! The Linux machine on trees of files that look like known hardware, which comes and goes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::fs;
use std::os::unix::fs::symlink;

use common::Tree;
use kymo_platform::Machine;
use kymo_platform::machine::Fans;
use kymo_protocol::NoData::{Absent, Asleep, Fault};
use kymo_protocol::Reading;

/// Devices are found to have changed within so many reads.
const READS: usize = 33;

fn settled<T>(mut read: impl FnMut() -> T) -> T {
    for _ in 0..READS {
        read();
    }
    read()
}

fn fans(speeds: &[u32]) -> Reading<Fans> {
    Ok(Fans::from_slice(speeds).unwrap())
}

#[test]
fn a_laptop_with_coretemp() {
    let tree = Tree::ordinary();
    tree.chip(
        3,
        "platform/coretemp.0",
        "coretemp",
        &[
            ("temp2_label", "Core 0"),
            ("temp2_input", "61000"),
            ("temp1_label", "Package id 0"),
            ("temp1_input", "58000"),
        ],
    );
    tree.chip(1, "virtual/thermal/thermal_zone0", "acpitz", &[("temp1_input", "27800")]);
    tree.chip(2, "platform/thinkpad_hwmon", "thinkpad", &[("fan1_input", "3000")]);
    tree.zone(0, "acpitz\n", "27800\n");
    tree.zone(1, "x86_pkg_temp\n", "99000\n");
    let mut machine = tree.machine();
    assert_eq!(machine.thermal().cpu, Ok(58.0));
    // The embedded controller's fan waits for another lane.
    assert_eq!(machine.thermal().fans, Err(Absent));
    tree.write("sys/devices/platform/coretemp.0/hwmon/hwmon3/temp1_input", "-5500\n");
    assert_eq!(machine.thermal().cpu, Ok(-5.5));
    for absurd in ["4294948000", "-273150", "150000", "", "x", "1.5", "9".repeat(70).as_str()] {
        tree.write("sys/devices/platform/coretemp.0/hwmon/hwmon3/temp1_input", absurd);
        assert_eq!(machine.thermal().cpu, Err(Fault), "{absurd}");
    }
}

#[test]
fn two_sockets_and_a_coretemp_without_labels() {
    let tree = Tree::empty();
    let package = |id: &'static str, heat| [("temp1_label", id), ("temp1_input", heat)];
    tree.chip(0, "platform/coretemp.0", "coretemp", &package("Package id 1", "51000"));
    tree.chip(1, "platform/coretemp.1", "coretemp", &package("Package id 0", "50000"));
    assert_eq!(tree.machine().thermal().cpu, Ok(50.0));
    let tree = Tree::empty();
    tree.chip(
        0,
        "platform/coretemp.0",
        "coretemp",
        &[("temp1_input", "49000"), ("temp2_input", "1")],
    );
    tree.chip(1, "pci0000:00/0000:00:18.3", "k10temp", &[("temp1_input", "48000")]);
    assert_eq!(tree.machine().thermal().cpu, Ok(49.0));
}

#[test]
fn an_amd_desktop_with_a_super_io_chip() {
    let tree = Tree::ordinary();
    tree.chip(
        0,
        "pci0000:00/0000:00:18.3",
        "k10temp",
        &[
            ("temp1_label", "Tctl"),
            ("temp1_input", "65000"),
            ("temp2_label", "Tdie"),
            ("temp2_input", "45125"),
            ("temp3_label", "Tccd1"),
            ("temp3_input", "44000"),
        ],
    );
    tree.chip(
        1,
        "platform/nct6775.656",
        "nct6798",
        &[
            ("temp1_input", "30000"),
            ("fan1_input", "0"),
            ("fan2_input", "1234"),
            ("fan10_input", "777"),
            ("fan3_input", "65535"),
            ("fan3_fault", "1"),
            ("fan4_input", "0"),
            ("fan4_enable", "0"),
            ("fan5_input", "900"),
            ("fan5_fault", "0"),
            ("fan5_enable", "1"),
            ("fan6_input", "4294967295"),
        ],
    );
    let mut machine = tree.machine();
    let thermal = machine.thermal();
    assert_eq!(thermal.cpu, Ok(45.125));
    assert_eq!(thermal.fans, fans(&[0, 1234, 900, 777]));
    tree.write("sys/devices/pci0000:00/0000:00:18.3/hwmon/hwmon0/temp2_fault", "1\n");
    assert_eq!(settled(|| machine.thermal()).cpu, Err(Fault));
    // Without Tdie, Tctl it is.
    tree.remove("sys/devices/pci0000:00/0000:00:18.3/hwmon/hwmon0/temp2_input");
    assert_eq!(settled(|| machine.thermal()).cpu, Ok(65.0));
}

#[test]
fn fans_are_ordered_by_device_and_limited() {
    let tree = Tree::empty();
    let names: Vec<String> = (1..=6).map(|index| format!("fan{index}_input")).collect();
    let six =
        |speed: &'static str| names.iter().map(|name| (name.as_str(), speed)).collect::<Vec<_>>();
    tree.chip(9, "platform/a", "it8620", &six("100"));
    tree.chip(1, "platform/b", "nct6779", &six("200"));
    assert_eq!(tree.machine().thermal().fans, fans(&[100, 100, 100, 100, 100, 100, 200, 200]));
    // Where none can be read, the first says why.
    let tree = Tree::empty();
    tree.chip(
        0,
        "platform/a",
        "it8620",
        &[("fan1_input", "1"), ("fan1_fault", "1"), ("fan2_input", "")],
    );
    assert_eq!(tree.machine().thermal().fans, Err(Fault));
    let tree = Tree::empty();
    tree.chip(0, "pci0/usb1/1-4/0003:1E71", "newvendor", &[("fan1_input", "500")]);
    assert_eq!(tree.machine().thermal().fans, Err(Absent));
}

#[test]
fn a_board_with_thermal_zones_only() {
    let tree = Tree::ordinary();
    tree.zone(0, "gpu-thermal\n", "50000\n");
    tree.zone(1, "soc-thermal\n", "51000\n");
    tree.zone(2, "cpu-thermal\n", "48312\n");
    let mut machine = tree.machine();
    assert_eq!(machine.thermal().cpu, Ok(48.312));
    assert_eq!(machine.thermal().fans, Err(Absent));
    tree.remove("sys/class/thermal/thermal_zone2");
    assert_eq!(settled(|| machine.thermal()).cpu, Ok(51.0));
    tree.fifo("sys/class/thermal/thermal_zone1/temp");
    assert_eq!(settled(|| machine.thermal()).cpu, Err(Fault));
}

#[test]
fn a_graphics_processor_that_sleeps_is_not_touched() {
    let tree = Tree::ordinary();
    let device = "pci0000:00/0000:03:00.0";
    let folder = format!("sys/devices/{device}/hwmon/hwmon4");
    tree.chip(
        4,
        device,
        "amdgpu",
        &[
            ("temp2_label", "junction"),
            ("temp2_input", "71000"),
            ("temp1_label", "edge"),
            ("fan1_input", "1500"),
        ],
    );
    // Whoever opened this would get a fault, and whoever waited for it would hang.
    tree.fifo(&format!("{folder}/temp1_input"));
    let status = format!("sys/devices/{device}/power/runtime_status");
    for asleep in ["suspended\n", "suspending\n", "resuming\n"] {
        tree.write(&status, asleep);
        let mut machine = tree.machine();
        for _ in 0..2 * READS {
            let thermal = machine.thermal();
            assert_eq!((thermal.gpu, thermal.fans), (Err(Asleep), Err(Asleep)));
        }
    }
    tree.write(&status, "active\n");
    let mut machine = tree.machine();
    assert_eq!(machine.thermal().gpu, Err(Fault));
    tree.remove(&format!("{folder}/temp1_input"));
    tree.write(&format!("{folder}/temp1_input"), "52000\n");
    let thermal = settled(|| machine.thermal());
    assert_eq!((thermal.gpu, thermal.fans), (Ok(52.0), fans(&[1500])));
    tree.write(&status, "suspended\n");
    assert_eq!(machine.thermal().gpu, Err(Asleep));
    tree.remove(&status);
    assert_eq!(settled(|| machine.thermal()).gpu, Ok(52.0));
}

#[test]
fn hardware_is_unplugged_and_renumbered() {
    let tree = Tree::ordinary();
    tree.chip(0, "platform/coretemp.0", "coretemp", &[("temp1_input", "40000")]);
    tree.chip(1, "platform/nct6775.656", "nct6775", &[("fan1_input", "1000")]);
    let mut machine = tree.machine();
    assert_eq!((machine.thermal().cpu, machine.thermal().fans), (Ok(40.0), fans(&[1000])));
    // The numbers change places, as after loading the drivers in another order.
    tree.unplug(0, "platform/coretemp.0");
    tree.unplug(1, "platform/nct6775.656");
    tree.chip(
        0,
        "platform/nct6775.656",
        "nct6775",
        &[("fan1_input", "1100"), ("temp1_input", "1")],
    );
    tree.chip(1, "platform/coretemp.0", "coretemp", &[("temp1_input", "41000")]);
    let thermal = settled(|| machine.thermal());
    assert_eq!((thermal.cpu, thermal.fans), (Ok(41.0), fans(&[1100])));
    tree.unplug(0, "platform/nct6775.656");
    let thermal = settled(|| machine.thermal());
    assert_eq!((thermal.cpu, thermal.fans), (Ok(41.0), Err(Absent)));
    tree.unplug(1, "platform/coretemp.0");
    assert_eq!(settled(|| machine.thermal()).cpu, Err(Absent));
}

/// An attribute of a network interface stands for that of a chip: it goes the same way.
#[test]
#[ignore = "adds and removes a network interface: run as root, in a namespace of its own"]
fn a_device_that_leaves_is_noticed_at_once() {
    let ip = |arguments: &str| {
        let arguments = arguments.split(' ');
        assert!(std::process::Command::new("ip").args(arguments).status().unwrap().success());
    };
    let tree = Tree::empty();
    tree.chip(0, "platform/coretemp.0", "coretemp", &[("temp1_crit", "100000")]);
    tree.zone(0, "cpu-thermal\n", "45000\n");
    ip("link add kymo0 type ifb");
    let input = tree.path("sys/devices/platform/coretemp.0/hwmon/hwmon0/temp1_input");
    symlink("/sys/class/net/kymo0/mtu", input).unwrap();
    let mut machine = tree.machine();
    for _ in 0..5 {
        assert_eq!(machine.thermal().cpu, Ok(1.5));
    }
    ip("link del kymo0");
    assert_eq!(machine.thermal().cpu, Ok(45.0));
}

#[test]
fn attributes_of_old_drivers_are_in_the_device() {
    let tree = Tree::empty();
    fs::create_dir_all(tree.path("sys/class/hwmon/hwmon0")).unwrap();
    tree.write("sys/devices/i2c-0/0-002d/name", "lm85\n");
    tree.write("sys/devices/i2c-0/0-002d/fan1_input", "800\n");
    symlink("../../../devices/i2c-0/0-002d", tree.path("sys/class/hwmon/hwmon0/device")).unwrap();
    assert_eq!(tree.machine().thermal().fans, fans(&[800]));
}
