//! Sequences of everything that can happen to a journal but damage, beside a model.

use std::collections::HashMap;

use kymo::journal::{Journal, MemoryStorage, Origin};
use proptest::prelude::*;

use crate::random::Random;
use crate::rig::{Events, checkpoint, commit, frame, key, open, read_all, start};

const SEGMENTS: usize = 4;
const SEGMENT_SIZE: usize = 2048;
const FRAME_SIZE_MAX: usize = 24 + 200;

#[derive(Clone, Debug)]
enum Op {
    /// Events of these sizes, then a commit.
    Turn(Vec<usize>),
    /// A turn in which the process is killed at some write, of which some bytes get through.
    Killed(Vec<usize>, u64, usize),
    Restart,
    CloseAndRestart,
    Reboot,
    CloseAndReboot,
    /// The power goes; what was not synced is there or not.
    PowerLoss(u64),
    FailWrites(u64, usize),
    FailSyncs(u64),
    Sync,
    Discard,
    Revive,
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..200, 1..5)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => sizes().prop_map(Op::Turn),
        4 => (sizes(), 0u64..3, 0usize..900).prop_map(|(s, w, b)| Op::Killed(s, w, b)),
        1 => Just(Op::Restart),
        1 => Just(Op::CloseAndRestart),
        1 => Just(Op::Reboot),
        1 => Just(Op::CloseAndReboot),
        2 => any::<u64>().prop_map(Op::PowerLoss),
        2 => (1u64..4, 0usize..900).prop_map(|(count, size)| Op::FailWrites(count, size)),
        1 => (1u64..3).prop_map(Op::FailSyncs),
        2 => Just(Op::Sync),
        1 => Just(Op::Discard),
        2 => Just(Op::Revive),
    ]
}

struct Model {
    disk: MemoryStorage,
    journal: Option<Journal>,
    epochs: u128,
    boot: u128,
    ids: u64,
    /// What the last journal kept, if it was closed.
    oldest: u64,
    /// What must be there.
    committed: Events,
    /// What may be there: everything that was ever given to a write.
    tried: Vec<(u64, u64)>,
    pending: Vec<(u64, u64)>,
    /// Whether the power was ever lost, and holes are in what was not synced; or writes failed, and
    /// a kill may tear a header of which one copy is torn already.
    is_worn: bool,
    /// What somebody may have been sent.
    seen: HashMap<(u128, u64), u64>,
    /// What survives a loss of power.
    synced: Events,
    /// Where the sequences of rounds of syncing end that failed.
    unsynced_end: u64,
}

impl Model {
    fn new() -> Self {
        let mut model = Self {
            disk: MemoryStorage::new(SEGMENTS, SEGMENT_SIZE),
            journal: None,
            epochs: 0,
            boot: 1,
            ids: 0,
            oldest: 1,
            committed: Events::new(),
            tried: Vec::new(),
            pending: Vec::new(),
            is_worn: false,
            seen: HashMap::new(),
            synced: Events::new(),
            unsynced_end: 1,
        };
        model.reopen(false);
        model
    }

    fn journal(&mut self) -> &mut Journal {
        self.journal.as_mut().unwrap()
    }

    fn see(&mut self, epoch: u128, sequence: u64, id: u64) {
        let known = self.seen.insert((epoch, sequence), id);
        assert!(known.is_none_or(|known| known == id), "{sequence} twice in epoch {epoch}");
    }

    fn append(&mut self, sizes: &[usize]) {
        for size in sizes {
            self.ids += 1;
            let id = self.ids;
            let sequence = self.journal().next() + self.journal().pending();
            if self.journal().append(sequence, &frame(sequence, id, *size), key(id)).is_ok() {
                self.pending.push((sequence, id));
            }
        }
    }

    fn commit(&mut self) {
        self.tried.extend(&self.pending);
        let next = self.journal().next();
        if commit(self.journal()).is_ok() {
            let epoch = self.journal().epoch();
            for (sequence, id) in std::mem::take(&mut self.pending) {
                self.committed.insert(sequence, id);
                self.see(epoch, sequence, id);
            }
        } else {
            assert_eq!(self.journal().next(), next);
            assert_eq!(self.journal().pending(), self.pending.len() as u64);
        }
    }

    /// The journal and its readers agree with what is committed.
    fn check(&mut self) {
        let (events, gaps) = read_all(self.journal(), FRAME_SIZE_MAX);
        let oldest = self.journal().oldest();
        let kept: Events = self.committed.range(oldest..).map(|(s, id)| (*s, *id)).collect();
        assert_eq!(events, kept);
        let known: u64 = gaps.iter().map(|(first, last, _)| last + 1 - first).sum();
        assert_eq!(known + events.len() as u64, self.journal().next() - 1);
    }

    fn reopen(&mut self, was_powerless: bool) {
        let before = self.journal.take().map_or(self.oldest, |journal| journal.oldest());
        self.disk.revive();
        self.epochs += 1;
        let (journal, found) = open(&self.disk, &start(self.epochs, self.boot));
        assert!(was_powerless || journal.oldest() <= before, "history was forgotten");
        let last = self.committed.last_key_value().map_or(0, |(sequence, _)| *sequence);
        for (sequence, id) in &found {
            let is_ours = self.committed.get(sequence) == Some(id);
            let is_survivor = self.tried.contains(&(*sequence, *id));
            assert!(is_ours || is_survivor && (*sequence > last || was_powerless), "{sequence}");
        }
        let must = if was_powerless { &self.synced } else { &self.committed };
        for (sequence, id) in must.range(journal.oldest()..) {
            let is_there = found.get(sequence) == Some(id);
            assert!(is_there || *sequence < before, "{sequence} is lost");
        }
        self.is_worn |= was_powerless;
        if !self.is_worn {
            assert_eq!((journal.recovery().missing, journal.recovery().segments_damaged), (0, 0));
            assert_ne!(journal.recovery().origin, Origin::Damaged);
        }
        let epoch = journal.epoch();
        self.check_tokens(&journal, &found);
        self.journal = Some(journal);
        self.committed = found.clone();
        self.synced.retain(|sequence, id| found.get(sequence) == Some(id));
        self.pending.clear();
        (self.oldest, self.unsynced_end) = (self.journal().oldest(), 1);
        found.iter().for_each(|(sequence, id)| self.see(epoch, *sequence, *id));
    }

    /// Whoever may go on has seen nothing but what is here.
    fn check_tokens(&self, journal: &Journal, found: &Events) {
        for ((epoch, sequence), id) in &self.seen {
            if journal.knows(*epoch, *sequence) {
                assert!(*sequence < journal.next());
                assert!(found.get(sequence).is_none_or(|found| found == id), "{epoch}:{sequence}");
            }
        }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Turn(sizes) => {
                self.append(sizes);
                self.commit();
            }
            Op::Killed(sizes, write, size) => {
                self.disk.kill_at(*write, *size);
                self.append(sizes);
                self.commit();
                self.reopen(false);
            }
            Op::Restart => self.reopen(false),
            Op::Reboot => {
                self.boot += 1;
                self.reopen(false);
            }
            Op::CloseAndRestart | Op::CloseAndReboot => {
                self.close(matches!(op, Op::CloseAndReboot))
            }
            Op::PowerLoss(seed) => {
                let mut random = Random::new(*seed);
                self.disk.lose_power(|| random.index(2) == 0);
                self.boot += 1;
                self.reopen(true);
            }
            Op::FailWrites(count, size) => {
                self.is_worn = true;
                self.disk.fail_writes(*count, *size);
            }
            Op::FailSyncs(count) => self.disk.fail_syncs(*count),
            Op::Sync => self.sync(),
            Op::Discard => {
                self.journal().discard();
                self.pending.clear();
            }
            Op::Revive => {
                self.disk.revive();
            }
        }
    }

    fn close(&mut self, is_reboot: bool) {
        let journal = self.journal.take().unwrap();
        self.oldest = journal.oldest();
        let epoch = journal.epoch();
        let outcome = journal.close();
        self.boot += u128::from(is_reboot);
        self.reopen(false);
        let journal = self.journal();
        // An epoch that never got to the disk can't go on.
        let is_older = journal.recovery().origin == Origin::Continued && journal.epoch() < epoch;
        assert!(outcome.is_err() || is_older || journal.epoch() >= epoch);
    }

    fn sync(&mut self) {
        let Some(round) = self.journal().poll_sync() else { return };
        let mut disk = self.disk.clone();
        let mut failed = 0;
        for segment in 0..SEGMENTS {
            use kymo::journal::Storage;
            if round.segments >> segment & 1 != 0 && disk.sync(segment).is_err() {
                failed |= 1 << segment;
            }
        }
        self.journal().handle_synced(round, failed);
        if failed == 0 {
            self.synced.extend(self.committed.range(self.unsynced_end..round.end));
        } else {
            self.unsynced_end = round.end;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Everything committed is there once, in order; nothing is invented; no sequence is given
    /// twice in an epoch; no token is honoured that should not be.
    #[test]
    fn whatever_happens_it_is_what_the_model_is(ops in prop::collection::vec(op(), 1..80)) {
        let mut model = Model::new();
        for op in &ops {
            model.run(op);
            model.check();
        }
    }
}

#[test]
fn an_epoch_lasts_over_a_restart_in_good_order_and_a_kill() {
    let disk = MemoryStorage::new(SEGMENTS, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    assert_eq!((journal.epoch(), journal.recovery().origin), (1, Origin::New));
    crate::rig::put(&mut journal, 1, 8).unwrap();
    drop(journal);
    let (journal, _) = open(&disk, &start(2, 1));
    assert_eq!((journal.epoch(), journal.recovery().origin), (1, Origin::Continued));
    journal.close().unwrap();
    let (mut journal, _) = open(&disk, &start(3, 2));
    assert_eq!((journal.epoch(), journal.recovery().origin), (1, Origin::Continued));
    crate::rig::put(&mut journal, 2, 8).unwrap();
    drop(journal);
    // The close of the boot before does not vouch for what came behind it.
    let (mut journal, events) = open(&disk, &start(4, 3));
    assert_eq!((journal.epoch(), journal.recovery().origin), (4, Origin::Rebooted));
    assert_eq!((events.len(), journal.next()), (2, 3));
    assert!(journal.knows(1, 2) && !journal.knows(1, 3) && journal.knows(4, 2));
    crate::rig::put(&mut journal, 3, 8).unwrap();
    drop(journal);
    // Without a boot nobody can be sure, but a close is enough.
    let (mut journal, _) = open(&disk, &start(5, 0));
    assert_eq!(journal.recovery().origin, Origin::Rebooted);
    crate::rig::put(&mut journal, 4, 8).unwrap();
    journal.close().unwrap();
    assert_eq!(open(&disk, &start(6, 0)).0.epoch(), 5);
}

/// The sync after a close is not for the bytes at hand: without it, a loss of power would bring
/// the close back, and with it the sequences of all events behind it.
#[test]
fn a_close_never_comes_back() {
    let disk = MemoryStorage::new(SEGMENTS, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    crate::rig::put(&mut journal, 1, 8).unwrap();
    journal.close().unwrap();
    let (mut journal, _) = open(&disk, &start(2, 1));
    assert_eq!(journal.epoch(), 1);
    crate::rig::put(&mut journal, 2, 8).unwrap();
    drop(journal);
    disk.lose_power(|| false);
    let (journal, events) = open(&disk, &start(3, 2));
    assert_eq!((journal.epoch(), journal.next(), events.len()), (3, 2, 1));
    assert!(journal.knows(1, 1) && !journal.knows(1, 2));
    // When the sync fails, the epoch ends instead.
    drop(journal);
    let disk = MemoryStorage::new(SEGMENTS, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    crate::rig::put(&mut journal, 1, 8).unwrap();
    journal.close().unwrap();
    disk.fail_syncs(1);
    assert_eq!(open(&disk, &start(2, 1)).0.epoch(), 2);
}

#[test]
fn a_checkpoint_stands_before_the_events_of_its_segment() {
    let disk = MemoryStorage::new(SEGMENTS, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    for id in 1..=100 {
        crate::rig::put(&mut journal, id, 100).unwrap();
    }
    assert!(journal.oldest() > 1);
    let mut first = None;
    let oldest = journal.oldest();
    drop(journal);
    let visit = |entry: kymo::journal::Entry<'_>| {
        if first.is_none() {
            first = Some(entry == kymo::journal::Entry::Checkpoint(&checkpoint(oldest)));
        }
    };
    Journal::open(Box::new(disk), &start(1, 1), visit).unwrap();
    assert_eq!(first, Some(true));
}
