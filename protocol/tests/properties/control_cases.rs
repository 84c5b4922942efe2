//! The cases of the golden vectors that are requests in JSON: what is understood, and what is not.

use kymo_protocol::json::parse_request;

use crate::cases::Case;

const REQUESTS: &[(&str, &str)] = &[
    ("toggle", r#"{"action":"toggle"}"#),
    ("white_space", " {\t\"action\" :\r\n \"status\" } \n"),
    ("escaped_names", r#"{"\u0061ction":"p\u0069ng"}"#),
    ("shutdown_is_quit", r#"{"action":"shutdown"}"#),
    ("id_number", r#"{"id":-1.50e3,"action":"help"}"#),
    ("id_string", r#"{"action":"metrics","id":"a\"\u00e9\ud83d\ude00"}"#),
    ("id_0", r#"{"action":"sensors","id":0}"#),
    ("dump", r#"{"action":"dump"}"#),
    ("dump_of_one", r#"{"last_s":2.5,"recorder":"spi\u006bes","action":"dump"}"#),
    ("dump_least", r#"{"action":"dump","last_s":1e-3}"#),
    ("submit_event", r#"{"action":"submit","event":{"type":"event","topic":"build.done"}}"#),
    (
        "submit_everything",
        r#"{"key":{"number":7,"client":"app-1"},"ack":"durable","id":7,
            "event":{"timestamp":1699000000.25,"data":{ "ok" : [ 1, "a b" ] },"topic":"t"},
            "action":"submit"}"#,
    ),
    ("submit_received", r#"{"action":"submit","ack":"received","event":{"topic":"t"}}"#),
    ("submit_synced", r#"{"action":"submit","ack":"synced","event":{"topic":"t"}}"#),
    (
        "submit_key_greatest",
        r#"{"action":"submit","key":{"client":"é","number":18446744073709551615},
            "event":{"topic":"t"}}"#,
    ),
];

/// Events, to be wrapped into a request that submits them.
const EVENTS: &[(&str, &str)] = &[
    ("topic_with_escapes", r#"{"topic":"\u00e9\ud83d\ude00\/\"\\"}"#),
    ("topic_with_half_a_pair", r#"{"topic":"a\ud83d"}"#),
    ("data_string", r#"{"topic":"t","data":" a\n\u0001\u007f "}"#),
    ("data_with_delete", "{\"topic\":\"t\",\"data\":[\"\u{7f}\"]}"),
    ("data_with_half_a_pair", r#"{"topic":"t","data":{"\udc80":"\ud83d\u0041"}}"#),
    ("data_with_equal_keys", r#"{"topic":"t","data":{"a":1,"a":2}}"#),
    ("data_of_14_levels", r#"{"topic":"t","data":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}"#),
    (
        "data_number_of_many_digits",
        r#"{"topic":"t","data":0.1000000000000000000000000000001e-300}"#,
    ),
    ("base64", r#"{"topic":"t","data_base64":"AAECAw=="}"#),
    ("base64_with_escapes", r#"{"topic":"t","data_base64":"\u002b+\/\/\/w\u003d\u003d"}"#),
    ("base64_of_nothing", r#"{"topic":"t","data_base64":""}"#),
    ("time_of_nanoseconds", r#"{"topic":"t","timestamp":1699000000.1234567899}"#),
    ("time_with_exponent", r#"{"topic":"t","timestamp":1.6990000000000025e9}"#),
    ("time_0", r#"{"topic":"t","timestamp":0}"#),
    ("time_null", r#"{"topic":"t","timestamp":null}"#),
    ("time_last", r#"{"topic":"t","timestamp":18446744073.709551615}"#),
    ("session_start", r#"{"type":"session_start","session_id":123,"timestamp":1699000000.0}"#),
    ("session_start_alone", r#"{"type":"session_start"}"#),
    ("session_end", r#"{"type":"session_end","session_id":18446744073709551615}"#),
    ("state_change", r#"{"type":"state_change","state":"processing","timestamp":1699000000.0}"#),
    (
        "transcription",
        r#"{"type":"transcription","text":"Hello world","timestamp":"14:23:15","wpm":145.2,
            "latency_ms":234.5,"words":2}"#,
    ),
    ("transcription_without_time", r#"{"text":"Hello\nworld","type":"transcription"}"#),
    (
        "transcription_of_a_session",
        r#"{"type":"transcription","text":"","timestamp":"x","session_id":1,"wpm":null}"#,
    ),
    (
        "metrics_update",
        r#"{"type":"metrics_update","state":"recording","session_id":123,"segments":5,"words":42,
            "wpm":145.2,"duration_s":30.5,"latency_ms":234.5,"gpu_memory_mb":1823.4,
            "gpu_memory_percent":45.2,"cpu_percent":23.1}"#,
    ),
    ("metrics_update_alone", r#"{"type":"metrics_update","state":"idle"}"#),
    (
        "metrics_update_integers",
        r#"{"type":"metrics_update","state":"error","wpm":145,"cpu_percent":-0}"#,
    ),
    (
        "notification",
        r#"{"type":"notification","hook_name":"PostToolUse","hook_data":{"tool":"Edit"},
            "retry_count":1,"timestamp":1699000000}"#,
    ),
    ("notification_alone", r#"{"type":"notification","hook_name":"Stop"}"#),
    // What is wrong with these is named.
    ("not_an_object", "7"),
    ("type_unknown", r#"{"type":"weather","topic":"t"}"#),
    ("type_null", r#"{"type":null,"topic":"t"}"#),
    ("topic_missing", r#"{"data":1}"#),
    ("topic_empty", r#"{"topic":""}"#),
    ("topic_null", r#"{"topic":null}"#),
    ("topic_with_newline", r#"{"topic":"a\nb"}"#),
    ("topic_with_c1_control", r#"{"topic":"\u0085"}"#),
    ("topic_twice", r#"{"topic":"t","topic":"t"}"#),
    ("topic_of_a_state_change", r#"{"type":"state_change","state":"idle","topic":"t"}"#),
    ("seq", r#"{"topic":"t","seq":1}"#),
    ("both_data", r#"{"topic":"t","data":1,"data_base64":"AA=="}"#),
    ("data_of_15_levels", r#"{"topic":"t","data":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}"#),
    ("data_beyond_f64", r#"{"topic":"t","data":[1e999]}"#),
    ("data_missing_value", r#"{"topic":"t","data":}"#),
    ("data_with_raw_newline", "{\"topic\":\"t\",\"data\":\"a\nb\"}"),
    ("base64_without_padding", r#"{"topic":"t","data_base64":"AAECAw"}"#),
    ("base64_with_spare_bits", r#"{"topic":"t","data_base64":"AB=="}"#),
    ("base64_of_urls", r#"{"topic":"t","data_base64":"-_-_"}"#),
    ("base64_with_newline", r#"{"topic":"t","data_base64":"AAAA\nAAAA"}"#),
    ("time_negative", r#"{"topic":"t","timestamp":-1}"#),
    ("time_beyond_64_bits", r#"{"topic":"t","timestamp":18446744073.709551616}"#),
    ("time_in_milliseconds", r#"{"topic":"t","timestamp":1699000000000}"#),
    ("time_text_of_an_event", r#"{"topic":"t","timestamp":"14:23:15"}"#),
    ("time_number_of_a_transcription", r#"{"type":"transcription","text":"a","timestamp":1.5}"#),
    ("session_id_negative", r#"{"type":"session_start","session_id":-1}"#),
    ("session_id_fraction", r#"{"type":"session_start","session_id":1.0}"#),
    ("session_id_beyond_64_bits", r#"{"type":"session_end","session_id":18446744073709551616}"#),
    ("state_missing", r#"{"type":"metrics_update","words":1}"#),
    ("state_unknown", r#"{"type":"state_change","state":"asleep"}"#),
    ("text_missing", r#"{"type":"transcription","timestamp":"14:23:15"}"#),
    ("text_null", r#"{"type":"transcription","text":null}"#),
    ("words_of_a_session_end", r#"{"type":"session_end","words":1}"#),
    ("wpm_text", r#"{"type":"transcription","text":"a","wpm":"145"}"#),
    ("wpm_beyond_f64", r#"{"type":"transcription","text":"a","wpm":1e400}"#),
    ("hook_name_missing", r#"{"type":"notification","hook_data":{}}"#),
];

const MISTAKES: &[(&str, &str)] = &[
    ("nothing", ""),
    ("text", "status"),
    ("list", r#"[{"action":"ping"}]"#),
    ("action_missing", r#"{"id":1}"#),
    ("action_unknown", r#"{"action":"pong"}"#),
    ("action_upper_case", r#"{"action":"Ping"}"#),
    ("action_twice", r#"{"action":"ping","action":"ping"}"#),
    ("key_unknown", r#"{"action":"ping","verbose":true}"#),
    ("comma_too_many", r#"{"action":"ping",}"#),
    ("two_requests", r#"{"action":"ping"} {"action":"ping"}"#),
    ("cut_short", r#"{"action":"ping""#),
    ("id_null", r#"{"action":"ping","id":null}"#),
    ("id_list", r#"{"action":"ping","id":[1]}"#),
    ("id_with_half_a_pair", r#"{"action":"ping","id":"\ud83d"}"#),
    ("id_beyond_f64", r#"{"action":"ping","id":1e999}"#),
    ("submit_without_event", r#"{"action":"submit"}"#),
    ("event_without_submit", r#"{"action":"ping","event":{"topic":"t"}}"#),
    ("ack_without_submit", r#"{"action":"ping","ack":"received"}"#),
    ("key_without_submit", r#"{"action":"ping","key":{"client":"a","number":1}}"#),
    ("recorder_without_dump", r#"{"action":"ping","recorder":"a"}"#),
    ("last_s_without_dump", r#"{"action":"ping","last_s":1}"#),
    ("last_s_0", r#"{"action":"dump","last_s":0}"#),
    ("last_s_of_days", r#"{"action":"dump","last_s":86401}"#),
    ("recorder_null", r#"{"action":"dump","recorder":null}"#),
    ("ack_unknown", r#"{"action":"submit","ack":"seen","event":{"topic":"t"}}"#),
    ("ack_null", r#"{"action":"submit","ack":null,"event":{"topic":"t"}}"#),
    ("key_empty", r#"{"action":"submit","key":{},"event":{"topic":"t"}}"#),
    ("key_client_empty", r#"{"action":"submit","key":{"client":"","number":1},"event":{}}"#),
    ("key_number_text", r#"{"action":"submit","key":{"client":"a","number":"1"},"event":{}}"#),
    ("key_number_negative", r#"{"action":"submit","key":{"client":"a","number":-1},"event":{}}"#),
    ("key_more", r#"{"action":"submit","key":{"client":"a","number":1,"x":1},"event":{}}"#),
];

/// Requests that are understood, and some that are not.
pub(crate) fn requests() -> (Vec<Case>, Vec<Case>) {
    let long = "x".repeat(62);
    let made = [
        ("id_of_64_bytes", format!(r#"{{"action":"ping","id":"{long}"}}"#)),
        ("id_of_65_bytes", format!(r#"{{"action":"ping","id":"{long}x"}}"#)),
        ("topic_of_128_bytes", submit(&format!(r#"{{"topic":"{}"}}"#, "é".repeat(64)))),
        ("topic_of_129_bytes", submit(&format!(r#"{{"topic":"{}"}}"#, "x".repeat(129)))),
    ];
    let whole = REQUESTS.iter().chain(MISTAKES).map(|(name, text)| (*name, (*text).to_owned()));
    let events = EVENTS.iter().map(|(name, event)| (*name, submit(event)));
    let mut cases: Vec<Case> = whole
        .chain(events)
        .chain(made)
        .map(|(name, text)| (name.to_owned(), text.into_bytes()))
        .collect();
    cases.push(("not_utf8".into(), b"{\"action\":\"\xFF\"}".to_vec()));
    cases.push(("id_with_delete".into(), b"{\"action\":\"ping\",\"id\":\"\x7f\"}".to_vec()));
    cases.into_iter().partition(|(_, text)| parse_request(text).is_ok())
}

fn submit(event: &str) -> String {
    format!(r#"{{"action":"submit","event":{event}}}"#)
}
