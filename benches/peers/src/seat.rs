//! The subscriber's end of each system.

use std::io::{Read, Write};
#[cfg(any(feature = "nng", feature = "zeromq"))]
use std::os::fd::OwnedFd;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::cost::boot_ns;
use kymo_benches::reader::{Seen, Subscriber};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    Body, Decoder, Hello, Payload, Position, Stamp, StreamId, Streams, Subscribe, emit,
};

use crate::message::Message;
use crate::publish::CHANNEL;
use crate::served::Load;

/// What one read takes at most.
const READ_SIZE: usize = 64 * 1024;

/// Messages that a library is asked for in a row.
#[cfg(any(feature = "nng", feature = "zeromq"))]
const BATCH: usize = 512;

/// A subscriber that is silent for this long has lost its server.
const PATIENCE: Duration = Duration::from_secs(5);

/// A subscriber of any system.
#[allow(missing_debug_implementations)] // the libraries' sockets have none
pub enum Seat {
    /// Of kymo.
    Kymo(Box<Kymo>),
    /// Of ZeroMQ.
    #[cfg(feature = "zeromq")]
    Zeromq(Polled<::zmq::Socket>),
    /// Of nng.
    #[cfg(feature = "nng")]
    Nng(Polled<::nng::Socket>),
    /// Of Redis.
    Redis(Redis),
}

/// A library's socket and what it is waited for with.
#[cfg(any(feature = "nng", feature = "zeromq"))]
#[allow(missing_debug_implementations)]
pub struct Polled<S> {
    /// The socket.
    pub socket: S,
    /// Readable when the socket may have something.
    pub ready: OwnedFd,
    /// It had more than was taken, and `ready` need not say so.
    pub is_pending: bool,
}

impl Seat {
    /// Messages that the server said are missing.
    #[must_use]
    pub fn told(&self) -> u64 {
        if let Self::Kymo(kymo) = self { kymo.told } else { 0 }
    }

    /// Whether it is to be read though its descriptor does not say so.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        match self {
            #[cfg(feature = "zeromq")]
            Self::Zeromq(polled) => polled.is_pending,
            #[cfg(feature = "nng")]
            Self::Nng(polled) => polled.is_pending,
            _ => false,
        }
    }
}

impl Subscriber for Seat {
    fn read_each(&mut self, tell: &mut dyn FnMut(Seen)) -> Outcome<()> {
        match self {
            Self::Kymo(kymo) => kymo.read_each(tell),
            #[cfg(feature = "zeromq")]
            Self::Zeromq(polled) => {
                let mut bytes = [0; 512];
                polled.read_each(tell, |socket| {
                    match socket.recv_into(&mut bytes, ::zmq::DONTWAIT) {
                        Ok(size) => Ok(Message::seen(&bytes[..size.min(512)], boot_ns()?)),
                        Err(::zmq::Error::EAGAIN) => Ok(None),
                        Err(error) => Err(error.into()),
                    }
                })
            }
            #[cfg(feature = "nng")]
            Self::Nng(polled) => polled.read_each(tell, |socket| match socket.try_recv() {
                Ok(message) => Ok(Message::seen(message.as_slice(), boot_ns()?)),
                Err(::nng::Error::TryAgain) => Ok(None),
                Err(error) => Err(error.into()),
            }),
            Self::Redis(redis) => redis.read_each(tell),
        }
    }
}

impl AsFd for Seat {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Kymo(kymo) => kymo.stream.as_fd(),
            #[cfg(feature = "zeromq")]
            Self::Zeromq(polled) => polled.ready.as_fd(),
            #[cfg(feature = "nng")]
            Self::Nng(polled) => polled.ready.as_fd(),
            Self::Redis(redis) => redis.stream.as_fd(),
        }
    }
}

#[cfg(any(feature = "nng", feature = "zeromq"))]
impl<S> Polled<S> {
    /// Takes messages until there is none: only then is the descriptor's word good again.
    fn read_each(
        &mut self,
        tell: &mut dyn FnMut(Seen),
        mut take: impl FnMut(&S) -> Outcome<Option<Seen>>,
    ) -> Outcome<()> {
        for _ in 0..BATCH {
            match take(&self.socket)? {
                Some(seen) => tell(seen),
                None => {
                    self.is_pending = false;
                    return Ok(());
                }
            }
        }
        self.is_pending = true;
        Ok(())
    }
}

/// A subscriber of kymo, of one stream, which looks at every frame whole.
#[derive(Debug)]
pub struct Kymo {
    stream: UnixStream,
    decoder: Decoder<READ_SIZE>,
    told: u64,
}

impl Kymo {
    /// Subscribes, and waits until that is granted.
    ///
    /// # Errors
    ///
    /// When kymo refuses.
    pub fn subscribe(mut stream: UnixStream, load: Load) -> Outcome<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let stamp = Stamp { boot_ns: boot_ns()? };
        let mut bytes = [0; 512];
        let (hello, size) = emit::<Hello>(&mut bytes, Position::NONE, stamp)?;
        hello.set("bench");
        let mut fixed = SubscribeFixed::default();
        let wanted = match load {
            Load::Vitals(rate_hz) => {
                fixed.rate_mhz.set(rate_hz * 1000);
                StreamId::VITALS
            }
            _ => StreamId::EVENTS,
        };
        fixed.streams.set(Streams::default().with(wanted).0);
        let rest = Subscribe::emit(&mut bytes[Hello::FRAME_SIZE..], stamp, &fixed, &[], &[])?;
        stream.write_all(&bytes[..size + rest])?;
        let mut seat = Self { stream, decoder: Decoder::new(), told: 0 };
        loop {
            while let Some(frame) = seat.decoder.next_frame()? {
                match frame.body {
                    Body::Subscribed(_) => return Ok(seat),
                    Body::Error(error) => return Err(error.text().into()),
                    _ => {}
                }
            }
            seat.fill()?;
        }
    }

    fn fill(&mut self) -> Outcome<()> {
        let size = self.stream.read(self.decoder.space())?;
        if size == 0 {
            return Err("kymo closed the connection".into());
        }
        self.decoder.filled(size);
        Ok(())
    }

    fn read_each(&mut self, tell: &mut dyn FnMut(Seen)) -> Outcome<()> {
        self.fill()?;
        let now_ns = boot_ns()?;
        while let Some(frame) = self.decoder.next_frame()? {
            let boot_ns = match frame.body {
                Body::Vitals(vitals) => {
                    self.told += u64::from(vitals.merged.get());
                    frame.header.timestamp.get()
                }
                // The publisher's time, on the boot clock here.
                Body::Event(event) => event.wall_ns(),
                Body::Gap(gap) => {
                    self.told += gap.count.get();
                    continue;
                }
                _ => continue,
            };
            let sequence = frame.header.sequence.get();
            tell(Seen { sequence, boot_ns, late_ns: now_ns.saturating_sub(boot_ns) });
        }
        Ok(())
    }
}

/// A subscriber of Redis that knows what its one channel sends: no library is quicker.
#[derive(Debug)]
pub struct Redis {
    stream: UnixStream,
    /// What stands before each message.
    head: Vec<u8>,
    size: usize,
    bytes: Box<[u8; READ_SIZE]>,
    /// The part of a message that came last.
    kept: usize,
}

impl Redis {
    /// Subscribes, and waits until that is granted. Messages have `size` bytes.
    ///
    /// # Errors
    ///
    /// When Redis refuses.
    pub fn subscribe(mut stream: UnixStream, size: usize) -> Outcome<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\n{CHANNEL}\r\n").as_bytes())?;
        let granted = format!("*3\r\n$9\r\nsubscribe\r\n$1\r\n{CHANNEL}\r\n:1\r\n");
        let mut answer = vec![0; granted.len()];
        stream.read_exact(&mut answer)?;
        if answer != granted.as_bytes() {
            return Err("Redis grants no subscription".into());
        }
        let head = format!("*3\r\n$7\r\nmessage\r\n$1\r\n{CHANNEL}\r\n${size}\r\n").into();
        Ok(Self { stream, head, size, bytes: Box::new([0; READ_SIZE]), kept: 0 })
    }

    fn read_each(&mut self, tell: &mut dyn FnMut(Seen)) -> Outcome<()> {
        let size = self.stream.read(&mut self.bytes[self.kept..])?;
        if size == 0 {
            return Err("Redis closed the connection".into());
        }
        let now_ns = boot_ns()?;
        let end = self.kept + size;
        let whole = self.head.len() + self.size + 2;
        let mut at = 0;
        while end - at >= whole {
            let rest = self.bytes[at..end].strip_prefix(&self.head[..]).ok_or("no message")?;
            tell(Message::seen(rest, now_ns).ok_or("a message that is too short")?);
            at += whole;
        }
        self.bytes.copy_within(at..end, 0);
        self.kept = end - at;
        Ok(())
    }
}
