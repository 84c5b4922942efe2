//! What a source has yielded, in the form in which it goes on: entries of a catalog, and readings.
//!
//! A shelf is a buffer and belongs to nobody: it is lent to one source after the other. What has to
//! be remembered of each source between its scan and its reads is a [`Layout`], a few bytes.
//!
//! A sensor without an entry is one that the catalog can't name: its text is refused, or there is
//! no room. It is counted as omitted, and its reading is taken out, so that the `n`-th reading is
//! always that of the `n`-th entry.

use std::fmt;

use kymo_platform::{Freshness, SensorInfo, Source, SourceSpec};
use kymo_protocol::{Cost, FrameError, Group, NoData, Reading, SensorFields};

use crate::buffer::Buffer;
use crate::limits::{SHELF_BYTES_MAX, SHELF_GAPS_MAX, SHELF_SENSORS_MAX, UNTOUCHED_SIZE_MIN};

/// What an empty shelf says of the source it has never met.
const NOTHING: SourceSpec = SourceSpec {
    name: "",
    group: Group::Cpu,
    interval_ns: u64::MAX,
    cadence_ms: 0,
    cost: Cost::Cheap,
    may_block: false,
};

/// Which of a source's sensors have entries, as its last scan left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Sensors from the first on that have entries, or are gaps between such.
    told: u16,
    /// Those without an entry, ascending.
    gaps: heapless::Vec<u16, SHELF_GAPS_MAX>,
}

impl Layout {
    /// How many sensors have entries, and so readings.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.told).saturating_sub(self.gaps.len())
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What one scan, read or look has yielded; see the module.
///
/// ```
/// use kymo::lane::Shelf;
/// use kymo_platform::{Roots, this_machine_sources};
///
/// let mut shelf = Shelf::new();
/// for mut source in this_machine_sources(&Roots::default()) {
///     let layout = shelf.scan(&mut *source);
///     shelf.read(&mut *source, &layout);
///     assert_eq!(shelf.readings().len(), layout.len());
/// }
/// ```
pub struct Shelf {
    entries: Buffer,
    entries_size: usize,
    /// Never grows beyond what it was made with.
    readings: Vec<Reading<f64>>,
    /// Of the last scan, even of one that did not end.
    layout: Layout,
    omitted: u32,
    freshness: Freshness,
    spec: SourceSpec,
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new()
    }
}

impl Shelf {
    /// An empty shelf, with all the memory it will ever need.
    #[must_use]
    pub fn new() -> Self {
        // Memory that is only reserved is resident where it is used.
        let untouched = UNTOUCHED_SIZE_MIN / size_of::<Reading<f64>>();
        Self {
            entries: Buffer::new(SHELF_BYTES_MAX),
            entries_size: 0,
            readings: Vec::with_capacity(untouched.max(usize::from(SHELF_SENSORS_MAX))),
            layout: Layout::default(),
            omitted: 0,
            freshness: Freshness::Current,
            spec: NOTHING,
        }
    }

    /// Looks for a source's sensors anew. Each reads as pending until it is read.
    #[must_use]
    pub fn scan(&mut self, source: &mut dyn Source) -> Layout {
        self.clear();
        let omitted = source.scan(&mut |sensor| self.add(sensor));
        self.omitted = self.omitted.saturating_add(omitted);
        // Only now, because a scan may change it, and the entries with it.
        self.set_spec(source.spec());
        self.readings.resize(self.layout.len(), Err(NoData::Pending));
        self.layout.clone()
    }

    /// Reads every sensor of a source that has an entry, by the layout of the source's last scan.
    /// The entries stay as they are: those of the last scan, whichever source that was of.
    pub fn read(&mut self, source: &mut dyn Source, layout: &Layout) {
        self.readings.clear();
        // What a source passes over, it does not have.
        self.readings.resize(usize::from(layout.told), Err(NoData::Absent));
        self.freshness = source.read(&mut self.readings);
        let (mut gaps, mut index) = (layout.gaps.iter().peekable(), 0_u16);
        self.readings.retain(|_| {
            let is_gap = gaps.next_if_eq(&&index).is_some();
            index = index.saturating_add(1);
            !is_gap
        });
    }

    /// Asks a source whether hardware came or went. There are no readings then.
    pub fn look(&mut self, source: &mut dyn Source) {
        self.readings.clear();
        self.freshness = source.look();
    }

    /// Entries of the last scan, one behind the other, each with the id 1.
    #[must_use]
    pub fn entries(&self) -> &[u8] {
        self.entries.get(..self.entries_size).unwrap_or_default()
    }

    /// A reading for each entry of the source that was read last, in their order.
    #[must_use]
    pub fn readings(&self) -> &[Reading<f64>] {
        &self.readings
    }

    /// Sensors that the last scan found and that have no entry.
    #[must_use]
    pub fn omitted(&self) -> u32 {
        self.omitted
    }

    /// What the last read or look said, or that a scan came after it.
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// What the source of the last scan is, since that scan.
    #[must_use]
    pub fn spec(&self) -> SourceSpec {
        self.spec
    }

    /// Leaves nothing of the source before.
    pub(super) fn clear(&mut self) {
        self.readings.clear();
        self.layout.told = 0;
        self.layout.gaps.clear();
        (self.entries_size, self.omitted) = (0, 0);
        (self.freshness, self.spec) = (Freshness::Current, NOTHING);
    }

    /// What is left of a source that did not come to the end of a call: a fault in every reading.
    /// With no layout it was a scan, and the sensors are those it had told.
    pub(super) fn fail(&mut self, layout: Option<&Layout>) -> Layout {
        let layout = layout.unwrap_or(&self.layout).clone();
        self.readings.clear();
        self.readings.resize(layout.len(), Err(NoData::Fault));
        self.freshness = Freshness::Current;
        layout
    }

    fn add(&mut self, sensor: &SensorInfo<'_>) {
        let Layout { told, gaps } = &mut self.layout;
        let is_closed = self.omitted as usize > gaps.len();
        let outcome = if is_closed || *told == SHELF_SENSORS_MAX {
            Err(FrameError::Short)
        } else {
            let room = self.entries.get_mut(self.entries_size..).unwrap_or_default();
            fields(sensor).write(room)
        };
        match outcome {
            Ok(size) => self.entries_size += size,
            Err(error) => {
                self.omitted = self.omitted.saturating_add(1);
                // Behind one for which there is no room, all are left out: they need no gaps.
                if error == FrameError::Short || gaps.push(*told).is_err() {
                    return;
                }
            }
        }
        *told += 1;
    }

    /// Group and cost are a source's and stand in each entry.
    fn set_spec(&mut self, spec: SourceSpec) {
        self.spec = spec;
        let mut at = 0;
        while let Some(entry) = self.entries.get_mut(at..self.entries_size) {
            let Some(size) = SensorFields::set_family(entry, spec.group, spec.cost) else { break };
            at += size;
        }
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// What a catalog says of a sensor that a scan has told.
fn fields<'a>(sensor: &SensorInfo<'a>) -> SensorFields<'a> {
    SensorFields {
        cadence_ms: sensor.cadence_ms,
        scope: sensor.scope,
        label: sensor.label,
        attributes: sensor.attributes,
        ..SensorFields::new(1, sensor.metric, sensor.identity)
    }
}
