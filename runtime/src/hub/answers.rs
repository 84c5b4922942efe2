//! What is said to control connections, and how they end.

use kymo_platform::clock::Now;
use kymo_protocol::json::Writer;
use kymo_protocol::{Ack, FrameError, Reply, ReplyFields, Stamp};

use super::Hub;
use crate::buffer::Buffer;
use crate::control::{REPLY_MAX, RequestId};
use crate::conversation::Mistake;
use crate::limits::{CLOSING_NS, STALL_NS};

/// Room for one request, for the text of its reply, and for a page of figures in it.
#[derive(Debug, Default)]
pub struct Desk {
    pub(super) request: Buffer,
    pub(super) reply: Buffer,
    pub(super) page: Buffer,
}

impl Desk {
    /// Room for requests of at most `request_max` bytes.
    pub fn new(request_max: usize) -> Self {
        Self {
            request: Buffer::new(request_max),
            reply: Buffer::new(REPLY_MAX),
            // Its line ends are escaped in a reply.
            page: Buffer::new(REPLY_MAX - REPLY_MAX / 8),
        }
    }

    /// Writes a reply that says yes, with what `body` adds.
    pub(super) fn write(
        &mut self,
        id: &RequestId,
        body: impl FnOnce(&mut Writer<'_>),
    ) -> Result<usize, FrameError> {
        let mut w = Writer::new(&mut self.reply);
        write_success(&mut w, id);
        body(&mut w);
        w.raw("}\n");
        w.finish()
    }
}

impl Hub {
    /// Says yes, with what `body` adds.
    pub(super) fn succeed(
        &mut self,
        place: usize,
        id: &RequestId,
        now: Now,
        body: impl FnOnce(&mut Writer<'_>),
    ) {
        let size = self.desk.write(id, body);
        self.push_reply(place, id, size, now);
    }

    /// Says no.
    pub(super) fn refuse_request(
        &mut self,
        place: usize,
        id: &RequestId,
        mistake: &Mistake,
        now: Now,
    ) {
        self.counters.mistakes += 1;
        let fields = ReplyFields { code: mistake.code as u16, ..ReplyFields::default() };
        self.reply(place, id, fields, now, |w| {
            w.raw("{\"status\":\"error\"");
            write_id(w, id);
            w.raw(",\"error\":");
            w.string(&mistake.text);
            w.raw(",\"code\":");
            w.string(mistake.code.name());
        });
    }

    /// Appends a reply whose object `body` writes but for its closing brace.
    pub(super) fn reply(
        &mut self,
        place: usize,
        id: &RequestId,
        fields: ReplyFields,
        now: Now,
        body: impl FnOnce(&mut Writer<'_>),
    ) {
        let mut w = Writer::new(&mut self.desk.reply);
        body(&mut w);
        w.raw("}\n");
        let size = w.finish();
        self.push(place, id, size, fields, now);
    }

    /// Appends the reply that the desk holds.
    pub(super) fn push_reply(
        &mut self,
        place: usize,
        id: &RequestId,
        size: Result<usize, FrameError>,
        now: Now,
    ) {
        self.push(place, id, size, ReplyFields::default(), now);
    }

    fn push(
        &mut self,
        place: usize,
        id: &RequestId,
        size: Result<usize, FrameError>,
        fields: ReplyFields,
        now: Now,
    ) {
        if self.control.slot(place).is_none_or(|slot| slot.is_deaf) {
            return;
        }
        let size = size.unwrap_or_else(|_| {
            let text =
                b"{\"status\":\"error\",\"error\":\"too much to tell\",\"code\":\"too_long\"}\n";
            self.desk.reply[..text.len()].copy_from_slice(text);
            text.len()
        });
        let text = &self.desk.reply[..size];
        let done = self.control.push(place, |buffer| match id {
            RequestId::Frame(id) => {
                let fields = ReplyFields { id: *id, ..fields };
                let text = core::str::from_utf8(text).unwrap_or_default().trim_ascii_end();
                Reply::emit(buffer, Stamp { boot_ns: now.boot_ns }, fields, text)
            }
            _ => {
                let target = buffer.get_mut(..text.len()).ok_or(FrameError::Short)?;
                target.copy_from_slice(text);
                Ok(text.len())
            }
        });
        debug_assert!(done, "a request was taken without room for its reply");
        if let Some(slot) = self.control.slot(place) {
            slot.is_queued |= !slot.is_blocked;
        }
    }

    /// Takes no more requests from a connection, and closes it when its replies have gone.
    pub(super) fn end_control(&mut self, place: usize, now: Now) {
        let Some(slot) = self.control.slot(place) else { return };
        slot.is_ending = true;
        slot.cut_at_ns = now.mono_ns + CLOSING_NS;
        self.scan_ns = self.scan_ns.min(slot.cut_at_ns);
        self.close_idle_control(place);
    }

    /// Closes a connection that has nothing more to say or to hear.
    fn close_idle_control(&mut self, place: usize) {
        let is_silent = self.control.output(place).is_empty();
        if let Some(slot) = self.control.slot(place) {
            slot.is_closed |= is_silent && slot.waiting.is_empty() && slot.is_ending;
        }
    }

    /// The client sends no more; what it has asked for is still answered.
    pub(super) fn handle_control_end(&mut self, place: usize, now: Now) {
        if let Some(slot) = self.control.slot(place) {
            slot.input_ended = true;
        }
        self.handle_control_input(place, now);
        let is_done = self.control.input(place).is_none_or(|(_, input)| input.is_empty());
        if is_done && let Some(slot) = self.control.slot(place) {
            slot.is_ending = true;
        }
        self.close_idle_control(place);
    }

    /// A socket took `size` bytes of a connection's output.
    pub(super) fn handle_control_sent(&mut self, place: usize, size: usize, now: Now) {
        self.counters.bytes_sent += size as u64;
        let Some(slot) = self.control.slot(place) else { return };
        slot.output_start += size;
        let pending = slot.output_start < slot.output_end;
        slot.is_blocked = pending;
        if pending {
            if size > 0 || slot.cut_at_ns == u64::MAX {
                slot.cut_at_ns = now.mono_ns + if slot.is_ending { CLOSING_NS } else { STALL_NS };
                self.scan_ns = self.scan_ns.min(slot.cut_at_ns);
            }
            return;
        }
        slot.cut_at_ns = u64::MAX;
        // Requests may have waited for room. They are for the next turn: nobody is served twice in
        // one, and what they publish has to be committed before anybody is served.
        slot.has_rest |= slot.input_size > 0 || slot.input_ended;
        self.close_idle_control(place);
    }

    /// The client reads no more; what it has asked for happens all the same.
    pub(super) fn handle_control_hangup(&mut self, place: usize) {
        let Some(slot) = self.control.slot(place) else { return };
        slot.is_deaf = true;
        (slot.output_start, slot.output_end) = (0, 0);
        (slot.is_blocked, slot.is_queued) = (false, false);
        slot.cut_at_ns = u64::MAX;
        slot.has_rest = true;
        self.close_idle_control(place);
    }

    /// Closes connections that take nothing, and finds out when to look again.
    pub(super) fn cut_control(&mut self, now: Now) {
        for (_, slot) in self.control.slots() {
            slot.is_closed |= slot.cut_at_ns <= now.mono_ns;
        }
        self.scan_ns = self.scan_ns.min(self.control.cut_at_ns());
    }
}

fn write_success(w: &mut Writer<'_>, id: &RequestId) {
    w.raw("{\"status\":\"success\"");
    write_id(w, id);
}

pub(super) fn write_id(w: &mut Writer<'_>, id: &RequestId) {
    if let RequestId::Json(id) = id {
        w.raw(",\"id\":");
        w.raw(id);
    }
}

/// Ack levels are told by name.
pub(super) fn write_ack(w: &mut Writer<'_>, ack: Ack) {
    w.raw(",\"ack\":");
    w.string(ack.name());
}
