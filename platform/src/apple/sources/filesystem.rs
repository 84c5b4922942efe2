//! Space and inodes of every file system that holds data.
//!
//! The one that people write to below `/` is a source of its own, and so are those of other
//! machines, which may never answer. Which there are is told by the kernel without asking any of
//! them; they are asked by path, and only while the table of mounts is the one that was scanned,
//! because an automounter would mount anew what was asked for. A container of APFS counts once.

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use crate::apple::kernel::mount::{self, Medium, Mount, Space};
use crate::apple::kernel::{Kernel, Refusal};
use crate::apple::machine::root;
use crate::phrase::Phrase;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

/// More mounts than that are left out, and counted.
const MOUNTS_MAX: usize = 96;
/// A path that is longer is left out: its file system is counted as omitted.
const PATH_SIZE_MAX: usize = 255;

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

static QUANTITIES: [Quantity; 7] = [
    Quantity(known(40), Some("used"), "used"),
    Quantity(known(40), Some("free"), "available"),
    Quantity(known(40), Some("reserved"), "reserved"),
    Quantity(known(41), None, "size"),
    Quantity(known(42), None, "utilization"),
    Quantity(known(43), Some("used"), "inodes used"),
    Quantity(known(43), Some("free"), "inodes free"),
];
const SENSORS_EACH: u32 = 7;
const _: () = assert!(QUANTITIES.len() == SENSORS_EACH as usize);

type MountPoint = heapless::CString<{ PATH_SIZE_MAX + 1 }>;

/// Which of the file systems a source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Root,
    Local,
    Remote,
}

/// File systems of one part.
pub(super) struct Filesystems {
    part: Part,
    kernel: Box<dyn Kernel>,
    /// Every mount as the kernel last told it; none for the root, which is found by its path.
    table: Vec<u8>,
    /// So many of them.
    count: usize,
    record: Box<[u8; mount::SIZE]>,
    /// Never grow beyond what they were made with.
    points: Vec<MountPoint>,
    pools: Vec<u64>,
    /// Tells the table that was scanned from others.
    scanned: u64,
}

impl Filesystems {
    pub(super) fn new(kernel: Box<dyn Kernel>, part: Part) -> Self {
        let count = if part == Part::Root { 0 } else { MOUNTS_MAX };
        Self {
            part,
            kernel,
            table: vec![0; count * mount::SIZE],
            count: 0,
            record: Box::new([0; mount::SIZE]),
            points: Vec::with_capacity(count),
            pools: Vec::with_capacity(count + 1),
            scanned: 0,
        }
    }

    /// Takes the table from the kernel; says how many mounts it has no room for.
    fn list(&mut self) -> Result<usize, Refusal> {
        let count = self.kernel.mounts(&mut self.table)?;
        self.count = count.min(MOUNTS_MAX);
        Ok(count - self.count)
    }

    /// A number that another table won't have.
    fn signature(&self) -> u64 {
        mounts(&self.table, self.count).fold(1, |all, mount| {
            let texts = [mount.point, mount.source, mount.kind];
            texts.into_iter().fold(all, |all, text| hash(text, all))
        })
    }

    fn scan_root(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        if root(&mut *self.kernel, &mut self.record).is_ok()
            && let Some(mount) = Mount::parse(&self.record[..])
        {
            tell(ROOT, &mount, "/", found);
            self.scanned = 1;
        }
        0
    }

    fn scan_table(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let Ok(beyond) = self.list() else { return 0 };
        self.scanned = self.signature();
        let spec = self.spec();
        let (wanted, mut omitted) = match self.part {
            Part::Remote => (Medium::Remote, 0),
            // What they are is not known; they are counted here.
            _ => (Medium::Local, u32::try_from(beyond).unwrap_or(u32::MAX)),
        };
        omitted = omitted.saturating_mul(SENSORS_EACH);
        let Self { table, count, points, pools, .. } = self;
        // The root's container is another source's.
        let of_root = mounts(table, *count).filter(|mount| mount.medium() == Medium::Root);
        let of_root = of_root.map(|mount| hash(mount.pool(), 0));
        // Two mounts are of the root, `/` and its writable half, and they share one.
        pools.extend(of_root.take(1));
        for mount in mounts(table, *count).filter(|mount| mount.medium() == wanted) {
            let pool = hash(mount.pool(), 0);
            if pools.contains(&pool) {
                continue;
            }
            match mount_point(mount.point) {
                // There is room for all that the table holds.
                Some(point) if points.len() < points.capacity() => {
                    let name = Phrase::new().with_bytes(mount.point);
                    tell(spec, &mount, name.as_str(), found);
                    points.push(point);
                    pools.push(pool);
                }
                _ => omitted = omitted.saturating_add(SENSORS_EACH),
            }
        }
        omitted
    }

    fn ask(&mut self, place: usize) -> Result<[Reading<f64>; 7], Refusal> {
        let Self { kernel, points, record, .. } = self;
        let Some(point) = points.get(place) else {
            root(&mut **kernel, record)?;
            return Ok(space(&record[..]));
        };
        kernel.space(point.as_c_str(), record)?;
        // What was unmounted meanwhile leaves the folder of another one.
        let is_it = Mount::parse(&record[..]).is_some_and(|found| found.point == point.to_bytes());
        if is_it { Ok(space(&record[..])) } else { Err(Refusal::Absent) }
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
        self.points.clear();
        self.pools.clear();
        self.scanned = 0;
        if self.part == Part::Root { self.scan_root(found) } else { self.scan_table(found) }
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let is_root = self.part == Part::Root;
        if !is_root && self.look() == Freshness::Stale {
            return Freshness::Stale;
        }
        let count = if is_root { usize::from(self.scanned != 0) } else { self.points.len() };
        for (place, readings) in readings.chunks_mut(QUANTITIES.len()).take(count).enumerate() {
            match self.ask(place) {
                Ok(values) => readings.iter_mut().zip(values).for_each(|(to, from)| *to = from),
                Err(refusal) => readings.fill(Err(refusal.reason())),
            }
        }
        Freshness::Current
    }

    fn look(&mut self) -> Freshness {
        if self.part == Part::Root {
            let is_there = root(&mut *self.kernel, &mut self.record).is_ok();
            return Freshness::stale_if(is_there && self.scanned == 0);
        }
        // A table that can't be had says nothing of what there is.
        Freshness::stale_if(self.list().is_ok() && self.signature() != self.scanned)
    }
}

/// The first mounts of a table.
fn mounts(table: &[u8], count: usize) -> impl Iterator<Item = Mount<'_>> {
    let records = table.as_chunks::<{ mount::SIZE }>().0.iter().take(count);
    records.filter_map(|record| Mount::parse(record))
}

/// FNV-1a.
fn hash(text: &[u8], before: u64) -> u64 {
    text.iter().fold(before ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn mount_point(point: &[u8]) -> Option<MountPoint> {
    let mut path = heapless::Vec::<u8, { PATH_SIZE_MAX + 1 }>::from_slice(point).ok()?;
    path.push(0).ok()?;
    MountPoint::from_bytes_with_nul(&path).ok()
}

fn tell(spec: SourceSpec, mount: &Mount<'_>, name: &str, found: &mut dyn FnMut(&SensorInfo<'_>)) {
    let kind = Phrase::new().with_bytes(mount.kind);
    let source = Phrase::new().with_bytes(mount.source);
    for Quantity(metric, state, what) in &QUANTITIES {
        // The mount point is what stays when disks are renamed.
        let identity = Phrase::new().with("filesystem").with(name).with("/");
        let attributes = [
            ("system.device", source.as_str()),
            ("system.filesystem.mountpoint", name),
            ("system.filesystem.type", kind.as_str()),
            ("system.filesystem.mode", if mount.is_read_only() { "ro" } else { "rw" }),
            ("system.filesystem.state", state.unwrap_or_default()),
        ];
        let count = 4 + usize::from(state.is_some());
        found(&SensorInfo {
            metric,
            label: Phrase::new().with(name).with(" ").with(what).as_str(),
            attributes: attributes.get(..count).unwrap_or_default(),
            identity: identity.with_name(what).as_str(),
            cadence_ms: spec.cadence_ms,
            scope: Scope::Host,
        });
    }
}

/// A file system that doesn't count has nothing to tell; more free than there is can't be.
fn space(record: &[u8]) -> [Reading<f64>; 7] {
    let Some(space) = Space::parse(record) else { return [Err(NoData::Fault); 7] };
    let counted = if space.blocks > 0 { Ok(()) } else { Err(NoData::Absent) };
    let bytes = |blocks: u64| counted.map(|()| blocks as f64 * space.block_size as f64);
    let used = space.blocks - space.free;
    let fillable = used.saturating_add(space.available);
    let inodes = match space.inodes.checked_sub(space.inodes_free) {
        _ if space.inodes == 0 => Err(NoData::Absent),
        Some(used) => Ok((used as f64, space.inodes_free as f64)),
        None => Err(NoData::Fault),
    };
    [
        bytes(used),
        bytes(space.available),
        bytes(space.free.saturating_sub(space.available)),
        bytes(space.blocks),
        // As df has it: of what ordinary users can fill.
        counted.map(|()| if fillable > 0 { used as f64 / fillable as f64 } else { 0.0 }),
        inodes.map(|(used, _)| used),
        inodes.map(|(_, free)| free),
    ]
}
