//! What sensors read, for whoever asked: the catalog, the last readings, and the stream of both.
//!
//! Nobody is read for who did not ask: [`wanted`](Samples::wanted) says which groups have a
//! subscriber, and whoever owns the sources reads those, hands in what they found and read, and
//! then has it [`published`](Samples::publish).

mod catalog;
mod ids;
mod stream;

use kymo_platform::SourceSpec;
use kymo_platform::clock::Now;
use kymo_protocol::{FrameError, Group, Groups, Reading, Sample, Sensor};

pub(crate) use stream::{Lane, Stream};

use crate::figure::Figure;
use crate::hardware::Gathering;
use crate::telemetry::Format;
use catalog::Catalog;

/// The samples; see the module.
#[derive(Debug)]
pub struct Samples {
    catalog: Catalog,
    pub(crate) stream: Stream,
    /// Subscribers of each group.
    demand: [u32; Group::ALL.len()],
    /// Groups whose first subscriber has come: bit n−1 for group n.
    begun: Groups,
    /// Groups in which something was read, or that a newcomer waits for: bit n−1 for group n.
    fresh: u16,
}

impl Samples {
    /// Room for what `sources` sources yield.
    #[must_use]
    pub fn new(sources: usize) -> Self {
        Self {
            catalog: Catalog::new(sources),
            stream: Stream::new(),
            demand: [0; Group::ALL.len()],
            begun: Groups(0),
            fresh: 0,
        }
    }

    /// The groups that somebody subscribes to.
    #[must_use]
    pub fn wanted(&self) -> Groups {
        let bits = self.demand.iter().enumerate().filter(|(_, count)| **count > 0);
        Groups(bits.fold(0, |bits, (index, _)| bits | 1 << index))
    }

    /// The groups that nobody wanted before somebody came, since this was asked.
    pub(crate) fn take_begun(&mut self) -> Groups {
        std::mem::replace(&mut self.begun, Groups(0))
    }

    /// Whether anybody subscribes.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.demand.iter().any(|count| *count > 0)
    }

    /// Takes in, or lets go, a subscriber of `groups`.
    pub(crate) fn count(&mut self, groups: Groups, is_coming: bool) {
        for (index, count) in self.demand.iter_mut().enumerate() {
            if groups.0 >> index & 1 == 0 {
                continue;
            }
            self.begun.0 |= u16::from(is_coming && *count == 0) << index;
            *count = if is_coming { *count + 1 } else { count.saturating_sub(1) };
        }
        // A newcomer is told what is known, also of what is not read again for a while.
        self.fresh |= if is_coming { groups.0 } else { 0 };
    }

    /// The newest frame of a lane, as it is written in `format` or, where the ring no longer has
    /// it, made once more in `buffer`. `None` when there are newer readings than it tells: the
    /// next one stands for it.
    pub(crate) fn newest<'a>(
        &'a self,
        lane: &Lane,
        format: Format,
        buffer: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let frame = self.stream.ring(format).get(lane.newest);
        if frame.is_some() {
            return frame;
        }
        let is_stale = self.fresh >> (lane.group as u16 - 1) & 1 != 0;
        let size = self.stream.write_newest(lane, &self.catalog, buffer).ok();
        buffer.get(..size.filter(|_| !is_stale)?)
    }

    /// Takes in what a scan of a source has found: entries back to back, whose ids mean nothing
    /// yet, and how many more there are.
    pub(crate) fn take_scan(
        &mut self,
        source: usize,
        spec: &SourceSpec,
        entries: &[u8],
        omitted: u32,
    ) {
        self.catalog.take_scan(source, spec, entries, omitted);
    }

    /// Takes in what a source has read at `read_at_ns` on the boot clock, in the order of its scan.
    pub(crate) fn take_read(
        &mut self,
        source: usize,
        group: Group,
        readings: &[Reading<f64>],
        read_at_ns: u64,
    ) {
        self.catalog.take_read(source, readings, read_at_ns);
        self.fresh |= 1 << (group as u16 - 1);
    }

    /// Says whether a source answers. While it doesn't, its sensors are `held`.
    pub(crate) fn set_held(&mut self, source: usize, group: Group, is_held: bool) {
        self.catalog.set_held(source, is_held);
        self.fresh |= 1 << (group as u16 - 1);
    }

    /// Adds what source `source` has read to the figures of the hardware.
    pub(crate) fn gather(&self, source: usize, gathering: &mut Gathering) {
        let (sensors, read_at_ns, is_held) = self.catalog.unit(source);
        for (sensor, reading) in sensors {
            gathering.add(sensor, Figure { reading, read_at_ns, is_held });
        }
    }

    /// When source `source` was read last, on the boot clock; 0 if it never was.
    pub(crate) fn read_at_ns(&self, source: usize) -> u64 {
        let (_, read_at_ns, _) = self.catalog.unit(source);
        read_at_ns
    }

    /// Every sensor with what it last read, as it is at `frame_ns`.
    pub fn sampled(&self, frame_ns: u64) -> impl Iterator<Item = (&Sensor, Sample)> {
        self.catalog.sampled(frame_ns)
    }

    /// Sensors that there are and that found no place.
    #[must_use]
    pub fn omitted(&self) -> u32 {
        self.catalog.omitted()
    }

    /// Makes frames of what was handed in, for the groups that somebody wants. `true` when the
    /// catalog is another.
    ///
    /// # Errors
    ///
    /// A [`FrameError`] when a frame does not fit where it is to go: a programmer error, since
    /// there is room for the largest.
    pub fn publish(&mut self, now: Now) -> Result<bool, FrameError> {
        let is_new = self.catalog.take_changed();
        if is_new {
            self.stream.begin(&self.catalog, now)?;
            self.fresh = Groups::ALL.0;
        }
        let due = self.fresh & self.wanted().0;
        self.fresh &= !due;
        self.stream.publish(&self.catalog, due, now)?;
        Ok(is_new)
    }
}
