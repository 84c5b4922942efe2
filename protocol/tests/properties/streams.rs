//! The cases of the golden vectors that are streams: chunks of frames, and version-1 messages.

use kymo_protocol::opta1::{ENCODED_MAX, Message, encode};
use kymo_protocol::{Body, Frame, FrameError};

use crate::cases::{Case, valid};
use crate::decoded::{array, float, long, object, text};
use crate::invariants::decoder_split::decoded;
use crate::support::raw_frame;

fn sensors() -> Vec<u8> {
    let names = [
        "subscribed_all",
        "catalog_two",
        "samples_every_state",
        "vitals_typical",
        "processes_two",
        "samples_part",
    ];
    names.map(valid).concat()
}

/// Names, and the chunks in which the bytes arrive.
pub(crate) fn cases() -> Vec<(String, Vec<Vec<u8>>)> {
    let vitals = valid("vitals_typical");
    let heartbeat = valid("heartbeat");
    let goodbye = valid("goodbye_shutdown");
    let unknown = valid("unknown_kind_19");
    let large = raw_frame(19, 2, (1, 2), &[0xA5; 1024]);
    let history = [
        valid("subscribed"),
        valid("state_snapshot"),
        valid("session_start_catchup"),
        valid("transcription_catchup"),
        valid("gap_with_filter"),
        vitals.clone(),
        valid("event_json"),
    ];
    let sensors = sensors();
    let mut not_json = valid("event_json_null");
    not_json[57] = b'}';
    let cut = |bytes: &[u8], size: usize| bytes.chunks(size).map(<[u8]>::to_vec).collect();
    let mut damaged = heartbeat.clone();
    damaged[6] = 1;
    let mut too_long = heartbeat.clone();
    too_long[8..12].copy_from_slice(&65_544u32.to_le_bytes());
    let all = [heartbeat.clone(), vitals.clone(), goodbye.clone()].concat();
    let mixed = [unknown.clone(), heartbeat.clone(), large, vitals.clone(), unknown].concat();
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("nothing", vec![]),
        ("a_frame_a_chunk", vec![heartbeat.clone(), vitals.clone(), goodbye.clone()]),
        ("all_in_one_chunk", vec![all.clone()]),
        ("byte_by_byte", cut(&[heartbeat.clone(), goodbye.clone()].concat(), 1)),
        ("cuts_inside_headers_and_payloads", cut(&all, 31)),
        (
            "cut_behind_each_header",
            vec![all[..32].to_vec(), all[32..72].to_vec(), all[72..].to_vec()],
        ),
        ("an_empty_chunk", vec![heartbeat.clone(), vec![], goodbye.clone()]),
        ("unknown_kinds_between", vec![mixed.clone()]),
        ("unknown_kinds_cut", cut(&mixed, 100)),
        ("an_end_inside_a_frame", vec![all[..100].to_vec()]),
        ("an_end_inside_an_unknown_frame", vec![mixed[..200].to_vec()]),
        ("an_error_behind_good_frames", vec![[heartbeat.clone(), damaged.clone()].concat()]),
        ("nothing_counts_behind_an_error", vec![[damaged, heartbeat.clone()].concat()]),
        ("a_length_beyond_the_limit", vec![too_long[..32].to_vec()]),
        ("eight_bytes_of_something_else", vec![b"GET / HT".to_vec()]),
        ("seven_bytes_of_something_else", vec![b"GET / H".to_vec()]),
        ("version_1", vec![b"\x54\0\0\0ATPO".to_vec()]),
        ("events_between_other_frames", vec![history.concat()]),
        ("events_cut", cut(&history.concat(), 77)),
        ("sensors_between_other_frames", vec![sensors.clone()]),
        ("sensors_cut", cut(&sensors, 41)),
        ("requests_and_an_end_inside_one", {
            let requests = [valid("request_ping"), valid("request_submit_durable")].concat();
            vec![requests[..200].to_vec(), requests[200..].to_vec(), requests[..50].to_vec()]
        }),
        ("replies", cut(&[valid("reply_submit"), valid("reply_error")].concat(), 64)),
        ("an_event_whose_json_is_none_is_still_a_frame", vec![not_json]),
        (
            "an_error_behind_an_event",
            vec![
                [valid("transcription"), {
                    let mut bad = valid("transcription");
                    bad[46] = 1;
                    bad
                }]
                .concat(),
            ],
        ),
        ("garbage_behind_a_frame", vec![heartbeat, b"\n\n\n\n\n\n\n\n".to_vec()]),
    ];
    cases.into_iter().map(|(name, chunks)| (name.to_owned(), chunks)).collect()
}

/// What a reader finds in `chunks`.
pub(crate) fn found(chunks: &[Vec<u8>]) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut sizes = chunks.iter().map(Vec::len).filter(|size| *size > 0);
    decoded(&chunks.concat(), |_| sizes.next().unwrap_or(1))
}

fn message(processes: &[(u32, &[u8])], fans: &[u32], tail: &[u8]) -> Vec<u8> {
    let mut payload = vec![0x3F; 54];
    payload[48] = 1;
    payload[53] = 2;
    payload.push(u8::try_from(processes.len()).unwrap());
    for (pid, name) in processes {
        payload.extend(pid.to_le_bytes());
        payload.push(u8::try_from(name.len()).unwrap());
        payload.extend(*name);
        payload.extend(1.5f32.to_le_bytes());
        payload.extend(10f32.to_le_bytes());
    }
    payload.push(u8::try_from(fans.len()).unwrap());
    payload.extend(fans.iter().flat_map(|fan| fan.to_le_bytes()));
    payload.extend(tail);
    let len = u32::try_from(payload.len()).unwrap();
    let mut bytes = (len + 12).to_le_bytes().to_vec();
    bytes.extend(b"ATPO\x01\0\0\0");
    bytes.extend(len.to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// Version-1 messages: whole ones, beginnings of some, and some that are none.
pub(crate) fn messages() -> Vec<Case> {
    let name = "é".repeat(32);
    let most = [(u32::MAX, name.as_bytes()); 10];
    let one = [(7, b"sh".as_slice())];
    let changed = |at: usize, bytes: &[u8]| {
        let mut message = message(&one, &[1200], &[]);
        message[at..at + bytes.len()].copy_from_slice(bytes);
        message
    };
    let typical = valid("vitals_typical");
    let Body::Vitals(vitals) = Frame::parse(&typical).unwrap().body else { panic!("kind") };
    let mut from_vitals = vec![0; ENCODED_MAX];
    let size = encode(&mut from_vitals, vitals, 1_700_000_000_000_000_000).unwrap();
    from_vitals.truncate(size);
    let whole = message(&one, &[1200], &[]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("from_vitals", from_vitals),
        ("without_processes_and_fans", message(&[], &[], &[])),
        ("most_of_everything", message(&most, &[0, 1, 2, u32::MAX], &[])),
        ("a_process_without_name", message(&[(1, b"")], &[], &[])),
        ("two_messages", [whole.clone(), whole.clone()].concat()),
        ("nothing", vec![]),
        ("fifteen_bytes", whole[..15].to_vec()),
        ("a_byte_short", whole[..whole.len() - 1].to_vec()),
        ("magic", changed(4, b"KYMO")),
        ("version_2", changed(8, &[2])),
        ("flags", changed(10, &[1])),
        ("length_and_payload_len_disagree", changed(12, &[1])),
        ("length_below_12", changed(0, &[11])),
        ("length_beyond_the_limit", changed(0, &[0, 0, 1, 0])),
        ("a_version_2_frame", valid("heartbeat")),
        ("payload_too_short", b"\x0C\0\0\0ATPO\x01\0\0\0\0\0\0\0".to_vec()),
        ("eleven_processes", message(&[(1, b"a".as_slice()); 11], &[], &[])),
        ("a_name_of_65_bytes", message(&[(1, [b'a'; 65].as_slice())], &[], &[])),
        ("a_name_not_utf8", message(&[(1, b"\xFF")], &[], &[])),
        ("five_fans", message(&[], &[0; 5], &[])),
        ("more_fans_than_bytes", changed(71 + 15, &[2])),
        ("bytes_behind_the_fans", message(&[], &[], &[0])),
    ];
    cases.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

pub(crate) fn message_fields(message: &Message<'_>) -> String {
    let head = &message.head;
    object(&[
        ("cpu_usage", float(head.cpu_usage.get())),
        ("memory_usage", float(head.memory_usage.get())),
        ("memory_total", long(head.memory_total.get())),
        ("memory_used", long(head.memory_used.get())),
        ("disk_usage", float(head.disk_usage.get())),
        ("temperature", float(head.temperature.get())),
        ("gpu_temperature", float(head.gpu_temperature.get())),
        ("timestamp", long(head.timestamp_ms.get())),
        ("momentum_intensity", float(head.momentum_intensity.get())),
        ("momentum_color", head.momentum_color.to_string()),
        ("momentum_rotation_speed", float(head.momentum_rotation_speed.get())),
        ("system_state", head.system_state.to_string()),
        (
            "processes",
            array(message.processes.iter().map(|process| {
                object(&[
                    ("pid", process.pid.to_string()),
                    ("name", text(process.name)),
                    ("cpu", float(process.cpu)),
                    ("memory", float(process.memory_mb)),
                ])
            })),
        ),
        ("fan_speeds", array(message.fans.iter().map(ToString::to_string))),
    ])
}
