//! Four letters in one number: a key, or the type of a value.

use std::fmt;

/// Four letters, the first the highest byte.
///
/// ```
/// use kymo_platform::apple::smc::FourCc;
///
/// let key = FourCc::parse("TC0P").unwrap();
/// assert_eq!(key, FourCc(0x5443_3050));
/// assert_eq!(FourCc::parse("ui8").unwrap().letters(), *b"ui8 ");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FourCc(pub u32);

impl FourCc {
    /// Of its letters.
    #[must_use]
    pub const fn new(letters: &[u8; 4]) -> Self {
        Self(u32::from_be_bytes(*letters))
    }

    /// Up to four letters, filled up with blanks; none of them a blank itself.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut letters = [b' '; 4];
        let is_short = !text.is_empty() && text.len() <= letters.len();
        if !is_short || !text.bytes().all(|letter| letter.is_ascii_graphic()) {
            return None;
        }
        letters.iter_mut().zip(text.bytes()).for_each(|(place, letter)| *place = letter);
        Some(Self::new(&letters))
    }

    /// Its letters; a NUL at the end, which some firmware has for a blank, is one.
    #[must_use]
    pub const fn letters(self) -> [u8; 4] {
        let [first, second, third, last] = self.0.to_be_bytes();
        [first, second, third, if last == 0 { b' ' } else { last }]
    }

    /// Whether a key can be a sensor's: four letters, digits or signs, and no blank.
    #[must_use]
    pub fn is_word(self) -> bool {
        self.0.to_be_bytes().iter().all(u8::is_ascii_graphic)
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.letters().iter().try_for_each(|letter| {
            f.write_char(if letter.is_ascii_control() { '?' } else { char::from(*letter) })
        })
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_numbers() {
        assert_eq!(FourCc::new(b"#KEY").0, 0x234B_4559);
        assert_eq!(FourCc::parse("FS!").unwrap().letters(), *b"FS! ");
        assert_eq!(FourCc(0x7569_3800).letters(), *b"ui8 ");
        for bad in ["", "TC0PX", "a b", "é", "a\n"] {
            assert_eq!(FourCc::parse(bad), None, "{bad:?}");
        }
        assert_eq!(FourCc(0x0142_4344).to_string(), "?BCD");
        assert!(!FourCc(0x0142_4344).is_word() && !FourCc(0x4142_4300).is_word());
        assert!(FourCc::new(b"TC0P").is_word() && !FourCc::new(b"FS! ").is_word());
    }
}
