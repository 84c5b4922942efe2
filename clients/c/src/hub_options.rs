//! What a program wants of a hub.

use std::ffi::c_void;

use kymo::{Builder, JournalSettings, Message};

use crate::action;
use crate::callback::{Context, KymoCommand, KymoReport};
use crate::error::{Fail, Outcome};
use crate::text::KymoText;

/// Bits of KymoHubOptions.serves: what a hub serves beside vitals and events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoServes {
    /// Every sensor of this machine. Where one may keep its reader waiting, the hub has two threads
    /// more.
    Sensors = 1,
    /// The processes that use most.
    Processes = 2,
}

/// What a program wants of a hub. All zeros but the size: vitals and events for subscribers in the
/// process, and no socket.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoHubOptions {
    /// `sizeof(KymoHubOptions)`.
    pub size: u32,
    /// Bits of ::KymoServes.
    pub serves: u32,
    /// Rate of subscribers that name none, in thousandths of a hertz; 0 for 25,000.
    pub rate_mhz: u32,
    /// Clients held at once; 0 for 256.
    pub clients: u32,
    /// Where to listen, on stream.sock, json.sock and control.sock: a directory, made if it is
    /// missing; empty for nowhere.
    pub directory: KymoText,
    /// Where to keep events over restarts: an absolute directory, made if it is missing; empty for
    /// nowhere.
    pub journal: KymoText,
    /// Bytes of the journal; 0 for 4 MiB.
    pub journal_bytes: u32,
    /// 0.
    pub reserved: u32,
    /// May be NULL.
    pub on_report: KymoReport,
    /// May be NULL.
    pub on_command: KymoCommand,
    /// Handed to both.
    pub context: *mut c_void,
}

impl KymoHubOptions {
    /// The same as a builder.
    pub(crate) fn builder(&self) -> Outcome<Builder> {
        let mut builder = Builder::new();
        if let Some(directory) = self.directory.path()? {
            builder = builder.in_directory(directory);
        }
        let journal = self.journal_settings()?;
        builder = builder.with(|config| {
            config.journal = journal;
            if self.rate_mhz != 0 {
                config.rate_mhz = self.rate_mhz;
            }
            if self.clients != 0 {
                config.limits.clients = self.clients;
            }
        });
        let has = |part: KymoServes| self.serves & part as u32 != 0;
        let all = KymoServes::Sensors as u32 | KymoServes::Processes as u32;
        if self.serves & !all != 0 || self.reserved != 0 {
            return Err(Fail::invalid(format_args!("the options have bits of a later version")));
        }
        if has(KymoServes::Sensors) {
            builder = builder.sensors();
        }
        if has(KymoServes::Processes) {
            builder = builder.processes();
        }
        let context = Context(self.context);
        if let Some(report) = self.on_report {
            builder = builder.on_report(move |what| {
                // In place: the loop allocates nothing.
                let text = Message::new(format_args!("{what}"));
                report(context.get(), KymoText::of(text.as_bytes()));
            });
        }
        if let Some(handler) = action::handler(self.on_command, context) {
            builder = builder.on_command(handler);
        }
        Ok(builder)
    }

    fn journal_settings(&self) -> Outcome<Option<JournalSettings>> {
        let path = self.journal.str()?;
        if path.is_empty() {
            return Ok(None);
        }
        let path = path.try_into();
        let path =
            path.map_err(|_| Fail::invalid(format_args!("the journal's path is too long")))?;
        let mut settings = JournalSettings { path: Some(path), ..JournalSettings::default() };
        if self.journal_bytes != 0 {
            settings.bytes = self.journal_bytes;
        }
        Ok(Some(settings))
    }
}
