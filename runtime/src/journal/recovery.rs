//! What a start makes of the bytes it finds. The rules are in the journal's documentation.

use std::fmt;
use std::io;

use kymo_platform::sort::insertion;
use zerocopy::{FromBytes, IntoBytes};

use crate::journal::Journal;
use crate::journal::header::{Found, HEADERS_SIZE, Header, Site};
use crate::journal::record::{Kind, mark_boot};
use crate::journal::segment::Segment;
use crate::journal::walk::Walk;

/// What a start finds in the journal, in the order in which it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// The checkpoint of a segment: how things stood before the events that follow. It replaces
    /// what was made of those before, which may have had holes.
    Checkpoint(&'a [u8; 64]),
    /// An event.
    Event {
        /// Its sequence.
        sequence: u64,
        /// Its frame.
        frame: &'a [u8],
        /// Client and number it was submitted with.
        key: Option<(&'a str, u64)>,
    },
}

/// Why the epoch is the one it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// There was nothing.
    #[default]
    New,
    /// The old one goes on.
    Continued,
    /// A new one: the machine went down without the journal being closed.
    Rebooted,
    /// A new one: the newest events may be unreadable.
    Damaged,
}

impl Origin {
    /// Its name in a status.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Continued => "continued",
            Self::Rebooted => "rebooted",
            Self::Damaged => "damaged",
        }
    }
}

/// What a start found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Why the epoch is the one it is.
    pub origin: Origin,
    /// Events that are there.
    pub events: u64,
    /// Events that were damaged.
    pub missing: u64,
    /// Segments in which something was.
    pub segments_damaged: u32,
    /// Segments that were gone, with whatever was in them.
    pub segments_lost: u32,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, missing, segments_damaged, segments_lost, .. } = self;
        let epoch = match self.origin {
            Origin::New => "a first epoch begins",
            Origin::Continued => "its epoch goes on",
            Origin::Rebooted => "a new epoch begins, because the machine went down with it open",
            Origin::Damaged => "a new epoch begins, because its newest events may be unreadable",
        };
        write!(
            f,
            "the journal has {events} events; missing events: {missing}, damaged segments: "
        )?;
        write!(f, "{segments_damaged}, lost segments: {segments_lost}; {epoch}")
    }
}

/// What to tell of a journal that is left alone.
const UNKNOWN: &str =
    "of a later version, or journal.bytes was changed: set it back or move the directory away";

/// How far the pass over all segments has come.
#[derive(Debug)]
struct Pass {
    /// The sequence that should come next.
    expected: u64,
    /// Boot of the last mark or header.
    boot: u128,
    /// The last valid record, if it is an open or close, and where it lies.
    mark: Option<(Kind, usize)>,
    /// Whether something in the last segment could not be read.
    has_failed: bool,
}

impl Journal {
    /// Takes everything from the storage's bytes, and makes the segment ready that goes on.
    pub(super) fn recover(&mut self, mut visit: impl FnMut(Entry<'_>)) -> io::Result<()> {
        self.recovery.segments_lost = u32::try_from(self.storage.lost()).unwrap_or(u32::MAX);
        let found = self.find_headers()?;
        let mut headers: Vec<(usize, Header)> = Vec::with_capacity(found.len());
        for (index, found) in found.iter().enumerate() {
            match found {
                Found::Header(header) if header.generation.get() > 0 => {
                    headers.push((index, *header));
                }
                _ => {}
            }
        }
        insertion(&mut headers, |(_, one), (_, other)| {
            one.generation.get() < other.generation.get()
        });
        let Some((newest, last)) = headers.last().copied() else { return self.format(&found) };
        self.index(&found, &headers);
        let mut pass = Pass { expected: self.oldest, boot: 0, mark: None, has_failed: false };
        for (index, header) in &headers {
            if *index == newest || self.segments[*index].holds() {
                self.scan(*index, header, &mut pass, &mut visit);
            }
        }
        let segment = &mut self.segments[newest];
        // If its first batch is not there whole, another one may have taken these sequences.
        segment.end = pass.expected.max(last.tried.get());
        (self.next, self.synced) = (segment.end, self.oldest);
        self.end = if segment.holds() { segment.end } else { segment.begin };
        self.resume(newest, &last, &pass);
        Ok(())
    }

    fn find_headers(&mut self) -> io::Result<Vec<Found>> {
        let mut all = Vec::with_capacity(self.segments.len());
        for index in 0..self.segments.len() {
            let site = self.site(index);
            self.window.reset(0);
            let bytes = self.window.get(&mut *self.storage, index, 0, HEADERS_SIZE);
            let copies = bytes.and_then(|bytes| <[u8; HEADERS_SIZE]>::read_from_bytes(bytes).ok());
            let found = copies.map_or(Found::Damaged, |copies| Header::find(&copies, site));
            // Not if the segment is cut off: that it is must be seen until it is decided upon.
            if let (Found::Header(header), false) = (found, self.window.has_failed()) {
                self.restore_copies(index, &header, copies);
            }
            all.push(match found {
                Found::Unknown => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, UNKNOWN));
                }
                // What can't be read was taken for zeros.
                Found::Blank if self.window.has_failed() => Found::Damaged,
                found => found,
            });
        }
        Ok(all)
    }

    pub(super) fn site(&self, index: usize) -> Site {
        // `open` has checked that they all fit.
        let number = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        Site {
            segment: number(index),
            segments: number(self.segments.len()),
            segment_size: number(self.storage.segment_size()),
        }
    }

    /// Writes a damaged copy of a header anew from the good one, so that the next tear or flip does
    /// not meet the last copy.
    fn restore_copies(
        &mut self,
        index: usize,
        header: &Header,
        copies: Option<[u8; HEADERS_SIZE]>,
    ) {
        let bytes = header.as_bytes();
        for (number, copy) in copies.iter().flat_map(|both| both.chunks(bytes.len())).enumerate() {
            if copy != bytes {
                // If that fails, there is still the good one.
                let _ = self.storage.write(index, number * bytes.len(), bytes);
            }
        }
    }

    /// Makes an empty journal. Each segment gets a header, so that from then on one without is
    /// known to have lost it.
    fn format(&mut self, found: &[Found]) -> io::Result<()> {
        for (index, found) in found.iter().enumerate() {
            if matches!(found, Found::Damaged) {
                self.recovery.origin = Origin::Damaged;
                self.set_aside(index);
            }
            if !matches!(found, Found::Header(_)) {
                self.write_blank(index)?;
            }
        }
        Ok(())
    }

    /// Works out what each segment holds. A segment's sequences end where the next one begins:
    /// behind that, a failed write may have left something that was written again elsewhere.
    fn index(&mut self, found: &[Found], headers: &[(usize, Header)]) {
        for (index, found) in found.iter().enumerate() {
            self.segments[index].is_lost = !matches!(found, Found::Header(_));
        }
        let mut end = u64::MAX;
        for (number, (index, header)) in headers.iter().rev().enumerate() {
            // What the last process wrote may not have been synced.
            let mut segment = Segment { end, is_dirty: true, ..Segment::new(header) };
            end = end.min(segment.begin);
            if number == 0 {
                self.generation = segment.generation;
                self.oldest = header.oldest.get();
            } else if !segment.holds() || segment.end <= self.oldest {
                segment.clear();
            }
            self.segments[*index] = segment;
        }
        // A lost one may have had the generations that would come next, and may come back.
        self.generation += self.segments.len() as u64;
    }

    /// Goes through one segment.
    fn scan(
        &mut self,
        index: usize,
        header: &Header,
        pass: &mut Pass,
        visit: &mut impl FnMut(Entry<'_>),
    ) {
        let segment = self.segments[index];
        let size = self.storage.segment_size();
        let missing_before = self.recovery.missing;
        let mut has_hole = false;
        self.recovery.missing += segment.begin.saturating_sub(pass.expected);
        pass.expected = pass.expected.max(segment.first);
        (pass.boot, pass.mark) = (header.boot.get(), None);
        visit(Entry::Checkpoint(&header.checkpoint));
        self.window.reset(size);
        let mut walk = Walk::new(index, &segment, HEADERS_SIZE, size);
        let mut tail = HEADERS_SIZE;
        while let Some(item) = walk.next(&mut *self.storage, &mut self.window) {
            let sequence = item.head.sequence();
            let Some(kind) = item.head.kind() else { continue };
            let end = sequence + u64::from(kind == Kind::Event);
            if end > segment.end {
                break;
            }
            has_hole |= item.is_behind_hole;
            tail = item.offset + item.head.size();
            self.recovery.missing += sequence.saturating_sub(pass.expected);
            pass.expected = pass.expected.max(sequence);
            pass.mark = None;
            match kind {
                Kind::Event if sequence == pass.expected => {
                    let (frame, key) = (item.head.frame(item.body), item.head.key(item.body));
                    visit(Entry::Event { sequence, frame, key });
                    pass.expected += 1;
                    self.recovery.events += 1;
                }
                Kind::Event => {}
                _ => {
                    pass.boot = mark_boot(&item.head, item.body);
                    pass.mark = (kind != Kind::Commit).then_some((kind, item.offset));
                }
            }
        }
        pass.has_failed = self.window.has_failed();
        self.segments[index].tail = tail;
        if segment.end != u64::MAX {
            self.recovery.missing += segment.end.saturating_sub(pass.expected);
            pass.expected = pass.expected.max(segment.end);
        }
        if has_hole || pass.has_failed || self.recovery.missing > missing_before {
            self.set_aside(index);
        }
    }

    /// Decides on the epoch, and where to go on.
    fn resume(&mut self, newest: usize, header: &Header, pass: &Pass) {
        let is_lost = self.segments.iter().any(|segment| segment.is_lost);
        for index in 0..self.segments.len() {
            if self.segments[index].is_lost {
                self.set_aside(index);
            }
        }
        let is_same_boot = self.boot != 0 && self.boot == pass.boot;
        let is_closed = matches!(pass.mark, Some((Kind::Close, _)));
        self.recovery.origin = if is_lost || pass.has_failed {
            Origin::Damaged
        } else if is_same_boot || is_closed {
            Origin::Continued
        } else {
            Origin::Rebooted
        };
        if self.recovery.origin == Origin::Continued {
            self.current = Some(newest);
            self.mark = pass.mark.map(|(_, offset)| offset);
            // If the close can't be replaced for certain, a new epoch needs no certainty.
            if is_closed && self.replace_close(newest).is_err() {
                self.recovery.origin = Origin::Rebooted;
                (self.current, self.mark) = (None, None);
            }
        }
        if self.recovery.origin == Origin::Continued {
            self.epoch = header.epoch.get();
            self.ancestor = header.ancestor.get();
            self.ancestor_end = header.ancestor_end.get();
        } else {
            self.ancestor = header.epoch.get();
            self.ancestor_end = self.next;
        }
    }

    fn replace_close(&mut self, newest: usize) -> io::Result<()> {
        self.write_mark(Kind::Open)?;
        self.segments[newest].is_dirty = false;
        self.storage.sync(newest)
    }

    fn set_aside(&mut self, index: usize) {
        self.recovery.segments_damaged += 1;
        // Evidence is for people; that it can't be kept is no reason not to start.
        let _ = self.storage.set_aside(index);
    }
}
