//! What the owner is told: help, status, and what became of commands.

use kymo_platform::Sandbox;
use kymo_platform::clock::Now;
use kymo_protocol::json::Writer;
use kymo_protocol::{Action, ErrorCode, ReplyFields};

use super::Hub;
use super::answers::write_id;
use super::waiting::not_written;
use crate::conversation::Mistake;
use crate::inbox::InboxCounts;
use crate::message::Message;
use crate::sampler::Sampler;
use crate::sources::Sources;
use crate::table::SessionId;

/// What a host has done with a command of its owner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// Nothing: kymo is to do what it does without a host.
    No,
    /// It is done, with a word about it.
    Done(Message),
    /// It can't be done, and why.
    Refused(Message),
}

impl Handled {
    /// Done, with a word that is cut when it is too long.
    #[must_use]
    pub fn done(text: &str) -> Self {
        Self::Done(Message::from(text))
    }
}

/// What a hub can't know of itself.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// What was read of the machine.
    pub sampler: &'a Sampler,
    /// Where samples come from.
    pub sources: &'a Sources,
    /// Events of other threads that wait.
    pub queue_size: u64,
    /// What became of those before.
    pub inbox: InboxCounts,
    /// Heap allocations since the start was done; `None` when nobody counts them.
    pub allocations: Option<u64>,
    /// How far the program is confined; `None` when nobody says.
    pub sandbox: Option<Sandbox>,
}

const ACTIONS: [(Action, &str); 10] = [
    (Action::Ping, "an answer"),
    (Action::Status, "how the daemon is"),
    (Action::Sensors, "what it measures, read now"),
    (Action::Metrics, "its figures and the machine's, for Prometheus"),
    (Action::Toggle, "a session to begin, or the open one to end"),
    (Action::Submit, "an event to be published: {\"action\":\"submit\",\"event\":{…}}"),
    (Action::Dump, "a recorder to write what it keeps: {\"action\":\"dump\",\"last_s\":60}"),
    (Action::Reload, "the settings to be read again"),
    (Action::Quit, "the daemon to stop"),
    (Action::Help, "this list"),
];

/// The list of actions.
pub(super) fn help(w: &mut Writer<'_>) {
    w.raw(",\"actions\":{");
    for (index, (action, text)) in ACTIONS.into_iter().enumerate() {
        if index > 0 {
            w.raw(",");
        }
        w.string(action.name());
        w.raw(":");
        w.string(text);
    }
    w.raw("}");
}

impl Hub {
    /// Does what a control connection waits for, when a host left that to kymo, and answers it.
    pub fn answer_command(
        &mut self,
        id: SessionId,
        action: Action,
        handled: Handled,
        surroundings: &Surroundings<'_>,
        now: Now,
    ) {
        let Some(place) = self.control_place(id) else { return };
        match handled {
            Handled::Refused(text) => {
                let id = self.take_command(place);
                let code =
                    if action == Action::Reload { ErrorCode::Config } else { ErrorCode::Refused };
                let mistake = Mistake::new(code, format_args!("{text}"));
                self.refuse_request(place, &id, &mistake, now);
            }
            Handled::Done(text) => {
                let id = self.take_command(place);
                self.succeed(place, &id, now, |w| {
                    w.raw(",\"message\":");
                    w.string(&text);
                });
            }
            Handled::No => match action {
                Action::Toggle => self.answer_toggle(place, now),
                Action::Status => self.answer_status(place, surroundings, now),
                Action::Sensors => self.answer_sensors(place, surroundings.sampler, now),
                Action::Metrics => self.answer_metrics(place, surroundings, now),
                _ => {
                    let id = self.take_command(place);
                    let text = format_args!("\"{}\" is not for this server", action.name());
                    let mistake = Mistake::new(ErrorCode::Refused, text);
                    self.refuse_request(place, &id, &mistake, now);
                }
            },
        }
        self.expect_rest(place);
    }

    fn answer_toggle(&mut self, place: usize, now: Now) {
        let toggled = self.toggle(now);
        let id = self.take_command(place);
        match toggled {
            Err(mistake) => self.refuse_request(place, &id, &mistake, now),
            Ok(toggled) => {
                // Nobody may know before the events are committed.
                let failed = self.counters.commits_failed;
                self.commit(now);
                if self.counters.commits_failed > failed {
                    return self.refuse_request(place, &id, &not_written(), now);
                }
                let fields = ReplyFields { sequence: toggled.sequence, ..ReplyFields::default() };
                self.reply(place, &id, fields, now, |w| {
                    w.raw("{\"status\":\"success\"");
                    write_id(w, &id);
                    w.raw(",\"message\":");
                    w.string(match toggled.state {
                        kymo_protocol::AppState::Idle => "Recording stopped",
                        _ => "Recording started",
                    });
                    w.raw(",\"state\":");
                    w.string(toggled.state.name());
                    w.raw(",\"session_id\":");
                    w.integer(toggled.session);
                    w.raw(",\"seq\":");
                    w.integer(toggled.sequence);
                });
            }
        }
    }
}
