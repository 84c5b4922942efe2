//! How a [`Control`] gets on: connects, sends, takes replies in.

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use kymo_protocol::decoder::Span;
use kymo_protocol::{Body, ErrorCode, Frame};
use nix::poll::PollFlags;

use super::{Control, SOCKET};
use crate::error::{Breach, Error, Why};
use crate::{dial, reply_text, wait};

/// What stands next in the order of the requests.
#[derive(Debug)]
pub(super) enum Found {
    Reply(Span),
    /// The connection ends with a mistake of the next request.
    Refusal(u64, Error),
}

impl Control {
    pub(super) fn path(&self) -> PathBuf {
        self.directory.as_deref().unwrap_or(Path::new("")).join(SOCKET)
    }

    /// Lets a connection go that ended while nothing was asked: nothing can be lost with it. (One
    /// that has not brought a reply yet may bring a refusal.)
    pub(super) fn forget_dead(&mut self) {
        let is_idle = self.is_proven && self.outstanding() == 0;
        if is_idle && self.stream.as_ref().is_some_and(|stream| !dial::is_alive(stream)) {
            self.stream = None;
        }
    }

    /// Does one thing towards the next reply, and waits at most once.
    pub(super) fn advance(&mut self, deadline: Instant) -> Result<Option<Found>, Error> {
        let now = Instant::now();
        let Some(stream) = &self.stream else {
            return self.dial_or_wait(now, deadline).map(|()| None);
        };
        match self.decoder.next_span() {
            Ok(Some(span)) => return self.take(span),
            Ok(None) => {}
            Err(error) => return self.take_no_frame(error.into()).map(|()| None),
        }
        let mut stream: &UnixStream = stream;
        match stream.read(self.decoder.space()) {
            Ok(0) => return self.lose(Why::Ended).map(|()| None),
            Ok(size) => {
                self.decoder.filled(size);
                return Ok(None);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(None),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return self.lose(Why::Ended).map(|()| None);
            }
            Err(error) => return self.lose(Why::Broken(error.kind())).map(|()| None),
        }
        // Only now: what the server has said before it went away was read.
        let is_sent = self.send_some();
        if now >= deadline {
            return Err(Error::Late);
        }
        let Some(stream) = &self.stream else { return Ok(None) };
        let output = if is_sent { PollFlags::empty() } else { PollFlags::POLLOUT };
        wait::until(stream.as_fd(), PollFlags::POLLIN | output, Some(deadline))?;
        Ok(None)
    }

    /// Connects again if it is time, or waits until it is.
    fn dial_or_wait(&mut self, now: Instant, deadline: Instant) -> Result<(), Error> {
        // Who asks for the first time wants to know at once how it stands.
        let may_wait = self.pipeline.is_in_doubt();
        let is_time = if may_wait { self.redial.allows(now) } else { self.redial.allows_now(now) };
        if is_time {
            return match self.dial(now) {
                Err(_) if may_wait && now < deadline => Ok(()),
                outcome => outcome,
            };
        }
        let last = self.last_error.clone().unwrap_or(Error::Late);
        let at = self.redial.deadline().unwrap_or(deadline);
        if !may_wait || at > deadline {
            return Err(if self.redial.is_resting(now) {
                Error::Resting(Box::new(last))
            } else {
                last
            });
        }
        std::thread::sleep(at.saturating_duration_since(now));
        Ok(())
    }

    pub(super) fn dial(&mut self, now: Instant) -> Result<(), Error> {
        match dial::first(&self.settings.directories, SOCKET) {
            Ok((stream, directory)) => {
                self.directory = Some(directory.to_path_buf());
                self.decoder.clear();
                (self.stream, self.is_proven) = (Some(stream), false);
                self.send_some();
                Ok(())
            }
            Err(error) => {
                self.redial.handle_failure(now);
                self.last_error = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Sends what goes at once: whether that is everything. A connection that takes nothing any
    /// more is found out when it is read from.
    pub(super) fn send_some(&mut self) -> bool {
        let Some(stream) = &self.stream else { return false };
        while !self.pipeline.unsent().is_empty() {
            match dial::send(stream, self.pipeline.unsent()) {
                Ok(size) => self.pipeline.handle_sent(size),
                // A broken one is waited for as one that can be read, which it can.
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
        true
    }

    fn lose(&mut self, why: Why) -> Result<(), Error> {
        self.stream = None;
        self.pipeline.handle_loss(why);
        self.redial.handle_loss(Instant::now());
        let error = match why {
            Why::Protocol(breach) => Error::Protocol(breach),
            why => Error::Lost(why),
        };
        self.last_error = Some(error.clone());
        // Somebody who does not speak the protocol will not learn it.
        if let Error::Protocol(_) = error { Err(error) } else { Ok(()) }
    }

    /// Bytes have come that are not a frame. A server that takes no one more says so as a line: it
    /// does not know yet how it will be talked to.
    fn take_no_frame(&mut self, breach: Breach) -> Result<(), Error> {
        let line = str::from_utf8(self.decoder.rest()).ok().filter(|text| text.starts_with('{'));
        let path = self.path();
        let Some(error) = line.and_then(|line| reply_text::refusal(&path, line)) else {
            return self.lose(Why::Protocol(breach));
        };
        self.stream = None;
        self.redial.handle_failure(Instant::now());
        self.pipeline.handle_refusal();
        self.last_error = Some(error.clone());
        Err(error)
    }

    /// Takes in a frame.
    fn take(&mut self, span: Span) -> Result<Option<Found>, Error> {
        let refused = match Frame::parse(self.decoder.bytes(span)).map(|frame| frame.body) {
            Ok(Body::Reply(reply)) => match self.pipeline.handle_reply(reply.fields().id) {
                Ok(()) => {
                    self.redial.handle_success();
                    self.is_proven = true;
                    return Ok(Some(Found::Reply(span)));
                }
                Err(breach) => return self.lose(Why::Protocol(breach)).map(|()| None),
            },
            Ok(Body::Error(report)) => Error::of_report(&self.path(), report),
            Ok(Body::Goodbye(goodbye)) => {
                return self.lose(Why::Goodbye(goodbye.reason())).map(|()| None);
            }
            Ok(_) => return self.lose(Why::Protocol(Breach::Unexpected)).map(|()| None),
            Err(error) => return self.lose(Why::Protocol(error.into())).map(|()| None),
        };
        self.stream = None;
        self.redial.handle_failure(Instant::now());
        self.last_error = Some(refused.clone());
        // The connection ends with a mistake of the request that was to be answered next. (Replies
        // to those before it have come.) Else it was never taken in.
        let is_mistake = matches!(
            &refused,
            Error::Refused {
                code: Some(ErrorCode::Frame | ErrorCode::TooLong | ErrorCode::Unexpected),
                ..
            }
        );
        let id = if is_mistake { self.pipeline.pop() } else { None };
        self.pipeline.handle_loss(Why::Ended);
        id.map_or(Err(refused.clone()), |id| Ok(Some(Found::Refusal(id, refused))))
    }
}
