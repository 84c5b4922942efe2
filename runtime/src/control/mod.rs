//! The connections of the control socket: a few, with places of their own, so that no flood of
//! subscribers keeps the owner out.
//!
//! Each has an input for one request and an output for its replies, allocated at the start. Replies
//! keep the order of their requests: a connection whose reply has to wait reads no further, but for
//! submits, which may wait together.

mod scan;

use kymo_platform::peer::Peer;
use kymo_protocol::Ack;
use kymo_protocol::limits::{HEADER_SIZE, PAYLOAD_MAX, REQUEST_ID_MAX, line_bytes};

use crate::limits::{CONTROL_MAX, OUTSTANDING_MAX};
use crate::recorders::Order;
pub use scan::ObjectScan;

/// Bytes of a reply's text at most: a payload less the head that a binary reply has.
pub const REPLY_MAX: usize = PAYLOAD_MAX - 64;

/// Bytes of a reply to a submit at most: it holds an id and a few numbers.
const SMALL_REPLY_MAX: usize = 512;

/// Bytes of a reply of any length and of the replies that may wait.
const REPLIES_MAX: usize = PAYLOAD_MAX + HEADER_SIZE + OUTSTANDING_MAX * SMALL_REPLY_MAX;

/// Bytes of a connection's output: replies that its client has yet to read, and those.
const OUTPUT_SIZE: usize = REPLIES_MAX + 32 * 1024;

/// What a reply carries so that its request is known by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RequestId {
    /// Nothing.
    #[default]
    None,
    /// A number or a string, as JSON.
    Json(heapless::String<REQUEST_ID_MAX>),
    /// That of a request frame.
    Frame(u64),
}

/// A reply that has to wait.
#[derive(Clone, Debug)]
pub enum Waiting {
    /// Until the event has come as far as was asked.
    Submit {
        /// Of the request.
        id: RequestId,
        /// What is waited for.
        ack: Ack,
        /// The event.
        sequence: u64,
    },
    /// Until those before it have their answers: its event was not written.
    Lost {
        /// Of the request.
        id: RequestId,
    },
    /// Until a recorder has written.
    Dump {
        /// Of the request.
        id: RequestId,
        /// What it was told.
        order: Order,
        /// Whether it was told.
        is_ordered: bool,
    },
    /// Until the loop has done something.
    Command {
        /// Of the request.
        id: RequestId,
        /// What is to be done.
        action: kymo_protocol::Action,
    },
}

/// How a connection talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// It has not said a byte.
    Undecided,
    /// JSON objects.
    Json,
    /// Request frames.
    Frames,
}

/// One connection; see the module.
#[derive(Debug)]
pub struct Slot {
    /// Who it is.
    pub peer: Peer,
    /// When it last sent something, or came.
    pub active_ns: u64,
    /// How it talks.
    pub speech: Speech,
    /// Where the search for the end of its request stands.
    pub scan: ObjectScan,
    /// Bytes of its input in use.
    pub input_size: usize,
    /// Bytes of its input to be thrown away when they come.
    pub input_skip: usize,
    /// Whether its last bytes have come.
    pub input_ended: bool,
    /// Where its unsent output begins and ends.
    pub output_start: usize,
    /// See [`output_start`](Self::output_start).
    pub output_end: usize,
    /// Replies that have to wait, in order.
    pub waiting: heapless::Deque<Waiting, OUTSTANDING_MAX>,
    /// Whether it is to be closed when its output has gone.
    pub is_ending: bool,
    /// Whether it reads no more.
    pub is_deaf: bool,
    /// Whether it is to be let go.
    pub is_closed: bool,
    /// Whether its socket takes nothing now.
    pub is_blocked: bool,
    /// Whether it stands in line to be served.
    pub is_queued: bool,
    /// Whether it may have asked for more than one turn does.
    pub has_rest: bool,
    /// Whether the request in hand, which has to be looked at again, was counted before.
    pub is_counted: bool,
    /// When it has to be closed, unless its socket takes something before.
    pub cut_at_ns: u64,
}

/// The connections; see the module.
#[derive(Debug)]
pub struct Control {
    /// Never longer than its first capacity.
    slots: Vec<Option<Slot>>,
    inputs: Box<[u8]>,
    input_max: usize,
    outputs: Box<[u8]>,
}

impl Control {
    /// Places for connections whose events have at most `event_bytes`.
    pub fn new(event_bytes: u32) -> Self {
        let input_max = line_bytes(event_bytes) as usize;
        Self {
            slots: Vec::with_capacity(CONTROL_MAX),
            inputs: vec![0; CONTROL_MAX * input_max].into_boxed_slice(),
            input_max,
            outputs: vec![0; CONTROL_MAX * OUTPUT_SIZE].into_boxed_slice(),
        }
    }

    /// Bytes of a request at most.
    pub fn request_max(&self) -> usize {
        self.input_max
    }

    /// Takes a connection in; `None` when all places are taken.
    pub fn insert(&mut self, peer: Peer, now_ns: u64) -> Option<usize> {
        let place = match self.slots.iter().position(Option::is_none) {
            Some(place) => place,
            None if self.slots.len() < CONTROL_MAX => {
                self.slots.push(None);
                self.slots.len() - 1
            }
            None => return None,
        };
        self.slots[place] = Some(Slot {
            peer,
            active_ns: now_ns,
            speech: Speech::Undecided,
            scan: ObjectScan::default(),
            input_size: 0,
            input_skip: 0,
            input_ended: false,
            output_start: 0,
            output_end: 0,
            waiting: heapless::Deque::new(),
            is_ending: false,
            is_deaf: false,
            is_closed: false,
            is_blocked: false,
            is_queued: false,
            has_rest: false,
            is_counted: false,
            cut_at_ns: u64::MAX,
        });
        Some(place)
    }

    /// The connection at a place, if there is one.
    pub fn slot(&mut self, place: usize) -> Option<&mut Slot> {
        self.slots.get_mut(place)?.as_mut()
    }

    /// Whether there is a connection at a place.
    pub fn has(&self, place: usize) -> bool {
        self.slots.get(place).is_some_and(Option::is_some)
    }

    /// When all places are taken: the connection that has asked for nothing for the longest time,
    /// and waits for nothing, if that is so since before `idle_since_ns`.
    pub fn idle(&mut self, idle_since_ns: u64) -> Option<&mut Slot> {
        if self.len() < CONTROL_MAX {
            return None;
        }
        let slots = self.slots.iter_mut().flatten();
        let idle = slots.filter(|slot| {
            slot.active_ns < idle_since_ns
                && slot.waiting.is_empty()
                && slot.input_size == 0
                && slot.output_start == slot.output_end
        });
        idle.min_by_key(|slot| slot.active_ns)
    }

    /// Connections that stand in line to be served.
    pub fn queued(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.is_queued).count()
    }

    /// Whether a connection may have asked for more than one turn does.
    pub fn has_rest(&self) -> bool {
        self.slots.iter().flatten().any(|slot| slot.has_rest)
    }

    /// When the next connection has to be closed.
    pub fn cut_at_ns(&self) -> u64 {
        let open = self.slots.iter().flatten().filter(|slot| !slot.is_closed);
        open.map(|slot| slot.cut_at_ns).min().unwrap_or(u64::MAX)
    }

    /// Lets the connection at a place go.
    pub fn remove(&mut self, place: usize) {
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = None;
        }
    }

    /// The connections with their places.
    pub fn slots(&mut self) -> impl Iterator<Item = (usize, &mut Slot)> {
        self.slots.iter_mut().enumerate().filter_map(|(place, slot)| Some((place, slot.as_mut()?)))
    }

    /// Connections.
    pub fn len(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Where a connection's next bytes go; empty while it may not send.
    pub fn input_space(&mut self, place: usize) -> &mut [u8] {
        let input = &mut self.inputs[place * self.input_max..][..self.input_max];
        let used = match self.slots.get(place) {
            Some(Some(slot)) if !slot.is_ending && !slot.is_closed => slot.input_size,
            _ => self.input_max,
        };
        &mut input[used..]
    }

    /// What a connection has sent and was not consumed.
    pub fn input(&mut self, place: usize) -> Option<(&mut Slot, &[u8])> {
        let slot = self.slots.get_mut(place)?.as_mut()?;
        let input = &mut self.inputs[place * self.input_max..][..self.input_max];
        let skip = slot.input_skip.min(slot.input_size);
        if skip > 0 {
            input.copy_within(skip..slot.input_size, 0);
            slot.input_skip -= skip;
            slot.input_size -= skip;
        }
        let size = slot.input_size;
        Some((slot, &input[..size]))
    }

    /// What is to be sent to a connection.
    pub fn output(&self, place: usize) -> &[u8] {
        match self.slots.get(place) {
            Some(Some(slot)) => {
                &self.outputs[place * OUTPUT_SIZE..][slot.output_start..slot.output_end]
            }
            _ => &[],
        }
    }

    /// Whether one more reply of any length can be appended, beside those that wait.
    pub fn has_room(&mut self, place: usize) -> bool {
        self.slot(place)
            .is_some_and(|slot| OUTPUT_SIZE - (slot.output_end - slot.output_start) >= REPLIES_MAX)
    }

    /// Appends what `write` puts into the free part of a connection's output; whether it did.
    pub fn push<E>(
        &mut self,
        place: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> bool {
        let Some(Some(slot)) = self.slots.get_mut(place) else { return false };
        let output = &mut self.outputs[place * OUTPUT_SIZE..][..OUTPUT_SIZE];
        if slot.output_start > 0 {
            output.copy_within(slot.output_start..slot.output_end, 0);
            slot.output_end -= slot.output_start;
            slot.output_start = 0;
        }
        match write(&mut output[slot.output_end..]) {
            Ok(size) => slot.output_end += size,
            Err(_) => return false,
        }
        true
    }
}
