//! One figure: what it is, what it must be, what it is compared with.

use std::fmt;

use serde_json::{Value, json};

use crate::pairs::Spread;

/// What the limits of a row are limits of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judged {
    /// Nothing; it stands there to be read.
    #[default]
    Not,
    /// The figure itself.
    Measured,
    /// Its ratio to the floor.
    Ratio,
}

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Of figure and floor.
    pub unit: String,
    /// kymo's figure.
    pub measured: f64,
    /// The floor's.
    pub floor: Option<f64>,
    /// kymo's divided by the floor's.
    pub ratio: Option<Spread>,
    /// What is judged.
    pub judged: Judged,
    /// The highest that is good enough.
    pub must: Option<f64>,
    /// The highest that is what we want.
    pub stretch: Option<f64>,
    /// What else there is to say.
    pub note: String,
}

impl Row {
    /// A figure that stands alone.
    #[must_use]
    pub fn new(what: impl Into<String>, measured: f64, unit: &str) -> Self {
        Self { what: what.into(), unit: unit.into(), measured, ..Self::default() }
    }

    /// Beside a floor.
    #[must_use]
    pub fn beside(mut self, floor: f64, ratio: Spread) -> Self {
        (self.floor, self.ratio) = (Some(floor), Some(ratio));
        self
    }

    /// With limits for the figure.
    #[must_use]
    pub fn limits(mut self, must: f64, stretch: impl Into<Option<f64>>) -> Self {
        (self.judged, self.must, self.stretch) = (Judged::Measured, Some(must), stretch.into());
        self
    }

    /// With limits for the ratio.
    #[must_use]
    pub fn ratio_limits(self, must: f64, stretch: impl Into<Option<f64>>) -> Self {
        Self { judged: Judged::Ratio, ..self.limits(must, stretch) }
    }

    /// With a remark.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn judged_value(&self) -> Option<f64> {
        match self.judged {
            Judged::Not => None,
            Judged::Measured => Some(self.measured),
            Judged::Ratio => self.ratio.map(|ratio| ratio.median),
        }
    }

    /// Whether it is worse than it must be. A figure that is no number is.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        match (self.judged_value(), self.must) {
            (Some(value), Some(must)) => value.is_nan() || value > must,
            _ => false,
        }
    }

    /// In a word.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match (self.judged_value(), self.stretch) {
            (None, _) => "—",
            _ if self.is_missed() => "missed",
            (Some(value), Some(stretch)) if value <= stretch => "stretch",
            _ => "must",
        }
    }

    /// As a line for the runner.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { what, unit, measured, floor, must, stretch, note, .. } = self;
        let judged = match self.judged {
            Judged::Not => "",
            Judged::Measured => "measured",
            Judged::Ratio => "ratio",
        };
        let ratio = self.ratio.map(|spread| [spread.median, spread.low, spread.high]);
        json!({
            "what": what, "unit": unit, "measured": measured, "floor": floor, "ratio": ratio,
            "judged": judged, "must": must, "stretch": stretch, "note": note,
            "verdict": self.verdict(),
        })
        .to_string()
    }

    /// The row of a line that [`to_json`](Self::to_json) wrote; `None` for any other.
    #[must_use]
    pub fn from_json(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| value[key].as_str().map(str::to_string);
        let ratio = value["ratio"].as_array().and_then(|list| {
            let number = |index: usize| list.get(index)?.as_f64();
            Some(Spread { median: number(0)?, low: number(1)?, high: number(2)? })
        });
        Some(Self {
            what: text("what")?,
            unit: text("unit")?,
            // What JSON has no number for was none.
            measured: value["measured"].as_f64().unwrap_or(f64::NAN),
            floor: value["floor"].as_f64(),
            ratio,
            judged: match value["judged"].as_str()? {
                "measured" => Judged::Measured,
                "ratio" => Judged::Ratio,
                _ => Judged::Not,
            },
            must: value["must"].as_f64(),
            stretch: value["stretch"].as_f64(),
            note: text("note")?,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.what, figure(self.measured), self.unit)?;
        if let Some(floor) = self.floor {
            write!(f, ", floor {} {}", figure(floor), self.unit)?;
        }
        if let Some(Spread { median, low, high }) = self.ratio {
            write!(f, ", ratio {median:.2} ({low:.2}..{high:.2})")?;
        }
        if let Some(must) = self.must {
            write!(f, ", must ≤ {}: {}", limit(must), self.verdict())?;
        }
        if !self.note.is_empty() {
            write!(f, " [{}]", self.note)?;
        }
        Ok(())
    }
}

/// A limit, without digits that say nothing.
#[must_use]
pub fn limit(value: f64) -> String {
    format!("{}", (value * 1000.0).round() / 1000.0)
}

/// Three digits that count, as people write them.
#[must_use]
pub fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_survives_its_line() {
        let ratio = Spread { median: 1.25, low: 1.0, high: 1.5 };
        let row = Row::new("a \"b\"", 12.5, "µs").beside(10.0, ratio).ratio_limits(1.3, 1.1);
        assert_eq!(Row::from_json(&row.to_json()), Some(row));
        assert_eq!(Row::from_json("12 µs"), None);
    }

    #[test]
    fn verdicts_are_of_what_is_judged() {
        let row = Row::new("x", 50.0, "ns");
        assert_eq!(row.verdict(), "—");
        assert_eq!(row.clone().limits(100.0, 50.0).verdict(), "stretch");
        assert_eq!(row.clone().limits(100.0, 49.0).verdict(), "must");
        assert_eq!(row.clone().limits(49.0, None).verdict(), "missed");
        assert!(Row::new("x", f64::NAN, "ns").limits(1.0, None).is_missed());
        let ratio = Spread { median: 2.0, low: 1.0, high: 3.0 };
        assert!(row.beside(25.0, ratio).ratio_limits(1.5, None).is_missed());
    }
}
