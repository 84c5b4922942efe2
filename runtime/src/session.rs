//! One connection: what it speaks, what it asked for, what is still to be sent to it.
//!
//! A session queues no frames. It is a cursor into the rings, plus a *tail*: the rest of a frame
//! that the socket did not take whole, and notices for this connection alone.

use kymo_platform::peer::Peer;
use kymo_protocol::{GoodbyeReason, Groups};

use crate::conversation::Dialect;
use crate::journal::Hint;
use crate::limits::{HEARTBEAT_NS, LANES_MAX, STALL_NS, TAIL_SIZE};
use crate::samples::Stream;
use crate::schedule::Due;
use crate::telemetry::{Format, Kind};

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Has yet to say what it wants.
    Opening,
    /// Gets what it asked for, or what its listener gives unasked.
    Streaming,
    /// Gets its last bytes.
    Closing,
    /// To be let go by the reactor.
    Closed,
}

/// A subscription to a stream of which each frame tells all.
#[derive(Clone, Copy, Debug)]
pub struct Subscription {
    /// Granted rate in thousandths of a hertz.
    pub rate_mhz: u32,
    /// When the next frame is due.
    pub due: Due,
    /// Frames that were due and not sent; the next one sent stands for them.
    pub owed: u32,
    /// With `every`: the sequence of the next frame to send.
    pub cursor: Option<u64>,
}

/// A subscription to samples.
#[derive(Clone, Copy, Debug)]
pub struct SampleSubscription {
    /// Granted rate in thousandths of a hertz.
    pub rate_mhz: u32,
    /// As much of it as there is use for.
    pub ticks_mhz: u32,
    /// When the next frames are due.
    pub due: Due,
    /// What it wants to know.
    pub groups: Groups,
    /// The catalog it is told, and how many frames of that it has.
    pub topology: u32,
    /// See [`topology`](Self::topology).
    pub told: usize,
    /// Of each lane, the newest frame when it was due or sent last: the low half of its sequence.
    pub known: [u32; LANES_MAX],
    /// Lanes whose newest frame was due and not sent.
    pub owed: u64,
    /// Of each lane, frames that were due and that a newer one stands for.
    pub merged: [u16; LANES_MAX],
    /// With `every`: the sequence of the next frame to send.
    pub cursor: Option<u64>,
}

impl SampleSubscription {
    /// One that begins now.
    pub fn new(rate_mhz: u32, groups: Groups, cursor: Option<u64>) -> Self {
        let due = Due::new(rate_mhz);
        let (known, merged) = ([0; LANES_MAX], [0; LANES_MAX]);
        let (ticks_mhz, topology, told, owed) = (rate_mhz, 0, 0, 0);
        Self { rate_mhz, ticks_mhz, due, groups, topology, told, known, owed, merged, cursor }
    }

    /// Notes which lanes have something new at the tick of `tick_ns`; whether something is to be
    /// sent now.
    pub fn owe(&mut self, tick_ns: u64, grid_ns: u64, stream: &Stream, format: Format) -> bool {
        let is_due = self.due.take(tick_ns, grid_ns);
        if let Some(cursor) = self.cursor {
            // What its groups hide is done with, so that no gap ever names it.
            let cursor = stream.next_of(cursor, self.groups);
            self.cursor = Some(cursor);
            let is_pressing = stream.is_pressing(cursor, format);
            self.follow(stream.topology());
            return (is_due || is_pressing) && self.has_more(stream);
        }
        if !is_due {
            return false;
        }
        self.follow(stream.topology());
        for (place, lane) in stream.lanes().iter().enumerate() {
            // Both are 0 until there is one.
            let is_new = low(lane.newest) != self.known[place];
            if !is_new || !self.groups.contains(lane.group) {
                continue;
            }
            self.known[place] = low(lane.newest);
            if self.owed >> place & 1 != 0 {
                // The frame that was owed before will never be sent.
                self.count_merged(place);
            }
            self.owed |= 1 << place;
        }
        self.has_more(stream)
    }

    /// Says that a frame of a lane which was due is not sent.
    pub fn count_merged(&mut self, place: usize) {
        self.merged[place] = self.merged[place].saturating_add(1);
    }

    /// Says that frame `sequence` of a lane was sent. Returns how many others it stood for.
    pub fn settle(&mut self, place: usize, sequence: u64) -> u16 {
        self.owed &= !(1 << place);
        // It may be newer than the one that was due, and is not to be sent twice.
        self.known[place] = low(sequence);
        std::mem::take(&mut self.merged[place])
    }

    /// Whether it is owed samples, or the catalog.
    pub fn has_more(&self, stream: &Stream) -> bool {
        let is_told = self.topology != stream.topology() || self.told == stream.catalog_frames();
        let is_behind = |cursor| stream.next_of(cursor, self.groups) < stream.next();
        self.owed != 0 || !is_told || self.cursor.is_some_and(is_behind)
    }

    /// Begins anew when sensors came or went: lanes mean something else then.
    pub fn follow(&mut self, topology: u32) {
        if self.topology != topology {
            (self.topology, self.told, self.owed) = (topology, 0, 0);
            (self.known, self.merged) = ([0; LANES_MAX], [0; LANES_MAX]);
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // enough to tell a lane's frames apart
fn low(sequence: u64) -> u32 {
    sequence as u32
}

/// A subscription to events. Its filter lies in the table.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventSubscription {
    /// Sequence of the next event to look at.
    pub cursor: u64,
    /// Before this sequence a newcomer is told only what it needs to know of the past.
    pub live_from: u64,
    /// The event that a send has cut and how many of its bytes went, when the rest is too long for
    /// the tail. The cursor stands on it.
    pub cut: Option<usize>,
    /// Bytes of topic patterns.
    pub filter_size: u16,
    /// Where in the journal it is, when it reads there.
    pub hint: Hint,
}

impl EventSubscription {
    /// Whether it gets what everybody gets, as it lies in a ring.
    pub fn is_plain(&self) -> bool {
        self.filter_size == 0 && self.cursor >= self.live_from
    }
}

/// One connection; see the module.
#[derive(Debug)]
pub struct Session {
    /// Who it is, as the kernel says.
    pub peer: Peer,
    /// Where it stands.
    pub phase: Phase,
    /// How it talks.
    pub dialect: Dialect,
    /// How frames are written for it.
    pub format: Format,
    /// What it asked for, by [`Kind`].
    pub telemetry: [Option<Subscription>; Kind::ALL.len()],
    /// The same of events.
    pub events: Option<EventSubscription>,
    /// The same of samples.
    pub samples: Option<SampleSubscription>,
    /// Telemetry frames that it was too slow for.
    pub merged: u64,
    /// Events that it was told it will not get.
    pub lost: u64,
    /// Whether it has asked.
    pub has_subscribed: bool,
    /// Whether a binary client has introduced itself.
    pub has_hello: bool,
    /// Whether its last bytes have come.
    pub input_ended: bool,
    /// Whether the socket takes no bytes now.
    pub blocked: bool,
    /// Whether it stands in the queue of those to be served.
    pub queued: bool,
    /// Bytes of its input buffer in use.
    pub input_size: usize,
    /// Bytes of its input to throw away.
    pub input_skip: usize,
    /// Where its unsent tail begins and ends in its tail buffer.
    pub tail_start: usize,
    /// See [`tail_start`](Self::tail_start).
    pub tail_end: usize,
    /// How many connections were taken before it.
    pub birth: u64,
    /// Opening or closing ends at this time.
    pub phase_until_ns: u64,
    /// When the socket last took a byte, or the connection began.
    pub progress_ns: u64,
    /// Since when it takes none.
    pub stalled_since_ns: Option<u64>,
    /// Whether it is to be told a new clock map as soon as there is a place for it.
    pub owes_clock_map: bool,
    /// Send buffer to ask the operating system for.
    pub send_buffer: Option<usize>,
}

impl Session {
    /// A connection that began at `now_ns`.
    pub fn new(peer: Peer, dialect: Dialect, format: Format, now_ns: u64) -> Self {
        Self {
            peer,
            phase: Phase::Opening,
            dialect,
            format,
            telemetry: [None; Kind::ALL.len()],
            events: None,
            samples: None,
            merged: 0,
            lost: 0,
            has_subscribed: false,
            has_hello: false,
            input_ended: false,
            blocked: false,
            queued: false,
            input_size: 0,
            input_skip: 0,
            tail_start: 0,
            tail_end: 0,
            birth: 0,
            phase_until_ns: u64::MAX,
            progress_ns: now_ns,
            stalled_since_ns: None,
            owes_clock_map: false,
            send_buffer: None,
        }
    }

    /// Whether the socket took a part of an event, and nothing else can be sent before its rest.
    pub fn is_cut(&self) -> bool {
        self.events.is_some_and(|events| events.cut.is_some())
    }

    /// Whether a tail is still to be sent.
    pub fn has_tail(&self) -> bool {
        self.tail_start < self.tail_end
    }

    /// Appends to the tail what `write` puts into its free part. Nothing happens when that fails:
    /// the tail is large enough for everything a well-behaved client can cause.
    pub fn push_tail<E>(
        &mut self,
        tail: &mut [u8],
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        debug_assert_eq!(tail.len(), TAIL_SIZE);
        if self.tail_start > 0 {
            tail.copy_within(self.tail_start..self.tail_end, 0);
            self.tail_end -= self.tail_start;
            self.tail_start = 0;
        }
        self.tail_end += write(&mut tail[self.tail_end..])?;
        Ok(())
    }

    /// When something has to happen without the client's doing, and what.
    pub fn deadline(&self) -> (u64, Deadline) {
        match self.phase {
            Phase::Opening => (self.phase_until_ns, Deadline::Leave(GoodbyeReason::Deadline)),
            Phase::Closing => (self.phase_until_ns, Deadline::Cut),
            Phase::Closed => (u64::MAX, Deadline::Cut),
            Phase::Streaming => match self.stalled_since_ns {
                Some(since) => (since + STALL_NS, Deadline::Leave(GoodbyeReason::Stalled)),
                None => (self.progress_ns + HEARTBEAT_NS, Deadline::Heartbeat),
            },
        }
    }
}

/// What a deadline brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// A heartbeat is due.
    Heartbeat,
    /// The connection is to be closed, with a word.
    Leave(GoodbyeReason),
    /// The connection is to be closed at once.
    Cut,
}

#[cfg(test)]
mod tests {
    use kymo_platform::SourceSpec;
    use kymo_platform::clock::Now;
    use kymo_protocol::{Cost, Group, METRICS, SensorFields};

    use super::*;
    use crate::samples::Samples;

    const NOW: Now = Now { mono_ns: 1, boot_ns: 1, wall_ns: 1 };
    const TICK: u64 = 10_000_000;
    const FIRST: u64 = 100 * TICK;

    /// A sensor of the CPU and one of a disk, of which nothing was read yet.
    fn samples() -> Samples {
        let mut samples = Samples::new(2);
        for (source, group) in [Group::Cpu, Group::Disk].into_iter().enumerate() {
            let (name, interval_ns, cadence_ms, cost) = ("double", 1, 10, Cost::Moderate);
            let (may_block, is_vital) = (false, false);
            let spec =
                SourceSpec { name, group, interval_ns, cadence_ms, cost, may_block, is_vital };
            let mut entry = [0; 256];
            let size = SensorFields::new(1, &METRICS[0], "one").write(&mut entry).unwrap();
            samples.take_scan(source, &spec, &entry[..size], 0);
        }
        samples
    }

    /// The next frame of each of `groups`.
    fn publish(samples: &mut Samples, groups: &[Group]) {
        for group in groups {
            samples.set_held(usize::from(*group != Group::Cpu), *group, false);
        }
        samples.publish(NOW).unwrap();
    }

    fn wanted(samples: &mut Samples) {
        samples.count(Groups::ALL, true);
        publish(samples, &[Group::Cpu, Group::Disk]);
        assert_eq!(samples.stream.next(), 3);
    }

    /// Says that the whole catalog was sent.
    fn tell(subscription: &mut SampleSubscription, samples: &Samples) {
        subscription.follow(samples.stream.topology());
        subscription.told = samples.stream.catalog_frames();
    }

    #[test]
    fn the_newest_frame_of_a_lane_is_owed_once() {
        let mut samples = samples();
        let mut subscription = SampleSubscription::new(100_000, Groups::ALL, None);
        let mut now = FIRST;
        let mut owe = |subscription: &mut SampleSubscription, samples: &Samples| {
            now += TICK;
            subscription.owe(now, TICK, &samples.stream, Format::Binary)
        };
        publish(&mut samples, &[]);
        tell(&mut subscription, &samples);
        assert!(!owe(&mut subscription, &samples), "a lane without a frame");
        wanted(&mut samples);
        assert!(owe(&mut subscription, &samples) && subscription.owed == 0b11);
        assert_eq!((subscription.settle(0, 1), subscription.settle(1, 2)), (0, 0));
        assert!(!subscription.has_more(&samples.stream) && !owe(&mut subscription, &samples));
        publish(&mut samples, &[Group::Disk]);
        assert!(owe(&mut subscription, &samples) && subscription.owed == 0b10);
        // It is not sent, then a newer one stands for it.
        assert!(owe(&mut subscription, &samples) && subscription.merged == [0; LANES_MAX]);
        publish(&mut samples, &[Group::Disk]);
        assert!(owe(&mut subscription, &samples));
        assert_eq!((subscription.settle(1, 4), subscription.settle(1, 4)), (1, 0));
        // One that came between the tick and the send is not sent twice.
        publish(&mut samples, &[Group::Cpu]);
        assert!(owe(&mut subscription, &samples));
        publish(&mut samples, &[Group::Cpu]);
        subscription.settle(0, 6);
        assert!(!owe(&mut subscription, &samples));
    }

    #[test]
    fn groups_that_nobody_asked_for_are_not_owed() {
        let mut samples = samples();
        wanted(&mut samples);
        let mut subscription = SampleSubscription::new(100_000, Groups(1 << 3), None);
        tell(&mut subscription, &samples);
        assert!(subscription.owe(FIRST, TICK, &samples.stream, Format::Binary));
        assert_eq!(subscription.owed, 0b10);
        assert!(!subscription.owe(FIRST, TICK, &samples.stream, Format::Binary), "not due");
    }

    #[test]
    fn every_frame_is_owed_until_the_cursor_is_behind_it() {
        let mut samples = samples();
        wanted(&mut samples);
        let mut subscription = SampleSubscription::new(100_000, Groups(1), Some(1));
        tell(&mut subscription, &samples);
        assert!(subscription.has_more(&samples.stream));
        assert!(subscription.owe(FIRST, TICK, &samples.stream, Format::Binary));
        // What is left is of another group, and done with.
        subscription.cursor = Some(2);
        assert!(!subscription.has_more(&samples.stream));
        assert!(!subscription.owe(FIRST + TICK, TICK, &samples.stream, Format::Binary));
        assert_eq!(subscription.cursor, Some(3));
        // Before it is due nothing is sent, unless it would have to give way.
        publish(&mut samples, &[Group::Cpu]);
        assert!(!subscription.owe(FIRST + TICK, TICK, &samples.stream, Format::Binary));
        for _ in 0..crate::limits::BATCH_FRAMES_MAX {
            publish(&mut samples, &[Group::Cpu]);
        }
        assert!(subscription.owe(FIRST + TICK, TICK, &samples.stream, Format::Binary));
    }

    #[test]
    fn the_catalog_is_owed_until_it_was_told() {
        let mut samples = samples();
        publish(&mut samples, &[]);
        let mut subscription = SampleSubscription::new(100_000, Groups::ALL, None);
        assert!(!subscription.has_more(&samples.stream), "it follows no catalog yet");
        subscription.follow(samples.stream.topology());
        assert!(subscription.has_more(&samples.stream));
        tell(&mut subscription, &samples);
        assert!(!subscription.has_more(&samples.stream));
        subscription.owed = 1;
        assert!(subscription.has_more(&samples.stream));
        subscription.follow(samples.stream.topology() + 1);
        assert_eq!((subscription.owed, subscription.told), (0, 0));
    }

    #[test]
    fn events_are_plain_behind_the_catch_up_and_without_a_filter() {
        let events = EventSubscription { cursor: 5, live_from: 5, ..Default::default() };
        assert!(events.is_plain());
        assert!(EventSubscription { cursor: 6, ..events }.is_plain());
        assert!(!EventSubscription { cursor: 4, ..events }.is_plain());
        assert!(!EventSubscription { filter_size: 1, ..events }.is_plain());
    }

    #[test]
    fn a_tail_moves_to_the_front_to_make_room() {
        let peer = Peer { uid: 0, gid: 0, pid: None };
        let mut session = Session::new(peer, Dialect::Binary, Format::Binary, 7);
        let mut tail = [0; TAIL_SIZE];
        assert!(!session.has_tail());
        let whole = |room: &mut [u8]| {
            room.fill(1);
            Ok::<_, ()>(room.len())
        };
        assert_eq!(session.push_tail(&mut tail, whole), Ok(()));
        assert!(session.has_tail() && session.tail_end == TAIL_SIZE);
        session.tail_start = TAIL_SIZE - 2;
        let more = |room: &mut [u8]| {
            assert_eq!(room.len(), TAIL_SIZE - 2);
            room[0] = 2;
            Ok::<_, ()>(1)
        };
        assert_eq!(session.push_tail(&mut tail, more), Ok(()));
        assert_eq!((session.tail_start, session.tail_end, &tail[..3]), (0, 3, &[1, 1, 2][..]));
        assert_eq!(session.push_tail(&mut tail, |_| Err::<usize, _>(())), Err(()));
        assert_eq!((session.tail_start, session.tail_end), (0, 3));
        session.tail_start = 3;
        assert!(!session.has_tail());
    }
}
