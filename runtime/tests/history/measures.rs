//! The largest events and turns in the smallest journals.

use kymo::journal::MemoryStorage;
use kymo::limits;

use crate::World;

/// Events in a turn at most, of the smallest kind and with the longest keys; and the largest behind
/// them. The bug it finds: an event that is refused, because its turn is more than the journal
/// takes in one write.
#[test]
fn a_turn_fits_any_journal() {
    let smallest = limits::JOURNAL_BYTES_MIN as usize / limits::JOURNAL_SEGMENTS;
    for (segment_size, event_bytes) in [
        (smallest, limits::EVENT_BYTES_MIN),
        (smallest, limits::JOURNAL_BYTES_MIN / 16),
        (limits::JOURNAL_SEGMENT_SIZE, limits::EVENT_BYTES_DEFAULT),
        (limits::JOURNAL_SEGMENT_SIZE, limits::EVENT_BYTES_MAX),
    ] {
        let disk = MemoryStorage::new(limits::JOURNAL_SEGMENTS, segment_size);
        let mut world = World::start(&disk, event_bytes, 1);
        let client = "c".repeat(63);
        let ids: Vec<_> = (0..limits::CONTROL_MAX).map(|_| world.connect(crate::CONTROL)).collect();
        let large = "x".repeat(event_bytes as usize - 64);
        let mut texts = vec![String::new(); ids.len()];
        for (place, text) in texts.iter_mut().enumerate() {
            for number in 0..64 {
                let number = place * 64 + number;
                let data = if number % 64 == 63 { large.as_str() } else { "" };
                let key = format!("{{\"client\":\"{client}{place}\",\"number\":{number}}}");
                let event = format!("{{\"topic\":\"t\",\"data\":\"{data}\"}}");
                *text += &format!("{{\"action\":\"submit\",\"key\":{key},\"event\":{event}}}\n");
            }
        }
        let talks: Vec<_> = ids.into_iter().zip(texts.iter().map(String::as_str)).collect();
        for replies in world.talk_all(&talks) {
            assert_eq!(replies.len(), 64);
            for reply in replies {
                assert_eq!(reply["ack"], "durable", "{segment_size} {event_bytes}: {reply}");
            }
        }
    }
}

/// The bug it finds: a journal that can't hold the largest event that it is asked to.
#[test]
fn a_journal_is_larger_than_an_event() {
    let mut config = kymo::Config::in_directory("/nowhere");
    config.journal = Some(kymo::JournalSettings::default());
    config.journal.as_mut().unwrap().bytes = limits::JOURNAL_BYTES_MIN;
    config.limits.event_bytes = limits::JOURNAL_BYTES_MIN / 16;
    assert_eq!(config.check(), Ok(()));
    config.limits.event_bytes += 1;
    assert!(config.check().unwrap_err().to_string().contains("journal.bytes"));
}
