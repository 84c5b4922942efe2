//! A place in the history of events.

use std::ffi::c_char;
use std::fmt::Write;

use kymo::Message;
use kymo_client::Token;

use crate::error::{Fail, Outcome, put};
use crate::text::KymoText;

/// Bytes of a token as text, the NUL included.
pub const KYMO_TOKEN_SIZE: usize = 56;

/// The last event that somebody has, as text that ends in NUL: everything after it can be asked
/// for, also in another run of the program. Empty where nothing is known of the history.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoToken {
    /// 32 hexadecimal digits, a colon and a number.
    pub text: [c_char; KYMO_TOKEN_SIZE],
}

impl From<Token> for KymoToken {
    fn from(token: Token) -> Self {
        let mut words = Message::default();
        // 32 digits, a colon and 20 more at most: there is room.
        let _ = write!(words, "{token}");
        let mut told = Self::NONE;
        put(&mut told.text, &words);
        told
    }
}

impl KymoToken {
    /// The text of nothing.
    pub(crate) const NONE: Self = Self { text: [0; KYMO_TOKEN_SIZE] };
}

/// The token that a program has kept; empty for none.
pub fn read(text: KymoText) -> Outcome<Option<Token>> {
    match text.str()? {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error| Fail::invalid(format_args!("{error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::kymo_text;

    #[test]
    fn what_is_kept_is_read_again() {
        let token = Token { epoch: [0xA5; 16], events: u64::MAX };
        let told = KymoToken::from(token);
        assert_eq!(told.text.iter().position(|char| *char == 0), Some(53));
        assert_eq!(read(kymo_text(told.text.as_ptr())).unwrap(), Some(token));
        assert_eq!(read(KymoText::EMPTY).unwrap(), None);
        assert!(read(KymoText::of(b"x")).is_err());
    }
}
