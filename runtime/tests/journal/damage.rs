//! Flipped bytes, lost headers, shortened segments, forged records.

use kymo::journal::{Journal, MemoryStorage, Origin};
use kymo_protocol::GapReason;

use crate::random::Random;
use crate::rig::{Events, commit, frame, key, open, put, read, read_all, start};

const SEGMENT_SIZE: usize = 2560;

/// Three segments after several laps, with batches of one to three events; what is in them.
fn worn() -> (MemoryStorage, Events, u64) {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    let mut random = Random::new(5);
    let mut id = 0;
    for _ in 0..60 {
        for _ in 0..=random.index(3) {
            id += 1;
            let sequence = journal.next() + journal.pending();
            let bytes = frame(sequence, id, random.index(120));
            journal.append(sequence, &bytes, key(id)).unwrap();
        }
        commit(&mut journal).unwrap();
    }
    let (events, _) = read_all(&mut journal, 200);
    assert!(journal.oldest() > 1 && events.len() > 20);
    (disk, events, journal.next())
}

/// Opens a damaged journal; nothing in it is wrong, and what is not there is a gap. How many events
/// are missing.
fn check(disk: &MemoryStorage, start: &kymo::journal::Start, events: &Events) -> (Journal, usize) {
    let (mut journal, found) = open(disk, start);
    for (sequence, id) in &found {
        assert_eq!(events.get(sequence), Some(id), "{sequence}");
    }
    let (read, gaps) = read(&mut journal, 1, 300, true);
    assert_eq!(read, found);
    let oldest = journal.oldest();
    let damaged: u64 = gaps
        .iter()
        .filter(|(.., reason)| *reason != GapReason::Retention)
        .map(|(first, last, reason)| {
            assert_eq!(*reason, GapReason::Damage);
            last + 1 - first
        })
        .sum();
    assert_eq!(damaged, journal.next() - oldest - found.len() as u64);
    assert_eq!(damaged, journal.recovery().missing);
    (journal, events.len() - found.len())
}

/// The same boot: the epoch goes on, at most the event that was hit is missing, and its sequence is
/// not given again, though it were the last.
#[test]
fn every_byte_flipped() {
    let (disk, events, next) = worn();
    let mut missing = [0; 2];
    for segment in 0..3 {
        for offset in 0..SEGMENT_SIZE {
            let mask = [0x01, 0x80, 0xFF][offset % 3];
            let damaged = disk.copy();
            damaged.flip(segment, offset, mask);
            let (mut journal, lost) = check(&damaged, &start(2, 1), &events);
            assert!(lost <= 1, "{lost} at {segment}:{offset}");
            missing[lost] += 1;
            assert_eq!((journal.epoch(), journal.next()), (1, next), "{segment}:{offset}");
            assert_eq!(journal.recovery().origin, Origin::Continued);
            let is_evident = lost == 0 || damaged.evidence(segment) == Some(damaged.bytes(segment));
            assert!(is_evident);
            put(&mut journal, 9999, 0).unwrap();
            drop(journal);
            let (journal, found) = open(&damaged, &start(3, 1));
            assert_eq!((journal.next(), found.get(&next)), (next + 1, Some(&9999)));
        }
    }
    println!("{} flips cost an event, {} nothing", missing[1], missing[0]);
    assert!(missing[1] > 3000);
}

/// Flips in a journal that was closed, and opened on another boot: the epoch goes on unless the
/// close itself was hit.
#[test]
fn every_byte_flipped_after_a_close() {
    let (disk, events, next) = worn();
    open(&disk, &start(2, 1)).0.close().unwrap();
    let mut renewed = 0;
    for segment in 0..3 {
        for offset in 0..SEGMENT_SIZE {
            let damaged = disk.copy();
            damaged.flip(segment, offset, 0x10);
            let (journal, lost) = check(&damaged, &start(3, 2), &events);
            assert!(lost <= 1 && journal.next() == next);
            renewed += u32::from(journal.epoch() == 3);
            assert!(journal.knows(1, next - 1));
        }
    }
    assert_eq!(renewed, 56, "the bytes of one mark");
}

/// Three flips at once, anywhere.
#[test]
fn several_bytes_flipped() {
    let (disk, events, _) = worn();
    let mut random = Random::new(77);
    for _ in 0..5000 {
        let damaged = disk.copy();
        for _ in 0..3 {
            let mask = u8::try_from(1 + random.index(255)).unwrap();
            damaged.flip(random.index(3), random.index(SEGMENT_SIZE), mask);
        }
        check(&damaged, &start(2, 1), &events);
    }
}

/// What a shortened file still has is served. If it was the newest, the end is unknown.
#[test]
fn every_length() {
    let (disk, events, next) = worn();
    for segment in 0..3 {
        let mut renewed = 0;
        for size in (0..SEGMENT_SIZE).rev() {
            let damaged = disk.copy();
            damaged.truncate(segment, size);
            let (mut journal, lost) = check(&damaged, &start(2, 1), &events);
            if journal.next() < next {
                assert_eq!(journal.epoch(), 2);
                assert!(!journal.knows(1, next - 1) && journal.knows(1, journal.next() - 1));
            }
            renewed += usize::from(journal.epoch() == 2);
            assert!(size > 256 || lost > 5);
            let next = journal.next();
            put(&mut journal, 9999, 0).unwrap();
            let epoch = journal.epoch();
            drop(journal);
            // Once more the end is known.
            let (journal, found) = open(&damaged, &start(3, 1));
            assert_eq!((journal.epoch(), found.get(&next)), (epoch, Some(&9999)));
        }
        // The newest in every case, the others when their header is gone, which ends with zeros.
        assert!((100..=256).contains(&renewed) || renewed == SEGMENT_SIZE, "{renewed}");
    }
}

/// A segment without headers might have been the newest.
#[test]
fn a_lost_header_ends_the_epoch() {
    let (disk, events, next) = worn();
    for segment in 0..3 {
        for offset in [0, 100] {
            let damaged = disk.copy();
            damaged.flip(segment, offset, 1);
            damaged.flip(segment, 256 + offset, 1);
            let (mut journal, lost) = check(&damaged, &start(2, 1), &events);
            assert!(lost > 5);
            assert_eq!((journal.epoch(), journal.recovery().origin), (2, Origin::Damaged));
            assert!(damaged.evidence(segment).is_some());
            assert_eq!(journal.knows(1, next - 1), journal.next() == next);
            // Without a commit the next start says the same again.
            assert_eq!(open(&damaged, &start(3, 1)).0.epoch(), 3);
            put(&mut journal, 9999, 0).unwrap();
            drop(journal);
            let (journal, _) = open(&damaged, &start(4, 1));
            assert_eq!((journal.epoch(), journal.recovery().origin), (2, Origin::Continued));
        }
    }
}

/// Two at once: with the first commit, all is in order again.
#[test]
fn several_headers_lost() {
    let disk = MemoryStorage::new(4, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    for id in 1..=100 {
        put(&mut journal, id, 40).unwrap();
    }
    let events = read_all(&mut journal, 200).0;
    drop(journal);
    for place in [0, 256] {
        disk.flip(0, place, 1);
        disk.flip(2, place, 1);
    }
    let (mut journal, lost) = check(&disk, &start(2, 1), &events);
    assert!(lost > 10 && journal.recovery().segments_damaged >= 2);
    put(&mut journal, 9999, 0).unwrap();
    drop(journal);
    assert_eq!(open(&disk, &start(3, 1)).0.recovery().origin, Origin::Continued);
}

/// Segments that could not be read, nor written since, are there again: what was written without
/// them is newer.
#[test]
fn lost_segments_come_back() {
    let disk = MemoryStorage::new(4, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    for id in 1..=4 {
        put(&mut journal, id, 1850).unwrap();
    }
    drop(journal);
    let flip = |segments: std::ops::Range<usize>| {
        segments.for_each(|segment| [0, 256].into_iter().for_each(|at| disk.flip(segment, at, 1)));
    };
    flip(1..4);
    let (mut journal, _) = open(&disk, &start(2, 1));
    assert_eq!(journal.next(), 2);
    disk.kill_at(2, 0);
    put(&mut journal, 22, 0).unwrap();
    drop(journal);
    assert!(disk.revive());
    flip(2..4);
    let (journal, found) = open(&disk, &start(3, 1));
    assert_eq!((journal.epoch(), found), (2, Events::from([(1, 1), (2, 22)])));
}

/// A segment that was lost and can't be written at first is restored with the next.
#[test]
fn a_lost_segment_that_can_not_be_written_stays_lost() {
    let disk = MemoryStorage::new(4, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    put(&mut journal, 1, 1850).unwrap();
    put(&mut journal, 2, 1850).unwrap();
    drop(journal);
    disk.flip(1, 0, 1);
    disk.flip(1, 256, 1);
    let (mut journal, _) = open(&disk, &start(2, 1));
    disk.fail_writes(1, 0);
    put(&mut journal, 22, 0).unwrap();
    drop(journal);
    let (journal, found) = open(&disk, &start(3, 1));
    assert_eq!((journal.epoch(), found), (2, Events::from([(1, 1), (2, 22)])));
    assert_eq!(journal.recovery().origin, Origin::Continued);
}

/// A damaged copy of a header is made good before the other one is hit.
#[test]
fn header_copies_are_restored() {
    let (disk, events, next) = worn();
    for place in [0, 256, 100, 256 + 100] {
        for segment in 0..3 {
            disk.flip(segment, place, 1);
        }
        let (journal, lost) = check(&disk, &start(2, 1), &events);
        assert_eq!((journal.epoch(), journal.next(), lost), (1, next, 0));
    }
}

/// Everything flipped: an empty journal, with evidence.
#[test]
fn all_headers_lost() {
    let (disk, ..) = worn();
    for segment in 0..3 {
        disk.flip(segment, 0, 1);
        disk.flip(segment, 256, 1);
    }
    let (journal, found) = open(&disk, &start(2, 1));
    assert_eq!((journal.epoch(), journal.next(), found.len()), (2, 1, 0));
    assert_eq!(journal.recovery().origin, Origin::Damaged);
    assert!((0..3).all(|segment| disk.evidence(segment).is_some()));
}

/// Two segments under each other's name.
#[test]
fn swapped_segments_are_damage() {
    let (disk, events, _) = worn();
    let (a, b) = (disk.bytes(0), disk.bytes(1));
    for (offset, (a, b)) in a.iter().zip(&b).enumerate() {
        disk.flip(0, offset, a ^ b);
        disk.flip(1, offset, a ^ b);
    }
    let (journal, lost) = check(&disk, &start(2, 1), &events);
    assert!(lost > 10);
    assert_eq!(journal.epoch(), 2);
}

/// Frames that hold the very bytes of the journal, records and all: when the record around them is
/// damaged, the search behind the hole goes over them and takes none.
#[test]
fn a_frame_can_not_pass_for_records() {
    let disk = MemoryStorage::new(3, 16 * 1024);
    let (mut journal, _) = open(&disk, &start(1, 1));
    for id in 1..=20 {
        put(&mut journal, id, 40).unwrap();
    }
    // The last mark ends with the boot, which is 1.
    let used = disk.bytes(0).iter().rposition(|byte| *byte != 0).unwrap() + 16;
    let bytes = disk.bytes(0)[..used].to_vec();
    for shift in (0..64).step_by(8) {
        let disk = disk.copy();
        let (mut journal, _) = open(&disk, &start(2, 1));
        let forged = [vec![0; shift], bytes.clone()].concat();
        journal.append(21, &forged, None).unwrap();
        commit(&mut journal).unwrap();
        drop(journal);
        disk.flip(0, used + 8, 1);
        let mut events = 0;
        let visit = |entry: kymo::journal::Entry<'_>| {
            events += u32::from(matches!(entry, kymo::journal::Entry::Event { .. }));
        };
        let journal = Journal::open(Box::new(disk), &start(3, 1), visit).unwrap();
        assert_eq!((events, journal.next(), journal.recovery().missing), (20, 22, 1));
    }
}

/// Damage while the journal is open is found by whoever reads there.
#[test]
fn damage_after_the_start() {
    let (disk, events, next) = worn();
    let (mut journal, _) = open(&disk, &start(2, 1));
    let lost = next - 1;
    let needle = frame(lost, events[&lost], 0)[8..24].to_vec();
    for segment in 0..3 {
        let bytes = disk.bytes(segment);
        if let Some(place) = bytes.windows(16).position(|window| window == needle) {
            disk.flip(segment, place, 4);
        }
    }
    let (read, gaps) = read_all(&mut journal, 200);
    assert_eq!(read.len(), events.len() - 1);
    assert_eq!(gaps.last(), Some(&(lost, lost, GapReason::Damage)));
}

/// A later version's journal is refused and left as it is.
#[test]
fn a_later_version_is_left_alone() {
    let (disk, ..) = worn();
    for copy in [0, 256] {
        disk.flip(1, copy + 12, 2);
    }
    let before: Vec<_> = (0..3).map(|segment| disk.bytes(segment)).collect();
    let error = Journal::open(Box::new(disk.clone()), &start(2, 1), |_| ()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(before, (0..3).map(|segment| disk.bytes(segment)).collect::<Vec<_>>());
}
