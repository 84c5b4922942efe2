//! What yields sensors: one file, one class of devices, one chip.
//!
//! A [`Source`] is looked through with `scan`, which tells what sensors there are, and then read as
//! often as somebody cares. Neither allocates. How often a source may be read, what that costs and
//! whether it can block stands in its [`SourceSpec`]; with which files, in docs/PLATFORM.md.

pub(crate) use kymo_protocol::Scope;
use std::fmt;

use kymo_protocol::{Cost, Group, Metric, Reading};

/// What a source is. It may change with a scan, because a chip's place can be taken by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceSpec {
    /// Its name in the status and in the documents.
    pub name: &'static str,
    /// The family of its sensors.
    pub group: Group,
    /// It is never to be read again sooner than after this.
    pub interval_ns: u64,
    /// How often its values can change; 0 is unknown.
    pub cadence_ms: u32,
    /// What a read costs.
    pub cost: Cost,
    /// Whether a read may take longer than the kernel's own work: a bus, a server, the firmware.
    pub may_block: bool,
    /// Whether vitals tell of its sensors too: it is read for who subscribes to them as well.
    pub is_vital: bool,
}

/// A sensor, as a scan finds it.
#[derive(Clone, Copy, Debug)]
pub struct SensorInfo<'a> {
    /// What it measures.
    pub metric: &'static Metric,
    /// What people call it; never empty.
    pub label: &'a str,
    /// OpenTelemetry attributes, which tell sensors of one metric apart.
    pub attributes: &'a [(&'a str, &'a str)],
    /// The same after every boot and however devices are numbered, and no other sensor's.
    pub identity: &'a str,
    /// How often its value can change; 0 is unknown.
    pub cadence_ms: u32,
    /// Whose quantity it is.
    pub scope: Scope,
}

/// Whether the last scan still describes a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Freshness {
    /// It does.
    Current,
    /// Hardware came or went: scan again. Sensors that are gone have read as absent.
    Stale,
}

impl Freshness {
    /// Stale if so.
    pub const fn stale_if(stale: bool) -> Self {
        if stale { Self::Stale } else { Self::Current }
    }
}

/// A driver that yields many sensors at once.
///
/// The order of calls is `scan`, with a `look` before it if wished, then `read` and `look` as often
/// as wished; `scan` again when one of them said [`Freshness::Stale`]. Before the first scan there
/// is no sensor.
///
/// ```
/// use kymo_platform::{Freshness, Roots, this_machine_sources};
/// use kymo_protocol::NoData;
///
/// for mut source in this_machine_sources(&Roots::default()) {
///     let mut count = 0;
///     source.scan(&mut |sensor| {
///         println!("{} {}", sensor.identity, sensor.metric.name);
///         count += 1;
///     });
///     let mut readings = vec![Err(NoData::Pending); count];
///     if source.read(&mut readings) == Freshness::Current {
///         println!("{}: {readings:?}", source.spec().name);
///     }
/// }
/// ```
pub trait Source: Send {
    /// What it is.
    fn spec(&self) -> SourceSpec;

    /// Looks for sensors anew and tells each of them to `found`, in the order in which `read`
    /// writes them. Returns how many there are besides that its tables have no room for.
    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32;

    /// Reads every sensor now: `readings[i]` belongs to the `i`-th of the last scan. What there is
    /// no room for in `readings` is not told.
    ///
    /// # Errors
    ///
    /// Each reading is a number or the reason why there is none: one that fails takes no other with
    /// it.
    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness;

    /// How long before the last read its readings were taken, in nanoseconds: for what does not
    /// read itself, such as a recording.
    fn age_ns(&self) -> u64 {
        0
    }

    /// Whether hardware came or went, without a read: asks the kernel for names, never a device.
    /// Before the first scan: whether there is some.
    /// Worth a call every ten seconds or so, of sources whose reads don't notice newcomers.
    fn look(&mut self) -> Freshness {
        Freshness::Current
    }
}

// Not a bound: then every program would carry what prints each driver's tables.
impl fmt::Debug for dyn Source + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.spec().name).finish()
    }
}
