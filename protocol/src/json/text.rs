//! The inside of a JSON string: what it says, without a copy of it.

/// The inside of a string, with its escapes as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// The inside of a string whose escapes the reader has checked.
    pub(crate) const fn from_escaped(text: &'a str) -> Self {
        Self(text)
    }

    /// Text that needs no escapes, such as base64; `None` when it does.
    #[must_use]
    pub fn plain(text: &'a str) -> Option<Self> {
        let needs = |byte| byte < b' ' || byte == b'"' || byte == b'\\';
        (!text.bytes().any(needs)).then_some(Self(text))
    }

    /// The text, with escapes as they are written.
    #[must_use]
    pub const fn escaped(self) -> &'a str {
        self.0
    }

    /// Its characters. A lone surrogate escape reads as U+FFFD.
    pub fn chars(self) -> impl Iterator<Item = char> + 'a {
        self.units().map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Whether it is without lone surrogate escapes, on which other readers give up.
    #[must_use]
    pub fn is_whole(self) -> bool {
        // Most have no escape at all, and one byte is found fast.
        let bytes = self.0.as_bytes();
        let has_units = || bytes.windows(2).any(|pair| pair == br"\u");
        !bytes.contains(&b'\\') || !has_units() || self.units().all(|char| char.is_some())
    }

    /// Its characters; `None` for a lone surrogate escape.
    fn units(self) -> impl Iterator<Item = Option<char>> + 'a {
        let mut rest = self.0.chars();
        core::iter::from_fn(move || {
            let char = rest.next()?;
            Some(if char == '\\' { unescape(&mut rest) } else { Some(char) })
        })
    }

    /// Whether the text is `other`.
    #[must_use]
    pub fn is(self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

/// The character of an escape whose backslash was just taken; `None` for half of a pair. The parser
/// has checked its form.
fn unescape(rest: &mut core::str::Chars<'_>) -> Option<char> {
    Some(match rest.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(rest),
        other => other,
    })
}

fn unicode(rest: &mut core::str::Chars<'_>) -> Option<char> {
    let first = hex4(rest);
    if (0xD800..0xDC00).contains(&first) {
        let mut ahead = rest.clone();
        if ahead.next() == Some('\\') && ahead.next() == Some('u') {
            let second = hex4(&mut ahead);
            if (0xDC00..0xE000).contains(&second) {
                *rest = ahead;
                return char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            }
        }
    }
    char::from_u32(first)
}

fn hex4(rest: &mut core::str::Chars<'_>) -> u32 {
    rest.take(4).fold(0, |code, digit| code << 4 | digit.to_digit(16).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(escaped: &str) -> heapless::String<64> {
        Text::from_escaped(escaped).chars().collect()
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(chars(r#"\"\\\/\b\f\n\r\t"#), "\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(chars(r"\u0041\u00e9\u20AC"), "Aé€");
        assert_eq!(chars(r"\ud83d\ude00"), "😀");
        assert_eq!(chars(r"\uD800\uDC00\uDBFF\uDFFF"), "\u{10000}\u{10FFFF}");
    }

    #[test]
    fn a_lone_surrogate_costs_itself_and_nothing_behind_it() {
        assert_eq!(chars(r"\ud83dx"), "\u{FFFD}x");
        assert_eq!(chars(r"\ude00"), "\u{FFFD}");
        assert_eq!(chars(r"\ud83d\n"), "\u{FFFD}\n");
        assert_eq!(chars(r"\ud83d\u0041"), "\u{FFFD}A");
        assert_eq!(chars(r"\ud83d\ud83d\ude00"), "\u{FFFD}😀");
    }

    #[test]
    fn halves_of_pairs_are_told_from_characters() {
        for whole in ["a", r"\\ud83d", r"\ud83d\ude00", "\u{FFFD}", r"\ufffd"] {
            assert!(Text::from_escaped(whole).is_whole(), "{whole}");
        }
        for half in [r"\ud83d", r"\ude00", r"a\ud83d\u0041", r"\ude00\ud83d", r"\uD83D\n"] {
            assert!(!Text::from_escaped(half).is_whole(), "{half}");
        }
    }

    #[test]
    fn what_needs_an_escape_is_not_plain() {
        for text in ["", "aGk=", "a b", "\u{7f}", "é"] {
            assert_eq!(Text::plain(text).map(Text::escaped), Some(text), "{text}");
        }
        for text in ["a\n", "\u{1f}", "\"", "\\"] {
            assert_eq!(Text::plain(text), None, "{text:?}");
        }
    }

    #[test]
    fn texts_are_compared_by_meaning() {
        assert!(Text::from_escaped(r"vit\u0061ls").is("vitals"));
        assert!(!Text::from_escaped("vital").is("vitals"));
        assert_eq!(Text::from_escaped(r"a\n").escaped(), r"a\n");
    }
}
