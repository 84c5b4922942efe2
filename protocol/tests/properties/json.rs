//! The JSON reader and writer against serde_json.

use crate::invariants::{json_escape, json_reader};
use crate::support::json;
use kymo_protocol::json::JsonFault;
use kymo_protocol::limits::JSON_DEPTH_MAX;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Pieces that JSON, and things that are nearly JSON, are made of.
const PIECES: [&str; 56] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"a\":",
    "\"b\":",
    "\"\"",
    "\\",
    "\\u",
    "\\n",
    "\"\\u0041\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\ude00\\ud83d\"",
    "\"\\uD8zz\"",
    "\"\\/\"",
    "\"\\'\"",
    "\"\t\"",
    "\"é€😀\"",
    "\u{7f}",
    "0",
    "-0",
    "-",
    "01",
    "1",
    "12.5",
    ".5",
    "1.",
    "1e5",
    "1E+5",
    "1e-",
    "1e999",
    "-1e999",
    "18446744073709551616",
    "0x1",
    "+1",
    "NaN",
    "Infinity",
    "true",
    "false",
    "null",
    "nul",
    "True",
    " ",
    "\t",
    "\n",
    "\r",
    "\u{b}",
    "\u{a0}",
    "\u{feff}",
    "//",
    "/**/",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn json_is_read_as_serde_json_reads_it(text in json()) {
        prop_assert!(matches!(json_reader::read(text.as_bytes()), Ok(Some(_))));
        json_reader::check(text.as_bytes());
    }

    #[test]
    fn near_json_is_judged_as_serde_json_judges_it(pieces in vec(select(&PIECES[..]), 0..12)) {
        json_reader::check(pieces.concat().as_bytes());
    }

    #[test]
    fn damaged_json_is_judged_as_serde_json_judges_it(
        text in json(),
        hurt in vec(any::<(Index, u8)>(), 1..3),
        piece in select(&PIECES[..]),
        place in any::<Index>(),
    ) {
        let mut bytes = text.into_bytes();
        for (at, byte) in hurt {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        json_reader::check(&bytes);
        let at = place.index(bytes.len() + 1);
        bytes.splice(at..at, piece.bytes());
        json_reader::check(&bytes);
        bytes.truncate(at);
        json_reader::check(&bytes);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..64)) {
        json_reader::check(&bytes);
    }

    #[test]
    fn strings_survive_both_ways(text in any::<String>(), bytes in vec(any::<u8>(), 0..64)) {
        json_escape::check(text.as_bytes());
        json_escape::check(&bytes);
    }
}

/// Each byte where a string, a token, white space, an escape or a number's next digit could stand.
#[test]
fn every_byte_is_judged_as_serde_json_judges_it() {
    let places: [(&[u8], &[u8]); 7] = [
        (b"\"a", b"b\""),
        (b"", b"1"),
        (b"[1", b"2]"),
        (b"\"\\", b"\""),
        (b"\"\\u00", b"0\""),
        (b"[1.5", b"]"),
        (b"{\"a\"", b"1}"),
    ];
    for byte in 0..=u8::MAX {
        for (before, after) in places {
            json_reader::check(&[before, &[byte], after].concat());
        }
    }
}

#[test]
fn every_character_below_two_bytes_survives() {
    for code in 0..0x800 {
        let text: String = char::from_u32(code).into_iter().collect();
        json_escape::check(text.as_bytes());
    }
}

#[test]
fn the_depth_is_the_limit_exactly() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(json_reader::read(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
    let deeper = json_reader::read(nested(JSON_DEPTH_MAX + 1).as_bytes());
    assert_eq!(deeper, Err(JsonFault::Depth));
    let objects = format!("{}1{}", "{\"a\":[".repeat(8), "]}".repeat(8));
    json_reader::check(objects.as_bytes());
    assert!(json_reader::read(objects.as_bytes()).is_ok());
}

/// The known differences from serde_json, so that a change on either side is noticed.
#[test]
fn the_differences_from_serde_json_are_these() {
    for text in ["1e999", "\"\\ud83d\"", "\"\\ude00x\"", "[-1e400]"] {
        assert_eq!(json_reader::read(text.as_bytes()), Ok(None), "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
    }
}
