//! The side of the threads that publish.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kymo_protocol::event::EVENT_HEAD_SIZE;
use kymo_protocol::limits::FRAME_ALIGN;
use kymo_protocol::{Data, EventFields, FrameError, Words};

use super::InboxCounts;
use super::slots::{Shared, Slot};

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
    /// It is longer than [`Capacity::event_bytes`](super::Capacity::event_bytes).
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

impl Publisher {
    /// One that refuses what finds no room.
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), overflow: Overflow::Refuse }
    }

    /// The same publisher with another answer to a full inbox. Use one of them for events whose
    /// order matters.
    #[must_use]
    pub fn with_overflow(self, overflow: Overflow) -> Self {
        Self { overflow, ..self }
    }

    /// Hands an event to the loop, which takes it, also when it is stopped in that moment. A
    /// `wall_ns` of 0 becomes the time of the turn that takes it, as that of its frame: reading a
    /// clock would be a third of what a call costs. Who must know when it was called says so.
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

    /// Bytes of the longest payload.
    pub(crate) fn event_bytes(&self) -> usize {
        self.shared.large_bytes
    }

    /// What became of events so far, of all publishers.
    #[must_use]
    pub fn counts(&self) -> InboxCounts {
        self.shared.counts()
    }

    fn hand_over(&self, event: &EventFields<'_>) -> Result<(), PublishError> {
        let shared = &*self.shared;
        let gate = &shared.counters.0.gate;
        let no_room = || if gate.is_closed() { PublishError::Closed } else { PublishError::Full };
        let mut slot = self.slot(size_max(event)).ok_or_else(no_room)?;
        match event.write(&mut slot.bytes) {
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
        if !gate.enter() {
            shared.give_back(slot);
            return Err(PublishError::Closed);
        }
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

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("overflow", &self.overflow).finish_non_exhaustive()
    }
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
    use super::super::tests::{LARGE, SMALL, drain, publish, tiny};
    use super::super::{Capacity, Inbox};
    use super::*;
    use crate::limits::INBOX_SMALL_BYTES;
    use kymo_protocol::json::Text;
    use kymo_protocol::{AppState, EventKind, Number, NumberValue};
    use proptest::prelude::*;
    use std::sync::atomic::AtomicUsize;

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

    /// What is announced decides on the slot: too little, and it would be too long for its own.
    #[test]
    fn json_that_grows_beyond_a_small_slot_gets_a_large_one() {
        let inbox = tiny(1, 1);
        let json = format!("\"{}\"", "\u{7f}".repeat(INBOX_SMALL_BYTES / 4));
        let event = EventFields::custom("t", Data::Json(&json));
        assert_eq!(inbox.publisher().publish(&event), Ok(()));
        assert!(inbox.take(|payload| assert!(payload.len() > INBOX_SMALL_BYTES)));
    }

    #[test]
    fn a_full_inbox_whose_loop_has_ended_is_closed() {
        let inbox = tiny(1, 1);
        let publisher = inbox.publisher();
        assert_eq!(publish(&publisher, 1, SMALL), Ok(()));
        assert_eq!(publish(&publisher, 2, SMALL), Err(PublishError::Full));
        inbox.close();
        assert_eq!(publish(&publisher, 3, SMALL), Err(PublishError::Closed));
        assert_eq!(drain(&inbox), [1]);
    }

    #[test]
    fn people_are_told_what_it_is_and_why_not() {
        let inbox = Inbox::new(Capacity { event_bytes: 1024, ..Capacity::default() }, || ());
        let publisher = inbox.publisher().with_overflow(Overflow::DropOldest);
        assert_eq!(publisher.event_bytes(), 1024);
        assert_eq!(format!("{publisher:?}"), "Publisher { overflow: DropOldest, .. }");
        assert!(format!("{inbox:?}").starts_with("Inbox { len: 0, counts: InboxCounts {"));
        for (error, text) in [
            (PublishError::Full, "the inbox is full"),
            (PublishError::TooLong, "the event is too long"),
            (PublishError::Closed, "the loop has ended"),
        ] {
            assert_eq!(error.to_string(), text);
        }
        let invalid = PublishError::Invalid(FrameError::Value).to_string();
        assert_eq!(invalid, format!("the event is invalid: {}", FrameError::Value));
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
}
