//! The last frames of a connection, in memory that was taken at the start.
//!
//! Guarantees: what is kept is at most `bytes` and at most as old as the span; what stands before
//! the oldest frame, and gives it its meaning, is kept as well: the welcome, the subscribed, the
//! clocks as they were told last, the catalog. What it shows is a connection from its beginning.

use std::collections::VecDeque;

use kymo_protocol::limits::{FRAME_MAX, HEADER_SIZE};
use kymo_protocol::welcome::Welcome;
use kymo_protocol::{Body, Frame, FrameHeader, Position, Stamp, Streams, Subscribed, emit};

use crate::buffer::Buffer;
use crate::limits::CATALOG_SIZE_MAX;

/// Bytes of a welcome at most, or of a subscribed.
const OPENING_MAX: usize = 1024;

/// A pair of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Clocks {
    boot_ns: u64,
    wall_ns: u64,
}

impl Clocks {
    fn wall_at(self, boot_ns: u64) -> u64 {
        self.wall_ns.wrapping_add(boot_ns.wrapping_sub(self.boot_ns))
    }
}

/// What stands before a frame and gives it its meaning.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    clocks: Clocks,
    /// By stream, from 1 on: the sequence of the next frame.
    next: [u64; Streams::COUNT],
}

/// The last frames; see the module.
#[derive(Debug)]
pub struct Window {
    span_ns: u64,
    size_max: usize,
    /// Whole frames, back to back. Its capacity is never passed.
    bytes: VecDeque<u8>,
    /// The frame at hand.
    scratch: Buffer,
    welcome: heapless::Vec<u8, OPENING_MAX>,
    subscribed: heapless::Vec<u8, OPENING_MAX>,
    /// The catalog before the oldest frame. Its capacity is never passed.
    catalog: Vec<u8>,
    standing: Standing,
    newest_ns: u64,
    /// Nothing that was made since then is missing.
    since_ns: u64,
}

impl Window {
    /// One of so many bytes, which are taken here, and so many nanoseconds.
    pub fn new(size_max: usize, span_ns: u64, has_catalog: bool) -> Self {
        Self {
            span_ns,
            size_max,
            bytes: VecDeque::with_capacity(size_max),
            scratch: Buffer::new(FRAME_MAX),
            welcome: heapless::Vec::new(),
            subscribed: heapless::Vec::new(),
            catalog: Vec::with_capacity(if has_catalog { 2 * CATALOG_SIZE_MAX } else { 0 }),
            standing: Standing::default(),
            newest_ns: 0,
            since_ns: u64::MAX,
        }
    }

    /// Takes in a frame; the oldest ones make room for it.
    pub fn push(&mut self, bytes: &[u8], frame: &Frame<'_>) {
        match frame.body {
            // A connection begins once.
            Body::Welcome(welcome) => {
                let boot_ns = frame.header.timestamp.get();
                let wall_ns = welcome.fixed.wall_ns.get();
                self.standing.clocks = Clocks { boot_ns, wall_ns };
                self.since_ns = boot_ns;
                let _ = self.welcome.extend_from_slice(bytes);
            }
            Body::Subscribed(granted) => {
                self.standing.next = granted.next.map(|next| next.get());
                let _ = self.subscribed.extend_from_slice(bytes);
            }
            // It closes this connection, and says nothing of another one.
            Body::Goodbye(_) | Body::Error(_) => {}
            _ => {
                self.newest_ns = self.newest_ns.max(frame.header.timestamp.get());
                while self.bytes.len() + bytes.len() > self.size_max && self.forget_oldest() {}
                if self.bytes.len() + bytes.len() <= self.size_max {
                    self.bytes.extend(bytes);
                }
                self.forget_old(self.newest_ns);
            }
        }
    }

    /// Lets go what is older than the span.
    pub fn forget_old(&mut self, now_ns: u64) {
        let from_ns = now_ns.saturating_sub(self.span_ns);
        while self.header(0).is_some_and(|header| header.timestamp.get() < from_ns) {
            self.forget_oldest();
        }
        self.since_ns = self.since_ns.max(from_ns);
    }

    /// How far back it goes, also where nothing came.
    pub fn held_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.since_ns)
    }

    /// Bytes that are kept.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Lets the oldest frame go; whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let Some(size) = self.header(0).map(|header| HEADER_SIZE + header.payload_size()) else {
            return false;
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        if self.copy(0, &mut scratch[..size]).is_some()
            && let Ok(frame) = Frame::parse(&scratch[..size])
        {
            self.standing.pass(&frame);
            self.since_ns = self.since_ns.max(frame.header.timestamp.get());
            if let Body::Catalog(part) = frame.body {
                if part.part().first == 0 {
                    self.catalog.clear();
                }
                if self.catalog.len() + size <= self.catalog.capacity() {
                    self.catalog.extend_from_slice(&scratch[..size]);
                }
            }
        }
        self.scratch = scratch;
        self.bytes.drain(..size);
        true
    }

    /// Shows a connection that begins at `from_ns`, frame by frame, to `show`.
    pub fn show(&mut self, from_ns: u64, mut show: impl FnMut(&[u8])) {
        let mut scratch = std::mem::take(&mut self.scratch);
        self.show_with(&mut scratch, from_ns, &mut show);
        self.scratch = scratch;
    }

    fn show_with(&self, scratch: &mut [u8], from_ns: u64, show: &mut impl FnMut(&[u8])) {
        // Where it begins, and what stands there.
        let (mut at, mut standing) = (0, self.standing);
        let mut first_ns = self.newest_ns;
        while let Some(size) = self.read(at, scratch) {
            let Ok(frame) = Frame::parse(&scratch[..size]) else { break };
            let boot_ns = frame.header.timestamp.get();
            if boot_ns >= from_ns {
                first_ns = boot_ns;
                break;
            }
            standing.pass(&frame);
            at += size;
        }
        let mut room = [0; OPENING_MAX];
        let size = self.welcome_at(&mut room, standing.clocks, first_ns);
        show(&room[..size]);
        let size = self.subscribed_at(&mut room, &standing.next, first_ns);
        show(&room[..size]);
        let mut catalog = self.catalog.as_slice();
        while let Ok(header) = FrameHeader::parse(catalog) {
            let (frame, rest) = catalog.split_at(HEADER_SIZE + header.payload_size());
            show(frame);
            catalog = rest;
        }
        // What is too old may still be the catalog of what is not.
        let mut old = 0;
        while old < at
            && let Some(size) = self.read(old, scratch)
        {
            if matches!(Frame::parse(&scratch[..size]), Ok(Frame { body: Body::Catalog(_), .. })) {
                show(&scratch[..size]);
            }
            old += size;
        }
        while let Some(size) = self.read(at, scratch) {
            show(&scratch[..size]);
            at += size;
        }
    }

    /// Copies the frame at this offset; its size.
    fn read(&self, at: usize, scratch: &mut [u8]) -> Option<usize> {
        let size = HEADER_SIZE + self.header(at)?.payload_size();
        self.copy(at, scratch.get_mut(..size)?)?;
        Some(size)
    }

    /// The header of the frame at this offset.
    fn header(&self, at: usize) -> Option<FrameHeader> {
        let mut bytes = [0; HEADER_SIZE];
        self.copy(at, &mut bytes)?;
        FrameHeader::parse(&bytes).ok().copied()
    }

    fn copy(&self, at: usize, target: &mut [u8]) -> Option<()> {
        let end = at + target.len();
        let (front, back) = self.bytes.as_slices();
        if end > self.bytes.len() {
            return None;
        }
        let cut = front.len().clamp(at, end);
        let (left, right) = target.split_at_mut(cut - at);
        left.copy_from_slice(&front[at.min(front.len())..cut.min(front.len())]);
        let behind = |at: usize| at.saturating_sub(front.len());
        right.copy_from_slice(&back[behind(cut)..behind(end)]);
        Some(())
    }

    /// The welcome as it would be at this time.
    fn welcome_at(&self, room: &mut [u8], clocks: Clocks, boot_ns: u64) -> usize {
        let Ok(Frame { body: Body::Welcome(welcome), .. }) = Frame::parse(&self.welcome) else {
            return 0;
        };
        let mut fixed = welcome.fixed;
        fixed.wall_ns.set(clocks.wall_at(boot_ns));
        // It was as long before.
        Welcome::emit(room, Stamp { boot_ns }, &fixed, &welcome.streams).unwrap_or(0)
    }

    /// The subscribed as it would be at this time: what comes next is what stands behind it.
    fn subscribed_at(&self, room: &mut [u8], next: &[u64], boot_ns: u64) -> usize {
        let Ok(Frame { body: Body::Subscribed(before), .. }) = Frame::parse(&self.subscribed)
        else {
            return 0;
        };
        match emit::<Subscribed>(room, Position::NONE, Stamp { boot_ns }) {
            Ok((granted, size)) => {
                *granted = *before;
                for (entry, next) in granted.next.iter_mut().zip(next) {
                    entry.set(*next);
                }
                size
            }
            Err(_) => 0,
        }
    }
}

impl Standing {
    /// A frame lies behind.
    fn pass(&mut self, frame: &Frame<'_>) {
        let boot_ns = frame.header.timestamp.get();
        let stream = usize::from(frame.header.stream.get());
        let passed = match frame.body {
            Body::Heartbeat(heartbeat) => {
                self.clocks = Clocks { boot_ns, wall_ns: heartbeat.wall_ns.get() };
                0
            }
            Body::Gap(gap) => gap.last.get(),
            _ => frame.header.sequence.get(),
        };
        if let Some(next) = stream.checked_sub(1).and_then(|index| self.next.get_mut(index)) {
            *next = (*next).max(passed.saturating_add(1));
        }
    }
}
