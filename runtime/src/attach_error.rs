//! Why a subscriber of this process was not taken in.

use std::fmt;

use kymo_protocol::FrameError;

use crate::hub::Refusal;

/// Why a subscriber of this process was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachError {
    /// There is no place.
    Refused(Refusal),
    /// What it wants can't be said in a frame: a pattern is empty, or there are too many.
    Wish(FrameError),
}

impl From<FrameError> for AttachError {
    fn from(error: FrameError) -> Self {
        Self::Wish(error)
    }
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "not taken in: {refusal:?}"),
            Self::Wish(error) => write!(f, "what is wanted can't be said: {error}"),
        }
    }
}

impl std::error::Error for AttachError {}
