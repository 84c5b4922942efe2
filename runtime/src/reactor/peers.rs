//! The clients' sockets: bytes in, bytes out, never waiting for anyone.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;

use kymo_platform::clock::Now;
use kymo_platform::socket::send;
use mio::event::Event;
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};

use crate::hub::Hub;
use crate::limits::{CONTROL_MAX, READ_PER_TURN, SEND_REST_NS};
use crate::table::SessionId;

/// The clients' sockets, by session index.
#[derive(Debug)]
pub struct Peers {
    peers: Vec<Option<Peer>>,
    /// Clients that sent more than one turn takes.
    rest: VecDeque<SessionId>,
    /// When those who were sent nothing for want of memory are tried again.
    retry_ns: Option<u64>,
}

#[derive(Debug)]
struct Peer {
    stream: UnixStream,
    /// Whether the operating system is to tell when it takes bytes again.
    watches_writable: bool,
    /// Whether it may have sent more than there was room for: nothing tells us again.
    has_unread: bool,
    /// Whether the kernel had no memory for what it was to be sent.
    is_starved: bool,
}

impl Peers {
    /// Room for `count` sockets.
    pub fn new(count: usize) -> Self {
        let rest = VecDeque::with_capacity(count);
        Self { peers: (0..count).map(|_| None).collect(), rest, retry_ns: None }
    }

    /// Has the operating system tell what becomes of a session's socket.
    pub fn watch(id: SessionId, stream: &mut UnixStream, registry: &Registry) -> io::Result<()> {
        registry.register(stream, Token(id.index()), Interest::READABLE)
    }

    /// Takes in a session's socket, which is watched.
    pub fn insert(&mut self, id: SessionId, stream: UnixStream) {
        let peer = Peer { stream, watches_writable: false, has_unread: false, is_starved: false };
        self.peers[id.index()] = Some(peer);
    }

    /// Handles what the operating system says of a socket.
    pub fn handle_event(&mut self, index: usize, event: &Event, hub: &mut Hub, now: Now) {
        let Some(id) = hub.session_at(index) else { return };
        if event.is_readable() || event.is_read_closed() {
            self.receive(id, hub, now);
        }
        if event.is_write_closed() || event.is_error() {
            hub.handle_hangup(id, now);
        } else if event.is_writable() {
            hub.handle_writable(id);
        }
    }

    /// Whether clients have sent more than the last turn took.
    pub fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Goes on with those who have.
    pub fn receive_rest(&mut self, hub: &mut Hub, now: Now) {
        for _ in 0..self.rest.len() {
            let Some(id) = self.rest.pop_front() else { break };
            if hub.session_at(id.index()).is_some() {
                self.receive(id, hub, now);
            }
        }
    }

    /// Takes in what a client has sent, up to a number of bytes per turn.
    pub fn receive(&mut self, id: SessionId, hub: &mut Hub, now: Now) {
        let Some(Some(peer)) = self.peers.get_mut(id.index()) else { return };
        let mut taken = 0;
        while taken < READ_PER_TURN {
            let space = hub.input_space(id);
            // Being closed, and what it still says is of no interest; or what it has said has to be
            // answered first.
            peer.has_unread = space.is_empty();
            if peer.has_unread {
                return;
            }
            match peer.stream.read(space) {
                Ok(0) => return hub.handle_input_end(id, now),
                Ok(size) => {
                    taken += size;
                    hub.handle_received(id, size, now);
                    if let Some(size) = hub.poll_send_buffer(id) {
                        set_send_buffer(&peer.stream, size);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // Everything it had sent was read before that.
                    hub.handle_hangup(id, now);
                    return hub.handle_input_end(id, now);
                }
            }
        }
        if !self.rest.contains(&id) {
            self.rest.push_back(id);
        }
    }

    /// Goes on with control connections that there was no room for, where there is now.
    pub fn receive_unread(&mut self, hub: &mut Hub, now: Now) {
        for index in self.peers.len() - CONTROL_MAX..self.peers.len() {
            let has_unread = self.peers[index].as_ref().is_some_and(|peer| peer.has_unread);
            if let Some(id) = hub.session_at(index).filter(|_| has_unread) {
                self.receive(id, hub, now);
            }
        }
    }

    /// Sends what a session has to send, in one call.
    pub fn send(&mut self, id: SessionId, hub: &mut Hub, registry: &Registry, now: Now) {
        let Some(Some(peer)) = self.peers.get_mut(id.index()) else { return };
        if let Some(size) = hub.poll_send_buffer(id) {
            set_send_buffer(&peer.stream, size);
        }
        let parts = hub.transmit(id, now);
        let size: usize = parts.iter().map(|part| part.len()).sum();
        if size == 0 {
            return;
        }
        let outcome = send(peer.stream.as_fd(), &parts);
        drop(parts);
        let sent = match outcome {
            Ok(sent) => sent,
            Err(Errno::EAGAIN) => 0,
            // The kernel is short of memory, and nothing tells when it no longer is.
            Err(Errno::ENOBUFS | Errno::ENOMEM) => {
                peer.is_starved = true;
                self.retry_ns = self.retry_ns.or(Some(now.mono_ns + SEND_REST_NS));
                return hub.handle_sent(id, 0, now);
            }
            Err(_) => return hub.handle_hangup(id, now),
        };
        hub.handle_sent(id, sent, now);
        // Watched only while bytes are pending: otherwise each read of each client would wake us.
        let pending = sent < size;
        if pending != peer.watches_writable {
            let both = Interest::READABLE | Interest::WRITABLE;
            let interest = if pending { both } else { Interest::READABLE };
            match registry.reregister(&mut peer.stream, Token(id.index()), interest) {
                Ok(()) => peer.watches_writable = pending,
                Err(_) => hub.handle_hangup(id, now),
            }
        }
    }

    /// When [`feed`](Self::feed) has something to do.
    pub fn retry_ns(&self) -> Option<u64> {
        self.retry_ns
    }

    /// Tries those again for whom the kernel had no memory.
    pub fn feed(&mut self, hub: &mut Hub, now: Now) {
        if self.retry_ns.is_none_or(|retry_ns| now.mono_ns < retry_ns) {
            return;
        }
        self.retry_ns = None;
        for (index, peer) in self.peers.iter_mut().enumerate() {
            let is_starved = peer.as_mut().is_some_and(|peer| std::mem::take(&mut peer.is_starved));
            if let Some(id) = hub.session_at(index).filter(|_| is_starved) {
                hub.handle_writable(id);
            }
        }
    }

    /// Closes the socket of a session that is to go.
    pub fn close(&mut self, id: SessionId) {
        if let Some(mut peer) = self.peers.get_mut(id.index()).and_then(Option::take) {
            // Input left unread would turn our last words into a reset.
            let mut left = [0; 4096];
            for _ in 0..16 {
                if !peer.stream.read(&mut left).is_ok_and(|size| size > 0) {
                    break;
                }
            }
        }
        self.rest.retain(|rest| *rest != id);
    }
}

/// A hint: with the default buffer a slow reader would see frames that are many seconds old.
fn set_send_buffer(stream: &UnixStream, size: usize) {
    let _ = setsockopt(stream, sockopt::SndBuf, &size);
}
