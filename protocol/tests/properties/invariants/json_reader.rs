//! The reader accepts the texts that serde_json accepts, and reads the same value in them.
//!
//! Three differences are known. serde_json refuses numbers beyond f64, which the reader hands out
//! as text, and lone surrogates, which the reader reads as U+FFFD; the reader stops at its depth.

use kymo_protocol::json::{JsonFault, Reader, Text, Token};
use serde_json::{Map, Value};

pub(crate) fn check(text: &[u8]) {
    let ours = read(text);
    let theirs = serde_json::from_slice::<Value>(text);
    match (ours, theirs) {
        (Ok(Some(ours)), Ok(theirs)) => assert_eq!(ours, theirs),
        (Err(JsonFault::Depth) | Ok(None), _) => {}
        (Err(_), Err(_)) => {}
        (Ok(Some(ours)), Err(error)) => panic!("accepted {ours}, but: {error}"),
        (Err(fault), Ok(theirs)) => panic!("refused {theirs}: {}", fault.describe()),
    }
}

/// The value in `text`; `None` when it holds something that serde_json is known to refuse.
pub(crate) fn read(text: &[u8]) -> Result<Option<Value>, JsonFault> {
    let mut same = true;
    let value = read_value(text, &mut same);
    value.map(|value| same.then_some(value)).map_err(|error| {
        assert!(error.at <= text.len());
        error.fault
    })
}

fn read_value(text: &[u8], same: &mut bool) -> Result<Value, kymo_protocol::json::JsonError> {
    let mut reader = Reader::new(text)?;
    // The open containers, each with the key under which it will stand in the one outside.
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    let mut key = None;
    let mut whole = Value::Null;
    while let Some(token) = reader.next_token()? {
        assert!(reader.position() <= text.len());
        let value = match token {
            Token::Key(name) => {
                key = Some(string(name, same));
                continue;
            }
            Token::ObjectStart | Token::ArrayStart => {
                let object = token == Token::ObjectStart;
                let empty = if object { Value::Object(Map::new()) } else { Value::Array(vec![]) };
                open.push((empty, key.take()));
                continue;
            }
            Token::ObjectEnd | Token::ArrayEnd => {
                let (value, outer_key) = open.pop().expect("an end has its start");
                key = outer_key;
                value
            }
            Token::String(text) => Value::String(string(text, same)),
            Token::Number(text) => {
                *same &= text.parse::<f64>().is_ok_and(|number| number.abs() < 1e308);
                serde_json::from_str(text).unwrap_or(Value::Null)
            }
            Token::Bool(value) => Value::Bool(value),
            Token::Null => Value::Null,
        };
        match open.last_mut() {
            Some((Value::Object(members), _)) => {
                members.insert(key.take().expect("a member has a key"), value);
            }
            Some((Value::Array(items), _)) => items.push(value),
            _ => whole = value,
        }
    }
    Ok(whole)
}

/// What `text` says; clears `same` when it holds a lone surrogate.
fn string(text: Text<'_>, same: &mut bool) -> String {
    let read: String = text.chars().collect();
    assert!(text.is(&read));
    let replaced = |text: &str| text.matches('\u{FFFD}').count();
    // A backslash that is written as two is none of an escape's.
    let escapes = text.escaped().to_ascii_lowercase().replace("\\\\", "  ");
    let written = escapes.matches("\\ufffd").count();
    *same &= replaced(&read) <= replaced(text.escaped()) + written;
    read
}
