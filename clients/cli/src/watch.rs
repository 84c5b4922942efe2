//! `kymo watch`: finds a daemon, shows what it says, and waits for it when it goes away.

use std::io::{self, IsTerminal};
use std::num::NonZeroU64;

use crate::args::Watch;
use crate::failure::{Ending, Failure};
use crate::frames::Frames;
use crate::lines::Lines;
use crate::link::{Link, directories};
use crate::screen::{Screen, Style};
use crate::tell;

/// Blocks a second when nobody says otherwise: as many as an eye can follow.
const RATE_MHZ: u32 = 5_000;

/// The same where each block stays.
const RATE_MHZ_PLAIN: u32 = 1_000;

/// How to show what comes.
enum View {
    Lines(Lines<io::Stdout>, Option<u32>),
    Frames(Frames<io::Stdout>, u32),
}

/// Runs until the count is reached, nobody reads any more, or nothing can be done.
///
/// # Errors
///
/// The [`Failure`] that ended it.
pub fn watch(options: &Watch) -> Result<(), Failure> {
    let directories = directories(options.directory.as_deref());
    let mut link = Link::open(&directories, options.directory.is_none())?;
    let mut view = View::new(options, |name| std::env::var(name).ok());
    loop {
        let lost = match view.follow(&mut link) {
            Ending::Done => return Ok(()),
            Ending::Failed(failure) => return Err(failure),
            Ending::Lost(reason) if link.is_embedded() => {
                return Err(Failure::new(format!("sampling in this process ended: {reason}")));
            }
            Ending::Lost(reason) => reason,
        };
        tell(format_args!("lost the daemon in {}: {lost}; waiting for it", link.name()));
        match Link::open_again(&directories) {
            Some(again) => link = again,
            None => return Ok(()),
        }
        tell(format_args!("connected to the daemon in {}", link.name()));
    }
}

impl View {
    fn new(options: &Watch, variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let left = options.count.map(NonZeroU64::get);
        if options.json || !is_terminal {
            let lines = Lines { output: io::stdout(), is_terminal, left };
            return Self::Lines(lines, options.rate_mhz);
        }
        let style = style(variable);
        let default_mhz = if style == Style::Plain { RATE_MHZ_PLAIN } else { RATE_MHZ };
        let frames = Frames { screen: Screen::new(io::stdout(), style), left };
        Self::Frames(frames, options.rate_mhz.unwrap_or(default_mhz))
    }

    fn follow(&mut self, link: &mut Link) -> Ending {
        match self {
            Self::Lines(lines, rate_mhz) => lines.follow(link, *rate_mhz),
            Self::Frames(frames, rate_mhz) => frames.follow(link, *rate_mhz),
        }
    }
}

/// How a terminal is to be written to, as the environment says.
fn style(variable: impl Fn(&str) -> Option<String>) -> Style {
    if variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        return Style::Plain;
    }
    Style::InPlace { color: variable("NO_COLOR").is_none_or(|value| value.is_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_on_the_style() {
        let of = |set: &[(&str, &str)]| {
            style(|name| set.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).into()))
        };
        assert_eq!(of(&[]), Style::Plain);
        assert_eq!(of(&[("TERM", "dumb")]), Style::Plain);
        assert_eq!(of(&[("TERM", "xterm")]), Style::InPlace { color: true });
        assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "")]), Style::InPlace { color: true });
        assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "1")]), Style::InPlace { color: false });
    }
}
