//! Tables: what was measured, of whom.

use std::fmt::Write as _;

use kymo_benches::row::figure;
use serde::{Deserialize, Serialize};

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    /// It was not measured; a note says why.
    None,
    /// A median, and the ratio to kymo's.
    Figure {
        /// In the unit of its row.
        value: f64,
        /// Its quartiles.
        range: Option<[f64; 2]>,
        /// Median, lower and upper quartile.
        ratio: Option<[f64; 3]>,
    },
    /// Words.
    Text(String),
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What was measured.
    pub what: String,
    /// Of its figures.
    pub unit: String,
    /// Whether more is better.
    pub is_more_better: bool,
    /// One for each column.
    pub cells: Vec<Cell>,
}

/// A table of one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its heading.
    pub title: String,
    /// What was done, before the table.
    pub method: String,
    /// Who is compared, kymo first.
    pub columns: Vec<String>,
    /// Rows.
    pub lines: Vec<Line>,
    /// What else there is to know, behind the table.
    pub notes: Vec<String>,
}

impl Table {
    /// An empty one.
    #[must_use]
    pub fn new(title: &str, method: &str, columns: &[&str]) -> Self {
        Self {
            title: title.into(),
            method: method.into(),
            columns: columns.iter().map(|name| (*name).into()).collect(),
            lines: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row in which less is better.
    pub fn less(&mut self, what: impl Into<String>, unit: &str, cells: Vec<Cell>) {
        let (what, unit) = (what.into(), unit.into());
        self.lines.push(Line { what, unit, is_more_better: false, cells });
    }

    /// Adds a row in which more is better.
    pub fn more(&mut self, what: impl Into<String>, unit: &str, cells: Vec<Cell>) {
        self.less(what, unit, cells);
        if let Some(line) = self.lines.last_mut() {
            line.is_more_better = true;
        }
    }

    /// Says who was not measured, once.
    pub fn explain(&mut self, failed: &[Option<String>]) {
        for (name, why) in self.columns.clone().iter().zip(failed) {
            if let Some(why) = why {
                let note = format!("{name}: not measured: {why}");
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            }
        }
    }

    /// The figure of a row that begins with `what`, of the column `name`.
    #[must_use]
    pub fn figure(&self, what: &str, name: &str) -> Option<f64> {
        let line = self.lines.iter().find(|line| line.what.starts_with(what))?;
        let column = self.columns.iter().position(|column| column == name)?;
        match line.cells.get(column)? {
            Cell::Figure { value, .. } => Some(*value),
            _ => None,
        }
    }

    /// As people read it.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", self.title, self.method);
        // Writing to a string can't fail.
        let _ = writeln!(text, "| | {} |", self.columns.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(self.columns.len()));
        for line in &self.lines {
            let best = line.best();
            let cells: Vec<_> = line.cells.iter().map(|cell| cell.text(best)).collect();
            let unit = if line.unit.is_empty() { "" } else { ", " };
            let _ = writeln!(text, "| {}{unit}{} | {} |", line.what, line.unit, cells.join(" | "));
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "* {note}.");
        }
        text
    }
}

impl Line {
    /// The best figure.
    fn best(&self) -> Option<f64> {
        let values = self.cells.iter().filter_map(|cell| match cell {
            Cell::Figure { value, .. } => Some(*value),
            _ => None,
        });
        let order = |one: &f64, other: &f64| one.total_cmp(other);
        if self.is_more_better { values.max_by(order) } else { values.min_by(order) }
    }
}

impl Cell {
    /// Bold when it is the best.
    fn text(&self, best: Option<f64>) -> String {
        match self {
            Self::None => "—".into(),
            Self::Text(words) => words.clone(),
            Self::Figure { value, range, ratio } => {
                let mut text = figure(*value);
                if best == Some(*value) {
                    text = format!("**{text}**");
                }
                if let Some([median, low, high]) = ratio {
                    let [median, low, high] = [*median, *low, *high].map(figure);
                    let _ = write!(text, " · {median} × ({low} … {high})");
                } else if let Some([low, high]) = range {
                    let _ = write!(text, " ({} … {})", figure(*low), figure(*high));
                }
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_bold_and_who_is_missing_is_named() {
        let mut table = Table::new("T", "M", &["kymo", "other", "third"]);
        let cells = |one: f64, two: f64| {
            vec![
                Cell::Figure { value: one, range: Some([9.0, 11.0]), ratio: None },
                Cell::Figure { value: two, range: None, ratio: Some([two / one, 1.0, 3.0]) },
                Cell::None,
            ]
        };
        table.less("late", "µs", cells(10.0, 20.0));
        table.more("many", "1/s", cells(10.0, 20.0));
        table.explain(&[None, None, Some("not installed".into())]);
        table.explain(&[None, None, Some("not installed".into())]);
        let text = table.markdown();
        assert!(
            text.contains(
                "| late, µs | **10.0** (9.00 … 11.0) | 20.0 · 2.00 × (1.00 … 3.00) | — |"
            ),
            "{text}"
        );
        assert!(text.contains("| many, 1/s | 10.0 (9.00 … 11.0) | **20.0** · 2.00 ×"));
        assert_eq!(text.matches("* third: not measured: not installed.").count(), 1);
        assert_eq!(table.figure("la", "other"), Some(20.0));
        assert_eq!(table.figure("la", "third"), None);
    }
}
