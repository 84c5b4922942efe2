//! Where the fuzz targets start from: some of the cases, and whatever once broke something.

use crate::cases::valid;
use crate::control_cases::requests;
use crate::invariants;
use crate::line_cases::subscribe_lines;
use crate::streams;
use kymo_protocol::limits::HEADER_SIZE;

const FRAMES: &[&str] = &[
    "hello",
    "welcome_with_events",
    "subscribe_full",
    "subscribed",
    "gap_greatest",
    "heartbeat",
    "goodbye_shutdown",
    "error_with_escapes",
    "vitals_typical",
    "vitals_greatest",
    "unknown_kind_19",
    "catalog_two",
    "catalog_longest_texts",
    "samples_every_state",
    "samples_part",
    "processes_two",
    "processes_greatest",
    "event_json",
    "transcription_catchup",
    "request_submit_durable",
    "reply_submit",
];

const EVENTS: &[&str] = &[
    "event_json",
    "event_json_white_space",
    "event_text_controls",
    "event_bytes",
    "event_longest_topic",
    "session_start_catchup",
    "state_change_idle",
    "transcription",
    "metrics_update_extremes",
    "notification",
];

/// Target, file name and content of each seed that comes from the cases.
pub(crate) fn files() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut files = Vec::new();
    for (target, names, skipped) in
        [("frame_parse", FRAMES, 0), ("event_line", EVENTS, HEADER_SIZE)]
    {
        for name in names {
            files.push((target, (*name).to_owned(), valid(name)[skipped..].to_vec()));
        }
    }
    let (good, bad) = requests();
    for (at, (name, text)) in good.into_iter().chain(bad).enumerate() {
        if at % 5 == 0 || name == "submit_everything" {
            files.push(("control_request", name, text));
        }
    }
    for (name, chunks) in streams::cases() {
        let good = [
            "all_in_one_chunk",
            "unknown_kinds_between",
            "garbage_behind_a_frame",
            "events_between_other_frames",
            "sensors_between_other_frames",
        ];
        if good.contains(&name.as_str()) {
            files.push(("decoder_split", name, [vec![vec![7]], chunks].concat().concat()));
        }
    }
    for (name, bytes) in streams::messages() {
        let good = ["from_vitals", "a_process_without_name", "two_messages", "most_of_everything"];
        if good.contains(&name.as_str()) {
            files.push(("opta1", name, bytes));
        }
    }
    for (at, (name, line)) in subscribe_lines().0.into_iter().enumerate() {
        if at % 2 == 0 {
            files.push(("subscribe_line", name, line));
        }
    }
    for (name, text) in [
        ("line", br#"{"type":"vitals","load":[0.5,1e-7,-0.0],"x":null,"y":{}}"#.as_slice()),
        ("escapes", br#"["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]"#),
        ("words", b" [ true , false , null ] "),
        ("nested", b"[{\"a\":[{\"b\":[[]]}]},18446744073709551616]"),
        ("trailing_comma", b"[1,]"),
    ] {
        files.push(("json_reader", name.to_owned(), text.to_vec()));
    }
    for (name, text) in [
        ("controls", b"\0\x1b]0;title\x07\x7f\r\n\t".as_slice()),
        ("quotes", b"say \"\\\" and C:\\"),
        ("unicode", "é€😀\u{2028}\u{10FFFF}".as_bytes()),
        ("not_utf8", b"a\xFF\xE2\x82b"),
    ] {
        files.push(("json_escape", name.to_owned(), text.to_vec()));
    }
    let golden = crate::recordings::golden();
    files.push(("recording", "whole".to_owned(), [&[255], &golden[..]].concat()));
    files.push(("recording", "cut".to_owned(), [&[40], &golden[..600]].concat()));
    for (name, hits) in [
        ("a_bit", [7, 100, 0, 1, 0, 255, 255].as_slice()),
        ("heads", &[7, 3, 0, 9, 0, 152, 0, 128, 0, 255, 255]),
        ("a_cut", &[6, 90, 1]),
    ] {
        files.push(("recording", name.to_owned(), hits.to_vec()));
    }
    files
}

/// Every seed in the repository, those of the cases and those that were added by hand.
pub(crate) fn replay() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    let mut count = 0;
    for (target, check) in [
        ("catalog", invariants::catalog::check as fn(&[u8])),
        ("frame_parse", invariants::frame_parse::check),
        ("decoder_split", invariants::decoder_split::check),
        ("opta1", invariants::opta1::check),
        ("json_reader", invariants::json_reader::check),
        ("json_escape", invariants::json_escape::check),
        ("subscribe_line", invariants::subscribe_line::check),
        ("event_line", invariants::event_line::check),
        ("control_request", invariants::control_request::check),
        ("recording", invariants::recording::check),
    ] {
        for entry in std::fs::read_dir(folder.join(target)).expect(target) {
            let path = entry.unwrap().path();
            check(&std::fs::read(&path).unwrap());
            count += 1;
        }
    }
    assert!(count >= files().len(), "seeds are missing");
}
