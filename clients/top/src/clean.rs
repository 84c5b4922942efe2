//! Text of others, made harmless for a terminal.
//!
//! Control characters move the cursor, change titles and answer as if somebody typed; marks of
//! direction make text look like other text. Neither is let through.

use std::fmt::Write;

/// Whether a terminal may do something else with `char` than show it.
pub(crate) fn is_harmful(char: char) -> bool {
    let is_direction_mark = matches!(char,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    char.is_control() || is_direction_mark || matches!(char, '\u{2028}' | '\u{2029}')
}

/// `text` with a mark in the place of each character that is not harmless.
pub fn clean(text: impl IntoIterator<Item = char>) -> String {
    let mark = char::REPLACEMENT_CHARACTER;
    text.into_iter().map(|char| if is_harmful(char) { mark } else { char }).collect()
}

/// A line of JSON that means the same and is harmless. Such characters stand only in strings, where
/// they may be escaped.
pub fn clean_json(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    for char in line.chars() {
        if is_harmful(char) {
            // Writing to a string can't fail. All of them lie below U+10000.
            let _ = write!(clean, "\\u{:04x}", u32::from(char));
        } else {
            clean.push(char);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_harmful_gets_through() {
        let harmful = "a\u{1b}]0;x\u{7}\r\n\t\u{7f}\u{9b}31m\u{202e}\u{2028}é°";
        assert_eq!(clean(harmful.chars()), "a�]0;x������31m��é°");
        for char in (0..=0x2FFF).filter_map(char::from_u32) {
            let text = clean([char]);
            assert!(!text.chars().any(is_harmful));
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let line = "{\"a\":\"x\u{7f}\u{9b}\u{202e}é\"}";
        let clean = clean_json(line);
        assert_eq!(clean, "{\"a\":\"x\\u007f\\u009b\\u202eé\"}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(line), value(&clean));
    }
}
