//! Whatever is damaged in a journal: it opens, what it gives back was written under that sequence,
//! what it does not give back is a gap, and what the damage does not hit is there.
//!
//! The bytes of a case say what is written, and then what is damaged. It is a fuzz target as well.

use std::ops::Range;

use kymo::journal::{Journal, MemoryStorage, Origin};
use kymo_protocol::GapReason;

use crate::rig::{Events, commit, frame, key, open, put, read, start};

/// Bytes of a segment that its two headers take.
const HEADERS_SIZE: usize = 512;

/// Writes of a case, and damages.
const WRITES_MAX: u8 = 64;
const DAMAGES_MAX: usize = 32;

/// The boot in which everything is damaged.
const BOOT: u128 = 9;

/// The bytes of a case, zeros when they are used up.
struct Case<'a>(&'a [u8]);

impl Case<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % bound
    }
}

/// Events that were committed together, and where they lie.
struct Batch {
    sequences: Range<u64>,
    segment: usize,
    bytes: Range<usize>,
}

/// A journal as its writer left it.
struct Image {
    disk: MemoryStorage,
    segments: usize,
    segment_size: usize,
    /// All that was ever written.
    written: Events,
    batches: Vec<Batch>,
    /// What the journal still holds, the sequence to come, and their epoch.
    kept: Events,
    next: u64,
    epoch: u128,
}

impl Image {
    fn write(case: &mut Case<'_>) -> Self {
        let (segments, segment_size) = (3 + case.below(3), 1024 << case.below(3));
        let disk = MemoryStorage::new(segments, segment_size);
        let mut image = Self {
            disk: disk.clone(),
            segments,
            segment_size,
            written: Events::new(),
            batches: Vec::new(),
            kept: Events::new(),
            next: 1,
            epoch: 1,
        };
        let (mut journal, mut epoch, mut boot) = (open(&disk, &start(1, 1)).0, 1, 1);
        for _ in 0..case.byte().min(WRITES_MAX) {
            let write = case.byte();
            match write % 16 {
                // The process ends in one of three ways; the machine goes down or does not.
                end @ 13.. => {
                    image.commit(&mut journal);
                    if end == 15 {
                        journal.close().unwrap();
                    } else {
                        drop(journal);
                    }
                    boot += u128::from(end != 13);
                    epoch += 1;
                    journal = open(&disk, &start(epoch, boot)).0;
                }
                times => {
                    for _ in 0..=times / 4 {
                        image.append(&mut journal, usize::from(write / 2));
                    }
                    if times % 4 != 0 {
                        image.commit(&mut journal);
                    }
                }
            }
        }
        image.commit(&mut journal);
        journal.close().unwrap();
        // What is damaged is a journal in use, whose epoch is told by an event of it.
        journal = open(&disk, &start(epoch + 1, BOOT)).0;
        image.append(&mut journal, 0);
        image.commit(&mut journal);
        drop(journal);
        (journal, image.kept) = open(&disk, &start(epoch + 2, BOOT));
        (image.next, image.epoch) = (journal.next(), journal.epoch());
        let last = image.written.len() as u64;
        assert!(image.kept.iter().all(|(sequence, id)| image.written.get(sequence) == Some(id)));
        assert_eq!((image.next, image.kept.len() as u64), (last + 1, last + 1 - journal.oldest()));
        image
    }

    fn append(&mut self, journal: &mut Journal, size: usize) {
        let sequence = journal.next() + journal.pending();
        let id = self.written.len() as u64 + 1000;
        let bytes = frame(sequence, id, size);
        if journal.append(sequence, &bytes, key(id)).is_err() {
            self.commit(journal);
            journal.append(sequence, &bytes, key(id)).expect("an empty batch has room");
        }
        self.written.insert(sequence, id);
    }

    fn bytes(&self) -> Vec<Vec<u8>> {
        (0..self.segments).map(|segment| self.disk.bytes(segment)).collect()
    }

    fn commit(&mut self, journal: &mut Journal) {
        let (first_sequence, before) = (journal.next(), self.bytes());
        commit(journal).unwrap();
        for (segment, (old, new)) in before.iter().zip(self.bytes()).enumerate() {
            let changes = old.iter().zip(&new).enumerate().skip(HEADERS_SIZE);
            let mut changes = changes.filter(|(_, (old, new))| old != new).map(|(at, _)| at);
            let Some(first) = changes.next() else { continue };
            // Records begin at multiples of 8; that all of such a piece was there before is as good
            // as impossible.
            let bytes =
                first / 8 * 8..(changes.next_back().unwrap_or(first) + 1).next_multiple_of(8);
            self.batches.push(Batch { sequences: first_sequence..journal.next(), segment, bytes });
        }
    }

    /// Damages it as the case says; which bytes of each segment were hit.
    fn damage(&self, case: &mut Case<'_>) -> Vec<Vec<bool>> {
        let mut is_hit = vec![vec![false; self.segment_size]; self.segments];
        for _ in 0..DAMAGES_MAX {
            if case.0.is_empty() {
                break;
            }
            let kind = case.byte();
            let (segment, offset) = (case.below(self.segments), case.below(self.segment_size));
            let room = self.segment_size - offset;
            let new: Vec<u8> = match kind % 5 {
                0 => vec![self.disk.bytes(segment)[offset] ^ case.byte()],
                1 => (0..case.below(64).min(room)).map(|_| case.byte()).collect(),
                2 => vec![case.byte(); case.below(room)],
                // Something that is whole, elsewhere.
                3 => {
                    let from = case.below(self.segments);
                    let at = if case.byte().is_multiple_of(2) { offset } else { case.below(room) };
                    let size =
                        case.below(self.segment_size).min(self.segment_size - offset.max(at));
                    self.disk.bytes(from)[at..at + size].to_vec()
                }
                _ => {
                    self.disk.truncate(segment, offset);
                    is_hit[segment][offset..].fill(true);
                    continue;
                }
            };
            let old = self.disk.bytes(segment);
            for (at, (old, new)) in (offset..).zip(old[offset..].iter().zip(new)) {
                if *old != new {
                    self.disk.flip(segment, at, old ^ new);
                    is_hit[segment][at] = true;
                }
            }
        }
        is_hit
    }
}

/// Writes, damages and opens a journal as `data` says.
pub fn check(data: &[u8]) {
    let mut case = Case(data);
    let image = Image::write(&mut case);
    let is_hit = image.damage(&mut case);
    let is_whole = is_hit.concat().iter().all(|is_hit| !is_hit);
    let (mut journal, found) = open(&image.disk, &start(1000, BOOT));
    for (sequence, id) in &found {
        assert_eq!(image.written.get(sequence), Some(id), "{sequence} was never written");
    }
    for batch in &image.batches {
        let is_hit = &is_hit[batch.segment];
        if is_hit[..HEADERS_SIZE].contains(&true) || is_hit[batch.bytes.clone()].contains(&true) {
            continue;
        }
        for sequence in batch.sequences.clone().filter(|s| image.kept.contains_key(s)) {
            assert!(found.contains_key(&sequence), "{sequence} was not hit, and is gone");
        }
    }
    // What is not there is told.
    let (events, gaps) = read(&mut journal, 1, 1024, true);
    assert_eq!(events, found);
    let damaged = gaps.iter().filter(|(.., reason)| *reason == GapReason::Damage);
    let damaged: u64 = damaged.map(|(first, last, _)| last + 1 - first).sum();
    let recovery = *journal.recovery();
    assert_eq!(damaged, journal.next() - journal.oldest() - found.len() as u64);
    assert_eq!((damaged, found.len() as u64), (recovery.missing, recovery.events));
    assert!(damaged == 0 || recovery.segments_damaged > 0);
    let is_missing = found.len() < image.kept.len();
    assert!(!is_missing || !is_whole, "{recovery:?}");
    if journal.epoch() == image.epoch {
        assert_eq!(recovery.origin, Origin::Continued);
        assert!(journal.next() <= image.next);
    } else {
        assert!(!is_whole && !journal.knows(image.epoch, journal.next()));
    }
    go_on(&image, journal, found);
}

/// What was saved stays, and what comes is kept as well.
fn go_on(image: &Image, mut journal: Journal, mut found: Events) {
    let (next, oldest) = (journal.next(), journal.oldest());
    put(&mut journal, 7, 40).unwrap();
    found.insert(next, 7);
    let epoch = journal.epoch();
    drop(journal);
    let (journal, again) = open(&image.disk, &start(1001, BOOT));
    assert_eq!((journal.epoch(), journal.next()), (epoch, next + 1));
    // It may have taken the place of the oldest.
    assert!(journal.oldest() >= oldest);
    found.retain(|sequence, _| *sequence >= journal.oldest());
    assert_eq!(again, found);
}

#[test]
fn the_seeds_of_the_fuzz_target_hold() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(folder.join("../fuzz/seeds/journal_recover")).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 8, "seeds are missing");
}

/// As the fuzz target does, without its guidance.
#[test]
fn whatever_is_damaged_nothing_wrong_comes_back() {
    let mut random = crate::random::Random::new(20);
    for _ in 0..100 {
        let size = 20 + random.index(180);
        let data: Vec<u8> = (0..size).map(|_| random.next().to_le_bytes()[0]).collect();
        check(&data);
    }
}
