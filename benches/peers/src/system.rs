//! Who is measured.

use std::path::Path;

use kymo_benches::host::output;
use kymo_benches::process::kymod_path;
use serde::{Deserialize, Serialize};

/// A system that hands messages from one to many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum System {
    /// This project.
    Kymo,
    /// PUB and SUB sockets of libzmq.
    Zeromq,
    /// Publisher and subscriber sockets of libnng.
    Nng,
    /// Publish and subscribe of a Redis server.
    Redis,
}

impl System {
    /// In the order of the tables; kymo first.
    pub const ALL: [Self; 4] = [Self::Kymo, Self::Zeromq, Self::Nng, Self::Redis];

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kymo => "kymo",
            Self::Zeromq => "ZeroMQ",
            Self::Nng => "nng",
            Self::Redis => "Redis",
        }
    }

    /// For command lines.
    #[must_use]
    pub fn word(self) -> String {
        self.name().to_lowercase()
    }

    /// The one with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.word() == word)
    }

    /// Why it can't be measured here, if so.
    #[must_use]
    pub fn missing(self) -> Option<&'static str> {
        let is_there = match self {
            Self::Kymo => true,
            Self::Zeromq => cfg!(feature = "zeromq"),
            Self::Nng => cfg!(feature = "nng"),
            Self::Redis => Path::new(REDIS).exists(),
        };
        match self {
            _ if is_there => None,
            Self::Redis => Some("redis-server is not installed"),
            Self::Zeromq => Some("there is no C++ compiler to build libzmq with"),
            _ => Some("libnng was not installed when this was built"),
        }
    }

    /// Which release is measured.
    #[must_use]
    pub fn version(self) -> String {
        match self {
            Self::Kymo => {
                let path = kymod_path().unwrap_or_default();
                output(&path.to_string_lossy(), &["--version"])
            }
            #[cfg(feature = "zeromq")]
            Self::Zeromq => {
                let (major, minor, patch) = ::zmq::version();
                format!("libzmq {major}.{minor}.{patch}, built from its source")
            }
            Self::Nng if cfg!(feature = "nng") => {
                format!("libnng {}", output("dpkg-query", &["-f${Version}", "-W", "libnng1"]))
            }
            Self::Redis if Path::new(REDIS).exists() => {
                let words = output(REDIS, &["--version"]);
                let version = words.split(' ').find_map(|word| word.strip_prefix("v="));
                format!("redis-server {}", version.unwrap_or("?"))
            }
            _ => "not here".into(),
        }
    }
}

/// Where Debian has it.
pub const REDIS: &str = "/usr/bin/redis-server";
