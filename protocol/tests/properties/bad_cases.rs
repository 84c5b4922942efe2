//! The cases of the golden vectors that no reader may take.

use crate::cases::{BOOT_NS, Case, valid};
use crate::support::raw_frame;

/// Name, the good frame, where to write, and what.
const CHANGES: [(&str, &str, usize, &[u8]); 44] = [
    ("magic", "heartbeat", 0, b"KYMO"),
    ("version_3", "heartbeat", 4, &[3]),
    ("version_1_in_a_header_of_2", "heartbeat", 4, &[1]),
    ("flag_0", "heartbeat", 6, &[1]),
    ("flag_15", "heartbeat", 7, &[0x80]),
    ("length_not_a_multiple_of_8", "heartbeat", 8, &[9]),
    ("length_beyond_the_limit", "heartbeat", 8, &[8, 0, 1, 0]),
    ("length_of_4_gigabytes", "heartbeat", 8, &[0xF8, 0xFF, 0xFF, 0xFF]),
    ("length_says_more", "heartbeat", 8, &[16]),
    ("length_says_less", "heartbeat", 8, &[0]),
    ("kind_has_another_length", "heartbeat", 12, &[16]),
    ("kind_needs_8_bytes", "unknown_kind_10", 12, &[6]),
    ("hello_name_len_65", "hello", 36, &[65]),
    ("hello_reserved", "hello", 38, &[1]),
    ("hello_bytes_behind_name", "hello", 103, &[1]),
    ("hello_name_not_utf8", "hello", 40, &[0xFF]),
    ("welcome_stream_count", "welcome", 34, &[2]),
    ("welcome_reserved", "welcome", 36, &[1]),
    ("welcome_stream_reserved", "welcome", 106, &[1]),
    ("welcome_stream_reserved_more", "welcome", 111, &[1]),
    ("welcome_stream_0", "welcome", 104, &[0]),
    ("welcome_streams_not_ascending", "welcome_with_events", 128, &[1]),
    ("welcome_oldest_behind_next", "welcome", 112, &[8]),
    ("subscribe_option_2", "subscribe_vitals", 38, &[4]),
    ("subscribe_reserved", "subscribe_vitals", 68, &[1]),
    ("subscribe_text_is_missing", "subscribe_vitals", 64, &[1]),
    ("subscribe_text_beyond_the_limit", "subscribe_longest", 66, &[1, 2]),
    ("subscribe_pattern_not_ended", "subscribe_full", 64, &[10, 0, 5]),
    ("subscribe_empty_pattern", "subscribe_full", 72, b"\n"),
    ("subscribe_pattern_not_utf8", "subscribe_full", 72, &[0xFF]),
    ("subscribe_padding", "subscribe_full", 87, &[1]),
    ("subscribed_option_resume", "subscribed", 38, &[2]),
    ("subscribed_resume_3", "subscribed", 40, &[3]),
    ("subscribed_reserved", "subscribed", 44, &[1]),
    ("gap_from_0", "gap_one", 32, &[0]),
    ("gap_backwards", "gap_one", 32, &[2]),
    ("gap_of_none", "gap_one", 48, &[0]),
    ("gap_of_more_than_its_span", "gap_one", 48, &[2]),
    ("gap_reason_4", "gap_one", 56, &[4]),
    ("gap_reserved", "gap_one", 63, &[1]),
    ("goodbye_reason_4", "goodbye_shutdown", 32, &[4]),
    ("goodbye_reserved", "goodbye_shutdown", 34, &[1]),
    ("error_text_len_121", "error_frame", 34, &[121]),
    ("error_bytes_behind_text", "error_frame", 159, &[1]),
];

/// Frames that every reader must refuse: a good one with one change each.
pub(crate) fn invalid_frames() -> Vec<Case> {
    let vitals_changes: [(&str, usize, &[u8]); 8] = [
        ("vitals_nine_fans", 148, &[9]),
        ("vitals_color_3", 149, &[3]),
        ("vitals_system_state_3", 150, &[3]),
        ("vitals_reserved", 151, &[1]),
        ("vitals_state_8", 160, &[8]),
        ("vitals_reserved_state", 183, &[1]),
        ("vitals_reserved_age", 279, &[1]),
        ("vitals_reserved_end", 287, &[1]),
    ];
    let vitals = vitals_changes.map(|(name, at, bytes)| (name, "vitals_typical", 32 + at, bytes));
    let mut cases: Vec<Case> = Vec::new();
    for (name, good, at, change) in CHANGES.into_iter().chain(vitals) {
        let mut bytes = valid(good);
        bytes[at..at + change.len()].copy_from_slice(change);
        cases.push((name.into(), bytes));
    }
    let mut version_1 = 84u32.to_le_bytes().to_vec();
    version_1.extend(b"ATPO\x01\0\0\0\x48\0\0\0");
    cases.push(("version_1_message".into(), version_1));
    let padded = raw_frame(3, 0, (0, BOOT_NS), &[0; 48]);
    cases.push(("subscribe_padding_of_8".into(), padded));
    cases.push(("nothing".into(), vec![]));
    cases.push(("half_a_header".into(), valid("heartbeat")[..16].to_vec()));
    cases.push(("header_alone".into(), valid("heartbeat")[..32].to_vec()));
    cases.push(("text".into(), b"{\"subscribe\":[\"vitals\"]}\n".to_vec()));
    cases.push(("a_byte_too_many".into(), [valid("heartbeat"), vec![0]].concat()));
    cases
}
