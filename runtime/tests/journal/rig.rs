//! Frames that say what they are, and readers that check everything they get.

use std::collections::BTreeMap;

use kymo::journal::{Entry, Hint, Journal, MemoryStorage, Read, Start};
use kymo_protocol::GapReason;

/// Bytes of a frame before its filling.
pub const FRAME_MIN: usize = 24;

/// Which event each sequence is.
pub type Events = BTreeMap<u64, u64>;

/// Event `id` under a sequence: size, sequence, id, and as many bytes as asked for.
pub fn frame(sequence: u64, id: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(id % 251).unwrap(); FRAME_MIN + size];
    let total = bytes.len() as u64;
    bytes[..8].copy_from_slice(&total.to_le_bytes());
    bytes[8..16].copy_from_slice(&sequence.to_le_bytes());
    bytes[16..24].copy_from_slice(&id.to_le_bytes());
    bytes
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// The event in a frame, which must be what `frame` made for `sequence`.
pub fn event(bytes: &[u8], sequence: u64) -> u64 {
    let id = number(bytes, 16);
    assert_eq!(bytes, frame(sequence, id, bytes.len() - FRAME_MIN), "sequence {sequence}");
    id
}

/// The client every third event comes from.
pub fn key(id: u64) -> Option<(&'static str, u64)> {
    id.is_multiple_of(3).then_some(("client", id))
}

pub fn start(epoch: u128, boot: u128) -> Start {
    Start { epoch, salt: u64::try_from(epoch).unwrap() * 7919, boot }
}

/// Opens a journal; the events it shows, checked.
pub fn open(disk: &MemoryStorage, start: &Start) -> (Journal, Events) {
    let mut events = Events::new();
    let mut last = 0;
    let mut is_first = true;
    let journal = Journal::open(Box::new(disk.clone()), start, |entry| match entry {
        Entry::Checkpoint(bytes) => {
            // It says which sequence it stands before.
            assert!(number(bytes, 0) > last);
            is_first = false;
        }
        Entry::Event { sequence, frame, key: found } => {
            assert!(!is_first && sequence > last, "{sequence} after {last}");
            last = sequence;
            let id = event(frame, sequence);
            assert_eq!(found, key(id));
            events.insert(sequence, id);
        }
    });
    let journal = journal.expect("whatever it holds, it opens");
    assert_eq!(journal.recovery().segments_lost, 0, "memory loses none");
    assert!(last < journal.next());
    (journal, events)
}

/// The checkpoint that stands before `sequence`.
pub fn checkpoint(sequence: u64) -> [u8; 64] {
    let mut bytes = [0xCC; 64];
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    bytes
}

/// Commits what is pending.
pub fn commit(journal: &mut Journal) -> std::io::Result<()> {
    let checkpoint = checkpoint(journal.next());
    journal.commit(&checkpoint)
}

/// Appends and commits one event.
pub fn put(journal: &mut Journal, id: u64, size: usize) -> std::io::Result<()> {
    let sequence = journal.next();
    journal.append(sequence, &frame(sequence, id, size), key(id)).expect("room");
    commit(journal)
}

/// A gap as a reader gets it.
pub type GapRead = (u64, u64, GapReason);

/// Reads everything from `from` on with a buffer of `size` bytes; with hints or without. What comes
/// must be frames and gaps that leave nothing out.
pub fn read(journal: &mut Journal, from: u64, size: usize, hints: bool) -> (Events, Vec<GapRead>) {
    let (mut events, mut gaps) = (Events::new(), Vec::new());
    let mut buffer = vec![0; size];
    let mut hint = Hint::default();
    let mut at = from.max(1);
    for _ in 0..1_000_000 {
        if !hints {
            hint = Hint::default();
        }
        match journal.read(at, &mut hint, &mut buffer).expect("the buffer is large enough") {
            Read::Frames { first, end, size } => {
                assert!(first == at && end > first);
                let mut rest = &buffer[..size];
                for sequence in first..end {
                    let (frame, behind) = rest.split_at(usize::try_from(number(rest, 0)).unwrap());
                    events.insert(sequence, event(frame, sequence));
                    rest = behind;
                }
                assert!(rest.is_empty());
                at = end;
            }
            Read::Gap { first, last, reason } => {
                assert!(first == at && last >= first && last < journal.next());
                gaps.push((first, last, reason));
                at = last + 1;
            }
            Read::End => {
                assert_eq!(at, journal.next().max(from.max(1)));
                return (events, gaps);
            }
        }
    }
    panic!("the reader went round in circles");
}

/// Reads in every way, which must all come to the same.
pub fn read_all(journal: &mut Journal, largest: usize) -> (Events, Vec<GapRead>) {
    let (events, gaps) = read(journal, 1, 64 * 1024, true);
    assert_eq!((&events, &gaps), (&read(journal, 1, largest, true).0, &gaps));
    assert_eq!((&events, &gaps), (&read(journal, 1, largest * 3, false).0, &gaps));
    let (later, _) = read(journal, journal.next() / 2, 1024 + largest, true);
    assert!(later.iter().all(|(sequence, id)| events.get(sequence) == Some(id)));
    (events, gaps)
}
