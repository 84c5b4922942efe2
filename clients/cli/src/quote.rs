//! Text as a JSON string.

use kymo_protocol::json::Writer;

/// `text` with its quotes.
pub fn quote(text: &str) -> String {
    // A byte becomes six at most.
    let mut buffer = vec![0; 6 * text.len() + 2];
    let mut writer = Writer::new(&mut buffer);
    writer.string(text);
    let size = writer.finish().unwrap_or(0);
    buffer.truncate(size);
    String::from_utf8(buffer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        for text in ["", "a\"b\\c", "\u{0}\n\u{1b}\u{7f}é\u{1F600}", &"\u{1}".repeat(99)] {
            assert_eq!(serde_json::from_str::<String>(&quote(text)).unwrap(), text);
        }
    }
}
