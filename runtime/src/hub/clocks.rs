//! Suspends, and steps of the wall clock: what they change, and who is told.

use kymo_platform::clock::Now;
use kymo_protocol::json::Writer;
use kymo_protocol::{Data, EventFields};

use super::Hub;
use super::submit::Whose;
use crate::clock_watch::Change;
use crate::notice::Notice;
use crate::session::Phase;
use crate::table::SessionId;

impl Hub {
    /// Compares the clocks with what they were; to be called first in each turn. Returns how long
    /// the machine has slept since the turn before.
    ///
    /// What has happened is told in events, in this turn or, when the journal fails, in a later
    /// one. Ticks that would have been while the machine fell asleep and woke up do not count as
    /// missed, and when the wall clock was set, or has drifted, every subscriber is told the new
    /// clock map.
    #[must_use]
    pub fn handle_time(&mut self, now: Now) -> u64 {
        let change = self.clock.handle_time(now);
        if change.slept_ns > 0 {
            self.schedule.forgive(now.mono_ns);
        }
        if self.clock.must_tell(change) {
            for place in 0..self.table.places() {
                let Some(id) = self.table.at(place) else { continue };
                if self.table.session(id).phase == Phase::Streaming {
                    self.tell_clock_map(id, now);
                }
            }
        }
        self.untold = self.untold.and(change);
        if !self.untold.is_none() && self.takes_events(now) {
            self.tell_change(now);
        }
        change.slept_ns
    }

    /// Appends what has happened to the clocks as events.
    fn tell_change(&mut self, now: Now) {
        let change = std::mem::take(&mut self.untold);
        let Change { slept_ns, moved_ns } = change;
        if slept_ns > 0 {
            self.tell_seconds("kymo.resumed", "{\"slept_s\":", slept_ns, now);
        }
        if moved_ns != 0 {
            let head = if moved_ns < 0 { "{\"moved_s\":-" } else { "{\"moved_s\":" };
            self.tell_seconds("kymo.clock", head, moved_ns.unsigned_abs(), now);
        }
        self.telling = change;
    }

    fn tell_seconds(&mut self, topic: &str, head: &str, ns: u64, now: Now) {
        let mut data = [0; 48];
        let mut writer = Writer::new(&mut data);
        writer.raw(head);
        writer.seconds(ns);
        writer.raw("}");
        let size = writer.finish().unwrap_or_default();
        let text = core::str::from_utf8(&data[..size]).unwrap_or_default();
        let fields = EventFields::custom(topic, Data::Json(text));
        let fields = EventFields { wall_ns: now.wall_ns, ..fields };
        let told = self.append_fields(&fields, None, Whose::Server, now);
        debug_assert!(told.is_ok(), "a short event, in a turn that takes some");
    }

    /// The turn's events were committed, or not: what was told in vain is told again.
    pub(super) fn settle_change(&mut self, is_committed: bool) {
        let told = std::mem::take(&mut self.telling);
        if !is_committed {
            self.untold = self.untold.and(told);
        }
    }

    /// Tells a subscriber how the boot clock and the wall clock stand to one another, at once or
    /// behind what it is in the middle of.
    pub(super) fn tell_clock_map(&mut self, id: SessionId, now: Now) {
        let is_told = !self.table.session(id).is_cut()
            && self.table.push_notice(id, Notice::Heartbeat, now).is_ok();
        let session = self.table.session(id);
        session.owes_clock_map = !is_told;
        if session.has_tail() {
            self.table.enqueue(id);
        }
    }
}
