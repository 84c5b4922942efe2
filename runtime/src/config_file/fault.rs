//! What is wrong in a text of settings, and the words for it. Nothing here allocates.

use std::fmt::{self, Write};

use super::schema::Key;
use crate::message::Message;

/// Characters of a name that are compared with the known ones; all of those are shorter.
const NAME_MAX: usize = 32;

/// Characters of a name that are shown.
const SHOWN_MAX: usize = 40;

/// What is wrong, and at which byte of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: usize,
    /// What, as a sentence without an end.
    pub text: Message,
}

impl Fault {
    /// A fault at a byte of the text.
    pub fn new(at: usize, text: fmt::Arguments<'_>) -> Self {
        Self { at, text: Message::new(text) }
    }

    /// The key has a value already.
    pub fn set_twice(key: &Key) -> Self {
        Self::new(key.at, format_args!("`{}` is set twice", key.name))
    }

    /// The value at `at` is of another type than `wanted`.
    pub fn wrong_type(key: &Key, at: usize, found: &str, wanted: &str) -> Self {
        Self::new(at, format_args!("`{}` is {found}; it must be {wanted}", key.name))
    }

    /// The value at `at` is not in its range.
    pub fn out_of_range(key: &Key, at: usize, range: impl fmt::Display) -> Self {
        Self::new(at, format_args!("`{}` may be {range}", key.name))
    }

    /// `name` is none of the known ones; names the nearest, if one is near, else all.
    pub fn unknown<'a>(
        what: &str,
        name: &str,
        at: usize,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let related = |known: &str| {
            name.len() > 2 && !known.is_empty() && (holds(known, name) || holds(name, known))
        };
        let nearest = known
            .clone()
            .map(|known| (if related(known) { 1 } else { distance(name, known) }, known))
            .min()
            .filter(|(distance, known)| *distance <= 2 && *distance < known.len());
        let shown = Shown(name);
        let mut text = Message::new(format_args!("unknown {what} `{shown}`; "));
        // Writing to a message can't fail.
        let _ = match nearest {
            Some((_, nearest)) => write!(text, "did you mean `{nearest}`?"),
            None => {
                let _ = text.write_str("known");
                known.enumerate().try_for_each(|(index, known)| {
                    write!(text, "{} `{known}`", if index == 0 { ":" } else { "," })
                })
            }
        };
        Self { at, text }
    }
}

/// A name of somebody else's, safe to print and cut when long.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => write!(f, "{}…", self.0.get(..end).unwrap_or("").escape_debug()),
            None => write!(f, "{}", self.0.escape_debug()),
        }
    }
}

/// Whether `part`, which is not empty, is in `text`. The library's search would be 2 KB of code.
fn holds(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

/// How many characters must be inserted, removed or replaced to make one word the other, where the
/// second is a name of ours. Too long a word is far from all of them.
fn distance(one: &str, known: &str) -> usize {
    let mut row = [0; NAME_MAX + 1];
    let size = known.chars().count().min(NAME_MAX);
    if one.chars().count() > NAME_MAX {
        return NAME_MAX;
    }
    for (index, cell) in row.iter_mut().enumerate() {
        *cell = index;
    }
    for (index, a) in one.chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (at, b) in known.chars().take(size).enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[size]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("formta", "format"), 2);
        assert_eq!(distance("mode", "mode"), 0);
        assert_eq!(distance("mod", "mode"), 1);
        assert_eq!(distance(&"m".repeat(1000), "mode"), NAME_MAX);
    }

    #[test]
    fn long_names_leave_room_for_the_hint() {
        let name = format!("client{}", "é".repeat(1000));
        let known = ["client", "rate_max"];
        let fault = Fault::unknown("key", &name, 3, known.into_iter());
        assert!(fault.text.ends_with("é…`; did you mean `client`?"), "{}", fault.text);
        let fault = Fault::unknown("key", &"\u{1b}".repeat(1000), 3, known.into_iter());
        assert!(!fault.text.contains('\u{1b}') && fault.text.ends_with('…'), "{}", fault.text);
    }
}
