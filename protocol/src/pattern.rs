//! What a subscriber wants of a stream: patterns of topics, or of groups of sensors, in which `*`
//! stands for any text, also none.
//!
//! Patterns are kept as they stand in a subscribe frame: each ended by a newline, all of them in
//! one piece of text. No pattern wants everything.

/// Whether one of `patterns` matches `topic`, or the name of a group.
#[must_use]
pub fn wants(patterns: &[u8], topic: &str) -> bool {
    wants_counted(patterns, topic, &mut 0)
}

/// The same, and adds to `steps` how many bytes were compared to find out: for who does it for
/// strangers and has to share its time among them.
#[must_use]
pub fn wants_counted(patterns: &[u8], topic: &str, steps: &mut u64) -> bool {
    patterns.is_empty()
        || patterns
            .split(|byte| *byte == b'\n')
            .any(|pattern| !pattern.is_empty() && matches(pattern, topic.as_bytes(), steps))
}

/// Linear in time for one `*`, at most the product of both lengths for many; both are bounded.
fn matches(pattern: &[u8], topic: &[u8], steps: &mut u64) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last `*` does not match: it takes one byte more.
    let mut retry = None;
    while t < topic.len() {
        *steps += 1;
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == topic[t] => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((after, from)) => {
                    (p, t) = (after, from + 1);
                    retry = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, topic, expected) in [
            ("build.done", "build.done", true),
            ("build.done", "build.done2", false),
            ("build.*", "build.done", true),
            ("build.*", "build.", true),
            ("build.*", "build", false),
            ("*", "", true),
            ("*.done", "build.x.done", true),
            ("b*d*e", "build.done", true),
            ("b*d*f", "build.done", false),
            ("**", "x", true),
            ("é*", "étude", true),
            ("[a]?", "[a]?", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), topic.as_bytes(), &mut 0),
                expected,
                "{pattern} {topic}"
            );
        }
    }

    #[test]
    fn steps_are_counted() {
        let mut steps = 0;
        assert!(!wants_counted(b"build\n", "deploy", &mut steps));
        assert_eq!(steps, 1);
        // Each place but the last three looks right for two bytes.
        assert!(!wants_counted(b"*aab\n", "aaaaaaaa", &mut steps));
        assert!(steps > 2 * 5, "{steps}");
        // Behind a star nothing is looked at twice, neither the star nor the byte it takes in.
        let mut steps = 0;
        assert!(wants_counted(b"*b\n", "aaab", &mut steps));
        assert_eq!(steps, 1 + 3 + 1);
    }

    #[test]
    fn one_of_several_is_enough_and_none_wants_all() {
        assert!(wants(b"", "x"));
        assert!(wants(b"a*\nx\n", "x"));
        assert!(!wants(b"a*\ny\n", "x"));
        assert!(!wants(b"a*\n", ""));
    }
}
