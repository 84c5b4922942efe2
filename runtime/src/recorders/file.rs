//! One file of a recorder, record by record.
//!
//! Guarantees: from its first byte on it is whole records, also while it grows; what was flushed
//! survives the process. When the file takes no more, it is cut behind the last record that leaves
//! room for the end, and the end says so. There is no index: a reader of a file this small scans.

use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};

use kymo_protocol::recording::{
    Content, END_SIZE, End, Outcome, RECORD_MAX, RecordId, RecordKind, Recorded, Start, emit,
};
use kymo_protocol::{Body, Frame, Streams};
use zerocopy::IntoBytes;

use super::folder::FilePath;
use crate::buffer::Buffer;

/// Written out when there is so much: hundreds of frames in one call.
const BATCH_SIZE: usize = 128 * 1024;

/// Who writes.
const PROGRAM: &str = concat!("kymo ", env!("CARGO_PKG_VERSION"));

/// What is in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames of vitals, samples, processes and events.
    pub frames: u64,
    /// Frames that gaps name, and those that others took the place of.
    pub missed: u64,
    /// Bytes.
    pub bytes: u64,
    /// When its welcome is from, and its last frame.
    pub span: Option<(u64, u64)>,
    records: u64,
}

impl Counts {
    /// From the welcome to the last frame.
    pub fn span_ns(&self) -> u64 {
        self.span.map_or(0, |(first, last)| last.saturating_sub(first))
    }

    /// A record of so many bytes.
    fn note(&mut self, size: usize, frame: Option<&Frame<'_>>) {
        self.records += 1;
        self.bytes += size as u64;
        let Some(frame) = frame else { return };
        let boot_ns = frame.header.timestamp.get();
        let (first, last) = self.span.unwrap_or((boot_ns, boot_ns));
        self.span = Some((first, last.max(boot_ns)));
        let merged = match frame.body {
            Body::Vitals(vitals) => vitals.merged.get(),
            Body::Samples(samples) => samples.merged(),
            Body::Processes(processes) => processes.fixed.merged.get(),
            Body::Event(_) => 0,
            Body::Gap(gap) => return self.missed += gap.count.get(),
            _ => return,
        };
        self.frames += 1;
        self.missed += u64::from(merged);
    }
}

/// Room for records on their way into a file. One is enough for all files of a thread, since what
/// is in it is flushed before another one's turn.
#[derive(Debug)]
pub struct Batch {
    bytes: Buffer,
    size: usize,
}

/// A file that is written; see the module.
#[derive(Debug)]
pub struct RecordFile {
    file: File,
    path: FilePath,
    identity: u64,
    /// What was taken in.
    counts: Counts,
    /// What of it the file has for sure.
    safe: Counts,
    /// Why it takes no more.
    error: Option<io::Error>,
}

impl Batch {
    /// Takes the memory.
    pub fn new() -> Self {
        Self { bytes: Buffer::new(BATCH_SIZE + RECORD_MAX), size: 0 }
    }
}

impl RecordFile {
    /// Begins a file with an identity of its own, and says at its beginning what was asked for and
    /// when that was.
    pub fn new(
        (file, path): (File, FilePath),
        batch: &mut Batch,
        (streams, rate_mhz): (Streams, u32),
        wall_ns: u64,
        identity: u64,
    ) -> Self {
        batch.size = 0;
        let counts = Counts::default();
        let mut file = Self { file, path, identity, counts, safe: counts, error: None };
        let start = Start::new(streams, rate_mhz, wall_ns, PROGRAM);
        file.push(batch, RecordKind::Start, start.as_bytes());
        file
    }

    /// Takes in a frame.
    pub fn frame(&mut self, batch: &mut Batch, bytes: &[u8]) {
        self.push(batch, RecordKind::Frame, bytes);
    }

    /// What is in it, and what is on its way.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Where it is.
    pub fn path(&self) -> &FilePath {
        &self.path
    }

    /// Why it takes no more, if so.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    fn push(&mut self, batch: &mut Batch, kind: RecordKind, content: &[u8]) {
        if self.error.is_some() {
            return;
        }
        let id = RecordId { file: self.identity, number: self.counts.records };
        // There is room for the largest, and contents are frames and structures.
        let Ok(size) = emit(&mut batch.bytes[batch.size..], id, kind, content) else { return };
        batch.size += size;
        let frame = (kind == RecordKind::Frame).then(|| Frame::parse(content).ok()).flatten();
        self.counts.note(size, frame.as_ref());
        if batch.size >= BATCH_SIZE {
            self.flush(batch);
        }
    }

    /// Writes out what there is. What fails is kept for [`error`](Self::error).
    pub fn flush(&mut self, batch: &mut Batch) {
        let (bytes, mut done) = (&batch.bytes[..batch.size], 0);
        batch.size = 0;
        while done < bytes.len() {
            match self.file.write(&bytes[done..]) {
                Ok(0) => self.error = Some(ErrorKind::WriteZero.into()),
                Ok(size) => done += size,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.error = Some(error),
            }
            if self.error.is_some() {
                return self.cut(&bytes[..done]);
            }
        }
        self.safe = self.counts;
    }

    /// Goes back to the last whole record of what was written of a batch, behind which there is
    /// room for the end: so much the file took.
    fn cut(&mut self, written: &[u8]) {
        let mut at = 0;
        while let Some(Ok(record)) = written.get(at..).map(Recorded::parse)
            && at + record.size + END_SIZE <= written.len()
        {
            at += record.size;
            let frame = match &record.content {
                Content::Frame(frame, _) => Some(frame),
                _ => None,
            };
            self.safe.note(record.size, frame);
        }
        self.counts = self.safe;
        // Where that fails too, a reader finds the torn record and says so.
        let _ = self.file.set_len(self.safe.bytes);
        let _ = self.file.seek(SeekFrom::Start(self.safe.bytes));
    }

    /// Ends it, and if it is to last waits until the disk has it. What it came to, and why it takes
    /// no more, if so.
    pub fn finish(
        mut self,
        batch: &mut Batch,
        outcome: Outcome,
        is_lasting: bool,
    ) -> (Counts, Option<io::Error>) {
        self.flush(batch);
        // What failed may still take the end, for which there is room.
        let before = self.error.take();
        let outcome = if before.is_some() { Outcome::Full } else { outcome };
        let mut end = End::default().with(outcome);
        end.elapsed_ns.set(self.counts.span_ns());
        end.frames.set(self.counts.frames);
        end.missed.set(self.counts.missed);
        self.push(batch, RecordKind::End, end.as_bytes());
        self.flush(batch);
        let is_synced = is_lasting && self.error.is_none();
        let synced = if is_synced { self.file.sync_data().err() } else { None };
        (self.counts, before.or(self.error).or(synced))
    }
}
