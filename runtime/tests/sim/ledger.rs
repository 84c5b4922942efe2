//! What one subscriber was told, over all its connections, and whether that is what it should have
//! been: delivered and missed is produced, in order, nothing twice.

use kymo_protocol::Group;

use crate::truth::{Event, Truth};

/// What a subscriber asked for on this connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    pub vitals: bool,
    pub events: bool,
    pub samples: bool,
    pub every: bool,
    /// It asks for nothing.
    pub is_silent: bool,
    pub rate_hz: u32,
    pub resumes: bool,
}

/// What was delivered to all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    pub frames: u64,
    pub merged: u64,
    pub events: u64,
    pub caught_up: u64,
    pub missed: u64,
    pub tails: u64,
    pub gaps: u64,
    pub fresh: u64,
    pub samples: u64,
    pub held: u64,
}

impl Sums {
    pub fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.merged += other.merged;
        self.events += other.events;
        self.caught_up += other.caught_up;
        self.missed += other.missed;
        self.tails += other.tails;
        self.gaps += other.gaps;
        self.fresh += other.fresh;
        self.samples += other.samples;
        self.held += other.held;
    }
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub filter: Option<&'static str>,
    pub wish: Wish,
    /// The token: the last event that it got, or was told it will not get.
    pub epoch: u128,
    pub last: u64,
    /// That of the server, of which it has nothing yet.
    epoch_to_be: u128,
    /// What it got under that sequence, if it was an event.
    last_digest: Option<u64>,
    /// Where the catch-up stands.
    caught_up: u64,
    /// Whether it knows where live events begin.
    pub has_begun: bool,
    /// Whether the server has said its last word.
    has_ended: bool,
    /// Events up to this are none that it wants.
    looked_at: u64,
    /// The last frame of vitals; 0 before the first.
    pub vitals: u64,
    /// Frames of samples, likewise, by group: the newest of each is sent in any order.
    samples: [u64; 32],
    pub sums: Sums,
}

/// A prefix and a star, or a word.
fn wants(filter: Option<&str>, topic: &str) -> bool {
    match filter.map(|filter| filter.strip_suffix('*').ok_or(filter)) {
        None => true,
        Some(Ok(prefix)) => topic.starts_with(prefix),
        Some(Err(word)) => topic == word,
    }
}

impl Ledger {
    pub fn new(filter: Option<&'static str>) -> Self {
        Self { filter, ..Self::default() }
    }

    /// A new connection; what was cut off of the old one is gone.
    pub fn connect(&mut self, wish: Wish) {
        (self.wish, self.caught_up, self.vitals, self.samples) = (wish, 0, 0, [0; 32]);
        (self.has_begun, self.has_ended) = (false, false);
    }

    /// The server said who it is; `next` to who is served unasked.
    pub fn welcome(&mut self, epoch: u128, next: Option<u64>) {
        self.speak();
        self.epoch_to_be = epoch;
        if let Some(next) = next {
            self.epoch = epoch;
            self.begin_at(next);
        }
    }

    /// Events begin at `next`, whatever was before.
    fn begin_at(&mut self, next: u64) {
        assert!(!self.has_begun, "subscribed twice");
        (self.last, self.looked_at, self.last_digest) = (next - 1, next - 1, None);
        (self.has_begun, self.sums.fresh) = (true, self.sums.fresh + 1);
    }

    pub fn subscribed(&mut self, resume: u16, next: u64, truth: &Truth) {
        self.speak();
        if !self.wish.events {
            self.has_begun = true;
            return;
        }
        // Not sooner: what it has is of the epoch before until this is said.
        self.epoch = self.epoch_to_be;
        if resume > 1 {
            return self.begin_at(next);
        }
        assert!(self.wish.resumes && !self.has_begun, "resumed unasked");
        assert!(self.last < truth.next(), "resumed behind {}, which never was", self.last);
        if let (Some(had), Some(event)) = (self.last_digest, truth.get(self.last)) {
            assert_eq!(had, event.digest, "resumed behind another event {}", self.last);
        }
        self.has_begun = true;
        *if resume == 0 { &mut self.sums.tails } else { &mut self.sums.gaps } += 1;
    }

    /// An event that is what was produced under its sequence.
    pub fn event(&mut self, sequence: u64, event: &Event, is_catchup: bool, truth: &Truth) {
        self.speak();
        assert!(self.has_begun, "an event before anything was granted");
        assert!(wants(self.filter, &event.topic), "{} for {:?}", event.topic, self.filter);
        if is_catchup {
            assert!(["session_start", "transcription"].contains(&event.topic.as_str()));
            assert!(sequence > self.caught_up && sequence <= self.last, "{sequence} twice");
            (self.caught_up, self.sums.caught_up) = (sequence, self.sums.caught_up + 1);
            return;
        }
        assert!(sequence > self.last, "event {sequence} behind {}", self.last);
        self.check_withheld(sequence, truth);
        (self.last, self.looked_at) = (sequence, sequence);
        (self.last_digest, self.sums.events) = (Some(event.digest), self.sums.events + 1);
    }

    /// The state that who is caught up is told.
    pub fn snapshot(&mut self) {
        self.speak();
        assert!(self.has_begun, "a snapshot before anything was granted");
    }

    pub fn event_gap(&mut self, first: u64, last: u64, count: u64, truth: &Truth) {
        self.speak();
        truth.check_gap(first, last);
        let may_be = 1..=last + 1 - first;
        assert!(self.has_begun && may_be.contains(&count), "a gap {first} to {last}, {count}");
        if last <= self.last {
            // Of what it is caught up with.
            assert!(first > self.caught_up);
            self.caught_up = last;
            return;
        }
        self.check_withheld(first.max(self.last + 1), truth);
        self.sums.missed += last - self.last.max(first - 1);
        (self.last, self.looked_at, self.last_digest) = (last, last, None);
    }

    /// Between what it was told last and `next` there is no event that it wants.
    fn check_withheld(&mut self, next: u64, truth: &Truth) {
        for sequence in self.looked_at.max(self.caught_up) + 1..next {
            let event = truth.get(sequence);
            let is_withheld = event.is_some_and(|event| !wants(self.filter, &event.topic));
            assert!(is_withheld, "event {sequence} is missing before {next}");
        }
        self.looked_at = self.looked_at.max(next - 1);
    }

    /// A frame of vitals that is what was produced.
    pub fn vitals(&mut self, sequence: u64, merged: u64) {
        self.speak();
        assert!(sequence > self.vitals, "vitals {sequence} behind {}", self.vitals);
        let missed = sequence - self.vitals - 1;
        if self.vitals > 0 && self.wish.every {
            assert_eq!((missed, merged), (0, 0), "vitals {sequence} behind {}", self.vitals);
        } else if self.vitals > 0 && self.wish.rate_hz == 25 {
            assert_eq!(missed, merged, "vitals {sequence} behind {}", self.vitals);
        } else if self.vitals > 0 {
            assert!(merged <= missed, "{merged} merged into vitals {sequence}");
        }
        self.sums.merged += merged;
        (self.vitals, self.sums.frames) = (sequence, self.sums.frames + 1);
    }

    /// A message of a form that counts nothing.
    pub fn uncounted(&mut self, number: u64) {
        assert!(number > self.vitals, "vitals {number} behind {}", self.vitals);
        (self.vitals, self.sums.frames) = (number, self.sums.frames + 1);
    }

    pub fn vitals_gap(&mut self, first: u64, last: u64) {
        self.speak();
        assert!(self.wish.every && first <= last, "a gap for who wants the newest");
        assert!(self.vitals == 0 || first == self.vitals + 1, "{first} behind {}", self.vitals);
        self.vitals = last;
    }

    pub fn sampled(&mut self, sequence: u64, group: Group, held: u64) {
        self.speak();
        let before = std::mem::replace(&mut self.samples[group as usize], sequence);
        assert!(sequence > before, "samples {sequence} behind {before}");
        self.sums.samples += 1;
        self.sums.held += held;
    }

    /// Anything else.
    pub fn speak(&mut self) {
        assert!(!self.has_ended, "words behind the last one");
    }

    pub fn end(&mut self) {
        self.speak();
        self.has_ended = true;
    }

    /// It has taken all there is: nothing it wants is missing.
    pub fn check_current(&mut self, produced: u64, truth: &Truth) {
        if self.wish.events && self.has_begun {
            self.check_withheld(truth.next(), truth);
        }
        if self.wish.vitals && self.wish.rate_hz == 25 && self.vitals > 0 {
            assert_eq!(self.vitals, produced, "a subscriber with room was not served");
        }
    }
}
