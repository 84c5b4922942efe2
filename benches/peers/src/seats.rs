//! All subscribers of a served system: how they come, and what they get when they don't keep up.

use std::mem;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use kymo_benches::Outcome;
use kymo_benches::reader::Subscriber;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::seat::{Kymo, Redis, Seat};
use crate::served::{Load, Served};
use crate::system::System;

/// Sockets that take longer to close never do.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came to one subscriber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    first: Option<u64>,
    last: u64,
    /// Messages.
    pub frames: u64,
    /// Its connection was closed, or it heard nothing for long.
    pub is_cut: bool,
}

impl Tally {
    /// Takes a message with this number into account.
    pub fn note(&mut self, sequence: u64) {
        self.first.get_or_insert(sequence);
        self.last = sequence;
        self.frames += 1;
    }

    /// Messages between the first and the last that did not come.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.first.map_or(0, |first| (self.last + 1 - first).saturating_sub(self.frames))
    }
}

/// A served system and its subscribers.
#[allow(missing_debug_implementations)] // the libraries' sockets have none
pub struct Session {
    /// The system.
    pub served: Served,
    /// Those that read.
    pub seats: Vec<Seat>,
    /// Those that have stopped.
    pub stalled: Vec<Seat>,
}

impl Session {
    /// Starts a system, `reading` subscribers and `stalled` ones, and then the publisher.
    ///
    /// # Errors
    ///
    /// When it does not start, or refuses.
    pub fn start(system: System, load: Load, reading: usize, stalled: usize) -> Outcome<Self> {
        let served = Served::start(system, load)?;
        let mut seats = subscribe(&served, reading + stalled)?;
        let stalled = seats.split_off(reading);
        let mut session = Self { served, seats, stalled };
        session.served.go()?;
        Ok(session)
    }
}

impl Drop for Session {
    /// The server first, and then nobody waits for long: libnng 1.5.2 sometimes never returns from
    /// closing a socket that something is coming to.
    fn drop(&mut self) {
        self.served.end();
        if self.served.system == System::Nng {
            thread::sleep(Duration::from_millis(50));
        }
        let seats = (mem::take(&mut self.seats), mem::take(&mut self.stalled));
        let (tell, told) = channel();
        thread::spawn(move || {
            drop(seats);
            let _ = tell.send(());
        });
        if told.recv_timeout(PATIENCE).is_err() {
            eprintln!("{} does not close its sockets; they are left", self.served.system.name());
        }
    }
}

/// Subscribers of `served`, all of them known to it when this returns.
///
/// # Errors
///
/// When it refuses.
fn subscribe(served: &Served, count: usize) -> Outcome<Vec<Seat>> {
    let socket = served.socket();
    let connect = || UnixStream::connect(&socket);
    match served.system {
        System::Kymo => {
            let seat = || Kymo::subscribe(connect()?, served.load).map(Box::new);
            (0..count).map(|_| Ok(Seat::Kymo(seat()?))).collect()
        }
        System::Redis => {
            let seat = || Redis::subscribe(connect()?, served.load.size());
            (0..count).map(|_| Ok(Seat::Redis(seat()?))).collect()
        }
        _ => {
            let url = format!("ipc://{}", socket.display());
            let seats = polled(served.system, served.load, &url, count)?;
            // These two connect and tell of their subscriptions in threads of their own.
            thread::sleep(Duration::from_millis(200 + 3 * count as u64));
            Ok(seats)
        }
    }
}

#[allow(unused_variables)] // without either library
fn polled(system: System, load: Load, url: &str, count: usize) -> Outcome<Vec<Seat>> {
    match system {
        #[cfg(feature = "zeromq")]
        System::Zeromq => {
            let context = ::zmq::Context::new();
            let seat = |_| {
                let socket = context.socket(::zmq::SUB)?;
                socket.set_subscribe(b"")?;
                socket.connect(url)?;
                let ready = crate::raw::duplicate(socket.get_fd()?)?;
                Ok(Seat::Zeromq(crate::seat::Polled { socket, ready, is_pending: true }))
            };
            (0..count).map(seat).collect()
        }
        #[cfg(feature = "nng")]
        System::Nng => {
            use ::nng::options::protocol::pubsub::Subscribe;
            use ::nng::options::{Options, RecvBufferSize, RecvFd};
            let seat = |_| {
                let socket = ::nng::Socket::new(::nng::Protocol::Sub0)?;
                socket.set_opt::<Subscribe>(Vec::new())?;
                if load.is_much() {
                    socket.set_opt::<RecvBufferSize>(crate::publish::NNG_BUFFER)?;
                }
                socket.dial(url)?;
                let ready = crate::raw::duplicate(socket.get_opt::<RecvFd>()?)?;
                Ok(Seat::Nng(crate::seat::Polled { socket, ready, is_pending: true }))
            };
            (0..count).map(seat).collect()
        }
        _ => Err(format!("{} is not built in", system.name()).into()),
    }
}

/// Reads all of them for a while, each in its turn when they have more than can be taken.
///
/// # Errors
///
/// When the system has no epoll.
pub fn count(seats: &mut [Seat], span: Duration) -> Outcome<Vec<Tally>> {
    let mut tallies = vec![Tally::default(); seats.len()];
    count_on(seats, &mut tallies, span)?;
    Ok(tallies)
}

/// The same, for tallies that have begun.
///
/// # Errors
///
/// When the system has no epoll.
pub fn count_on(seats: &mut [Seat], tallies: &mut [Tally], span: Duration) -> Outcome<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    for (seat, index) in seats.iter().zip(0..) {
        epoll.add(seat, EpollEvent::new(EpollFlags::EPOLLIN, index))?;
    }
    let mut events = vec![EpollEvent::empty(); 256];
    let until = Instant::now() + span;
    while Instant::now() < until {
        let is_pending = seats.iter().any(Seat::is_pending);
        let wait = if is_pending { EpollTimeout::ZERO } else { EpollTimeout::from(20_u8) };
        let ready = epoll.wait(&mut events, wait)?;
        let mut to_read: Vec<usize> = Vec::with_capacity(seats.len());
        for event in events.iter().take(ready) {
            to_read.push(usize::try_from(event.data())?);
        }
        let pending = (0..seats.len()).filter(|index| seats[*index].is_pending());
        to_read.extend(pending.filter(|index| !to_read.contains(index)).collect::<Vec<_>>());
        for index in to_read {
            let (seat, tally) = (&mut seats[index], &mut tallies[index]);
            if !tally.is_cut && seat.read_each(&mut |seen| tally.note(seen.sequence)).is_err() {
                tally.is_cut = true;
                epoll.delete(&*seat)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_between_two_is_lost() {
        let mut tally = Tally::default();
        assert_eq!(tally.lost(), 0);
        for sequence in [5, 6, 10] {
            tally.note(sequence);
        }
        assert_eq!((tally.frames, tally.lost()), (3, 3));
    }
}
