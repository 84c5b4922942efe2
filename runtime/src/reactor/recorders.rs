//! The recorders' way into the loop: they are subscribers, and have a word now and then.

use std::path::PathBuf;

use kymo_platform::clock::Now;
use kymo_protocol::Streams;

use super::Reactor;
use super::host::wake_of;
use super::locals::Wish;
use crate::config::Config;
use crate::limits::RECORDER_BUFFERS;
use crate::recorders::{Folder, Recorder, Recorders, Word};
use crate::report::Report;
use crate::start_error::StartError;

/// Makes and opens the folders of what `config` names: everything else is there later.
pub(super) fn folders(config: &Config) -> Result<Vec<Folder>, StartError> {
    let open = |settings: &crate::RecorderSettings| {
        let path = match (&settings.path, &config.directory) {
            (Some(path), _) => PathBuf::from(path.as_str()),
            (None, Some(directory)) => directory.join("recordings"),
            (None, None) => PathBuf::new(),
        };
        let what = || format!("write recordings in {}", path.display());
        let text = path.to_str().unwrap_or_default();
        Folder::open(settings, text).map_err(|error| StartError::system(what(), error))
    };
    config.recorders.iter().map(open).collect()
}

impl Reactor {
    /// Starts the recorders that the settings name, once it is known what there is to record: to
    /// be called behind [`read_sources`](Self::read_sources) and
    /// [`read_processes`](Self::read_processes). Without recorders it does nothing.
    ///
    /// # Errors
    ///
    /// When there is no place for a subscriber, or no room for a thread.
    pub fn start_recorders(&mut self) -> Result<(), StartError> {
        let settings = self.settings.current().recorders.clone();
        let mut recorders = Vec::new();
        for (folder, settings) in std::mem::take(&mut self.folders).into_iter().zip(&settings) {
            let streams: Streams = settings.streams;
            let rate_mhz = settings.rate_mhz.unwrap_or(0);
            // Not every frame: others may want more of them, and it has its own rate and memory.
            // What comes too fast for it is counted in `merged`.
            let wish = Wish { streams, rate_mhz, ..Wish::default() };
            // Its thread looks by itself.
            let attached = self.attach_with(&wish, Box::new(|| ()), RECORDER_BUFFERS);
            let subscriber = attached.map_err(|error| {
                StartError::system("start a recorder", std::io::Error::other(error.to_string()))
            })?;
            let index = u8::try_from(recorders.len()).unwrap_or(u8::MAX);
            // As random as this run, and another one for each file.
            let identity = self.hub.run().wrapping_add(u64::from(index) << 32);
            recorders.push(Recorder::new(index, settings, subscriber, folder, identity));
        }
        if recorders.is_empty() {
            return Ok(());
        }
        let started = Recorders::start(recorders, Box::new(wake_of(&self.waker)));
        let started = started.map_err(|error| StartError::system("start the recorders", error))?;
        self.recorders = Some(started);
        Ok(())
    }

    /// Hands orders over, and takes in what has become of those before.
    pub(super) fn serve_recorders(&mut self, now: Now) {
        while let Some(order) = self.hub.poll_dump() {
            if self.recorders.as_ref().is_none_or(|recorders| !recorders.ask(order)) {
                self.hub.refuse_dump(order, now);
            }
        }
        let Some(recorders) = &self.recorders else { return };
        while let Some(word) = recorders.take_word() {
            match &word {
                Word::Failed { why, .. } => self.reporter.report(Report::NotRecording(why)),
                Word::Ended { written, why, .. } => {
                    self.reporter.report(Report::Recorded(written.path.as_str(), why));
                }
                Word::Dumped { .. } => {}
            }
            self.hub.handle_recorder(word, now);
        }
        self.hub.tell_recorders(now);
    }

    /// Tells the hub how they are.
    pub(super) fn note_recorders(&mut self) {
        if let Some(recorders) = &self.recorders {
            self.hub.note_recorders(recorders.gauges());
        }
    }
}
