//! The cases of the golden vectors that no reader may take.

use crate::cases::{BOOT_NS, Case, valid};
use crate::sensor_cases::SENSOR_CHANGES;
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
    ("kind_needs_8_bytes", "unknown_kind_12", 12, &[6]),
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

/// From byte 4 of an event on: no number but a name of eight bytes, or data of eight bytes.
const SHAPED_NAME: &[u8] = b"\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0namename";
const SHAPED_DATA: &[u8] = b"\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0datadata";

/// The same for events and requests.
const EVENT_CHANGES: [(&str, &str, usize, &[u8]); 45] = [
    ("event_kind_7", "event_json", 32, &[7]),
    ("event_with_state", "event_json", 34, &[1]),
    ("event_with_state_5", "event_json", 34, &[5]),
    ("state_change_without_state", "state_change_idle", 34, &[0]),
    ("state_change_state_5", "state_change_idle", 34, &[5]),
    ("metrics_update_without_state", "metrics_update", 34, &[0]),
    ("event_with_a_number", "session_start", 32, &[0, 0, 0, 0, 1, 0]),
    ("session_start_with_words", "session_start", 36, &[4]),
    ("transcription_with_segments", "transcription", 36, &[0x56]),
    ("metrics_update_with_retry_count", "metrics_update", 36, &[0xFE]),
    ("metrics_update_number_10", "metrics_update", 37, &[0x05]),
    ("transcription_number_infinite", "transcription", 78, &[0xF0, 0x7F]),
    ("transcription_number_not_a_number", "transcription", 78, &[0xF8, 0xFF]),
    ("event_without_name", "event_json_null", 38, &[0, 0, 5]),
    ("session_start_with_name", "session_start", 36, SHAPED_NAME),
    ("event_name_of_129_bytes", "event_longest_topic", 38, &[129]),
    ("event_name_longer_than_the_payload", "event_json", 39, &[1]),
    ("event_name_not_utf8", "event_json", 56, &[0xFF]),
    ("event_name_with_newline", "event_json", 56, b"\n"),
    ("event_name_with_delete", "event_json", 56, &[0x7F]),
    ("event_name_with_a_control_of_two_bytes", "event_longest_topic", 56, &[0xC2, 0x85]),
    ("event_data_longer_than_the_payload", "event_json", 42, &[1]),
    ("event_data_of_4_gigabytes", "event_json", 40, &[0xFF, 0xFF, 0xFF, 0xFF]),
    ("event_data_shorter_than_the_payload", "event_bytes", 41, &[0]),
    ("session_start_with_data", "session_start", 36, SHAPED_DATA),
    ("event_form_3", "event_json", 44, &[3]),
    ("transcription_of_json", "transcription", 44, &[1]),
    ("notification_of_text", "notification", 44, &[0]),
    ("session_start_of_bytes", "session_start", 44, &[2]),
    ("event_option_1", "event_json", 45, &[2]),
    ("event_reserved", "event_json", 46, &[1]),
    ("event_reserved_more", "event_json", 47, &[1]),
    ("event_padding", "event_bytes_one", 63, &[1]),
    ("event_text_not_utf8", "event_text", 59, &[0xFF]),
    ("event_json_not_utf8", "event_json_null", 57, &[0xFF]),
    ("event_json_with_newline", "event_json_null", 57, b"\n"),
    ("event_json_with_delete", "event_json_null", 57, &[0x7F]),
    ("event_json_of_no_bytes", "event_bytes_none", 44, &[1]),
    ("request_action_0", "request_ping", 40, &[0]),
    ("request_action_11", "request_ping", 40, &[11]),
    ("request_ack_4", "request_submit", 42, &[4]),
    ("request_ack_without_submit", "request_ping", 42, &[1]),
    ("request_client_of_65_bytes", "request_submit_durable", 43, &[65]),
    ("request_bytes_behind_client", "request_submit_durable", 43, &[4]),
    ("request_number_without_client", "request_ping", 48, &[1]),
];

/// The same for requests and replies.
const CONTROL_CHANGES: [(&str, &str, usize, &[u8]); 19] = [
    ("request_client_not_utf8", "request_submit_durable", 56, &[0xFF]),
    ("request_client_without_submit", "request_ping", 43, &[1]),
    ("request_event_is_longer", "request_submit", 44, &[40]),
    ("request_event_is_shorter", "request_submit", 44, &[32]),
    ("request_event_of_4_gigabytes", "request_submit", 44, &[0xFF; 4]),
    ("request_event_without_submit", "request_submit", 40, &[1]),
    ("request_submit_without_event", "request_ping", 40, &[6]),
    ("request_event_kind_7", "request_submit", 120, &[7]),
    ("request_event_catchup", "request_submit", 120 + 13, &[1]),
    ("request_event_reserved", "request_submit", 120 + 14, &[1]),
    ("request_event_not_json", "request_submit", 154, b"}"),
    ("request_event_two_values", "request_submit", 154, b"1,    {\"x"),
    ("reply_ack_4", "reply_shortest", 42, &[4]),
    ("reply_reserved", "reply_shortest", 43, &[1]),
    ("reply_text_is_longer", "reply_shortest", 44, &[9]),
    ("reply_text_is_shorter", "reply_submit", 44, &[8]),
    ("reply_padding", "reply_shortest", 63, &[1]),
    ("reply_no_object", "reply_shortest", 56, b"[]"),
    ("reply_on_two_lines", "reply_ping", 80, b"\n"),
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
    for (name, good, at, change) in CHANGES
        .into_iter()
        .chain(vitals)
        .chain(SENSOR_CHANGES.iter().copied())
        .chain(EVENT_CHANGES)
        .chain(CONTROL_CHANGES)
    {
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
