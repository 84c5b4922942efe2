//! One line of a plot: of each moment, which is a pixel wide, the least and the greatest value.
//!
//! Guarantees: what is drawn has the extremes of what was read, however long the recording is; and
//! no line goes where nothing is known.

/// A line ends where values were so many times farther apart than usual, and so long.
const GAP_FACTOR: f64 = 10.0;
const GAP_S_MIN: f64 = 2.0;

/// What was read last holds for so many times as long as values usually were apart.
const HOLD_FACTOR: f64 = 1.5;

/// What was read in one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Its place.
    pub place: usize,
    /// The first value, the last one, and the extremes.
    pub first: f64,
    /// See `first`.
    pub last: f64,
    /// See `first`.
    pub least: f64,
    /// See `first`.
    pub greatest: f64,
    /// Whether nothing is known of the time before.
    pub begins: bool,
}

/// The values of one column; see the module.
#[derive(Clone, Debug, Default)]
pub struct Series {
    moments: Vec<Moment>,
    is_broken: bool,
    /// When the last value was read, and how far apart they usually are.
    last_s: Option<f64>,
    usual_s: Option<f64>,
}

impl Series {
    /// Takes in what was read at `at_s`, in moment `place`.
    pub fn push(&mut self, place: usize, at_s: f64, value: f64) {
        let apart_s = self.last_s.map(|last_s| at_s - last_s).filter(|apart_s| *apart_s > 0.0);
        if let Some(apart_s) = apart_s {
            let usual_s = *self.usual_s.get_or_insert(apart_s);
            self.is_broken |= apart_s > GAP_S_MIN.max(usual_s * GAP_FACTOR);
            if !self.is_broken {
                self.usual_s = Some(usual_s + (apart_s - usual_s) / 8.0);
            }
        }
        self.last_s = Some(at_s);
        let begins = self.begins();
        self.is_broken = false;
        match self.moments.last_mut().filter(|moment| moment.place == place) {
            Some(moment) => {
                moment.last = value;
                moment.least = moment.least.min(value);
                moment.greatest = moment.greatest.max(value);
            }
            None => self.moments.push(Moment {
                place,
                first: value,
                last: value,
                least: value,
                greatest: value,
                begins,
            }),
        }
    }

    /// Nothing is known of the time up to the next value.
    pub fn cut(&mut self) {
        self.is_broken = true;
    }

    /// Whether the next value begins a line.
    pub fn begins(&self) -> bool {
        self.is_broken || self.moments.is_empty()
    }

    /// The recording ends at `end_s`, in moment `place`. Where no value was due since the last one,
    /// that one holds to the end.
    pub fn finish(&mut self, place: usize, end_s: f64) {
        let (Some(last_s), Some(usual_s)) = (self.last_s, self.usual_s) else { return };
        let last = self.moments.last().map(|moment| (moment.place, moment.last));
        let Some((_, value)) = last.filter(|(before, _)| *before < place) else { return };
        if !self.is_broken && end_s - last_s <= usual_s * HOLD_FACTOR {
            self.push(place, end_s, value);
        }
    }

    /// The moments in which something was read.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// The extremes of all.
    pub fn extremes(&self) -> Option<(f64, f64)> {
        let least = self.moments.iter().map(|moment| moment.least).reduce(f64::min)?;
        let greatest = self.moments.iter().map(|moment| moment.greatest).reduce(f64::max)?;
        Some((least, greatest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_kept_and_gaps_are_gaps() {
        let mut series = Series::default();
        for value in 0..1000u32 {
            let at_s = f64::from(value) / 100.0;
            let spike = if value == 501 { 99.0 } else { 1.0 };
            series.push(value as usize / 100, at_s, spike);
        }
        assert_eq!((series.moments().len(), series.extremes()), (10, Some((1.0, 99.0))));
        let spiked = series.moments()[5];
        assert_eq!((spiked.first, spiked.last, spiked.greatest), (1.0, 1.0, 99.0));
        let begin = |series: &Series| {
            series
                .moments()
                .iter()
                .filter(|moment| moment.begins)
                .map(|moment| moment.place)
                .collect::<Vec<_>>()
        };
        assert_eq!(begin(&series), [0]);
        series.push(12, 12.5, 2.0);
        assert_eq!(begin(&series), [0, 12], "nothing for two seconds and a half");
        series.cut();
        series.push(13, 12.6, 2.0);
        assert_eq!(begin(&series), [0, 12, 13]);
    }

    #[test]
    fn what_is_read_seldom_is_one_line_to_the_end() {
        let mut series = Series::default();
        for count in 0..10u32 {
            series.push(count as usize, f64::from(count) * 10.0, f64::from(count));
        }
        assert_eq!(series.moments().iter().filter(|moment| moment.begins).count(), 1);
        let end = |series: &Series, end_s: f64| {
            let mut series = series.clone();
            series.finish(12, end_s);
            series.moments().last().map(|moment| (moment.place, moment.last, moment.begins))
        };
        assert_eq!(end(&series, 98.0), Some((12, 9.0, false)), "none was due since");
        assert_eq!(end(&series, 110.0), Some((9, 9.0, false)), "one did not come");
        series.cut();
        assert_eq!(end(&series, 98.0), Some((9, 9.0, false)), "nothing is known");
        let mut once = Series::default();
        once.push(0, 0.0, 1.0);
        assert_eq!(end(&once, 5.0), Some((0, 1.0, true)), "nobody knows when the next is due");
    }
}
