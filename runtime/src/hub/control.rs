//! The owner's requests: read, done or handed to the loop, answered in their order.

use kymo_platform::clock::Now;
use kymo_platform::peer::Peer;
use kymo_protocol::json::{ControlRequest, find_id, parse_request};
use kymo_protocol::limits::HEADER_SIZE;
use kymo_protocol::{Action, Body, ErrorCode, Frame, FrameError, FrameHeader};

use super::{Hub, Refusal};
use crate::control::{RequestId, Slot, Speech, Waiting};
use crate::conversation::Mistake;
use crate::limits::{CONTROL_IDLE_NS, CONTROL_MAX, OUTSTANDING_MAX, REQUESTS_PER_TURN};
use crate::table::SessionId;

/// How much of an input is a request.
enum Found {
    Nothing,
    /// This many bytes.
    Request(usize),
    /// Bytes to be passed over, which may be more than there are.
    Skip(usize),
    /// The connection can't go on.
    Mistake(Mistake),
}

impl Hub {
    /// The place of a control connection; `None` for a subscriber.
    pub(super) fn control_place(&self, id: SessionId) -> Option<usize> {
        id.index().checked_sub(self.table.capacity())
    }

    pub(super) fn control_id(&self, place: usize) -> SessionId {
        // There are few places, and far fewer clients than numbers.
        SessionId(u32::try_from(self.table.capacity() + place).unwrap_or(u32::MAX))
    }

    pub(super) fn accept_control(&mut self, peer: Peer, now: Now) -> Result<SessionId, Refusal> {
        let place = if self.leaving { None } else { self.control.insert(peer, now.mono_ns) };
        match place {
            Some(place) => {
                self.counters.accepted += 1;
                // So that there is a place for the next one.
                let idle_since_ns = now.mono_ns.saturating_sub(CONTROL_IDLE_NS);
                if let Some(idle) = self.control.idle(idle_since_ns) {
                    idle.is_closed = true;
                    self.counters.cut += 1;
                }
                Ok(self.control_id(place))
            }
            None => Err(Refusal::Full),
        }
    }

    /// Does what a control connection asks for, as far as it can be answered now.
    pub(super) fn handle_control_input(&mut self, place: usize, now: Now) {
        if let Some(slot) = self.control.slot(place) {
            slot.active_ns = now.mono_ns;
        }
        for _ in 0..REQUESTS_PER_TURN {
            if self.log.is_full() {
                break;
            }
            if !self.may_take_request(place) {
                return;
            }
            match self.find_request(place) {
                Found::Nothing => return,
                Found::Skip(size) => self.consume_request(place, size),
                Found::Request(size) => {
                    let mut request = std::mem::take(&mut self.desk.request);
                    if let Some((_, input)) = self.control.input(place) {
                        request[..size].copy_from_slice(&input[..size]);
                    }
                    let done = self.handle_request_text(place, &request[..size], now);
                    self.desk.request = request;
                    if !done {
                        return;
                    }
                    self.consume_request(place, size);
                }
                Found::Mistake(mistake) => {
                    let id = self.no_id(place);
                    if self.refuse_in_order(place, &id, &mistake, now) {
                        self.end_control(place, now);
                    }
                    return;
                }
            }
        }
        self.expect_rest(place);
    }

    /// Looks at a connection's requests again in the next turn.
    pub(super) fn expect_rest(&mut self, place: usize) {
        if let Some(slot) = self.control.slot(place) {
            slot.has_rest = true;
        }
    }

    /// Whether [`handle_rest`](Self::handle_rest) has something to do.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        self.control.has_rest()
    }

    /// Goes on with requests that were more than one turn does, or that others had to be answered
    /// before.
    pub fn handle_rest(&mut self, now: Now) {
        for place in 0..CONTROL_MAX {
            let Some(slot) = self.control.slot(place) else { continue };
            let input_ended = slot.input_ended;
            match std::mem::take(&mut slot.has_rest) {
                true if input_ended => self.handle_control_end(place, now),
                true => self.handle_control_input(place, now),
                false => {}
            }
        }
    }

    /// Whether the next request can be answered, or wait with those that wait.
    fn may_take_request(&mut self, place: usize) -> bool {
        let has_room = self.control.has_room(place);
        let Some(slot) = self.control.slot(place) else { return false };
        let waits_for_loop =
            matches!(slot.waiting.front(), Some(Waiting::Command { .. } | Waiting::Dump { .. }));
        has_room
            && !waits_for_loop
            && slot.waiting.len() < OUTSTANDING_MAX
            && !slot.is_ending
            && !slot.is_closed
    }

    /// What stands for the id of a request that has none.
    fn no_id(&mut self, place: usize) -> RequestId {
        match self.control.slot(place) {
            Some(Slot { speech: Speech::Frames, .. }) => RequestId::Frame(0),
            _ => RequestId::None,
        }
    }

    fn consume_request(&mut self, place: usize, size: usize) {
        if let Some(slot) = self.control.slot(place) {
            slot.input_skip += size;
            slot.is_counted = false;
        }
    }

    fn find_request(&mut self, place: usize) -> Found {
        let request_max = self.control.request_max();
        let Some((slot, input)) = self.control.input(place) else { return Found::Nothing };
        let Some(first) = input.first() else { return Found::Nothing };
        if slot.speech == Speech::Undecided {
            let is_frame = *first == kymo_protocol::MAGIC.to_le_bytes()[0];
            slot.speech = if is_frame { Speech::Frames } else { Speech::Json };
        }
        if slot.speech == Speech::Frames {
            return find_frame(input, request_max, slot.input_ended);
        }
        let space = input.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if space > 0 {
            return Found::Skip(space);
        }
        match slot.scan.end(input) {
            Some(size) => Found::Request(size),
            // What its end cuts off is told, too.
            None if slot.input_ended => Found::Request(input.len()),
            None if input.len() == request_max => Found::Mistake(Mistake::new(
                ErrorCode::TooLong,
                format_args!("a request may have {request_max} bytes"),
            )),
            None => Found::Nothing,
        }
    }

    /// Does what a request says. `false`: its answer would stand in front of those that wait, so it
    /// has to be looked at again when they have gone.
    fn handle_request_text(&mut self, place: usize, text: &[u8], now: Now) -> bool {
        let Some(slot) = self.control.slot(place) else { return true };
        if slot.speech == Speech::Frames {
            return self.handle_request_frame(place, text, now);
        }
        match parse_request(text) {
            Ok(ControlRequest { event: Some(_), id, .. }) if !self.may_submit(place, text, now) => {
                self.refuse_in_order(place, &request_id(id), &over_quota(), now)
            }
            Ok(ControlRequest { event: Some(event), id, ack, key, .. }) => {
                let outcome = self.submit_fields(event, ack, key, now);
                self.answer_submit(place, request_id(id), outcome, now)
            }
            Ok(ControlRequest { action: Action::Dump, id, recorder, last_ms, .. }) => {
                let is_it = recorder.map(|name| move |known: &str| name.is(known));
                let is_it = is_it.as_ref().map(|is_it| is_it as &dyn Fn(&str) -> bool);
                self.handle_dump(place, request_id(id), is_it, last_ms, now)
            }
            Ok(request) => self.handle_action(place, request_id(request.id), request.action, now),
            Err(fault) => {
                let id = request_id(find_id(text));
                let mistake = Mistake::new(ErrorCode::Json, format_args!("{fault}"));
                self.refuse_in_order(place, &id, &mistake, now)
            }
        }
    }

    fn handle_request_frame(&mut self, place: usize, bytes: &[u8], now: Now) -> bool {
        let mistake = match Frame::parse(bytes).map(|frame| frame.body) {
            Ok(Body::Request(request)) => {
                let id = RequestId::Frame(request.id());
                if request.action() == Action::Submit && !self.may_submit(place, bytes, now) {
                    return self.refuse_in_order(place, &id, &over_quota(), now);
                }
                if request.action() == Action::Submit {
                    let key = request.key();
                    let outcome = self.submit_payload(request.event(), request.ack(), key, now);
                    return self.answer_submit(place, id, outcome, now);
                }
                if request.action() == Action::Dump {
                    let (name, last_ms) = request.dump();
                    let is_it = name.map(|name| move |known: &str| name == known);
                    let is_it = is_it.as_ref().map(|is_it| is_it as &dyn Fn(&str) -> bool);
                    return self.handle_dump(place, id, is_it, last_ms, now);
                }
                return self.handle_action(place, id, request.action(), now);
            }
            Ok(_) => {
                Mistake::new(ErrorCode::Unexpected, format_args!("only requests are taken here"))
            }
            Err(error) => Mistake::new(ErrorCode::Frame, format_args!("{error}")),
        };
        if !self.refuse_in_order(place, &RequestId::Frame(0), &mistake, now) {
            return false;
        }
        self.end_control(place, now);
        true
    }

    /// Whether the connection's user may submit so much now, which is counted then.
    fn may_submit(&mut self, place: usize, request: &[u8], now: Now) -> bool {
        let Some(slot) = self.control.slot(place) else { return false };
        let (is_counted, uid) = (slot.is_counted, slot.peer.uid);
        let may = is_counted || self.quota.take_event(uid, request.len() as u64, now.mono_ns);
        if let Some(slot) = self.control.slot(place) {
            slot.is_counted = may;
        }
        may
    }

    /// Says no, unless others wait for their answers.
    pub(super) fn refuse_in_order(
        &mut self,
        place: usize,
        id: &RequestId,
        mistake: &Mistake,
        now: Now,
    ) -> bool {
        if self.control.slot(place).is_some_and(|slot| !slot.waiting.is_empty()) {
            return false;
        }
        self.refuse_request(place, id, mistake, now);
        true
    }

    fn handle_action(&mut self, place: usize, id: RequestId, action: Action, now: Now) -> bool {
        let Some(slot) = self.control.slot(place) else { return true };
        if !slot.waiting.is_empty() {
            return false;
        }
        match action {
            Action::Ping => self.succeed(place, &id, now, |w| {
                w.raw(",\"message\":\"pong\"");
            }),
            Action::Help => self.succeed(place, &id, now, super::replies::help),
            // The loop has to do something first.
            _ => {
                // There is room: nothing else waits.
                let _ = slot.waiting.push_back(Waiting::Command { id, action });
            }
        }
        true
    }

    /// What a control connection waits for the loop to do, if one does; answer it with
    /// [`answer_command`](Self::answer_command) and its relatives.
    #[must_use]
    pub fn poll_command(&mut self) -> Option<(SessionId, Action)> {
        let (place, action) =
            self.control.slots().find_map(|(place, slot)| match slot.waiting.front() {
                Some(Waiting::Command { action, .. }) => Some((place, *action)),
                _ => None,
            })?;
        Some((self.control_id(place), action))
    }

    /// The id of the request that a connection's loop has done, which no longer waits then.
    pub(super) fn take_command(&mut self, place: usize) -> RequestId {
        let slot = self.control.slot(place);
        match slot.and_then(|slot| slot.waiting.pop_front()) {
            Some(
                Waiting::Command { id, .. }
                | Waiting::Dump { id, .. }
                | Waiting::Submit { id, .. }
                | Waiting::Lost { id },
            ) => id,
            None => RequestId::None,
        }
    }
}

fn over_quota() -> Mistake {
    Mistake::new(ErrorCode::Quota, format_args!("more than this user may submit in a second"))
}

fn find_frame(input: &[u8], request_max: usize, ended: bool) -> Found {
    let cut_off = || {
        let text = format_args!("the end of input cuts a frame off");
        if ended { Found::Mistake(Mistake::new(ErrorCode::Frame, text)) } else { Found::Nothing }
    };
    let header = match FrameHeader::parse(input) {
        Ok(header) => header,
        Err(FrameError::Short) => return cut_off(),
        Err(error) => {
            return Found::Mistake(Mistake::new(ErrorCode::Frame, format_args!("{error}")));
        }
    };
    let size = HEADER_SIZE + header.payload_size();
    if kymo_protocol::FrameKind::from_number(header.kind.get()).is_none() {
        return Found::Skip(size);
    }
    if size > request_max {
        let text = format_args!("a request may have {request_max} bytes, this has {size}");
        return Found::Mistake(Mistake::new(ErrorCode::TooLong, text));
    }
    if input.len() < size { cut_off() } else { Found::Request(size) }
}

fn request_id(id: Option<&str>) -> RequestId {
    // Longer ones were refused when the request was read.
    id.and_then(|id| id.try_into().ok()).map_or(RequestId::None, RequestId::Json)
}
