//! Why a request is refused.

use crate::json::read::JsonError;

/// What is wrong with a request, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFault {
    /// Bytes before the mistake.
    pub at: usize,
    /// The key it concerns; empty when none.
    pub key: &'static str,
    /// What is wrong, as the end of a sentence.
    pub reason: &'static str,
}

impl RequestFault {
    pub(super) fn of(key: &'static str, error: JsonError) -> Self {
        Self { at: error.at, key, reason: error.fault.describe() }
    }
}

impl From<JsonError> for RequestFault {
    fn from(error: JsonError) -> Self {
        Self::of("", error)
    }
}

impl core::fmt::Display for RequestFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.key.is_empty() {
            write!(f, "{} after byte {}", self.reason, self.at)
        } else {
            write!(f, "\"{}\": {} after byte {}", self.key, self.reason, self.at)
        }
    }
}
