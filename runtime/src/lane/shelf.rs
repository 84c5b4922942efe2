//! What a source has yielded, in the form in which it goes on: entries of a catalog, and readings.
//!
//! A shelf is a buffer and belongs to nobody: it is lent to one source after the other. What has to
//! be remembered of each source between its scan and its reads is a [`Layout`], a few bytes.
//!
//! A sensor without an entry is one that the catalog can't name: its text is refused, or there is
//! no room. It is counted as omitted, and its reading is taken out, so that the `n`-th reading is
//! always that of the `n`-th entry.

use std::fmt;
use std::ops::Range;

use kymo_platform::{Freshness, SensorInfo, Source, SourceSpec};
use kymo_protocol::{Cost, FrameError, Group, NoData, Reading, Sensor, SensorFields};

use crate::buffer::Buffer;
use crate::limits::{SHELF_BYTES_MAX, SHELF_GAPS_MAX, SHELF_SENSORS_MAX, UNTOUCHED_SIZE_MIN};

/// What an empty shelf says of the source it has never met.
const NOTHING: SourceSpec = SourceSpec {
    name: "",
    group: Group::Cpu,
    interval_ns: 1_000_000_000,
    cadence_ms: 0,
    cost: Cost::Cheap,
    may_block: false,
    is_vital: false,
};

/// Where an entry has its group and its cost, by the table of [`kymo_protocol::sensor`].
const ENTRY_FAMILY: Range<usize> = 6..8;

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
        self.spec = source.spec();
        let omitted = source.scan(&mut |sensor| self.add(sensor));
        self.omitted = self.omitted.saturating_add(omitted);
        // Once more, because a scan may change it.
        self.spec = source.spec();
        self.finish_entries();
        self.readings.resize(self.layout.len(), Err(NoData::Pending));
        self.layout.clone()
    }

    /// Reads every sensor of a source that has an entry, by the layout of the source's last scan.
    /// The entries stay as they are: those of the last scan, whichever source that was of.
    pub fn read(&mut self, source: &mut dyn Source, layout: &Layout) {
        self.readings.clear();
        // What a source passes over, it does not have.
        self.readings.resize(usize::from(layout.told), Err(NoData::Absent));
        self.spec = source.spec();
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
        self.spec = source.spec();
        self.freshness = source.look();
    }

    /// Entries of the last scan, one behind the other, each with the id 1.
    #[must_use]
    pub fn entries(&self) -> &[u8] {
        self.entries.get(..self.entries_size).unwrap_or_default()
    }

    /// A reading for each entry of the source that was read last, in their order.
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

    /// What the last source is.
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
        self.finish_entries();
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

    /// Puts into each entry what its source knows since the scan.
    fn finish_entries(&mut self) {
        let family = [self.spec.group as u8, self.spec.cost as u8];
        let mut rest = self.entries.get_mut(..self.entries_size).unwrap_or_default();
        while let Some(size) = Sensor::first(rest).map(|(_, behind)| rest.len() - behind.len()) {
            let (entry, behind) = rest.split_at_mut(size);
            if let Some(place) = entry.get_mut(ENTRY_FAMILY) {
                place.copy_from_slice(&family);
            }
            rest = behind;
        }
    }
}

/// A sensor as its entry tells it, but for its id, its group and its cost.
fn fields<'a>(sensor: &SensorInfo<'a>) -> SensorFields<'a> {
    SensorFields {
        cadence_ms: sensor.cadence_ms,
        scope: sensor.scope,
        label: sensor.label,
        attributes: sensor.attributes,
        ..SensorFields::new(1, sensor.metric, sensor.identity)
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::double::Double;

    /// Labels of the entries, each with its reading.
    fn rows(shelf: &Shelf) -> Vec<(String, Reading<f64>)> {
        let (mut rest, mut labels) = (shelf.entries(), Vec::new());
        while let Some((sensor, behind)) = Sensor::first(rest) {
            let family = (sensor.group(), sensor.cost());
            assert_eq!((sensor.id(), family), (1, (Group::Hwmon, Cost::Costly)));
            labels.push(sensor.label().to_owned());
            rest = behind;
        }
        assert!(rest.is_empty());
        assert_eq!(labels.len(), shelf.readings().len());
        labels.into_iter().zip(shelf.readings().iter().copied()).collect()
    }

    fn named(names: &[&str]) -> Double {
        Double::named(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_sensor_without_an_entry_takes_its_reading_with_it() {
        let mut shelf = Shelf::new();
        let mut source = named(&["a", "b\n", "c", "\u{7}", "e"]);
        let layout = shelf.scan(&mut source);
        let pending = ["a", "c", "e"].map(|name| (name.to_owned(), Err(NoData::Pending)));
        assert_eq!((rows(&shelf), layout.len()), (pending.to_vec(), 3));
        assert_eq!((shelf.omitted(), shelf.spec().name), (2, "double"));
        shelf.read(&mut source, &layout);
        // The double counts its sensors and its reads.
        let values = [("a", 1.0), ("c", 201.0), ("e", 401.0)];
        assert_eq!(rows(&shelf), values.map(|(name, value)| (name.to_owned(), Ok(value))));
    }

    #[test]
    fn one_shelf_serves_many_sources() {
        let mut shelf = Shelf::new();
        let (mut long, mut short) = (named(&["\n", "a", "b"]), named(&["c"]));
        let (of_long, of_short) = (shelf.scan(&mut long), shelf.scan(&mut short));
        shelf.read(&mut long, &of_long);
        assert_eq!(shelf.readings(), [Ok(101.0), Ok(201.0)]);
        shelf.read(&mut short, &of_short);
        assert_eq!(shelf.readings(), [Ok(1.0)]);
        shelf.read(&mut long, &of_long);
        assert_eq!(shelf.readings(), [Ok(102.0), Ok(202.0)]);
        shelf.look(&mut short);
        assert_eq!((shelf.readings(), shelf.freshness()), (&[][..], Freshness::Current));
    }

    #[test]
    fn what_has_no_room_is_counted_and_what_was_before_stays_right() {
        let mut shelf = Shelf::new();
        let count = usize::from(SHELF_SENSORS_MAX);
        let mut names: Vec<String> = (0..count + 7).map(|number| number.to_string()).collect();
        names[5] = "\n".into();
        let mut source = Double::named(names);
        let layout = shelf.scan(&mut source);
        assert_eq!((layout.len(), shelf.omitted()), (count - 1, 8));
        shelf.read(&mut source, &layout);
        let rows = rows(&shelf);
        assert_eq!((&*rows[5].0, rows[5].1), ("6", Ok(601.0)));
        assert_eq!(rows.last().unwrap().0, (count - 1).to_string());
        // Long ones fill the bytes before; the short one behind them could have fitted.
        let names = (0..count).map(|number| format!("{number:0250}")).chain(["s".into()]);
        let mut source = Double::named(names.collect());
        let layout = shelf.scan(&mut source);
        let taken = shelf.entries().len();
        assert!(layout.len() < count && taken <= SHELF_BYTES_MAX && taken > SHELF_BYTES_MAX - 512);
        assert_eq!(shelf.omitted() as usize, count + 1 - layout.len());
        shelf.read(&mut source, &layout);
        assert_eq!(shelf.readings().len(), layout.len());
    }

    #[test]
    fn too_many_refused_end_the_entries() {
        let mut names = vec!["\n"; SHELF_GAPS_MAX - 1];
        names.extend(["a", "\n", "b", "\n", "c"]);
        let (mut shelf, mut source) = (Shelf::new(), named(&names));
        let layout = shelf.scan(&mut source);
        assert_eq!((layout.len(), shelf.omitted() as usize), (2, SHELF_GAPS_MAX + 2));
        shelf.read(&mut source, &layout);
        assert_eq!(rows(&shelf), [("a", 701.0), ("b", 901.0)].map(|(n, v)| (n.to_owned(), Ok(v))));
    }

    #[test]
    fn what_the_tables_of_a_source_omit_counts_as_well() {
        let (mut shelf, mut source) = (Shelf::new(), named(&["a", "\n"]));
        source.gate.set(|state| state.omitted = 3);
        let layout = shelf.scan(&mut source);
        assert_eq!((layout.len(), shelf.omitted()), (1, 4));
        source.gate.set(|state| state.is_stale = true);
        shelf.read(&mut source, &layout);
        assert_eq!(shelf.freshness(), Freshness::Stale);
        let _ = shelf.scan(&mut source);
        assert_eq!(shelf.freshness(), Freshness::Current);
    }
}
