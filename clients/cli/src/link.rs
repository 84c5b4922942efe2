//! The connection to a daemon, or to the library in this process.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kymo::{Config, Reactor, place};
use kymo_platform::{Roots, random, this_machine};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::clean::clean;
use crate::failure::{Failure, UNREACHABLE};
use crate::tell;

/// A daemon says something at least every 5 s.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// How long to wait before the next attempt, give or take a quarter: those who lost the same daemon
/// shall not come back all at once.
const RETRY: Duration = Duration::from_secs(1);

/// A connection, and where it leads.
#[derive(Debug)]
pub struct Link {
    stream: UnixStream,
    place: Option<PathBuf>,
}

/// What came of reading.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes; 0 at the end.
    Bytes(usize),
    /// Nobody reads standard output any more.
    OutputClosed,
}

/// The directories in which to look for a daemon, the best first.
pub fn directories(explicit: Option<&Path>) -> Vec<PathBuf> {
    match explicit {
        Some(directory) => vec![directory.into()],
        None => place::to_try(|name| std::env::var_os(name), nix::unistd::geteuid().is_root()),
    }
}

impl Link {
    /// Connects to the first daemon there is in `directories`. When there is none and `may_embed`,
    /// to the library in this process.
    ///
    /// # Errors
    ///
    /// When neither works.
    pub fn open(directories: &[PathBuf], may_embed: bool) -> Result<Self, Failure> {
        match Self::dial(directories) {
            Ok(link) => Ok(link),
            Err(_) if may_embed => {
                tell(format_args!("no daemon found; sampling in this process"));
                let failed = |text: String| Failure::new(format!("can't sample here: {text}"));
                Self::embed().map_err(|error| failed(error.to_string()))
            }
            Err(text) => Err(Failure { code: UNREACHABLE, text }),
        }
    }

    /// Connects to the first daemon there is.
    fn dial(directories: &[PathBuf]) -> Result<Self, String> {
        let mut failure = "no directory to look in".into();
        for directory in directories {
            let path = directory.join("stream.sock");
            match UnixStream::connect(&path) {
                Ok(stream) => return Ok(Self { stream, place: Some(directory.clone()) }),
                Err(error) => {
                    let path = clean(path.to_string_lossy().chars());
                    failure = format!("no daemon at {path}: {error}");
                }
            }
        }
        Err(failure)
    }

    fn embed() -> Result<Self, Box<dyn std::error::Error>> {
        let mut reactor = Reactor::new(&Config::default(), this_machine(&Roots::default()))?;
        let stream = reactor.connect()?;
        // When it fails the connection ends, and that is how we learn of it.
        std::thread::spawn(move || reactor.run());
        Ok(Self { stream, place: None })
    }

    /// Waits for a daemon in `directories` and connects to it; `None` when nobody reads standard
    /// output any more.
    pub fn open_again(directories: &[PathBuf]) -> Option<Self> {
        loop {
            if !wait(None, pause()).is_ok_and(|event| event == Event::Nothing) {
                return None;
            }
            if let Ok(link) = Self::dial(directories) {
                return Some(link);
            }
        }
    }

    /// Where it leads, for people.
    pub fn name(&self) -> String {
        match &self.place {
            Some(directory) => clean(directory.to_string_lossy().chars()),
            None => "this process".into(),
        }
    }

    /// Whether the other end is in this process.
    pub fn is_embedded(&self) -> bool {
        self.place.is_none()
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// When the daemon is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads what has come, or waits for it.
    ///
    /// # Errors
    ///
    /// When the daemon is gone or says nothing for too long.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        loop {
            match wait(Some(&self.stream), SILENCE_MAX)? {
                Event::Nothing => {
                    let text = format!("silent for {} s", SILENCE_MAX.as_secs());
                    return Err(io::Error::new(ErrorKind::TimedOut, text));
                }
                Event::OutputClosed => return Ok(Received::OutputClosed),
                Event::Input => match self.stream.read(buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    outcome => return outcome.map(Received::Bytes),
                },
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Nothing,
    Input,
    OutputClosed,
}

/// Waits for input, for the end of standard output's reader, or for `timeout` to pass. Without the
/// second, `kymo watch --rate 0.1 | head -1` would stay for ten seconds more.
fn wait(input: Option<&UnixStream>, timeout: Duration) -> io::Result<Event> {
    let stdout = io::stdout();
    let output = PollFd::new(stdout.as_fd(), PollFlags::empty());
    let mut watched = vec![output];
    watched.extend(input.map(|stream| PollFd::new(stream.as_fd(), PollFlags::POLLIN)));
    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    let outcome = loop {
        match poll(&mut watched, timeout) {
            Err(Errno::EINTR) => {}
            outcome => break outcome,
        }
    };
    if outcome? == 0 {
        return Ok(Event::Nothing);
    }
    let closed = PollFlags::POLLERR | PollFlags::POLLHUP;
    let happened = |fd: &PollFd<'_>| fd.revents().unwrap_or(PollFlags::empty());
    if watched.first().is_some_and(|output| happened(output).intersects(closed)) {
        return Ok(Event::OutputClosed);
    }
    let has_input = watched.get(1).is_some_and(|input| !happened(input).is_empty());
    Ok(if has_input { Event::Input } else { Event::Nothing })
}

fn pause() -> Duration {
    let random = random::random_u128().unwrap_or(0) % 500;
    RETRY * 3 / 4 + Duration::from_millis(u64::try_from(random).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_directory_is_the_only_one() {
        assert_eq!(directories(Some(Path::new("/d"))), [PathBuf::from("/d")]);
        assert!(directories(None).contains(&PathBuf::from("/run/kymo")));
    }

    #[test]
    fn waiting_ends_with_input_or_in_time() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let short = Duration::from_millis(10);
        assert_eq!(wait(Some(&ours), short).unwrap(), Event::Nothing);
        theirs.write_all(b"x").unwrap();
        assert_eq!(wait(Some(&ours), SILENCE_MAX).unwrap(), Event::Input);
        drop(theirs);
        let mut link = Link { stream: ours, place: None };
        assert_eq!(link.receive(&mut [0; 9]).unwrap(), Received::Bytes(1));
        assert_eq!(link.receive(&mut [0; 9]).unwrap(), Received::Bytes(0));
    }

    #[test]
    fn pauses_are_about_a_second() {
        let range = Duration::from_millis(750)..Duration::from_millis(1250);
        assert!((0..100).all(|_| range.contains(&pause())));
    }

    #[test]
    fn a_missing_daemon_is_named() {
        let nowhere = PathBuf::from("/nonexistent/\u{1b}[2J");
        let failure = Link::open(&[nowhere], false).unwrap_err();
        assert_eq!(failure.code, UNREACHABLE);
        assert!(failure.text.starts_with("no daemon at /nonexistent/�[2J/stream.sock: "));
        let long = PathBuf::from(format!("/{}", "x".repeat(200)));
        assert_eq!(Link::open(&[long], false).unwrap_err().code, UNREACHABLE);
    }
}
