//! The cases of the golden vectors that are lines of JSON clients.

use kymo_protocol::json::parse_subscribe;

use crate::cases::{Case, valid};

const LINES: &[&str] = &[
    r#"{"subscribe":["vitals"]}"#,
    r#" { "subscribe" : [ "vitals" , "vitals" ] } "#,
    r#"{"subscribe":[]}"#,
    r#"{"subscribe":["vitals","samples","processes","events"]}"#,
    r#"{"subscribe":["vitals","weather"]}"#,
    r#"{"subscri\u0062e":["vit\u0061ls"]}"#,
    r#"{"rate_hz":1e3,"subscribe":["vitals"]}"#,
    r#"{"subscribe":["vitals"],"rate_hz":0.1}"#,
    r#"{"subscribe":["vitals"],"rate_hz":1.001}"#,
    r#"{"subscribe":["vitals"],"rate_hz":0.0000001}"#,
    r#"{"subscribe":["vitals"],"rate_hz":123456789}"#,
    r#"{"subscribe":["vitals"],"every":false,"topics":[],"groups":[]}"#,
    r#"{"subscribe":["events"],"topics":["été"]}"#,
    "{\"subscribe\":[\"vitals\"]}\r",
    "",
    "hello",
    "{}",
    "[]",
    r#"{"subscribe":["vitals"]"#,
    r#"{"subscribe":["vitals"]} {}"#,
    r#"{"subscribe":["vitals",]}"#,
    r#"{"subscribe":"vitals"}"#,
    r#"{"subscribe":[1]}"#,
    r#"{"subscribe":[],"subscribe":[]}"#,
    r#"{"subscribe":[],"rate":1}"#,
    r#"{"subscribe":[],"rate_hz":0}"#,
    r#"{"subscribe":[],"rate_hz":-1}"#,
    r#"{"subscribe":[],"rate_hz":1e999}"#,
    r#"{"subscribe":[],"rate_hz":"10"}"#,
    r#"{"subscribe":[],"rate_hz":null}"#,
    r#"{"subscribe":[],"rate_hz":010}"#,
    r#"{"subscribe":[],"every":1}"#,
    r#"{"subscribe":[],"topics":[""]}"#,
    r#"{"subscribe":[],"topics":["a\nb"]}"#,
    r#"{"subscribe":[],"resume":{}}"#,
    r#"{"subscribe":[],"resume":{"epoch":"00","events":1}}"#,
    r#"{"subscribe":[],"resume":{"epoch":"0001020304050607 8090a0b0c0d0e0f","events":1}}"#,
    r#"{"subscribe":[],"resume":{"epoch":"000102030405060708090a0b0c0d0e0f"}}"#,
    r#"{"subscribe":[],"resume":{"epoch":"000102030405060708090a0b0c0d0e0f","events":1.0}}"#,
    r#"{"subscribe":[],"resume":{"epoch":"000102030405060708090a0b0c0d0e0f","events":-1}}"#,
    r#"{"action":"ping"}"#,
];

const GROUPS: [&str; 3] = [
    r#"{"groups":["c*","p?wer","power"],"subscribe":["samples"],"topics":["cpu"]}"#,
    r#"{"subscribe":["samples"],"groups":["Cpu","\u0068wmon"]}"#,
    r#"{"subscribe":["samples"],"groups":["no such"]}"#,
];

/// Lines a subscriber may send, and lines it may not.
pub(crate) fn subscribe_lines() -> (Vec<Case>, Vec<Case>) {
    let epoch = "000102030405060708090a0b0c0d0e0f";
    let full = [
        r#"{"subscribe":["vitals","events"],"rate_hz":10.5,"topics":["build.*"],"groups":["cpu"],"#,
        r#""every":true,"resume":{"epoch":""#,
        epoch,
        r#"","events":41}}"#,
    ]
    .concat();
    let last = format!(
        r#"{{"subscribe":["events"],"resume":{{"events":18446744073709551615,"epoch":"{}"}}}}"#,
        epoch.to_uppercase()
    );
    let long = format!(r#"{{"subscribe":[],"topics":["{}"]}}"#, "x".repeat(1023));
    let too_long = long.replace("\"topics\":[", "\"groups\":[\"y\"],\"topics\":[");
    let deep = format!(r#"{{"subscribe":[],"other":{}"#, "[".repeat(20));
    let made = [full, last, long, deep, too_long];
    let lines = LINES.iter().copied().chain(made.iter().map(String::as_str)).chain(GROUPS);
    let mut cases: Vec<Case> = lines
        .enumerate()
        .map(|(at, line)| (format!("line_{:02}", at + 1), line.as_bytes().to_vec()))
        .collect();
    cases.push(("not_utf8".into(), b"{\"subscribe\":[\"\xFF\"]}".to_vec()));
    cases.push(("binary".into(), valid("hello")[..40].to_vec()));
    cases.into_iter().partition(|(_, line)| parse_subscribe(line).is_ok())
}
