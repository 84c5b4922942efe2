//! What the lines of a plot are called, in rows that nothing overlaps in.

/// Pixels of a character, on the average of wide fonts; those beyond ASCII may be twice as wide.
const CHARACTER: f64 = 7.2;
/// From the beginning of an entry to its text, and between two entries.
pub const SAMPLE: f64 = 22.0;
const SPACE: f64 = 14.0;
/// Entries of a row at most.
const COLUMNS_MAX: f64 = 4.0;

/// How wide a text may be.
pub fn width_of(text: &str) -> f64 {
    text.chars().map(|char| if char.is_ascii() { CHARACTER } else { 2.0 * CHARACTER }).sum()
}

/// As much of a text as `width` has room for.
pub fn cut(text: &str, width: f64) -> String {
    if width_of(text) <= width {
        return text.into();
    }
    let mut left = width - width_of("…");
    let fits = |char: &char| {
        left -= width_of(char.encode_utf8(&mut [0; 4]));
        left >= 0.0
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Entries and where they stand, row by row.
#[derive(Debug)]
pub struct Legend {
    /// Texts, none wider than its column.
    pub texts: Vec<String>,
    /// Entries of a row.
    pub columns: usize,
    /// How far apart columns are.
    pub step: f64,
}

impl Legend {
    /// A legend of these texts that is `width` wide.
    pub fn new(texts: impl IntoIterator<Item = String>, width: f64) -> Self {
        let texts: Vec<String> = texts.into_iter().collect();
        let widest = texts.iter().map(|text| width_of(text)).fold(0.0, f64::max);
        let columns = (width / (SAMPLE + widest + SPACE)).floor().clamp(1.0, COLUMNS_MAX);
        let step = width / columns;
        let texts = texts.iter().map(|text| cut(text, step - SAMPLE - SPACE)).collect();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 1 to 4
        Self { texts, columns: columns as usize, step }
    }

    /// Its rows.
    pub fn rows(&self) -> usize {
        self.texts.len().div_ceil(self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entry_reaches_the_next_one() {
        for (length, columns) in [(1, 4), (25, 4), (30, 3), (50, 2), (90, 1), (1000, 1)] {
            let texts =
                (0..7).map(|number| if number == 3 { "W".repeat(length) } else { "a".into() });
            let legend = Legend::new(texts, 890.0);
            assert_eq!((legend.columns, legend.rows()), (columns, 7usize.div_ceil(columns)));
            for text in &legend.texts {
                assert!(SAMPLE + width_of(text) + SPACE <= legend.step, "{text}");
            }
            assert_eq!(legend.texts[3].ends_with('…'), length == 1000);
        }
        assert_eq!(cut("温度温度", 4.0 * CHARACTER), "温…");
    }
}
