//! After the start, nothing is allocated: not by writing, reading, failing or rotating.

use kymo::journal::{Hint, MemoryStorage, Read};

use crate::heap::allocations_of;
use crate::rig::{checkpoint, frame, open, start};

#[test]
fn nothing_is_allocated_after_the_start() {
    let disk = MemoryStorage::new(4, 2048);
    let (mut journal, _) = open(&disk, &start(1, 1));
    let mut buffer = [0; 4096];
    let mut frames = Vec::new();
    for sequence in 1..=500 {
        frames.push(frame(sequence, sequence, 40));
    }
    let (mut hint, mut at, mut gaps) = (Hint::default(), 1, 0);
    let work = || {
        for (frame, sequence) in frames.iter().zip(1..) {
            if sequence % 90 == 0 {
                disk.fail_writes(3, 100);
            }
            journal.append(sequence, frame, Some(("client", sequence))).expect("room");
            while journal.commit(&checkpoint(sequence)).is_err() {}
            if let Some(round) = journal.poll_sync() {
                journal.handle_synced(round, u64::from(sequence % 70 == 0));
            }
            if sequence % 40 == 0 {
                disk.flip(1, 700, 1);
            }
            if sequence % 25 != 0 {
                continue;
            }
            loop {
                match journal.read(at, &mut hint, &mut buffer) {
                    Ok(Read::Frames { end, .. }) => at = end,
                    Ok(Read::Gap { last, .. }) => (at, gaps) = (last + 1, gaps + 1),
                    _ => break,
                }
            }
        }
    };
    assert_eq!((allocations_of(work), at), (0, 501));
    assert!(gaps > 0 && journal.oldest() > 400);
}
