//! The connections of one life of the daemon, by session, and what sockets do to the bytes on them.

use kymo::{Hub, SessionId};
use kymo_platform::clock::Now;
use kymo_platform::peer::Peer;

use crate::faults::{Fault, Faults};
use crate::options::Harm;
use crate::socket::Socket;

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Witness(usize),
    Client(usize),
    /// Whoever it was has gone.
    Nobody,
}

/// One connection.
#[derive(Debug)]
pub struct End {
    pub id: SessionId,
    pub owner: Owner,
    pub socket: Socket,
    /// Requests in what it says.
    pub requests: u32,
    /// Whether each thing it is sent can be told from what it should be sent.
    pub is_exact: bool,
    sends: u64,
    was_told_end: bool,
}

/// How often each thing was done that is to be done in every way.
#[derive(Clone, Debug, Default)]
pub struct Wheels {
    pub short_write: usize,
    pub short_read: usize,
    /// Offsets in frames or lines at which a write ended.
    pub offsets: u64,
    harm: u64,
}

#[derive(Debug, Default)]
pub struct Net {
    ends: Vec<Option<End>>,
    /// Those that the daemon has let go, with what they still have to read.
    pub closed: Vec<(Owner, Socket)>,
    pub wheels: Wheels,
    pub harm: Option<Harm>,
    /// Bytes that were delivered, the most in one send, and sends.
    pub bytes: u64,
    pub largest: usize,
    pub sends: u64,
}

impl Net {
    pub fn new(harm: Option<Harm>) -> Self {
        Self { harm, ..Self::default() }
    }

    /// Connects; `None` when there is no place.
    pub fn connect(
        &mut self,
        hub: &mut Hub,
        listener: usize,
        owner: Owner,
        socket: Socket,
        now: Now,
    ) -> Option<SessionId> {
        let peer = Peer { uid: 0, gid: 0, pid: None };
        let id = hub.accept(Some(listener), peer, now).ok()?;
        if self.ends.len() <= id.index() {
            self.ends.resize_with(id.index() + 1, || None);
        }
        let place = &mut self.ends[id.index()];
        assert!(place.is_none(), "two connections have one place");
        let (requests, is_exact) = (0, matches!(owner, Owner::Witness(_)));
        let (sends, was_told_end) = (0, false);
        *place = Some(End { id, owner, socket, requests, is_exact, sends, was_told_end });
        Some(id)
    }

    pub fn end(&mut self, id: SessionId) -> &mut End {
        self.ends[id.index()].as_mut().expect("a connection")
    }

    pub fn socket(&mut self, id: SessionId) -> &mut Socket {
        &mut self.end(id).socket
    }

    /// That of a witness, until the daemon lets it go.
    pub fn witness(&mut self, id: SessionId) -> Option<&mut Socket> {
        let end = self.ends.get_mut(id.index())?.as_mut()?;
        matches!(end.owner, Owner::Witness(_)).then_some(&mut end.socket)
    }

    pub fn len(&self) -> usize {
        self.ends.iter().flatten().count()
    }

    /// What clients have said comes to the daemon, in pieces or at once; sockets that have room
    /// again say so.
    pub fn receive(&mut self, hub: &mut Hub, faults: &mut Faults, now: Now) {
        for end in self.ends.iter_mut().flatten() {
            if end.socket.again > 0 {
                end.socket.again -= 1;
            } else if end.socket.is_blocked && end.socket.room() > 0 && end.owner != Owner::Nobody {
                end.socket.is_blocked = false;
                hub.handle_writable(end.id);
            }
            if end.socket.said.is_empty() && (!end.socket.has_ended || end.was_told_end) {
                continue;
            }
            let space = hub.input_space(end.id);
            let whole = space.len().min(end.socket.said.len());
            let mut size = whole;
            if whole > 0 && faults.strikes(Fault::ShortRead) {
                self.wheels.short_read += 1;
                size = 1 + self.wheels.short_read % whole;
                faults.count(Fault::ShortRead, u64::from(size < whole));
            }
            if size > 0 {
                space[..size].copy_from_slice(&end.socket.said[..size]);
                end.socket.said.drain(..size);
                hub.handle_received(end.id, size, now);
                let is_merged = end.requests > 1 && end.socket.said.is_empty();
                faults.count(Fault::MergedRead, u64::from(is_merged));
                end.requests = if end.socket.said.is_empty() { 0 } else { end.requests };
            } else if end.socket.has_ended && !end.was_told_end && !space.is_empty() {
                end.was_told_end = true;
                hub.handle_input_end(end.id, now);
            }
        }
    }

    /// Whether somebody has said what the daemon would take.
    pub fn has_unread(&self, hub: &mut Hub) -> bool {
        let mut ends = self.ends.iter().flatten();
        ends.any(|end| !end.socket.said.is_empty() && !hub.input_space(end.id).is_empty())
    }

    /// Sends to a session what there is for it; `is_alive` says whether the daemon still is when it
    /// has made that up.
    pub fn send(
        &mut self,
        id: SessionId,
        hub: &mut Hub,
        faults: &mut Faults,
        is_alive: impl Fn() -> bool,
        now: Now,
    ) -> bool {
        let parts = hub.transmit(id, now);
        if !is_alive() {
            return false;
        }
        let size: usize = parts.iter().map(|part| part.len()).sum();
        if size == 0 {
            return true;
        }
        let end = self.ends[id.index()].as_mut().expect("a connection for each session");
        let socket = &mut end.socket;
        assert!(!socket.is_blocked, "bytes for a socket that takes none");
        let mut taken = if socket.again > 0 { 0 } else { size.min(socket.room()) };
        let is_witness = matches!(end.owner, Owner::Witness(_));
        if !is_witness && taken == size && faults.strikes(Fault::ShortWrite) {
            self.wheels.short_write += 1;
            taken = self.wheels.short_write % size;
            faults.count(Fault::ShortWrite, 1);
            self.wheels.offsets = self.wheels.offsets.max(taken as u64);
        }
        socket.is_blocked = taken < size;
        end.sends += 1;
        (self.bytes, self.sends) = (self.bytes + taken as u64, self.sends + 1);
        self.largest = self.largest.max(size);
        let is_harmed =
            end.is_exact && !is_witness && taken == size && end.sends > 8 && self.harm.is_some();
        if is_harmed {
            self.wheels.harm += 1;
        }
        match self.harm {
            Some(Harm::Lose) if is_harmed && self.wheels.harm.is_multiple_of(50) => {}
            Some(Harm::Repeat) if is_harmed && self.wheels.harm.is_multiple_of(50) => {
                socket.take(&parts, taken);
                socket.take(&parts, taken);
            }
            _ if end.owner == Owner::Nobody => {}
            _ => socket.take(&parts, taken),
        }
        drop(parts);
        hub.handle_sent(id, taken, now);
        true
    }

    /// The daemon has let it go.
    pub fn close(&mut self, id: SessionId) {
        let end = self.ends[id.index()].take().expect("a connection for each session");
        self.closed.push((end.owner, end.socket));
    }

    /// The client goes, with all it has not read.
    pub fn hang_up(&mut self, id: SessionId, hub: &mut Hub, now: Now) {
        let end = self.end(id);
        (end.owner, end.socket.has_ended, end.was_told_end) = (Owner::Nobody, true, true);
        end.socket.said.clear();
        hub.handle_hangup(id, now);
        if !hub.input_space(id).is_empty() {
            hub.handle_input_end(id, now);
        }
    }

    /// The daemon is dead: everybody is let go.
    pub fn cut(&mut self) {
        let ends = self.ends.drain(..).flatten();
        self.closed.extend(ends.map(|end| (end.owner, end.socket)));
    }
}
