//! What the environment says of the terminal.

use kymo_top::{Depth, Symbols};

use crate::args::Color;
use crate::failure::Failure;

/// How many colours to use.
pub fn depth(color: Color, variable: impl Fn(&str) -> Option<String>) -> Depth {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let is_on = |name| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
    let is_off = |name| variable(name).is_some_and(|value| value == "0");
    let is_wanted = match color {
        Color::Never => false,
        Color::Always => true,
        // no-color.org; bixense.com/clicolors
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto => is_on("CLICOLOR_FORCE") || !is_off("CLICOLOR"),
    };
    let (term, colorterm) = (variable("TERM"), variable("COLORTERM"));
    let term = term.unwrap_or_default();
    match colorterm.as_deref() {
        _ if !is_wanted => Depth::None,
        Some("truecolor" | "24bit") => Depth::True,
        _ if term.contains("direct") => Depth::True,
        _ if term.contains("256color") => Depth::Indexed,
        _ => Depth::Sixteen,
    }
}

/// What graphs are made of where nobody says: ASCII where the locale has nothing else.
pub fn symbols(variable: impl Fn(&str) -> Option<String>) -> Symbols {
    // locale(7): the first of them that is not empty counts.
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = names.into_iter().filter_map(variable).find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_lowercase();
    let has_unicode = locale.contains("utf-8") || locale.contains("utf8");
    if has_unicode { Symbols::Braille } else { Symbols::Ascii }
}

/// Whether a cursor can be moved there at all.
pub fn check(variable: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
    match variable("TERM") {
        Some(term) if !term.is_empty() && term != "dumb" => Ok(()),
        term => {
            let term = term.unwrap_or_default();
            let text = format!("the terminal ({term:?}) has no cursor to move; use --plain");
            Err(Failure::new(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<T>(set: &[(&str, &str)], ask: impl Fn(&dyn Fn(&str) -> Option<String>) -> T) -> T {
        ask(&|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
    }

    #[test]
    fn colours_are_as_many_as_there_are() {
        let depth = |color, set: &[(&str, &str)]| of(set, |variable| depth(color, variable));
        let auto = |set| depth(Color::Auto, set);
        assert_eq!(auto(&[("TERM", "xterm")]), Depth::Sixteen);
        assert_eq!(auto(&[("TERM", "screen-256color")]), Depth::Indexed);
        assert_eq!(auto(&[("TERM", "xterm-direct")]), Depth::True);
        assert_eq!(auto(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(auto(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), Depth::None);
        assert_eq!(auto(&[("NO_COLOR", "")]), Depth::Sixteen);
        assert_eq!(auto(&[("CLICOLOR", "0")]), Depth::None);
        assert_eq!(auto(&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")]), Depth::Sixteen);
        assert_eq!(depth(Color::Always, &[("NO_COLOR", "1")]), Depth::Sixteen);
        assert_eq!(depth(Color::Never, &[("CLICOLOR_FORCE", "1")]), Depth::None);
    }

    #[test]
    fn a_locale_without_unicode_has_ascii() {
        let symbols = |set: &[(&str, &str)]| of(set, |variable| symbols(variable));
        assert_eq!(symbols(&[]), Symbols::Ascii);
        assert_eq!(symbols(&[("LANG", "C")]), Symbols::Ascii);
        assert_eq!(symbols(&[("LANG", "de_DE.UTF-8")]), Symbols::Braille);
        assert_eq!(symbols(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]), Symbols::Ascii);
        assert_eq!(symbols(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")]), Symbols::Braille);
    }

    #[test]
    fn a_dumb_terminal_is_told_what_to_use() {
        assert!(of(&[("TERM", "xterm")], |variable| check(variable)).is_ok());
        for set in [&[("TERM", "dumb")][..], &[("TERM", "")], &[]] {
            let failure = of(set, |variable| check(variable)).unwrap_err();
            assert!(failure.text.contains("use --plain"), "{failure:?}");
        }
    }
}
