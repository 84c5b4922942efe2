//! The keyboard: bytes of the terminal as inputs.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use kymo_top::{Input, Inputs};
use nix::errno::Errno;
use nix::unistd::read;

/// How long the rest of a sequence may take: terminals send it at once, lines do not.
const REST: Duration = Duration::from_millis(50);

/// The keyboard; see the module.
#[derive(Debug)]
pub struct Keyboard {
    source: Source,
    inputs: Inputs,
    /// When what has come of a sequence is all there is.
    end: Option<Instant>,
}

/// Where keys come from.
#[derive(Debug)]
enum Source {
    Input(io::Stdin),
    /// Standard input is something else.
    Terminal(File),
}

impl Keyboard {
    /// The keyboard of standard input, else of the terminal this process belongs to.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn open() -> io::Result<Self> {
        let input = io::stdin();
        let source = match input.is_terminal() {
            true => Source::Input(input),
            false => Source::Terminal(File::open("/dev/tty")?),
        };
        Ok(Self { source, inputs: Inputs::default(), end: None })
    }

    /// Reads what is there; false when there will be nothing more. To be called when the
    /// descriptor can be read.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn read(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 1024];
        // Past the buffer of std, in which nobody could see whether something waits.
        let size = match read(self.as_fd(), &mut bytes) {
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(true),
            result => result?,
        };
        self.inputs.push(bytes.get(..size).unwrap_or_default());
        self.end = None;
        Ok(size > 0)
    }

    /// The next input.
    pub fn poll_next(&mut self, now: Instant) -> Option<Input> {
        if let Some(input) = self.inputs.poll_next() {
            return Some(input);
        }
        if !self.inputs.is_waiting() {
            self.end = None;
            return None;
        }
        let end = *self.end.get_or_insert(now + REST);
        if now < end {
            return None;
        }
        self.end = None;
        self.inputs.end()
    }

    /// When to ask again though nothing can be read.
    pub fn deadline(&self) -> Option<Instant> {
        self.end
    }
}

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::Input(input) => input.as_fd(),
            Source::Terminal(terminal) => terminal.as_fd(),
        }
    }
}
