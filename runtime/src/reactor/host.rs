//! What a host has of the loop beside turning it: signals, reports, commands, settings, and a way
//! in for its own threads.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;

use kymo_platform::socket::quieten;
use kymo_platform::{Sandbox, Signals, clock, peer};
use kymo_protocol::Action;
use mio::net::UnixStream;
use mio::unix::SourceFd;
use mio::{Interest, Waker};

use super::{Reactor, SIGNALS};
use crate::config::Config;
use crate::hub::Handled;
use crate::inbox::{Inbox, Publisher};
use crate::message::Message;
use crate::reactor::commander::Commander;
use crate::reactor::peers::Peers;
use crate::report::{Report, Reporter};
use crate::stopper::Stopper;

impl Reactor {
    /// Takes signals: SIGTERM and SIGINT stop the loop, a second one at once; SIGHUP reloads the
    /// settings; SIGUSR1 reports the counters.
    ///
    /// # Errors
    ///
    /// When the operating system can't watch them.
    pub fn watch_signals(&mut self, signals: Signals) -> io::Result<()> {
        let fd = signals.fd().as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&fd), SIGNALS, Interest::READABLE)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Calls `report` with what a host may want to log.
    pub fn on_report(&mut self, report: impl FnMut(Report<'_>) + Send + 'static) {
        self.reporter = Reporter::new(report);
    }

    /// A subscriber in this process: the other end of a connection that speaks as on a binary
    /// listener. It blocks, and belongs into another thread than the loop.
    ///
    /// # Errors
    ///
    /// When there is no place or no descriptor.
    pub fn connect(&mut self) -> io::Result<StdUnixStream> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        quieten(ours.as_fd())?;
        quieten(theirs.as_fd())?;
        let peer = peer::credentials(ours.as_fd())?;
        let now = clock::now();
        let id = self.hub.accept(None, peer, now).map_err(|refusal| {
            io::Error::new(ErrorKind::QuotaExceeded, format!("not taken in: {refusal:?}"))
        })?;
        let mut ours = UnixStream::from_std(ours);
        if let Err(error) = Peers::watch(id, &mut ours, self.poll.registry()) {
            self.hub.handle_hangup(id, now);
            self.hub.handle_input_end(id, now);
            return Err(error);
        }
        self.peers.insert(id, ours);
        Ok(theirs)
    }

    /// What makes other threads able to stop the loop.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper::new(&self.stop_asked, Arc::downgrade(&self.waker))
    }

    /// Hands over events from other threads of this process. `None` when the settings have no
    /// inbox.
    #[must_use]
    pub fn publisher(&self) -> Option<Publisher> {
        self.inbox.as_ref().map(Inbox::publisher)
    }

    /// Asks `handle` before kymo does what its owner asks for: toggle, reload or quit. What it
    /// answers with [`Handled::No`] is done as without it. One that panics has refused, unless the
    /// program aborts when it panics.
    pub fn on_command(&mut self, handle: impl FnMut(Action) -> Handled + Send + 'static) {
        self.commander = Commander::new(handle);
    }

    /// Tells the status what `count` says: heap allocations since the start was done.
    pub fn count_allocations(&mut self, count: fn() -> u64) {
        self.allocations = Some(count);
    }

    /// Tells the status how far the program is confined.
    pub fn tell_sandbox(&mut self, sandbox: Sandbox) {
        self.sandbox = Some(sandbox);
    }

    /// Asks `read` for the settings anew when somebody wants them reloaded. It is handed a config
    /// to change, and may not allocate. Settings that can't be changed while the loop runs, or that
    /// can't be used, are refused whole, and the old ones stay.
    pub fn on_reload(
        &mut self,
        read: impl FnMut(&mut Config) -> Result<(), Message> + Send + 'static,
    ) {
        self.settings.read_by(read);
    }
}

/// Wakes the loop while there is one: whoever outlives it keeps no descriptor of it.
pub(super) fn wake_of(waker: &Arc<Waker>) -> impl Fn() + Send + Sync + use<> {
    let waker = Arc::downgrade(waker);
    // A loop that can't be woken is one that has ended.
    move || drop(waker.upgrade().map(|waker| waker.wake()))
}
