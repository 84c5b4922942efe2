//! Instructions that calls took when they were last looked at: a file that is committed.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::Outcome;

/// Tenths of a percent that a count may be away from its baseline.
pub const MARGIN_PERMILLE: u64 = 50;

const HEAD: &str = "\
# Instructions of so many calls as benches/src/bin/bench-instructions says, counted by callgrind.
# `make gate` compares; `KYMO_BLESS=1 make gate` writes the file anew.
";

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// What made the program: another compiler makes other instructions.
    pub compiler: String,
    /// Instructions by the name of the work.
    pub counts: BTreeMap<String, u64>,
}

impl Baseline {
    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// When a line is not one of its lines.
    pub fn parse(text: &str) -> Outcome<Self> {
        let mut baseline = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line.split_once(": ").ok_or_else(|| format!("no line: {line}"))?;
            if name == "compiler" {
                baseline.compiler = value.to_string();
            } else if baseline.counts.insert(name.to_string(), value.parse()?).is_some() {
                return Err(format!("twice in the baseline: {name}").into());
            }
        }
        Ok(baseline)
    }

    /// What became of each work, in the order of names; one that is no longer there is among them.
    #[must_use]
    pub fn compare(&self, counted: &BTreeMap<String, u64>) -> Vec<(String, Verdict)> {
        let gone = self.counts.keys().filter(|name| !counted.contains_key(*name));
        let judged = counted.iter().map(|(name, count)| {
            let verdict = self.counts.get(name).map_or(Verdict::New(*count), |baseline| {
                let (low, high) = (1000 - MARGIN_PERMILLE, 1000 + MARGIN_PERMILLE);
                match count * 1000 {
                    more if more > baseline * high => Verdict::Worse(*baseline, *count),
                    less if less < baseline * low => Verdict::Better(*baseline, *count),
                    _ => Verdict::Same(*baseline, *count),
                }
            });
            (name.clone(), verdict)
        });
        let mut all: Vec<_> = judged.chain(gone.map(|n| (n.clone(), Verdict::Gone))).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{HEAD}compiler: {}\n", self.compiler);
        for (name, count) in &self.counts {
            writeln!(text, "{name}: {count}")?;
        }
        f.write_str(&text)
    }
}

/// What a count says beside its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within the margin.
    Same(u64, u64),
    /// Less by more than that: the baseline hides what is lost again.
    Better(u64, u64),
    /// More by more than that.
    Worse(u64, u64),
    /// Without a baseline.
    New(u64),
    /// A baseline without a count.
    Gone,
}

impl Verdict {
    /// Whether the gate is shut.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Worse(..) | Self::New(_) | Self::Gone)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (baseline, count, word) = match *self {
            Self::Same(baseline, count) => (baseline, count, ""),
            Self::Better(baseline, count) => (baseline, count, "  fewer: renew the baseline"),
            Self::Worse(baseline, count) => (baseline, count, "  TOO MANY"),
            Self::New(count) => return write!(f, "{count:>10}  NO BASELINE"),
            Self::Gone => return f.write_str("      none  IN THE BASELINE ALONE"),
        };
        let percent = (count as f64 / baseline as f64 - 1.0) * 100.0;
        write!(f, "{count:>10}  {percent:>+6.2} %{word}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        counts.iter().map(|(name, count)| ((*name).to_string(), *count)).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let baseline =
            Baseline { compiler: "rustc 1 (a: b)".into(), counts: counts(&[("a", 1), ("b c", 2)]) };
        assert_eq!(Baseline::parse(&baseline.to_string()).unwrap(), baseline);
        assert!(Baseline::parse("a 1").is_err());
        assert!(Baseline::parse("a: b").is_err());
        assert!(Baseline::parse("a: 1\na: 2").is_err());
    }

    #[test]
    fn a_twentieth_is_the_margin() {
        let names = ["a", "b", "c", "d"];
        let baseline = Baseline {
            counts: names.map(|name| (name.to_string(), 1000)).into(),
            ..Baseline::default()
        };
        let verdicts =
            baseline.compare(&counts(&[("a", 1050), ("b", 1051), ("c", 950), ("d", 949)]));
        let expected = [
            Verdict::Same(1000, 1050),
            Verdict::Worse(1000, 1051),
            Verdict::Same(1000, 950),
            Verdict::Better(1000, 949),
        ];
        assert_eq!(verdicts, names.map(String::from).into_iter().zip(expected).collect::<Vec<_>>());
        let bad = expected.map(Verdict::is_bad);
        assert_eq!(bad, [false, true, false, false]);
    }

    #[test]
    fn names_must_be_the_same() {
        let baseline = Baseline { counts: counts(&[("old", 1)]), ..Baseline::default() };
        let verdicts = baseline.compare(&counts(&[("new", 1)]));
        assert_eq!(verdicts, [("new".into(), Verdict::New(1)), ("old".into(), Verdict::Gone)]);
        assert!(verdicts.iter().all(|(_, verdict)| verdict.is_bad()));
    }
}
