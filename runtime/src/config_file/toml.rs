//! TOML as the parser tells it, event by event, into a [`Draft`].
//!
//! The parser checks the grammar, [`Decoder`] decodes keys and values, [`Walk`] finds their places.
//! Guarantees: the first fault in the order of the text is the one that is told, and nothing is
//! allocated but by [`TomlReader::new`].

use std::cell::RefCell;

use toml_parser::decoder::Encoding;
use toml_parser::lexer::Token;
use toml_parser::parser::{EventReceiver, parse_document};
use toml_parser::{ErrorSink, ParseError, Source, Span};

use super::decode::Decoder;
use super::draft::Draft;
use super::fault::Fault;
use super::walk::Walk;
use crate::limits::CONFIG_SIZE_MAX;

/// What reads texts of settings, with all the memory that takes. Pages of it that no text has
/// needed are never touched.
#[derive(Debug)]
pub struct TomlReader {
    /// Every token has at least a byte, and one marks the end.
    tokens: Vec<Token>,
    /// A decoded key or value, which is never longer than its text.
    decoded: String,
}

impl Default for TomlReader {
    fn default() -> Self {
        Self::new()
    }
}

impl TomlReader {
    /// A reader of every text that may be; the only call that allocates.
    #[must_use]
    pub fn new() -> Self {
        Self::for_size(CONFIG_SIZE_MAX)
    }

    /// A reader of texts of so many bytes.
    pub(super) fn for_size(size: usize) -> Self {
        let size = size.min(CONFIG_SIZE_MAX);
        Self { tokens: Vec::with_capacity(size + 1), decoded: String::with_capacity(size) }
    }

    /// Reads a whole text.
    ///
    /// # Errors
    ///
    /// The first [`Fault`].
    pub(super) fn draw(&mut self, text: &str, draft: &mut Draft) -> Result<(), Fault> {
        if text.len() > CONFIG_SIZE_MAX {
            let text = format_args!("settings have at most {CONFIG_SIZE_MAX} bytes");
            return Err(Fault::new(CONFIG_SIZE_MAX, text));
        }
        let source = Source::new(text);
        self.tokens.clear();
        self.tokens.extend(source.lex());
        let complaint = RefCell::new(None);
        let decoder = Decoder { source, decoded: &mut self.decoded };
        let mut walk = Walk::new(decoder, &complaint, draft);
        let mut sink = |error: ParseError| {
            complaint.borrow_mut().get_or_insert(error);
        };
        parse_document(&self.tokens, &mut walk, &mut sink);
        walk.end()
    }
}

impl EventReceiver for Walk<'_> {
    fn std_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.step(Self::begin_header);
    }

    fn std_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.step(|walk| walk.end_header(false));
    }

    fn array_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.step(Self::begin_header);
    }

    fn array_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.step(|walk| walk.end_header(true));
    }

    fn inline_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.step(|walk| walk.open_table(span.start()));
        !self.is_broken()
    }

    fn inline_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.step(Self::close);
    }

    fn array_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.step(|walk| walk.open_array(span.start()));
        !self.is_broken()
    }

    fn array_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.step(Self::close);
    }

    fn simple_key(&mut self, span: Span, kind: Option<Encoding>, _: &mut dyn ErrorSink) {
        self.step(|walk| walk.read_key(span, kind));
    }

    fn key_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.step(Self::descend);
    }

    fn scalar(&mut self, span: Span, kind: Option<Encoding>, _: &mut dyn ErrorSink) {
        self.step(|walk| walk.read_scalar(span, kind));
    }

    fn comment(&mut self, span: Span, error: &mut dyn ErrorSink) {
        if !self.is_broken() {
            self.decoder.raw(span, None).decode_comment(error);
        }
    }

    fn newline(&mut self, span: Span, error: &mut dyn ErrorSink) {
        if !self.is_broken() {
            self.decoder.raw(span, None).decode_newline(error);
        }
    }
}
