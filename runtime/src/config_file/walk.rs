//! Finds the place of each key and value in the file's tables.
//!
//! Guarantees: no key is set twice, no table is made twice, the first fault ends the walk. That the
//! events come in an order that is TOML is the parser's business.

use std::cell::RefCell;

use toml_parser::decoder::Encoding;
use toml_parser::{ParseError, Span};

use super::decode::{Decoder, fault_of};
use super::draft::Draft;
use super::fault::Fault;
use super::schema::{Key, Section, Slot};

/// Values inside values: the tables of an array, the array in one of them.
const DEPTH_MAX: usize = 4;

/// What made a table, which decides what may add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    None,
    Header,
    Dotted,
    Inline,
}

/// A value with values in it.
#[derive(Clone, Copy, Debug)]
enum Within {
    /// Elements are this key's.
    Array(Key),
    /// Keys were this table's before, and are so again behind it.
    Table(Section),
}

/// Where in the file an event stands, and what it does there.
#[derive(Debug)]
pub struct Walk<'a> {
    /// Decodes.
    pub decoder: Decoder<'a>,
    /// What the parser has complained of.
    complaint: &'a RefCell<Option<ParseError>>,
    draft: &'a mut Draft,
    fault: Option<Fault>,
    /// Whether keys stand in a header.
    header: bool,
    /// Where lines belong.
    table: Section,
    /// Where the next part of a key belongs.
    level: Section,
    /// The part of a key that was read last.
    key: Option<Key>,
    within: heapless::Vec<Within, DEPTH_MAX>,
    origins: [Origin; Section::COUNT],
}

impl<'a> Walk<'a> {
    /// At the beginning of the text.
    pub fn new(
        decoder: Decoder<'a>,
        complaint: &'a RefCell<Option<ParseError>>,
        draft: &'a mut Draft,
    ) -> Self {
        Self {
            decoder,
            complaint,
            draft,
            fault: None,
            header: false,
            table: Section::Root,
            level: Section::Root,
            key: None,
            within: heapless::Vec::new(),
            origins: [Origin::None; Section::COUNT],
        }
    }

    /// The text ends here: what is wrong in it, if something is.
    pub fn end(self) -> Result<(), Fault> {
        // The walk stops at a complaint, so a fault of its own came before.
        match (self.fault, self.complaint.take()) {
            (Some(fault), _) => Err(fault),
            (None, Some(error)) => Err(fault_of(&error)),
            (None, None) => self.draft.end_element(),
        }
    }

    /// Whether something is wrong already.
    pub fn is_broken(&self) -> bool {
        self.fault.is_some() || self.complaint.borrow().is_some()
    }

    /// Does one step, unless something is wrong already.
    pub fn step(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Fault>) {
        if !self.is_broken() {
            self.fault = step(self).err();
        }
    }

    fn origin(&mut self, section: Section) -> &mut Origin {
        &mut self.origins[section as usize]
    }

    /// Makes a table or lengthens one, if what made it allows that.
    fn make(&mut self, key: &Key, section: Section, origin: Origin) -> Result<(), Fault> {
        let made = std::mem::replace(self.origin(section), origin);
        let may_grow = match origin {
            Origin::Dotted => made == Origin::Dotted,
            Origin::Header => made == Origin::Header && section.is_element(),
            Origin::None | Origin::Inline => false,
        };
        if made != Origin::None && !may_grow {
            return Err(Fault::set_twice(key));
        }
        if section == Section::Journal {
            self.draft.begin_journal();
        }
        Ok(())
    }

    /// A table begins at `at` where the key wants something else, or wants it no more.
    fn misplaced(&mut self, key: &Key, at: usize, found: &str) -> Fault {
        let is_set = match key.slot {
            Slot::Table(section) | Slot::Tables(section) => *self.origin(section) != Origin::None,
            Slot::Value(setting) => self.draft.has(setting),
        };
        let is_other_type = matches!(key.slot, Slot::Table(_)) && found != "a table";
        if is_set && !is_other_type {
            return Fault::set_twice(key);
        }
        Fault::wrong_type(key, at, found, key.slot.wanted())
    }

    /// A header begins.
    pub fn begin_header(&mut self) -> Result<(), Fault> {
        self.draft.end_element()?;
        (self.header, self.level, self.key) = (true, Section::Root, None);
        Ok(())
    }

    /// The next part of a key.
    pub fn read_key(&mut self, span: Span, encoding: Option<Encoding>) -> Result<(), Fault> {
        let keys = self.level.keys();
        let (name, at) = (self.decoder.key(span, encoding)?, span.start());
        let Some((name, slot)) = keys.iter().find(|(known, _)| *known == name) else {
            return Err(Fault::unknown("key", name, at, keys.iter().map(|(known, _)| *known)));
        };
        self.key = Some(Key { name, at, slot: *slot });
        Ok(())
    }

    /// A dot: the key before it must be a table.
    pub fn descend(&mut self) -> Result<(), Fault> {
        let Some(key) = self.key.take() else { return Ok(()) };
        match key.slot {
            Slot::Table(section) => {
                if !self.header {
                    self.make(&key, section, Origin::Dotted)?;
                }
                self.level = section;
                Ok(())
            }
            Slot::Tables(section) if self.header && *self.origin(section) == Origin::Header => {
                // No key of an element is a table, so whatever follows is refused by its own name.
                self.level = section;
                Ok(())
            }
            _ => Err(self.misplaced(&key, key.at, "a table")),
        }
    }

    /// A header ends, in one or two brackets.
    pub fn end_header(&mut self, in_array: bool) -> Result<(), Fault> {
        self.header = false;
        let Some(key) = self.key.take() else { return Ok(()) };
        match (key.slot, in_array) {
            (Slot::Table(section), false) => {
                self.make(&key, section, Origin::Header)?;
                (self.table, self.level) = (section, section);
                Ok(())
            }
            (Slot::Tables(section), true) => {
                self.make(&key, section, Origin::Header)?;
                (self.table, self.level) = (section, section);
                self.begin_element(section, key.at)
            }
            (_, true) => Err(self.misplaced(&key, key.at, "an array")),
            (_, false) => Err(self.misplaced(&key, key.at, "a table")),
        }
    }

    /// One more table of an array.
    fn begin_element(&mut self, section: Section, at: usize) -> Result<(), Fault> {
        match section {
            Section::Recorder => self.draft.begin_recorder(at),
            _ => self.draft.begin_listener(at),
        }
    }

    /// A value without values in it.
    pub fn read_scalar(&mut self, span: Span, encoding: Option<Encoding>) -> Result<(), Fault> {
        let (value, at) = (self.decoder.scalar(span, encoding)?, span.start());
        let element_of = match self.within.last() {
            Some(Within::Array(key)) => Some(*key),
            _ => None,
        };
        let Some(key) = element_of.or(self.key) else { return Ok(()) };
        match (key.slot, element_of.is_some()) {
            (Slot::Value(setting), true) => self.draft.take(&key, setting, value, at)?,
            (Slot::Value(setting), false) => {
                self.draft.mark(&key, setting)?;
                if setting.is_array() {
                    return Err(Fault::wrong_type(&key, at, value.kind(), setting.wanted()));
                }
                self.draft.take(&key, setting, value, at)?;
            }
            (Slot::Tables(_), true) => {
                return Err(Fault::wrong_type(&key, at, value.kind(), "a table"));
            }
            (slot, _) => return Err(Fault::wrong_type(&key, at, value.kind(), slot.wanted())),
        }
        self.end_value();
        Ok(())
    }

    /// A value is complete: the next line is about something else.
    fn end_value(&mut self) {
        if !matches!(self.within.last(), Some(Within::Array(_))) {
            (self.key, self.level) = (None, self.table);
        }
    }

    /// An array begins.
    pub fn open_array(&mut self, at: usize) -> Result<(), Fault> {
        if let Some(Within::Array(key)) = self.within.last() {
            let wanted = if matches!(key.slot, Slot::Tables(_)) { "a table" } else { "a string" };
            return Err(Fault::wrong_type(key, at, "an array", wanted));
        }
        let Some(key) = self.key else { return Ok(()) };
        match key.slot {
            Slot::Value(setting) if setting.is_array() => {
                self.draft.mark(&key, setting)?;
            }
            Slot::Tables(section) => self.make(&key, section, Origin::Inline)?,
            _ => return Err(self.misplaced(&key, at, "an array")),
        }
        self.enter(Within::Array(key), at)
    }

    /// A table in braces begins.
    pub fn open_table(&mut self, at: usize) -> Result<(), Fault> {
        let section = match (self.within.last(), self.key) {
            (Some(Within::Array(Key { slot: Slot::Tables(section), .. })), _) => {
                let section = *section;
                self.begin_element(section, at)?;
                section
            }
            (Some(Within::Array(key)), _) => {
                return Err(Fault::wrong_type(key, at, "a table", "a string"));
            }
            (_, Some(key)) => match key.slot {
                Slot::Table(section) => {
                    self.make(&key, section, Origin::Inline)?;
                    section
                }
                _ => return Err(self.misplaced(&key, at, "a table")),
            },
            (_, None) => return Ok(()),
        };
        self.enter(Within::Table(self.table), at)?;
        (self.table, self.level, self.key) = (section, section, None);
        Ok(())
    }

    fn enter(&mut self, within: Within, at: usize) -> Result<(), Fault> {
        let too_deep = |_| Fault::new(at, format_args!("values inside values inside values"));
        self.within.push(within).map_err(too_deep)
    }

    /// The innermost array or table ends.
    pub fn close(&mut self) -> Result<(), Fault> {
        if let Some(Within::Table(before)) = self.within.pop() {
            if self.table.is_element() {
                self.draft.end_element()?;
            }
            (self.table, self.level) = (before, before);
        }
        self.end_value();
        Ok(())
    }
}
