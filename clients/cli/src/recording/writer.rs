//! Writes a recording.
//!
//! Guarantees: whatever happens, the file is whole records from its beginning on, but for the last
//! one when the process or the machine ends meanwhile; what was flushed survives the process. When
//! the file takes no more, what is torn is cut off, everything before stays, and the end says so.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use kymo_client::{ClockMap, Gap, Token};
use kymo_platform::random;
use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::recording::{
    Content, END_SIZE, End, Fresh, IndexEntry, Missed, Outcome, RECORD_MAX, RecordId, RecordKind,
    Recorded, Start, emit, lost,
};
use kymo_protocol::{Body, Frame, Heartbeat, Payload, Position, Stamp, emit as emit_frame};
use zerocopy::IntoBytes;

use super::index::Index;
use super::timeline::Timeline;

/// Written out when there is so much: hundreds of frames in one call.
const BUFFER_SIZE: usize = 128 * 1024;

/// What is in a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames of vitals, samples, processes and events.
    pub frames: u64,
    /// Frames that are named as lost.
    pub missed: u64,
    /// Records.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
    /// From the first frame to the last.
    pub elapsed_ns: u64,
}

/// A recording that is written; see the module.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
    identity: u64,
    buffer: Vec<u8>,
    /// Room for one record.
    record: Box<[u8]>,
    counts: Counts,
    /// What is in the file for sure.
    safe: Counts,
    timeline: Timeline,
    /// As it was there.
    safe_timeline: Timeline,
    index: Index,
    /// Offsets of what is in force.
    welcome: u64,
    catalog: u64,
}

impl Writer {
    /// A new file, for its owner alone since events may be anything. `force` takes the place of
    /// one that is there.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn create(path: &Path, force: bool, start: &Start) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        match force {
            true => options.create(true).truncate(true),
            false => options.create_new(true),
        };
        #[allow(clippy::cast_possible_truncation)] // half of it is random enough
        let identity = random::random_u128()? as u64;
        let file = options.open(path)?;
        let mut writer = Self {
            path: path.into(),
            file,
            identity,
            buffer: Vec::with_capacity(BUFFER_SIZE + RECORD_MAX),
            record: vec![0; RECORD_MAX].into_boxed_slice(),
            counts: Counts::default(),
            safe: Counts::default(),
            timeline: Timeline::default(),
            safe_timeline: Timeline::default(),
            index: Index::default(),
            welcome: 0,
            catalog: 0,
        };
        writer.push(RecordKind::Start, start.as_bytes())?;
        writer.flush()?;
        Ok(writer)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, once it is flushed.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// What is in the file for sure.
    pub const fn safe(&self) -> Counts {
        self.safe
    }

    /// Takes in a frame as it came. What is no frame is left out.
    ///
    /// # Errors
    ///
    /// Those of the file system, when it was time to write; see [`flush`](Self::flush).
    pub fn frame(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Ok(frame) = Frame::parse(bytes) else { return Ok(()) };
        let offset = self.counts.bytes;
        if !matches!(frame.body, Body::Catalog(_)) {
            self.timeline.handle(&frame);
        }
        match frame.body {
            Body::Welcome(_) => (self.welcome, self.catalog) = (offset, 0),
            Body::Catalog(catalog) if catalog.part().first == 0 => self.catalog = offset,
            Body::Gap(gap) => self.counts.missed += gap.count.get(),
            _ => {}
        }
        self.counts.frames += u64::from(is_data(&frame));
        if is_data(&frame) && self.timeline.is_news(frame.header.timestamp.get()) {
            self.index.push(IndexEntry {
                elapsed_ns: self.timeline.elapsed_ns().into(),
                offset: offset.into(),
                number: self.counts.records.into(),
                welcome: self.welcome.into(),
                catalog: self.catalog.into(),
            });
        }
        self.counts.elapsed_ns = self.timeline.elapsed_ns();
        self.push(RecordKind::Frame, bytes)
    }

    /// The clock map as a heartbeat has told it; nothing if it is the one in force.
    ///
    /// # Errors
    ///
    /// As those of [`frame`](Self::frame).
    pub fn clock(&mut self, clock: ClockMap) -> io::Result<()> {
        if self.welcome == 0 || clock == self.timeline.clock() {
            return Ok(());
        }
        let mut bytes = [0; Heartbeat::FRAME_SIZE];
        let stamp = Stamp { boot_ns: clock.boot_ns };
        if let Ok((heartbeat, _)) = emit_frame::<Heartbeat>(&mut bytes, Position::NONE, stamp) {
            heartbeat.wall_ns.set(clock.wall_ns);
        }
        self.frame(&bytes)
    }

    /// The connection ended.
    ///
    /// # Errors
    ///
    /// As those of [`frame`](Self::frame).
    pub fn lost(&mut self, wall_ns: u64, why: &str) -> io::Result<()> {
        self.push(RecordKind::Lost, lost(wall_ns, why).as_bytes())
    }

    /// Frames are lost for which no gap frame came.
    ///
    /// # Errors
    ///
    /// As those of [`frame`](Self::frame).
    pub fn missed(&mut self, gap: &Gap) -> io::Result<()> {
        self.counts.missed += gap.count;
        let missed = Missed::new(gap.stream, gap.first, gap.last, gap.count);
        self.push(RecordKind::Missed, missed.as_bytes())
    }

    /// The events go on in another history.
    ///
    /// # Errors
    ///
    /// As those of [`frame`](Self::frame).
    pub fn fresh(&mut self, token: Token) -> io::Result<()> {
        let fresh = Fresh { epoch: token.epoch, events: token.events.into() };
        self.push(RecordKind::Fresh, fresh.as_bytes())
    }

    fn push(&mut self, kind: RecordKind, content: &[u8]) -> io::Result<()> {
        // Contents are frames and structures: neither can be too long.
        let id = RecordId { file: self.identity, number: self.counts.records };
        let size = emit(&mut self.record, id, kind, content).unwrap_or(0);
        self.buffer.extend_from_slice(self.record.get(..size).unwrap_or_default());
        self.counts.records += 1;
        self.counts.bytes += size as u64;
        if self.buffer.len() >= BUFFER_SIZE { self.flush() } else { Ok(()) }
    }

    /// Writes out what there is.
    ///
    /// # Errors
    ///
    /// Those of the file system. What is torn was cut off then, and [`counts`](Self::counts) are
    /// those of what is left.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = self.buffer.get(done..).filter(|rest| !rest.is_empty()) {
            match self.file.write(rest) {
                Ok(0) => return self.cut(done, ErrorKind::WriteZero.into()),
                Ok(size) => done += size,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.cut(done, error),
            }
        }
        self.buffer.clear();
        (self.safe, self.safe_timeline) = (self.counts, self.timeline);
        Ok(())
    }

    /// Goes back to the last whole record of the `done` bytes that were written of the buffer,
    /// behind which there is room for the end: so much the file took.
    fn cut(&mut self, done: usize, error: io::Error) -> io::Result<()> {
        let mut at = 0;
        self.timeline = self.safe_timeline;
        while let Some(Ok(record)) = self.buffer.get(at..done).map(Recorded::parse) {
            if at + record.size + END_SIZE > done {
                break;
            }
            at += record.size;
            self.safe.records += 1;
            self.safe.bytes += record.size as u64;
            if let Content::Frame(frame, _) = record.content {
                if !matches!(frame.body, Body::Catalog(_)) {
                    self.timeline.handle(&frame);
                }
                self.safe.frames += u64::from(is_data(&frame));
            }
        }
        self.safe.elapsed_ns = self.timeline.elapsed_ns();
        self.safe_timeline = self.timeline;
        self.safe.missed = self.counts.missed;
        self.counts = self.safe;
        self.buffer.clear();
        self.index.cut(self.safe.bytes);
        // Where that fails too, a reader finds the torn record and says so.
        let _ = self.file.set_len(self.safe.bytes);
        let _ = io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.safe.bytes));
        Err(error)
    }

    /// Writes index and end, the end alone where the file took no more, and waits until the disk
    /// has them.
    ///
    /// # Errors
    ///
    /// Those of the file system. What was flushed before stays.
    pub fn finish(&mut self, outcome: Outcome) -> io::Result<()> {
        self.flush()?;
        let Counts { frames, missed, elapsed_ns, bytes, .. } = self.counts;
        let mut entries = self.index.entries().to_vec();
        if outcome == Outcome::Full {
            entries.clear();
        }
        let index = if entries.is_empty() { 0 } else { bytes };
        for part in entries.chunks(FRAME_MAX / size_of::<IndexEntry>()) {
            self.push(RecordKind::Index, part.as_bytes())?;
        }
        let mut end = End::default().with(outcome);
        end.index.set(index);
        end.elapsed_ns.set(elapsed_ns);
        end.frames.set(frames);
        end.missed.set(missed);
        self.push(RecordKind::End, end.as_bytes())?;
        self.flush()?;
        self.file.sync_data()
    }
}

/// Whether a frame is one of those that were asked for.
pub fn is_data(frame: &Frame<'_>) -> bool {
    let body = frame.body;
    matches!(body, Body::Vitals(_) | Body::Samples(_) | Body::Processes(_) | Body::Event(_))
}
