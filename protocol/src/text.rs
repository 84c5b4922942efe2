//! Text on its way into a frame.

use crate::frame_error::FrameError;
use crate::json::Text;

/// Text, as it is or as the inside of a JSON string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words<'a> {
    /// As it is.
    Plain(&'a str),
    /// With JSON's escapes.
    Escaped(Text<'a>),
}

impl Words<'_> {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        match self {
            Self::Plain(text) => text.is_empty(),
            Self::Escaped(text) => text.escaped().is_empty(),
        }
    }

    /// Words between white space.
    #[must_use]
    pub fn count(self) -> u64 {
        let mut in_word = false;
        let mut count = 0;
        let mut take = |char: char| {
            count += u64::from(!char.is_whitespace() && !in_word);
            in_word = !char.is_whitespace();
        };
        match self {
            Self::Plain(text) => text.chars().for_each(&mut take),
            Self::Escaped(text) => text.chars().for_each(&mut take),
        }
        count
    }

    /// Writes the text in UTF-8 to the front of `buffer` and returns its size.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when it does not fit.
    pub fn write(self, buffer: &mut [u8]) -> Result<usize, FrameError> {
        let text = match self {
            Self::Plain(text) => text,
            // Most strings have no escape.
            Self::Escaped(text) if !text.escaped().contains('\\') => text.escaped(),
            Self::Escaped(text) => return write_chars(text, buffer),
        };
        let target = buffer.get_mut(..text.len()).ok_or(FrameError::Short)?;
        target.copy_from_slice(text.as_bytes());
        Ok(text.len())
    }
}

fn write_chars(text: Text<'_>, buffer: &mut [u8]) -> Result<usize, FrameError> {
    let mut size = 0;
    for char in text.chars() {
        let target = buffer.get_mut(size..size + char.len_utf8()).ok_or(FrameError::Short)?;
        char.encode_utf8(target);
        size += char.len_utf8();
    }
    Ok(size)
}

/// The float that is nearest to a number in decimal digits; infinite where it is too large.
#[must_use]
pub fn parse_float(text: &str) -> Option<f64> {
    let (is_negative, text) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(rest),
        _ => (&[][..], rest),
    };
    let exponent = match rest {
        [] => 0,
        [b'e' | b'E', rest @ ..] => parse_exponent(rest)?,
        _ => return None,
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = &whole[whole.iter().take_while(|digit| **digit == b'0').count()..];
    let value: f64 = minimal_lexical::parse_float(whole.iter(), fraction.iter(), exponent);
    Some(if is_negative { -value } else { value })
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// What is beyond any exponent stays so.
fn parse_exponent(text: &[u8]) -> Option<i32> {
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let (digits, rest) = digits(text);
    if digits.is_empty() || !rest.is_empty() {
        return None;
    }
    let value = digits.iter().fold(0, |value: i32, digit| {
        value.saturating_mul(10).saturating_add(i32::from(digit - b'0'))
    });
    Some(if is_negative { -value } else { value })
}

/// Whether it is UTF-8 without control characters.
pub(crate) fn is_printable(bytes: &[u8]) -> bool {
    // Nearly every name is ASCII.
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        || core::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control))
}

/// The longest prefix of `text` of at most `size` bytes that ends between two characters.
pub(crate) fn prefix(text: &str, size: usize) -> &str {
    let mut end = size.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_characters() {
        let mut buffer = [0; 16];
        let text = Words::Escaped(Text::from_escaped(r"a\n\u00e9"));
        assert_eq!(text.write(&mut buffer), Ok(4));
        assert_eq!(&buffer[..4], "a\né".as_bytes());
        assert_eq!(text.write(&mut buffer[..3]), Err(FrameError::Short));
    }

    #[test]
    fn words_are_counted_between_white_space() {
        for (text, count) in [("", 0), ("  ", 0), ("one", 1), (" one\ttwo\n three ", 3)] {
            assert_eq!(Words::Plain(text).count(), count, "{text:?}");
        }
        assert_eq!(Words::Escaped(Text::from_escaped(r"Hello\nworld")).count(), 2);
    }

    #[test]
    fn a_float_is_all_of_the_text() {
        for text in ["", "x", "1x", " 1", "1e", "--1", "0x1", "1_0"] {
            assert_eq!(parse_float(text), None, "{text:?}");
        }
    }
}
