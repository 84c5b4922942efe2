//! A client that reads frames.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    Body, Decoder, ErrorCode, Frame, GoodbyeReason, Hello, Payload, Position, Stamp, StreamId,
    Streams, SubscribeOptions, emit,
};

/// A frame, in what tests ask of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    Welcome { next: u64 },
    Subscribed { rate_mhz: u32, next: u64 },
    Vitals { sequence: u64, merged: u64, boot_ns: u64 },
    Gap { first: u64, last: u64, count: u64 },
    Heartbeat,
    Goodbye(GoodbyeReason),
    Error(ErrorCode, String),
}

/// A client that reads frames.
#[derive(Debug)]
pub struct Binary {
    stream: UnixStream,
    decoder: Box<Decoder<FRAME_MAX>>,
    /// Bytes to read in one call.
    pub read_max: usize,
    /// Calls that brought bytes.
    pub reads: usize,
}

impl Binary {
    /// A client on a connection.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, decoder: Box::default(), read_max: FRAME_MAX, reads: 0 }
    }

    /// Says something. The daemon may be gone.
    pub fn say(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = self.stream.write_all(bytes);
        self
    }

    /// Says that it has nothing more to say.
    pub fn end_of_words(&mut self) -> &mut Self {
        let _ = self.stream.shutdown(Shutdown::Write);
        self
    }

    /// The next frame, if one comes before the end.
    pub fn try_frame(&mut self) -> Option<Got> {
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("whole frames") {
                return Some(got(&frame));
            }
            let space = self.decoder.space();
            let size = space.len().min(self.read_max);
            match self.stream.read(&mut space[..size]) {
                Ok(0) => return None,
                Ok(size) => {
                    self.reads += 1;
                    self.decoder.filled(size);
                }
                // Some other test's child has ended.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The daemon closed while words of ours were unread.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next frame.
    pub fn frame(&mut self) -> Got {
        self.try_frame().expect("a frame")
    }

    /// Welcome and subscribed; the sequence number of the frame to come.
    pub fn admitted(&mut self) -> u64 {
        assert!(matches!(self.frame(), Got::Welcome { .. }));
        match self.frame() {
            Got::Subscribed { next, .. } => next,
            other => panic!("{other:?}"),
        }
    }

    /// The next frame, which must be vitals: its number, how many it stands for beside itself, and
    /// when it was made.
    pub fn vitals(&mut self) -> (u64, u64, u64) {
        match self.frame() {
            Got::Vitals { sequence, merged, boot_ns } => (sequence, merged, boot_ns),
            other => panic!("{other:?}"),
        }
    }

    /// Whatever comes to the end must be one error.
    pub fn refusal(&mut self) -> (ErrorCode, String) {
        let Got::Error(code, text) = self.frame() else { panic!("no error") };
        assert_eq!(self.try_frame(), None);
        (code, text)
    }
}

fn got(frame: &Frame<'_>) -> Got {
    let sequence = frame.header.sequence.get();
    match frame.body {
        Body::Welcome(welcome) => Got::Welcome { next: welcome.streams[0].next.get() },
        Body::Subscribed(granted) => {
            Got::Subscribed { rate_mhz: granted.rate_mhz.get(), next: granted.next[0].get() }
        }
        Body::Vitals(vitals) => Got::Vitals {
            sequence,
            merged: vitals.merged.get().into(),
            boot_ns: frame.header.timestamp.get(),
        },
        Body::Gap(gap) => {
            assert_eq!(frame.header.stream.get(), StreamId::VITALS.0);
            let (first, last) = (gap.first.get(), gap.last.get());
            Got::Gap { first, last, count: gap.count.get() }
        }
        Body::Heartbeat(_) => Got::Heartbeat,
        Body::Goodbye(goodbye) => Got::Goodbye(goodbye.reason()),
        Body::Error(report) => Got::Error(report.code().unwrap(), report.text().into()),
        _ => panic!("a client's frame: {:?}", frame.header),
    }
}

/// A frame with its payload filled in.
pub fn request<P: Payload>(fill: impl FnOnce(&mut P)) -> Vec<u8> {
    let mut bytes = vec![0; P::FRAME_SIZE];
    let (payload, _) = emit::<P>(&mut bytes, Position::NONE, Stamp { boot_ns: 0 }).unwrap();
    fill(payload);
    bytes
}

/// Hello and subscribe to vitals.
pub fn subscribe(rate_mhz: u32, every: bool) -> [Vec<u8>; 2] {
    [
        request::<Hello>(|hello| hello.set("test")),
        request::<SubscribeFixed>(|subscribe| {
            subscribe.rate_mhz.set(rate_mhz);
            subscribe.streams.set(Streams::default().with(StreamId::VITALS).0);
            subscribe.options.set(SubscribeOptions { every, resume: false }.bits());
        }),
    ]
}
