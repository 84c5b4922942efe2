//! A value on its way to a setting: of which type it must be, and within which range.

use std::fmt;
use std::ops::RangeInclusive;

use kymo_protocol::limits::{RATE_MHZ_MAX, RATE_MHZ_MIN};

use super::fault::Fault;
use super::schema::Key;

/// A value as it stands in the text.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Text.
    String(&'a str),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A date, a time or both; no setting is one.
    DateTime,
}

impl Value<'_> {
    /// Its type with an article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Bool(_) => "a boolean",
            Self::DateTime => "a date or time",
        }
    }
}

/// See the module.
#[derive(Clone, Copy)]
pub struct Word<'a> {
    /// Which setting.
    pub key: &'a Key,
    /// What stands there.
    pub value: Value<'a>,
    /// Where.
    pub at: usize,
}

impl<'a> Word<'a> {
    fn wrong_type(self, wanted: &str) -> Fault {
        Fault::wrong_type(self.key, self.at, self.value.kind(), wanted)
    }

    pub fn out_of_range(self, range: impl fmt::Display) -> Fault {
        Fault::out_of_range(self.key, self.at, range)
    }

    pub fn string(self) -> Result<&'a str, Fault> {
        match self.value {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong_type("a string")),
        }
    }

    /// Text of at most so many bytes; `what` names it.
    pub fn short<const N: usize>(self, what: &str) -> Result<heapless::String<N>, Fault> {
        let text = self.string()?;
        text.try_into().map_err(|_| {
            let size = text.len();
            let text = format_args!("`{}` has {size} bytes; {what} may have {N}", self.key.name);
            Fault::new(self.at, text)
        })
    }

    pub fn absolute<const N: usize>(self) -> Result<heapless::String<N>, Fault> {
        let path = self.short("a path")?;
        if path.starts_with('/') { Ok(path) } else { Err(self.out_of_range("an absolute path")) }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(self, what: &str, choices: &[(&'static str, T)]) -> Result<T, Fault> {
        let word = self.string()?;
        let found = choices.iter().find(|(name, _)| *name == word);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            Fault::unknown(what, word, self.at, choices.iter().map(|(name, _)| *name))
        })
    }

    pub fn flag(self) -> Result<bool, Fault> {
        match self.value {
            Value::Bool(value) => Ok(value),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    pub fn integer(self, range: RangeInclusive<u32>) -> Result<u32, Fault> {
        let Value::Integer(value) = self.value else { return Err(self.wrong_type("an integer")) };
        let value = u32::try_from(value).ok().filter(|value| range.contains(value));
        value.ok_or_else(|| self.out_of_range(format_args!("{} to {}", range.start(), range.end())))
    }

    pub fn mode(self) -> Result<u32, Fault> {
        let Value::Integer(mode) = self.value else { return Err(self.wrong_type("an integer")) };
        // 600 without the prefix is the mistake everybody makes.
        u32::try_from(mode)
            .ok()
            .filter(|mode| *mode <= 0o777 && mode & 0o600 == 0o600)
            .ok_or_else(|| self.out_of_range("0o600 to 0o777 in octal, owner's bits included"))
    }

    /// Hertz as people write them, in thousandths.
    pub fn rate(self) -> Result<u32, Fault> {
        self.scaled(1000.0, RATE_MHZ_MIN..=RATE_MHZ_MAX, "0.1 to 1000 Hz")
    }

    /// A number as people write it, in parts of which `scale` make one; `told` says the range.
    pub fn scaled(self, scale: f64, range: RangeInclusive<u32>, told: &str) -> Result<u32, Fault> {
        #[allow(clippy::cast_precision_loss)] // far from the range then
        let value = match self.value {
            Value::Integer(value) => value as f64,
            Value::Float(value) => value,
            _ => return Err(self.wrong_type("a number")),
        };
        let parts = (value * scale).round();
        if !(f64::from(*range.start())..=f64::from(*range.end())).contains(&parts) {
            return Err(self.out_of_range(told));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range, see above
        Ok(parts as u32)
    }

    /// A number as people write it, in thousandths, of either sign.
    pub fn thousandths(self, most: f64) -> Result<i64, Fault> {
        #[allow(clippy::cast_precision_loss)] // far from the range then
        let value = match self.value {
            Value::Integer(value) => value as f64,
            Value::Float(value) => value,
            _ => return Err(self.wrong_type("a number")),
        };
        if !(-most..=most).contains(&value) {
            return Err(self.out_of_range("a number that a value could have"));
        }
        #[allow(clippy::cast_possible_truncation)] // in range, see above
        Ok((value * 1000.0).round() as i64)
    }
}
