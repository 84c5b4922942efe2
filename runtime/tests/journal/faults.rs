//! Kills at every write and every byte of it; writes and syncs that fail.

use kymo::journal::{Full, Hint, Journal, MemoryStorage, Read, Storage};
use kymo_protocol::GapReason;

use crate::rig::{Events, commit, frame, key, open, put, read_all, start};

const SEGMENT_SIZE: usize = 2048;

/// Appends events with these ids.
fn append(journal: &mut Journal, ids: std::ops::Range<u64>, size: usize) {
    for id in ids {
        let sequence = journal.next() + journal.pending();
        journal.append(sequence, &frame(sequence, id, size), key(id)).unwrap();
    }
}

/// A journal whose sequences and ids are the same, up to `count`.
fn filled(disk: &MemoryStorage, count: u64) -> Journal {
    let (mut journal, _) = open(disk, &start(1, 1));
    for id in 1..=count {
        put(&mut journal, id, 40).unwrap();
    }
    journal
}

fn same(range: impl Iterator<Item = u64>) -> Events {
    range.map(|sequence| (sequence, sequence)).collect()
}

/// Of a batch, whatever got through is its beginning, without a gap and in the same epoch; and the
/// next events lie over the rest.
#[test]
fn a_batch_torn_at_every_byte() {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    drop(filled(&disk, 5));
    let mut survivors = [0; 4];
    for size in 0..400 {
        let disk = disk.copy();
        let (mut journal, _) = open(&disk, &start(2, 1));
        disk.kill_at(0, size);
        append(&mut journal, 6..9, 40);
        let outcome = commit(&mut journal);
        drop(journal);
        assert!(outcome.is_err() && disk.revive());
        let (mut journal, found) = open(&disk, &start(3, 1));
        let last = journal.next() - 1;
        assert_eq!(found, same(1..=last), "{size}");
        survivors[usize::try_from(last - 5).unwrap()] += 1;
        assert_eq!((journal.epoch(), journal.recovery().missing), (1, 0));
        put(&mut journal, 1000, 3).unwrap();
        put(&mut journal, 1001, 0).unwrap();
        drop(journal);
        let (mut journal, found) = open(&disk, &start(4, 1));
        let mut expected = same(1..=last);
        expected.extend([(last + 1, 1000), (last + 2, 1001)]);
        assert_eq!(found, expected);
        assert_eq!(read_all(&mut journal, 200), (expected, Vec::new()));
        assert_eq!(journal.recovery().segments_damaged, 0);
    }
    assert!(survivors.iter().all(|count| *count > 40), "{survivors:?}");
}

/// Through three laps: a kill at each write, of which each possible part gets through.
#[test]
fn a_kill_at_every_write() {
    let clean = MemoryStorage::new(3, SEGMENT_SIZE);
    drop(filled(&clean, 60));
    let writes = clean.writes();
    for write in 0..writes {
        for size in [0, 1, 100, 255, 256, 300, 511, 512, SEGMENT_SIZE] {
            let disk = MemoryStorage::new(3, SEGMENT_SIZE);
            disk.kill_at(write, size);
            let mut committed = 0;
            let mut oldest = 1;
            if let Ok(mut journal) = Journal::open(Box::new(disk.clone()), &start(1, 1), |_| ()) {
                while put(&mut journal, committed + 1, 40).is_ok() {
                    committed += 1;
                    oldest = journal.oldest();
                }
                // Told before the first byte of the reused segment was written.
                assert!(journal.oldest() >= oldest);
            }
            assert!(disk.revive());
            let (mut journal, found) = open(&disk, &start(2, 1));
            let end = journal.next();
            assert!(end == committed + 1 || end == committed + 2, "{write} {size}");
            // If the kill came in the middle of a rotation, the older history may be there still.
            let first = found.keys().next().copied().unwrap_or(end);
            assert_eq!(found, same(first..end));
            assert!(first <= journal.oldest().max(oldest), "{first} {oldest} at {write} {size}");
            assert!(committed == 0 || journal.epoch() == 1);
            put(&mut journal, end, 40).unwrap();
            assert_eq!(read_all(&mut journal, 200).0.last_key_value(), Some((&end, &end)));
        }
    }
}

/// A write that fails once costs nothing: the batch goes into another segment.
#[test]
fn a_write_that_fails_once() {
    for torn in [0, 50, 100, 255, 300, 1000, SEGMENT_SIZE] {
        for before in 1..60 {
            let disk = MemoryStorage::new(4, SEGMENT_SIZE);
            let mut journal = filled(&disk, before);
            disk.fail_writes(1, torn);
            for id in before + 1..before + 4 {
                put(&mut journal, id, 40).unwrap();
            }
            let kept = same(journal.oldest()..before + 4);
            assert_eq!(read_all(&mut journal, 200).0, kept);
            drop(journal);
            let (mut journal, found) = open(&disk, &start(2, 1));
            assert_eq!(found, kept, "{torn} {before}");
            assert_eq!((journal.epoch(), journal.recovery().missing), (1, 0));
            assert_eq!(read_all(&mut journal, 200).0, kept);
        }
    }
}

/// A disk that is gone for good: commits fail, the events wait, what was written is read on, and
/// history is not eaten up by the tries. When the disk is back, everything goes on.
#[test]
fn writes_that_fail_for_long() {
    for torn in [0, 100, 300, 600] {
        let disk = MemoryStorage::new(8, SEGMENT_SIZE);
        let mut journal = filled(&disk, 150);
        let oldest = journal.oldest();
        disk.fail_writes(u64::MAX, torn);
        append(&mut journal, 151..153, 40);
        for _ in 0..50 {
            assert!(commit(&mut journal).is_err());
            assert_eq!((journal.next(), journal.pending()), (151, 2));
            assert!(journal.is_failing());
        }
        let kept = read_all(&mut journal, 200).0;
        assert_eq!(kept, same(journal.oldest()..151));
        assert!(journal.oldest() - oldest < 50, "at most two segments");
        disk.revive();
        commit(&mut journal).unwrap();
        assert!(!journal.is_failing());
        put(&mut journal, 153, 40).unwrap();
        drop(journal);
        let (_, found) = open(&disk, &start(2, 1));
        assert_eq!(found, same(*kept.first_key_value().unwrap().0..154));
    }
}

/// What a failed write left behind is not found when its batch was given up, and if a loss of power
/// brings it up again, its sequences were nobody else's.
#[test]
fn what_was_discarded_does_not_come_back() {
    for torn in 0..700 {
        let disk = MemoryStorage::new(4, SEGMENT_SIZE);
        let mut journal = filled(&disk, 5);
        for segment in 0..4 {
            Storage::sync(&mut disk.clone(), segment).unwrap();
        }
        disk.fail_writes(2, torn);
        append(&mut journal, 100..104, 16);
        assert!(commit(&mut journal).is_err());
        journal.discard();
        disk.revive();
        put(&mut journal, 10, 40).unwrap();
        put(&mut journal, 11, 40).unwrap();
        assert_eq!(read_all(&mut journal, 200).1, [(6, 9, GapReason::Unjournalled)]);
        drop(journal);
        let mut expected = same(1..6);
        expected.extend([(10, 10), (11, 11)]);
        assert_eq!(open(&disk, &start(2, 1)).1, expected, "{torn}");
        // All that is lost is the header that made it void.
        let voided = (0..4).max_by_key(|segment| disk.bytes(*segment)[32]).unwrap();
        disk.flip(voided, 0, 1);
        disk.flip(voided, 256, 1);
        let (journal, found) = open(&disk, &start(3, 1));
        assert!(found.iter().all(|(sequence, id)| *id == *sequence || (6..10).contains(sequence)));
        assert!(!journal.knows(1, 10));
    }
}

/// The same when the process ends before it can give the batch up.
#[test]
fn sequences_of_a_failed_write_are_passed_over() {
    let disk = MemoryStorage::new(4, SEGMENT_SIZE);
    let mut journal = filled(&disk, 5);
    disk.fail_writes(1, 0);
    disk.kill_at(2, 0);
    append(&mut journal, 100..104, 16);
    assert!(commit(&mut journal).is_err());
    drop(journal);
    assert!(disk.revive());
    let (mut journal, found) = open(&disk, &start(2, 1));
    assert_eq!((found, journal.next(), journal.epoch()), (same(1..6), 10, 1));
    assert_eq!(read_all(&mut journal, 200).1, [(6, 9, GapReason::Damage)]);
}

/// A failed sync: the segment is not written any more, and never said to be synced.
#[test]
fn a_sync_that_fails() {
    let disk = MemoryStorage::new(4, SEGMENT_SIZE);
    let mut journal = filled(&disk, 5);
    let first = journal.poll_sync().unwrap();
    assert_eq!((first.end, journal.poll_sync()), (6, None));
    journal.handle_synced(first, first.segments);
    assert_eq!(journal.synced(), 1);
    put(&mut journal, 6, 40).unwrap();
    let second = journal.poll_sync().unwrap();
    assert_eq!(second.end, 7);
    // The current segment was the only one in use; another was begun.
    let used = (0..4).find(|segment| disk.bytes(*segment)[32] == 1).unwrap();
    assert_ne!(second.segments, 1 << used);
    journal.handle_synced(second, 0);
    assert_eq!(journal.synced(), 7);
}

/// A header whose write failed may be there all the same, and end the segment before it: nothing
/// more goes into that one, though a smaller batch would fit.
#[test]
fn after_a_failed_rotation_the_segment_before_is_left() {
    let disk = MemoryStorage::new(4, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    put(&mut journal, 1, 1000).unwrap();
    disk.fail_writes(2, 512);
    append(&mut journal, 2..3, 1000);
    assert!(commit(&mut journal).is_err());
    journal.discard();
    put(&mut journal, 2, 0).unwrap();
    drop(journal);
    assert_eq!(open(&disk, &start(2, 1)).1, same(1..3));
}

/// The newest events are not overwritten, though all other segments be dead.
#[test]
fn the_newest_segment_is_never_begun_anew() {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    let mut journal = filled(&disk, 40);
    let newest = (0..3).max_by_key(|segment| disk.bytes(*segment)[32]).unwrap();
    let round = journal.poll_sync().unwrap();
    journal.handle_synced(round, round.segments & !(1 << newest));
    append(&mut journal, 41..42, 1200);
    // Of the rotation the header gets through, of the batch nothing.
    disk.kill_at(1, 0);
    assert!(commit(&mut journal).is_err());
    disk.revive();
    commit(&mut journal).unwrap();
    let (events, _) = read_all(&mut journal, 1500);
    assert!(events.contains_key(&40) && events.contains_key(&41));
}

/// A dead segment that was passed over is not kept once younger ones are gone, nor found again.
#[test]
fn a_dead_segment_does_not_outlive_younger_ones() {
    let disk = MemoryStorage::new(4, SEGMENT_SIZE);
    let mut journal = filled(&disk, 20);
    let round = journal.poll_sync().unwrap();
    journal.handle_synced(round, 1);
    let mut id = 20;
    while journal.oldest() == 1 {
        id += 1;
        put(&mut journal, id, 40).unwrap();
    }
    let kept = same(journal.oldest()..id + 1);
    assert_eq!(read_all(&mut journal, 200).0, kept);
    drop(journal);
    let (journal, found) = open(&disk, &start(2, 1));
    assert_eq!((found, journal.recovery().missing), (kept, 0));
}

/// However full a segment is, there is room to close it.
#[test]
fn there_is_always_room_to_close() {
    for count in 1..1000 {
        let disk = MemoryStorage::new(3, SEGMENT_SIZE);
        let mut journal = filled(&disk, count % 25);
        put(&mut journal, 1000, usize::try_from(count / 25 * 8).unwrap()).unwrap();
        journal.close().unwrap();
        let (journal, _) = open(&disk, &start(2, 2));
        assert_eq!(journal.epoch(), 1, "{count}");
        journal.close().unwrap();
        assert_eq!(open(&disk, &start(3, 3)).0.epoch(), 1, "{count}");
    }
}

/// A hint is for one sequence; with another it is no hint.
#[test]
fn a_wrong_hint_does_no_harm() {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    let mut journal = filled(&disk, 10);
    let mut buffer = [0; 200];
    let mut hint = Hint::default();
    let Read::Frames { end, .. } = journal.read(3, &mut hint, &mut buffer).unwrap() else {
        panic!("3 to 5 are there");
    };
    assert!(end > 4);
    for from in 1..=10 {
        let mut hint = hint;
        let read = journal.read(from, &mut hint, &mut buffer).unwrap();
        assert!(matches!(read, Read::Frames { first, .. } if first == from), "{from}: {read:?}");
    }
}

#[test]
fn full_is_an_outcome() {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    let mut count = 0;
    while journal.append(count + 1, &frame(count + 1, count + 1, 40), key(count + 1)).is_ok() {
        count += 1;
    }
    assert!(count > 10);
    commit(&mut journal).unwrap();
    assert_eq!(journal.next(), count + 1);
    assert_eq!(journal.append(count + 1, &[0; SEGMENT_SIZE], None), Err(Full));
    put(&mut journal, count + 1, 40).unwrap();
    assert_eq!(read_all(&mut journal, 200).0, same(1..count + 2));
    let small = journal.read(1, &mut Hint::default(), &mut [0; 8]);
    assert_eq!(small.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

/// Retention is by whole segments, and told as such.
#[test]
fn what_is_no_longer_kept_is_a_gap() {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    let mut journal = filled(&disk, 100);
    let oldest = journal.oldest();
    assert!(oldest > 50);
    let (events, gaps) = read_all(&mut journal, 200);
    assert_eq!(events, same(oldest..101));
    assert_eq!(gaps, [(1, oldest - 1, GapReason::Retention)]);
    drop(journal);
    assert_eq!(open(&disk, &start(2, 1)).0.oldest(), oldest);
}

#[test]
fn measures_out_of_bounds_are_refused() {
    for (segments, size) in [(0, 4096), (2, 4096), (65, 4096), (3, 0), (3, 512), (3, 4095)] {
        let disk = MemoryStorage::new(segments, size);
        let error = Journal::open(Box::new(disk), &start(1, 1), |_| ()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{segments} {size}");
    }
}
