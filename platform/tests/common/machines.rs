//! Trees that look like known machines, written from the kernel's documented interfaces.
//!
//! None of them is a copy of a real one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::Tree;

/// How a machine is built.
pub(crate) type Build = fn(&Tree);

/// Every machine by its name.
pub(crate) const MACHINES: [(&str, Build); 16] = [
    ("nothing", |_| {}),
    ("virtual machine", ordinary),
    ("Intel laptop", intel_laptop),
    ("AMD desktop", amd_desktop),
    ("server with many DIMMs", server),
    ("ARM board", arm_board),
    ("NVMe and drivetemp", storage),
    ("graphics asleep", |tree| graphics(tree, "suspended")),
    ("graphics awake", |tree| graphics(tree, "active")),
    ("Intel graphics", intel_graphics),
    ("container", container),
    ("unplugged", unplugged),
    ("odd permissions", odd_permissions),
    ("garbage", garbage),
    ("old kernel", old_kernel),
    ("crowd", crowd),
];

pub(crate) const K10TEMP: &str = "pci0000:00/0000:00:18.3";
pub(crate) const GPU: &str = "pci0000:00/0000:03:00.0";

/// A tree as the other tests have it, with the files that sensors need besides.
pub(crate) fn ordinary(tree: &Tree) {
    tree.fill();
    let cpu = "0 0 0 0 0 0";
    tree.write(
        "proc/schedstat",
        &format!("version 17\ntimestamp 1\ncpu0 {cpu} 5000000000 250000000 9\ndomain0 MC 3 1 1\n"),
    );
    tree.write("proc/vmstat", "pgfault 100\npgmajfault 7\npswpin 1\npswpout 2\noom_kill 3\n");
    for name in ["cpu", "memory", "io"] {
        tree.write(
            &format!("proc/pressure/{name}"),
            "some avg10=1.50 avg60=0.00 avg300=0.00 total=2000000\n\
             full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
        );
    }
    let root = tree.path("proc").to_string_lossy().into_owned();
    tree.write(
        "proc/self/mountinfo",
        &format!(
            "22 27 0:21 / /proc rw - proc proc rw\n27 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
             30 27 8:2 / {root} rw,nosuid shared:1 - xfs /dev/sda2 rw\n\
             31 27 8:2 /part /elsewhere rw - xfs /dev/sda2 rw\n\
             32 27 7:1 / /snap ro - squashfs /dev/loop1 ro\n\
             33 27 0:40 / /nonexistent/mount rw - nfs4 host:/export rw\n"
        ),
    );
    tree.device("block", "sda", "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block");
    tree.device("net", "eth0", "pci0000:00/0000:00:1f.6/net");
    tree.write("proc/self/cgroup", "0::/user.slice/app\n");
    let group = "sys/fs/cgroup";
    tree.write(&format!("{group}/cgroup.controllers"), "cpu io memory pids\n");
    let own = format!("{group}/user.slice/app");
    tree.write(
        &format!("{own}/cpu.stat"),
        "usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\nnr_periods 9\n\
         nr_throttled 2\nthrottled_usec 500000\n",
    );
    for (file, text) in [
        ("memory.current", "4096"),
        ("memory.max", "max"),
        ("memory.swap.max", "max"),
        ("cpu.max", "150000 100000"),
        ("pids.current", "12"),
        ("pids.max", "100"),
        ("memory.events", "low 0\nmax 4\noom 1\noom_kill 1"),
        ("memory.stat", "anon 1024\nfile 2048\nslab 7"),
        ("io.stat", "8:0 rbytes=5 wbytes=7 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=10 wbytes=1"),
    ] {
        tree.write(&format!("{own}/{file}"), &format!("{text}\n"));
    }
    let parent = format!("{group}/user.slice");
    tree.write(&format!("{parent}/memory.max"), "1073741824\n");
    tree.write(&format!("{parent}/cpu.max"), "max 100000\n");
    tree.write(&format!("{parent}/pids.max"), "50\n");
}

fn frequencies(tree: &Tree, count: u16) {
    for policy in 0..count {
        tree.write(
            &format!("sys/devices/system/cpu/cpufreq/policy{policy}/scaling_cur_freq"),
            "1800000\n",
        );
    }
}

pub(crate) fn rapl(tree: &Tree, folder: &str, name: &str, energy: &str) {
    let folder = format!("sys/class/powercap/{folder}");
    tree.write(&format!("{folder}/name"), name);
    tree.write(&format!("{folder}/energy_uj"), energy);
    tree.write(&format!("{folder}/max_energy_range_uj"), "262143328850\n");
}

pub(crate) fn intel_laptop(tree: &Tree) {
    ordinary(tree);
    frequencies(tree, 8);
    tree.chip(
        5,
        "platform/coretemp.0",
        "coretemp",
        &[
            ("temp1_label", "Package id 0"),
            ("temp1_input", "58000"),
            ("temp1_max", "100000"),
            ("temp1_crit_alarm", "0"),
            ("temp2_label", "Core 0"),
            ("temp2_input", "61000"),
            ("temp10_label", "Core 8"),
            ("temp10_input", "60000"),
        ],
    );
    tree.chip(1, "virtual/thermal/thermal_zone0", "acpitz", &[("temp1_input", "27800")]);
    tree.chip(2, "virtual/thermal/thermal_zone7", "iwlwifi_1", &[("temp1_input", "")]);
    tree.chip(
        3,
        "platform/thinkpad_hwmon",
        "thinkpad",
        &[("fan1_input", "3000"), ("pwm1", "255"), ("pwm1_enable", "0"), ("temp1_input", "50000")],
    );
    tree.zone(0, "acpitz\n", "27800\n");
    tree.zone(1, "x86_pkg_temp\n", "58000\n");
    tree.zone(2, "INT3400 Thermal\n", "20000\n");
    for (supply, file, value) in [
        ("AC", "online", "1"),
        ("BAT0", "capacity", "87"),
        ("BAT0", "voltage_now", "12345000"),
        ("BAT0", "power_now", "6789000"),
        ("BAT0", "energy_now", "40000000"),
        ("BAT0", "energy_full", "50000000"),
        ("BAT0", "cycle_count", "112"),
        ("BAT0", "status", "Discharging"),
    ] {
        tree.write(&format!("sys/class/power_supply/{supply}/{file}"), &format!("{value}\n"));
    }
    fs::create_dir_all(tree.path("sys/class/powercap/intel-rapl")).unwrap();
    rapl(tree, "intel-rapl:0", "package-0\n", "1000000\n");
    rapl(tree, "intel-rapl:0:0", "core\n", "500000\n");
    rapl(tree, "intel-rapl:1", "psys\n", "3000000\n");
    rapl(tree, "intel-rapl-mmio:0", "package-0\n", "1000000\n");
}

pub(crate) fn amd_desktop(tree: &Tree) {
    ordinary(tree);
    frequencies(tree, 2);
    tree.chip(
        0,
        K10TEMP,
        "k10temp",
        &[
            ("temp1_label", "Tctl"),
            ("temp1_input", "65000"),
            ("temp2_label", "Tdie"),
            ("temp2_input", "45125"),
            ("temp3_label", "Tccd1"),
            ("temp3_input", "4294948000"),
        ],
    );
    tree.chip(
        1,
        "platform/nct6775.656",
        "nct6798",
        &[
            ("in0_input", "1008"),
            ("in1_input", "-16"),
            ("fan1_input", "0"),
            ("fan2_input", "1234"),
            ("fan3_input", "65535"),
            ("fan3_fault", "1"),
            ("fan3_alarm", "1"),
            ("fan4_input", "0"),
            ("fan4_enable", "0"),
            ("fan4_alarm", "0"),
            ("in0_min_alarm", "0"),
            ("in0_max_alarm", "1"),
            ("in1_alarm", "2"),
            ("fan5_input", "4294967295"),
            ("pwm1", "51"),
            ("pwm1_enable", "5"),
            ("temp1_label", "SYSTIN"),
            ("temp1_input", "30000"),
            ("temp2_input", "-128000"),
            ("intrusion0_alarm", "1"),
            ("curr1_input", "1500"),
            ("humidity1_input", "45500"),
            ("energy1_input", "123456789"),
            ("freq1_input", "2100000000"),
        ],
    );
    rapl(tree, "intel-rapl:0", "package-0\n", "5000000\n");
}

fn server(tree: &Tree) {
    ordinary(tree);
    for dimm in 0..32 {
        let device = format!("pci0000:00/0000:00:1f.4/i2c-0/0-00{:02x}", 0x18 + dimm);
        tree.chip(dimm, &device, "jc42", &[("temp1_input", "41500")]);
    }
    for socket in 0..2 {
        let cores: Vec<_> = (1..=60).map(|core| format!("temp{core}_input")).collect();
        let cores: Vec<_> = cores.iter().map(|core| (core.as_str(), "50000")).collect();
        tree.chip(40 + socket, &format!("platform/coretemp.{socket}"), "coretemp", &cores);
    }
    let power = [("power1_average", "350000000"), ("power1_input", "351000000")];
    tree.chip(50, "LNXSYSTM:00/LNXSYBUS:00/ACPI000D:00", "power_meter", &power);
    // Two chips of one name in one device.
    tree.chip(51, "platform/twins", "twin", &[("temp1_input", "20000")]);
    tree.chip(52, "platform/twins", "twin", &[("temp1_input", "21000")]);
}

fn arm_board(tree: &Tree) {
    ordinary(tree);
    tree.remove("proc/schedstat");
    frequencies(tree, 1);
    tree.zone(0, "cpu-thermal\n", "48312\n");
    tree.zone(1, "gpu-thermal\n", "-273150\n");
    tree.zone(2, "gpu-thermal\n", "47000\n");
    tree.chip(0, "virtual/thermal/thermal_zone0", "cpu_thermal", &[("temp1_input", "48312")]);
    tree.chip(1, "platform/rpi_volt", "rpi_volt", &[("in0_lcrit_alarm", "0")]);
    tree.chip(2, "platform/cooling_fan", "pwmfan", &[("fan1_input", "0"), ("pwm1", "0")]);
}

fn storage(tree: &Tree) {
    ordinary(tree);
    tree.chip(
        0,
        "pci0000:00/0000:01:00.0/nvme/nvme0",
        "nvme",
        &[("temp1_label", "Composite"), ("temp1_input", "38850"), ("temp2_input", "-273150")],
    );
    let disk = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0";
    tree.chip(1, disk, "drivetemp", &[("temp1_input", "31000")]);
    tree.chip(2, "w1_bus_master1/28-0000", "w1_slave_temp", &[("temp1_input", "21000")]);
    tree.write(
        "proc/diskstats",
        "259 0 nvme0n1 1 0 2 3 1 0 4 5 0 6 7\n259 1 nvme1n1 1 0 2 3 1 0 4 5 0 6 7\n\
         8 0 sda 1 0 10 0 1 0 20 0 0 0 0\n8 1 sda1 1 0 10 0 1 0 20 0 0 0 0\n",
    );
    tree.device("block", "nvme0n1", "pci0000:00/0000:01:00.0/nvme/nvme0");
    tree.device("block", "nvme1n1", "pci0000:00/0000:02:00.0/nvme/nvme1");
}

pub(crate) fn graphics(tree: &Tree, status: &str) {
    amd_desktop(tree);
    tree.chip(
        4,
        GPU,
        "amdgpu",
        &[
            ("temp1_label", "edge"),
            ("temp1_input", "52000"),
            ("temp1_crit_alarm", "0"),
            ("power1_average", "33000000"),
            ("fan1_input", "0"),
            ("freq1_input", "500000000"),
        ],
    );
    tree.device("drm", "card1", &format!("{GPU}/drm"));
    let _ = symlink("../..", tree.path(&format!("sys/devices/{GPU}/drm/card1/device")));
    fs::create_dir_all(tree.path("sys/class/drm/card1-DP-1")).unwrap();
    for (file, value) in [
        ("power/runtime_status", status),
        ("gpu_busy_percent", "7"),
        ("mem_busy_percent", "101"),
        ("mem_info_vram_used", "1073741824"),
        ("mem_info_vram_total", "8589934592"),
    ] {
        tree.write(&format!("sys/devices/{GPU}/{file}"), &format!("{value}\n"));
    }
}

fn intel_graphics(tree: &Tree) {
    intel_laptop(tree);
    let i915 = "pci0000:00/0000:00:02.0";
    tree.device("drm", "card0", &format!("{i915}/drm"));
    let card = format!("sys/devices/{i915}/drm/card0");
    tree.write(&format!("{card}/gt/gt0/rps_act_freq_mhz"), "300\n");
    tree.write(&format!("{card}/gt/gt0/rc6_residency_ms"), "123456\n");
    let xe = "pci0000:00/0000:04:00.0";
    tree.device("drm", "card2", &format!("{xe}/drm"));
    let _ = symlink("../..", tree.path(&format!("sys/devices/{xe}/drm/card2/device")));
    tree.write(&format!("sys/devices/{xe}/tile0/gt0/freq0/act_freq"), "0\n");
    tree.write(&format!("sys/devices/{xe}/tile0/gt0/gtidle/idle_residency_ms"), "77\n");
}

/// As lxcfs shows a part of the host: no sysfs, no pressure, no MemAvailable.
fn container(tree: &Tree) {
    ordinary(tree);
    tree.remove("proc/pressure");
    tree.remove("proc/vmstat");
    tree.remove("proc/schedstat");
    tree.remove("sys");
    tree.write(
        "proc/meminfo",
        "MemTotal: 1000 kB\nMemFree: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
    );
    tree.write("proc/diskstats", "");
    tree.write("proc/self/cgroup", "0::/../../outside\n");
    tree.write("sys/fs/cgroup/cgroup.controllers", "memory\n");
    tree.write("sys/fs/cgroup/memory.current", "77\n");
    tree.write("sys/fs/cgroup/memory.max", "8192\n");
    tree.write("proc/self/mountinfo", "1 0 0:50 / / rw - overlay overlay rw\n");
}

/// Links of classes are left, and what they led to is gone.
fn unplugged(tree: &Tree) {
    graphics(tree, "active");
    tree.remove(&format!("sys/devices/{GPU}"));
    tree.remove("sys/devices/platform/nct6775.656");
    fs::create_dir_all(tree.path("sys/class/power_supply/BAT1")).unwrap();
    fs::create_dir_all(tree.path("sys/class/powercap/intel-rapl:7")).unwrap();
    fs::create_dir_all(tree.path("sys/class/thermal/thermal_zone9")).unwrap();
}

fn odd_permissions(tree: &Tree) {
    intel_laptop(tree);
    for file in [
        "sys/class/powercap/intel-rapl:0/energy_uj",
        "sys/devices/platform/coretemp.0/hwmon/hwmon5/temp1_input",
        "proc/stat",
        "proc/pressure/memory",
        "sys/fs/cgroup/user.slice/app/memory.current",
    ] {
        fs::set_permissions(tree.path(file), fs::Permissions::from_mode(0o000)).unwrap();
    }
    // A FIFO, a socket's folder and a device in place of attributes.
    tree.fifo("sys/class/power_supply/BAT0/capacity");
    tree.remove("sys/class/power_supply/BAT0/voltage_now");
    fs::create_dir(tree.path("sys/class/power_supply/BAT0/voltage_now")).unwrap();
    tree.fifo("proc/pressure/io");
    tree.remove("proc/vmstat");
    symlink("/dev/zero", tree.path("proc/vmstat")).unwrap();
}

/// Every file of a rich machine says something that no kernel writes.
fn garbage(tree: &Tree) {
    graphics(tree, "active");
    intel_laptop(tree);
    let texts: [&[u8]; 6] = [
        b"",
        b"\0\xff\xfe\n\n(((\n",
        b"99999999999999999999999 -1 x\n",
        b"cpu0 : / - ) = max\ncpu0 cpu0\n",
        &[b'x'; 9_000],
        b"-9223372036854775808\n",
    ];
    let mut files = Vec::new();
    collect(&tree.path(""), &mut files);
    files.sort();
    for (number, file) in files.iter().enumerate() {
        let is_name = ["name", "type"].iter().any(|name| file.ends_with(name));
        if !is_name || number % 5 == 0 {
            fs::write(file, texts[number % texts.len()]).unwrap();
        }
    }
}

fn collect(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
}

/// Linux 2.6: four kinds of time, no schedstat, eleven columns of disks, chips in `device/`.
fn old_kernel(tree: &Tree) {
    tree.fill();
    tree.write("proc/stat", "cpu  100 20 30 400\ncpu0 100 20 30 400\nintr 5 1\n");
    tree.write("proc/self/mountinfo", "1 0 8:1 / / rw - ext3 /dev/root rw\n");
    tree.write("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
    tree.write("sys/class/hwmon/hwmon0/device/name", "w83627hf\n");
    tree.write("sys/class/hwmon/hwmon0/device/fan1_input", "1200\n");
    tree.write("sys/class/hwmon/hwmon0/device/temp1_input", "42000\n");
}

/// More of everything than there is room for.
fn crowd(tree: &Tree) {
    ordinary(tree);
    let (mut cpus, mut disks) = (String::from("cpu  1 2 3 4 5 6 7 8 0 0\n"), String::new());
    let mut mounts = String::from("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
    for number in 0..300 {
        cpus.push_str(&format!("cpu{number} 1 2 3 4 5 6 7 8 0 0\n"));
        disks.push_str(&format!("259 {number} nvme{number}n1 1 0 2 3 1 0 4 5 0 6 7\n"));
        mounts.push_str(&format!("{number} 1 9:{number} / /mnt/{number} rw - xfs /dev/md rw\n"));
    }
    cpus.push_str("intr 1");
    cpus.push_str(&" 0".repeat(20_000));
    tree.write("proc/stat", &cpus);
    tree.write("proc/diskstats", &disks);
    tree.write("proc/self/mountinfo", &mounts);
    let mut interfaces = fs::read_to_string(tree.path("proc/net/dev")).unwrap();
    for number in 0..600 {
        interfaces.push_str(&format!("veth{number}: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"));
    }
    tree.write("proc/net/dev", &interfaces);
    frequencies(tree, 300);
    for chip in 0..70 {
        let fans: Vec<_> = (1..=9).map(|fan| format!("fan{fan}_input")).collect();
        let fans: Vec<_> = fans.iter().map(|fan| (fan.as_str(), "900")).collect();
        tree.chip(chip, &format!("platform/chip.{chip}"), "nct6775", &fans);
    }
    for zone in 0..40 {
        tree.zone(zone, &format!("zone{zone}\n"), "40000\n");
    }
}
