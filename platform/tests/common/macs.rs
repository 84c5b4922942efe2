//! Macs as public reports and Apple's headers describe them, over the fakes of each door.
//!
//! None of them is a copy of a real one.

use kymo_platform::Source;
use kymo_platform::apple::hid::fake::FakeHid;
use kymo_platform::apple::hid::{Quantity, Rank, Sensors};
use kymo_platform::apple::registry::fake::{FakeRegistry, Properties, Service, Value};
use kymo_platform::apple::registry::{BATTERY, DISK, GPU, Services};
use kymo_platform::apple::report::Energy;
use kymo_platform::apple::report::fake::FakeReports;

/// What the doors of a Mac answer; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Mac {
    pub(crate) registry: FakeRegistry,
    pub(crate) temperatures: FakeHid,
    pub(crate) currents: FakeHid,
    pub(crate) voltages: FakeHid,
    pub(crate) reports: FakeReports,
    pub(crate) rank: Rank,
}

impl Mac {
    fn of(services: Vec<Service>) -> Self {
        Self {
            registry: FakeRegistry::new(services),
            temperatures: FakeHid::default(),
            currents: FakeHid::default(),
            voltages: FakeHid::default(),
            reports: FakeReports::default(),
            rank: Rank::Beside,
        }
    }

    /// Every source over these doors.
    pub(crate) fn sources(&self) -> Vec<Box<dyn Source>> {
        let registry = |kind| Box::new(Services::new(self.registry.clone(), kind));
        let hid =
            |hid: &FakeHid, quantity| Box::new(Sensors::new(hid.clone(), quantity, self.rank));
        vec![
            registry(&DISK),
            registry(&BATTERY),
            registry(&GPU),
            hid(&self.temperatures, Quantity::Temperature),
            hid(&self.currents, Quantity::Current),
            hid(&self.voltages, Quantity::Voltage),
            Box::new(Energy::new(self.reports.clone())),
        ]
    }
}

/// How a Mac is built.
type Build = fn() -> Mac;

pub(crate) const MACS: [(&str, Build); 7] = [
    ("nothing", || Mac::of(Vec::new())),
    ("Intel laptop", intel_laptop),
    ("M1", m1),
    ("M2 Max", m2_max),
    ("M5", m5),
    ("Mac mini", mini),
    ("nonsense", nonsense),
];

pub(crate) fn text(text: &str) -> Value {
    text.into()
}

fn statistics(read: i64, written: i64) -> Value {
    Properties::from([
        ("Bytes (Read)", read.into()),
        ("Bytes (Write)", written.into()),
        ("Operations (Read)", 7.into()),
        ("Operations (Write)", 9.into()),
        ("Total Time (Read)", 1_500_000_000.into()),
        ("Total Time (Write)", 250_000_000.into()),
        ("Errors (Read)", 0.into()),
    ])
    .into()
}

pub(crate) fn disk(id: u64, path: &str, name: &str, location: &str, bytes: [i64; 2]) -> Service {
    let protocol = [
        ("Physical Interconnect", text("Apple Fabric")),
        ("Physical Interconnect Location", text(location)),
    ];
    let mut below = Properties::default();
    if !name.is_empty() {
        below.set("BSD Name", text(name));
    }
    Service {
        class: "IOBlockStorageDriver".into(),
        id,
        path: format!("IOService:/{path}/IOBlockStorageDriver"),
        own: [("Statistics", statistics(bytes[0], bytes[1]))].into(),
        above: [("Protocol Characteristics", Properties::from(protocol).into())].into(),
        below,
    }
}

const NVME: &str = "AppleARMPE/arm-io@10F00000/AppleT810xIO/ans@77400000/RTBuddy(ANS2)/NS_01@1";
const IMAGE: &str = "IOResources/AppleDiskImagesController/AppleDiskImageDevice@0";
const USB: &str = "AppleARMPE/arm-io@10F00000/usb-drd1@2280000/IOUSBMassStorageDriver/LUN@0";

fn battery(id: u64, own: Properties) -> Service {
    let path = "IOService:/AppleARMPE/arm-io/smc/AppleSmartBatteryManager/AppleSmartBattery";
    let class = "AppleSmartBattery".into();
    Service { class, id, path: path.into(), own, ..Service::default() }
}

fn accelerator(id: u64, path: &str, model: &str, statistics: Properties) -> Service {
    Service {
        class: "IOAccelerator".into(),
        id,
        path: format!("IOService:/{path}"),
        own: [("PerformanceStatistics", statistics.into())].into(),
        above: [("model", text(model))].into(),
        ..Service::default()
    }
}

fn intel_laptop() -> Mac {
    let pci = "AppleACPIPlatformExpert/PCI0@0/AppleACPIPCI";
    let own: Properties = [
        ("BatteryInstalled", true.into()),
        ("ExternalConnected", false.into()),
        ("IsCharging", false.into()),
        ("CurrentCapacity", 3000.into()),
        ("MaxCapacity", 6000.into()),
        ("DesignCapacity", 7336.into()),
        ("Voltage", 12_000.into()),
        // The firmware's 16 bits, widened without their sign.
        ("Amperage", 64_036.into()),
        ("Temperature", 3031.into()),
        ("CycleCount", 300.into()),
        ("AvgTimeToEmpty", 120.into()),
        ("AvgTimeToFull", 65_535.into()),
    ]
    .into();
    let integrated: Properties =
        [("Device Utilization %", 12.into()), ("vramUsedBytes", 1024.into())].into();
    let discrete: Properties = [
        ("GPU Activity(%)", 0.into()),
        ("vramUsedBytes", 1_000_000.into()),
        ("vramFreeBytes", 3_000_000.into()),
    ]
    .into();
    Mac::of(vec![
        disk(
            3,
            &format!("{pci}/RP17@1B/SSD0@0/AppleANS2Controller/NS@1"),
            "disk0",
            "Internal",
            [5120, 1024],
        ),
        battery(4, own),
        accelerator(
            5,
            &format!("{pci}/IGPU@2/IntelAccelerator"),
            "Intel UHD Graphics 630",
            integrated,
        ),
        accelerator(6, &format!("{pci}/PEG0@1/GFX0@0/AMDRadeonX6000"), "", discrete),
    ])
}

/// What every battery of Apple silicon has.
pub(crate) fn silicon_battery() -> Properties {
    [
        ("BatteryInstalled", true.into()),
        ("ExternalConnected", true.into()),
        ("IsCharging", true.into()),
        ("CurrentCapacity", 80.into()),
        ("MaxCapacity", 100.into()),
        ("AppleRawCurrentCapacity", 4000.into()),
        ("AppleRawMaxCapacity", 5000.into()),
        ("DesignCapacity", 6000.into()),
        ("Voltage", 11_500.into()),
        ("InstantAmperage", 1250.into()),
        ("Amperage", 1300.into()),
        ("Temperature", 3048.into()),
        ("VirtualTemperature", 3159.into()),
        ("CycleCount", 50.into()),
        ("AvgTimeToEmpty", 65_535.into()),
        ("AvgTimeToFull", 45.into()),
        ("BatteryData", Properties::from([("DesignCapacity", 6001.into())]).into()),
    ]
    .into()
}

fn silicon_gpu(id: u64, model: &str) -> Service {
    let statistics = [
        ("Device Utilization %", 33.into()),
        ("Renderer Utilization %", 30.into()),
        ("In use system memory", 268_435_456.into()),
        ("Alloc system memory", 4_294_967_296.into()),
    ];
    accelerator(
        id,
        "AppleARMPE/arm-io@10F00000/sgx@6400000/AGXAccelerator",
        model,
        statistics.into(),
    )
}

fn m1() -> Mac {
    let mac = Mac::of(vec![
        disk(9, IMAGE, "disk4", "File", [77, 77]),
        disk(10, NVME, "disk0", "Internal", [4096, 512]),
        // A reader without a card.
        disk(11, "AppleARMPE/arm-io/sdxc@0", "", "External", [0, 0]),
        battery(12, silicon_battery()),
        silicon_gpu(13, "Apple M1"),
    ]);
    let temperatures = FakeHid::new(&[
        ("pACC MTR Temp Sensor2", 41.5),
        ("eACC MTR Temp Sensor0", 38.25),
        ("GPU MTR Temp Sensor1", 36.0),
        ("SOC MTR Temp Sensor0", 37.0),
        ("ANE MTR Temp Sensor1", 0.0),
        ("PMU tdev1", -21.0),
        ("PMU tdev2", 9472.0),
        ("PMU tcal", 51.875),
        ("NAND CH0 temp", 30.0),
        ("gas gauge battery", 31.0),
        ("gas gauge battery", 30.5),
        ("gas gauge battery", 30.0),
    ]);
    // Listed in another order than they are numbered in.
    for (sensor, location) in temperatures.state().sensors.iter_mut().skip(9).zip([3, 1, 2]) {
        sensor.location = location;
    }
    let reports = FakeReports::new(&[
        ("ECPU0", "mJ", 5),
        ("CPU Energy", "mJ", 15_500),
        ("GPU0", "mJ", 3),
        ("GPU Energy", "nJ", 2_500_000_000),
        ("ANE", "mJ", 0),
        ("DRAM", "uJ", 750_000),
        ("ISP", "mJ", 9),
    ]);
    let currents = FakeHid::new(&[("PMU tdie1", 1500.0), ("PMU iboost", -20.0)]);
    let voltages = FakeHid::new(&[("PMU vbuck0", 850.0)]);
    Mac { temperatures, reports, currents, voltages, ..mac }
}

fn m2_max() -> Mac {
    let mut battery = battery(21, silicon_battery());
    battery.own.set("ExternalConnected", false.into());
    battery.own.set("IsCharging", false.into());
    // 64 bits keep the sign, 32 lose it.
    battery.own.set("InstantAmperage", 4_294_965_296.into());
    let mac = Mac::of(vec![
        disk(20, NVME, "disk0", "Internal", [1000, 2000]),
        disk(22, USB, "disk6", "External", [10, 20]),
        disk(23, IMAGE, "disk7", "RAM", [500, 500]),
        battery,
        silicon_gpu(24, "Apple M2 Max"),
    ]);
    let sensors: Vec<_> = (1..=14)
        .flat_map(|number| [format!("PMU tdie{number}"), format!("PMU2 tdie{number}")])
        .collect();
    let sensors: Vec<_> = sensors.iter().map(|name| (name.as_str(), 44.0)).collect();
    let reports = FakeReports::new(&[
        ("DIE_0_CPU Energy", "mJ", 1000),
        ("DIE_0_PACC0_CPU", "mJ", 900),
        ("GPU0_0", "mJ", 120),
        ("DRAM0_0", "mJ", 10),
        ("DRAM0_0", "mJ", 20),
        ("ANE0_0", "furlong", 1),
    ]);
    Mac { temperatures: FakeHid::new(&sensors), reports, rank: Rank::Instead, ..mac }
}

/// macOS 27 tells less of the battery.
fn m5() -> Mac {
    let mut own = silicon_battery();
    for key in ["AppleRawCurrentCapacity", "AppleRawMaxCapacity", "DesignCapacity", "Temperature"] {
        own.remove(key);
    }
    let mac = Mac::of(vec![
        disk(30, NVME, "disk0", "Internal", [i64::MAX, 2]),
        battery(31, own),
        silicon_gpu(32, "Apple M5"),
    ]);
    let temperatures = FakeHid::new(&[("PMU tdie1", 50.0), ("PMU TP3g", 45.0), ("", 20.0)]);
    let reports = FakeReports::new(&[("CPU Energy", "mJ", 10), ("GPU Energy", "nJ", 0)]);
    for channel in &mut reports.state().channels {
        channel.written_at_ns = Some(1);
    }
    Mac { temperatures, reports, ..mac }
}

fn mini() -> Mac {
    let own = [("BatteryInstalled", false.into()), ("ExternalConnected", true.into())];
    Mac::of(vec![
        battery(40, own.into()),
        disk(41, NVME, "disk0", "Internal", [1, 2]),
        // Two in one enclosure that does not tell them apart.
        disk(43, USB, "disk5", "External", [5, 6]),
        disk(42, USB, "disk4", "External", [3, 4]),
        silicon_gpu(44, "Apple M4"),
    ])
}

/// Everything is there, and nothing as it should be.
fn nonsense() -> Mac {
    let mut wrong = silicon_battery();
    for (_, value) in &mut wrong.0 {
        *value = Value::Other;
    }
    let mut disk = disk(50, &"deep/".repeat(90), "disk0", "Internal", [-1, 5]);
    if let Some(Value::Table(statistics)) = disk.own.get_mut("Statistics") {
        statistics.set("Operations (Read)", text("seven"));
        statistics.remove("Operations (Write)");
    }
    let mut bare = self::disk(51, NVME, "disk1\n", "", [1, 1]);
    bare.own.set("Statistics", 5.into());
    let gpu = [("Device Utilization %", 101.into()), ("In use system memory", (-4).into())];
    let mac = Mac::of(vec![
        disk,
        bare,
        battery(52, wrong),
        accelerator(53, "gpu", "\u{7}bell", gpu.into()),
    ]);
    let temperatures = FakeHid::new(&[
        ("a b", f64::NAN),
        ("a_b", f64::INFINITY),
        ("a_b#2", 1e30),
        ("a\tb", -0.0),
        ("PMU tdie1", 149.9),
    ]);
    let reports = FakeReports::new(&[("CPU Energy", "", 1), ("ANE", "mJ", -5)]);
    Mac { temperatures, reports, ..mac }
}
