//! kymo as a library, or the bare loop, in a thread of its own, with subscribers in this one.
//!
//! kymo's machine is the fake one: nothing is read, so that what is measured is the loop.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kymo::{Config, Reactor};
use kymo_platform::Fake;
use nix::unistd::{Pid, gettid};

use crate::Outcome;
use crate::bare::Bare;
use crate::cost;
use crate::reader::Reader;

/// A turn that waits this long looks whether it is to end.
const TURN: Duration = Duration::from_millis(100);

/// A loop in a thread, and its subscribers. Dropping it ends the thread.
#[derive(Debug)]
pub struct Server {
    /// The subscribers.
    pub readers: Vec<Reader>,
    thread: Pid,
    ending: Arc<AtomicBool>,
    handle: Option<JoinHandle<Outcome<()>>>,
}

impl Server {
    /// kymo with `subscribers` at `rate_hz`, all of them granted.
    ///
    /// # Errors
    ///
    /// When it does not start, or refuses.
    pub fn kymo(rate_hz: u32, subscribers: usize) -> Outcome<Self> {
        let mut config = Config::default();
        // A quarter of the places may be taken by those that have yet to be heard.
        let opening = u32::try_from(subscribers)?.saturating_mul(4);
        config.limits.clients = config.limits.clients.max(opening);
        let mut reactor = Reactor::new(&config, Box::new(Fake::new()))?;
        let streams: Vec<_> =
            (0..subscribers).map(|_| reactor.connect()).collect::<io::Result<_>>()?;
        let mut server = Self::start(move || reactor.turn(Some(TURN)).map_err(Into::into))?;
        for stream in streams {
            server.readers.push(Reader::ask(stream, rate_hz)?);
        }
        for reader in &mut server.readers {
            reader.await_granted()?;
        }
        Ok(server)
    }

    /// The floor with the same.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn bare(rate_hz: u32, subscribers: usize) -> Outcome<Self> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..subscribers {
            let (one, other) = UnixStream::pair()?;
            ours.push(one);
            theirs.push(Reader::bare(other)?);
        }
        let mut bare = Bare::new(rate_hz, ours, None, None)?;
        let mut server = Self::start(move || bare.tick())?;
        server.readers = theirs;
        Ok(server)
    }

    fn start(mut turn: impl FnMut() -> Outcome<()> + Send + 'static) -> Outcome<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        let is_ending = Arc::clone(&ending);
        let (told, thread): (_, Receiver<Pid>) = channel();
        let handle = thread::Builder::new().name("loop".into()).spawn(move || {
            told.send(gettid())?;
            while !is_ending.load(Ordering::Relaxed) {
                turn()?;
            }
            Ok(())
        })?;
        let thread = thread.recv()?;
        Ok(Self { readers: Vec::new(), thread, ending, handle: Some(handle) })
    }

    /// CPU time of the loop so far.
    ///
    /// # Errors
    ///
    /// When the loop has failed.
    pub fn cpu_ns(&self) -> Outcome<u64> {
        cost::thread_ns(self.thread)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(Ok(Err(error))) = self.handle.take().map(JoinHandle::join) {
            eprintln!("the loop failed: {error}");
        }
    }
}
