//! What a start takes up from the run before: the journal, and what its events say about the
//! application's state and about what was submitted.

use std::io;

use kymo_protocol::Event;
use kymo_protocol::limits::HEADER_SIZE;

use crate::activity::Activity;
use crate::journal::{Entry, Journal, Start, Storage};
use crate::keys::Keys;

/// What is known at a start; see the module.
#[derive(Debug)]
pub struct History {
    pub(crate) journal: Option<Journal>,
    /// Whether what is synced survives a loss of power.
    pub(crate) is_lasting: bool,
    pub(crate) activity: Activity,
    pub(crate) keys: Keys,
}

impl History {
    /// Nothing is known, and nothing will be kept.
    #[must_use]
    pub fn none() -> Self {
        Self { journal: None, is_lasting: false, activity: Activity::default(), keys: Keys::new() }
    }

    /// Reads a journal. `is_lasting` says whether what is synced survives a loss of power: on a
    /// file system in memory nothing does.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    pub fn open(storage: Box<dyn Storage>, start: &Start, is_lasting: bool) -> io::Result<Self> {
        let mut activity = Activity::default();
        let mut keys = Keys::new();
        let journal = Journal::open(storage, start, |entry| match entry {
            Entry::Checkpoint(bytes) => activity = Activity::from_checkpoint(bytes),
            Entry::Event { sequence, frame, key } => {
                if let Ok(event) = Event::parse(frame.get(HEADER_SIZE..).unwrap_or_default()) {
                    activity.apply(event, sequence);
                }
                if let Some((client, number)) = key {
                    keys.remember(client, number, sequence);
                }
            }
        })?;
        Ok(Self { journal: Some(journal), is_lasting, activity, keys })
    }
}
