//! A JSON value, for replies whose shape is the daemon's.

use kymo_protocol::json::{JsonError, JsonFault, Reader, Token};

use crate::quote::quote;

/// A JSON value. Numbers are as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// null
    Null,
    /// true, false or a number
    Plain(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object, in the order of its keys.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Reads one value.
    ///
    /// # Errors
    ///
    /// The first mistake.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let mut reader = Reader::new(text.as_bytes())?;
        let first = next(&mut reader)?;
        let value = Self::from_token(first, &mut reader)?;
        match reader.next_token()? {
            None => Ok(value),
            Some(_) => Err(reader.error(JsonFault::Trailing)),
        }
    }

    /// The reader bounds how deep this goes.
    fn from_token(first: Token<'_>, reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        Ok(match first {
            Token::Null => Self::Null,
            Token::Bool(value) => Self::Plain(value.to_string()),
            Token::Number(text) => Self::Plain(text.into()),
            Token::String(text) => Self::Text(text.chars().collect()),
            Token::ArrayStart => {
                let mut list = Vec::new();
                loop {
                    match next(reader)? {
                        Token::ArrayEnd => break Self::List(list),
                        token => list.push(Self::from_token(token, reader)?),
                    }
                }
            }
            Token::ObjectStart => {
                let mut members = Vec::new();
                while let Token::Key(key) = next(reader)? {
                    let key = key.chars().collect();
                    let token = next(reader)?;
                    members.push((key, Self::from_token(token, reader)?));
                }
                Self::Object(members)
            }
            Token::Key(_) | Token::ArrayEnd | Token::ObjectEnd => {
                return Err(reader.error(JsonFault::Character));
            }
        })
    }

    /// A string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number.
    pub fn plain(number: impl ToString) -> Self {
        Self::Plain(number.to_string())
    }

    /// true or false
    pub fn truth(is_so: bool) -> Self {
        Self::Plain(is_so.to_string())
    }

    /// null, if there is none.
    pub fn maybe(value: Option<Self>) -> Self {
        value.unwrap_or(Self::Null)
    }

    /// An object.
    pub fn object<'k>(members: impl IntoIterator<Item = (&'k str, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// It as JSON, on one line.
    pub fn json(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Plain(text) => text.clone(),
            Self::Text(text) => quote(text),
            Self::List(list) => {
                let list: Vec<String> = list.iter().map(Self::json).collect();
                format!("[{}]", list.join(","))
            }
            Self::Object(members) => {
                let members = members.iter();
                let members: Vec<String> = members
                    .map(|(key, value)| format!("{}:{}", quote(key), value.json()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// A member of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What it says, if it is one word.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Null => Some("none"),
            Self::Plain(text) | Self::Text(text) => Some(text),
            Self::List(_) | Self::Object(_) => None,
        }
    }
}

fn next<'a>(reader: &mut Reader<'a>) -> Result<Token<'a>, JsonError> {
    reader.next_token()?.ok_or(reader.error(JsonFault::End))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_written_again() {
        let text = "{\"a\\n\":[1.50,null,{},[]],\"b\":\"x\\u001by\",\"c\":true}";
        assert_eq!(Value::parse(text).unwrap().json(), text);
    }

    #[test]
    fn values_are_read_whole() {
        let value = Value::parse("{\"a\":[1,null,{}],\"b\":\"x\\n\",\"c\":true}").unwrap();
        let list = vec![Value::Plain("1".into()), Value::Null, Value::Object(vec![])];
        assert_eq!(value.get("a"), Some(&Value::List(list)));
        assert_eq!(value.get("b").and_then(Value::word), Some("x\n"));
        assert_eq!(value.get("d"), None);
        for bad in ["", "{", "1 2", "{\"a\"}", "[1,]"] {
            assert!(Value::parse(bad).is_err(), "{bad}");
        }
    }
}
