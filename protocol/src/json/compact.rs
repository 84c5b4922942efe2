//! JSON values that stand inside a line as they are.
//!
//! The data of an event is copied raw into lines, so it must be exactly one value, on one line, and
//! one that every client's parser takes. Beyond the grammar that means: no byte below 0x20 and no
//! 0x7F, no number beyond an f64, no half of a surrogate pair, and room for the levels around it.

use crate::frame_error::FrameError;
use crate::json::object::next;
use crate::json::read::{JsonError, JsonFault, Reader, Token};
use crate::json::{Text, Writer};
use crate::limits::DATA_DEPTH_MAX;
use crate::text::parse_float;

/// Whether `text` can stand inside a line as it is; see the module.
///
/// # Errors
///
/// The first [`JsonError`] in it.
pub fn check(text: &str) -> Result<(), JsonError> {
    if let Some(at) = text.bytes().position(|byte| byte < b' ' || byte == 0x7F) {
        return Err(JsonError { at, fault: JsonFault::Character });
    }
    if read(text)? { Ok(()) } else { Err(JsonError { at: text.len(), fault: JsonFault::Value }) }
}

/// Writes the JSON value `text` so that it can stand inside a line, and returns its size: without
/// the white space between its tokens, 0x7F as an escape, and U+FFFD for a lone surrogate.
///
/// # Errors
///
/// [`FrameError::Value`] when it is no JSON value, or one with a number beyond an f64 or too many
/// levels; [`FrameError::Short`] when it does not fit.
pub fn compact(text: &str, buffer: &mut [u8]) -> Result<usize, FrameError> {
    read(text).map_err(|_| FrameError::Value)?;
    let bytes = text.as_bytes();
    let mut w = Writer::new(buffer);
    let (mut at, mut copied, mut in_string) = (0, 0, false);
    while let Some(byte) = bytes.get(at) {
        let (size, instead) = match byte {
            b' ' | b'\t' | b'\n' | b'\r' if !in_string => (1, Some("")),
            0x7F => (1, Some("\\u007f")),
            b'\\' => escape(&text[at..]),
            b'"' => {
                in_string = !in_string;
                (1, None)
            }
            _ => (1, None),
        };
        if let Some(instead) = instead {
            // Both ends lie at bytes of ASCII, so between characters.
            w.raw(&text[copied..at]);
            w.raw(instead);
            copied = at + size;
        }
        at += size;
    }
    w.raw(&text[copied..]);
    w.finish()
}

/// Takes the rest of a value whose first token was just taken, and says whether its strings are
/// whole.
pub(super) fn skip_data(reader: &mut Reader<'_>, first: Token<'_>) -> Result<bool, JsonError> {
    let (mut depth, mut whole) = (0, true);
    let mut token = first;
    loop {
        match token {
            Token::ObjectStart | Token::ArrayStart if depth == DATA_DEPTH_MAX => {
                return Err(reader.error(JsonFault::Depth));
            }
            Token::ObjectStart | Token::ArrayStart => depth += 1,
            Token::ObjectEnd | Token::ArrayEnd => depth -= 1,
            Token::Key(text) | Token::String(text) => whole &= text.is_whole(),
            Token::Number(text) if !is_finite(text) => {
                return Err(reader.error(JsonFault::Value));
            }
            Token::Number(_) | Token::Bool(_) | Token::Null => {}
        }
        // A key is followed by its value, so it never ends the loop.
        if depth == 0 {
            return Ok(whole);
        }
        token = next(reader)?;
    }
}

/// Whether the strings of the one value in `text` are whole.
fn read(text: &str) -> Result<bool, JsonError> {
    let mut reader = Reader::new(text.as_bytes())?;
    let first = next(&mut reader)?;
    let whole = skip_data(&mut reader, first)?;
    match reader.next_token()? {
        None => Ok(whole),
        Some(_) => Err(reader.error(JsonFault::Trailing)),
    }
}

fn is_finite(number: &str) -> bool {
    // Only an exponent or hundreds of digits can lead beyond the range.
    let is_plain = number.len() < 300 && !number.contains(['e', 'E']);
    is_plain || parse_float(number).is_some_and(f64::is_finite)
}

/// Bytes of the escape at the front of `text`, and what is to be written instead.
fn escape(text: &str) -> (usize, Option<&'static str>) {
    if text.as_bytes().get(1) != Some(&b'u') {
        return (2, None);
    }
    let is_whole =
        |size| text.get(..size).is_some_and(|escape| Text::from_escaped(escape).is_whole());
    match [6, 12].into_iter().find(|size| is_whole(*size)) {
        Some(size) => (size, None),
        None => (6, Some("\\ufffd")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compacted(text: &str) -> heapless::String<64> {
        let mut buffer = [0; 64];
        let size = compact(text, &mut buffer).unwrap();
        core::str::from_utf8(&buffer[..size]).unwrap().try_into().unwrap()
    }

    #[test]
    fn only_white_space_between_tokens_goes() {
        let text = "\n{ \"a b\" : [ 1 ,\t2 ], \"\\\\\" : \"\\\" \" }\r";
        assert_eq!(compacted(text), "{\"a b\":[1,2],\"\\\\\":\"\\\" \"}");
        let mut buffer = [0; 64];
        assert_eq!(compact(text, &mut buffer[..5]), Err(FrameError::Short));
        for bad in ["{\"a\":}", "", "1 2", "{}{}", "[1", "1e999", "\"\n\""] {
            assert_eq!(compact(bad, &mut buffer), Err(FrameError::Value), "{bad}");
        }
    }

    #[test]
    fn what_other_parsers_or_terminals_stumble_over_is_replaced() {
        assert_eq!(compacted("\"é\u{7f} \u{7f}\""), r#""é\u007f \u007f""#);
        assert_eq!(compacted(r#"{"\udc80":"\ud83d\ude00"}"#), r#"{"\ufffd":"\ud83d\ude00"}"#);
        assert_eq!(compacted(r#""\ud83d\u0041\ud83d""#), r#""\ufffd\u0041\ufffd""#);
        assert_eq!(compacted(r#""\\ud83d\ud83d€""#), r#""\\ud83d\ufffd€""#);
    }

    #[test]
    fn what_stands_in_a_line_is_one_value_on_it() {
        for good in ["null", "-1.5e-7", r#"{"a": ["\u2028", "\ud83d\ude00"]}"#, "\"\u{2028}\""] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let fault = |text| check(text).map_err(|error| (error.fault, error.at));
        assert_eq!(fault("[1,\n2]"), Err((JsonFault::Character, 3)));
        assert_eq!(fault("\"\u{7f}\""), Err((JsonFault::Character, 1)));
        assert_eq!(fault("1}"), Err((JsonFault::Trailing, 1)));
        assert_eq!(fault("1,\"x\":2"), Err((JsonFault::Trailing, 1)));
        assert_eq!(fault(""), Err((JsonFault::End, 0)));
        assert_eq!(fault("[-1e309]"), Err((JsonFault::Value, 7)));
        assert_eq!(fault(r#"["\ud83d"]"#), Err((JsonFault::Value, 10)));
    }

    #[test]
    fn digits_alone_can_lead_beyond_the_range_of_numbers() {
        let digits = core::str::from_utf8(&[b'9'; 309]).unwrap();
        assert_eq!(check(&digits[..308]), Ok(()));
        assert_eq!(check(digits).map_err(|error| error.fault), Err(JsonFault::Value));
    }

    #[test]
    fn levels_leave_room_for_those_around_them() {
        let mut text = heapless::String::<64>::new();
        for bracket in ["[", "]"] {
            for _ in 0..DATA_DEPTH_MAX {
                text.push_str(bracket).unwrap();
            }
        }
        assert_eq!(check(&text), Ok(()));
        text.insert(0, '[').unwrap();
        text.push(']').unwrap();
        assert_eq!(check(&text).map_err(|error| error.fault), Err(JsonFault::Depth));
    }
}
