//! A loss, as people are told of it.

use kymo_client::{Gap, GapReason, StreamId};

/// What is lost, how many, and why.
#[must_use]
pub fn gap_text(gap: &Gap) -> String {
    let Gap { first, last, count, .. } = gap;
    let what = if gap.stream == StreamId::EVENTS { "events" } else { "frames" };
    let why = match gap.reason {
        Some(GapReason::Lapped) => "they were more than the daemon remembers",
        Some(GapReason::Retention) => "its journal keeps them no longer",
        Some(GapReason::Damage) => "its journal was damaged",
        Some(GapReason::Unjournalled) => "its journal could not be written",
        None => "there was no connection",
    };
    let up_to = if *count > last.saturating_sub(*first) { "" } else { "up to " };
    format!("{what} {first} to {last} are lost, {up_to}{count}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_say_what_is_known() {
        let gap = Gap { stream: StreamId::EVENTS, first: 1, last: 9, count: 4, reason: None };
        let expected = "events 1 to 9 are lost, up to 4: there was no connection";
        assert_eq!(gap_text(&gap), expected);
        let gap = Gap { count: 9, reason: Some(GapReason::Lapped), ..gap };
        let expected = "events 1 to 9 are lost, 9: they were more than the daemon remembers";
        assert_eq!(gap_text(&gap), expected);
    }
}
