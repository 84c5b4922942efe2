//! Orders and submits over the control socket; see [`Control`].

mod advance;
mod order;

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kymo_protocol::limits::{EVENT_BYTES_MAX, FRAME_MAX};
use kymo_protocol::{Action, Decoder, Request};

use crate::error::{Breach, Error};
use crate::limits::OUTBOX_SIZE;
use crate::pipeline::Pipeline;
use crate::redial::Redial;
use advance::Found;
pub use order::{Answer, ControlSettings, Replied, Submit};
use order::{replied, reply};

/// The listener that takes requests.
pub(crate) const SOCKET: &str = "control.sock";

/// A client of the control socket: it asks, and waits for the replies.
///
/// One request at a time with [`request`](Self::request) and [`submit`](Self::submit). Up to
/// [`OUTSTANDING_MAX`](crate::limits::OUTSTANDING_MAX) at a time with [`start`](Self::start) and
/// [`start_submit`](Self::start_submit), and one [`finish`](Self::finish) for each: replies come in
/// the order of the requests.
///
/// # When the connection is lost
///
/// Submits with a key, and requests that only ask, are sent again on the next connection, and until
/// [`ControlSettings::reply_time`] has passed: a server that remembers the key publishes the event
/// once. (It remembers it within one epoch; without a journal an epoch ends with the server, and
/// what it had published with it.) Of others that were on their way nobody knows whether they were
/// done: [`Error::Lost`]. What was not sent yet is sent later.
///
/// After many failures in a row it does not try for a while: [`Error::Resting`].
#[derive(Debug)]
pub struct Control {
    settings: ControlSettings,
    stream: Option<UnixStream>,
    directory: Option<PathBuf>,
    decoder: Box<Decoder<FRAME_MAX>>,
    pipeline: Pipeline,
    redial: Redial,
    payload: Box<[u8]>,
    next_id: u64,
    last_error: Option<Error>,
    /// Whether the present connection has brought a reply.
    is_proven: bool,
}

impl Control {
    /// A client that connects when something is asked for.
    #[must_use]
    pub fn new(settings: ControlSettings) -> Self {
        Self {
            redial: Redial::new(settings.backoff, settings.breaker),
            settings,
            stream: None,
            directory: None,
            decoder: Box::default(),
            pipeline: Pipeline::new(OUTBOX_SIZE),
            payload: vec![0; EVENT_BYTES_MAX as usize].into_boxed_slice(),
            next_id: 1,
            last_error: None,
            is_proven: false,
        }
    }

    /// A client that is connected to the first daemon in `directories`.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], [`Error::Denied`].
    pub fn connect(directories: Vec<PathBuf>) -> Result<Self, Error> {
        let mut control = Self::new(ControlSettings::in_directories(directories));
        control.dial(Instant::now())?;
        Ok(control)
    }

    /// Asks for something and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for [`Action::Submit`], which takes an event;
    /// [`Error::Outstanding`] while others are; those of [`finish`](Self::finish) and of
    /// [`Replied::outcome`]. After any of them but the first two nothing is outstanding.
    pub fn request(&mut self, action: Action) -> Result<Answer<'_>, Error> {
        if self.outstanding() > 0 {
            return Err(Error::Outstanding);
        }
        self.start(action)?;
        self.finish_only()
    }

    /// Has a recorder write what it keeps into a file, the first there is if none is named, and
    /// waits until that is in it: all of it, and what comes then, or with `last` what was made in
    /// so much time before. The answer tells the file, on the server's machine.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request); [`Error::Invalid`] for a name that no recorder can have.
    pub fn dump(
        &mut self,
        recorder: Option<&str>,
        last: Option<Duration>,
    ) -> Result<Answer<'_>, Error> {
        if self.outstanding() > 0 {
            return Err(Error::Outstanding);
        }
        let last_ms = last.map_or(0, |last| u64::try_from(last.as_millis()).unwrap_or(u64::MAX));
        let key = Some((recorder.unwrap_or(""), last_ms));
        let id = self.next_id;
        self.forget_dead();
        self.pipeline
            .push(id, false, |buffer| Request::emit(buffer, id, Action::Dump, None, key, &[]))?;
        self.next_id += 1;
        self.send_some();
        self.finish_only()
    }

    /// Submits an event and waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request); [`Error::Invalid`] for an event that is none or a key that is
    /// none.
    pub fn submit(&mut self, submit: Submit<'_>) -> Result<Answer<'_>, Error> {
        if self.outstanding() > 0 {
            return Err(Error::Outstanding);
        }
        self.start_submit(submit)?;
        self.finish_only()
    }

    /// Takes a request in, and returns its id. It is sent by [`finish`](Self::finish) at the
    /// latest.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] when others have to be finished first; [`Error::Invalid`].
    pub fn start(&mut self, action: Action) -> Result<u64, Error> {
        if action == Action::Submit {
            return Err(Error::Invalid(kymo_protocol::FrameError::Value));
        }
        let acts = [Action::Toggle, Action::Reload, Action::Quit, Action::Dump];
        let only_asks = !acts.contains(&action);
        let id = self.next_id;
        self.forget_dead();
        self.pipeline
            .push(id, only_asks, |buffer| Request::emit(buffer, id, action, None, None, &[]))?;
        self.next_id += 1;
        self.send_some();
        Ok(id)
    }

    /// The same for an event.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_submit(&mut self, submit: Submit<'_>) -> Result<u64, Error> {
        let id = self.next_id;
        self.forget_dead();
        let size = submit.event.write(&mut self.payload).map_err(Error::Invalid)?;
        let payload = &self.payload[..size];
        self.pipeline.push(id, submit.key.is_some(), |buffer| {
            Request::emit(buffer, id, Action::Submit, submit.ack, submit.key, payload)
        })?;
        self.next_id += 1;
        self.send_some();
        Ok(id)
    }

    /// Requests that have not been finished.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.pipeline.len()
    }

    /// Where the present connection leads, or the last one led.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// What became of the oldest request that was not finished; waits for it. `None` when there is
    /// none.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], [`Error::Denied`] and [`Error::Resting`] when there is no
    /// connection; [`Error::Refused`] when the server takes no connection; [`Error::Late`]. The
    /// request is still outstanding then, and may be waited for again.
    pub fn finish(&mut self) -> Result<Option<Replied<'_>>, Error> {
        let deadline = Instant::now() + self.settings.reply_time;
        let span = loop {
            if let Some((id, why)) = self.pipeline.take_unknown() {
                return Ok(Some(Replied { id, outcome: Err(Error::Lost(why)) }));
            }
            if self.outstanding() == 0 {
                return Ok(None);
            }
            match self.advance(deadline)? {
                Some(Found::Reply(span)) => break span,
                Some(Found::Refusal(id, error)) => {
                    return Ok(Some(Replied { id, outcome: Err(error) }));
                }
                None => {}
            }
        };
        let path = self.path();
        Ok(reply(self.decoder.bytes(span)).map(|reply| replied(&path, reply)))
    }

    /// Finishes the only request; none is left, whatever comes of it.
    fn finish_only(&mut self) -> Result<Answer<'_>, Error> {
        let deadline = Instant::now() + self.settings.reply_time;
        let found = loop {
            if let Some((_, why)) = self.pipeline.take_unknown() {
                return Err(Error::Lost(why));
            }
            match self.advance(deadline) {
                Ok(None) => {}
                Ok(Some(found)) => break found,
                Err(error) => {
                    // Its reply would be taken for that of the next one.
                    self.stream = None;
                    self.pipeline.clear();
                    return Err(error);
                }
            }
        };
        match found {
            Found::Refusal(_, error) => Err(error),
            Found::Reply(span) => match reply(self.decoder.bytes(span)) {
                Some(reply) => replied(&self.path(), reply).outcome,
                None => Err(Error::Protocol(Breach::Unexpected)),
            },
        }
    }
}
