//! What a host may want to log. kymo itself logs nothing.

use std::fmt;
use std::io;
use std::path::Path;

use kymo_platform::Signal;

use crate::hub::Hub;
use crate::message::Message;

/// Something a host may want to log. Reported when a state changes, not each time it is met.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Report<'a> {
    /// A listener can't take connections for now.
    NotAccepting(&'a Path, &'a io::Error),
    /// It takes them again.
    Accepting(&'a Path),
    /// The journal can't be written: publishers are refused, or wait.
    NotWriting(&'a io::Error),
    /// It can be again.
    Writing,
    /// A recorder has written a file, and why.
    Recorded(&'a str, &'a Message),
    /// A recorder can't write.
    NotRecording(&'a Message),
    /// A signal stops the loop.
    Stopping(Signal),
    /// The settings are read again.
    Reloading,
    /// They are in force.
    Reloaded,
    /// They can't be used, and the old ones stay.
    NotReloaded(&'a Message),
    /// A signal asks for the counters.
    Counters(&'a Hub),
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAccepting(path, error) => {
                write!(f, "{}: connections have to wait: {error}", path.display())
            }
            Self::Accepting(path) => write!(f, "{}: connections are taken again", path.display()),
            Self::NotWriting(error) => write!(f, "the journal can't be written: {error}"),
            Self::Writing => f.write_str("the journal is written again"),
            Self::Recorded(path, why) => write!(f, "{path} is written: {why}"),
            Self::NotRecording(why) => write!(f, "recorder {why}"),
            Self::Stopping(signal) => write!(f, "stopping on {signal:?}"),
            Self::Reloading => f.write_str("reading the settings again"),
            Self::Reloaded => f.write_str("the settings are in force"),
            Self::NotReloaded(why) => write!(f, "the old settings stay: {why}"),
            Self::Counters(hub) => {
                let counters = hub.counters();
                write!(
                    f,
                    "clients {} accepted {} refused {} cut {} mistakes {} stalled {} frames {} \
                     missed ticks {} frames sent {} bytes sent {} merged {}",
                    hub.clients(),
                    counters.accepted,
                    counters.refused,
                    counters.cut,
                    counters.mistakes,
                    counters.stalled,
                    hub.frames_produced(),
                    hub.ticks_missed(),
                    counters.frames_sent,
                    counters.bytes_sent,
                    counters.merged,
                )
            }
        }
    }
}

type Handler = Box<dyn FnMut(Report<'_>) + Send>;

/// Where reports go.
#[derive(Default)]
pub struct Reporter(Option<Handler>);

impl Reporter {
    /// To `handler`.
    pub fn new(handler: impl FnMut(Report<'_>) + Send + 'static) -> Self {
        Self(Some(Box::new(handler)))
    }

    /// Passes one on.
    pub fn report(&mut self, report: Report<'_>) {
        if let Some(handler) = &mut self.0 {
            handler(report);
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}
