//! Patterns match what their definition says they match.

use kymo_protocol::pattern::wants;
use proptest::prelude::*;

fn model(pattern: &[u8], topic: &[u8]) -> bool {
    match pattern.split_first() {
        None => topic.is_empty(),
        Some((b'*', rest)) => (0..=topic.len()).any(|from| model(rest, &topic[from..])),
        Some((byte, rest)) => topic.first() == Some(byte) && model(rest, &topic[1..]),
    }
}

proptest! {
    #[test]
    fn a_pattern_matches_what_the_recursive_definition_says(
        pattern in "[ab*]{1,8}",
        topic in "[ab]{0,8}",
    ) {
        let matches = wants(format!("{pattern}\n").as_bytes(), &topic);
        prop_assert_eq!(matches, model(pattern.as_bytes(), topic.as_bytes()));
    }
}
