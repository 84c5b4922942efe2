//! Limits met exactly, and storages with faults that memory does not have.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use kymo::journal::{Entry, Hint, Journal, MemoryStorage, Origin, Read, Storage};
use kymo::limits::{JOURNAL_BATCH_MAX, JOURNAL_SPARE};
use kymo_protocol::GapReason;
use kymo_protocol::limits::{FRAME_MAX, NAME_MAX};

use crate::rig::{Events, commit, frame, open, put, read, start};

const SEGMENT_SIZE: usize = 2048;
/// Bytes of the headers, of an event's record with a frame of 64 bytes and no key, and of a mark.
const HEADERS: usize = 512;
const RECORD: usize = 40 + 64;
const MARK: usize = 56;
const PAGE: usize = 4096;

#[derive(Debug, Default)]
struct Faults {
    /// The first page of segment 0 can't be read.
    is_page_bad: AtomicBool,
    /// Segments that can't be written.
    unwritable: AtomicU64,
    reads: AtomicUsize,
    bytes_read: AtomicUsize,
}

struct Faulty(MemoryStorage, Arc<Faults>);

impl Storage for Faulty {
    fn segments(&self) -> usize {
        self.0.segments()
    }

    fn segment_size(&self) -> usize {
        self.0.segment_size()
    }

    fn read(&mut self, segment: usize, offset: usize, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.reads.fetch_add(1, Ordering::Relaxed);
        if segment == 0 && offset < PAGE && self.1.is_page_bad.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Other.into());
        }
        let size = self.0.read(segment, offset, buffer)?;
        self.1.bytes_read.fetch_add(size, Ordering::Relaxed);
        Ok(size)
    }

    fn write(&mut self, segment: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        if self.1.unwritable.load(Ordering::Relaxed) >> segment & 1 != 0 {
            return Err(io::ErrorKind::Other.into());
        }
        self.0.write(segment, offset, bytes)
    }

    fn sync(&mut self, segment: usize) -> io::Result<()> {
        self.0.sync(segment)
    }

    fn set_aside(&mut self, segment: usize) -> io::Result<()> {
        self.0.set_aside(segment)
    }
}

fn faulty(disk: &MemoryStorage) -> (Journal, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let storage = Faulty(disk.clone(), Arc::clone(&faults));
    (Journal::open(Box::new(storage), &start(1, 1), |_| ()).unwrap(), faults)
}

/// Commits event `id` without a key, in a frame of 64 bytes.
fn keyless(journal: &mut Journal, id: u64) -> io::Result<()> {
    let sequence = journal.next();
    journal.append(sequence, &frame(sequence, id, 40), None).unwrap();
    commit(journal)
}

fn keyless_events(disk: &MemoryStorage, boot: u128) -> (Journal, Vec<(u64, usize)>) {
    let mut events = Vec::new();
    let journal = Journal::open(Box::new(disk.clone()), &start(9, boot), |entry| {
        if let Entry::Event { sequence, frame, .. } = entry {
            events.push((sequence, frame.len()));
        }
    });
    (journal.unwrap(), events)
}

/// The segments in which the next event lands.
fn lands(journal: &mut Journal) -> u64 {
    let _ = journal.poll_sync();
    keyless(journal, 1).unwrap();
    journal.poll_sync().unwrap().segments
}

#[test]
fn a_page_that_can_not_be_read_costs_what_lies_in_it() {
    let disk = MemoryStorage::new(3, 8 * PAGE);
    let (mut journal, faults) = faulty(&disk);
    (1..=60).for_each(|id| keyless(&mut journal, id).unwrap());
    faults.is_page_bad.store(true, Ordering::Relaxed);
    faults.reads.store(0, Ordering::Relaxed);
    let (events, gaps) = read(&mut journal, 1, 64 * 1024, true);
    let lost = (PAGE - HEADERS).div_ceil(RECORD + MARK) as u64;
    assert_eq!(gaps, [(1, lost, GapReason::Damage)]);
    assert_eq!(events, (lost + 1..=60).map(|id| (id, id)).collect::<Events>());
    // A page is asked for once by each look at it, and not byte after byte.
    assert!(faults.reads.load(Ordering::Relaxed) < 10);
}

#[test]
fn a_reader_that_goes_on_searches_nothing_again() {
    let disk = MemoryStorage::new(3, 8 * PAGE);
    let (mut journal, faults) = faulty(&disk);
    (1..=200).for_each(|id| keyless(&mut journal, id).unwrap());
    faults.bytes_read.store(0, Ordering::Relaxed);
    assert_eq!(read(&mut journal, 1, 200, true).0.len(), 200);
    let bytes_read = faults.bytes_read.load(Ordering::Relaxed);
    assert!(bytes_read < 8 * 200 * (RECORD + MARK), "{bytes_read}");
}

/// One segment that can't be written does not keep the journal from the others.
#[test]
fn while_commits_fail_segments_are_tried_in_turn() {
    for broken in 0..4 {
        let (mut journal, faults) = faulty(&MemoryStorage::new(4, SEGMENT_SIZE));
        faults.unwritable.store(u64::MAX, Ordering::Relaxed);
        journal.append(1, &frame(1, 1, 40), None).unwrap();
        (0..3).for_each(|_| assert!(commit(&mut journal).is_err()));
        faults.unwritable.store(1 << broken, Ordering::Relaxed);
        assert!((0..2).any(|_| commit(&mut journal).is_ok()), "{broken}");
    }
}

#[test]
fn the_largest_record_is_read_as_any_other() {
    let disk = MemoryStorage::new(3, 4 * JOURNAL_BATCH_MAX);
    let (mut journal, _) = open(&disk, &start(1, 1));
    let (name, frame) = ("n".repeat(NAME_MAX), vec![7; FRAME_MAX]);
    journal.append(1, &frame, Some((&name, 1))).unwrap();
    commit(&mut journal).unwrap();
    let mut buffer = vec![0; FRAME_MAX];
    let read = journal.read(1, &mut Hint::default(), &mut buffer).unwrap();
    assert_eq!(read, Read::Frames { first: 1, end: 2, size: FRAME_MAX });
    assert_eq!(buffer, frame);
    drop(journal);
    assert_eq!(keyless_events(&disk, 1).1, [(1, FRAME_MAX)]);
}

/// So large that places in it would not fit a record's checksum.
struct Huge;

impl Storage for Huge {
    fn segments(&self) -> usize {
        3
    }

    fn segment_size(&self) -> usize {
        1 << 32
    }

    fn read(&mut self, _: usize, _: usize, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Other.into())
    }

    fn write(&mut self, _: usize, _: usize, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Other.into())
    }

    fn sync(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn set_aside(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn segments_of_gigabytes_are_refused() {
    let error = Journal::open(Box::new(Huge), &start(1, 1), |_| ()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_token_from_the_future_is_not_known() {
    let (mut journal, _) = open(&MemoryStorage::new(3, SEGMENT_SIZE), &start(1, 1));
    put(&mut journal, 1, 40).unwrap();
    assert!(journal.knows(1, 0) && journal.knows(1, 1));
    assert!(!journal.knows(1, 2) && !journal.knows(2, 1));
}

/// A turn goes on while the largest event would still fit.
#[test]
fn a_batch_says_when_it_takes_no_more() {
    let (mut journal, _) = open(&MemoryStorage::new(3, 2 * SEGMENT_SIZE), &start(1, 1));
    let capacity = 2 * SEGMENT_SIZE - HEADERS - 2 * MARK;
    assert!(journal.takes(usize::MAX - JOURNAL_SPARE), "alone it may be refused");
    for count in 1..=2 {
        journal.append(count, &frame(count, 1, 40), None).unwrap();
        let most = capacity - usize::try_from(count).unwrap() * RECORD - JOURNAL_SPARE;
        assert!(journal.takes(most) && !journal.takes(most + 1));
    }
    commit(&mut journal).unwrap();
    assert!(journal.takes(capacity));
}

/// A mark between two batches says nothing that they don't: nothing is missing, but it is damage.
#[test]
fn a_damaged_mark_is_kept_as_evidence() {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    let (mut journal, _) = open(&disk, &start(1, 1));
    (1..=3).for_each(|id| keyless(&mut journal, id).unwrap());
    drop(journal);
    disk.flip(0, HEADERS + RECORD + 4, 1);
    let (journal, events) = keyless_events(&disk, 1);
    assert_eq!(events.len(), 3);
    assert_eq!((journal.recovery().missing, journal.recovery().segments_damaged), (0, 1));
    assert!(disk.evidence(0).is_some());
}

#[test]
fn starts_do_not_use_up_the_generations() {
    const STARTS: u64 = 80;
    let disk = MemoryStorage::new(4, SEGMENT_SIZE);
    for _ in 0..STARTS {
        let (mut journal, _) = open(&disk, &start(1, 1));
        for _ in 0..2 {
            let id = journal.next();
            put(&mut journal, id, 1000).unwrap();
        }
    }
    let generation =
        |segment| u64::from_le_bytes(*disk.bytes(segment)[32..].first_chunk().unwrap());
    assert!((0..4).all(|segment| generation(segment) <= STARTS * (4 + 2)));
}

/// Starts and ends in good order take no segment, however many there are.
#[test]
fn a_start_goes_on_in_the_segment_of_the_end() {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    for id in 1..=9 {
        let (mut journal, found) = open(&disk, &start(1, 1));
        assert_eq!((found.len() as u64, journal.oldest()), (id - 1, 1));
        put(&mut journal, id, 0).unwrap();
        journal.close().unwrap();
    }
}

#[test]
fn a_journal_that_is_cut_off_before_its_headers_was_damaged() {
    let disk = MemoryStorage::new(3, SEGMENT_SIZE);
    drop(open(&disk, &start(1, 1)));
    (0..3).for_each(|segment| disk.truncate(segment, 100));
    (0..3).for_each(|segment| {
        (0..100).for_each(|at| {
            let byte = disk.bytes(segment)[at];
            disk.flip(segment, at, byte);
        })
    });
    let (journal, _) = open(&disk, &start(2, 1));
    assert_eq!(journal.recovery().origin, Origin::Damaged);
    assert_eq!(journal.recovery().segments_damaged, 3);
}

/// What two journals leave that don't know of one another: records that lie behind one another and
/// have sequences that were there before. They are nobody's event, and no mark.
#[test]
fn a_sequence_that_comes_again_is_passed_over() {
    for is_marked in [true, false] {
        let disk = MemoryStorage::new(3, SEGMENT_SIZE);
        let (mut journal, _) = open(&disk, &start(1, 1));
        (1..=3).for_each(|id| keyless(&mut journal, id).unwrap());
        let (mut stale, _) = keyless_events(&disk, 1);
        // Together as long as two records of 24 bytes.
        journal.append(4, &frame(4, 4, 64), None).unwrap();
        commit(&mut journal).unwrap();
        keyless(&mut journal, 5).unwrap();
        for sequence in 4..=5 {
            stale.append(sequence, &frame(sequence, 1, 0), None).unwrap();
        }
        commit(&mut stale).unwrap();
        let again = HEADERS + 3 * (RECORD + MARK) + 2 * (40 + 24) + MARK;
        assert_eq!(disk.bytes(0)[again + 16], 5, "the record of event 5");
        if !is_marked {
            disk.flip(0, again + RECORD, 1);
        }
        let (mut journal, events) = keyless_events(&disk, 1);
        assert_eq!(events, [(1, 64), (2, 64), (3, 64), (4, 24), (5, 24)]);
        assert_eq!((journal.next(), journal.recovery().origin), (6, Origin::Continued));
        keyless(&mut journal, 6).unwrap();
        assert_eq!(keyless_events(&disk, 1).1[5..], [(6, 64)]);
    }
}

/// Only the segments that were in the round and could not be synced are left.
#[test]
fn a_failed_sync_ends_its_segment_and_no_other() {
    let filled = || {
        let (mut journal, _) = open(&MemoryStorage::new(4, SEGMENT_SIZE), &start(1, 1));
        while lands(&mut journal) != 0b10 {}
        journal
    };
    // Segment 0, which is full; segment 1 goes on. One that was not in the round is none of it.
    let mut journal = filled();
    keyless(&mut journal, 1).unwrap();
    let round = journal.poll_sync().unwrap();
    assert_eq!(round.segments, 0b10);
    journal.handle_synced(round, 0b1);
    assert_eq!(lands(&mut journal), 0b10);
    // Segment 1 itself.
    let mut journal = filled();
    keyless(&mut journal, 1).unwrap();
    let round = journal.poll_sync().unwrap();
    journal.handle_synced(round, 0b10);
    assert_eq!(lands(&mut journal), 0b100);
    // Both were in the round, and the full one failed.
    let (mut journal, _) = open(&MemoryStorage::new(4, SEGMENT_SIZE), &start(1, 1));
    // The start has written all headers.
    let _ = journal.poll_sync();
    (1..=12).for_each(|id| keyless(&mut journal, id).unwrap());
    let round = journal.poll_sync().unwrap();
    assert_eq!(round.segments, 0b11);
    journal.handle_synced(round, 0b1);
    assert_eq!(lands(&mut journal), 0b10);
}

#[test]
fn what_a_failed_round_was_to_sync_is_never_said_to_be() {
    let (mut journal, _) = open(&MemoryStorage::new(4, SEGMENT_SIZE), &start(1, 1));
    keyless(&mut journal, 1).unwrap();
    let first = journal.poll_sync().unwrap();
    journal.handle_synced(first, 0);
    assert!((0..4).all(|sequence| !journal.is_unsynced(sequence)));
    (2..=3).for_each(|id| keyless(&mut journal, id).unwrap());
    let second = journal.poll_sync().unwrap();
    journal.handle_synced(second, second.segments);
    let unsynced: Vec<u64> = (0..6).filter(|sequence| journal.is_unsynced(*sequence)).collect();
    assert_eq!((unsynced, journal.synced()), (vec![2, 3], 2));
}

#[test]
fn what_is_shown_to_people_says_something() {
    let (mut journal, _) = open(&MemoryStorage::new(3, SEGMENT_SIZE), &start(1, 1));
    assert!(format!("{journal:?}").contains("storage: Storage"));
    let full = journal.append(1, &[0; SEGMENT_SIZE], None).unwrap_err();
    let origins = [Origin::New, Origin::Continued, Origin::Rebooted, Origin::Damaged];
    assert_eq!(origins.map(Origin::name), ["new", "continued", "rebooted", "damaged"]);
    assert_eq!(full.to_string(), "the journal's batch is full");
    let told = journal.recovery().to_string();
    assert!(told.starts_with("the journal has 0 events"), "{told}");
    assert!(told.ends_with("lost segments: 0; a first epoch begins"), "{told}");
}
