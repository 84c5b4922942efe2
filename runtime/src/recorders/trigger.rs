//! When something has happened that is worth a file.
//!
//! A threshold counts readings that are sound alone: one that is held, missing or denied says
//! nothing, and neither does a time without frames, such as a suspend. Once it was heard, it is
//! silent until the value was on the good side again.

use kymo_protocol::{Event, State, Vitals, pattern};

use crate::config::Threshold;
use crate::limits::TRIGGER_GAP_NS;
use crate::topics;

/// A threshold, and how long it has been passed; see the module.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    threshold: Threshold,
    /// Longer than that there were no frames: nobody knows.
    gap_ns: u64,
    since_ns: Option<u64>,
    last_ns: u64,
    is_heard: bool,
}

impl Watch {
    /// One of vitals that come so often.
    pub fn new(threshold: Threshold, period_ns: u64) -> Self {
        let gap_ns = TRIGGER_GAP_NS.max(period_ns.saturating_mul(3));
        Self { threshold, gap_ns, since_ns: None, last_ns: 0, is_heard: false }
    }

    /// Takes in a frame that was made at this time; whether it has been long enough with it, and
    /// nobody has [heard](Self::hear) so.
    pub fn handle(&mut self, vitals: &Vitals, boot_ns: u64) -> bool {
        let Threshold { field, is_above, limit, for_ms } = self.threshold;
        let is_gap = boot_ns.saturating_sub(self.last_ns) > self.gap_ns;
        self.last_ns = boot_ns;
        let sound = vitals.number(field).filter(|_| vitals.state(field) == State::Ok);
        #[allow(clippy::cast_precision_loss)] // far beyond any value then
        let limit = limit as f64 / 1000.0;
        let is_passed = sound.map(|value| if is_above { value > limit } else { value < limit });
        match is_passed {
            Some(true) => {
                let since_ns = self.since_ns.filter(|_| !is_gap).unwrap_or(boot_ns);
                self.since_ns = Some(since_ns);
                !self.is_heard && boot_ns.saturating_sub(since_ns) >= u64::from(for_ms) * 1_000_000
            }
            Some(false) => {
                (self.since_ns, self.is_heard) = (None, false);
                false
            }
            None => {
                self.since_ns = None;
                false
            }
        }
    }

    /// It was heard.
    pub fn hear(&mut self) {
        self.is_heard = true;
    }
}

/// Whether an event has one of the topics that `pattern` stands for. The server's own have not:
/// that a file was written is no reason for one more.
pub fn is_wanted(event: &Event, pattern: &str) -> bool {
    let topic = event.topic();
    !topic.starts_with(topics::OWN) && pattern::wants(pattern.as_bytes(), topic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Data, EventFields, Field, Position, Stamp, StreamId, emit};

    const MS: u64 = 1_000_000;

    fn handle(watch: &mut Watch, at_ms: u64, state: State, usage: f32) -> bool {
        let mut frame = [0; 512];
        let at = Position { stream: StreamId::VITALS, sequence: 1 };
        let (vitals, _) = emit::<Vitals>(&mut frame, at, Stamp { boot_ns: 0 }).unwrap();
        vitals.cpu_usage.set(usage);
        vitals.set_state(Field::CpuUsage, state, 0);
        let is_long = watch.handle(vitals, at_ms * MS);
        if is_long {
            watch.hear();
        }
        is_long
    }

    fn watch(is_above: bool, for_ms: u32) -> Watch {
        let threshold = Threshold { field: Field::CpuUsage, is_above, limit: 90_000, for_ms };
        Watch::new(threshold, 40 * MS)
    }

    #[test]
    fn it_speaks_once_when_it_has_been_long_enough() {
        let mut watch = watch(true, 1000);
        let told = [(0, 95.0), (500, 95.0), (999, 95.0), (1000, 95.0), (1500, 99.0), (1600, 90.0)]
            .map(|(at, usage)| handle(&mut watch, at, State::Ok, usage));
        assert_eq!(told, [false, false, false, true, false, false]);
        let told = [(1700, 95.0), (2400, 80.0), (2500, 95.0), (3400, 95.0), (3500, 91.0)]
            .map(|(at, usage)| handle(&mut watch, at, State::Ok, usage));
        assert_eq!(told, [false, false, false, false, true], "anew behind the break");
    }

    #[test]
    fn without_a_time_the_first_value_is_enough() {
        let mut watch = watch(false, 0);
        assert!(!handle(&mut watch, 5, State::Ok, 90.0));
        assert!(handle(&mut watch, 6, State::Ok, 89.9));
        assert!(!handle(&mut watch, 7, State::Ok, 10.0));
    }

    #[test]
    fn what_is_not_known_does_not_count() {
        let mut held = watch(true, 1000);
        handle(&mut held, 0, State::Ok, 95.0);
        handle(&mut held, 900, State::Held, 95.0);
        assert!(!handle(&mut held, 1100, State::Ok, 95.0));
        assert!(handle(&mut held, 2100, State::Ok, 95.0));
        // A value of old is not good either: it has not been there and gone.
        handle(&mut held, 2200, State::Held, 0.0);
        assert!(!handle(&mut held, 3300, State::Ok, 95.0));
        let mut asleep = watch(true, 1000);
        handle(&mut asleep, 0, State::Ok, 95.0);
        assert!(!handle(&mut asleep, 60_000, State::Ok, 95.0), "who knows what was meanwhile");
        assert!(handle(&mut asleep, 61_000, State::Ok, 95.0));
    }

    #[test]
    fn topics_of_the_servers_own_are_no_reason() {
        let is_wanted = |topic, pattern| {
            let mut payload = [0; 128];
            let size = EventFields::custom(topic, Data::Json("1")).write(&mut payload).unwrap();
            is_wanted(Event::parse(&payload[..size]).unwrap(), pattern)
        };
        assert!(is_wanted("app.crash", "app.*"));
        assert!(!is_wanted("app.crash", "app"));
        assert!(!is_wanted("kymo.recorder", "*"));
    }
}
