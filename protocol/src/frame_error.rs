//! Why bytes are refused.

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameError {
    /// Fewer bytes than the frame needs, or more than it says; a buffer too small to write to.
    Short,
    /// The first four bytes are not the magic number.
    Magic,
    /// The magic number stands at byte 4: this is a version-1 stream.
    Version1,
    /// Another version than 2.
    Version,
    /// Flags that version 2 does not know.
    Flags,
    /// A length above the limit, not a multiple of 8, or not the one of the frame's kind.
    Length,
    /// Reserved bytes that are not zero.
    Reserved,
    /// A number outside its enumeration, or text that is not UTF-8.
    Value,
}

impl FrameError {
    /// The reason as half a sentence.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Short => "the bytes end before the frame does",
            Self::Magic => "no frame starts here: the magic number is missing",
            Self::Version1 => "this is a version 1 stream",
            Self::Version => "the frame's version is not 2",
            Self::Flags => "the frame has unknown flags",
            Self::Length => "the frame's length is not one its kind can have",
            Self::Reserved => "reserved bytes are not zero",
            Self::Value => "a field holds a value outside its range",
        }
    }
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.describe())
    }
}

impl core::error::Error for FrameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_words_of_its_own() {
        use FrameError::{Flags, Length, Magic, Reserved, Short, Value, Version, Version1};
        let all = [Short, Magic, Version1, Version, Flags, Length, Reserved, Value];
        for (index, error) in all.iter().enumerate() {
            let words = error.describe();
            assert!(!words.is_empty() && all[..index].iter().all(|e| e.describe() != words));
            let mut shown = heapless::String::<64>::new();
            core::fmt::Write::write_fmt(&mut shown, format_args!("{error}")).unwrap();
            assert_eq!(shown, words);
        }
    }
}
