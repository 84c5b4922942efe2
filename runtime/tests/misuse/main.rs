//! Misuse that the compiler turns down, each for the reason it should.
//!
//! The cases are compiled with this test as they are right. Each is compiled once more with its
//! wrong line, and has to fail there with the code that it names: codes stay what they are, while
//! words change with every compiler, and a doc test that fails looks at neither.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

#[allow(dead_code, reason = "they are compiled and not called")]
#[allow(unused_imports, unused_mut, unused_variables, reason = "a wrong line may be their user")]
mod cases;

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const CASES: &str = include_str!("cases.rs");

struct Case<'a> {
    name: &'a str,
    code: &'a str,
    /// The lines of its function, from 1.
    lines: RangeInclusive<u64>,
}

/// Lines such as `#[cfg(misuse = "name")] // code`.
fn cases() -> Vec<Case<'static>> {
    let (mut start, mut cases) = (0, Vec::<Case<'_>>::new());
    for (text, line) in CASES.lines().zip(1..) {
        if text.starts_with("fn ") {
            start = line;
        }
        if text == "}" {
            let here = cases.iter_mut().filter(|case| *case.lines.start() == start);
            here.for_each(|case| case.lines = start..=line);
            continue;
        }
        let Some((_, rest)) = text.split_once("(misuse = \"") else { continue };
        let (name, rest) = rest.split_once('"').unwrap();
        let (_, code) = rest.split_once("// ").unwrap();
        cases.push(Case { name, code, lines: start..=line });
    }
    cases
}

/// What the compiler says against a case: each error's code, and the lines it points at.
fn errors(case: &Case<'_>) -> Vec<(String, Vec<u64>)> {
    let test = std::env::current_exe().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "--package", "kymo", "--test", "misuse", "--profile", "check"])
        .args(["--locked", "--quiet", "--message-format", "json", "--target-dir"])
        .arg(test.ancestors().nth(3).unwrap())
        .args(["--", "--cfg", &format!("misuse=\"{}\"", case.name)])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = lines.filter(|line| line["message"]["level"] == "error");
    let coded = told.filter_map(|line| {
        let message = &line["message"];
        let spans = message["spans"].as_array().unwrap();
        let here = spans.iter().filter(|span| span["file_name"].as_str().is_some_and(is_cases));
        let lines = here.map(|span| span["line_start"].as_u64().unwrap()).collect();
        Some((message["code"]["code"].as_str()?.to_owned(), lines))
    });
    coded.collect()
}

fn is_cases(path: &str) -> bool {
    path.ends_with("misuse/cases.rs")
}

#[test]
fn what_is_wrong_does_not_compile() {
    let cases = cases();
    assert!(cases.len() >= 8, "the cases were not found");
    let mut told = Vec::new();
    for case in &cases {
        let errors = errors(case);
        let is_it = |(code, lines): &(String, Vec<u64>)| {
            code == case.code && lines.iter().any(|line| case.lines.contains(line))
        };
        if errors.is_empty() || !errors.iter().all(is_it) {
            told.push(format!("{}: expected {}, got {errors:?}", case.name, case.code));
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}

/// Where nothing is wrong nothing fails: else the test above would find what it looks for anywhere.
#[test]
fn what_is_right_compiles() {
    let errors = errors(&Case { name: "nothing", code: "", lines: 0..=0 });
    assert!(errors.is_empty(), "{errors:?}");
}
