//! What honest clients have measured.

use crate::client::Manner;

/// Since somebody took it last.
#[derive(Clone, Debug, Default)]
pub struct Record {
    late_ns: Vec<u64>,
    /// The latest, and what it was.
    latest: (u64, String),
    /// Vitals that came.
    pub frames: u64,
    /// Frames that others stand for.
    pub merged: u64,
    /// Frames and events that did not come, told or not.
    pub missing: u64,
    /// How many connections ended, and why the last one did.
    pub ended: u64,
    pub why: Option<String>,
    /// The longest that the readers' thread was not there to read.
    pub away_ns: u64,
    /// Round trips of the publisher's requests.
    pub replies_ns: Vec<u64>,
    /// Events it published.
    pub published: u64,
    /// How long newcomers waited for their first frame, and how many there were without one.
    pub newcomers_ns: Vec<u64>,
    pub turned_away: u64,
}

impl Record {
    /// Notes the lateness of `what` came to a client of a `manner`.
    pub fn late(&mut self, manner: Manner, what: &str, late_ns: u64) {
        self.late_ns.push(late_ns);
        if late_ns > self.latest.0 {
            self.latest = (late_ns, format!("{what} to {manner:?}"));
        }
    }

    /// What came latest, and to whom.
    pub fn latest(&self) -> &str {
        &self.latest.1
    }

    /// In milliseconds: the lateness that this share stays below, and the greatest is that of 1.
    pub fn late_ms(&self, share: f64) -> f64 {
        quantile_ms(&self.late_ns, share)
    }
}

/// In milliseconds, the smallest of these that at least a share of them do not exceed; 0 of none.
pub fn quantile_ms(values_ns: &[u64], share: f64) -> f64 {
    let mut sorted = values_ns.to_vec();
    sorted.sort_unstable();
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small, and not negative
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted[rank.saturating_sub(1).min(last)] as f64 / 1e6
}
