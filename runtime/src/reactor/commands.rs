//! What the owner wants of the loop: by the control socket, by a signal, from other threads.

use std::{fmt, thread};

use kymo_platform::clock::Now;
use kymo_platform::{Signal, Signals};
use kymo_protocol::{Action, Groups};

use super::Reactor;
use crate::config::Config;
use crate::hub::{Handled, Surroundings};
use crate::inbox::Inbox;
use crate::limits::{INBOX_LAST_LOOKS, INBOX_LAST_REST};
use crate::message::Message;
use crate::report::Report;
use crate::sources::Wanted;

type Read = Box<dyn FnMut(&mut Config) -> Result<(), Message> + Send>;

/// The settings in force, and room for those that are to come.
pub struct Settings {
    current: Config,
    next: Config,
    /// Clients that there is room for.
    clients_max: u32,
    read: Option<Read>,
}

impl Settings {
    /// `config` is in force.
    pub fn new(config: &Config) -> Self {
        Self {
            current: copy(config),
            next: copy(config),
            clients_max: config.limits.clients,
            read: None,
        }
    }

    /// Those in force.
    pub fn current(&self) -> &Config {
        &self.current
    }

    /// Others are read by `read`.
    pub fn read_by(
        &mut self,
        read: impl FnMut(&mut Config) -> Result<(), Message> + Send + 'static,
    ) {
        self.read = Some(Box::new(read));
    }

    /// Reads, checks and takes over; the old ones stay when that fails.
    fn reload(&mut self) -> Result<&Config, Message> {
        let Some(read) = &mut self.read else {
            return Err(Message::from("this program reads no settings"));
        };
        read(&mut self.next)?;
        self.next.check().map_err(|error| error.0)?;
        self.current.check_change(&self.next, self.clients_max).map_err(|error| error.0)?;
        std::mem::swap(&mut self.current, &mut self.next);
        Ok(&self.current)
    }
}

/// One piece of code for both copies: texts of bounded length take much of it.
#[inline(never)]
fn copy(config: &Config) -> Config {
    config.clone()
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current.fmt(f)
    }
}

impl Reactor {
    /// Does what the owner asks the loop for.
    pub(super) fn handle_commands(&mut self, now: Now) {
        while let Some((id, action)) = self.hub.poll_command() {
            let handled = match (self.commander.handle(action), action) {
                (Handled::No, Action::Quit) => {
                    self.stop();
                    Handled::done("stopping")
                }
                (Handled::No, Action::Reload) => match self.reload() {
                    Ok(()) => Handled::done("settings reloaded"),
                    Err(message) => Handled::Refused(message),
                },
                (handled, _) => handled,
            };
            if matches!(action, Action::Sensors | Action::Metrics) {
                // Every due source, once.
                self.sampler.handle_tick(now.mono_ns, now);
                let wanted = match action {
                    Action::Sensors => Wanted {
                        groups: Groups::ALL,
                        vitals: true,
                        at_once: true,
                        ..self.hub.wanted()
                    },
                    _ => Wanted {
                        groups: Groups(0),
                        vitals: true,
                        processes_ns: None,
                        at_once: true,
                    },
                };
                self.sources.handle_tick(now.mono_ns, now, wanted, self.hub.samples());
                self.take_hardware();
            }
            self.note_recorders();
            let inbox = self.inbox.as_ref();
            let surroundings = Surroundings {
                sampler: &self.sampler,
                sources: &self.sources,
                queue_size: inbox.map_or(0, |inbox| inbox.len() as u64),
                inbox: inbox.map(Inbox::counts).unwrap_or_default(),
                allocations: self.allocations.map(|count| count()),
                sandbox: self.sandbox,
            };
            self.hub.answer_command(id, action, handled, &surroundings, now);
        }
    }

    /// Reads the settings again.
    fn reload(&mut self) -> Result<(), Message> {
        self.reporter.report(Report::Reloading);
        let outcome = self.settings.reload().map(|config| {
            self.hub.apply(config);
            self.sources.set_max_cpu(config.sensors.max_cpu());
        });
        match &outcome {
            Ok(()) => self.reporter.report(Report::Reloaded),
            Err(message) => self.reporter.report(Report::NotReloaded(message)),
        }
        outcome
    }

    /// Takes in events of other threads, up to a number of bytes per turn; whether more wait.
    pub(super) fn take_events(&mut self, now: Now) -> bool {
        let Some(inbox) = &self.inbox else { return false };
        while self.hub.takes_events(now) && inbox.take(|payload| self.hub.take_event(payload, now))
        {
        }
        inbox.is_pending()
    }

    /// Takes in all that publishers were told is published; from here on they are told that it is
    /// not. What a journal refuses stays where it is, and is tried again until the end.
    pub(super) fn take_last_events(&mut self, now: Now) {
        if let Some(inbox) = &self.inbox {
            inbox.close();
        }
        for _ in 0..INBOX_LAST_LOOKS {
            let is_more = self.take_events(now);
            self.hub.commit(now);
            if self.inbox.as_ref().is_none_or(Inbox::is_drained) || !self.hub.takes_events(now) {
                break;
            }
            if !is_more {
                thread::sleep(INBOX_LAST_REST);
            }
        }
    }

    pub(super) fn handle_signals(&mut self) {
        while let Some(signal) = self.signals.as_mut().and_then(Signals::take) {
            match signal {
                Signal::Terminate | Signal::Interrupt => {
                    self.reporter.report(Report::Stopping(signal));
                    self.stop();
                }
                // What went wrong was reported.
                Signal::HangUp => drop(self.reload()),
                Signal::User1 => self.reporter.report(Report::Counters(&self.hub)),
            }
        }
    }
}
