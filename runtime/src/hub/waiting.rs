//! Submits that wait: for the turn's commit, for the disk, for the answers before them.

use kymo_platform::clock::Now;
use kymo_protocol::{Ack, ErrorCode, ReplyFields};

use super::Hub;
use super::answers::{write_ack, write_id};
use crate::control::{RequestId, Slot, Waiting};
use crate::conversation::Mistake;
use crate::journal::SyncRound;
use crate::limits::{CONTROL_MAX, JOURNAL_RETRY_NS};

/// How far a submitted event is from what its publisher waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Coming,
    Come,
    /// It was not written, and has no sequence.
    Lost,
    /// It was written, and the disk failed to sync it.
    Unsynced,
}

/// Why a publisher does not get what it waits for.
pub(super) fn not_written() -> Mistake {
    not_kept(Progress::Lost)
}

fn not_kept(progress: Progress) -> Mistake {
    let text = match progress {
        Progress::Unsynced => "the event is in the journal, but the disk failed to sync it",
        _ => "the journal can't be written; the event was not taken",
    };
    Mistake::new(ErrorCode::JournalFailed, format_args!("{text}"))
}

impl Hub {
    /// How far event `sequence` has come towards what `ack` says.
    fn progress(&mut self, ack: Ack, sequence: u64) -> Progress {
        let has_come = match (ack, self.log.journal()) {
            (Ack::Synced, Some(journal)) if journal.is_unsynced(sequence) => {
                return Progress::Unsynced;
            }
            (Ack::Synced, Some(journal)) => sequence < journal.synced(),
            _ => sequence < self.log.next(),
        };
        if has_come { Progress::Come } else { Progress::Coming }
    }

    /// Answers what a connection waits for, as far as that has come: in the order of its requests.
    pub(super) fn answer_waiting(&mut self, place: usize, now: Now) {
        loop {
            let Some(slot) = self.control.slot(place) else { return };
            let progress = match slot.waiting.front() {
                Some(Waiting::Submit { ack, sequence, .. }) => {
                    let (ack, sequence) = (*ack, *sequence);
                    self.progress(ack, sequence)
                }
                Some(Waiting::Lost { .. }) => Progress::Lost,
                Some(Waiting::Dump { .. } | Waiting::Command { .. }) | None => return,
            };
            if progress == Progress::Coming {
                return;
            }
            let Some(slot) = self.control.slot(place) else { return };
            match slot.waiting.pop_front() {
                Some(Waiting::Submit { id, ack, sequence }) if progress == Progress::Come => {
                    self.confirm(place, &id, ack, sequence, now);
                }
                Some(Waiting::Submit { id, .. } | Waiting::Lost { id }) => {
                    self.refuse_request(place, &id, &not_kept(progress), now);
                }
                Some(Waiting::Dump { .. } | Waiting::Command { .. }) | None => return,
            }
        }
    }

    /// Events from `first` on were not written: their publishers are told in their turn.
    pub(super) fn lose_from(&mut self, first: u64, now: Now) {
        self.retry_ns = Some(now.mono_ns + JOURNAL_RETRY_NS);
        self.keys.forget_from(first);
        for (_, slot) in self.control.slots() {
            for waiting in &mut slot.waiting {
                if let Waiting::Submit { id, sequence, .. } = waiting
                    && *sequence >= first
                {
                    *waiting = Waiting::Lost { id: std::mem::take(id) };
                }
            }
        }
    }

    /// Tells every publisher that waits what has become of its events.
    pub(super) fn answer_publishers(&mut self, now: Now) {
        for place in 0..CONTROL_MAX {
            let waiting = |slot: Option<&mut Slot>| slot.map_or(0, |slot| slot.waiting.len());
            let before = waiting(self.control.slot(place));
            if before > 0 {
                self.answer_waiting(place, now);
            }
            if waiting(self.control.slot(place)) < before {
                self.expect_rest(place);
            }
        }
    }

    fn confirm(&mut self, place: usize, id: &RequestId, ack: Ack, sequence: u64, now: Now) {
        let fields = ReplyFields { ack: Some(ack), sequence, ..ReplyFields::default() };
        self.reply(place, id, fields, now, |w| {
            w.raw("{\"status\":\"success\"");
            write_id(w, id);
            write_ack(w, ack);
            w.raw(",\"stream\":\"events\",\"seq\":");
            w.integer(sequence);
        });
    }

    /// What is to be synced, because a publisher waits for that.
    #[must_use]
    pub fn poll_sync(&mut self) -> Option<SyncRound> {
        let is_wanted = self.control.slots().any(|(_, slot)| {
            slot.waiting
                .iter()
                .any(|waiting| matches!(waiting, Waiting::Submit { ack: Ack::Synced, .. }))
        });
        self.log.journal().filter(|_| is_wanted)?.poll_sync()
    }

    /// A round of syncing has ended; `failed` has the bits of the segments that were not synced.
    pub fn handle_synced(&mut self, sync: SyncRound, failed: u64, now: Now) {
        let Some(journal) = self.log.journal() else { return };
        journal.handle_synced(sync, failed);
        self.answer_publishers(now);
    }
}
