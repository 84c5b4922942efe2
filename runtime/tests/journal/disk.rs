//! Real files: what they cost, and what becomes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kymo::journal::{Entry, Files, Hint, Journal, Origin, Read};
use kymo::limits::{JOURNAL_SEGMENT_SIZE, JOURNAL_SEGMENTS};

use crate::rig::{checkpoint, event, frame, key, put, start};

fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("kymo-journal-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

fn open(path: &Path, boot: u128) -> (Journal, Vec<u64>) {
    let files = Files::open(path, JOURNAL_SEGMENTS, JOURNAL_SEGMENT_SIZE).unwrap();
    let mut events = Vec::new();
    let journal = Journal::open(Box::new(files), &start(boot * 10, boot), |entry| {
        if let Entry::Event { sequence, frame, .. } = entry {
            assert_eq!(event(frame, sequence), sequence);
            events.push(sequence);
        }
    });
    (journal.unwrap(), events)
}

/// Fills the journal a bit more than once with events of 128 bytes, 16 a turn.
fn fill(journal: &mut Journal) {
    while journal.oldest() < 1000 {
        for _ in 0..16 {
            let sequence = journal.next() + journal.pending();
            journal.append(sequence, &frame(sequence, sequence, 104), key(sequence)).unwrap();
        }
        journal.commit(&checkpoint(journal.next())).unwrap();
    }
}

#[test]
fn files_hold_what_memory_holds() {
    let path = scratch("files");
    let (mut journal, events) = open(&path, 1);
    assert_eq!((events.len(), journal.recovery().origin), (0, Origin::New));
    for id in 1..=3 {
        put(&mut journal, id, 40).unwrap();
    }
    drop(journal);
    let (journal, events) = open(&path, 1);
    assert_eq!((events, journal.epoch()), (vec![1, 2, 3], 10));
    journal.close().unwrap();
    let (journal, events) = open(&path, 2);
    assert_eq!((events, journal.epoch()), (vec![1, 2, 3], 10));
    drop(journal);

    // The one segment in use is deleted, or cut off in the middle of an event.
    let newest = path.join("segment-00.kymo");
    let bytes = fs::read(&newest).unwrap();
    fs::write(&newest, &bytes[..512 + 200]).unwrap();
    let (journal, events) = open(&path, 2);
    assert_eq!((events, journal.epoch()), (vec![1], 20));
    assert_eq!(journal.recovery().origin, Origin::Damaged);
    assert_eq!(fs::read(path.join("segment-00.bad")).unwrap().len(), 712);
    drop(journal);
    fs::remove_file(&newest).unwrap();
    let (journal, events) = open(&path, 2);
    assert_eq!((events.len(), journal.recovery().origin), (0, Origin::New));
    drop(journal);
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn files_are_synced_through_other_descriptors() {
    let path = scratch("sync");
    let files = Files::open(&path, JOURNAL_SEGMENTS, JOURNAL_SEGMENT_SIZE).unwrap();
    let clones = files.try_clone_files().unwrap();
    let mut journal = Journal::open(Box::new(files), &start(1, 1), |_| ()).unwrap();
    put(&mut journal, 1, 40).unwrap();
    let round = journal.poll_sync().unwrap();
    for (segment, file) in clones.iter().enumerate() {
        if round.segments >> segment & 1 != 0 {
            file.sync_data().unwrap();
        }
    }
    journal.handle_synced(round, 0);
    assert_eq!(journal.synced(), 2);
    drop(journal);
    fs::remove_dir_all(path).unwrap();
}

/// A full journal is opened within the time a user does not notice.
#[test]
fn a_full_journal_opens_soon() {
    let path = scratch("open");
    let begun = Instant::now();
    let (mut journal, _) = open(&path, 1);
    println!("made in {:?}", begun.elapsed());
    fill(&mut journal);
    drop(journal);
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let files = Files::open(&path, JOURNAL_SEGMENTS, JOURNAL_SEGMENT_SIZE).unwrap();
        let mut events = 0;
        let journal = Journal::open(Box::new(files), &start(2, 1), |_| events += 1).unwrap();
        best = best.min(begun.elapsed());
        assert!(events > 15_000 && journal.recovery().missing == 0);
    }
    println!("4 MiB in {JOURNAL_SEGMENTS} segments: opened in {best:?}");
    if !cfg!(debug_assertions) {
        assert!(best < Duration::from_millis(50), "{best:?}");
    }
    fs::remove_dir_all(path).unwrap();
}

/// Figures: `cargo test --release --test journal -- --ignored --nocapture costs`
#[test]
#[ignore = "figures, not a check"]
fn costs() {
    let path = scratch("costs");
    let (mut journal, _) = open(&path, 1);
    fill(&mut journal);
    for (events, size) in [(1, 64), (1, 256), (16, 128), (256, 128), (1, 8192)] {
        let frame = vec![7; size];
        let turns = 40_000_000 / (events * (size + 100));
        let begun = Instant::now();
        for _ in 0..turns {
            for _ in 0..events {
                let sequence = journal.next() + journal.pending();
                journal.append(sequence, &frame, Some(("app-1", sequence))).unwrap();
            }
            journal.commit(&[0; 64]).unwrap();
        }
        let turn_ns = begun.elapsed().as_nanos() / turns as u128;
        println!("a turn of {events} x {size} bytes: {turn_ns} ns, rotation included");
    }
    fill(&mut journal);
    let mut buffer = vec![0; 32 * 1024];
    let (mut hint, mut at, mut total) = (Hint::default(), journal.oldest(), 0);
    let begun = Instant::now();
    loop {
        match journal.read(at, &mut hint, &mut buffer).unwrap() {
            Read::Frames { end, size, .. } => (at, total) = (end, total + size),
            Read::Gap { last, .. } => at = last + 1,
            Read::End => break,
        }
    }
    println!("catch-up of {total} bytes: {:?}", begun.elapsed());
    let begun = Instant::now();
    let middle = journal.oldest().midpoint(journal.next());
    journal.read(middle, &mut Hint::default(), &mut buffer).unwrap();
    println!("a read without a hint: {:?}", begun.elapsed());
    fs::remove_dir_all(path).unwrap();
}
