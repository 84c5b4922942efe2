//! Text of an error, in place.
//!
//! Settings are read again while the loop runs, so what is wrong with them is said without a heap
//! allocation. A text that is too long is cut between two characters and ends in `…`.

use std::{fmt, io};

use nix::errno::Errno;

/// Bytes of a [`Message`]: a listener's path at its longest and a sentence about it.
pub const MESSAGE_SIZE: usize = 168;

/// What a cut text ends in.
const CUT: &str = "…";

/// Text of bounded length; see the module.
///
/// ```
/// let error = kymo::parse_rate("fast").unwrap_err();
/// assert_eq!(&*error.0, "not a number");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    text: heapless::String<MESSAGE_SIZE, u8>,
    is_cut: bool,
}

impl Message {
    /// The text that `arguments` make.
    #[must_use]
    pub fn new(arguments: fmt::Arguments<'_>) -> Self {
        let mut message = Self::default();
        // Ours never fails, but an argument's own formatting may: then the text ends there.
        let _ = fmt::Write::write_fmt(&mut message, arguments);
        message
    }
}

/// What the operating system says, without the string that showing an [`io::Error`] makes of it.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a>(pub &'a io::Error);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.raw_os_error() {
            Some(number) => f.write_str(Errno::from_raw(number).desc()),
            None => write!(f, "{}", self.0),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::new(format_args!("{text}"))
    }
}

impl std::ops::Deref for Message {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_cut || self.text.push_str(text).is_ok() {
            return Ok(());
        }
        self.is_cut = true;
        let room = MESSAGE_SIZE - CUT.len();
        for character in text.chars() {
            if self.text.len() + character.len_utf8() > room {
                break;
            }
            // There is room, see above; so there is below.
            let _ = self.text.push(character);
        }
        while self.text.len() > room {
            self.text.pop();
        }
        let _ = self.text.push_str(CUT);
        Ok(())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        for lead in 0..6 {
            let (lead, tail) = ("x".repeat(lead), "é".repeat(MESSAGE_SIZE));
            let message = Message::new(format_args!("{lead}{tail}{tail}"));
            assert!(message.len() > MESSAGE_SIZE - 3 && message.len() <= MESSAGE_SIZE);
            assert!(message.ends_with("é…"), "{message}");
        }
        // The text before the piece that does not fit may fill the place of the mark.
        let full = "x".repeat(MESSAGE_SIZE);
        assert_eq!(*Message::from(&*full), *full);
        let message = Message::new(format_args!("{full}{}", 1));
        assert_eq!(*message, *format!("{}…", "x".repeat(MESSAGE_SIZE - 3)));
    }
}
