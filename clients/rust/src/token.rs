//! A place in the history of events.

use std::fmt;
use std::str::FromStr;

/// The last event somebody has: everything after it can be asked for, as long as its epoch lasts.
///
/// As text it is `EPOCH:SEQUENCE`, with 32 hexadecimal digits in front:
///
/// ```
/// use kymo_client::Token;
///
/// let token: Token = "0123456789abcdef0123456789abcdef:41".parse()?;
/// assert_eq!(token.events, 41);
/// assert_eq!(token.to_string(), "0123456789abcdef0123456789abcdef:41");
/// # Ok::<(), kymo_client::TokenError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Token {
    /// The history it is a place in.
    pub epoch: [u8; 16],
    /// Sequence of the last event; 0 is before the first.
    pub events: u64,
}

/// A text that is no [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenError;

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.epoch {
            write!(f, "{byte:02x}")?;
        }
        write!(f, ":{}", self.events)
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (digits, events) = text.split_once(':').ok_or(TokenError)?;
        // `from_str_radix` and `parse` take a sign.
        let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_number = events.bytes().all(|byte| byte.is_ascii_digit());
        if !is_hex || !is_number {
            return Err(TokenError);
        }
        let epoch = u128::from_str_radix(digits, 16).map_err(|_| TokenError)?.to_be_bytes();
        Ok(Self { epoch, events: events.parse().map_err(|_| TokenError)? })
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token is 32 hexadecimal digits, a colon and a number")
    }
}

impl std::error::Error for TokenError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_brings_the_token_back(epoch: [u8; 16], events: u64) {
            let token = Token { epoch, events };
            prop_assert_eq!(token.to_string().parse(), Ok(token));
        }

        #[test]
        fn no_text_breaks_it(text: String) {
            let _ = text.parse::<Token>();
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let hex = "0123456789abcdef0123456789ABCDEF";
        assert!(format!("{hex}:0").parse::<Token>().is_ok());
        for bad in [
            String::new(),
            hex.into(),
            format!("{hex}:"),
            format!("{hex}:+1"),
            format!("{hex}:-1"),
            format!("{hex}:1 "),
            format!("{hex}0:1"),
            format!("+{}:1", &hex[1..]),
            format!("{hex}:18446744073709551616"),
        ] {
            assert_eq!(bad.parse::<Token>(), Err(TokenError), "{bad}");
        }
    }
}
