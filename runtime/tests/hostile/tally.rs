//! What hostile clients did, as they count it themselves.

use serde_json::{Value, json};

/// Counts of one behaviour.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Connections made.
    pub connected: u64,
    /// Connections that could not be made.
    pub failed: u64,
    /// Connections that the daemon ended.
    pub closed: u64,
    /// Bytes it took.
    pub sent: u64,
    /// Bytes it said.
    pub received: u64,
}

impl Tally {
    /// As a line for whoever started the process.
    pub fn to_line(self) -> String {
        let Self { connected, failed, closed, sent, received } = self;
        json!([connected, failed, closed, sent, received]).to_string()
    }

    /// From such a line.
    pub fn from_line(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let at = |index: usize| value[index].as_u64();
        let [connected, failed, closed] = [at(0)?, at(1)?, at(2)?];
        Some(Self { connected, failed, closed, sent: at(3)?, received: at(4)? })
    }
}
