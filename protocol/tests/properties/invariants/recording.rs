//! Of any bytes a recording gives back the records that are whole, once and in order, and tells the
//! rest, however they are cut; and of a recording that was damaged every record that was not.

use kymo_protocol::recording::{
    Content, Damage, Missed, RECORD_HEAD_SIZE, RECORD_MAX, RecordId, RecordKind, Recorded, Scanner,
    Step, emit, lost,
};
use kymo_protocol::{Data, Event, EventFields, Stamp, StreamId};
use zerocopy::IntoBytes;

/// What a scan has found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Record { offset: u64, number: u64, bytes: Vec<u8> },
    Lost(Damage),
}

pub(crate) fn check(data: &[u8]) {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    scanned_alike(rest, usize::from(*first) + 1);
    let mut file = Vec::new();
    let mut bounds = Vec::new();
    for number in 0..u64::from(first % 8) + 1 {
        let start = file.len();
        file.extend(record(number, data));
        bounds.push(start..file.len());
    }
    // Each four bytes of the rest are a place and what becomes of it; the last two a cut.
    let mut damaged = file.clone();
    for hit in rest.chunks_exact(4).take(4) {
        let place = usize::from(u16::from_le_bytes([hit[0], hit[1]])) % file.len();
        damaged[place] ^= hit[2];
    }
    if let [.., low, high] = rest {
        let cut = usize::from(u16::from_le_bytes([*low, *high]));
        damaged.truncate(if cut < file.len() { cut } else { file.len() });
    }
    let told = scanned_alike(&damaged, usize::from(*first) + 1);
    let is_whole = |(_, bounds): &(usize, &std::ops::Range<usize>)| {
        damaged.get((*bounds).clone()) == Some(&file[(*bounds).clone()])
    };
    let whole: Vec<u64> =
        bounds.iter().enumerate().filter(is_whole).map(|(n, _)| n as u64).collect();
    let found: Vec<u64> = told.iter().filter_map(number).collect();
    assert_eq!(found, whole, "a record is lost that was not touched, or one came back");
    for one in &told {
        if let Told::Record { offset, number, bytes } = one {
            let bounds = bounds[usize::try_from(*number).unwrap()].clone();
            assert!(bounds.start as u64 == *offset && bytes[..] == file[bounds], "another record");
        }
    }
}

fn number(told: &Told) -> Option<u64> {
    match told {
        Told::Record { number, .. } => Some(*number),
        Told::Lost(_) => None,
    }
}

/// A record that depends on its number and on `data`, which an event carries, turned over so that
/// no head can stand in it.
fn record(number: u64, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; RECORD_MAX];
    let id = RecordId { file: 0x5EED, number };
    let size = match number % 3 {
        0 => emit(&mut bytes, id, RecordKind::Lost, lost(number, "it ended").as_bytes()),
        1 => {
            let missed = Missed::new(StreamId::VITALS, 1, number + 1, number);
            emit(&mut bytes, id, RecordKind::Missed, missed.as_bytes())
        }
        _ => {
            let (mut payload, mut frame) = (vec![0; 4096], vec![0; 4096]);
            let data: Vec<u8> = data.iter().take(1024).map(|byte| byte ^ 0x55).collect();
            let data = Data::Bytes(&data);
            let size = EventFields::custom("t", data).write(&mut payload).unwrap();
            let stamp = Stamp { boot_ns: number };
            let size = Event::emit(&mut frame, number, stamp, &payload[..size]).unwrap();
            emit(&mut bytes, id, RecordKind::Frame, &frame[..size])
        }
    };
    bytes.truncate(size.unwrap());
    bytes
}

/// What a scan finds, in one piece and in pieces that grow by `piece` bytes.
pub(crate) fn scanned_alike(file: &[u8], piece: usize) -> Vec<Told> {
    let whole = scanned(file, file.len().max(1));
    assert_eq!(scanned(file, piece), whole, "in pieces it is another recording");
    let mut at = 0;
    let mut expected = 0;
    for told in &whole {
        let (offset, bytes) = match told {
            Told::Record { offset, number, bytes } => {
                assert_eq!(*number, expected, "nothing said that records are missing");
                expected = number.saturating_add(1);
                written_again(bytes);
                (*offset, bytes.len() as u64)
            }
            Told::Lost(Damage { offset, bytes, records }) => {
                assert!(
                    *bytes > 0 || records.is_some_and(|records| records > 0),
                    "nothing is lost"
                );
                expected += records.unwrap_or(0);
                (*offset, *bytes)
            }
        };
        assert_eq!(offset, at, "a byte is told twice, or not at all");
        at += bytes;
    }
    assert_eq!(at, file.len() as u64, "the end is not told");
    whole
}

/// A record is what writing its content again gives.
fn written_again(bytes: &[u8]) {
    let record = Recorded::parse(bytes).unwrap();
    let kind = match record.content {
        Content::Start(_) => RecordKind::Start,
        Content::Frame(..) => RecordKind::Frame,
        Content::Lost(_) => RecordKind::Lost,
        Content::Missed(_) => RecordKind::Missed,
        Content::Fresh(_) => RecordKind::Fresh,
        Content::Index(_) => RecordKind::Index,
        Content::End(_) => RecordKind::End,
        _ => return,
    };
    let mut again = vec![0; bytes.len()];
    assert_eq!(emit(&mut again, record.id, kind, &bytes[RECORD_HEAD_SIZE..]), Ok(bytes.len()));
    assert!(again == bytes, "writing it again gives other bytes");
}

fn scanned(file: &[u8], piece: usize) -> Vec<Told> {
    let mut scanner = Scanner::default();
    let (mut start, mut end, mut told) = (0, 0, Vec::new());
    loop {
        let offset = scanner.offset();
        assert_eq!(offset, start as u64);
        let (taken, step) = scanner.step(&file[start..end], end == file.len());
        match step {
            Step::Record(Recorded { id: RecordId { number, .. }, size, .. }) => {
                assert_eq!(taken, size);
                let bytes = file[start..start + size].to_vec();
                told.push(Told::Record { offset, number, bytes });
            }
            Step::Damage(damage) => told.push(Told::Lost(damage)),
            Step::More => {
                assert!(end < file.len(), "there is no more");
                end = (end + piece).min(file.len());
            }
            Step::End => return told,
        }
        start += taken;
    }
}
