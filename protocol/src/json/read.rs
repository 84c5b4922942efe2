//! Reading JSON text: a pull parser over a slice, without allocation or recursion.
//!
//! Strict RFC 8259: no trailing commas, no comments, no leading zeros, no raw control characters in
//! strings, UTF-8 only, nothing after the value. Nesting is bounded by
//! [`JSON_DEPTH_MAX`](crate::limits::JSON_DEPTH_MAX).

use crate::json::text::Text;
use crate::limits::JSON_DEPTH_MAX;

/// A piece of JSON text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Token<'a> {
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
    /// The name of an object's member; its value follows.
    Key(Text<'a>),
    /// A string.
    String(Text<'a>),
    /// A number as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

/// What is wrong with a text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Bytes before the mistake.
    pub at: usize,
    /// The mistake.
    pub fault: JsonFault,
}

/// What can be wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFault {
    /// The text ends too early.
    End,
    /// A character that can't stand there.
    Character,
    /// Text after the value.
    Trailing,
    /// Nested too deeply.
    Depth,
    /// Not UTF-8.
    Utf8,
    /// A key that the request does not have, has already had, or lacks.
    Key,
    /// A value of another type, or out of its range.
    Value,
}

impl JsonFault {
    /// The mistake in words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::End => "the text ends too early",
            Self::Character => "unexpected character",
            Self::Trailing => "text after the value",
            Self::Depth => "nested too deeply",
            Self::Utf8 => "not UTF-8",
            Self::Key => "unknown, repeated or missing key",
            Self::Value => "value of a wrong type or out of range",
        }
    }
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    CommaOrEnd,
    Nothing,
}

/// Reads a text token by token.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    expect: Expect,
    depth: usize,
    /// Bit n: level n is an object.
    objects: u32,
    failed: Option<JsonError>,
}

const _: () = assert!(JSON_DEPTH_MAX < 32);

impl<'a> Reader<'a> {
    /// A reader of one JSON value and the white space around it.
    ///
    /// # Errors
    ///
    /// [`JsonFault::Utf8`] when `text` is not UTF-8.
    pub fn new(text: &'a [u8]) -> Result<Self, JsonError> {
        let text = core::str::from_utf8(text)
            .map_err(|error| JsonError { at: error.valid_up_to(), fault: JsonFault::Utf8 })?;
        Ok(Self { text, at: 0, expect: Expect::Value, depth: 0, objects: 0, failed: None })
    }

    /// Bytes read so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// The text between two positions.
    #[must_use]
    pub fn text(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// An error at the place where the reader stands.
    #[must_use]
    pub const fn error(&self, fault: JsonFault) -> JsonError {
        JsonError { at: self.at, fault }
    }

    /// The next token; `None` after the value's end.
    ///
    /// # Errors
    ///
    /// The first [`JsonError`], and the same one ever after.
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.advance().inspect_err(|error| self.failed = Some(*error))
    }

    /// Reads to the end of a value whose first token was just taken.
    ///
    /// # Errors
    ///
    /// The first [`JsonError`] on the way.
    pub fn skip_value(&mut self, first: Token<'a>) -> Result<(), JsonError> {
        let mut open = 0u32;
        let mut token = Some(first);
        loop {
            match token {
                Some(Token::ObjectStart | Token::ArrayStart) => open += 1,
                Some(Token::ObjectEnd | Token::ArrayEnd) => open = open.saturating_sub(1),
                Some(_) => {}
                None => return Err(self.error(JsonFault::End)),
            }
            if open == 0 {
                return Ok(());
            }
            token = self.next_token()?;
        }
    }

    fn advance(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        self.skip_space();
        let Some(mut byte) = self.peek() else {
            let done = self.expect == Expect::Nothing;
            return if done { Ok(None) } else { Err(self.error(JsonFault::End)) };
        };
        if self.expect == Expect::Nothing {
            return Err(self.error(JsonFault::Trailing));
        }
        if self.expect == Expect::CommaOrEnd && byte == b',' {
            self.at += 1;
            self.expect = if self.in_object() { Expect::Key } else { Expect::Value };
            self.skip_space();
            byte = self.peek().ok_or(self.error(JsonFault::End))?;
        }
        let closing =
            matches!(self.expect, Expect::CommaOrEnd | Expect::KeyOrEnd | Expect::ValueOrEnd);
        match (byte, self.expect) {
            (b'}', _) if closing && self.in_object() => Ok(Some(self.close(Token::ObjectEnd))),
            (b']', _) if closing && !self.in_object() => Ok(Some(self.close(Token::ArrayEnd))),
            (b'"', Expect::Key | Expect::KeyOrEnd) => self.key().map(Some),
            (_, Expect::Value | Expect::ValueOrEnd) => self.value(byte).map(Some),
            _ => Err(self.error(JsonFault::Character)),
        }
    }

    fn key(&mut self) -> Result<Token<'a>, JsonError> {
        let key = self.string()?;
        self.skip_space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.error(JsonFault::Character)),
            None => return Err(self.error(JsonFault::End)),
        }
        self.expect = Expect::Value;
        Ok(Token::Key(key))
    }

    fn value(&mut self, byte: u8) -> Result<Token<'a>, JsonError> {
        match byte {
            b'{' => return self.open(Token::ObjectStart, true),
            b'[' => return self.open(Token::ArrayStart, false),
            _ => {}
        }
        let token = match byte {
            b'"' => Token::String(self.string()?),
            b't' => self.word("true", Token::Bool(true))?,
            b'f' => self.word("false", Token::Bool(false))?,
            b'n' => self.word("null", Token::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.error(JsonFault::Character)),
        };
        self.after_value();
        Ok(token)
    }

    fn open(&mut self, token: Token<'a>, object: bool) -> Result<Token<'a>, JsonError> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(self.error(JsonFault::Depth));
        }
        self.at += 1;
        self.depth += 1;
        let bit = 1 << self.depth;
        self.objects = if object { self.objects | bit } else { self.objects & !bit };
        self.expect = if object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        Ok(token)
    }

    fn close(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        self.depth -= 1;
        self.after_value();
        token
    }

    fn after_value(&mut self) {
        self.expect = if self.depth == 0 { Expect::Nothing } else { Expect::CommaOrEnd };
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.objects & 1 << self.depth != 0
    }

    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek().ok_or(self.error(JsonFault::End))? {
                b'"' => break,
                b'\\' => self.escape()?,
                0..=0x1F => return Err(self.error(JsonFault::Character)),
                _ => self.at += 1,
            }
        }
        // Both ends are quotes, so they lie between characters.
        let text = Text::from_escaped(&self.text[start..self.at]);
        self.at += 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.peek().ok_or(self.error(JsonFault::End))? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    let digit = self.peek().ok_or(self.error(JsonFault::End))?;
                    if !digit.is_ascii_hexdigit() {
                        return Err(self.error(JsonFault::Character));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.error(JsonFault::Character)),
        }
        Ok(())
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, JsonError> {
        for expected in word.bytes() {
            match self.peek() {
                Some(byte) if byte == expected => self.at += 1,
                Some(_) => return Err(self.error(JsonFault::Character)),
                None => return Err(self.error(JsonFault::End)),
            }
        }
        Ok(token)
    }

    fn number(&mut self) -> Result<Token<'a>, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Token::Number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start {
            return Ok(());
        }
        Err(self.error(if self.peek().is_none() { JsonFault::End } else { JsonFault::Character }))
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<heapless::Vec<Token<'_>, 32>, (JsonFault, usize)> {
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        let mut tokens = heapless::Vec::new();
        while let Some(token) = reader.next_token().map_err(|e| (e.fault, e.at))? {
            tokens.push(token).unwrap();
        }
        Ok(tokens)
    }

    #[test]
    fn a_text_is_its_tokens() {
        let text = |text| Text::from_escaped(text);
        let expected = [
            Token::ObjectStart,
            Token::Key(text("a")),
            Token::ArrayStart,
            Token::Number("1"),
            Token::Number("-0.5e+3"),
            Token::ArrayEnd,
            Token::Key(text("b")),
            Token::ObjectStart,
            Token::ObjectEnd,
            Token::Key(text("c")),
            Token::String(text(r#"x\"y"#)),
            Token::Key(text("d")),
            Token::Bool(true),
            Token::Key(text("e")),
            Token::Bool(false),
            Token::Key(text("")),
            Token::Null,
            Token::ObjectEnd,
        ];
        let compact = r#"{"a":[1,-0.5e+3],"b":{},"c":"x\"y","d":true,"e":false,"":null}"#;
        assert_eq!(tokens(compact).unwrap(), expected);
        let airy = "\t{ \"a\" : [ 1 ,\r\n-0.5e+3 ] , \"b\" : { } , \"c\" : \"x\\\"y\" ,
            \"d\":true , \"e\":false , \"\" : null }\n";
        assert_eq!(tokens(airy).unwrap(), expected);
        for alone in ["0", "-1", "\"\"", "null", "[]", "{}"] {
            assert!(tokens(alone).is_ok(), "{alone}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        use JsonFault::{Character, Depth, End, Trailing};
        let cases = [
            ("", End, 0),
            (" ", End, 1),
            ("{", End, 1),
            ("[1", End, 2),
            ("[1,", End, 3),
            ("[1,]", Character, 3),
            ("[,1]", Character, 1),
            ("[1 2]", Character, 3),
            ("{\"a\"}", Character, 4),
            ("{\"a\":}", Character, 5),
            ("{\"a\":1,}", Character, 7),
            ("{a:1}", Character, 1),
            ("{]", Character, 1),
            ("[}", Character, 1),
            ("]", Character, 0),
            ("1 1", Trailing, 2),
            ("{}{}", Trailing, 2),
            ("nul", End, 3),
            ("nulL", Character, 3),
            ("+1", Character, 0),
            ("01", Trailing, 1),
            ("1.", End, 2),
            ("1.e1", Character, 2),
            ("1e", End, 2),
            ("-", End, 1),
            ("-x", Character, 1),
            ("\"a", End, 2),
            ("\"\n\"", Character, 1),
            ("\"\\x\"", Character, 2),
            ("\"\\u12g4\"", Character, 5),
            ("\"\\u12", End, 5),
            ("\u{feff}1", Character, 0),
            ("/**/1", Character, 0),
            ("[[[[[[[[[[[[[[[[[", Depth, 16),
        ];
        for (text, fault, at) in cases {
            assert_eq!(tokens(text).err(), Some((fault, at)), "{text}");
        }
        let not_utf8 = Reader::new(b"\"\xE2\x82\"").err();
        assert_eq!(not_utf8, Some(JsonError { at: 1, fault: JsonFault::Utf8 }));
    }

    #[test]
    fn each_fault_has_words_of_its_own() {
        use JsonFault::{Character, Depth, End, Key, Trailing, Utf8, Value};
        let words = [End, Character, Trailing, Depth, Utf8, Key, Value].map(JsonFault::describe);
        for (index, word) in words.iter().enumerate() {
            assert!(!word.is_empty() && !words[..index].contains(word), "{word}");
        }
    }

    #[test]
    fn errors_are_final() {
        let mut reader = Reader::new(b"[x]").unwrap();
        assert_eq!(reader.next_token(), Ok(Some(Token::ArrayStart)));
        let error = reader.next_token().unwrap_err();
        assert_eq!(reader.next_token(), Err(error));
    }

    #[test]
    fn values_are_skipped_whole() {
        let mut reader = Reader::new(br#"[{"a":[1,{}]},2]"#).unwrap();
        assert_eq!(reader.next_token(), Ok(Some(Token::ArrayStart)));
        let first = reader.next_token().unwrap().unwrap();
        reader.skip_value(first).unwrap();
        assert_eq!(reader.position(), 13);
        assert_eq!(reader.next_token(), Ok(Some(Token::Number("2"))));
        let mut cut = Reader::new(b"[1").unwrap();
        let first = cut.next_token().unwrap().unwrap();
        assert_eq!(cut.skip_value(first).map_err(|error| error.fault), Err(JsonFault::End));
    }
}
