//! Recordings: the golden one, and what becomes of it when it is damaged.

use kymo_protocol::recording::{
    Content, End, Fresh, IndexEntry, Missed, Outcome, RECORD_HEAD_SIZE, RECORD_MAX, RecordError,
    RecordId, RecordKind, Recorded, Start, emit, lost,
};
use kymo_protocol::{Data, Event, EventFields, FrameError, Stamp, StreamId, Streams};
use proptest::prelude::*;
use zerocopy::IntoBytes;

use crate::cases::valid;
use crate::decoded::{hex, long, object, text};
use crate::invariants::recording::{Told, check, scanned_alike};

const ID: RecordId = RecordId { file: 7, number: 0 };

/// A small recording with every kind of record.
pub(crate) fn golden() -> Vec<u8> {
    let streams = Streams::default().with(StreamId::VITALS).with(StreamId::EVENTS);
    let mut file = Vec::new();
    let mut push = |kind, content: &[u8]| {
        let mut bytes = vec![0; RECORD_MAX];
        let offset = file.len() as u64;
        let id = RecordId { file: 0x0123_4567_89AB_CDEF, number: record_count(&file) };
        let size = emit(&mut bytes, id, kind, content).unwrap();
        file.extend_from_slice(&bytes[..size]);
        offset
    };
    let start = Start::new(streams, 25_000, 1_700_000_000_000_000_000, "kymo 0.1.0");
    push(RecordKind::Start, start.as_bytes());
    let welcome = push(RecordKind::Frame, &valid("welcome_with_events"));
    push(RecordKind::Frame, &valid("subscribed"));
    let offset = push(RecordKind::Frame, &valid("vitals_typical"));
    push(RecordKind::Lost, lost(1_700_000_001_000_000_000, "the connection ended").as_bytes());
    let missed = Missed::new(StreamId::VITALS, 8, 19, 12);
    push(RecordKind::Missed, missed.as_bytes());
    push(RecordKind::Fresh, Fresh { epoch: [0xAB; 16], events: 41.into() }.as_bytes());
    let entry = IndexEntry {
        elapsed_ns: 0.into(),
        offset: offset.into(),
        number: 3.into(),
        welcome: welcome.into(),
        catalog: 0.into(),
    };
    let index = push(RecordKind::Index, [entry].as_bytes());
    let mut end = End::default().with(Outcome::Over);
    end.index.set(index);
    end.frames.set(1);
    end.missed.set(12);
    push(RecordKind::End, end.as_bytes());
    file
}

/// Where a record begins.
fn at_record(file: &[u8], number: u64) -> usize {
    let mut at = 0;
    for _ in 0..number {
        at += Recorded::parse(&file[at..]).unwrap().size;
    }
    at
}

fn record_count(file: &[u8]) -> u64 {
    let mut count = 0;
    let mut rest = file;
    while let Ok(record) = Recorded::parse(rest) {
        rest = &rest[record.size..];
        count += 1;
    }
    count
}

/// The vectors of this format.
pub(crate) fn file() -> String {
    let golden = golden();
    let mut damaged = vec![("whole", golden.clone())];
    let at = |name, place: usize, bit: u8| {
        let mut file = golden.clone();
        file[place] ^= bit;
        (name, file)
    };
    damaged.push(at("a_content_bit", 120, 1));
    damaged.push(at("a_head_bit", 80 + 12, 0x80));
    damaged.push(("cut_in_the_end", golden[..golden.len() - 9].to_vec()));
    damaged
        .push(("two_records_missing", [&golden[..80], &golden[at_record(&golden, 3)..]].concat()));
    damaged.push(("no_recording", b"KYRC is not enough of a head".to_vec()));
    let cases = damaged.iter().map(|(name, file)| {
        let steps = scanned_alike(file, 64).into_iter().map(|told| match told {
            Told::Record { offset, number, bytes } => object(&[
                ("record", long(number)),
                ("offset", long(offset)),
                ("size", bytes.len().to_string()),
                ("kind", u16::from_le_bytes([bytes[14], bytes[15]]).to_string()),
            ]),
            Told::Lost(lost) => object(&[
                ("lost", long(lost.bytes)),
                ("offset", long(lost.offset)),
                ("records", lost.records.map_or("null".into(), long)),
            ]),
        });
        let steps = steps.collect::<Vec<_>>().join(",\n  ");
        format!("{{\"name\":{},\"hex\":\"{}\",\n \"steps\":[\n  {steps}]}}", text(name), hex(file))
    });
    let cases = cases.collect::<Vec<_>>().join(",\n");
    format!("{{\"recording_version\":1,\n\"cases\":[\n{cases}\n]}}\n")
}

#[test]
fn any_flipped_bit_costs_what_it_is_in() {
    let golden = golden();
    let whole = scanned_alike(&golden, 97);
    assert_eq!(whole.len(), 9);
    for place in 0..golden.len() {
        for bit in 0..8 {
            let mut damaged = golden.clone();
            damaged[place] ^= 1 << bit;
            let told = scanned_alike(&damaged, 1000);
            let hit = |told: &&Told| match told {
                Told::Record { offset, bytes, .. } => {
                    (*offset..offset + bytes.len() as u64).contains(&(place as u64))
                }
                Told::Lost(_) => false,
            };
            let kept: Vec<&Told> = whole.iter().filter(|told| !hit(told)).collect();
            let is_record = |told: &&Told| matches!(told, Told::Record { .. });
            let found: Vec<&Told> = told.iter().filter(is_record).collect();
            assert_eq!(found, kept, "bit {bit} of byte {place}");
            assert_eq!(told.len(), 9, "bit {bit} of byte {place}: one loss, told once");
        }
    }
}

#[test]
fn any_cut_leaves_what_stands_before_it() {
    let golden = golden();
    let whole = scanned_alike(&golden, 97);
    for size in 0..golden.len() {
        let told = scanned_alike(&golden[..size], 97);
        let fits = |told: &&Told| match told {
            Told::Record { offset, bytes, .. } => *offset + bytes.len() as u64 <= size as u64,
            Told::Lost(_) => false,
        };
        let kept: Vec<Told> = whole.iter().filter(fits).cloned().collect();
        assert_eq!(told[..kept.len()], kept, "{size}");
        // At the end of a record nothing is torn.
        assert!(told.len() - kept.len() <= 1, "{size}: {told:?}");
    }
}

#[test]
fn records_of_before_and_of_others_are_none() {
    let golden = golden();
    let twice = [&golden[..], &golden[..]].concat();
    let told = scanned_alike(&twice, 100);
    assert_eq!(told.len(), 10, "the second one has numbers of before");
    let Some(Told::Lost(lost)) = told.last() else { panic!() };
    assert_eq!((lost.bytes, lost.records), (golden.len() as u64, None));
}

#[test]
fn a_recording_in_an_event_is_no_part_of_the_one_around_it() {
    let golden = golden();
    let (mut payload, mut frame) = (vec![0; 8192], vec![0; 8192]);
    let size = EventFields::custom("file", Data::Bytes(&golden)).write(&mut payload).unwrap();
    let size = Event::emit(&mut frame, 7, Stamp { boot_ns: 1 }, &payload[..size]).unwrap();
    let mut file = Vec::new();
    for (number, kind, content) in [
        (0, RecordKind::Fresh, &[1; 24][..]),
        (1, RecordKind::Frame, &frame[..size]),
        (2, RecordKind::Fresh, &[2; 24]),
    ] {
        let mut bytes = vec![0; RECORD_MAX];
        let size = emit(&mut bytes, RecordId { number, ..ID }, kind, content).unwrap();
        file.extend_from_slice(&bytes[..size]);
    }
    let head = at_record(&file, 1);
    file[head + 12] ^= 1;
    let told = scanned_alike(&file, 50);
    let [Told::Record { .. }, Told::Lost(lost), Told::Record { number: 2, .. }] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(lost.records, Some(1));
}

#[test]
fn contents_that_no_record_has_are_refused() {
    let mut bytes = vec![0; RECORD_MAX + 8];
    let kind = RecordKind::Fresh;
    assert_eq!(emit(&mut bytes, ID, kind, &[0; 7]), Err(FrameError::Length));
    assert_eq!(emit(&mut bytes, ID, kind, &vec![0; RECORD_MAX]), Err(FrameError::Length));
    assert_eq!(emit(&mut bytes[..55], ID, kind, &[0; 24]), Err(FrameError::Short));
    // Checksums alone don't make a content good.
    for (kind, content) in [
        (RecordKind::Start, vec![0xFF; 48]),
        (RecordKind::Start, vec![0; 56]),
        (RecordKind::Frame, valid("heartbeat")[..32].to_vec()),
        (RecordKind::Lost, vec![0xFF; 120]),
        (RecordKind::Missed, vec![0; 32]),
        (RecordKind::Fresh, vec![0; 16]),
        (RecordKind::Index, vec![0; 48]),
        (RecordKind::End, vec![0xFF; 40]),
    ] {
        let size = emit(&mut bytes, ID, kind, &content).unwrap();
        let error = Recorded::parse(&bytes[..size]).unwrap_err();
        assert_eq!(error, RecordError::Content(size), "{kind:?}");
        assert_eq!(size, RECORD_HEAD_SIZE + content.len());
    }
    let size = emit(&mut bytes, ID, RecordKind::End, End::default().as_bytes()).unwrap();
    assert_eq!(Recorded::parse(&bytes[..size - 1]).unwrap_err(), RecordError::Cut(size));
    assert_eq!(Recorded::parse(&bytes[..31]).unwrap_err(), RecordError::Short);
    let Content::End(end) = Recorded::parse(&bytes[..size]).unwrap().content else { panic!() };
    assert_eq!(end.outcome(), Some(Outcome::Stopped));
}

proptest! {
    #[test]
    fn any_damage_costs_what_it_touches(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&data);
    }
}
