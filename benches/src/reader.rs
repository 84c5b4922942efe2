//! A subscriber: takes frames from a socket and says how late they are.
//!
//! kymo and the floors are read by the same code. Lateness is the time from a frame's timestamp
//! (taken just before it was encoded) to the clock after the read that brought it.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    Body, Decoder, Hello, Payload, Position, Stamp, StreamId, Streams, Subscribe, emit,
};

use crate::Outcome;
use crate::cost::boot_ns;

/// Room for any frame; more than one comes only when the reader is late, or with samples.
const BUFFER_SIZE: usize = 16_384;

/// A subscriber that is silent for this long has lost its server.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be watched: whoever gets frames that are numbered and timed.
pub trait Subscriber: AsFd {
    /// Reads what is there, at least once, and tells of each frame that is now whole.
    ///
    /// # Errors
    ///
    /// When the server is gone or silent.
    fn read_each(&mut self, tell: &mut dyn FnMut(Seen)) -> Outcome<()>;
}

/// A subscriber.
#[derive(Debug)]
pub struct Reader {
    stream: UnixStream,
    decoder: Decoder<BUFFER_SIZE>,
    /// That have come so far.
    pub bytes: u64,
}

/// A frame that came.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its number.
    pub sequence: u64,
    /// Its timestamp.
    pub boot_ns: u64,
    /// From its timestamp to now.
    pub late_ns: u64,
}

impl Reader {
    /// Of a server that sends frames and nothing else.
    ///
    /// # Errors
    ///
    /// When the socket can't be set up.
    pub fn bare(stream: UnixStream) -> Outcome<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, decoder: Decoder::new(), bytes: 0 })
    }

    /// Of kymo: asks for vitals. The answer comes when the server next turns.
    ///
    /// # Errors
    ///
    /// When the socket can't be written to.
    pub fn ask(stream: UnixStream, rate_hz: u32) -> Outcome<Self> {
        Self::ask_for(stream, rate_hz, Streams::default().with(StreamId::VITALS))
    }

    /// The same for other streams.
    ///
    /// # Errors
    ///
    /// When the socket can't be written to.
    pub fn ask_for(mut stream: UnixStream, rate_hz: u32, streams: Streams) -> Outcome<Self> {
        let stamp = Stamp { boot_ns: boot_ns()? };
        let mut bytes = [0; 512];
        let (hello, size) = emit::<Hello>(&mut bytes, Position::NONE, stamp)?;
        hello.set("bench");
        let mut fixed = SubscribeFixed::default();
        fixed.rate_mhz.set(rate_hz * 1000);
        fixed.streams.set(streams.0);
        let rest = Subscribe::emit(&mut bytes[Hello::FRAME_SIZE..], stamp, &fixed, &[], &[])?;
        stream.write_all(&bytes[..size + rest])?;
        Self::bare(stream)
    }

    /// Waits until kymo has granted what was asked.
    ///
    /// # Errors
    ///
    /// When it refuses, or ends.
    pub fn await_granted(&mut self) -> Outcome<()> {
        loop {
            while let Some(frame) = self.decoder.next_frame()? {
                match frame.body {
                    Body::Subscribed(_) => return Ok(()),
                    Body::Error(error) => return Err(error.text().into()),
                    _ => {}
                }
            }
            self.fill()?;
        }
    }

    /// Reads once, and tells of each vitals frame that is now whole.
    ///
    /// # Errors
    ///
    /// When the server is gone or silent, or sends what is no frame.
    pub fn read(&mut self, mut tell: impl FnMut(Seen)) -> Outcome<()> {
        self.fill()?;
        let now_ns = boot_ns()?;
        while let Some(frame) = self.decoder.next_frame()? {
            if let Body::Vitals(_) = frame.body {
                let boot_ns = frame.header.timestamp.get();
                let late_ns = now_ns.saturating_sub(boot_ns);
                tell(Seen { sequence: frame.header.sequence.get(), boot_ns, late_ns });
            }
        }
        Ok(())
    }

    fn fill(&mut self) -> Outcome<()> {
        loop {
            match self.stream.read(self.decoder.space()) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(size) => {
                    self.decoder.filled(size);
                    self.bytes += size as u64;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err("the server is silent".into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Subscriber for Reader {
    fn read_each(&mut self, tell: &mut dyn FnMut(Seen)) -> Outcome<()> {
        self.read(tell)
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
