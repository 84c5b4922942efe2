//! What one kind of subscribers is told, byte by byte.
//!
//! All who want the same in the same format must be sent the same bytes. So only the first who gets
//! an event looks at what it says; the others compare.

use std::sync::Arc;

use crate::ledger::{Ledger, PUBLISHERS};
use crate::message::{Format, Told};

/// What subscribers of a kind want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub format: Format,
    /// Only the events of this publisher.
    pub publisher: Option<usize>,
}

/// How far a subscriber is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// So many events of its tape are behind it.
    pub events: usize,
    /// Those of them that it was told it missed.
    pub missed: u64,
}

/// An event on a tape.
#[derive(Clone, Copy, Debug)]
struct Seen {
    sequence: u64,
    /// Where it ends.
    end: usize,
    publisher: usize,
    number: u64,
}

/// The tape; see the module.
#[derive(Debug)]
pub struct Tape {
    pub kind: Kind,
    ledger: Arc<Ledger>,
    bytes: Vec<u8>,
    events: Vec<Seen>,
    /// The next number of each publisher.
    numbers: [u64; PUBLISHERS],
}

impl Tape {
    /// Without any event.
    pub fn new(kind: Kind, ledger: &Arc<Ledger>) -> Self {
        let ledger = Arc::clone(ledger);
        Self { kind, ledger, bytes: Vec::new(), events: Vec::new(), numbers: [0; PUBLISHERS] }
    }

    /// Events on it.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The sequence of the last of so many events.
    pub fn sequence(&self, events: usize) -> u64 {
        events.checked_sub(1).map_or(self.ledger.first - 1, |last| self.events[last].sequence)
    }

    fn offset(&self, events: usize) -> usize {
        events.checked_sub(1).map_or(0, |last| self.events[last].end)
    }

    fn event(&self, index: usize) -> &[u8] {
        &self.bytes[self.offset(index)..self.offset(index + 1)]
    }

    /// Takes in what came to a subscriber at `place`, which may miss events if it `has_stalled`.
    /// How many bytes were whole messages.
    pub fn take(
        &mut self,
        place: &mut Place,
        bytes: &[u8],
        has_stalled: bool,
    ) -> Result<usize, String> {
        let mut used = 0;
        loop {
            used += self.skip_known(place, &bytes[used..]);
            let Some(size) = self.kind.format.size(&bytes[used..])? else { return Ok(used) };
            let message = &bytes[used..used + size];
            match self.kind.format.told(message)? {
                Told::Event { sequence, topic, data } if place.events == self.len() => {
                    self.append(sequence, &topic, &data, message)?;
                    place.events += 1;
                }
                // Something else stands behind it.
                Told::Event { .. } if self.event(place.events) == message => place.events += 1,
                Told::Gap { first, last, count } if has_stalled => {
                    self.jump(place, first, last, count)?;
                }
                Told::Heartbeat => {}
                told => return Err(format!("{told:?} and not what the others got")),
            }
            used += size;
        }
    }

    /// Moves over what others have got as well; how many bytes that was.
    fn skip_known(&self, place: &mut Place, bytes: &[u8]) -> usize {
        let start = self.offset(place.events);
        let size = bytes.len().min(self.bytes.len() - start);
        if self.bytes[start..start + size] != bytes[..size] {
            return 0;
        }
        place.events = self.events.partition_point(|seen| seen.end <= start + size);
        self.offset(place.events) - start
    }

    /// The next number of a publisher, and the next sequence.
    fn append(
        &mut self,
        sequence: u64,
        topic: &str,
        data: &str,
        message: &[u8],
    ) -> Result<(), String> {
        let publisher = (0..PUBLISHERS).find(|publisher| topic == format!("p{publisher}"));
        let publisher = publisher.ok_or_else(|| format!("event {sequence} on {topic}"))?;
        let last = self.sequence(self.len());
        let is_next = match self.kind.publisher {
            None => sequence == last + 1,
            Some(wanted) => sequence > last && publisher == wanted,
        };
        let number = self.numbers[publisher];
        if !is_next || data != Ledger::data(publisher, number) {
            let expected = format!("number {number} of publisher {publisher} behind {last}");
            return Err(format!("{sequence} {data} instead of {expected}"));
        }
        self.numbers[publisher] += 1;
        self.bytes.extend_from_slice(message);
        self.events.push(Seen { sequence, end: self.bytes.len(), publisher, number });
        Ok(())
    }

    /// Moves over events that a subscriber was told it missed.
    fn jump(&self, place: &mut Place, first: u64, last: u64, count: u64) -> Result<(), String> {
        let expected = self.sequence(place.events) + 1;
        let end = self.events.partition_point(|seen| seen.sequence <= last);
        let missed = end.saturating_sub(place.events) as u64;
        let is_exact = match self.kind.publisher {
            None => first == expected && count == missed,
            // What a filter would have hidden is not known, and counted.
            Some(_) => first >= expected && count >= missed && count == last - first + 1,
        };
        if !is_exact || last < first {
            return Err(format!("gap {first} to {last} of {count} at {expected}"));
        }
        place.missed += missed;
        place.events = end;
        Ok(())
    }

    /// Whether everything is on it that publishers were told of, and has the sequence they were
    /// told.
    pub fn check(&self) -> Result<(), String> {
        for Seen { sequence, publisher, number, .. } in &self.events {
            let acked = self.ledger.sequence(*publisher, *number);
            if acked != Some(*sequence) {
                return Err(format!("{sequence} is {number} of {publisher}, acked as {acked:?}"));
            }
        }
        for publisher in 0..PUBLISHERS {
            let number = self.numbers[publisher];
            let is_wanted = self.kind.publisher.is_none_or(|wanted| wanted == publisher);
            if is_wanted && self.ledger.sequence(publisher, number).is_some() {
                return Err(format!("number {number} of publisher {publisher} never came"));
            }
        }
        Ok(())
    }
}
