//! Why a reactor could not start.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;

/// Why a reactor could not start; says what and where.
#[derive(Debug)]
pub enum StartError {
    /// A setting can't be used.
    Config(ConfigError),
    /// The directory can't be trusted or is not one.
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// A listener's path can't be used.
    Listener {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another process serves this directory or listens at this path.
    Running {
        /// Where.
        path: PathBuf,
        /// Its process id, if it says.
        pid: Option<u32>,
    },
    /// The operating system refused something.
    System {
        /// What.
        what: String,
        /// Its reason.
        error: io::Error,
    },
}

impl StartError {
    /// An operating-system error while doing `what`.
    pub(crate) fn system(what: impl Into<String>, error: impl Into<io::Error>) -> Self {
        Self::System { what: what.into(), error: error.into() }
    }
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Directory { path, reason } => {
                write!(f, "directory {}: {reason}", path.display())
            }
            Self::Listener { path, reason } => write!(f, "listener {}: {reason}", path.display()),
            Self::Running { path, pid: Some(pid) } => {
                write!(f, "{} is served by process {pid} already", path.display())
            }
            Self::Running { path, pid: None } => {
                write!(f, "{} is served by another process already", path.display())
            }
            Self::System { what, error } => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}
