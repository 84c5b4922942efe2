//! Processors, disks, file systems and interfaces, put together from the sensors of each.

use std::collections::BTreeMap;

use kymo_client::{Group, Sensor};

use crate::clean::clean;

/// A processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// Its number.
    pub number: u32,
    /// The sensor of its busy share.
    pub usage: Option<u16>,
    /// The sensor of its clock.
    pub frequency: Option<u16>,
}

/// A file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSystem {
    /// Where it is mounted.
    pub mount: String,
    /// The sensor of the share in use.
    pub share: Option<u16>,
    /// The sensor of the bytes in use.
    pub used: Option<u16>,
    /// The sensor of the bytes in all.
    pub limit: Option<u16>,
}

/// A disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Its name.
    pub name: String,
    /// The sensor of bytes read.
    pub read: Option<u16>,
    /// The sensor of bytes written.
    pub written: Option<u16>,
    /// The sensor of the time with anything under way.
    pub busy: Option<u16>,
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The sensor of bytes received.
    pub received: Option<u16>,
    /// The sensor of bytes sent.
    pub sent: Option<u16>,
}

/// All of them; see the module. Texts have no characters that a terminal would act on.
#[derive(Clone, Debug, Default)]
pub struct Places {
    pub cores: Vec<Core>,
    pub file_systems: Vec<FileSystem>,
    pub disks: Vec<Disk>,
    pub interfaces: Vec<Interface>,
    /// Parts of memory and their sensors.
    pub memory: Vec<(String, u16)>,
}

impl Places {
    /// What these sensors belong to.
    pub fn of(sensors: &[Sensor]) -> Self {
        let mut cores = BTreeMap::new();
        let (mut file_systems, mut disks, mut interfaces) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut memory = Vec::new();
        for sensor in sensors {
            match sensor.group {
                Group::Cpu => add_core(&mut cores, sensor),
                Group::Filesystem => add_file_system(&mut file_systems, sensor),
                Group::Disk => add_disk(&mut disks, sensor),
                Group::Network => add_interface(&mut interfaces, sensor),
                Group::Memory => memory.extend(memory_part(sensor)),
                _ => {}
            }
        }
        Self {
            cores: cores.into_values().collect(),
            file_systems: file_systems.into_values().collect(),
            disks: disks.into_values().collect(),
            interfaces: interfaces.into_values().collect(),
            memory,
        }
    }
}

/// The value of an attribute.
pub fn attribute<'a>(sensor: &'a Sensor, key: &str) -> Option<&'a str> {
    sensor.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

fn cleaned(text: &str) -> String {
    clean(text.chars())
}

fn add_core(cores: &mut BTreeMap<u32, Core>, sensor: &Sensor) {
    let number = attribute(sensor, "cpu.logical_number").and_then(|text| text.parse().ok());
    let Some(number) = number else { return };
    let is_usage = sensor.name == "system.cpu.utilization";
    if !is_usage && sensor.name != "system.cpu.frequency" {
        return;
    }
    let none = Core { number, usage: None, frequency: None };
    let core = cores.entry(number).or_insert(none);
    *(if is_usage { &mut core.usage } else { &mut core.frequency }) = Some(sensor.id);
}

fn add_file_system(found: &mut BTreeMap<String, FileSystem>, sensor: &Sensor) {
    let Some(mount) = attribute(sensor, "system.filesystem.mountpoint") else { return };
    let state = attribute(sensor, "system.filesystem.state");
    let system = found.entry(mount.into()).or_default();
    system.mount = cleaned(mount);
    match sensor.name.as_str() {
        "system.filesystem.utilization" => system.share = Some(sensor.id),
        "system.filesystem.limit" => system.limit = Some(sensor.id),
        "system.filesystem.usage" if state == Some("used") => system.used = Some(sensor.id),
        _ => {}
    }
}

fn add_disk(found: &mut BTreeMap<String, Disk>, sensor: &Sensor) {
    let Some(name) = attribute(sensor, "system.device") else { return };
    let disk = found.entry(name.into()).or_default();
    disk.name = cleaned(name);
    match (sensor.name.as_str(), attribute(sensor, "disk.io.direction")) {
        ("system.disk.io", Some("read")) => disk.read = Some(sensor.id),
        ("system.disk.io", Some("write")) => disk.written = Some(sensor.id),
        ("system.disk.io_time", _) => disk.busy = Some(sensor.id),
        _ => {}
    }
}

fn add_interface(found: &mut BTreeMap<String, Interface>, sensor: &Sensor) {
    let Some(name) = attribute(sensor, "network.interface.name") else { return };
    let interface = found.entry(name.into()).or_default();
    interface.name = cleaned(name);
    match (sensor.name.as_str(), attribute(sensor, "network.io.direction")) {
        ("system.network.io", Some("receive")) => interface.received = Some(sensor.id),
        ("system.network.io", Some("transmit")) => interface.sent = Some(sensor.id),
        _ => {}
    }
}

fn memory_part(sensor: &Sensor) -> Option<(String, u16)> {
    let state = match sensor.name.as_str() {
        "system.memory.usage" => attribute(sensor, "system.memory.state")?,
        "system.linux.memory.available" | "kymo.memory.available" => "available",
        _ => return None,
    };
    Some((cleaned(state), sensor.id))
}
