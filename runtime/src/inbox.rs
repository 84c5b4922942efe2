//! How other threads of the process hand events to the loop.
//!
//! A publisher takes a free slot, writes the event's payload into it on its own thread, and puts it
//! behind those that wait. The loop takes them one after the other and gives the slots back. All
//! slots are allocated by [`Inbox::new`]; publishing and taking allocate nothing.
//!
//! Guaranteed:
//!
//! * Events of one publisher are taken in the order they were published, each once. Between
//!   publishers of the same [`Overflow`] order is kept as well when one published after it knew
//!   that the other had; between publishers of different ones it is not.
//! * An event that [`Overflow::Refuse`] took in is taken out, unless the loop ends first.
//! * Never a wait for room: a full inbox is an answer.
//! * What was published was taken, was dropped or waits: [`InboxCounts`] and [`Inbox::len`] add up
//!   whenever no publisher is at it.
//!
//! Not guaranteed:
//!
//! * That the loop still lived when `Ok` came back. An event that is published while the loop ends
//!   may be lost.
//! * That a gap names what [`Overflow::DropOldest`] dropped. It had no sequence yet, so subscribers
//!   see none missing; publishers see the counter, and so does the status.
//! * Wait-freedom. The queues are non-blocking in practice: nobody holds a lock, but a thread that
//!   the system stops between two instructions of a push or a pop makes those who come to the same
//!   place of the queue wait, spinning, until it runs again. Therefore the loop must not run with a
//!   real-time priority that keeps its publishers from their only processor.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;
use kymo_platform::clock;
use kymo_protocol::event::EVENT_HEAD_SIZE;
use kymo_protocol::limits::{EVENT_BYTES, FRAME_ALIGN};
use kymo_protocol::{Data, EventFields, FrameError, Words};

use crate::limits::{INBOX_LARGE_SLOTS, INBOX_SMALL_BYTES, INBOX_SMALL_SLOTS};
use crate::wake_flag::WakeFlag;

/// How much waits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Events of at most [`INBOX_SMALL_BYTES`] of payload.
    pub small: usize,
    /// Longer ones. They have places of their own, so that a burst of short ones leaves them some.
    pub large: usize,
    /// Bytes of the longest payload.
    pub event_bytes: u32,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { small: INBOX_SMALL_SLOTS, large: INBOX_LARGE_SLOTS, event_bytes: EVENT_BYTES }
    }
}

/// What a publisher does when there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It refuses the event; the caller decides.
    #[default]
    Refuse,
    /// It drops the oldest event of those that came from publishers of this kind, and refuses when
    /// none of them waits. An event that is too long or invalid may cost an older one its place
    /// too.
    DropOldest,
}

/// Why an event was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// There is no room now.
    Full,
    /// It is longer than [`Capacity::event_bytes`].
    TooLong,
    /// It is no event that can be sent.
    Invalid(FrameError),
    /// The loop has ended.
    Closed,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the inbox is full"),
            Self::TooLong => f.write_str("the event is too long"),
            Self::Invalid(error) => write!(f, "the event is invalid: {error}"),
            Self::Closed => f.write_str("the loop has ended"),
        }
    }
}

impl std::error::Error for PublishError {}

/// What became of events, of all publishers together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCounts {
    /// Taken in.
    pub published: u64,
    /// Not taken in, whatever the error.
    pub refused: u64,
    /// Taken in, and dropped for newer ones.
    pub dropped: u64,
}

/// A place for one payload.
struct Slot {
    bytes: Box<[u8]>,
    /// How much of it is used.
    size: u32,
}

/// Keeps what several threads write away from what they only read.
#[repr(align(128))]
#[derive(Default)]
struct Apart<T>(T);

#[derive(Default)]
struct Counters {
    published: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
}

/// What publishers and the loop share.
struct Shared {
    /// Slots of `small_bytes`, and those that are longer.
    free_small: ArrayQueue<Slot>,
    free_large: ArrayQueue<Slot>,
    /// Events that wait, of both sizes, so that a publisher's order is kept. Those that may be
    /// dropped have a queue of their own, because a queue gives up its oldest and nothing else.
    kept: ArrayQueue<Slot>,
    droppable: ArrayQueue<Slot>,
    flag: Apart<WakeFlag>,
    counters: Apart<Counters>,
    is_closed: AtomicBool,
    small_bytes: usize,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// The loop's side; see the module. [`Publisher`] has an example.
pub struct Inbox {
    shared: Arc<Shared>,
    /// Which queue is looked at first. They take turns, so that neither waits for the other.
    is_droppable_next: Cell<bool>,
}

/// The side of any other thread. A clone is the same publisher, for one more thread.
///
/// ```
/// use kymo::{Capacity, Inbox, Overflow};
/// use kymo_protocol::{Data, Event, EventFields, Words};
///
/// let inbox = Inbox::new(Capacity::default(), || { /* wake the loop */ });
/// let publisher = inbox.publisher().with_overflow(Overflow::DropOldest);
/// std::thread::spawn(move || {
///     let text = Data::Text(Words::Plain("all tests passed"));
///     publisher.publish(&EventFields::custom("build.done", text))
/// })
/// .join()
/// .unwrap()?;
///
/// let mut topics = Vec::new();
/// while inbox.take(|payload| topics.extend(Event::parse(payload).map(|e| e.name().to_owned()))) {}
/// assert_eq!(topics, ["build.done"]);
/// # Ok::<(), kymo::PublishError>(())
/// ```
#[derive(Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
    overflow: Overflow,
}

impl Inbox {
    /// An empty inbox. `wake` is called on a publisher's thread, at most once for all events that
    /// are published until the loop has found the inbox empty; it must not block.
    ///
    /// # Panics
    ///
    /// When a capacity is 0: a programmer error.
    #[must_use]
    pub fn new(capacity: Capacity, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let Capacity { small, large, event_bytes } = capacity;
        let large_bytes = usize::try_from(event_bytes).unwrap_or(usize::MAX);
        let small_bytes = INBOX_SMALL_BYTES.min(large_bytes);
        let shared = Shared {
            free_small: slots(small, small_bytes),
            free_large: slots(large, large_bytes),
            kept: ArrayQueue::new(small + large),
            droppable: ArrayQueue::new(small + large),
            flag: Apart::default(),
            counters: Apart::default(),
            is_closed: AtomicBool::new(false),
            small_bytes,
            wake: Box::new(wake),
        };
        Self { shared: Arc::new(shared), is_droppable_next: Cell::new(false) }
    }

    /// A publisher that refuses what finds no room.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        Publisher { shared: Arc::clone(&self.shared), overflow: Overflow::Refuse }
    }

    /// Whether there may be something to take. The loop must not sleep then: it is woken only for
    /// what is published after this was `false`.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.shared.flag.0.is_raised()
    }

    /// Hands the next payload to `each`; `false` when there is none. A payload has passed
    /// [`Event::parse`](kymo_protocol::Event::parse).
    pub fn take(&self, each: impl FnOnce(&[u8])) -> bool {
        let Some(slot) = self.shared.flag.0.take(|| self.pop()) else { return false };
        each(slot.bytes.get(..slot.size as usize).unwrap_or_default());
        self.shared.give_back(slot);
        true
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.kept.len() + self.shared.droppable.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What became of events so far.
    #[must_use]
    pub fn counts(&self) -> InboxCounts {
        self.shared.counts()
    }

    fn pop(&self) -> Option<Slot> {
        let Shared { kept, droppable, .. } = &*self.shared;
        let is_droppable_first = self.is_droppable_next.replace(!self.is_droppable_next.get());
        let (first, second) =
            if is_droppable_first { (droppable, kept) } else { (kept, droppable) };
        first.pop().or_else(|| second.pop())
    }
}

impl Publisher {
    /// The same publisher with another answer to a full inbox. Use one of them for events whose
    /// order matters.
    #[must_use]
    pub fn with_overflow(self, overflow: Overflow) -> Self {
        Self { overflow, ..self }
    }

    /// Hands an event to the loop. A `wall_ns` of 0 becomes the time of the call.
    ///
    /// # Errors
    ///
    /// A [`PublishError`]; nothing was published then.
    pub fn publish(&self, event: &EventFields<'_>) -> Result<(), PublishError> {
        let counters = &self.shared.counters.0;
        match self.hand_over(event) {
            Ok(()) => {
                if self.shared.flag.0.raise() {
                    (self.shared.wake)();
                }
                Ok(())
            }
            Err(error) => {
                counters.refused.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// What became of events so far, of all publishers.
    #[must_use]
    pub fn counts(&self) -> InboxCounts {
        self.shared.counts()
    }

    fn hand_over(&self, event: &EventFields<'_>) -> Result<(), PublishError> {
        let shared = &*self.shared;
        if shared.is_closed.load(Ordering::Acquire) {
            return Err(PublishError::Closed);
        }
        let mut slot = self.slot(size_max(event)).ok_or(PublishError::Full)?;
        let wall_ns = if event.wall_ns == 0 { clock::wall_ns() } else { event.wall_ns };
        match event.write_at(wall_ns, &mut slot.bytes) {
            // A slot is no longer than an event, whose length is a u32.
            Ok(size) => slot.size = u32::try_from(size).unwrap_or(0),
            Err(error) => {
                shared.give_back(slot);
                return Err(match error {
                    FrameError::Short => PublishError::TooLong,
                    error => PublishError::Invalid(error),
                });
            }
        }
        // Counted before it can be taken, so that never more is taken than was published.
        shared.counters.0.published.fetch_add(1, Ordering::Relaxed);
        let waiting = match self.overflow {
            Overflow::Refuse => &shared.kept,
            Overflow::DropOldest => &shared.droppable,
        };
        // Each queue has room for every slot there is.
        let is_room = waiting.push(slot).is_ok();
        debug_assert!(is_room);
        Ok(())
    }

    /// A free slot for an event of at most `size` bytes, or one that was just freed.
    fn slot(&self, size: usize) -> Option<Slot> {
        let shared = &*self.shared;
        let is_small = size <= shared.small_bytes;
        let free = if is_small { &shared.free_small } else { &shared.free_large };
        // Those whose slot is of the other size are dropped on the way. Other publishers may take
        // what is freed; at most as many are dropped as wait.
        let tries = match self.overflow {
            Overflow::Refuse => 0,
            Overflow::DropOldest => shared.droppable.capacity(),
        };
        free.pop().or_else(|| {
            (0..tries).find_map(|_| {
                let oldest = shared.droppable.pop()?;
                shared.counters.0.dropped.fetch_add(1, Ordering::Relaxed);
                if is_small == shared.is_small(&oldest) {
                    return Some(oldest);
                }
                shared.give_back(oldest);
                free.pop()
            })
        })
    }
}

impl Shared {
    fn is_small(&self, slot: &Slot) -> bool {
        slot.bytes.len() <= self.small_bytes
    }

    fn give_back(&self, slot: Slot) {
        let free = if self.is_small(&slot) { &self.free_small } else { &self.free_large };
        // Each queue has room for every slot of its size.
        let is_room = free.push(slot).is_ok();
        debug_assert!(is_room);
    }

    fn counts(&self) -> InboxCounts {
        let Counters { published, refused, dropped } = &self.counters.0;
        InboxCounts {
            published: published.load(Ordering::Relaxed),
            refused: refused.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Release);
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("len", &self.len()).field("counts", &self.counts()).finish()
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("overflow", &self.overflow).finish_non_exhaustive()
    }
}

fn slots(count: usize, size: usize) -> ArrayQueue<Slot> {
    let queue = ArrayQueue::new(count);
    for _ in 0..count {
        let is_room = queue.push(Slot { bytes: vec![0; size].into_boxed_slice(), size: 0 }).is_ok();
        debug_assert!(is_room);
    }
    queue
}

/// Bytes that an event's payload has at most: escapes, base64 and white space only shrink. In JSON
/// alone one byte grows: 0x7F becomes `\u007f`.
fn size_max(event: &EventFields<'_>) -> usize {
    let text = |words: Words<'_>| match words {
        Words::Plain(text) => text.len(),
        Words::Escaped(text) => text.escaped().len(),
    };
    let data = match event.data {
        Data::Text(words) => text(words),
        Data::Json(text) => {
            let deletes = text.bytes().filter(|byte| *byte == 0x7F).count();
            text.len().saturating_add(5 * deletes)
        }
        Data::Bytes(bytes) => bytes.len(),
        // The decoder asks for room by whole groups of four characters.
        Data::Base64(text) => text.escaped().len().saturating_add(3),
    };
    let numbers = 8 * event.numbers.present().count_ones() as usize;
    let fixed = EVENT_HEAD_SIZE + numbers + FRAME_ALIGN - 1;
    data.saturating_add(text(event.name)).saturating_add(fixed) / FRAME_ALIGN * FRAME_ALIGN
}

#[cfg(all(test, not(loom)))]
// clippy knows test functions, but not the helpers around them.
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use kymo_protocol::json::Text;
    use kymo_protocol::{AppState, Event, EventKind, Number, NumberValue};
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::sync::atomic::AtomicUsize;
    use std::thread;
    use std::time::{Duration, Instant};

    fn tiny(small: usize, large: usize) -> Inbox {
        Inbox::new(Capacity { small, large, ..Capacity::default() }, || ())
    }

    fn numbered(topic: &str, number: u64, data_size: usize) -> (String, Vec<u8>) {
        let mut data = number.to_le_bytes().to_vec();
        data.resize(data_size.max(8), u8::try_from(number % 251).unwrap());
        (topic.to_owned(), data)
    }

    fn publish(publisher: &Publisher, number: u64, data_size: usize) -> Result<(), PublishError> {
        let (topic, data) = numbered("t", number, data_size);
        publisher.publish(&EventFields::custom(&topic, Data::Bytes(&data)))
    }

    /// Topic and number of a payload; its filling is checked.
    fn read(payload: &[u8]) -> (String, u64) {
        let event = Event::parse(payload).unwrap();
        let Data::Bytes(data) = event.data() else { panic!("{event:?}") };
        let number = u64::from_le_bytes(*data.first_chunk().unwrap());
        let filling = u8::try_from(number % 251).unwrap();
        assert!(data[8..].iter().all(|byte| *byte == filling), "torn");
        (event.name().to_owned(), number)
    }

    fn drain(inbox: &Inbox) -> Vec<u64> {
        let mut numbers = Vec::new();
        while inbox.take(|payload| numbers.push(read(payload).1)) {}
        numbers
    }

    const SMALL: usize = 64;
    const LARGE: usize = 1000;

    #[test]
    fn what_was_published_is_taken_in_order_whatever_its_size() {
        let inbox = tiny(4, 2);
        for round in 0..10 {
            for (number, size) in [(1, SMALL), (2, LARGE), (3, SMALL), (4, LARGE), (5, SMALL)] {
                assert_eq!(publish(&inbox.publisher(), 10 * round + number, size), Ok(()));
            }
            assert_eq!(inbox.len(), 5);
            let expected: Vec<u64> = (1..=5).map(|number| 10 * round + number).collect();
            assert_eq!(drain(&inbox), expected);
        }
        assert!(inbox.is_empty() && !inbox.is_pending());
        assert_eq!(inbox.counts(), InboxCounts { published: 50, refused: 0, dropped: 0 });
    }

    #[test]
    fn a_full_inbox_refuses_and_short_events_leave_long_ones_their_room() {
        let inbox = tiny(2, 1);
        let publisher = inbox.publisher();
        assert_eq!([1, 2].map(|number| publish(&publisher, number, SMALL)), [Ok(()); 2]);
        assert_eq!(publish(&publisher, 3, SMALL), Err(PublishError::Full));
        assert_eq!(publish(&publisher, 4, LARGE), Ok(()));
        assert_eq!(publish(&publisher, 5, LARGE), Err(PublishError::Full));
        assert_eq!(drain(&inbox), [1, 2, 4]);
        assert_eq!(publisher.counts(), InboxCounts { published: 3, refused: 2, dropped: 0 });
    }

    #[test]
    fn the_oldest_gives_way_to_those_who_say_so() {
        let inbox = tiny(3, 1);
        let publisher = inbox.publisher().with_overflow(Overflow::DropOldest);
        for number in 1..=5 {
            assert_eq!(publish(&publisher, number, SMALL), Ok(()));
        }
        assert_eq!(publish(&publisher, 6, LARGE), Ok(()));
        assert_eq!(publisher.counts(), InboxCounts { published: 6, refused: 0, dropped: 2 });
        // The place of a long one is behind all short ones.
        assert_eq!(publish(&publisher, 7, LARGE), Ok(()));
        assert_eq!(drain(&inbox), [7]);
        assert_eq!(inbox.counts(), InboxCounts { published: 7, refused: 0, dropped: 6 });
        for number in 8..=10 {
            assert_eq!(publish(&publisher, number, SMALL), Ok(()));
        }
        assert_eq!(drain(&inbox), [8, 9, 10]);
    }

    #[test]
    fn nobody_drops_an_event_of_a_publisher_that_refuses() {
        let inbox = tiny(2, 1);
        let refuse = inbox.publisher();
        let drop_oldest = refuse.clone().with_overflow(Overflow::DropOldest);
        assert_eq!(publish(&refuse, 1, SMALL), Ok(()));
        assert_eq!(publish(&drop_oldest, 2, SMALL), Ok(()));
        assert_eq!(publish(&drop_oldest, 3, SMALL), Ok(()));
        assert_eq!(publish(&refuse, 4, SMALL), Err(PublishError::Full));
        let mut numbers = drain(&inbox);
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 3]);
        assert_eq!([5, 6].map(|number| publish(&refuse, number, SMALL)), [Ok(()); 2]);
        assert_eq!(publish(&drop_oldest, 7, SMALL), Err(PublishError::Full));
        assert_eq!(drain(&inbox), [5, 6]);
    }

    #[test]
    fn neither_kind_of_publisher_waits_for_the_other() {
        let inbox = tiny(8, 1);
        let refuse = inbox.publisher();
        let drop_oldest = refuse.clone().with_overflow(Overflow::DropOldest);
        for number in 1..=4 {
            assert_eq!(publish(&refuse, number, SMALL), Ok(()));
            assert_eq!(publish(&drop_oldest, 10 + number, SMALL), Ok(()));
        }
        let mut first = Vec::new();
        for _ in 0..4 {
            assert!(inbox.take(|payload| first.push(read(payload).1)));
        }
        first.sort_unstable();
        assert_eq!(first, [1, 2, 11, 12]);
    }

    #[test]
    fn what_can_not_be_published_costs_no_slot() {
        let inbox = Inbox::new(Capacity { small: 1, large: 1, event_bytes: 1024 }, || ());
        let publisher = inbox.publisher();
        let long = [b'a'; 1024];
        for _ in 0..3 {
            let event = EventFields::custom("t", Data::Bytes(&long));
            assert_eq!(publisher.publish(&event), Err(PublishError::TooLong));
            let event = EventFields::custom("t", Data::Json("{"));
            let invalid = Err(PublishError::Invalid(FrameError::Value));
            assert_eq!(publisher.publish(&event), invalid);
        }
        assert!(inbox.is_empty() && !inbox.is_pending());
        let event = EventFields::custom("t", Data::Bytes(&long[..1024 - 25]));
        assert_eq!(publisher.publish(&event), Ok(()));
        assert_eq!(publish(&publisher, 1, SMALL), Ok(()));
        assert_eq!(publisher.counts(), InboxCounts { published: 2, refused: 6, dropped: 0 });
    }

    #[test]
    fn small_slots_are_filled_to_their_last_byte() {
        let inbox = tiny(1, 1);
        let rest = INBOX_SMALL_BYTES - EVENT_HEAD_SIZE - 1;
        assert_eq!(publish(&inbox.publisher(), 1, rest), Ok(()));
        assert_eq!(publish(&inbox.publisher(), 2, rest), Err(PublishError::Full));
        assert_eq!(publish(&inbox.publisher(), 3, rest + 1), Ok(()));
        assert_eq!(drain(&inbox), [1, 3]);
    }

    #[test]
    fn json_that_grows_gets_a_slot_that_is_long_enough() {
        let inbox = tiny(1, 1);
        let json = format!("\"{}\"", "\u{7f}".repeat(INBOX_SMALL_BYTES - 64));
        let event = EventFields::custom("t", Data::Json(&json));
        assert_eq!(inbox.publisher().publish(&event), Ok(()));
        assert!(inbox.take(|payload| assert!(payload.len() > 6 * (INBOX_SMALL_BYTES - 64))));
    }

    #[test]
    fn a_missing_time_is_filled_in() {
        let inbox = tiny(2, 1);
        let event = EventFields::custom("t", Data::Bytes(b"x"));
        let before = clock::wall_ns();
        assert_eq!(inbox.publisher().publish(&event), Ok(()));
        assert_eq!(inbox.publisher().publish(&EventFields { wall_ns: 7, ..event }), Ok(()));
        let mut times = Vec::new();
        while inbox.take(|payload| times.push(Event::parse(payload).unwrap().wall_ns())) {}
        assert!((before..=clock::wall_ns()).contains(&times[0]));
        assert_eq!(times[1], 7);
    }

    #[test]
    fn one_wake_until_the_loop_found_nothing() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&wakes);
        let inbox = Inbox::new(Capacity::default(), move || {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        let publisher = inbox.publisher();
        let both = [publisher.clone(), publisher.with_overflow(Overflow::DropOldest)];
        for number in 0..10 {
            assert_eq!(publish(&both[usize::from(number % 2 == 0)], number, SMALL), Ok(()));
        }
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        // A part of them, and then more.
        assert!(inbox.take(|_| ()) && inbox.take(|_| ()) && inbox.is_pending());
        assert_eq!(publish(&both[0], 10, SMALL), Ok(()));
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        assert_eq!(drain(&inbox).len(), 9);
        assert!(!inbox.is_pending());
        assert_eq!(publish(&both[0], 11, SMALL), Ok(()));
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
        assert!(inbox.is_pending());
    }

    #[test]
    fn publishers_learn_that_the_loop_has_ended() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&wakes);
        let inbox = Inbox::new(Capacity::default(), move || {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        let publisher = inbox.publisher();
        drop(inbox);
        assert_eq!(publish(&publisher, 1, SMALL), Err(PublishError::Closed));
        assert_eq!(publisher.counts().refused, 1);
        assert_eq!(wakes.load(Ordering::Relaxed), 0);
    }

    /// Publishers of both kinds against a loop that sleeps until it is woken.
    #[test]
    fn contention_loses_repeats_and_reorders_nothing() {
        const EACH: u64 = 20_000;
        let consumer = thread::current();
        let capacity = Capacity { small: 16, large: 4, ..Capacity::default() };
        let inbox = Inbox::new(capacity, move || consumer.unpark());
        let publishers: Vec<_> = ["refuse-1", "refuse-2", "drop-1", "drop-2"]
            .into_iter()
            .map(|name| {
                let is_drop = name.starts_with("drop");
                let overflow = if is_drop { Overflow::DropOldest } else { Overflow::Refuse };
                let publisher = inbox.publisher().with_overflow(overflow);
                thread::spawn(move || {
                    for number in 1..=EACH {
                        let size = if number % 7 == 0 { LARGE } else { SMALL };
                        let (topic, data) = numbered(name, number, size);
                        let event = EventFields::custom(&topic, Data::Bytes(&data));
                        while let Err(error) = publisher.publish(&event) {
                            assert_eq!(error, PublishError::Full);
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let mut last: HashMap<String, u64> = HashMap::new();
        let mut taken = 0;
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            while inbox.take(|payload| {
                let (name, number) = read(payload);
                let last = last.entry(name.clone()).or_default();
                let follows =
                    if name.starts_with("drop") { number > *last } else { number == *last + 1 };
                assert!(follows, "{name}: {number} after {last}");
                *last = number;
                taken += 1;
            }) {}
            if taken + inbox.counts().dropped == 4 * EACH {
                break;
            }
            assert!(Instant::now() < end, "an event or a wake was lost");
            if !inbox.is_pending() {
                thread::park_timeout(Duration::from_secs(60));
            }
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert_eq!(inbox.counts().published, 4 * EACH);
        assert!(!inbox.take(|_| ()) && inbox.is_empty());
        assert_eq!([last["refuse-1"], last["refuse-2"]], [EACH; 2]);
    }

    proptest! {
        /// An event that is shorter than announced wastes a large slot; one that is longer would
        /// be refused as too long.
        #[test]
        fn no_payload_is_longer_than_announced(
            text in ".{0,40}",
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            present in 0usize..=9,
        ) {
            let spaced = format!(" {{ \"k\" : {} }} ", serde_json::to_string(&text).unwrap());
            let encoded = format!("{}QQ==", "QUJD".repeat(bytes.len() / 3));
            let data = [
                Data::Text(Words::Plain(&text)), Data::Json(&spaced), Data::Bytes(&bytes),
                Data::Base64(Text::plain(&encoded).unwrap()),
            ];
            let mut events = data.map(|data| EventFields::custom("topic", data)).to_vec();
            // Only kinds of this process have numbers.
            let mut metrics = EventFields::new(EventKind::MetricsUpdate);
            metrics.state = Some(AppState::Recording);
            let all = Number::ALL.into_iter().filter(|number| *number != Number::RetryCount);
            for number in all.take(present) {
                let value = if number.is_integer() {
                    NumberValue::Integer(1)
                } else {
                    NumberValue::Float(1.5)
                };
                metrics.numbers.set(number, value);
            }
            events.push(metrics);
            for event in events {
                let mut buffer = vec![0; size_max(&event)];
                prop_assert!(event.write(&mut buffer).is_ok(), "{event:?}");
            }
        }
    }

    /// What publishing costs its thread: `cargo test --release -p kymo --lib -- --ignored
    /// --nocapture publish_cost`.
    #[test]
    #[ignore = "a measurement, for a release build on a quiet machine"]
    fn publish_cost() {
        const BATCH: u32 = 500;
        let inbox = Inbox::new(Capacity::default(), || ());
        let publisher = inbox.publisher();
        let is_done = AtomicBool::new(false);
        let mut costs = Vec::new();
        thread::scope(|scope| {
            let (is_done, inbox) = (&is_done, inbox);
            scope.spawn(move || {
                let mut sum = 0;
                while !is_done.load(Ordering::Relaxed) {
                    while inbox.take(|payload| sum += u64::from(payload[24])) {}
                }
                sum
            });
            let data = [7; 64];
            let event = EventFields::custom("bench", Data::Bytes(&data));
            for _ in 0..20_000 {
                let start = Instant::now();
                let mut taken = 0;
                for _ in 0..BATCH {
                    taken += u32::from(publisher.publish(&event).is_ok());
                }
                if taken == BATCH {
                    costs.push(start.elapsed() / BATCH);
                }
                thread::sleep(Duration::from_micros(10));
            }
            is_done.store(true, Ordering::Relaxed);
        });
        costs.sort_unstable();
        let at = |share: usize| costs[costs.len() * share / 100];
        println!("batches {} p50 {:?} p90 {:?} p99 {:?}", costs.len(), at(50), at(90), at(99));
    }
}
