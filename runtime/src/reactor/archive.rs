//! The journal's files: opened at the start, synced while the loop runs, closed at its end.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use kymo_platform::clock::Now;
use kymo_platform::{durability, random};
use mio::Waker;

use super::Reactor;
use super::syncer::Syncer;
use crate::config::{Config, JournalSettings};
use crate::history::History;
use crate::journal::{Files, Start, Storage};
use crate::limits::{JOURNAL_SEGMENT_SIZE, JOURNAL_SEGMENTS, JOURNAL_SEGMENTS_MAX};
use crate::report::Report;
use crate::start_error::StartError;

/// What is known of the runs before, and the files to sync.
pub struct Archive {
    /// What the journal says.
    pub history: History,
    files: Option<Vec<File>>,
}

impl Archive {
    /// Opens the journal that `config` names.
    pub fn open(config: &Config, epoch: u128) -> Result<Self, StartError> {
        let Some(settings) = &config.journal else {
            return Ok(Self { history: History::none(), files: None });
        };
        let path = match (&settings.path, &config.directory) {
            (Some(path), _) => PathBuf::from(path.as_str()),
            (None, Some(directory)) => directory.join("journal"),
            (None, None) => {
                return Err(StartError::system(
                    "open the journal",
                    std::io::Error::other("neither journal.path nor a directory is set"),
                ));
            }
        };
        let system = |error| StartError::system(format!("open journal {}", path.display()), error);
        let (segments, segment_size) = measures(settings);
        let storage = Files::open(&path, segments, segment_size)?;
        let files = storage.try_clone_files().map_err(system)?;
        let is_lasting =
            files.first().is_some_and(|file| durability::is_lasting(file).unwrap_or(false));
        let start = Start {
            epoch,
            #[allow(clippy::cast_possible_truncation)] // half of it is random enough
            salt: random::random_u128().map_err(system)? as u64,
            boot: durability::boot_id().unwrap_or(0),
        };
        let storage: Box<dyn Storage> = Box::new(storage);
        let history = History::open(storage, &start, is_lasting).map_err(system)?;
        let files = is_lasting.then_some(files);
        Ok(Self { history, files })
    }

    /// Starts the thread that syncs, where that is of use.
    pub fn syncer(
        files: Option<Vec<File>>,
        waker: &Arc<Waker>,
    ) -> Result<Option<Syncer>, StartError> {
        let start = |files| Syncer::new(files, Arc::clone(waker));
        files
            .map(start)
            .transpose()
            .map_err(|error| StartError::system("start the thread that syncs", error))
    }

    /// The files to sync, if syncing is of use.
    pub fn take_files(&mut self) -> Option<Vec<File>> {
        self.files.take()
    }
}

/// Segments of the usual size, unless there would be too few or too many.
fn measures(settings: &JournalSettings) -> (usize, usize) {
    let bytes = settings.bytes as usize;
    let count = (bytes / JOURNAL_SEGMENT_SIZE).clamp(JOURNAL_SEGMENTS, JOURNAL_SEGMENTS_MAX);
    (count, bytes / count / 4096 * 4096)
}

impl Reactor {
    /// Sees to it that what publishers want synced is.
    pub(super) fn sync(&mut self, now: Now) {
        let Some(syncer) = &mut self.syncer else { return };
        if let Some((sync, failed)) = syncer.take_done() {
            self.hub.handle_synced(sync, failed, now);
        }
        if !syncer.is_busy()
            && let Some(sync) = self.hub.poll_sync()
        {
            syncer.ask(sync);
        }
    }

    /// Says when the journal begins to fail, and when it works again.
    pub(super) fn watch_journal(&mut self) {
        let error = self.hub.journal_error();
        if error.is_some() != self.is_journal_failing {
            self.is_journal_failing = error.is_some();
            self.reporter.report(error.map_or(Report::Writing, Report::NotWriting));
        }
    }

    /// Ends the journal in good order; waits for the disk.
    pub(super) fn close_journal(&mut self) {
        if let Some(journal) = self.hub.take_journal() {
            // That costs no event, at most the epoch.
            let _ = journal.close();
        }
    }
}
