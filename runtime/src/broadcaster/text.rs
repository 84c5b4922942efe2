//! JSON text in memory that does not grow.

use std::fmt::{self, Write};

use kymo_protocol::{FrameError, json};

use crate::inbox::PublishError;

/// A text of bounded length, and room for the next one: what can't be used leaves the old one.
#[derive(Debug)]
pub struct Held {
    text: Bounded,
    next: Bounded,
}

#[derive(Debug)]
struct Bounded {
    text: String,
    is_cut: bool,
}

impl Held {
    /// With room for texts of so many bytes; nothing is allocated after this.
    pub fn new(size: usize) -> Self {
        let bounded = || Bounded { text: String::with_capacity(size), is_cut: false };
        Self { text: bounded(), next: bounded() }
    }

    /// Takes the JSON value that `value` writes in the place of the text before.
    ///
    /// # Errors
    ///
    /// When it is too long, or not JSON on one line.
    pub fn set(&mut self, value: fmt::Arguments<'_>) -> Result<(), PublishError> {
        self.next.text.clear();
        self.next.is_cut = false;
        let outcome = self.next.write_fmt(value);
        if self.next.is_cut {
            return Err(PublishError::TooLong);
        }
        // A value of the caller's that can't write itself has written no JSON.
        let is_json = outcome.is_ok() && json::check(&self.next.text).is_ok();
        if !is_json {
            return Err(PublishError::Invalid(FrameError::Value));
        }
        std::mem::swap(&mut self.text, &mut self.next);
        Ok(())
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.text.text
    }
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.capacity() - self.text.len() < text.len() {
            self.is_cut = true;
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}
