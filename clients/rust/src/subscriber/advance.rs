//! How a [`Subscriber`] gets on: connects, reads, takes frames in. Nothing here waits.

use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use kymo_protocol::decoder::Span;
use kymo_protocol::json::ClockMap;
use kymo_protocol::{Body, Frame, FrameHeader, FrameKind, GoodbyeReason, StreamId};

use super::{Greeted, Subscriber};
use crate::dial;
use crate::error::{Breach, Error, Why};
use crate::item::{Connected, Gap, Item, Resumed};
use crate::limits::GREETING_MAX;

/// The listener that subscribers use.
const SOCKET: &str = "stream.sock";

/// What to tell next, without the view of it.
pub(super) enum Step {
    Frame(Span),
    Item(Item<'static>),
}

/// What a frame says that is neither vitals nor an event.
enum Notice {
    Nothing,
    Item(Item<'static>),
    Goodbye(GoodbyeReason),
    Refused(Error),
}

impl Subscriber {
    /// Does what can be done without waiting; `None` when nothing is there to tell.
    pub(super) fn advance(&mut self, now: Instant) -> Result<Option<Step>, Error> {
        loop {
            if let Some(lost_after) = self.fresh.take() {
                return Ok(Some(Step::Item(Item::Fresh { lost_after })));
            }
            if let Some(missed) = self.missed.iter_mut().find_map(Option::take) {
                return Ok(Some(Step::Item(Item::Gap(missed))));
            }
            if self.stream.is_none() {
                if self.is_given {
                    return Err(Error::Ended);
                }
                if !self.redial.allows(now) || !self.dial(now) {
                    return Ok(None);
                }
            }
            let step = match self.decoder.next_span() {
                Ok(Some(span)) => self.take(span, now)?,
                Ok(None) => match self.read(now) {
                    Ok(true) => None,
                    Ok(false) => return Ok(None),
                    Err(why) => self.lose(why, now),
                },
                Err(error) => self.lose(Why::Protocol(error.into()), now),
            };
            if step.is_some() {
                return Ok(step);
            }
        }
    }

    /// Connects to the first server there is.
    pub(super) fn dial(&mut self, now: Instant) -> bool {
        match dial::first(&self.settings.directories, SOCKET) {
            Ok((stream, directory)) => {
                self.directory = Some(directory.to_path_buf());
                match self.begin(stream, now) {
                    Ok(()) => return true,
                    Err(error) => self.last_error = Some(Error::System(error.kind())),
                }
            }
            Err(error) => self.last_error = Some(error),
        }
        self.redial.handle_failure(now);
        false
    }

    /// Starts the conversation on a new connection.
    pub(super) fn begin(&mut self, stream: UnixStream, now: Instant) -> std::io::Result<()> {
        self.ready.add(&stream)?;
        let mut greeting = [0; GREETING_MAX];
        // Checked when the subscriber was made.
        let size = self.settings.greet(self.position.token(), &mut greeting).unwrap_or(0);
        // A new socket has room for it. A server that takes no one more may have closed already;
        // its reason can still be read.
        let _ = dial::send(&stream, &greeting[..size]);
        self.decoder.clear();
        (self.greeted, self.is_subscribed) = (None, false);
        (self.stream, self.heard_at) = (Some(stream), now);
        Ok(())
    }

    /// Reads what has come: whether something had.
    fn read(&mut self, now: Instant) -> Result<bool, Why> {
        let Some(stream) = &mut self.stream else { return Ok(false) };
        loop {
            match stream.read(self.decoder.space()) {
                Ok(0) => return Err(Why::Ended),
                Ok(size) => {
                    self.decoder.filled(size);
                    self.heard_at = now;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let is_silent = now.duration_since(self.heard_at) >= self.settings.silence;
                    return if is_silent { Err(Why::Silent) } else { Ok(false) };
                }
                // It closed while words of ours were unread.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(Why::Ended),
                Err(error) => return Err(Why::Broken(error.kind())),
            }
        }
    }

    /// Ends the connection; something to tell if the server had answered on it.
    fn lose(&mut self, why: Why, now: Instant) -> Option<Step> {
        self.stream = None;
        if self.is_subscribed {
            self.redial.handle_loss(now);
            return Some(Step::Item(Item::Lost(why)));
        }
        self.redial.handle_failure(now);
        self.last_error = Some(match why {
            Why::Protocol(breach) => Error::Protocol(breach),
            why => Error::Lost(why),
        });
        None
    }

    /// Takes in a frame. Telemetry and events are looked at only when they are shown, and once.
    fn take(&mut self, span: Span, now: Instant) -> Result<Option<Step>, Error> {
        let kind = FrameHeader::parse(self.decoder.bytes(span)).map(|header| header.kind.get());
        let kind = kind.ok().and_then(FrameKind::from_number);
        let is_data = matches!(
            kind,
            Some(
                FrameKind::Vitals
                    | FrameKind::Samples
                    | FrameKind::Processes
                    | FrameKind::Catalog
                    | FrameKind::Event
            )
        );
        if is_data && self.is_subscribed {
            return Ok(Some(Step::Frame(span)));
        }
        match self.understand(span) {
            Ok(Notice::Nothing) => Ok(None),
            Ok(Notice::Item(item)) => {
                if let Item::Connected(_) = item {
                    self.redial.handle_success();
                    self.last_error = None;
                }
                self.shown = Some(span);
                Ok(Some(Step::Item(item)))
            }
            Ok(Notice::Goodbye(reason)) => Ok(self.lose(Why::Goodbye(reason), now)),
            Ok(Notice::Refused(error)) => {
                self.stream = None;
                self.redial.handle_failure(now);
                self.last_error = Some(error.clone());
                Err(error)
            }
            Err(breach) => Ok(self.lose(Why::Protocol(breach), now)),
        }
    }

    /// What a frame says that is neither telemetry nor an event.
    fn understand(&mut self, span: Span) -> Result<Notice, Breach> {
        let bytes = self.decoder.bytes(span);
        let frame = Frame::parse(bytes)?;
        let boot_ns = frame.header.timestamp.get();
        match (frame.body, &mut self.greeted) {
            (Body::Welcome(welcome), greeted @ None) => {
                let wall_ns = welcome.fixed.wall_ns.get();
                self.welcome.clear();
                self.welcome.extend_from_slice(bytes);
                *greeted = Some(Greeted {
                    epoch: welcome.fixed.epoch,
                    run: welcome.fixed.run,
                    clock: ClockMap { boot_ns, wall_ns },
                });
            }
            (Body::Heartbeat(heartbeat), Some(greeted)) => {
                greeted.clock = ClockMap { boot_ns, wall_ns: heartbeat.wall_ns.get() };
                self.position.handle_heartbeat();
            }
            (Body::Subscribed(granted), Some(greeted)) if !self.is_subscribed => {
                let Greeted { epoch, run, .. } = *greeted;
                let continued = self.position.handle_subscribed(epoch, run, granted)?;
                self.is_subscribed = true;
                if continued.resumed == Resumed::Fresh {
                    self.fresh = Some(continued.lost_after);
                }
                self.missed = continued.missed;
                return Ok(Notice::Item(Item::Connected(Connected {
                    directory: self.directory.clone(),
                    epoch,
                    run,
                    is_new_run: continued.is_new_run,
                    rate_mhz: granted.rate_mhz.get(),
                    resumed: continued.resumed,
                })));
            }
            (Body::Gap(gap), _) if self.is_subscribed => {
                let gap = Gap {
                    stream: StreamId(frame.header.stream.get()),
                    first: gap.first.get(),
                    last: gap.last.get(),
                    count: gap.count.get(),
                    reason: Some(gap.reason()),
                };
                self.position.handle_gap(&gap)?;
                return Ok(Notice::Item(Item::Gap(gap)));
            }
            (Body::Goodbye(goodbye), _) => return Ok(Notice::Goodbye(goodbye.reason())),
            (Body::Error(report), _) => {
                let path = self.directory.as_deref().unwrap_or(Path::new("")).join(SOCKET);
                return Ok(Notice::Refused(Error::of_report(&path, report)));
            }
            _ => return Err(Breach::Unexpected),
        }
        Ok(Notice::Nothing)
    }

    /// What a step shows. A frame that breaks the protocol ends the connection instead.
    pub(super) fn show(&mut self, step: Step) -> Item<'_> {
        let span = match step {
            Step::Item(item) => return item,
            Step::Frame(span) => span,
        };
        let shown =
            Frame::parse(self.decoder.bytes(span)).map_err(Breach::from).and_then(|frame| {
                let sequence = frame.header.sequence.get();
                match frame.body {
                    Body::Event(event) => {
                        self.position.handle_event(sequence, event.is_catchup())?
                    }
                    Body::Vitals(_) => self.position.handle_vitals(sequence)?,
                    Body::Samples(samples) => self.position.handle_samples(sequence, samples)?,
                    Body::Catalog(catalog) => self.position.handle_catalog(catalog)?,
                    Body::Processes(told) => {
                        self.position.handle_processes(sequence, told.fixed.merged.get())?;
                    }
                    _ => {}
                }
                Ok(frame)
            });
        match shown {
            Ok(frame) => {
                self.shown = Some(span);
                Item::Frame(frame)
            }
            Err(breach) => {
                self.stream = None;
                self.redial.handle_loss(Instant::now());
                Item::Lost(Why::Protocol(breach))
            }
        }
    }
}
