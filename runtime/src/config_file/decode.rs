//! Keys and values as the text spells them, decoded into memory that is there already.

use std::fmt::Write;

use kymo_protocol::parse_float;
use toml_parser::decoder::{Encoding, ScalarKind, StringBuilder};
use toml_parser::{Expected, ParseError, Raw, Source, Span};

use super::fault::Fault;
use super::word::Value;
use crate::message::Message;

/// A text, and the memory for one key or value of it.
#[derive(Debug)]
pub struct Decoder<'a> {
    /// The text.
    pub source: Source<'a>,
    /// Has room for as much as the text.
    pub decoded: &'a mut String,
}

impl<'a> Decoder<'a> {
    /// A piece of the text.
    pub fn raw(&self, span: Span, encoding: Option<Encoding>) -> Raw<'a> {
        // Spans come from the same text; another one never happens.
        let text = self.source.input().get(span.start()..span.end()).unwrap_or("");
        Raw::new_unchecked(text, encoding, span)
    }

    /// One part of a key.
    pub fn key(&mut self, span: Span, encoding: Option<Encoding>) -> Result<&str, Fault> {
        let (raw, mut error) = (self.raw(span, encoding), None);
        self.decoded.clear();
        raw.decode_key(&mut Text(self.decoded), &mut error);
        error.map_or(Ok(self.decoded.as_str()), |error| Err(fault_of(&error)))
    }

    /// A value without values in it.
    pub fn scalar(&mut self, span: Span, encoding: Option<Encoding>) -> Result<Value<'_>, Fault> {
        let (raw, mut error) = (self.raw(span, encoding), None);
        self.decoded.clear();
        let kind = raw.decode_scalar(&mut Text(self.decoded), &mut error);
        error.map_or(Ok(()), |error| Err(fault_of(&error)))?;
        let text = self.decoded.as_str();
        Ok(match kind {
            ScalarKind::String => Value::String(text),
            ScalarKind::Boolean(value) => Value::Bool(value),
            ScalarKind::DateTime => Value::DateTime,
            ScalarKind::Float => Value::Float(parse_float(text).unwrap_or(f64::NAN)),
            ScalarKind::Integer(radix) => {
                let parsed = i64::from_str_radix(text, radix.value());
                let too_large = |_| Fault::new(span.start(), format_args!("too large a number"));
                Value::Integer(parsed.map_err(too_large)?)
            }
        })
    }
}

/// The parser's complaint as a fault.
pub fn fault_of(error: &ParseError) -> Fault {
    let span = error.unexpected().or(error.context());
    let mut text = Message::from(error.description());
    for (index, expected) in error.expected().unwrap_or_default().iter().enumerate() {
        let lead = if index == 0 { "; expected" } else { " or" };
        // Writing to a message can't fail.
        let _ = match expected {
            Expected::Literal(word) => write!(text, "{lead} `{}`", word.escape_debug()),
            Expected::Description(what) => write!(text, "{lead} {what}"),
            _ => Ok(()),
        };
    }
    Fault { at: span.map_or(0, |span| span.start()), text }
}

/// Decoded text in the memory there is for it.
struct Text<'a>(&'a mut String);

impl<'s> StringBuilder<'s> for Text<'_> {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn push_str(&mut self, append: &'s str) -> bool {
        let fits = append.len() <= self.0.capacity() - self.0.len();
        if fits {
            self.0.push_str(append);
        }
        fits
    }

    fn push_char(&mut self, append: char) -> bool {
        let fits = append.len_utf8() <= self.0.capacity() - self.0.len();
        if fits {
            self.0.push(append);
        }
        fits
    }
}
