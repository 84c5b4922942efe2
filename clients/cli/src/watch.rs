//! `kymo watch`: finds a daemon, shows what it says, and waits for it when it goes away.

use std::io::{self, IsTerminal};
use std::num::NonZeroU64;
use std::task::Poll;

use kymo_client::{Error, Item, StreamId, Why};
use kymo_platform::LocalTime;

use crate::args::Watch;
use crate::clean::clean;
use crate::failure::{Ending, Failure};
use crate::frames::Frames;
use crate::lines::Lines;
use crate::link::{Link, name_of};
use crate::screen::{Screen, Style};
use crate::sensor_block::SensorBlock;
use crate::token_file::{self, TokenFile};
use crate::value::Value;
use crate::{rates::Rates, tell};

/// Blocks a second when nobody says otherwise: as many as an eye can follow.
const RATE_MHZ: u32 = 5_000;

/// The same where each block stays.
const RATE_MHZ_PLAIN: u32 = 1_000;

/// How to show what comes.
pub enum View {
    Lines(Box<Lines<io::Stdout>>),
    Frames(Box<Frames<io::Stdout>>),
}

/// Runs until the count is reached, nobody reads any more, or nothing can be done.
///
/// # Errors
///
/// The [`Failure`] that ended it.
pub fn watch(options: &Watch) -> Result<(), Failure> {
    let (resume, mut file) = token_file::open(options.resume.as_ref())?;
    let (mut view, rate_mhz) = View::new(options, |name| std::env::var(name).ok());
    let mut link = Link::open(options, rate_mhz, resume)?;
    let ending = follow(&mut link, &mut view, file.as_mut());
    // What is not shown is not kept.
    let ending = view.flush().unwrap_or(ending);
    if ending == Ending::Done {
        keep(&mut file.as_mut(), &link)?;
    }
    match ending {
        Ending::Done => Ok(()),
        Ending::Failed(failure) => Err(failure),
    }
}

fn keep(file: &mut Option<&mut TokenFile>, link: &Link) -> Result<(), Failure> {
    match file {
        Some(file) => file.keep(link.subscriber.token()),
        None => Ok(()),
    }
}

fn follow(link: &mut Link, view: &mut View, mut file: Option<&mut TokenFile>) -> Ending {
    // What ended the last connection; what was told of attempts since.
    let (mut lost, mut told): (Option<Why>, Option<Error>) = (None, None);
    let mut name = link.name();
    loop {
        let clock = link.subscriber.clock();
        let ending = match link.subscriber.poll_next() {
            Err(Error::Ended) => {
                let why = lost.map_or_else(String::new, |why| why.to_string());
                let text = format!("sampling in this process ended: {why}");
                Some(Ending::Failed(Failure::new(text)))
            }
            Err(error) => Some(Ending::Failed(Failure::of_client(&error))),
            Ok(Poll::Ready(Item::Lost(why))) => {
                lost = Some(why);
                let ending = view.flush();
                if !link.is_embedded {
                    view.tell(&goodbye(why));
                    let why = after_goodbye(why);
                    view.tell(&format!("lost the daemon in {name}: {why}; waiting for it"));
                }
                ending
            }
            Ok(Poll::Ready(Item::Connected(server))) => {
                name = name_of(server.directory.as_deref());
                view.set_source(name.clone());
                if lost.take().is_some() {
                    view.tell(&format!("connected to the daemon in {name}"));
                }
                told = None;
                view.begin(server.rate_mhz);
                None
            }
            Ok(Poll::Ready(Item::Fresh { lost_after: Some(token) })) => {
                let text = "events may be lost: the daemon does not know those behind";
                view.tell(&format!("{text} {token}; it has another history"));
                None
            }
            Ok(Poll::Ready(item)) => view.show(&item, clock),
            Ok(Poll::Pending) => {
                let error = link.subscriber.last_error();
                if let Some(error) = error.filter(|error| told.as_ref() != Some(error)) {
                    if lost.is_none() || !matches!(error, Error::Unreachable { .. }) {
                        let text = clean(error.to_string().chars());
                        view.tell(&format!("no connection to the daemon in {name}: {text}"));
                    }
                    told = Some(error.clone());
                }
                rest(link, view, &mut file)
            }
        };
        if let Some(ending) = ending {
            return ending;
        }
    }
}

/// Brings everything out, and waits for more.
fn rest(link: &Link, view: &mut View, file: &mut Option<&mut TokenFile>) -> Option<Ending> {
    if let Some(ending) = view.flush() {
        return Some(ending);
    }
    if let Err(failure) = keep(file, link) {
        return Some(Ending::Failed(failure));
    }
    match link.wait() {
        Ok(true) => None,
        Ok(false) => Some(Ending::Done),
        Err(error) => Some(Ending::Failed(Failure::new(format!("can't wait: {error}")))),
    }
}

/// A daemon's last words; empty when there were none.
fn goodbye(why: Why) -> String {
    match why {
        Why::Goodbye(_) => why.to_string(),
        _ => String::new(),
    }
}

/// What ended a connection, the last words apart.
fn after_goodbye(why: Why) -> Why {
    match why {
        Why::Goodbye(_) => Why::Ended,
        why => why,
    }
}

impl View {
    /// A view, and the rate to ask for.
    pub fn new(options: &Watch, variable: impl Fn(&str) -> Option<String>) -> (Self, u32) {
        let is_terminal = io::stdout().is_terminal();
        let left = options.count.map(NonZeroU64::get);
        if options.json || !is_terminal {
            let lines = Lines::new(io::stdout(), is_terminal, left, options.sensors.clone());
            return (Self::Lines(Box::new(lines)), options.rate_mhz.unwrap_or(0));
        }
        let style = style(variable);
        let default_mhz = if style == Style::Plain { RATE_MHZ_PLAIN } else { RATE_MHZ };
        let frames = Frames {
            screen: Screen::new(io::stdout(), style),
            left,
            zone: LocalTime::new(),
            source: String::new(),
            rate_mhz: 0,
            rates: Rates::default(),
            processes: Vec::new(),
            has_vitals: options.streams.contains(StreamId::VITALS),
            sensors: options.streams.contains(StreamId::SAMPLES).then(|| {
                let is_alone = !options.streams.contains(StreamId::VITALS);
                SensorBlock::new(options.sensors.clone(), is_alone)
            }),
        };
        (Self::Frames(Box::new(frames)), options.rate_mhz.unwrap_or(default_mhz))
    }

    /// Where what comes now comes from.
    pub fn set_source(&mut self, name: String) {
        if let Self::Frames(frames) = self {
            frames.source = name;
        }
    }

    /// What comes is that of a recording.
    pub fn set_recording(&mut self, name: String) {
        match self {
            Self::Lines(lines) => lines.is_recorded = true,
            Self::Frames(frames) => frames.source = name,
        }
    }

    /// A connection begins.
    pub fn begin(&mut self, rate_mhz: u32) {
        match self {
            Self::Lines(lines) => lines.begin(),
            Self::Frames(frames) => frames.begin(rate_mhz),
        }
    }

    /// Shows an item, if it is one that can be.
    pub fn show(&mut self, item: &Item<'_>, clock: kymo_client::ClockMap) -> Option<Ending> {
        match self {
            Self::Lines(lines) => lines.show(item, clock),
            Self::Frames(frames) => frames.show(item),
        }
    }

    /// Something that no frame tells: `text` on standard error, and where there are lines one of
    /// its own, of type `kind`.
    pub fn notice<const N: usize>(
        &mut self,
        text: &str,
        kind: &str,
        members: [(&str, Value); N],
    ) -> Option<Ending> {
        self.tell(text);
        match self {
            Self::Lines(lines) => lines.notice(kind, members),
            Self::Frames(_) => None,
        }
    }

    /// Brings out what was shown.
    pub fn flush(&mut self) -> Option<Ending> {
        match self {
            Self::Lines(lines) => lines.flush(),
            Self::Frames(frames) => frames.flush(),
        }
    }

    /// A line on standard error, which may be the same terminal.
    pub fn tell(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        tell(format_args!("{text}"));
        if let Self::Frames(frames) = self {
            frames.screen.forget();
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
