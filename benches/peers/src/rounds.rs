//! Systems in turns, and what the turns say.

use kymo_benches::Outcome;
use kymo_benches::pairs::Spread;
use kymo_benches::stats::median;

use crate::table::Cell;

/// Rounds in which each contestant has had its turn, with `N` figures each. The first is kymo.
#[derive(Clone, Debug)]
pub struct Rounds<const N: usize> {
    /// Of each contestant; `None` for those that could not be measured.
    taken: Vec<Option<Vec<[f64; N]>>>,
    /// Why not.
    pub failed: Vec<Option<String>>,
}

impl<const N: usize> Rounds<N> {
    /// Measures `contestants` in turns; whoever fails once is left out.
    pub fn take<T: Copy>(
        rounds: usize,
        contestants: &[T],
        missing: impl Fn(T) -> Option<String>,
        mut measure: impl FnMut(T) -> Outcome<[f64; N]>,
    ) -> Self {
        let mut failed: Vec<_> = contestants.iter().map(|one| missing(*one)).collect();
        let mut taken: Vec<_> = contestants.iter().map(|_| Some(Vec::new())).collect();
        for _ in 0..rounds {
            for (index, contestant) in contestants.iter().enumerate() {
                if failed[index].is_some() {
                    continue;
                }
                match (measure(*contestant), &mut taken[index]) {
                    (Ok(figures), Some(list)) => list.push(figures),
                    (Err(error), _) => failed[index] = Some(error.to_string()),
                    _ => {}
                }
            }
        }
        for (list, why) in taken.iter_mut().zip(&failed) {
            if why.is_some() {
                *list = None;
            }
        }
        Self { taken, failed }
    }

    /// Median of a figure of one contestant's.
    #[must_use]
    pub fn median(&self, contestant: usize, figure: usize) -> Option<f64> {
        let list = self.taken.get(contestant)?.as_ref()?;
        Some(median(&list.iter().map(|figures| figures[figure]).collect::<Vec<_>>()))
    }

    /// Medians of a figure of each; 0 of those that were not measured.
    #[must_use]
    pub fn medians(&self, figure: usize) -> Vec<f64> {
        (0..self.taken.len()).map(|one| self.median(one, figure).unwrap_or(0.0)).collect()
    }

    /// A figure of each, with its ratio to kymo's of the same round.
    #[must_use]
    pub fn cells(&self, figure: usize) -> Vec<Cell> {
        let mut cells = self.alone(figure);
        for (index, cell) in cells.iter_mut().enumerate().skip(1) {
            if let Cell::Figure { ratio, .. } = cell {
                *ratio = self.ratio(index, figure);
            }
        }
        cells
    }

    /// A figure of each, where a ratio to kymo's says nothing.
    #[must_use]
    pub fn alone(&self, figure: usize) -> Vec<Cell> {
        let cell = |list: &Option<Vec<[f64; N]>>| {
            let Some(list) = list else { return Cell::None };
            let values: Vec<_> = list.iter().map(|figures| figures[figure]).collect();
            let Spread { median, low, high } = Spread::of(&values);
            Cell::Figure { value: median, range: Some([low, high]), ratio: None }
        };
        self.taken.iter().map(cell).collect()
    }

    /// Words on each that was measured, from the medians of its figures.
    #[must_use]
    pub fn words(&self, say: impl Fn([f64; N]) -> String) -> Vec<Cell> {
        let cell = |index: usize| {
            let mut medians = [0.0; N];
            for (figure, value) in medians.iter_mut().enumerate() {
                match self.median(index, figure) {
                    Some(found) => *value = found,
                    None => return Cell::None,
                }
            }
            Cell::Text(say(medians))
        };
        (0..self.taken.len()).map(cell).collect()
    }

    fn ratio(&self, contestant: usize, figure: usize) -> Option<[f64; 3]> {
        let (one, kymo) = (self.taken[contestant].as_ref()?, self.taken[0].as_ref()?);
        let ratios: Vec<_> =
            one.iter().zip(kymo).map(|(one, kymo)| one[figure] / kymo[figure]).collect();
        let Spread { median, low, high } = Spread::of(&ratios);
        median.is_finite().then_some([median, low, high])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_a_round() {
        // The machine slows down tenfold; the second takes twice as long; the third fails.
        let mut turns = [1.0, 2.0, 0.0, 10.0, 20.0].into_iter();
        let rounds = Rounds::take(
            2,
            &[0, 1, 2, 3],
            |one| (one == 3).then(|| "no".into()),
            |one| {
                let figure = turns.next().ok_or("too many turns")?;
                if one == 2 { Err("broken".into()) } else { Ok([figure]) }
            },
        );
        let ratio = Some([2.0; 3]);
        let cells = rounds.cells(0);
        assert_eq!(cells[0], Cell::Figure { value: 5.5, range: Some([3.25, 7.75]), ratio: None });
        assert_eq!(cells[1], Cell::Figure { value: 11.0, range: Some([6.5, 15.5]), ratio });
        assert_eq!((&cells[2], &cells[3]), (&Cell::None, &Cell::None));
        assert_eq!(rounds.failed[2..], [Some("broken".into()), Some("no".into())]);
    }
}
