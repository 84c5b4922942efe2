//! What is had of a stream of telemetry, and what each frame makes of that. Pure: no socket, no
//! clock.

use kymo_protocol::StreamId;

use crate::error::Breach;
use crate::item::Gap;

/// What is had of one stream of telemetry; see the module.
#[derive(Clone, Copy, Debug)]
pub struct Telemetry {
    stream: StreamId,
    /// Whether each frame is to come.
    every: bool,
    /// Whether patterns hide frames, so that holes are no mistake.
    is_filtered: bool,
    /// Whether a newcomer may be given frames of before: the newest of each part, or of the stream.
    is_told_anew: bool,
    /// Sequence of the last frame of this run; 0 for none.
    last: u64,
    /// Whether it was subscribed to.
    is_had: bool,
}

impl Telemetry {
    /// Nothing is had of vitals.
    pub const fn vitals(every: bool) -> Self {
        let stream = StreamId::VITALS;
        Self { stream, every, is_filtered: false, is_told_anew: false, last: 0, is_had: false }
    }

    /// Nothing is had of samples.
    pub const fn samples(every: bool, is_filtered: bool) -> Self {
        let stream = StreamId::SAMPLES;
        Self { stream, every, is_filtered, is_told_anew: true, last: 0, is_had: false }
    }

    /// Nothing is had of processes. A newcomer is told the last pass once more.
    pub const fn processes(every: bool) -> Self {
        let stream = StreamId::PROCESSES;
        Self { stream, every, is_filtered: false, is_told_anew: true, last: 0, is_had: false }
    }

    /// A connection is granted that goes on with `next`; 0 is not subscribed. Returns what was
    /// produced since the last one, if that was to the same run of the server.
    pub fn handle_subscribed(&mut self, next: u64, is_same_run: bool) -> Option<Gap> {
        let expected = self.last + 1;
        let is_known = self.every && self.is_had && is_same_run;
        let missed = (is_known && next > expected).then(|| Gap {
            stream: self.stream,
            first: expected,
            last: next - 1,
            count: next - expected,
            reason: None,
        });
        if missed.is_some() || !is_same_run || (self.is_told_anew && !self.every) {
            // Who takes the newest frames may be given one that was there before.
            self.last = if self.every { next.saturating_sub(1) } else { 0 };
        }
        self.is_had = next > 0;
        missed
    }

    /// A frame has come that stands for `merged` others.
    pub fn handle_frame(&mut self, sequence: u64, merged: u32) -> Result<(), Breach> {
        check(self.last, sequence, self.may_skip())?;
        if self.every && merged > 0 {
            return Err(Breach::Merged { sequence });
        }
        self.last = sequence;
        Ok(())
    }

    /// The server says what will not come.
    pub fn handle_gap(&mut self, gap: &Gap) -> Result<(), Breach> {
        check(self.last, gap.first, self.may_skip())?;
        self.last = gap.last;
        Ok(())
    }

    const fn may_skip(&self) -> bool {
        !self.every || self.is_filtered
    }
}

/// Whether frame `found` may follow frame `last`.
pub fn check(last: u64, found: u64, may_skip: bool) -> Result<(), Breach> {
    if found <= last {
        return Err(Breach::Repeated { last, found });
    }
    if found - last > 1 && !may_skip {
        return Err(Breach::Hole { expected: last + 1, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_were_asked_for_one_by_one_leave_no_hole() {
        let mut samples = Telemetry::samples(true, false);
        assert_eq!(samples.handle_subscribed(5, false), None);
        let hole = Breach::Hole { expected: 5, found: 6 };
        assert_eq!(samples.handle_frame(6, 0), Err(hole), "the first one counts");
        assert_eq!(samples.handle_frame(5, 0), Ok(()));
        assert_eq!(samples.handle_frame(6, 1), Err(Breach::Merged { sequence: 6 }));
        assert_eq!(samples.handle_frame(6, 0), Ok(()));
        let missed = samples.handle_subscribed(10, true).unwrap();
        let found = (missed.stream, missed.first, missed.last, missed.count);
        assert_eq!(found, (StreamId::SAMPLES, 7, 9, 3));
        let gap = Gap { first: 10, last: 12, count: 3, ..missed };
        assert_eq!(samples.handle_gap(&gap), Ok(()));
        assert!(samples.handle_frame(12, 0).is_err(), "it was told as lost");
        assert_eq!(samples.handle_frame(13, 0), Ok(()));
    }

    #[test]
    fn groups_that_are_hidden_are_no_hole_but_merged_is() {
        let mut samples = Telemetry::samples(true, true);
        samples.handle_subscribed(5, false);
        assert_eq!(samples.handle_frame(9, 0), Ok(()));
        assert_eq!(samples.handle_frame(9, 0), Err(Breach::Repeated { last: 9, found: 9 }));
        assert_eq!(samples.handle_frame(12, 1), Err(Breach::Merged { sequence: 12 }));
    }

    #[test]
    fn the_last_pass_may_be_told_once_more() {
        let mut processes = Telemetry::processes(false);
        assert_eq!(processes.handle_subscribed(5, false), None);
        assert_eq!(processes.handle_frame(4, 0), Ok(()));
        assert_eq!(processes.handle_subscribed(5, true), None);
        assert_eq!(processes.handle_frame(4, 0), Ok(()));
        assert!(processes.handle_frame(4, 0).is_err());
        assert_eq!(processes.handle_frame(9, 3), Ok(()));
    }

    #[test]
    fn the_newest_of_each_group_ascend_within_a_connection() {
        let mut samples = Telemetry::samples(false, false);
        samples.handle_subscribed(5, false);
        assert_eq!(samples.handle_frame(20, 3), Ok(()));
        assert!(samples.handle_frame(18, 0).is_err());
        // To a newcomer the newest of another group may be an older one.
        assert_eq!(samples.handle_subscribed(21, true), None);
        assert_eq!(samples.handle_frame(18, 0), Ok(()));
    }
}
