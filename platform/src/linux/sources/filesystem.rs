//! Space and inodes of every file system that holds data.
//!
//! The root is a source of its own, and so are those of other machines, which may never answer.
//! They are asked by path, because an open descriptor would keep them from being unmounted; and
//! only while the table of mounts is the one that was scanned, because an automounter would mount
//! anew what was asked for. One file system counts once, however often it is mounted.

use std::path::Path;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};
use nix::errno::Errno;
use nix::sys::statvfs::{Statvfs, statvfs};

use super::mounts::{Medium, Mount, unescape};
use super::rows::hash;
use crate::linux::file::{File, reason};
use crate::phrase::Phrase;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

/// More file systems than that are left out, and counted.
const MOUNTS_MAX: usize = 64;
/// A path that is longer is left out: its file system is counted as omitted. An identity has room
/// for it, and for what tells paths apart that look alike; one that is cut would be another's.
const PATH_SIZE_MAX: usize = 256 - "filesystem-remote#18446744073709551615/inodes used".len();
/// Holds a line of mountinfo: two paths, and the options of many overlays.
const TEXT_SIZE: usize = 8192;

const LOCAL: SourceSpec = SourceSpec {
    name: "filesystem",
    group: Group::Filesystem,
    interval_ns: 1_000_000_000,
    cadence_ms: 1,
    cost: Cost::Cheap,
    // A disk that hangs holds up whoever asks for what stands on it.
    may_block: true,
    is_vital: false,
};
const ROOT: SourceSpec = SourceSpec { name: "filesystem-root", may_block: false, ..LOCAL };
const REMOTE: SourceSpec = SourceSpec {
    name: "filesystem-remote",
    interval_ns: 10_000_000_000,
    cost: Cost::Costly,
    ..LOCAL
};

struct Quantity(&'static Metric, Option<&'static str>, &'static str);

const SPACE: &Metric = known(40);
const INODES: &Metric = known(43);
static QUANTITIES: [Quantity; 7] = [
    Quantity(SPACE, Some("used"), "used"),
    Quantity(SPACE, Some("free"), "available"),
    Quantity(SPACE, Some("reserved"), "reserved"),
    Quantity(known(41), None, "size"),
    Quantity(known(42), None, "utilization"),
    Quantity(INODES, Some("used"), "inodes used"),
    Quantity(INODES, Some("free"), "inodes free"),
];

const SENSORS_EACH: u32 = 7;
const _: () = assert!(QUANTITIES.len() == SENSORS_EACH as usize);

type MountPoint = heapless::CString<{ PATH_SIZE_MAX + 1 }>;
type DeviceNumber = heapless::Vec<u8, 24>;

/// Which of the file systems a source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Root,
    Local,
    Remote,
}

/// File systems of one part.
#[derive(Debug)]
pub(super) struct Filesystems {
    part: Part,
    mountinfo: File,
    /// Never grow beyond what they were made with.
    points: Vec<MountPoint>,
    devices: Vec<DeviceNumber>,
    /// Of the table that was scanned, and whether the kernel has told of another since.
    table: u64,
    has_changed: bool,
}

impl Filesystems {
    pub(super) fn new(proc_root: &Path, part: Part) -> Self {
        let count = if part == Part::Root { 1 } else { MOUNTS_MAX };
        Self {
            part,
            mountinfo: File::new(proc_root, "self/mountinfo"),
            points: Vec::with_capacity(count),
            devices: Vec::with_capacity(count),
            table: 0,
            has_changed: false,
        }
    }

    /// Hands every mount of this part to `each`; returns a number that another table won't have.
    fn mounts(&mut self, each: &mut dyn FnMut(&Mount<'_>)) -> u64 {
        let (mut table, part) = (0u64, self.part);
        let mut text = [0; TEXT_SIZE];
        let _ = self.mountinfo.read_lines(&mut text, &mut |line| {
            table = line.iter().fold(table.wrapping_add(1), |table, byte| {
                (table ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
            let Some(mount) = Mount::parse(line) else { return };
            let its_part = match mount.medium() {
                Medium::None => return,
                Medium::Local if mount.point == b"/" => Part::Root,
                Medium::Local => Part::Local,
                Medium::Remote => Part::Remote,
            };
            if its_part == part {
                each(&mount);
            }
        });
        table
    }
}

impl Source for Filesystems {
    fn spec(&self) -> SourceSpec {
        match self.part {
            Part::Root => ROOT,
            Part::Local => LOCAL,
            Part::Remote => REMOTE,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let mut points = std::mem::take(&mut self.points);
        let mut devices = std::mem::take(&mut self.devices);
        points.clear();
        devices.clear();
        // Asked before the table is read, so that no change falls in between.
        let _ = self.mountinfo.has_event();
        self.has_changed = false;
        let (spec, mut omitted) = (self.spec(), 0);
        // The root's device is known to no other part, so it is taken from the table first.
        let mut root = DeviceNumber::new();
        if self.part != Part::Root {
            let part = std::mem::replace(&mut self.part, Part::Root);
            self.mounts(&mut |mount| root = device_number(mount));
            self.part = part;
        }
        // Whole file systems first, then those of which only a part is mounted.
        for whole in [true, false] {
            self.table = self.mounts(&mut |mount| {
                let device = device_number(mount);
                if (mount.root == b"/") != whole || device == root || devices.contains(&device) {
                    return;
                }
                match mount_point(mount) {
                    // Of mounts on top of each other, one answers for all.
                    Some(point) if points.contains(&point) => {}
                    Some(point) if points.len() < points.capacity() => {
                        tell(spec, mount, &point, found);
                        points.push(point);
                        devices.push(device);
                    }
                    _ => omitted += SENSORS_EACH,
                }
            });
        }
        (self.points, self.devices) = (points, devices);
        omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        if self.part != Part::Root {
            self.has_changed |= self.mountinfo.has_event();
            if self.has_changed {
                return Freshness::Stale;
            }
        }
        for (point, readings) in self.points.iter().zip(readings.chunks_mut(QUANTITIES.len())) {
            match ask(point) {
                Ok(space) => {
                    readings.iter_mut().zip(space).for_each(|(reading, value)| *reading = value);
                }
                Err(reason) => readings.fill(Err(reason)),
            }
        }
        Freshness::Current
    }

    fn look(&mut self) -> Freshness {
        Freshness::stale_if(self.mounts(&mut |_| {}) != self.table)
    }
}

fn device_number(mount: &Mount<'_>) -> DeviceNumber {
    DeviceNumber::from_slice(mount.device).unwrap_or_default()
}

fn mount_point(mount: &Mount<'_>) -> Option<MountPoint> {
    let mut path = heapless::Vec::<u8, { PATH_SIZE_MAX + 1 }>::new();
    let mut whole = true;
    unescape(mount.point, &mut |byte| whole &= path.push(byte).is_ok());
    whole &= path.push(0).is_ok();
    MountPoint::from_bytes_with_nul(&path).ok().filter(|_| whole)
}

fn tell(
    spec: SourceSpec,
    mount: &Mount<'_>,
    point: &MountPoint,
    found: &mut dyn FnMut(&SensorInfo<'_>),
) {
    let name = Phrase::new().with_bytes(point.to_bytes());
    let kind = Phrase::new().with_bytes(mount.kind);
    let source = Phrase::new().with_bytes(mount.source);
    // The mount point is what stays when disks are renamed. A server's may lie over a disk's.
    let start = if spec.name == REMOTE.name { REMOTE.name } else { LOCAL.name };
    let mut place = Phrase::new().with(start).with(name.as_str());
    if name.as_str().as_bytes() != point.to_bytes() {
        // What can't be shown tells it from another.
        place = place.with("#").with_number(hash(point.to_bytes()));
    }
    for Quantity(metric, state, what) in &QUANTITIES {
        let label = name.clone().with(" ").with(what);
        let identity = place.clone().with("/").with_name(what);
        let attributes = [
            ("system.device", source.as_str()),
            ("system.filesystem.mountpoint", name.as_str()),
            ("system.filesystem.type", kind.as_str()),
            ("system.filesystem.mode", if mount.read_only { "ro" } else { "rw" }),
            ("system.filesystem.state", state.unwrap_or_default()),
        ];
        let count = 4 + usize::from(state.is_some());
        found(&SensorInfo {
            metric,
            label: label.as_str(),
            attributes: attributes.get(..count).unwrap_or_default(),
            identity: identity.as_str(),
            cadence_ms: spec.cadence_ms,
            scope: Scope::Host,
        });
    }
}

type Space = [Reading<f64>; QUANTITIES.len()];

fn ask(point: &MountPoint) -> Reading<Space> {
    loop {
        match statvfs(point.as_c_str()) {
            Err(Errno::EINTR) => {}
            result => return Ok(space(&result.map_err(reason)?)),
        }
    }
}

// On some architectures these are narrower than 64 bits.
#[allow(clippy::useless_conversion)]
fn space(found: &Statvfs) -> Space {
    let blocks = |count| u64::from(count) as f64 * u64::from(found.fragment_size()) as f64;
    let (size, free) = (blocks(found.blocks()), blocks(found.blocks_free()));
    let inodes = (u64::from(found.files()) as f64, u64::from(found.files_free()) as f64);
    values(size, free, blocks(found.blocks_available()), inodes)
}

/// A file system that doesn't count has nothing to tell; more free than there is can't be.
fn values(size: f64, free: f64, available: f64, (inodes, inodes_free): (f64, f64)) -> Space {
    let counted = |whole: f64, part: f64| match part <= whole {
        _ if whole <= 0.0 => Err(NoData::Absent),
        true => Ok(()),
        false => Err(NoData::Fault),
    };
    let space = counted(size, free).and_then(|()| counted(size, available));
    let inodes_known = counted(inodes, inodes_free);
    let used = size - free;
    // As df has it: of what ordinary users can fill.
    let share = if used + available > 0.0 { used / (used + available) } else { 0.0 };
    [
        space.map(|()| used),
        space.map(|()| available),
        space.map(|()| (free - available).max(0.0)),
        space.map(|()| size),
        space.map(|()| share),
        inodes_known.map(|()| inodes - inodes_free),
        inodes_known.map(|()| inodes_free),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_blocks_are_neither_used_nor_available() {
        let space = values(100.0, 40.0, 35.0, (10.0, 7.0));
        let share = 60.0 / 95.0;
        assert_eq!(space, [60.0, 35.0, 5.0, 100.0, share, 3.0, 7.0].map(Ok));
        let full = values(100.0, 0.0, 0.0, (0.0, 0.0));
        assert_eq!(full[4], Ok(1.0));
        assert_eq!(full[5..], [Err(NoData::Absent); 2]);
        assert_eq!(values(0.0, 0.0, 0.0, (0.0, 0.0)), [Err(NoData::Absent); 7]);
        let absurd = values(100.0, 101.0, 35.0, (5.0, 6.0));
        assert_eq!(absurd, [Err(NoData::Fault); 7]);
    }
}
