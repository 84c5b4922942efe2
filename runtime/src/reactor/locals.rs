//! Subscribers of this process without a socket.

use kymo_platform::clock::{self, Now};
use kymo_platform::peer::Peer;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Hello, Position, Stamp, StreamId, Streams, Subscribe, SubscribeOptions, emit};
use nix::unistd::{getegid, geteuid};

use super::Reactor;
use super::host::wake_of;
use crate::attach_error::AttachError;
use crate::hub::Hub;
use crate::lane::Wake;
use crate::limits::{INPUT_SIZE, LOCAL_BUFFERS};
use crate::local::{LocalPeer, LocalSubscriber, pair};
use crate::table::SessionId;

/// What a subscriber in this process wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish<'a> {
    /// Which streams; vitals by default.
    pub streams: Streams,
    /// How often, in thousandths of a hertz; 0 for the hub's own rate.
    pub rate_mhz: u32,
    /// Whether every frame of telemetry is wanted in order, and not the newest.
    pub is_every: bool,
    /// Patterns of topics of events; none stands for all.
    pub topics: &'a [&'a str],
    /// Groups of sensors; none stands for all.
    pub groups: &'a [&'a str],
}

impl Default for Wish<'_> {
    fn default() -> Self {
        let streams = Streams::default().with(StreamId::VITALS);
        Self { streams, rate_mhz: 0, is_every: false, topics: &[], groups: &[] }
    }
}

/// Their sides of the loop.
#[derive(Debug, Default)]
pub struct Locals(Vec<(SessionId, LocalPeer)>);

impl Locals {
    /// Sends what a session has to send, if it is one of these.
    pub fn send(&self, id: SessionId, hub: &mut Hub, now: Now) -> bool {
        let Some((_, peer)) = self.0.iter().find(|(known, _)| *known == id) else { return false };
        let parts = hub.transmit(id, now);
        let is_some = parts.iter().any(|part| !part.is_empty());
        let sent = if is_some { peer.send(&parts) } else { 0 };
        drop(parts);
        if is_some {
            hub.handle_sent(id, sent, now);
        }
        true
    }

    /// Notices who reads again and who has gone.
    pub fn look(&self, hub: &mut Hub, now: Now) {
        for (id, peer) in &self.0 {
            if peer.is_ended() {
                hub.handle_hangup(*id, now);
                hub.handle_input_end(*id, now);
            } else if peer.take_writable() {
                hub.handle_writable(*id);
            }
        }
    }

    /// Lets one go.
    pub fn close(&mut self, id: SessionId) {
        self.0.retain(|(known, _)| *known != id);
    }
}

impl Reactor {
    /// A subscriber in this process that gets its frames without a socket. `wake` is called on the
    /// loop's thread when there is something to read, at most once until the subscriber has found
    /// nothing more; it must not block. To be called before the first [`turn`](Self::turn), or at
    /// the price of an allocation.
    ///
    /// ```
    /// use kymo::{Config, Reactor, Wish};
    /// use kymo_platform::Fake;
    /// use kymo_protocol::Body;
    ///
    /// let mut reactor = Reactor::new(&Config::default(), Box::new(Fake::new()))?;
    /// let the_ui = std::thread::current();
    /// let wish = Wish { rate_mhz: 100_000, ..Wish::default() };
    /// let mut subscriber = reactor.attach(&wish, move || the_ui.unpark())?;
    /// let stopper = reactor.stopper();
    /// let the_loop = std::thread::spawn(move || reactor.run());
    /// let cpu_usage = loop {
    ///     match subscriber.next_frame()? {
    ///         Some(frame) => {
    ///             if let Body::Vitals(vitals) = frame.body {
    ///                 break vitals.cpu_usage.get();
    ///             }
    ///         }
    ///         None => std::thread::park(),
    ///     }
    /// };
    /// assert!(cpu_usage <= 100.0);
    /// stopper.stop();
    /// the_loop.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no place, or a pattern is none.
    pub fn attach(
        &mut self,
        wish: &Wish<'_>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<LocalSubscriber, AttachError> {
        self.attach_with(wish, Box::new(wake), LOCAL_BUFFERS)
    }

    /// The same with so many buffers: as many sends may lie between.
    pub(super) fn attach_with(
        &mut self,
        wish: &Wish<'_>,
        wake: Wake,
        buffers: usize,
    ) -> Result<LocalSubscriber, AttachError> {
        let now = clock::now();
        let stamp = Stamp { boot_ns: now.boot_ns };
        let mut request = [0; INPUT_SIZE];
        let (hello, hello_size) = emit::<Hello>(&mut request, Position::NONE, stamp)?;
        hello.set("in-process");
        let Wish { streams, rate_mhz, is_every, topics, groups } = *wish;
        let options = SubscribeOptions { every: is_every, resume: false };
        let mut fixed = SubscribeFixed::default();
        fixed.streams.set(streams.0);
        fixed.rate_mhz.set(rate_mhz);
        fixed.options.set(options.bits());
        let size = Subscribe::emit(&mut request[hello_size..], stamp, &fixed, topics, groups)?;
        let request = &request[..hello_size + size];
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let peer = Peer { uid, gid, pid: Some(std::process::id()) };
        let id = self.hub.accept(None, peer, now).map_err(AttachError::Refused)?;
        let (ours, theirs) = pair(wake, Box::new(wake_of(&self.waker)), buffers);
        self.locals.0.push((id, ours));
        // A session that says nothing yet has room for both.
        self.hub.input_space(id)[..request.len()].copy_from_slice(request);
        self.hub.handle_received(id, request.len(), now);
        Ok(theirs)
    }
}
