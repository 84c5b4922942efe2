//! A short text that is built without allocating: labels and identities of sensors, and names of
//! processes.
//!
//! Whatever bytes a device calls itself by, a phrase is UTF-8 without control characters. What does
//! not fit is cut off.

/// Holds a device's path with a chip and a channel.
const PHRASE_SIZE_MAX: usize = 256;

/// A text of that size.
pub(crate) type Phrase = ShortText<PHRASE_SIZE_MAX>;

/// A text that grows at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShortText<const SIZE_MAX: usize> {
    text: heapless::String<SIZE_MAX>,
    is_cut: bool,
}

impl<const SIZE_MAX: usize> ShortText<SIZE_MAX> {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The text so far.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The text itself.
    pub(crate) fn into_string(self) -> heapless::String<SIZE_MAX> {
        self.text
    }

    /// With `text` behind it.
    pub(crate) fn with(mut self, text: &str) -> Self {
        self.add(text.as_bytes());
        self
    }

    /// With what a device says behind it.
    pub(crate) fn with_bytes(mut self, bytes: &[u8]) -> Self {
        self.add(bytes);
        self
    }

    /// With the name of a sensor behind it, as identities have it: without blanks.
    pub(crate) fn with_name(mut self, name: &str) -> Self {
        name.chars().for_each(|letter| self.push(if letter == ' ' { '_' } else { letter }));
        self
    }

    /// With a number behind it.
    pub(crate) fn with_number(mut self, number: u64) -> Self {
        let digits = number.checked_ilog10().unwrap_or(0);
        for place in (0..=digits).rev() {
            let digit = number / 10u64.pow(place) % 10;
            self.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
        }
        self
    }

    fn add(&mut self, bytes: &[u8]) {
        match core::str::from_utf8(bytes) {
            Ok(text) => text.chars().for_each(|letter| self.push(letter)),
            // Of bytes that are no text, those that could be.
            Err(_) => bytes.iter().for_each(|byte| {
                self.push(if byte.is_ascii() { char::from(*byte) } else { '?' });
            }),
        }
    }

    fn push(&mut self, letter: char) {
        let letter = if letter.is_control() { '?' } else { letter };
        // Nothing comes behind what was cut.
        self.is_cut |= self.is_cut || self.text.push(letter).is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_grow() {
        let phrase = Phrase::new().with("cpu").with_number(0).with("/").with_bytes(b"a\x1b[2Jb\n");
        assert_eq!(phrase.as_str(), "cpu0/a?[2Jb?");
        let largest = Phrase::new().with_number(u64::MAX);
        assert_eq!(largest.as_str(), "18446744073709551615");
        assert_eq!(Phrase::new().with_bytes(b"M\xfcller \xff").as_str(), "M?ller ?");
        assert_eq!(Phrase::new().with("°C\u{85}").as_str(), "°C?");
        assert_eq!(ShortText::<4>::new().with("abc°d").with("e").as_str(), "abc");
    }

    proptest! {
        #[test]
        fn any_bytes_become_a_line(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let phrase = Phrase::new().with_bytes(&bytes);
            prop_assert!(phrase.as_str().len() <= PHRASE_SIZE_MAX);
            prop_assert!(!phrase.as_str().contains(char::is_control));
        }
    }
}
