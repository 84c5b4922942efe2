//! What a subscriber has, and what each frame makes of that: no frame twice, none missing without a
//! word. Pure: no socket, no clock.
//!
//! A catch-up is history told again, so it does not move the place from which live events go on;
//! but while it runs, the place to ask for after a loss is behind its last event: asking for the
//! live ones would lose the rest of it.

use kymo_protocol::{Catalog, Resume, Samples, StreamId, Subscribed};

use crate::catalog_cursor::CatalogCursor;
use crate::error::Breach;
use crate::item::{Gap, Resumed};
use crate::telemetry::{Telemetry, check};
use crate::token::Token;

/// Where the history of events stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Events {
    /// Nothing is had, nothing is known.
    Nothing,
    /// Everything up to the token.
    Live(Token),
    /// A catch-up is being told, its last event `reached`; live ones go on at `live_from`.
    CatchUp { epoch: [u8; 16], reached: u64, live_from: u64 },
}

/// What a subscriber has; see the module.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    events: Events,
    /// Whether patterns hide events, so that holes are no mistake.
    is_filtered: bool,
    run: Option<[u8; 16]>,
    vitals: Telemetry,
    samples: Telemetry,
    processes: Telemetry,
    catalog: CatalogCursor,
}

/// What a new connection means for what was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Continued {
    /// What the server says to the token.
    pub resumed: Resumed,
    /// Everything after this may be lost.
    pub lost_after: Option<Token>,
    /// Telemetry that was produced meanwhile: vitals, samples, processes.
    pub missed: [Option<Gap>; 3],
    /// Whether the server has started since.
    pub is_new_run: bool,
}

impl Position {
    /// The place of somebody who has everything up to `token`, and of telemetry wants the newest or
    /// `every` frame.
    pub fn new(token: Option<Token>, is_filtered: bool, every: bool) -> Self {
        Self {
            events: token.map_or(Events::Nothing, Events::Live),
            is_filtered,
            run: None,
            vitals: Telemetry::vitals(every),
            samples: Telemetry::samples(every, false),
            processes: Telemetry::processes(every),
            catalog: CatalogCursor::default(),
        }
    }

    /// The same with samples of which patterns hide some.
    pub const fn with_some_groups(self, every: bool) -> Self {
        Self { samples: Telemetry::samples(every, true), ..self }
    }

    /// What to ask for after a loss.
    pub fn token(&self) -> Option<Token> {
        match self.events {
            Events::Nothing => None,
            Events::Live(token) => Some(token),
            Events::CatchUp { epoch, reached: 0, live_from } => {
                Some(Token { epoch, events: live_from.saturating_sub(1) })
            }
            Events::CatchUp { epoch, reached, .. } => Some(Token { epoch, events: reached }),
        }
    }

    /// A server of this epoch and run has answered a subscription that named
    /// [`token`](Self::token).
    pub fn handle_subscribed(
        &mut self,
        epoch: [u8; 16],
        run: [u8; 16],
        granted: &Subscribed,
    ) -> Result<Continued, Breach> {
        let [vitals, samples, processes, events] = granted.next.map(|next| next.get());
        let token = self.token();
        let resumed = match (events, granted.resume()) {
            (0, _) => Resumed::NoEvents,
            (_, Resume::Fresh) => Resumed::Fresh,
            // Only what was named can be continued.
            (_, _) if token.is_none_or(|token| token.epoch != epoch) => {
                return Err(Breach::Unexpected);
            }
            (_, Resume::Tail) => Resumed::Tail,
            (_, Resume::Gap) => Resumed::Gap,
        };
        match (resumed, token) {
            (Resumed::Fresh, _) => {
                self.events = Events::CatchUp { epoch, reached: 0, live_from: events };
            }
            (Resumed::Tail | Resumed::Gap, Some(token)) => self.events = Events::Live(token),
            _ => {}
        }
        let is_new_run = self.run.is_some_and(|before| before != run);
        let is_same_run = self.run == Some(run);
        let missed = [
            self.vitals.handle_subscribed(vitals, is_same_run),
            self.samples.handle_subscribed(samples, is_same_run),
            self.processes.handle_subscribed(processes, is_same_run),
        ];
        (self.run, self.catalog) = (Some(run), CatalogCursor::default());
        let lost_after = token.filter(|_| resumed == Resumed::Fresh);
        Ok(Continued { resumed, lost_after, missed, is_new_run })
    }

    /// Vitals have come.
    pub fn handle_vitals(&mut self, sequence: u64) -> Result<(), Breach> {
        self.vitals.handle_frame(sequence, 0)
    }

    /// A part of a catalog has come.
    pub fn handle_catalog(&mut self, catalog: &Catalog) -> Result<(), Breach> {
        self.catalog.handle_part(catalog.part(), catalog.sensors().count())
    }

    /// Samples have come.
    pub fn handle_samples(&mut self, sequence: u64, samples: &Samples) -> Result<(), Breach> {
        self.catalog.handle_samples(samples.of().topology)?;
        self.samples.handle_frame(sequence, samples.merged())
    }

    /// Processes have come.
    pub fn handle_processes(&mut self, sequence: u64, merged: u32) -> Result<(), Breach> {
        self.processes.handle_frame(sequence, merged)
    }

    /// An event has come.
    pub fn handle_event(&mut self, sequence: u64, is_catchup: bool) -> Result<(), Breach> {
        // A snapshot is no part of the history.
        if sequence == 0 {
            return Ok(());
        }
        match &mut self.events {
            Events::Nothing => Err(Breach::Unexpected),
            Events::Live(_) if is_catchup => Ok(()),
            Events::Live(token) => {
                check(token.events, sequence, self.is_filtered)?;
                token.events = sequence;
                Ok(())
            }
            Events::CatchUp { reached, live_from, .. } if is_catchup => {
                check(*reached, sequence, true)?;
                if sequence >= *live_from {
                    return Err(Breach::Unexpected);
                }
                *reached = sequence;
                Ok(())
            }
            Events::CatchUp { epoch, live_from, .. } => {
                check(live_from.saturating_sub(1), sequence, self.is_filtered)?;
                self.events = Events::Live(Token { epoch: *epoch, events: sequence });
                Ok(())
            }
        }
    }

    /// The server says what will not come.
    pub fn handle_gap(&mut self, gap: &Gap) -> Result<(), Breach> {
        match gap.stream {
            StreamId::EVENTS => {}
            StreamId::VITALS => return self.vitals.handle_gap(gap),
            StreamId::SAMPLES => return self.samples.handle_gap(gap),
            StreamId::PROCESSES => return self.processes.handle_gap(gap),
            _ => return Ok(()),
        }
        match &mut self.events {
            Events::Nothing => Err(Breach::Unexpected),
            Events::Live(token) => {
                check(token.events, gap.first, self.is_filtered)?;
                token.events = gap.last;
                Ok(())
            }
            Events::CatchUp { reached, live_from, .. } if gap.last < *live_from => {
                check(*reached, gap.first, true)?;
                *reached = gap.last;
                Ok(())
            }
            // It was too slow for the catch-up and for what came behind it.
            Events::CatchUp { epoch, reached, live_from } => {
                let first_max = if self.is_filtered { u64::MAX } else { *live_from };
                if gap.first <= *reached || gap.first > first_max {
                    return Err(Breach::Hole { expected: *live_from, found: gap.first });
                }
                self.events = Events::Live(Token { epoch: *epoch, events: gap.last });
                Ok(())
            }
        }
    }

    /// The server has had nothing else to say for a while: a catch-up is over.
    pub fn handle_heartbeat(&mut self) {
        if let Events::CatchUp { epoch, live_from, .. } = self.events {
            let events = live_from.saturating_sub(1);
            self.events = Events::Live(Token { epoch, events });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::GapReason;

    const EPOCH: [u8; 16] = [1; 16];
    const OTHER: [u8; 16] = [2; 16];
    const RUN: [u8; 16] = [3; 16];

    fn token(events: u64) -> Option<Token> {
        Some(Token { epoch: EPOCH, events })
    }

    fn granted(resume: Resume, vitals: u64, events: u64) -> Subscribed {
        let mut granted = Subscribed::default();
        granted.resume.set(resume as u16);
        granted.next[0].set(vitals);
        granted.next[3].set(events);
        granted
    }

    fn gap(first: u64, last: u64) -> Gap {
        let count = last - first + 1;
        let reason = Some(GapReason::Lapped);
        Gap { stream: StreamId::EVENTS, first, last, count, reason }
    }

    #[test]
    fn a_tail_goes_on_and_leaves_nothing_out() {
        let mut position = Position::new(token(41), false, false);
        let answer = position.handle_subscribed(EPOCH, RUN, &granted(Resume::Tail, 0, 50));
        assert!(matches!(answer, Ok(Continued { resumed: Resumed::Tail, lost_after: None, .. })));
        assert_eq!(position.handle_event(42, false), Ok(()));
        assert_eq!(position.handle_event(42, false), Err(Breach::Repeated { last: 42, found: 42 }));
        let hole = Breach::Hole { expected: 43, found: 44 };
        assert_eq!(position.handle_event(44, false), Err(hole));
        assert_eq!(position.token(), token(42), "what breaks the rules is not had");
        assert_eq!(position.handle_gap(&gap(44, 45)), Err(hole), "nor may a gap leave any out");
        assert_eq!(position.handle_gap(&gap(43, 45)), Ok(()));
        assert_eq!(position.token(), token(45));
    }

    #[test]
    fn patterns_leave_holes() {
        let mut position = Position::new(token(1), true, false);
        position.handle_subscribed(EPOCH, RUN, &granted(Resume::Tail, 0, 50)).unwrap();
        assert_eq!(position.handle_event(42, false), Ok(()));
        assert_eq!(position.handle_gap(&gap(45, 60)), Ok(()));
        assert_eq!(position.token(), token(60));
        assert!(position.handle_event(60, false).is_err());
    }

    #[test]
    fn another_epoch_loses_everything_after_the_token() {
        let mut position = Position::new(token(41), false, false);
        let answer = position.handle_subscribed(OTHER, RUN, &granted(Resume::Fresh, 0, 7)).unwrap();
        assert_eq!((answer.resumed, answer.lost_after), (Resumed::Fresh, token(41)));
        assert_eq!(position.token(), Some(Token { epoch: OTHER, events: 6 }));
        // A server that continues what it does not have is none.
        let mut position = Position::new(token(41), false, false);
        let answer = position.handle_subscribed(OTHER, RUN, &granted(Resume::Tail, 0, 50));
        assert_eq!(answer, Err(Breach::Unexpected));
        let mut position = Position::new(None, false, false);
        let answer = position.handle_subscribed(EPOCH, RUN, &granted(Resume::Gap, 0, 50));
        assert_eq!(answer, Err(Breach::Unexpected));
    }

    #[test]
    fn a_catch_up_goes_on_where_it_was_cut() {
        let mut position = Position::new(None, false, false);
        position.handle_subscribed(EPOCH, RUN, &granted(Resume::Fresh, 0, 50)).unwrap();
        assert_eq!(position.token(), token(49));
        position.handle_event(0, true).unwrap();
        assert_eq!(position.token(), token(49), "a snapshot is no part of the history");
        position.handle_gap(&gap(20, 29)).unwrap();
        position.handle_event(30, true).unwrap();
        assert_eq!(position.token(), token(30), "the rest of it is still to come");
        assert!(position.handle_event(30, true).is_err());
        assert!(position.handle_event(50, true).is_err(), "that is not the past");
        let mut ended = position;
        ended.handle_heartbeat();
        assert_eq!(ended.token(), token(49));
        let hole = Err(Breach::Hole { expected: 50, found: 51 });
        assert_eq!(position.handle_event(51, false), hole, "live events begin at 50");
        assert_eq!(position.handle_event(50, false), Ok(()));
        assert_eq!(position.token(), token(50));
    }

    #[test]
    fn a_gap_may_swallow_the_end_of_a_catch_up() {
        let mut position = Position::new(None, false, false);
        position.handle_subscribed(EPOCH, RUN, &granted(Resume::Fresh, 0, 50)).unwrap();
        position.handle_event(30, true).unwrap();
        let mut other = position;
        assert!(other.handle_gap(&gap(51, 60)).is_err(), "event 50 is neither here nor there");
        assert_eq!(position.handle_gap(&gap(31, 60)), Ok(()));
        assert_eq!(position.token(), token(60));
    }

    #[test]
    fn recorders_are_told_what_was_produced_without_them() {
        let mut position = Position::new(None, false, true);
        let subscribe = |position: &mut Position, run, next| {
            position.handle_subscribed(EPOCH, run, &granted(Resume::Fresh, next, 0)).unwrap()
        };
        assert_eq!(subscribe(&mut position, RUN, 5).missed, [None; 3]);
        position.handle_vitals(5).unwrap();
        assert!(position.handle_vitals(7).is_err(), "each frame was asked for");
        let missed = subscribe(&mut position, RUN, 9).missed[0].unwrap();
        assert_eq!((missed.first, missed.last, missed.count, missed.reason), (6, 8, 3, None));
        position.handle_vitals(9).unwrap();
        assert_eq!(subscribe(&mut position, RUN, 10).missed, [None; 3]);
        // In another run nobody can count them, and they begin again.
        let answer = subscribe(&mut position, OTHER, 1);
        assert_eq!((answer.missed, answer.is_new_run), ([None; 3], true));
        position.handle_vitals(1).unwrap();
    }

    #[test]
    fn who_takes_the_newest_may_skip_but_not_go_back() {
        let mut position = Position::new(None, false, false);
        position.handle_subscribed(EPOCH, RUN, &granted(Resume::Fresh, 5, 0)).unwrap();
        position.handle_vitals(4).unwrap();
        position.handle_vitals(9).unwrap();
        assert!(position.handle_vitals(9).is_err());
        let answer = position.handle_subscribed(EPOCH, RUN, &granted(Resume::Fresh, 20, 0));
        assert_eq!(answer.unwrap().missed, [None; 3]);
        assert!(position.handle_vitals(8).is_err());
    }

    /// One history, a server that cuts the connection anywhere and forgets the oldest, and a client
    /// that resumes: what it gets and what it is told it lost are the history, in order, once.
    mod model {
        use super::*;
        use proptest::prelude::*;

        fn serve(position: &mut Position, next: u64, oldest: u64, cut: usize, got: &mut Vec<u64>) {
            let from = position.token().unwrap().events + 1;
            let resume = if from < oldest { Resume::Gap } else { Resume::Tail };
            position.handle_subscribed(EPOCH, RUN, &granted(resume, 0, next)).unwrap();
            // 0 stands for what comes before the events: a gap, and the snapshot behind it.
            let front = if from < oldest { vec![0, 0] } else { vec![] };
            for (index, sequence) in front.into_iter().chain(from.max(oldest)..next).enumerate() {
                if index == cut {
                    return;
                }
                match (sequence, index) {
                    (0, 0) => {
                        position.handle_gap(&gap(from, oldest - 1)).unwrap();
                        got.extend(from..oldest);
                    }
                    (0, _) => position.handle_event(0, true).unwrap(),
                    _ => {
                        position.handle_event(sequence, false).unwrap();
                        got.push(sequence);
                    }
                }
            }
        }

        proptest! {
            #[test]
            fn delivered_and_lost_are_everything(
                connections in prop::collection::vec((0..20u64, 0..10u64, 0..12usize), 1..40),
            ) {
                let mut position = Position::new(token(0), false, false);
                let (mut next, mut oldest) = (1, 1);
                let mut got = Vec::new();
                for (produced, forgotten, cut) in connections {
                    next += produced;
                    oldest = (oldest + forgotten).min(next);
                    serve(&mut position, next, oldest, cut, &mut got);
                }
                let had = position.token().unwrap().events;
                prop_assert_eq!(got, (1..=had).collect::<Vec<u64>>());
            }
        }
    }
}
