//! What the JSON of a reply says about success.

use std::path::Path;

use kymo_protocol::ErrorCode;
use kymo_protocol::json::{Reader, Token};

use crate::error::Error;

/// The refusal that a reply of the server at `path`, or a line before it, is; `None` for a success.
pub fn refusal(path: &Path, text: &str) -> Option<Error> {
    let mut words = [const { String::new() }; 4];
    if read(text, &mut words).is_none() {
        return Some(Error::Refused { code: None, text: "a reply that is not JSON".into() });
    }
    let [status, kind, code, error] = words;
    let is_refusal = status == "error" || kind == "error";
    let code = ErrorCode::ALL.into_iter().find(|known| known.name() == code);
    is_refusal.then(|| Error::of_refusal(path, code, error))
}

/// The sentence of a refusal.
pub fn sentence(text: &str) -> String {
    let mut words = [const { String::new() }; 4];
    let [_, _, _, error] = match read(text, &mut words) {
        Some(()) => words,
        None => return String::new(),
    };
    error
}

fn read(text: &str, words: &mut [String; 4]) -> Option<()> {
    const KEYS: [&str; 4] = ["status", "type", "code", "error"];
    let mut reader = Reader::new(text.as_bytes()).ok()?;
    if reader.next_token().ok()?? != Token::ObjectStart {
        return None;
    }
    while let Token::Key(key) = reader.next_token().ok()?? {
        let wanted = KEYS.iter().position(|name| key.is(name));
        match (reader.next_token().ok()??, wanted) {
            (Token::String(text), Some(index)) => words[index] = text.chars().collect(),
            (value, _) => reader.skip_value(value).ok()?,
        }
    }
    reader.next_token().ok()?.is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_told_apart() {
        let path = Path::new("/d/control.sock");
        let denied = refusal(path, "{\"type\":\"error\",\"code\":\"denied\",\"error\":\"x\"}");
        assert_eq!(denied, Some(Error::Denied { path: path.into(), text: "x".into() }));
        assert_eq!(refusal(path, "{\"status\":\"success\",\"error\":\"x\"}"), None);
        let error =
            refusal(path, "{\"status\":\"error\",\"error\":\"no\\n\",\"code\":\"full\"}").unwrap();
        assert_eq!(error, Error::Refused { code: Some(ErrorCode::Full), text: "no\n".into() });
        let later =
            refusal(path, "{\"type\":\"error\",\"code\":\"novelty\",\"error\":\"x\"}").unwrap();
        assert_eq!(later, Error::Refused { code: None, text: "x".into() });
        assert!(refusal(path, "nonsense").is_some() && refusal(path, "{\"status\":1}{").is_some());
        assert_eq!(sentence("{\"status\":\"error\",\"error\":\"x\"}"), "x");
    }
}
