//! What was acknowledged, and what a subscriber has of it.

use std::collections::BTreeMap;

use serde_json::Value;

/// Events that were acknowledged, by their sequence.
#[derive(Debug, Default)]
pub struct Ledger {
    acknowledged: BTreeMap<u64, u64>,
    /// Sequence up to which the subscriber has everything or was told of a gap.
    last: u64,
}

impl Ledger {
    /// The daemon has taken an event.
    pub fn acknowledge(&mut self, sequence: u64, number: u64) {
        let before = self.acknowledged.insert(sequence, number);
        assert!(before.is_none_or(|before| before == number), "two events at {sequence}");
    }

    /// The last sequence that was acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.keys().next_back().copied().unwrap_or(0)
    }

    /// Up to where the subscriber has everything.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Takes the lines of one connection: everything in order, with exact gaps. One that is whole
    /// has all that was acknowledged.
    pub fn read(&mut self, lines: &[Value], is_whole: bool) {
        for line in lines {
            let number = |key: &str| line[key].as_u64().unwrap();
            match line["type"].as_str() {
                Some("event") => {
                    assert_eq!(number("seq"), self.last + 1, "a hole nobody told of");
                    self.last += 1;
                    if let Some(expected) = self.acknowledged.get(&self.last) {
                        assert_eq!(line["data"], *expected, "another event");
                    }
                }
                Some("gap") => {
                    assert_eq!(number("first"), self.last + 1);
                    let lost = self.acknowledged.range(number("first")..=number("last"));
                    assert_eq!(lost.count(), 0, "acknowledged, and now a gap: {line}");
                    self.last = number("last");
                }
                _ => {}
            }
        }
        assert!(!is_whole || self.last >= self.acknowledged(), "not all came: {self:?}");
    }

    /// Up to where the lines of a history go.
    pub fn end(lines: &[Value]) -> u64 {
        let ends = lines.iter().map(|line| line["last"].as_u64().or(line["seq"].as_u64()));
        ends.flatten().max().unwrap_or(0)
    }

    /// A history has each event that was acknowledged, once, or names why not.
    pub fn check_history(&self, lines: &[Value]) -> Result<(), String> {
        let number = |line: &Value, key: &str| line[key].as_u64().unwrap();
        let mut told = BTreeMap::new();
        for line in lines {
            if line["type"] == "event" {
                let before = told.insert(number(line, "seq"), number(line, "data"));
                assert_eq!(before, None, "twice: {line}");
            } else if line["type"] == "gap" {
                let missing = number(line, "first")..=number(line, "last");
                if self.acknowledged.range(missing).next().is_some() {
                    return Err(format!("has a gap: {}", line["reason"].as_str().unwrap()));
                }
            }
        }
        for (sequence, number) in &self.acknowledged {
            assert_eq!(told.get(sequence), Some(number), "event {sequence}");
        }
        Ok(())
    }
}
