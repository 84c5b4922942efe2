//! Requests as JSON; see [`LineControl`].

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::poll::PollFlags;

use crate::control::{ControlSettings, SOCKET};
use crate::error::{Breach, Error, Why};
use crate::limits::REPLY_LINE_MAX;
use crate::redial::Redial;
use crate::{dial, reply_text, wait};

/// A client of the control socket that speaks JSON, one request at a time.
///
/// For events that a person has written: the server fills in what they leave out (the session, the
/// time, the number of words), and names the key that is wrong. Programs use
/// [`Control`](crate::Control), whose requests need no text.
///
/// ```no_run
/// use kymo_client::{ControlSettings, LineControl, directories};
///
/// let settings = ControlSettings::in_directories(directories(None));
/// let mut control = LineControl::new(settings);
/// let event = "{\"type\":\"transcription\",\"text\":\"Hello\"}";
/// let request = format!("{{\"action\":\"submit\",\"event\":{event}}}");
/// println!("{}", control.request(&request, false)?);
/// # Ok::<(), kymo_client::Error>(())
/// ```
#[derive(Debug)]
pub struct LineControl {
    settings: ControlSettings,
    stream: Option<UnixStream>,
    directory: Option<PathBuf>,
    redial: Redial,
    buffer: Box<[u8]>,
}

impl LineControl {
    /// A client that connects when something is asked for.
    #[must_use]
    pub fn new(settings: ControlSettings) -> Self {
        Self {
            redial: Redial::new(settings.backoff, settings.breaker),
            settings,
            stream: None,
            directory: None,
            buffer: vec![0; REPLY_LINE_MAX].into_boxed_slice(),
        }
    }

    /// Sends a JSON object and returns the reply, without its newline. `may_repeat` says that it
    /// may be sent again when the connection is lost: that it only asks, or has a key.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`]; [`Error::Unreachable`], [`Error::Denied`]; [`Error::Lost`] and
    /// [`Error::Late`]: it was done, or not.
    pub fn request(&mut self, text: &str, may_repeat: bool) -> Result<&str, Error> {
        let deadline = Instant::now() + self.settings.reply_time;
        // Whether a connection was lost with this request on it.
        let mut is_in_doubt = false;
        let size = loop {
            if let Err(error) = self.ensure() {
                self.pause(is_in_doubt, deadline, &error)?;
                continue;
            }
            match self.exchange(text.as_bytes(), deadline) {
                Ok(size) => break size,
                Err(error) => {
                    self.stream = None;
                    let Error::Lost(_) = error else { return Err(error) };
                    self.redial.handle_loss(Instant::now());
                    is_in_doubt = true;
                    self.pause(may_repeat, deadline, &error)?;
                }
            }
        };
        self.redial.handle_success();
        let text = self.buffer.get(..size).and_then(|line| str::from_utf8(line).ok());
        let text = text.ok_or(Error::Protocol(Breach::Unexpected))?;
        let path = self.directory.as_deref().unwrap_or(Path::new("")).join(SOCKET);
        match reply_text::refusal(&path, text) {
            Some(error) => Err(error),
            None => Ok(text),
        }
    }

    /// Where the present connection leads, or the last one led.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Waits before the next attempt if there is to be one; else it was `error`.
    fn pause(&self, may_wait: bool, deadline: Instant, error: &Error) -> Result<(), Error> {
        let now = Instant::now();
        let at = self.redial.deadline().unwrap_or(now);
        if !may_wait || at >= deadline {
            return Err(error.clone());
        }
        std::thread::sleep(at.saturating_duration_since(now));
        Ok(())
    }

    fn ensure(&mut self) -> Result<(), Error> {
        if self.stream.as_ref().is_some_and(dial::is_alive) {
            return Ok(());
        }
        self.stream = None;
        let now = Instant::now();
        let outcome = dial::first(&self.settings.directories, SOCKET);
        let (stream, directory) = outcome.inspect_err(|_| self.redial.handle_failure(now))?;
        self.directory = Some(directory.to_path_buf());
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends a request and reads its reply into the buffer.
    fn exchange(&mut self, text: &[u8], deadline: Instant) -> Result<usize, Error> {
        let Some(stream) = &mut self.stream else { return Err(Error::Lost(Why::Ended)) };
        let mut unsent = [text, b"\n"].concat();
        let mut size = 0;
        loop {
            match stream.read(self.buffer.get_mut(size..).unwrap_or_default()) {
                Ok(0) if size == self.buffer.len() => {
                    return Err(Error::Protocol(Breach::Unexpected));
                }
                Ok(0) => return Err(Error::Lost(Why::Ended)),
                Ok(more) => {
                    size += more;
                    let end = self.buffer[..size].iter().position(|byte| *byte == b'\n');
                    match end {
                        Some(end) => return Ok(end),
                        None => continue,
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Err(Error::Lost(Why::Ended));
                }
                Err(error) => return Err(Error::Lost(Why::Broken(error.kind()))),
            }
            let mut output = PollFlags::empty();
            if !unsent.is_empty() {
                match dial::send(stream, &unsent) {
                    Ok(sent) => {
                        unsent.drain(..sent);
                        continue;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        output = PollFlags::POLLOUT;
                    }
                    // Its last words can be read, and then its end.
                    Err(_) => unsent.clear(),
                }
            }
            if Instant::now() >= deadline {
                return Err(Error::Late);
            }
            wait::until(stream.as_fd(), PollFlags::POLLIN | output, Some(deadline))?;
        }
    }
}
