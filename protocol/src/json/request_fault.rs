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

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::*;

    #[test]
    fn it_says_where_what_is_wrong() {
        let fault = RequestFault { at: 7, key: "topic", reason: "is missing" };
        assert_eq!(fault.to_string(), "\"topic\": is missing after byte 7");
        assert_eq!(RequestFault { key: "", ..fault }.to_string(), "is missing after byte 7");
    }
}
