//! Frames at random: what a server or a client could send, in every kind.

mod sensors;

use kymo_protocol::limits::HEADER_SIZE;
use kymo_protocol::{
    Ack, Action, ErrorCode, ErrorReport, Hello, Position, Reply, ReplyFields, Request, Stamp,
    Subscribe, emit,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) use sensors::{processes, samples};

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
        (event_payload(), any::<(u64, u64)>())
            .prop_map(|(payload, numbers)| raw_frame(32, 4, numbers, &payload)),
        request(),
        reply(),
        sensors::catalog(),
        samples(),
        processes(),
        any::<(u64, u64)>().prop_map(|numbers| raw_frame(6, 0, numbers, &numbers.0.to_le_bytes())),
        (0u8..4).prop_map(|reason| raw_frame(7, 0, (0, 0), &[reason, 0, 0, 0, 0, 0, 0, 0])),
        (33u16..200, vec(any::<u8>(), 0..150)).prop_map(|(kind, mut payload)| {
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

/// JSON of a few levels that can stand in a line.
pub(crate) fn json() -> impl Strategy<Value = String> {
    let string = any::<String>()
        .prop_map(|text| serde_json::to_string(&text).unwrap().replace('\u{7f}', "\\u007f"));
    let leaf = prop_oneof![
        select(vec!["null", "true", "false", "[]", "{}", "0", "-0.0", "1e-7"])
            .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f32>().prop_map(|number| serde_json::to_string(&number).unwrap()),
        string.clone(),
    ];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        let member =
            (string.clone(), inner.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
        prop_oneof![
            vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(" , "))),
            vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// The payload of an event of any kind, put together by hand from the specification.
pub(crate) fn event_payload() -> impl Strategy<Value = Vec<u8>> {
    // Number, states, a name or none, forms of data, and the numbers it may have.
    let kind = select(vec![
        (0u16, false, true, 0u8..3, 0u16),
        (1, false, false, 0..1, 1),
        (2, false, false, 0..1, 1),
        (3, true, false, 0..1, 0),
        (4, false, true, 0..1, 0b101_0101),
        (5, true, false, 0..1, 0b11_1111_0111),
        (6, false, true, 1..2, 0b1000),
    ]);
    let text = prop_oneof![any::<String>(), "[\\x00-\\x7f]{0,60}", "\\PC{0,9}"];
    let data = (text, json(), vec(any::<u8>(), 0..200));
    let rest = (1u16..5, any::<u64>(), any::<bool>(), any::<u16>(), any::<u8>());
    let numbers = vec(any::<u64>(), 10);
    (kind, "[^\\p{Cc}]{1,30}", data, rest, numbers).prop_map(|(kind, name, data, rest, numbers)| {
        let (number, has_state, has_name, forms, allowed) = kind;
        let (state, wall_ns, catchup, chosen, form) = rest;
        let form = forms.start + form % (forms.end - forms.start);
        let data = match (number, form) {
            (1..=3 | 5, _) => vec![],
            (_, 0) => data.0.into_bytes(),
            (_, 1) => data.1.into_bytes(),
            _ => data.2,
        };
        let name = if has_name { name.as_str() } else { "" };
        let present = allowed & chosen;
        let mut payload = number.to_le_bytes().to_vec();
        payload.extend(if has_state { state } else { 0 }.to_le_bytes());
        payload.extend(present.to_le_bytes());
        payload.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        payload.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        payload.extend([form, u8::from(catchup), 0, 0]);
        payload.extend(wall_ns.to_le_bytes());
        for (bit, number) in numbers.into_iter().enumerate() {
            // The exponent of all ones is that of what is no number.
            let is_finite = bit < 4 || f64::from_bits(number).is_finite();
            if present & 1 << bit != 0 {
                payload.extend(if is_finite { number } else { 0 }.to_le_bytes());
            }
        }
        payload.extend(name.bytes());
        payload.extend(data);
        payload.resize(payload.len().next_multiple_of(8), 0);
        payload
    })
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let key = proptest::option::of(("\\PC{1,16}", any::<u64>()));
    let ack = proptest::option::of(select(&Ack::ALL[..]));
    (select(&Action::ALL[..]), any::<u64>(), key, ack, event_payload()).prop_map(
        |(action, id, key, ack, mut event)| {
            event[13] = 0;
            let key = key.as_ref().map(|(client, number)| (client.as_str(), *number));
            let mut bytes = vec![0; 4096 + event.len()];
            let size = match action {
                Action::Submit => Request::emit(&mut bytes, id, action, ack, key, &event),
                Action::Dump => Request::emit(&mut bytes, id, action, None, key, &[]),
                _ => Request::emit(&mut bytes, id, action, None, None, &[]),
            };
            bytes.truncate(size.expect("fits"));
            bytes
        },
    )
}

fn reply() -> impl Strategy<Value = Vec<u8>> {
    let ack = proptest::option::of(select(&Ack::ALL[..]));
    (any::<(u64, u16, u64)>(), ack, json()).prop_map(|((id, code, sequence), ack, json)| {
        let fields = ReplyFields { id, code, ack, sequence };
        let text = format!("{{\"status\":\"success\",\"x\":{json}}}");
        let mut bytes = vec![0; 4096 + text.len()];
        let size = Reply::emit(&mut bytes, STAMP, fields, &text).expect("fits");
        bytes.truncate(size);
        bytes
    })
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
