//! What the hub knows of recorders: who waits for one, what they have written, and that everybody
//! is told so.

use kymo_platform::clock::Now;
use kymo_protocol::json::Writer;
use kymo_protocol::{Data, ErrorCode, EventFields, ReplyFields};

use super::Hub;
use super::answers::write_id;
use super::submit::Whose;
use crate::config::Config;
use crate::control::{RequestId, Waiting};
use crate::conversation::Mistake;
use crate::limits::{RECORDER_NAME_MAX, RECORDERS_MAX, RECORDING_PATH_MAX};
use crate::message::Message;
use crate::recorders::{Gauges, Order, Word, Written};

/// The topic of what is told of recorders.
const TOPIC: &str = "kymo.recorder";

/// Bytes of such an event's data: a path and a reason, escaped, and a few numbers.
const DATA_MAX: usize = 900;

/// What is known of one recorder.
#[derive(Clone, Debug, Default)]
pub struct RecorderView {
    pub(super) name: heapless::String<RECORDER_NAME_MAX>,
    pub(super) held_ms: u64,
    pub(super) held_bytes: u64,
    pub(super) withheld: u64,
    pub(super) is_writing: bool,
    /// Files that are complete.
    pub(super) files: u64,
    pub(super) failed: u64,
    pub(super) last_file: heapless::String<RECORDING_PATH_MAX>,
    pub(super) last_error: Message,
    /// What is in no event yet.
    untold: Option<Told>,
    /// What is in one of this turn.
    telling: Option<Told>,
}

/// What everybody is to be told.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // a box would be an allocation
enum Told {
    File(Written, Message),
    Error(Message),
}

/// All of them, in the order of the settings.
#[derive(Debug)]
pub struct RecorderViews {
    pub(super) all: heapless::Vec<RecorderView, RECORDERS_MAX>,
    /// Dumps that were asked for.
    tickets: u64,
}

/// Those that the settings name.
pub(super) fn views(config: &Config) -> RecorderViews {
    let view =
        |name: &heapless::String<_>| RecorderView { name: name.clone(), ..Default::default() };
    let all = config.recorders.iter().map(|recorder| view(&recorder.name)).collect();
    RecorderViews { all, tickets: 0 }
}

impl Hub {
    /// Has a recorder write, and lets the connection wait for that. `is_it` tells the recorder by
    /// its name; `None` stands for the first. `false` as in
    /// [`handle_request_text`](Self::handle_request_text).
    pub(super) fn handle_dump(
        &mut self,
        place: usize,
        id: RequestId,
        is_it: Option<&dyn Fn(&str) -> bool>,
        last_ms: u64,
        now: Now,
    ) -> bool {
        let index =
            self.recorders.all.iter().position(|view| is_it.is_none_or(|is| is(&view.name)));
        let Some(recorder) = index.and_then(|index| u8::try_from(index).ok()) else {
            let mistake = self.no_recorder();
            return self.refuse_in_order(place, &id, &mistake, now);
        };
        let ticket = self.recorders.tickets;
        let Some(slot) = self.control.slot(place) else { return true };
        if !slot.waiting.is_empty() {
            return false;
        }
        self.recorders.tickets += 1;
        let place = u8::try_from(place).unwrap_or(u8::MAX);
        let order = Order { recorder, ticket, place, last_ms };
        // There is room: nothing else waits.
        let _ = slot.waiting.push_back(Waiting::Dump { id, order, is_ordered: false });
        true
    }

    /// Half of the random identity of this start.
    #[allow(clippy::cast_possible_truncation)] // so it is said
    pub(crate) fn run(&self) -> u64 {
        self.identity.run as u64
    }

    fn no_recorder(&self) -> Mistake {
        if self.recorders.all.is_empty() {
            let text = format_args!("this server has no [[recorder]] in its settings");
            return Mistake::new(ErrorCode::Recorder, text);
        }
        let mut names = Message::default();
        for view in &self.recorders.all {
            use std::fmt::Write;
            let lead = if names.is_empty() { "" } else { ", " };
            // Writing to a message can't fail.
            let _ = write!(names, "{lead}{}", view.name);
        }
        Mistake::new(ErrorCode::Recorder, format_args!("no such recorder; there are {names}"))
    }

    /// What a recorder is to do next, because somebody waits for it.
    pub(crate) fn poll_dump(&mut self) -> Option<Order> {
        self.control.slots().find_map(|(_, slot)| match slot.waiting.front_mut() {
            Some(Waiting::Dump { order, is_ordered, .. }) if !*is_ordered => {
                *is_ordered = true;
                Some(*order)
            }
            _ => None,
        })
    }

    /// Takes in what a recorder says: answers who waits for it, and keeps what everybody is to be
    /// told.
    pub(crate) fn handle_recorder(&mut self, word: Word, now: Now) {
        match word {
            Word::Dumped { ticket, recorder, outcome } => {
                self.answer_dump(ticket, usize::from(recorder), outcome, now);
            }
            Word::Ended { recorder, written, why } => {
                let Some(view) = self.recorders.all.get_mut(usize::from(recorder)) else { return };
                view.files += 1;
                view.last_file = written.path.clone();
                view.last_error = Message::default();
                view.untold = Some(Told::File(written, why));
            }
            Word::Failed { recorder, why } => {
                let Some(view) = self.recorders.all.get_mut(usize::from(recorder)) else { return };
                view.failed += 1;
                view.last_error = why.clone();
                view.untold = Some(Told::Error(why));
            }
        }
    }

    /// Takes in how the recorders are.
    pub(crate) fn note_recorders(&mut self, gauges: &[Gauges]) {
        for (view, gauges) in self.recorders.all.iter_mut().zip(gauges) {
            view.held_ms = gauges.held_ms();
            view.held_bytes = gauges.held_bytes();
            view.withheld = gauges.withheld_events();
            view.is_writing = gauges.is_writing();
        }
    }

    /// Refuses whoever waits for a recorder that there is no more, or not yet.
    pub(crate) fn refuse_dump(&mut self, order: Order, now: Now) {
        let text = Message::from("the recorders are not running");
        self.answer_dump(order.ticket, usize::from(order.recorder), Err(text), now);
    }

    fn answer_dump(
        &mut self,
        ticket: u64,
        recorder: usize,
        outcome: Result<Written, Message>,
        now: Now,
    ) {
        let is_it = |waiting: Option<&Waiting>| match waiting {
            Some(Waiting::Dump { order, .. }) => order.ticket == ticket,
            _ => false,
        };
        let place = self.control.slots().find(|(_, slot)| is_it(slot.waiting.front()));
        // Who has gone meanwhile is not told.
        let Some(place) = place.map(|(place, _)| place) else { return };
        let id = self.take_command(place);
        match outcome {
            Err(text) => {
                let mistake = Mistake::new(ErrorCode::Recorder, format_args!("{text}"));
                self.refuse_request(place, &id, &mistake, now);
            }
            Ok(written) => {
                let name = self.recorders.all.get(recorder).map(|view| view.name.clone());
                self.reply(place, &id, ReplyFields::default(), now, |w| {
                    w.raw("{\"status\":\"success\"");
                    write_id(w, &id);
                    w.raw(",\"recorder\":");
                    w.string(&name.unwrap_or_default());
                    write_written(w, &written);
                    w.raw(",\"before_s\":");
                    w.thousandths(written.before_ms);
                    w.raw(",\"after_s\":");
                    w.thousandths(written.after_ms);
                });
            }
        }
        self.expect_rest(place);
    }

    /// Tells everybody what recorders have written, as events, where some can be taken.
    pub(crate) fn tell_recorders(&mut self, now: Now) {
        for index in 0..self.recorders.all.len() {
            if self.recorders.all[index].untold.is_none() || !self.takes_events(now) {
                continue;
            }
            let view = &mut self.recorders.all[index];
            let Some(told) = view.untold.take() else { continue };
            let mut data = [0; DATA_MAX];
            let size = write_told(&mut data, &view.name, &told).unwrap_or(0);
            view.telling = Some(told);
            let text = core::str::from_utf8(&data[..size]).unwrap_or_default();
            let fields = EventFields::custom(TOPIC, Data::Json(text));
            let fields = EventFields { wall_ns: now.wall_ns, ..fields };
            // A path so odd that an event does not hold it stands in the status.
            let _ = self.append_fields(&fields, None, Whose::Server, now);
        }
    }

    /// The turn's events were committed, or not: what was told in vain is told again.
    pub(super) fn settle_recorders(&mut self, is_committed: bool) {
        for view in &mut self.recorders.all {
            let told = view.telling.take();
            if !is_committed && view.untold.is_none() {
                view.untold = told;
            }
        }
    }

    pub(super) fn write_recorders(&self, w: &mut Writer<'_>) {
        w.raw(",\"recorders\":[");
        for (index, view) in self.recorders.all.iter().enumerate() {
            w.raw(if index > 0 { ",{\"name\":" } else { "{\"name\":" });
            w.string(&view.name);
            w.raw(",\"held_s\":");
            w.thousandths(view.held_ms);
            for (name, value) in [
                ("held_bytes", view.held_bytes),
                ("files_written", view.files),
                ("failed", view.failed),
                ("withheld", view.withheld),
            ] {
                super::status::member(w, name, value);
            }
            w.raw(if view.is_writing { ",\"is_writing\":true" } else { ",\"is_writing\":false" });
            for (name, text) in [("last_file", &*view.last_file), ("last_error", &*view.last_error)]
            {
                for part in [",\"", name, "\":"] {
                    w.raw(part);
                }
                if text.is_empty() { w.raw("null") } else { w.string(text) }
            }
            w.raw("}");
        }
        w.raw("]");
    }
}

/// Members that tell a file.
fn write_written(w: &mut Writer<'_>, written: &Written) {
    w.raw(",\"file\":");
    w.string(&written.path);
    w.raw(",\"seconds\":");
    w.thousandths(written.counts.span_ns() / 1_000_000);
    let counts = written.counts;
    for (name, value) in
        [("frames", counts.frames), ("missed", counts.missed), ("bytes", counts.bytes)]
    {
        super::status::member(w, name, value);
    }
}

fn write_told(data: &mut [u8], name: &str, told: &Told) -> Option<usize> {
    let mut w = Writer::new(data);
    w.raw("{\"recorder\":");
    w.string(name);
    match told {
        Told::File(written, why) => {
            write_written(&mut w, written);
            w.raw(",\"why\":");
            w.string(why);
        }
        Told::Error(why) => {
            w.raw(",\"error\":");
            w.string(why);
        }
    }
    w.raw("}");
    w.finish().ok()
}
