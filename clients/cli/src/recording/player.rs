//! Reads a recording as a client reads a connection, and says what of it is lost.

use std::io;
use std::path::Path;

use kymo_client::{Catalog, ClockMap, Gap, StreamId, Token};
use kymo_protocol::recording::{Content, Damage, End, IndexEntry, Start};
use kymo_protocol::{Body, Frame};

use super::reader::{Found, Reader};
use super::timeline::Timeline;
use super::writer::is_data;

/// Something of a recording.
#[derive(Debug)]
pub enum Shown<'a> {
    /// A connection began, at this rate.
    Connected(u32),
    /// A frame of data, or of a catalog, and how long the recording had run when it was made.
    Frame(Frame<'a>, u64),
    /// Frames that the recorder did not get.
    Gap(Gap),
    /// The connection ended: when, in nanoseconds since 1970, and why, for people.
    Lost(u64, &'a str),
    /// All events behind this one may be lost.
    Fresh(Token),
    /// Something of the recording is lost here.
    Hole(Damage),
    /// Ask again.
    Nothing,
    /// There is no more.
    End,
}

/// A recording, from its beginning or from a time on; see the module.
#[derive(Debug)]
pub struct Player {
    reader: Reader,
    start: Option<Start>,
    end: Option<End>,
    way: Way,
    /// Frames of samples whose catalog is lost.
    unnamed: u64,
    /// Whether any record was found.
    has_any: bool,
    /// Frames before this are not shown.
    from_ns: u64,
}

/// How far a player has come.
#[derive(Debug, Default)]
struct Way {
    timeline: Timeline,
    catalog: Catalog,
    /// How the index spares what is not to be shown.
    jump: Option<(Stage, IndexEntry)>,
    /// Where to go on.
    seek: Option<u64>,
}

impl Way {
    /// The index leads nowhere: all of the recording is read.
    fn restart<'a>(&mut self) -> Shown<'a> {
        *self = Self { seek: Some(0), ..Self::default() };
        Shown::Nothing
    }
}

/// What is read next on the way to a place in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    /// The welcome in force there, and the subscribed behind it.
    Welcome,
    /// The catalog in force there.
    Catalog,
    Frame,
}

impl Player {
    /// The recording at `path` from `from_ns` after its beginning on.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn open(path: &Path, from_ns: u64) -> io::Result<Self> {
        let mut reader = Reader::open(path)?;
        let end = reader.end()?;
        let mut jump = None;
        if let Some(end) = end.filter(|_| from_ns > 0) {
            jump = reader.entry(&end, from_ns)?.map(|entry| (Stage::Start, entry));
        }
        Ok(Self {
            reader,
            start: None,
            end,
            way: Way { jump, ..Way::default() },
            unnamed: 0,
            has_any: false,
            from_ns,
        })
    }

    /// What was asked for; `None` before that was read, or when it is lost.
    pub const fn start(&self) -> Option<&Start> {
        self.start.as_ref()
    }

    /// What it came to; `None` when it was cut off.
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// How long it had run at what was shown last.
    pub const fn elapsed_ns(&self) -> u64 {
        self.way.timeline.elapsed_ns()
    }

    /// Whether all that was read lies before what is to be shown.
    pub const fn has_not_begun(&self) -> bool {
        self.elapsed_ns() < self.from_ns
    }

    /// The pair of times in force there.
    pub fn clock(&self) -> ClockMap {
        self.way.timeline.clock()
    }

    /// Whether any record was found.
    pub const fn has_any(&self) -> bool {
        self.has_any
    }

    /// Frames of samples that could not be shown, since what names them is lost.
    pub const fn unnamed(&self) -> u64 {
        self.unnamed
    }

    /// What comes next.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn next(&mut self) -> io::Result<Shown<'_>> {
        if let Some(offset) = self.way.seek.take() {
            self.reader.seek(offset)?;
        }
        let record = match self.reader.next()? {
            Found::Record(record) => record,
            Found::Damage(_) if self.way.jump.is_some() => return Ok(self.way.restart()),
            Found::Damage(damage) => return Ok(Shown::Hole(damage)),
            Found::Nothing => return Ok(Shown::Nothing),
            Found::End if self.way.jump.is_some() => return Ok(self.way.restart()),
            Found::End => return Ok(Shown::End),
        };
        self.has_any = true;
        // At the end of the way the frame itself is shown.
        if let Some((stage, entry)) = self.way.jump {
            self.way.jump = steer(stage, entry, &record.content, &mut self.way.seek);
            if self.way.jump.is_none() {
                match record.content {
                    Content::Frame(frame, _) if stage == Stage::Frame && is_data(&frame) => {
                        let boot_ns = frame.header.timestamp.get();
                        self.way.timeline.seek(boot_ns, entry.elapsed_ns.get());
                    }
                    _ => return Ok(self.way.restart()),
                }
            }
        }
        let shown = match record.content {
            Content::Start(start) => {
                self.start = Some(*start);
                Shown::Nothing
            }
            Content::Lost(lost) => Shown::Lost(lost.wall_ns.get(), lost.why()),
            Content::Missed(missed) => Shown::Gap(Gap {
                stream: missed.stream(),
                first: missed.first.get(),
                last: missed.last.get(),
                count: missed.count.get(),
                reason: None,
            }),
            Content::Fresh(fresh) => {
                Shown::Fresh(Token { epoch: fresh.epoch, events: fresh.events.get() })
            }
            Content::Frame(frame, _) => {
                if let Body::Subscribed(_) = frame.body {
                    self.way.catalog = Catalog::default();
                }
                match frame.body {
                    Body::Catalog(part) => {
                        self.way.catalog.handle_part(part);
                    }
                    _ => self.way.timeline.handle(&frame),
                }
                let elapsed_ns = self.way.timeline.elapsed_ns();
                shown(frame, elapsed_ns, &self.way.catalog, &mut self.unnamed)
            }
            _ => Shown::Nothing,
        };
        Ok(match shown {
            Shown::Frame(frame, at_ns) if at_ns < self.from_ns && is_data(&frame) => Shown::Nothing,
            shown => shown,
        })
    }
}

/// What a frame is to a reader of the recording.
fn shown<'a>(frame: Frame<'a>, elapsed_ns: u64, catalog: &Catalog, unnamed: &mut u64) -> Shown<'a> {
    match frame.body {
        Body::Subscribed(granted) => Shown::Connected(granted.rate_mhz.get()),
        Body::Gap(gap) => Shown::Gap(Gap {
            stream: StreamId(frame.header.stream.get()),
            first: gap.first.get(),
            last: gap.last.get(),
            count: gap.count.get(),
            reason: Some(gap.reason()),
        }),
        Body::Samples(samples) if catalog.named(samples).is_none() => {
            *unnamed += 1;
            Shown::Nothing
        }
        Body::Catalog(_) => Shown::Frame(frame, elapsed_ns),
        _ if is_data(&frame) => Shown::Frame(frame, elapsed_ns),
        _ => Shown::Nothing,
    }
}

/// What to read behind a record on the way to `entry`; `None` at its end, or when the way leads
/// nowhere.
fn steer(
    stage: Stage,
    entry: IndexEntry,
    content: &Content<'_>,
    seek: &mut Option<u64>,
) -> Option<(Stage, IndexEntry)> {
    let body = match content {
        Content::Frame(frame, _) => Some(frame.body),
        _ => None,
    };
    let next = match (stage, content, body) {
        (Stage::Start, Content::Start(_), _) => {
            *seek = Some(entry.welcome.get());
            Stage::Welcome
        }
        (Stage::Welcome, _, Some(Body::Welcome(_))) => Stage::Welcome,
        (Stage::Welcome, _, Some(Body::Subscribed(_))) if entry.catalog.get() > 0 => {
            *seek = Some(entry.catalog.get());
            Stage::Catalog
        }
        (Stage::Catalog, _, Some(Body::Catalog(part))) if !part.is_last() => Stage::Catalog,
        (Stage::Welcome, _, Some(Body::Subscribed(_)))
        | (Stage::Catalog, _, Some(Body::Catalog(_))) => {
            *seek = Some(entry.offset.get());
            Stage::Frame
        }
        _ => return None,
    };
    Some((next, entry))
}
