//! Requests on their way: what is to be sent, what waits for its reply, and what becomes of both
//! when the connection is lost. Pure: no socket, no clock.
//!
//! | when the connection was lost | the request |
//! |---|---|
//! | not a byte of it was sent | is sent on the next one |
//! | it may be done twice: it has a key, or only asks | is sent again on the next one |
//! | else | is [unknown](Pipeline::take_unknown): it was done, or not |

use std::collections::VecDeque;

use kymo_protocol::FrameError;

use crate::error::{Breach, Error, Why};
use crate::limits::OUTSTANDING_MAX;

/// Requests on their way; see the module.
#[derive(Debug)]
pub struct Pipeline {
    buffer: Box<[u8]>,
    /// Bytes of requests without a reply, and how far they were sent.
    start: usize,
    sent: usize,
    end: usize,
    entries: VecDeque<Entry>,
    is_in_doubt: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: u64,
    size: usize,
    may_repeat: bool,
    unknown: Option<Why>,
}

impl Pipeline {
    /// One with `size` bytes of room.
    pub fn new(size: usize) -> Self {
        Self {
            buffer: vec![0; size].into_boxed_slice(),
            start: 0,
            sent: 0,
            end: 0,
            entries: VecDeque::with_capacity(OUTSTANDING_MAX),
            is_in_doubt: false,
        }
    }

    /// Takes in a request that `write` writes, and of which it returns the size.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] when others have to be answered before; [`Error::Invalid`].
    pub fn push(
        &mut self,
        id: u64,
        may_repeat: bool,
        write: impl Fn(&mut [u8]) -> Result<usize, FrameError>,
    ) -> Result<(), Error> {
        if self.entries.len() == OUTSTANDING_MAX {
            return Err(Error::Full);
        }
        let mut outcome = write(&mut self.buffer[self.end..]);
        if outcome == Err(FrameError::Short) && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.sent, self.end) = (self.sent - self.start, self.end - self.start);
            self.start = 0;
            outcome = write(&mut self.buffer[self.end..]);
        }
        let size = outcome.map_err(|error| match error {
            FrameError::Short if !self.entries.is_empty() => Error::Full,
            error => Error::Invalid(error),
        })?;
        self.end += size;
        self.entries.push_back(Entry { id, size, may_repeat, unknown: None });
        Ok(())
    }

    /// What is to be sent.
    pub fn unsent(&self) -> &[u8] {
        &self.buffer[self.sent..self.end]
    }

    /// So many bytes of it were sent.
    pub fn handle_sent(&mut self, size: usize) {
        self.sent = (self.sent + size).min(self.end);
    }

    /// The reply to request `id` has come.
    ///
    /// # Errors
    ///
    /// [`Breach::Unexpected`] when that is not the next one to be answered.
    pub fn handle_reply(&mut self, id: u64) -> Result<(), Breach> {
        let is_next = self.entries.front().is_some_and(|entry| {
            entry.id == id && entry.unknown.is_none() && self.start + entry.size <= self.sent
        });
        if !is_next {
            return Err(Breach::Unexpected);
        }
        self.pop();
        Ok(())
    }

    /// The next request to be answered, whatever becomes of it now.
    pub fn pop(&mut self) -> Option<u64> {
        let entry = self.entries.pop_front()?;
        self.start += entry.size;
        self.sent = self.sent.max(self.start);
        if self.entries.is_empty() {
            self.clear();
        }
        Some(entry.id)
    }

    /// The next request if nobody knows what became of it, and why.
    pub fn take_unknown(&mut self) -> Option<(u64, Why)> {
        let why = self.entries.front()?.unknown?;
        Some((self.pop()?, why))
    }

    /// The connection was lost.
    pub fn handle_loss(&mut self, why: Why) {
        let (mut at, mut end) = (self.start, self.start);
        for entry in &mut self.entries {
            let was_begun = at < self.sent;
            let size = entry.size;
            if was_begun && !entry.may_repeat {
                (entry.size, entry.unknown) = (0, Some(entry.unknown.unwrap_or(why)));
            } else {
                self.is_in_doubt |= was_begun;
                self.buffer.copy_within(at..at + size, end);
                end += size;
            }
            at += size;
        }
        (self.sent, self.end) = (self.start, end);
    }

    /// The connection was refused before anything was read from it: nothing was done.
    pub fn handle_refusal(&mut self) {
        self.sent = self.start;
    }

    /// Whether something was sent that nobody knows to have arrived, and is to be sent again.
    pub const fn is_in_doubt(&self) -> bool {
        self.is_in_doubt
    }

    /// Requests without an answer.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.entries.clear();
        (self.start, self.sent, self.end, self.is_in_doubt) = (0, 0, 0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn push(pipeline: &mut Pipeline, id: u64, may_repeat: bool, size: usize) -> Result<(), Error> {
        pipeline.push(id, may_repeat, |buffer| {
            let target = buffer.get_mut(..size).ok_or(FrameError::Short)?;
            target.fill(u8::try_from(id).unwrap());
            Ok(size)
        })
    }

    #[test]
    fn what_was_begun_is_repeated_or_unknown() {
        let mut pipeline = Pipeline::new(64);
        for (id, may_repeat) in [(1, true), (2, false), (3, true), (4, false)] {
            push(&mut pipeline, id, may_repeat, 8).unwrap();
        }
        pipeline.handle_sent(17); // one byte of the third
        pipeline.handle_loss(Why::Ended);
        assert!(pipeline.is_in_doubt());
        // The fourth was not begun: it can't have been done.
        assert_eq!(pipeline.unsent(), [[1; 8], [3; 8], [4; 8]].concat());
        pipeline.handle_sent(24);
        assert_eq!(pipeline.take_unknown(), None, "the first is answered first");
        assert_eq!(pipeline.handle_reply(1), Ok(()));
        assert_eq!(pipeline.handle_reply(3), Err(Breach::Unexpected));
        assert_eq!(pipeline.take_unknown(), Some((2, Why::Ended)));
        assert_eq!(pipeline.handle_reply(3), Ok(()));
        assert_eq!(pipeline.handle_reply(4), Ok(()));
        assert_eq!((pipeline.len(), pipeline.is_in_doubt()), (0, false));
    }

    #[test]
    fn it_is_bounded_in_number_and_in_bytes() {
        let mut pipeline = Pipeline::new(100);
        assert!(matches!(push(&mut pipeline, 1, true, 101), Err(Error::Invalid(_))));
        push(&mut pipeline, 1, true, 60).unwrap();
        assert_eq!(push(&mut pipeline, 2, true, 60), Err(Error::Full));
        pipeline.handle_sent(60);
        push(&mut pipeline, 2, true, 30).unwrap();
        pipeline.handle_reply(1).unwrap();
        push(&mut pipeline, 3, true, 60).unwrap();
        assert_eq!(pipeline.unsent(), [vec![2; 30], vec![3; 60]].concat());
        let mut pipeline = Pipeline::new(100);
        for id in 0..64 {
            push(&mut pipeline, id, true, 1).unwrap();
        }
        assert_eq!(push(&mut pipeline, 64, true, 1), Err(Error::Full));
    }

    #[test]
    fn a_reply_before_its_request_is_a_breach() {
        let mut pipeline = Pipeline::new(64);
        push(&mut pipeline, 1, true, 8).unwrap();
        pipeline.handle_sent(7);
        assert_eq!(pipeline.handle_reply(1), Err(Breach::Unexpected));
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Push(bool, usize),
        Send(usize),
        Reply,
        Lose,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (any::<bool>(), 1..40usize).prop_map(|(repeat, size)| Step::Push(repeat, size)),
            (1..60usize).prop_map(Step::Send),
            Just(Step::Reply),
            Just(Step::Lose),
        ]
    }

    proptest! {
        /// A server that does what it reads whole: each request is answered or unknown, in order;
        /// what may not be repeated is done at most once, what is answered at least once.
        #[test]
        fn nothing_is_done_twice_that_may_not_be(steps in prop::collection::vec(step(), 0..120)) {
            let mut pipeline = Pipeline::new(200);
            let (mut next, mut told) = (1u64, 0u64);
            let mut may_repeat = vec![false];
            let mut sizes = vec![0];
            let mut done = vec![0];
            let mut wire: Vec<u8> = Vec::new();
            let mut replies: VecDeque<u64> = VecDeque::new();
            for step in steps {
                match step {
                    Step::Push(repeat, size) => {
                        if next < 250 && push(&mut pipeline, next, repeat, size).is_ok() {
                            may_repeat.push(repeat);
                            sizes.push(size);
                            done.push(0);
                            next += 1;
                        }
                    }
                    Step::Send(size) => {
                        let size = size.min(pipeline.unsent().len());
                        wire.extend_from_slice(&pipeline.unsent()[..size]);
                        pipeline.handle_sent(size);
                        while let Some(first) = wire.first().copied() {
                            let id = usize::from(first);
                            if wire.len() < sizes[id] { break }
                            prop_assert!(wire[..sizes[id]].iter().all(|byte| *byte == first));
                            wire.drain(..sizes[id]);
                            done[id] += 1;
                            replies.push_back(first.into());
                        }
                    }
                    Step::Reply => {
                        while let Some((id, _)) = pipeline.take_unknown() {
                            prop_assert_eq!(id, told + 1);
                            told = id;
                        }
                        if let Some(id) = replies.pop_front() {
                            prop_assert_eq!(pipeline.handle_reply(id), Ok(()));
                            prop_assert_eq!(id, told + 1);
                            told = id;
                        }
                    }
                    Step::Lose => {
                        pipeline.handle_loss(Why::Ended);
                        wire.clear();
                        replies.clear();
                    }
                }
            }
            for id in 1..may_repeat.len() {
                prop_assert!(may_repeat[id] || done[id] <= 1, "request {} was done twice", id);
            }
        }
    }
}
