//! A loop on a thread of its own.

use std::io;
use std::thread::{self, JoinHandle};

use crate::inbox::Publisher;
use crate::reactor::Reactor;
use crate::stopper::Stopper;

/// A loop on a thread of its own; dropping it stops the loop and waits for its end, at most a
/// second and a bit.
#[derive(Debug)]
#[must_use]
pub struct Running {
    stopper: Stopper,
    publisher: Option<Publisher>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Reactor {
    /// Runs the loop on a thread of its own, named `kymo`.
    ///
    /// # Errors
    ///
    /// When there is no room for a thread.
    pub fn spawn(mut self) -> io::Result<Running> {
        let (stopper, publisher) = (self.stopper(), self.publisher());
        let thread = thread::Builder::new().name("kymo".into()).spawn(move || self.run())?;
        Ok(Running { stopper, publisher, thread: Some(thread) })
    }
}

impl Running {
    /// Hands over events from other threads. `None` when the settings have no inbox.
    #[must_use]
    pub fn publisher(&self) -> Option<Publisher> {
        self.publisher.clone()
    }

    /// What makes other threads able to stop the loop.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Whether the loop has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops the loop and waits for its end. Subscribers get their last bytes for at most a second.
    ///
    /// # Errors
    ///
    /// As [`Reactor::turn`]; and when a callback of the host panicked.
    pub fn stop(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.stopper.stop();
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the loop's thread panicked")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Who wants to know calls `stop`.
        let _ = self.end();
    }
}
