//! The publisher's end of each peer.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use kymo_benches::Outcome;

use crate::system::System;

/// Commands that Redis is given before one of their answers is waited for.
const PIPELINE: usize = 256;

/// The channel's name, as short as can be.
pub const CHANNEL: &str = "k";

/// A publisher.
#[allow(missing_debug_implementations)] // the libraries' sockets have none
pub enum Publisher {
    /// A bound PUB socket.
    #[cfg(feature = "zeromq")]
    Zeromq(::zmq::Socket),
    /// A listening publisher socket.
    #[cfg(feature = "nng")]
    Nng(::nng::Socket),
    /// A connection to a server.
    Redis(Redis),
}

impl Publisher {
    /// At `address`, a socket's path. `is_much`: with queues for many messages in a row.
    /// `is_waiting`: a publisher that can waits for subscribers that are slow.
    ///
    /// # Errors
    ///
    /// When the peer refuses.
    pub fn new(system: System, address: &Path, is_much: bool, is_waiting: bool) -> Outcome<Self> {
        let url = format!("ipc://{}", address.display());
        match system {
            #[cfg(feature = "zeromq")]
            System::Zeromq => {
                let context = ::zmq::Context::new();
                let mut socket = context.socket(::zmq::PUB)?;
                if is_waiting {
                    crate::raw::wait_for_all(&mut socket)?;
                }
                socket.bind(&url)?;
                Ok(Self::Zeromq(socket))
            }
            #[cfg(feature = "nng")]
            System::Nng => {
                use ::nng::options::Options;
                let socket = ::nng::Socket::new(::nng::Protocol::Pub0)?;
                if is_much {
                    socket.set_opt::<::nng::options::SendBufferSize>(NNG_BUFFER)?;
                }
                socket.listen(&url)?;
                Ok(Self::Nng(socket))
            }
            System::Redis => {
                let stream = UnixStream::connect(address)?;
                Ok(Self::Redis(Redis { stream, open: 0, is_much, bytes: Vec::new() }))
            }
            _ => Err(format!("no publisher of {}; {url}, {is_waiting}", system.name()).into()),
        }
    }

    /// Publishes.
    ///
    /// # Errors
    ///
    /// When the peer refuses.
    pub fn send(&mut self, message: &[u8]) -> Outcome<()> {
        match self {
            #[cfg(feature = "zeromq")]
            Self::Zeromq(socket) => Ok(socket.send(message, 0)?),
            #[cfg(feature = "nng")]
            Self::Nng(socket) => Ok(socket.send(message).map_err(|(_, error)| error)?),
            Self::Redis(redis) => redis.send(message),
        }
    }

    /// Nothing more comes for a while.
    ///
    /// # Errors
    ///
    /// When the peer refuses.
    pub fn flush(&mut self) -> Outcome<()> {
        match self {
            Self::Redis(redis) => redis.flush(),
            #[allow(unreachable_patterns)] // without either library
            _ => Ok(()),
        }
    }
}

/// Messages that nng keeps for a subscriber; it allows no more.
#[cfg(feature = "nng")]
pub const NNG_BUFFER: i32 = 8192;

/// A publishing client of Redis.
#[derive(Debug)]
pub struct Redis {
    stream: UnixStream,
    /// Commands without an answer.
    open: usize,
    /// Answers may be waited for later.
    is_much: bool,
    /// Commands to be sent together.
    bytes: Vec<u8>,
}

impl Redis {
    fn send(&mut self, message: &[u8]) -> Outcome<()> {
        let head = format!("*3\r\n$7\r\nPUBLISH\r\n$1\r\n{CHANNEL}\r\n${}\r\n", message.len());
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(message);
        self.bytes.extend_from_slice(b"\r\n");
        self.open += 1;
        let is_full = self.open >= PIPELINE;
        if self.is_much && !is_full { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Outcome<()> {
        self.stream.write_all(&self.bytes)?;
        self.bytes.clear();
        let mut answers = [0; 4096];
        while self.open > 0 {
            let size = self.stream.read(&mut answers)?;
            if size == 0 || answers[0] == b'-' {
                return Err("Redis refuses to publish".into());
            }
            let ends = answers[..size].iter().filter(|byte| **byte == b'\n').count();
            self.open = self.open.saturating_sub(ends);
        }
        Ok(())
    }
}
