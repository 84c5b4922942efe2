//! Accepting: bounded per turn, and at rest while descriptors are used up.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use kymo_platform::clock::Now;
use kymo_platform::peer;
use kymo_platform::socket::{quieten, send};
use kymo_protocol::limits::NOTICE_LINE_MAX;
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Token};
use nix::unistd::{Gid, geteuid};

use super::{LISTENER_FIRST, Reactor};
use crate::config::{Config, Listener};
use crate::directory;
use crate::hub::Refusal;
use crate::limits::{ACCEPT_REST_NS, ACCEPTS_PER_TURN, OPENING_GRACE_NS};
use crate::listener::Socket;
use crate::notice::write_notice;
use crate::reactor::peers::Peers;
use crate::report::Report;
use crate::start_error::StartError;

/// A place to connect to.
#[derive(Debug)]
pub struct Door {
    listener: UnixListener,
    /// Whether connections may be waiting: the operating system tells it once.
    waiting: bool,
    /// After a failure: when to try again. 0: at once.
    rest_until_ns: u64,
    /// Whether the last accept failed, so that a failure is reported once.
    failing: bool,
    /// Whether the file's mode lets other users in.
    shared: bool,
    /// Removes the file when dropped.
    socket: Socket,
}

impl Door {
    /// Says that connections are waiting.
    pub fn knock(&mut self) {
        self.waiting = true;
    }

    /// Whether an accept should be tried at once.
    pub fn has_waiting(&self) -> bool {
        self.waiting && self.rest_until_ns == 0
    }

    /// When the next accept should be tried after a failure.
    pub fn rest_until_ns(&self) -> Option<u64> {
        self.waiting.then_some(self.rest_until_ns)
    }
}

/// A descriptor to give up for a moment when there is no other.
pub fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

impl Reactor {
    /// Listens everywhere, with the sockets that were handed over where there are some.
    pub(super) fn open_doors(
        &mut self,
        config: &Config,
        readers: Option<Gid>,
        mut sockets: Vec<(&str, OwnedFd)>,
    ) -> Result<(), StartError> {
        for listener in &config.listeners {
            let of_listener = |given: &mut (&str, OwnedFd)| {
                listener.path.strip_suffix(".sock").is_some_and(|name| name == given.0)
            };
            let given = sockets.extract_if(.., of_listener).next().map(|(_, socket)| socket);
            self.open_door(listener, config.mode_of(listener), readers, given)?;
        }
        let Some((name, _)) = sockets.first() else { return Ok(()) };
        let reason = "a socket was handed over for it, and there is no such listener".into();
        Err(StartError::Listener { path: format!("{name}.sock").into(), reason })
    }

    /// Listens at a listener's path, or with the socket that was `given` for it. `readers` is the
    /// group that the file is given to, if its mode lets a group in.
    fn open_door(
        &mut self,
        listener: &Listener,
        mode: u32,
        readers: Option<Gid>,
        given: Option<OwnedFd>,
    ) -> Result<(), StartError> {
        let path = Path::new(listener.path.as_str());
        let group = readers.filter(|_| mode & 0o070 != 0);
        let inside = self.directory.as_ref().filter(|_| path.is_relative());
        let socket = match (given, inside) {
            (Some(given), _) => Socket::adopt(given, path),
            (None, Some(directory)) => {
                Socket::bind(&directory.path().join(path), mode, true, group)?
            }
            (None, None) => {
                directory::check(path.parent().unwrap_or(Path::new("/")), true)?;
                Socket::bind(path, mode, false, group)?
            }
        };
        let failed = |error| StartError::system(format!("watch {}", path.display()), error);
        let mut listener = UnixListener::from_std(socket.listener.try_clone().map_err(failed)?);
        let token = Token(LISTENER_FIRST + self.doors.len());
        self.poll.registry().register(&mut listener, token, Interest::READABLE).map_err(failed)?;
        self.doors.push(Door {
            listener,
            waiting: false,
            rest_until_ns: 0,
            failing: false,
            shared: mode & 0o077 != 0,
            socket,
        });
        Ok(())
    }

    /// Takes in who waits at a door, up to a number per turn.
    pub(super) fn accept(&mut self, index: usize, now: Now) {
        if !self.doors[index].waiting || now.mono_ns < self.doors[index].rest_until_ns {
            return;
        }
        self.doors[index].rest_until_ns = 0;
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.make_room(index, now) {
                return;
            }
            match self.doors[index].listener.accept() {
                Ok((stream, _)) => {
                    if let Err(error) = self.take_in(index, stream, now) {
                        return self.rest(index, &error, now);
                    }
                    if std::mem::take(&mut self.doors[index].failing) {
                        self.reporter.report(Report::Accepting(self.doors[index].socket.path()));
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => {
                        self.doors[index].waiting = false;
                        return;
                    }
                    // The client went before we came.
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    _ => {
                        self.rest(index, &error, now);
                        return self.spend_spare(index, now);
                    }
                },
            }
        }
    }

    /// Sees to it that connections which say nothing keep nobody out: the oldest has to go, unless
    /// it came only just now; then the newcomers wait a moment where they are. Whether there is
    /// room.
    fn make_room(&mut self, index: usize, now: Now) -> bool {
        let Some((id, began_ns)) = self.hub.opening_in_the_way(index) else { return true };
        // What it wants may be here already.
        self.peers.receive(id, &mut self.hub, now);
        if self.hub.is_opening(id) {
            let patience_ns = began_ns + OPENING_GRACE_NS;
            if now.mono_ns < patience_ns {
                self.doors[index].rest_until_ns = patience_ns;
                return false;
            }
            self.hub.cut(id, now);
            self.peers.send(id, &mut self.hub, self.poll.registry(), now);
            self.hub.handle_hangup(id, now);
        }
        // Who was cut must not hold a place against the newcomer.
        self.let_go();
        true
    }

    /// Descriptors or memory are used up: who comes waits in the queue of the operating system
    /// until there is room.
    fn rest(&mut self, index: usize, error: &io::Error, now: Now) {
        let door = &mut self.doors[index];
        door.rest_until_ns = now.mono_ns + ACCEPT_REST_NS;
        if !std::mem::replace(&mut door.failing, true) {
            self.reporter.report(Report::NotAccepting(door.socket.path(), error));
        }
    }

    /// Tells one client with the descriptor kept for that.
    fn spend_spare(&mut self, index: usize, now: Now) {
        if self.spare.take().is_some() {
            if let Ok((stream, _)) = self.doors[index].listener.accept() {
                self.turn_away(index, &stream, Refusal::Full, now);
            }
            self.spare = spare();
        }
    }

    /// An error is one of the system's, and the client was told.
    fn take_in(&mut self, index: usize, mut stream: UnixStream, now: Now) -> io::Result<()> {
        // It is quiet as its listener is, but that of a service manager's on some system.
        let _ = quieten(stream.as_fd());
        // Who can't be identified gets nothing.
        let peer = peer::credentials(stream.as_fd());
        let own = |uid: u32| uid == 0 || uid == geteuid().as_raw();
        let taken = match peer {
            Ok(peer) if self.doors[index].shared || own(peer.uid) => {
                self.hub.accept(Some(index), peer, now)
            }
            _ => {
                self.hub.handle_denied();
                Err(Refusal::Denied)
            }
        };
        let id = match taken {
            Ok(id) => id,
            Err(refusal) => {
                self.turn_away(index, &stream, refusal, now);
                return Ok(());
            }
        };
        let outcome = Peers::watch(id, &mut stream, self.poll.registry());
        if outcome.is_ok() {
            self.peers.insert(id, stream);
        } else {
            self.hub.handle_hangup(id, now);
            self.hub.handle_input_end(id, now);
            self.turn_away(index, &stream, Refusal::Full, now);
        }
        outcome
    }

    /// One send, and the connection is gone: a client that does not read costs nothing.
    fn turn_away(&self, index: usize, stream: &UnixStream, refusal: Refusal, now: Now) {
        let mut buffer = [0; NOTICE_LINE_MAX];
        let (format, notice) = self.hub.refusal_notice(index, refusal);
        if let Ok(size) = write_notice(&mut buffer, notice, format, now) {
            let _ = send(stream.as_fd(), &[&buffer[..size]]);
        }
    }
}
