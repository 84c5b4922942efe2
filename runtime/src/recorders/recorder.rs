//! One recorder: a subscriber like any other, a window of what it got, and the file that it writes
//! when something has happened.

use std::io;
use std::time::Duration;

use kymo_platform::clock::Now;
use kymo_protocol::recording::Outcome;
use kymo_protocol::{Body, Frame, GoodbyeReason, StreamId, Streams};

use super::desk::{Gauges, Order, Word, Written};
use super::file::{Batch, RecordFile};
use super::folder::Folder;
use super::trigger::{Watch, is_wanted};
use super::window::Window;
use crate::config::RecorderSettings;
use crate::limits::{RECORDER_REST, RECORDER_REST_MS};
use crate::local::LocalSubscriber;
use crate::message::{Message, Said};
use crate::schedule::period_ns;

const S: u64 = 1_000_000_000;

/// One recorder; see the module.
#[derive(Debug)]
pub struct Recorder {
    index: u8,
    settings: RecorderSettings,
    subscriber: LocalSubscriber,
    window: Window,
    folder: Folder,
    watch: Option<Watch>,
    granted_mhz: u32,
    open: Option<Open>,
    /// When the last file began that nobody had asked for.
    begun_ns: Option<u64>,
    /// Of the next file.
    identity: u64,
    /// Whether nothing more comes, which is told unless the loop itself ends.
    is_over: bool,
}

/// Where words go.
pub type Say<'a> = dyn FnMut(Word) + 'a;

/// What a frame is to a recorder.
#[allow(clippy::large_enum_variant)] // lives for a moment, and a box would be an allocation
enum Cause {
    None,
    /// The threshold has been passed for long enough.
    Threshold,
    /// It is an event with the topic.
    Event(Message),
    /// The loop serves it nothing.
    Refused(Message),
}

/// A file that is written.
#[derive(Debug)]
struct Open {
    file: RecordFile,
    end_ns: u64,
    why: Message,
}

impl Recorder {
    /// A recorder that gets its frames from `subscriber`, which has asked for what `settings` say.
    /// Takes all the memory that it will need. Its files have identities from a random one on.
    pub fn new(
        index: u8,
        settings: &RecorderSettings,
        subscriber: LocalSubscriber,
        folder: Folder,
        identity: u64,
    ) -> Self {
        let has_catalog = settings.streams.contains(StreamId::SAMPLES);
        let span_ns = u64::from(settings.before_s) * S;
        Self {
            index,
            subscriber,
            window: Window::new(settings.bytes as usize, span_ns, has_catalog),
            folder,
            watch: None,
            granted_mhz: 0,
            open: None,
            begun_ns: None,
            identity,
            is_over: false,
            settings: settings.clone(),
        }
    }

    /// Takes in what has come, and writes what is to be written.
    pub fn turn(&mut self, now: Now, gauges: &Gauges, batch: &mut Batch, say: &mut Say<'_>) {
        while let Some(cause) = self.take(batch) {
            match cause {
                Cause::None => {}
                Cause::Threshold | Cause::Event(_) if self.open.is_some() => self.hear(&cause),
                Cause::Threshold | Cause::Event(_) if !self.may_begin(now) => {
                    // A value that stays where it is waits; an event is gone.
                    gauges.withheld(matches!(cause, Cause::Event(_)));
                }
                Cause::Threshold | Cause::Event(_) => {
                    self.hear(&cause);
                    self.begun_ns = Some(now.mono_ns);
                    let why = self.words(&cause);
                    let begun = self.begin(now, why, batch);
                    self.tell(begun.err(), say);
                }
                Cause::Refused(why) => self.tell(Some(why), say),
            }
        }
        if self.subscriber.is_ended() && !std::mem::replace(&mut self.is_over, true) {
            let why = format_args!("it was let go, and keeps nothing until kymod starts again");
            self.tell(Some(Message::new(why)), say);
        }
        self.window.forget_old(now.boot_ns);
        if let Some(open) = &mut self.open {
            open.file.flush(batch);
            let is_over = now.boot_ns >= open.end_ns || self.subscriber.is_ended();
            if is_over || open.file.error().is_some() {
                let is_due = now.boot_ns >= open.end_ns;
                self.end(if is_due { Outcome::Over } else { Outcome::Stopped }, batch, say);
            }
        }
        gauges.set(&self.window, self.open.is_some(), now.boot_ns);
    }

    /// Does what somebody has asked for: writes what is kept and goes on for a while, or writes
    /// how it was until now.
    pub fn dump(&mut self, order: Order, now: Now, batch: &mut Batch, say: &mut Say<'_>) {
        let Order { ticket, last_ms, place, .. } = order;
        let outcome = if last_ms > 0 {
            self.write_last(place, last_ms, now, batch)
        } else {
            let begun = match self.open {
                Some(_) => Ok(()),
                None => self.begin(now, Message::from("asked for"), batch),
            };
            self.tell(begun.as_ref().err().cloned(), say);
            begun.map(|()| self.written(now))
        };
        say(Word::Dumped { ticket, recorder: self.index, outcome });
    }

    /// Says what failed, if something has.
    fn tell(&self, failed: Option<Message>, say: &mut Say<'_>) {
        if let Some(why) = failed {
            say(Word::Failed { recorder: self.index, why });
        }
    }

    /// Ends what it writes: nothing more comes.
    pub fn stop(&mut self, batch: &mut Batch, say: &mut Say<'_>) {
        if self.open.is_some() {
            self.end(Outcome::Stopped, batch, say);
        }
    }

    /// How long it may rest.
    pub fn rest(&self) -> Duration {
        let period_ms = match self.granted_mhz {
            0 => *RECORDER_REST_MS.start(),
            rate_mhz => period_ns(rate_mhz) / 1_000_000,
        };
        let (least, most) = (*RECORDER_REST_MS.start(), *RECORDER_REST_MS.end());
        Duration::from_millis((RECORDER_REST * period_ms).clamp(least, most))
    }

    /// Takes in one frame, and says whether it is a cause; `None` when no more has come.
    fn take(&mut self, batch: &mut Batch) -> Option<Cause> {
        let Self { subscriber, window, open, watch, granted_mhz, settings, is_over, .. } = self;
        // The loop makes no frame that is none.
        let bytes = subscriber.next_bytes().ok().flatten()?;
        let Ok(frame) = Frame::parse(bytes) else { return Some(Cause::None) };
        window.push(bytes, &frame);
        if let Some(open) = open
            && !matches!(frame.body, Body::Goodbye(_) | Body::Error(_))
        {
            open.file.frame(batch, bytes);
        }
        Some(match frame.body {
            Body::Subscribed(granted) => {
                *granted_mhz = granted.rate_mhz.get();
                let period_ns = period_ns((*granted_mhz).max(1));
                *watch = settings.threshold.map(|threshold| Watch::new(threshold, period_ns));
                Cause::None
            }
            Body::Vitals(vitals) => {
                let boot_ns = frame.header.timestamp.get();
                let is_passed = watch.as_mut().is_some_and(|watch| watch.handle(vitals, boot_ns));
                if is_passed { Cause::Threshold } else { Cause::None }
            }
            Body::Event(event) => match &settings.topic {
                Some(pattern) if !event.is_catchup() && is_wanted(event, pattern) => {
                    Cause::Event(Message::new(format_args!("event {}", event.topic())))
                }
                _ => Cause::None,
            },
            Body::Goodbye(goodbye) => {
                *is_over = goodbye.reason() == GoodbyeReason::Shutdown;
                Cause::None
            }
            Body::Error(report) => Cause::Refused(Message::from(report.text())),
            _ => Cause::None,
        })
    }

    fn hear(&mut self, cause: &Cause) {
        if let (Cause::Threshold, Some(watch)) = (cause, &mut self.watch) {
            watch.hear();
        }
    }

    fn words(&self, cause: &Cause) -> Message {
        match (cause, self.settings.threshold) {
            (Cause::Event(text), _) => text.clone(),
            (_, Some(threshold)) => Message::new(format_args!("{threshold}")),
            (_, None) => Message::default(),
        }
    }

    /// Whether enough time has passed since the last file that nobody had asked for.
    fn may_begin(&self, now: Now) -> bool {
        let pause_ns = u64::from(self.settings.pause_s) * S;
        self.begun_ns.is_none_or(|begun_ns| now.mono_ns.saturating_sub(begun_ns) >= pause_ns)
    }

    /// Begins a file with what is kept, or says why there is none.
    fn begin(&mut self, now: Now, why: Message, batch: &mut Batch) -> Result<(), Message> {
        let file = self.folder.create(now.wall_ns).map_err(|error| self.failed(&error))?;
        let file = self.fill(file, 0, now, batch);
        let end_ns = now.boot_ns.saturating_add(u64::from(self.settings.after_s) * S);
        let has_failed = file.error().is_some();
        self.open = Some(Open { file, end_ns, why });
        match has_failed.then(|| self.finish(Outcome::Full, batch)) {
            Some(Some((Err(why), _))) => Err(why),
            _ => Ok(()),
        }
    }

    /// What of the file that is open is written by now.
    fn written(&self, now: Now) -> Written {
        let before_ms = self.window.held_ns(now.boot_ns) / 1_000_000;
        self.open.as_ref().map_or_else(Written::default, |open| Written {
            path: open.file.path().clone(),
            counts: open.file.counts(),
            before_ms,
            after_ms: open.end_ns.saturating_sub(now.boot_ns) / 1_000_000,
        })
    }

    /// Writes what was made in the last milliseconds into the file that is for that.
    fn write_last(
        &mut self,
        place: u8,
        last_ms: u64,
        now: Now,
        batch: &mut Batch,
    ) -> Result<Written, Message> {
        let from_ns = now.boot_ns.saturating_sub(last_ms.saturating_mul(1_000_000)).max(1);
        let file = self.folder.create_last(place).map_err(|error| self.failed(&error))?;
        let file = self.fill(file, from_ns, now, batch);
        let path = file.path().clone();
        // Who has asked for it takes it away at once.
        let (counts, error) = file.finish(batch, Outcome::Over, false);
        if let Some(error) = error {
            self.folder.remove(&path);
            return Err(self.failed(&error));
        }
        let before_ms = last_ms.min(self.window.held_ns(now.boot_ns) / 1_000_000);
        Ok(Written { path, counts, before_ms, after_ms: 0 })
    }

    /// A file with what was made from this time on.
    fn fill(
        &mut self,
        (file, path): (std::fs::File, super::folder::FilePath),
        from_ns: u64,
        now: Now,
        batch: &mut Batch,
    ) -> RecordFile {
        let asked: (Streams, u32) = (self.settings.streams, self.granted_mhz);
        self.identity = self.identity.wrapping_add(1);
        let mut file = RecordFile::new((file, path), batch, asked, now.wall_ns, self.identity);
        self.window.show(from_ns, |bytes| file.frame(batch, bytes));
        file.flush(batch);
        file
    }

    fn end(&mut self, outcome: Outcome, batch: &mut Batch, say: &mut Say<'_>) {
        let recorder = self.index;
        match self.finish(outcome, batch) {
            Some((Ok(written), why)) => say(Word::Ended { recorder, written, why }),
            Some((Err(why), _)) => self.tell(Some(why), say),
            None => {}
        }
    }

    /// Ends the file that is open: what is in it, or why that is not all; and what made it.
    fn finish(
        &mut self,
        outcome: Outcome,
        batch: &mut Batch,
    ) -> Option<(Result<Written, Message>, Message)> {
        let Open { file, why, .. } = self.open.take()?;
        let path = file.path().clone();
        let (counts, error) = file.finish(batch, outcome, true);
        let Some(error) = error else {
            let before_ms = counts.span_ns() / 1_000_000;
            return Some((Ok(Written { path, counts, before_ms, after_ms: 0 }), why));
        };
        if counts.frames == 0 {
            self.folder.remove(&path);
            return Some((Err(self.failed(&error)), why));
        }
        let (name, frames, error) = (&self.settings.name, counts.frames, Said(&error));
        let text = format_args!("{name}: {error}; safe are {frames} frames in {path}");
        Some((Err(Message::new(text)), why))
    }

    fn failed(&self, error: &io::Error) -> Message {
        let (name, folder) = (&self.settings.name, self.folder.path().display());
        Message::new(format_args!("{name}: {}: no file in {folder}", Said(error)))
    }
}
