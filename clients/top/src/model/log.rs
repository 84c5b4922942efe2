//! Events, losses and notices, in the order in which they came; a bounded number of them.

use std::collections::VecDeque;

use crate::clean::clean;
use crate::limits::{DETAIL_MAX, LOG_MAX};

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// An application: an event with this sequence, or 0 for a snapshot.
    Event {
        /// Its place in the history.
        sequence: u64,
        /// Whether it is told once more.
        is_again: bool,
    },
    /// Something is lost.
    Loss,
    /// The dashboard.
    Notice,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was.
    pub wall_ns: u64,
    /// Who says it.
    pub said: Said,
    /// An event's topic; without characters that a terminal would act on.
    pub topic: String,
    /// What it says; the same.
    pub detail: String,
}

impl Entry {
    pub(super) fn event(
        wall_ns: u64,
        sequence: u64,
        topic: &str,
        detail: &str,
        is_again: bool,
    ) -> Self {
        let said = Said::Event { sequence, is_again: is_again && sequence > 0 };
        Self { wall_ns, said, topic: cut(topic), detail: cut(detail) }
    }

    pub(super) fn notice(wall_ns: u64, said: Said, text: String) -> Self {
        Self { wall_ns, said, topic: String::new(), detail: cut(&text) }
    }
}

fn cut(text: &str) -> String {
    clean(text.chars().take(DETAIL_MAX))
}

/// The lines; see the module.
#[derive(Clone, Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    events: u64,
}

impl Log {
    pub(super) fn push(&mut self, entry: Entry) {
        // A snapshot is none.
        let is_new = matches!(entry.said, Said::Event { sequence: 1.., is_again: false });
        self.events += u64::from(is_new);
        if self.entries.len() == LOG_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Events that came, those told once more apart.
    pub fn events(&self) -> u64 {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let mut log = Log::default();
        for sequence in 1..=LOG_MAX as u64 + 3 {
            log.push(Entry::event(0, sequence, "t", "", false));
        }
        assert_eq!((log.len(), log.events()), (LOG_MAX, LOG_MAX as u64 + 3));
        let oldest = log.newest().last().map(|entry| entry.said);
        assert_eq!(oldest, Some(Said::Event { sequence: 4, is_again: false }));
    }

    #[test]
    fn only_new_events_are_counted() {
        let mut log = Log::default();
        // A snapshot, one of the history that is told again, and a new one.
        for (sequence, is_again) in [(0, true), (4, true), (5, false)] {
            log.push(Entry::event(0, sequence, "t", "", is_again));
        }
        assert_eq!((log.len(), log.events()), (3, 1));
    }

    #[test]
    fn what_strangers_say_is_harmless_and_short() {
        let detail = format!("\u{1b}[2J\u{202e}{}", "x".repeat(5000));
        let entry = Entry::event(0, 1, "a\nb", &detail, false);
        assert_eq!(entry.topic, "a�b");
        assert!(entry.detail.starts_with("�[2J�x"));
        assert_eq!(entry.detail.chars().count(), DETAIL_MAX);
    }
}
