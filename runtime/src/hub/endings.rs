//! How connections end, and the deadlines that end them.

use kymo_platform::clock::Now;
use kymo_protocol::{ErrorCode, GoodbyeReason};

use super::{Hub, Refusal, speech};
use crate::conversation::Mistake;
use crate::limits::{CLOSING_NS, SCAN_NS};
use crate::notice::Notice;
use crate::session::{Deadline, Phase};
use crate::table::SessionId;
use crate::telemetry::Format;

impl Hub {
    /// The words for a connection that was not taken, for its first and last bytes.
    #[must_use]
    pub fn refusal_notice(&self, listener: usize, refusal: Refusal) -> (Format, Notice<'static>) {
        let format = self.listeners.get(listener).map_or(Format::Binary, |l| speech(l).1);
        let (code, text) = match refusal {
            Refusal::Full => (ErrorCode::Full, "all places are taken; try again later"),
            Refusal::Denied => (ErrorCode::Denied, "this user may not connect here"),
            Refusal::Quota => (ErrorCode::Quota, "this user has as many connections as it may"),
        };
        (format, Notice::Error(code, text))
    }

    /// Tells a client its mistake and closes.
    pub(super) fn refuse(&mut self, id: SessionId, mistake: &Mistake, now: Now) {
        self.counters.mistakes += 1;
        self.part(id, Notice::Error(mistake.code, &mistake.text), now);
    }

    /// Says a last word and closes when it is sent.
    fn part(&mut self, id: SessionId, word: Notice<'_>, now: Now) {
        // In the middle of a frame there is no place for words.
        if self.table.session(id).is_cut() {
            return self.close(id, now);
        }
        self.leave(id, now);
        self.say(id, word, now);
        let session = self.table.session(id);
        if session.phase == Phase::Closed {
            return;
        }
        if !session.has_tail() {
            return self.close(id, now);
        }
        session.phase = Phase::Closing;
        session.phase_until_ns = now.mono_ns + CLOSING_NS;
        self.expect_deadline(id);
    }

    /// Tells a connection that it has to make room. It has one send to take that.
    pub fn cut(&mut self, id: SessionId, now: Now) {
        self.counters.cut += 1;
        self.part(id, Notice::Goodbye(GoodbyeReason::Limit), now);
    }

    /// Closes without a word.
    pub(super) fn close(&mut self, id: SessionId, now: Now) {
        self.leave(id, now);
        self.table.close(id);
    }

    /// When [`handle_deadlines`](Self::handle_deadlines) has something to do, on the monotonic
    /// clock.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        (self.scan_ns < u64::MAX).then(|| self.scan_ns.max(self.scanned_ns + SCAN_NS))
    }

    /// Does what is due: heartbeats, and the end of connections that are late or stuck.
    pub fn handle_deadlines(&mut self, now: Now) {
        if self.deadline_ns().is_none_or(|deadline_ns| deadline_ns > now.mono_ns) {
            return;
        }
        (self.scanned_ns, self.scan_ns) = (now.mono_ns, u64::MAX);
        self.cut_control(now);
        for place in 0..self.table.places() {
            let Some(id) = self.table.at(place) else { continue };
            let (due_ns, deadline) = self.table.session(id).deadline();
            if due_ns <= now.mono_ns {
                self.handle_deadline(id, deadline, now);
            }
            self.expect_deadline(id);
        }
    }

    fn handle_deadline(&mut self, id: SessionId, deadline: Deadline, now: Now) {
        match deadline {
            Deadline::Heartbeat => {
                if !self.table.session(id).is_cut() {
                    self.say(id, Notice::Heartbeat, now);
                }
                self.table.session(id).progress_ns = now.mono_ns;
            }
            Deadline::Leave(reason) => {
                self.counters.stalled += u64::from(reason == GoodbyeReason::Stalled);
                self.part(id, Notice::Goodbye(reason), now);
            }
            Deadline::Cut => self.close(id, now),
        }
    }

    pub(super) fn expect_deadline(&mut self, id: SessionId) {
        self.scan_ns = self.scan_ns.min(self.table.session(id).deadline().0);
    }

    /// Says goodbye to everybody and takes nobody any more.
    pub fn shut_down(&mut self, now: Now) {
        self.leaving = true;
        for place in 0..crate::limits::CONTROL_MAX {
            self.end_control(place, now);
        }
        for place in 0..self.table.places() {
            let Some(id) = self.table.at(place) else { continue };
            if matches!(self.table.session(id).phase, Phase::Opening | Phase::Streaming) {
                self.part(id, Notice::Goodbye(GoodbyeReason::Shutdown), now);
            }
        }
    }
}
