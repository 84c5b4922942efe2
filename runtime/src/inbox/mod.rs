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
//! * An event that [`Overflow::Refuse`] took in is taken out, at the end of the loop, too. What a
//!   journal that fails or a loop that is dropped leaves behind is counted as dropped.
//! * When the loop has been stopped, publishers are told so, and nothing comes in behind it.
//! * Never a wait for room: a full inbox is an answer.
//! * What was published was taken, was dropped or waits: [`InboxCounts`] and [`Inbox::len`] add up
//!   whenever no publisher is at it.
//!
//! Not guaranteed:
//!
//! * That a gap names what [`Overflow::DropOldest`] dropped. It had no sequence yet, so subscribers
//!   see none missing; publishers see the counter, and so does the status.
//! * Wait-freedom. The queues are non-blocking in practice: nobody holds a lock, but a thread that
//!   the system stops between two instructions of a push or a pop makes those who come to the same
//!   place of the queue wait, spinning, until it runs again. Therefore the loop must not run with a
//!   real-time priority that keeps its publishers from their only processor.

mod gate;
mod publisher;
mod slots;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kymo_protocol::limits::EVENT_BYTES;

use crate::limits::{INBOX_LARGE_SLOTS, INBOX_SMALL_SLOTS};
pub use publisher::{Overflow, PublishError, Publisher};
use slots::{Shared, Slot};

/// How much waits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Events of at most [`INBOX_SMALL_BYTES`](crate::limits::INBOX_SMALL_BYTES) of payload.
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

/// The loop's side; see the module. [`Publisher`] has an example.
pub struct Inbox {
    shared: Arc<Shared>,
    /// Which queue is looked at first. They take turns, so that neither waits for the other.
    is_droppable_next: Cell<bool>,
    taken: Cell<u64>,
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
        let shared = Shared::new(capacity, Box::new(wake));
        Self { shared: Arc::new(shared), is_droppable_next: Cell::new(false), taken: Cell::new(0) }
    }

    /// A publisher that refuses what finds no room.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        Publisher::new(&self.shared)
    }

    /// Whether there may be something to take. The loop must not sleep then: it is woken only for
    /// what is published after this was `false`.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.shared.flag.0.is_raised()
    }

    /// Hands the next payload to `each`; `false` when there is none. A payload has passed
    /// [`Event::parse`](kymo_protocol::Event::parse).
    pub fn take(&self, each: impl FnOnce(&mut [u8])) -> bool {
        let Some(mut slot) = self.shared.flag.0.take(|| self.pop()) else { return false };
        each(slot.bytes.get_mut(..slot.size as usize).unwrap_or_default());
        self.shared.give_back(slot);
        self.taken.set(self.taken.get() + 1);
        true
    }

    /// Lets nothing more in: publishers are told [`PublishError::Closed`]. What was let in can be
    /// taken as before.
    pub fn close(&self) {
        self.shared.counters.0.gate.close();
    }

    /// Whether all that was let in was taken or dropped. What is not may be on its way: a publisher
    /// has it in its hands, for less than a microsecond while it runs.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let InboxCounts { published, dropped, .. } = self.counts();
        self.taken.get() + dropped >= published
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

impl Drop for Inbox {
    fn drop(&mut self) {
        self.close();
        while let Some(slot) = self.pop() {
            self.shared.counters.0.dropped.fetch_add(1, Ordering::Relaxed);
            self.shared.give_back(slot);
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("len", &self.len()).field("counts", &self.counts()).finish()
    }
}

#[cfg(all(test, not(loom)))]
// clippy knows test functions, but not the helpers around them.
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use kymo_protocol::{Data, Event, EventFields};
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::thread;
    use std::time::{Duration, Instant};

    pub(super) fn tiny(small: usize, large: usize) -> Inbox {
        Inbox::new(Capacity { small, large, ..Capacity::default() }, || ())
    }

    pub(super) fn numbered(topic: &str, number: u64, data_size: usize) -> (String, Vec<u8>) {
        let mut data = number.to_le_bytes().to_vec();
        data.resize(data_size.max(8), u8::try_from(number % 251).unwrap());
        (topic.to_owned(), data)
    }

    pub(super) fn publish(
        publisher: &Publisher,
        number: u64,
        data_size: usize,
    ) -> Result<(), PublishError> {
        let (topic, data) = numbered("t", number, data_size);
        publisher.publish(&EventFields::custom(&topic, Data::Bytes(&data)))
    }

    /// Topic and number of a payload; its filling is checked.
    pub(super) fn read(payload: &[u8]) -> (String, u64) {
        let event = Event::parse(payload).unwrap();
        let Data::Bytes(data) = event.data() else { panic!("{event:?}") };
        let number = u64::from_le_bytes(*data.first_chunk().unwrap());
        let filling = u8::try_from(number % 251).unwrap();
        assert!(data[8..].iter().all(|byte| *byte == filling), "torn");
        (event.name().to_owned(), number)
    }

    pub(super) fn drain(inbox: &Inbox) -> Vec<u64> {
        let mut numbers = Vec::new();
        while inbox.take(|payload| numbers.push(read(payload).1)) {}
        numbers
    }

    pub(super) const SMALL: usize = 64;
    pub(super) const LARGE: usize = 1000;

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
    fn what_waits_was_dropped_or_was_taken_adds_up() {
        let inbox = tiny(2, 1);
        let refuse = inbox.publisher();
        let drop_oldest = refuse.clone().with_overflow(Overflow::DropOldest);
        assert!(inbox.is_empty() && inbox.is_drained());
        for (number, publisher) in [(1, &refuse), (2, &drop_oldest), (3, &drop_oldest)] {
            assert_eq!(publish(publisher, number, SMALL), Ok(()));
            assert!(!inbox.is_empty() && !inbox.is_drained());
        }
        assert_eq!((inbox.len(), inbox.counts().dropped), (2, 1));
        assert_eq!(drain(&inbox), [1, 3]);
        assert!(inbox.is_empty() && inbox.is_drained());
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

    /// A loop that ends while publishers are at it has taken what they believe it has.
    #[test]
    fn the_end_loses_nothing_that_was_taken_in() {
        for round in 0..200 {
            let inbox = tiny(8, 1);
            let publishers = [(); 3].map(|()| {
                let publisher = inbox.publisher();
                thread::spawn(move || {
                    let mut believed = 0;
                    loop {
                        match publish(&publisher, 1, SMALL) {
                            Ok(()) => believed += 1,
                            Err(PublishError::Full) => thread::yield_now(),
                            Err(error) => {
                                assert_eq!(error, PublishError::Closed);
                                break believed;
                            }
                        }
                    }
                })
            });
            let mut taken = 0;
            while taken < round {
                taken += u64::from(inbox.take(|_| ()));
            }
            inbox.close();
            while !inbox.is_drained() {
                taken += u64::from(inbox.take(|_| ()));
            }
            let believed: u64 = publishers.map(|thread| thread.join().unwrap()).iter().sum();
            assert_eq!(taken, believed);
            assert_eq!((inbox.counts().published, inbox.len()), (believed, 0));
        }
    }

    #[test]
    fn what_waits_in_a_dropped_inbox_is_counted() {
        let inbox = tiny(4, 1);
        let publisher = inbox.publisher();
        for number in 0..3 {
            assert_eq!(publish(&publisher, number, SMALL), Ok(()));
        }
        assert!(inbox.take(|_| ()));
        drop(inbox);
        assert_eq!(publisher.counts(), InboxCounts { published: 3, refused: 0, dropped: 2 });
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
