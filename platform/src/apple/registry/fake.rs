//! A registry for tests: services whose properties are plain data.
//!
//! Clones share one list, so that a test can change what a source sees. Looking something up
//! allocates nothing.

use core::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kymo_protocol::{NoData, Reading};

use super::{Entry, Origin, Registry, Table, Text};

/// A property.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Number(i64),
    /// A truth value.
    Truth(bool),
    /// A text.
    Text(String),
    /// A dictionary.
    Table(Properties),
    /// Something else, such as an array.
    Other,
}

/// Properties by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties(pub Vec<(String, Value)>);

/// A service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Its class.
    pub class: String,
    /// No other's.
    pub id: u64,
    /// Where it is.
    pub path: String,
    /// Its own properties.
    pub own: Properties,
    /// Those of services above it.
    pub above: Properties,
    /// Those of services below it.
    pub below: Properties,
}

/// What the registry answers; clones share it.
#[derive(Clone, Debug, Default)]
pub struct FakeRegistry(Arc<Mutex<State>>);

/// What stands behind a [`FakeRegistry`].
#[derive(Debug, Default)]
pub struct State {
    /// Every service, in the order in which they are visited.
    pub services: Vec<Service>,
    /// Why nothing can be listed.
    pub failure: Option<NoData>,
    /// How often services were listed.
    pub visits: u64,
}

impl FakeRegistry {
    /// A registry of these services.
    #[must_use]
    pub fn new(services: Vec<Service>) -> Self {
        Self(Arc::new(Mutex::new(State { services, ..State::default() })))
    }

    /// What stands behind it, to look at and to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Properties {
    /// With one more, in the place of one of that name.
    pub fn set(&mut self, key: &str, value: Value) {
        self.remove(key);
        self.0.push((key.to_owned(), value));
    }

    /// Without that one.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(known, _)| known != key);
    }

    /// The one of that name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

impl<const COUNT: usize> From<[(&str, Value); COUNT]> for Properties {
    fn from(properties: [(&str, Value); COUNT]) -> Self {
        Self(properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Properties> for Value {
    fn from(table: Properties) -> Self {
        Self::Table(table)
    }
}

impl Table for Properties {
    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn number(&self, key: &str) -> Reading<i64> {
        match self.get(key).ok_or(NoData::Absent)? {
            Value::Number(number) => Ok(*number),
            _ => Err(NoData::Fault),
        }
    }

    fn truth(&self, key: &str) -> Reading<bool> {
        match self.get(key).ok_or(NoData::Absent)? {
            Value::Truth(truth) => Ok(*truth),
            _ => Err(NoData::Fault),
        }
    }

    fn text(&self, key: &str) -> Reading<Text> {
        match self.get(key).ok_or(NoData::Absent)? {
            Value::Text(text) => cut(text),
            _ => Err(NoData::Fault),
        }
    }

    fn table(&self, key: &str, take: &mut dyn FnMut(&dyn Table)) -> Reading<()> {
        match self.get(key).ok_or(NoData::Absent)? {
            Value::Table(table) => {
                take(table);
                Ok(())
            }
            _ => Err(NoData::Fault),
        }
    }
}

impl Service {
    /// As the registry searches: a service before those around it.
    fn holder(&self, origin: Origin, key: &str) -> &Properties {
        match origin {
            Origin::Above if !self.own.has(key) => &self.above,
            Origin::Below if !self.own.has(key) => &self.below,
            _ => &self.own,
        }
    }
}

impl Entry for Service {
    fn id(&self) -> u64 {
        self.id
    }

    fn path(&self) -> Reading<Text> {
        cut(&self.path)
    }

    fn text(&self, origin: Origin, key: &str) -> Reading<Text> {
        self.holder(origin, key).text(key)
    }

    fn table(
        &self,
        origin: Origin,
        key: Option<&str>,
        take: &mut dyn FnMut(&dyn Table),
    ) -> Reading<()> {
        match key {
            Some(key) => self.holder(origin, key).table(key, take),
            None => {
                take(&self.own);
                Ok(())
            }
        }
    }
}

impl Registry for FakeRegistry {
    fn visit(&mut self, class: &CStr, each: &mut dyn FnMut(&dyn Entry)) -> Reading<()> {
        let mut state = self.state();
        state.visits += 1;
        if let Some(reason) = state.failure {
            return Err(reason);
        }
        let of_class = |service: &&Service| service.class.as_bytes() == class.to_bytes();
        state.services.iter().filter(of_class).for_each(|service| each(service));
        Ok(())
    }
}

fn cut(text: &str) -> Reading<Text> {
    let mut cut = Text::new();
    // What does not fit is left out, from there to the end.
    let _ = text.chars().try_for_each(|letter| cut.push(letter));
    Ok(cut)
}
