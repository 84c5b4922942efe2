//! The samples stream: the catalog as frames, and for each group the newest frame of each part.
//!
//! A *lane* is one part of one group. A subscriber that is not asked to get every frame gets the
//! newest of each lane, so a lane is named by its place in a set of at most 64. A new topology
//! begins the lanes anew.

use kymo_platform::clock::Now;
use kymo_protocol::json::{LineOptions, write_line};
use kymo_protocol::limits::{CATALOG_LINE_MAX, SAMPLES_LINE_MAX, SAMPLES_MAX};
use kymo_protocol::{
    CatalogPart, CatalogWriter, Frame, FrameError, Group, Groups, Pushed, Samples as SamplesFrame,
    SamplesOf, Stamp,
};

use super::catalog::Catalog;
use crate::buffer::Buffer;
use crate::limits::{
    BATCH_FRAMES_MAX, CATALOG_FRAMES_MAX, CATALOG_PART_SIZE, CATALOG_SIZE_MAX, LANES_MAX,
    SAMPLES_LINES_SIZE, SAMPLES_PART_LINE_MAX, SAMPLES_PER_PART, SAMPLES_RING_SIZE,
};
use crate::ring::Ring;
use crate::telemetry::{Format, clock_map};

/// Frames in each ring at most.
const FRAMES_MAX: usize = 256;
/// Bytes of a line without its samples, and of each sample in it.
const LINE_HEAD_MAX: usize = 512;
const SAMPLE_TEXT_MAX: usize = SAMPLES_LINE_MAX / SAMPLES_MAX;

const _: () = assert!(LINE_HEAD_MAX + SAMPLE_TEXT_MAX * SAMPLES_PER_PART <= SAMPLES_PART_LINE_MAX);

/// Frames of every lane that a ring remembers.
const ROUNDS: usize = 4;
/// Bytes of a frame of the catalog that are no entries.
const CATALOG_HEAD_SIZE: usize = 64;

/// One part of one group.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// Its group.
    pub group: Group,
    /// From 1.
    part: u8,
    parts: u8,
    count: usize,
    /// Sequence of its newest frame; 0 is none.
    pub newest: u64,
    /// When that was made, on the boot clock.
    made_ns: u64,
}

/// The stream; see the module.
#[derive(Debug)]
pub struct Stream {
    topology: u32,
    next: u64,
    lanes: heapless::Vec<Lane, LANES_MAX>,
    frames: Ring,
    lines: Ring,
    /// Subscribers that read lines.
    readers_of_lines: u32,
    /// The catalog, frame behind frame.
    catalog: Buffer,
    /// Where its frames end.
    ends: Vec<usize>,
    /// Group of frame `sequence` at `sequence % FRAMES_MAX`: what a line doesn't tell quickly.
    groups: [Option<Group>; FRAMES_MAX],
}

impl Stream {
    /// Nothing is known yet.
    pub fn new() -> Self {
        let ring = |size: usize| Ring::new(FRAMES_MAX, size / FRAMES_MAX);
        let heads = CATALOG_FRAMES_MAX * CATALOG_HEAD_SIZE;
        Self {
            topology: 0,
            next: 1,
            lanes: heapless::Vec::new(),
            frames: ring(SAMPLES_RING_SIZE),
            lines: ring(SAMPLES_LINES_SIZE),
            readers_of_lines: 0,
            catalog: Buffer::new(CATALOG_SIZE_MAX + heads),
            ends: Vec::with_capacity(CATALOG_FRAMES_MAX),
            groups: [None; FRAMES_MAX],
        }
    }

    /// Number of the catalog that is in force; 0 before the first.
    pub fn topology(&self) -> u32 {
        self.topology
    }

    /// Sequence of the frame to come.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The lanes, in the order of their places.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Takes in, or lets go, a subscriber of `format`.
    pub fn count_reader(&mut self, format: Format, is_coming: bool) {
        if format == Format::Json {
            let readers = self.readers_of_lines;
            self.readers_of_lines = if is_coming { readers + 1 } else { readers.saturating_sub(1) };
        }
    }

    /// The frames as they are written in `format`; those of the bare profile as frames, because its
    /// lines are too rare to be kept.
    pub fn ring(&self, format: Format) -> &Ring {
        if format == Format::Json { &self.lines } else { &self.frames }
    }

    /// The first frame from `cursor` on that `groups` let through, or of which that is no longer
    /// known; the frame to come when there is none.
    pub fn next_of(&self, cursor: u64, groups: Groups) -> u64 {
        let is_hidden = |sequence: &u64| {
            let is_known = self.next - sequence <= FRAMES_MAX as u64;
            let group = self.groups[place(*sequence)].filter(|_| is_known);
            group.is_some_and(|group| !groups.contains(group))
        };
        (cursor..self.next).find(|sequence| !is_hidden(sequence)).unwrap_or(self.next)
    }

    /// Whether the frames from `cursor` on are to be sent before they have to give way.
    pub fn is_pressing(&self, cursor: u64, format: Format) -> bool {
        let waiting = self.next.saturating_sub(cursor);
        waiting >= u64::from(BATCH_FRAMES_MAX) || self.ring(format).is_half(cursor)
    }

    /// Frames of the catalog.
    pub fn catalog_frames(&self) -> usize {
        self.ends.len()
    }

    /// Writes frame `index` of the catalog in `format`.
    pub fn write_catalog(
        &self,
        index: usize,
        format: Format,
        now: Now,
        buffer: &mut [u8],
    ) -> Result<usize, FrameError> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let frame = self.catalog.get(start..self.ends[index]).unwrap_or_default();
        match format {
            Format::Binary => {
                buffer.get_mut(..frame.len()).ok_or(FrameError::Short)?.copy_from_slice(frame);
                Ok(frame.len())
            }
            _ => {
                let room = buffer.len().min(CATALOG_LINE_MAX);
                let options = LineOptions { bare: format == Format::JsonBare, catchup: false };
                write_line(&mut buffer[..room], &Frame::parse(frame)?, clock_map(now), options)
            }
        }
    }

    /// Takes over a catalog in which sensors came or went.
    pub fn begin(&mut self, catalog: &Catalog, now: Now) -> Result<(), FrameError> {
        self.topology += 1;
        self.ends.clear();
        self.lanes.clear();
        let total = u32::try_from(catalog.len()).unwrap_or(u32::MAX);
        let mut first = 0;
        let mut end = 0;
        let mut sensors = catalog.entries().peekable();
        // A list without entries is told as well.
        while first < total || self.ends.is_empty() {
            let part =
                CatalogPart { topology: self.topology, total, first, omitted: catalog.omitted() };
            let room = self.catalog.get_mut(end..).unwrap_or_default();
            let size = room.len().min(CATALOG_PART_SIZE + CATALOG_HEAD_SIZE);
            let mut writer = CatalogWriter::new(&mut room[..size], part)?;
            while let Some(sensor) = sensors.peek() {
                match writer.push(sensor) {
                    Pushed::Taken => sensors.next(),
                    Pushed::Full => break,
                };
            }
            let count = u32::from(writer.count());
            if count == 0 && total > 0 || self.ends.len() == CATALOG_FRAMES_MAX {
                return Err(FrameError::Length);
            }
            first += count;
            end += writer.finish(Stamp { boot_ns: now.boot_ns })?;
            self.ends.push(end);
        }
        for group in Group::ALL {
            self.add_lanes(group, catalog.count(group));
        }
        let size: usize = self.lanes.iter().map(|lane| SamplesFrame::frame_size(lane.count)).sum();
        self.frames.begin_within(self.next, size * ROUNDS);
        let line = |lane: &Lane| line_max(lane.count);
        let size: usize = self.lanes.iter().map(line).sum();
        self.lines.begin_within(self.next, size * ROUNDS);
        Ok(())
    }

    fn add_lanes(&mut self, group: Group, count: usize) {
        let parts = u8::try_from(count.div_ceil(SAMPLES_PER_PART)).unwrap_or(u8::MAX);
        for part in 1..=parts {
            let skip = usize::from(part - 1) * SAMPLES_PER_PART;
            let count = (count - skip).min(SAMPLES_PER_PART);
            // There are as many places as the sensors of all groups can take.
            let _ = self.lanes.push(Lane { group, part, parts, count, newest: 0, made_ns: 0 });
        }
    }

    /// Produces the frames of every lane whose group is in `wanted`: bit n−1 for group n.
    pub fn publish(&mut self, catalog: &Catalog, wanted: u16, now: Now) -> Result<(), FrameError> {
        for lane in &mut self.lanes {
            if wanted >> (lane.group as u16 - 1) & 1 == 0 {
                continue;
            }
            let (sequence, topology) = (self.next, self.topology);
            (lane.newest, lane.made_ns) = (sequence, now.boot_ns);
            let lane = *lane;
            self.frames.append(sequence, SamplesFrame::frame_size(lane.count), |buffer| {
                write_frame(buffer, topology, &lane, catalog)
            })?;
            if self.readers_of_lines > 0 {
                let frame = Frame::parse(self.frames.get(sequence).unwrap_or_default())?;
                self.lines.append(sequence, line_max(lane.count), |buffer| {
                    write_line(buffer, &frame, clock_map(now), LineOptions::default())
                })?;
            }
            self.groups[place(sequence)] = Some(lane.group);
            self.next += 1;
        }
        Ok(())
    }

    /// Makes the newest frame of a lane once more, for who is served when the ring no longer has
    /// it. The readings must be those it was made of.
    pub fn write_newest(
        &self,
        lane: &Lane,
        catalog: &Catalog,
        buffer: &mut [u8],
    ) -> Result<usize, FrameError> {
        write_frame(buffer, self.topology, lane, catalog)
    }
}

fn write_frame(
    buffer: &mut [u8],
    topology: u32,
    lane: &Lane,
    catalog: &Catalog,
) -> Result<usize, FrameError> {
    let Lane { group, part, parts, count, newest, made_ns } = *lane;
    let of = SamplesOf { topology, group, part, parts };
    let stamp = Stamp { boot_ns: made_ns };
    let (samples, size) = SamplesFrame::emit(buffer, newest, stamp, of, count)?;
    catalog.fill(group, usize::from(part - 1) * SAMPLES_PER_PART, samples, made_ns);
    Ok(size)
}

#[allow(clippy::cast_possible_truncation)] // less than FRAMES_MAX
fn place(sequence: u64) -> usize {
    (sequence % FRAMES_MAX as u64) as usize
}

/// Bytes of the line of `count` samples at most.
fn line_max(count: usize) -> usize {
    LINE_HEAD_MAX + SAMPLE_TEXT_MAX * count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{SENSORS_MAX, TAIL_SIZE};
    use kymo_platform::SourceSpec;
    use kymo_protocol::{Body, Cost, METRICS, SensorFields};

    const NOW: Now = Now { mono_ns: 1, boot_ns: 5_000_000, wall_ns: 9 };

    fn scan(catalog: &mut Catalog, unit: usize, group: Group, names: &[String]) {
        let (interval_ns, cadence_ms, cost) = (1, 10, Cost::Moderate);
        let name = "double";
        let spec = SourceSpec {
            name,
            group,
            interval_ns,
            cadence_ms,
            cost,
            may_block: false,
            is_vital: false,
        };
        let mut bytes = vec![0; names.len() * 256];
        let mut size = 0;
        for name in names {
            let sensor = SensorFields::new(1, &METRICS[0], name);
            let sensor = SensorFields { label: "a \"label\"", ..sensor };
            size += sensor.write(&mut bytes[size..]).unwrap();
        }
        catalog.take_scan(unit, &spec, &bytes[..size], 0);
    }

    fn names(prefix: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{prefix}/{number}")).collect()
    }

    /// Identities in all frames of the catalog, which must be one list.
    fn told(stream: &Stream) -> Vec<String> {
        let mut identities = Vec::new();
        let mut bytes = vec![0; 64 * 1024];
        for index in 0..stream.catalog_frames() {
            let size = stream.write_catalog(index, Format::Binary, NOW, &mut bytes).unwrap();
            let Body::Catalog(part) = Frame::parse(&bytes[..size]).unwrap().body else {
                panic!("no catalog")
            };
            assert_eq!(part.part().topology, stream.topology());
            assert_eq!(part.part().first as usize, identities.len());
            assert_eq!(part.is_last(), index + 1 == stream.catalog_frames());
            identities.extend(part.sensors().map(|sensor| sensor.identity().to_string()));
            let total = part.part().total as usize;
            assert_eq!(part.is_last(), identities.len() == total);
            // What a socket leaves of a line is kept in a tail.
            let size = stream.write_catalog(index, Format::Json, NOW, &mut bytes).unwrap();
            assert!(size <= TAIL_SIZE, "a line of {size} bytes");
            assert!(
                bytes[..size].starts_with(b"{\"type\":\"catalog\"") && bytes[size - 1] == b'\n'
            );
        }
        identities
    }

    #[test]
    fn a_list_without_sensors_is_a_list() {
        let mut stream = Stream::new();
        stream.begin(&Catalog::new(1), NOW).unwrap();
        assert_eq!((stream.topology(), stream.catalog_frames()), (1, 1));
        assert!(told(&stream).is_empty() && stream.lanes().is_empty());
        stream.publish(&Catalog::new(1), u16::MAX, NOW).unwrap();
        assert_eq!(stream.next(), 1);
    }

    #[test]
    fn the_largest_catalog_is_told_whole_in_frames_of_any_length_of_entry() {
        for size in [3, 120, 200] {
            let (mut catalog, mut stream) = (Catalog::new(1), Stream::new());
            let name = |number| format!("x/{number}{}", "i".repeat(size));
            let names: Vec<_> = (0..SENSORS_MAX + 7).map(name).collect();
            scan(&mut catalog, 0, Group::Hwmon, &names);
            stream.begin(&catalog, NOW).unwrap();
            let told = told(&stream);
            assert_eq!(told.len(), catalog.len());
            assert!(told.iter().eq(&names[..told.len()]) && told.len() > 3500);
            assert!(stream.catalog_frames() > 20);
            assert_eq!(catalog.len() + catalog.omitted() as usize, names.len());
        }
    }

    #[test]
    fn a_group_of_many_comes_in_parts() {
        let (mut catalog, mut stream) = (Catalog::new(2), Stream::new());
        let count = SAMPLES_PER_PART * 2 + 1;
        scan(&mut catalog, 0, Group::Cpu, &names("cpu", count));
        scan(&mut catalog, 1, Group::Disk, &names("disk", 2));
        stream.begin(&catalog, NOW).unwrap();
        stream.count_reader(Format::Json, true);
        for round in 0..9 {
            stream.publish(&catalog, 1 | 1 << 3, NOW).unwrap();
            let (mut ids, mut parts) = (Vec::new(), Vec::new());
            for sequence in round * 4 + 1..round * 4 + 5 {
                let frame = Frame::parse(stream.ring(Format::Binary).get(sequence).unwrap());
                let frame = frame.unwrap();
                let Body::Samples(samples) = frame.body else { panic!("no samples") };
                assert_eq!(frame.header.sequence.get(), sequence);
                ids.extend(samples.samples.iter().map(|sample| sample.id.get()));
                parts.push((samples.of().group, samples.of().part, samples.of().parts));
                assert!(stream.ring(Format::Json).get(sequence).unwrap().ends_with(b"\n"));
            }
            let cpu = |part| (Group::Cpu, part, 3);
            assert_eq!(parts, [cpu(1), cpu(2), cpu(3), (Group::Disk, 1, 1)]);
            assert!(catalog.entries().map(|sensor| sensor.id()).eq(ids));
        }
        // Only of what is wanted, and made once more as it was.
        let next = stream.next();
        stream.publish(&catalog, 1 << 3, NOW).unwrap();
        assert_eq!(stream.next(), next + 1);
        let lane = &stream.lanes()[3];
        let mut bytes = [0; 4096];
        let size = stream.write_newest(lane, &catalog, &mut bytes).unwrap();
        assert_eq!(stream.ring(Format::Binary).get(next), Some(&bytes[..size]));
        assert_eq!(stream.next_of(1, Groups(1 << 3)), 4);
        assert_eq!(stream.next_of(next - 1, Groups(1)), next + 1);
    }

    #[test]
    fn a_frame_that_is_no_longer_known_is_not_taken_for_one_of_another_group() {
        let (mut catalog, mut stream) = (Catalog::new(2), Stream::new());
        scan(&mut catalog, 0, Group::Cpu, &names("cpu", 1));
        scan(&mut catalog, 1, Group::Disk, &names("disk", 1));
        stream.begin(&catalog, NOW).unwrap();
        stream.publish(&catalog, 1, NOW).unwrap();
        for _ in 0..FRAMES_MAX {
            stream.publish(&catalog, 1 << 3, NOW).unwrap();
        }
        // Its place is that of a frame that is hidden.
        assert_eq!(stream.next_of(1, Groups(1)), 1);
        assert_eq!(stream.next_of(2, Groups(1)), stream.next());
    }
}
