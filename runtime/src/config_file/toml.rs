//! TOML text as a tree in which every key and value knows where it stands.
//!
//! The parser checks the grammar; this layer decodes keys and values and puts dotted keys, headers
//! and inline tables where they belong. Guarantees: no key is set twice, no table is defined twice,
//! nothing is deeper than [`DEPTH_MAX`] and [`PARTS_MAX`] allow. It knows nothing of kymo.

use std::fmt::Write;

use toml_parser::decoder::{ScalarKind, StringBuilder};
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{Expected, ParseError, Raw, Source};

/// Arrays and inline tables inside one another: no setting needs more than two.
const DEPTH_MAX: u32 = 8;

/// Parts of a dotted key: no setting needs more than two.
const PARTS_MAX: usize = 8;

/// What is wrong, and at which byte of the text.
#[derive(Debug)]
pub struct Fault {
    /// Where.
    pub at: usize,
    /// What, as a sentence without an end.
    pub text: String,
}

/// One part of a key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name, decoded.
    pub name: String,
    /// Where it stands.
    pub at: usize,
}

/// A value and where it stands.
#[derive(Debug)]
pub struct Node {
    /// Where.
    pub at: usize,
    /// What.
    pub value: Value,
}

/// A value of each of TOML's types.
#[derive(Debug)]
pub enum Value {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A date, a time or both; no setting is one.
    DateTime,
    /// Values in order. Only `[[headers]]` may extend an array, and only one they made.
    Array(Vec<Node>, Origin),
    /// Values by key.
    Table(Table),
}

/// Values by key, in the order of the text.
#[derive(Debug)]
pub struct Table {
    /// The values.
    pub entries: Vec<(Key, Node)>,
    origin: Origin,
}

/// What made a table or an array, which decides what may add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A longer header; one of its own may still come.
    Implied,
    /// A header.
    Header,
    /// A dotted key.
    Dotted,
    /// Brackets or braces: it is complete.
    Inline,
}

/// Reads a whole text.
///
/// # Errors
///
/// The first [`Fault`].
pub fn parse(text: &str) -> Result<Table, Fault> {
    let source = Source::new(text);
    let tokens: Vec<_> = source.lex().collect();
    let (mut events, mut error) = (Vec::new(), None);
    let mut collect = |event: Event| events.push(event);
    parse_document(&tokens, &mut RecursionGuard::new(&mut collect, DEPTH_MAX), &mut error);
    fail_on(error)?;
    Reader { source, events: events.into_iter() }.document()
}

impl Value {
    /// Its type with an article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Bool(_) => "a boolean",
            Self::DateTime => "a date or time",
            Self::Array(..) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

impl Key {
    /// A fault at this key.
    pub fn fault(&self, text: String) -> Fault {
        Fault { at: self.at, text }
    }

    fn set_twice(&self) -> Fault {
        self.fault(format!("`{}` is set twice", self.name.escape_debug()))
    }
}

impl Table {
    fn new(origin: Origin) -> Self {
        Self { entries: Vec::new(), origin }
    }

    /// The value of `key`, made by `or` when there is none.
    fn entry(&mut self, key: &Key, or: impl FnOnce() -> Value) -> &mut Value {
        let found = self.entries.iter().position(|(other, _)| other.name == key.name);
        let index = found.unwrap_or_else(|| {
            self.entries.push((key.clone(), Node { at: key.at, value: or() }));
            self.entries.len() - 1
        });
        &mut self.entries[index].1.value
    }

    /// Puts a value where a dotted key says.
    fn insert(&mut self, key: &Key, rest: &[Key], node: Node) -> Result<(), Fault> {
        match rest {
            [] if self.entries.iter().any(|(other, _)| other.name == key.name) => {
                Err(key.set_twice())
            }
            [] => {
                self.entries.push((key.clone(), node));
                Ok(())
            }
            [next, rest @ ..] => {
                match self.entry(key, || Value::Table(Self::new(Origin::Dotted))) {
                    Value::Table(table) if table.origin == Origin::Dotted => {
                        table.insert(next, rest, node)
                    }
                    _ => Err(key.set_twice()),
                }
            }
        }
    }

    /// The table that a header opens, made now or before.
    fn open(&mut self, key: &Key, rest: &[Key], in_array: bool) -> Result<&mut Self, Fault> {
        let last = rest.is_empty();
        let value = self.entry(key, || {
            if last && in_array {
                Value::Array(Vec::new(), Origin::Header)
            } else {
                Value::Table(Self::new(Origin::Implied))
            }
        });
        let table = match value {
            Value::Array(items, Origin::Header) if in_array || !last => {
                if last {
                    let value = Value::Table(Self::new(Origin::Implied));
                    items.push(Node { at: key.at, value });
                }
                match items.last_mut().map(|item| &mut item.value) {
                    Some(Value::Table(table)) => table,
                    _ => return Err(key.set_twice()),
                }
            }
            Value::Table(table) if !(last && in_array) => table,
            _ => return Err(key.set_twice()),
        };
        match (rest, table.origin) {
            ([], Origin::Implied) => {
                table.origin = Origin::Header;
                Ok(table)
            }
            ([next, rest @ ..], Origin::Implied | Origin::Header | Origin::Dotted) => {
                table.open(next, rest, in_array)
            }
            _ => Err(key.set_twice()),
        }
    }
}

/// Walks the parser's events, whose order it has checked.
struct Reader<'a> {
    source: Source<'a>,
    events: std::vec::IntoIter<Event>,
}

impl<'a> Reader<'a> {
    fn document(mut self) -> Result<Table, Fault> {
        let mut root = Table::new(Origin::Header);
        let mut table = &mut root;
        let mut header;
        while let Some(event) = self.next()? {
            match event.kind() {
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                    header = self.path(None)?;
                    let in_array = event.kind() == EventKind::ArrayTableOpen;
                    if let [first, rest @ ..] = &header[..] {
                        table = root.open(first, rest, in_array)?;
                    }
                }
                EventKind::SimpleKey => self.pair(event, table)?,
                _ => {}
            }
        }
        Ok(root)
    }

    /// The next event that means something. What means nothing is checked.
    fn next(&mut self) -> Result<Option<Event>, Fault> {
        while let Some(event) = self.events.next() {
            let mut error = None;
            match event.kind() {
                EventKind::Whitespace => {}
                EventKind::Comment => self.raw(event).decode_comment(&mut error),
                EventKind::Newline => self.raw(event).decode_newline(&mut error),
                _ => return Ok(Some(event)),
            }
            fail_on(error)?;
        }
        Ok(None)
    }

    /// A key with its value into `table`; `first` is the key's first part.
    fn pair(&mut self, first: Event, table: &mut Table) -> Result<(), Fault> {
        let path = self.path(Some(first))?;
        match (&path[..], self.next()?) {
            ([first, rest @ ..], Some(event)) => table.insert(first, rest, self.node(event)?),
            // The parser has complained before.
            _ => Err(Fault { at: first.span().end(), text: "missing value".into() }),
        }
    }

    /// The parts of a key, and the separator or bracket behind them.
    fn path(&mut self, first: Option<Event>) -> Result<Vec<Key>, Fault> {
        let mut path = Vec::new();
        let mut event = first;
        loop {
            match event.map(|event| (event, event.kind())) {
                Some((event, EventKind::SimpleKey)) => {
                    let (mut name, mut error) = (Text::default(), None);
                    self.raw(event).decode_key(&mut name, &mut error);
                    fail_on(error)?;
                    let key = Key { name: name.0, at: event.span().start() };
                    if path.len() == PARTS_MAX {
                        return Err(key.fault(format!("a key has at most {PARTS_MAX} parts")));
                    }
                    path.push(key);
                }
                None if path.is_empty() => {}
                Some((_, EventKind::KeySep)) => {}
                _ => return Ok(path),
            }
            event = self.next()?;
            if event.is_none() {
                return Ok(path);
            }
        }
    }

    /// The value that begins with `event`.
    fn node(&mut self, event: Event) -> Result<Node, Fault> {
        let value = match event.kind() {
            EventKind::ArrayOpen => {
                let mut items = Vec::new();
                while let Some(event) = self.next()? {
                    match event.kind() {
                        EventKind::ArrayClose => break,
                        EventKind::ValueSep => {}
                        _ => items.push(self.node(event)?),
                    }
                }
                Value::Array(items, Origin::Inline)
            }
            EventKind::InlineTableOpen => {
                let mut table = Table::new(Origin::Inline);
                while let Some(event) = self.next()? {
                    match event.kind() {
                        EventKind::InlineTableClose => break,
                        EventKind::SimpleKey => self.pair(event, &mut table)?,
                        _ => {}
                    }
                }
                Value::Table(table)
            }
            _ => self.scalar(event)?,
        };
        Ok(Node { at: event.span().start(), value })
    }

    fn scalar(&self, event: Event) -> Result<Value, Fault> {
        let (mut text, mut error) = (Text::default(), None);
        let kind = self.raw(event).decode_scalar(&mut text, &mut error);
        fail_on(error)?;
        let too_large = |_| Fault { at: event.span().start(), text: "too large a number".into() };
        Ok(match kind {
            ScalarKind::String => Value::String(text.0),
            ScalarKind::Boolean(value) => Value::Bool(value),
            ScalarKind::DateTime => Value::DateTime,
            ScalarKind::Float => Value::Float(text.0.parse().unwrap_or(f64::NAN)),
            ScalarKind::Integer(radix) => {
                Value::Integer(i64::from_str_radix(&text.0, radix.value()).map_err(too_large)?)
            }
        })
    }

    fn raw(&self, event: Event) -> Raw<'a> {
        // Spans come from the same text; an empty one never happens.
        self.source.get(event).unwrap_or(Raw::new_unchecked("", None, event.span()))
    }
}

/// The parser's first complaint as a fault.
fn fail_on(error: Option<ParseError>) -> Result<(), Fault> {
    let Some(error) = error else { return Ok(()) };
    let span = error.unexpected().or(error.context());
    let mut text = error.description().to_string();
    for (index, expected) in error.expected().unwrap_or_default().iter().enumerate() {
        let lead = if index == 0 { "; expected" } else { " or" };
        // Writing to a string can't fail.
        let _ = match expected {
            Expected::Literal(word) => write!(text, "{lead} `{}`", word.escape_debug()),
            Expected::Description(what) => write!(text, "{lead} {what}"),
            _ => Ok(()),
        };
    }
    Err(Fault { at: span.map_or(0, |span| span.start()), text })
}

/// Decoded text. The parser's own builders need a feature of it that nothing else here does.
#[derive(Default)]
struct Text(String);

impl<'s> StringBuilder<'s> for Text {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn push_str(&mut self, append: &'s str) -> bool {
        self.0.push_str(append);
        true
    }

    fn push_char(&mut self, append: char) -> bool {
        self.0.push(append);
        true
    }
}
