//! Frames at random: what a server or a client could send, in every kind.

use kymo_protocol::limits::HEADER_SIZE;
use kymo_protocol::{ErrorCode, ErrorReport, Hello, Position, Stamp, Subscribe, emit};
use proptest::collection::vec;
use proptest::prelude::*;

/// A frame put together by hand from the specification, without this crate's writers.
pub(crate) fn raw_frame(kind: u16, stream: u16, numbers: (u64, u64), payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x41, 0x54, 0x50, 0x4F, 2, 0, 0, 0];
    bytes.extend(u32::try_from(payload.len()).expect("small").to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes.extend(stream.to_le_bytes());
    bytes.extend(numbers.0.to_le_bytes());
    bytes.extend(numbers.1.to_le_bytes());
    assert_eq!(bytes.len(), HEADER_SIZE);
    bytes.extend(payload);
    bytes
}

/// A vitals frame with any bits a writer may set.
pub(crate) fn vitals() -> impl Strategy<Value = Vec<u8>> {
    (vec(any::<u8>(), 288), any::<(u64, u64)>()).prop_map(|(mut payload, numbers)| {
        payload[148] %= 9;
        payload[149] %= 3;
        payload[150] %= 3;
        payload[151] = 0;
        payload[160..181].iter_mut().for_each(|state| *state %= 8);
        payload[181..184].fill(0);
        payload[268..280].fill(0);
        payload[284..288].fill(0);
        raw_frame(16, 1, numbers, &payload)
    })
}

/// A frame of any kind, known or not.
pub(crate) fn frame() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vitals(),
        hello(),
        error(),
        subscribe(),
        subscribed(),
        gap(),
        welcome(),
        any::<(u64, u64)>().prop_map(|numbers| raw_frame(6, 0, numbers, &numbers.0.to_le_bytes())),
        (0u8..4).prop_map(|reason| raw_frame(7, 0, (0, 0), &[reason, 0, 0, 0, 0, 0, 0, 0])),
        (20u16..200, vec(any::<u8>(), 0..150)).prop_map(|(kind, mut payload)| {
            payload.resize(payload.len().next_multiple_of(8), 0);
            raw_frame(kind, 4, (1, 2), &payload)
        }),
    ]
}

const STAMP: Stamp = Stamp { boot_ns: 77 };

fn hello() -> impl Strategy<Value = Vec<u8>> {
    (any::<(u16, u16)>(), ".{0,70}").prop_map(|(versions, name)| {
        let mut bytes = vec![0; 104];
        let (hello, _) = emit::<Hello>(&mut bytes, Position::NONE, STAMP).expect("fits");
        hello.set(&name);
        hello.version_min.set(versions.0);
        hello.version_max.set(versions.1);
        bytes
    })
}

fn error() -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(&ErrorCode::ALL), any::<String>()).prop_map(|(code, text)| {
        let mut bytes = vec![0; 160];
        let (report, _) = emit::<ErrorReport>(&mut bytes, Position::NONE, STAMP).expect("fits");
        report.set(code, &text);
        bytes
    })
}

fn subscribe() -> impl Strategy<Value = Vec<u8>> {
    let pattern = || vec("[^\n]{1,20}", 0..5);
    let head = any::<(u32, u16, [u8; 16], u64)>();
    (head, 0u16..4, pattern(), pattern()).prop_map(|(head, options, topics, groups)| {
        let mut fixed = kymo_protocol::subscribe::SubscribeFixed::default();
        fixed.rate_mhz.set(head.0);
        fixed.streams.set(head.1);
        fixed.options.set(options);
        (fixed.epoch, fixed.events) = (head.2, head.3.into());
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let mut bytes = vec![0; 2048];
        let size = Subscribe::emit(&mut bytes, STAMP, &fixed, &topics, &groups).expect("fits");
        bytes.truncate(size);
        bytes
    })
}

fn subscribed() -> impl Strategy<Value = Vec<u8>> {
    (any::<(u32, u16, [u64; 4])>(), 0u16..2, 0u16..3).prop_map(|(head, options, resume)| {
        let mut payload = head.0.to_le_bytes().to_vec();
        payload.extend([head.1, options, resume, 0, 0, 0].iter().flat_map(|n| n.to_le_bytes()));
        payload.extend(head.2.iter().flat_map(|n| n.to_le_bytes()));
        raw_frame(4, 0, (0, 5), &payload)
    })
}

fn gap() -> impl Strategy<Value = Vec<u8>> {
    (1..=u64::MAX, any::<(u64, u64)>(), 0u64..4, 1u16..5).prop_map(
        |(first, rest, reason, stream)| {
            let last = first.saturating_add(rest.0 >> 1);
            let span = last - first;
            let count = 1 + if span == 0 { 0 } else { rest.1 % span };
            let payload = [first, last, count, reason].map(u64::to_le_bytes).concat();
            raw_frame(5, stream, (0, 9), &payload)
        },
    )
}

fn welcome() -> impl Strategy<Value = Vec<u8>> {
    let ids = prop::sample::subsequence((1u64..40).collect::<Vec<_>>(), 0..=16);
    (vec(any::<u8>(), 72), ids, any::<(u64, u64)>()).prop_map(|(mut payload, ids, (a, b))| {
        payload[2..4].copy_from_slice(&u16::try_from(ids.len()).expect("few").to_le_bytes());
        payload[4..8].fill(0);
        for id in ids {
            payload.extend([id, a.min(b), a.max(b)].map(u64::to_le_bytes).concat());
        }
        raw_frame(2, 0, (0, 11), &payload)
    })
}
