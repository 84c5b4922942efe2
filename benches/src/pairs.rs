//! kymo and floor in turns, and what the pairs say.

use crate::Outcome;
use crate::stats::{median, quantile, sorted};

/// Rounds of kymo and floor, with `N` figures each.
#[derive(Clone, Debug)]
pub struct Pairs<const N: usize> {
    rounds: Vec<([f64; N], [f64; N])>,
}

/// A middle and the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// A quarter lies below.
    pub low: f64,
    /// A quarter lies above.
    pub high: f64,
}

impl Spread {
    /// Of a list in any order.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let values = sorted(values);
        let at = |q| quantile(&values, q);
        Self { median: at(0.5), low: at(0.25), high: at(0.75) }
    }
}

impl<const N: usize> Pairs<N> {
    /// Measures in turns, kymo first.
    ///
    /// # Errors
    ///
    /// What a measurement says.
    pub fn take(
        rounds: usize,
        mut kymo: impl FnMut() -> Outcome<[f64; N]>,
        mut floor: impl FnMut() -> Outcome<[f64; N]>,
    ) -> Outcome<Self> {
        let rounds = (0..rounds).map(|_| Ok((kymo()?, floor()?)));
        Ok(Self { rounds: rounds.collect::<Outcome<_>>()? })
    }

    /// Median of a figure of kymo's.
    #[must_use]
    pub fn kymo(&self, figure: usize) -> f64 {
        median(&self.rounds.iter().map(|(kymo, _)| kymo[figure]).collect::<Vec<_>>())
    }

    /// Median of a figure of the floor's.
    #[must_use]
    pub fn floor(&self, figure: usize) -> f64 {
        median(&self.rounds.iter().map(|(_, floor)| floor[figure]).collect::<Vec<_>>())
    }

    /// Means of a figure, of kymo and of the floor: for what is rare, and 0 in most rounds.
    #[must_use]
    pub fn means(&self, figure: usize) -> (f64, f64) {
        let count = self.rounds.len() as f64;
        let kymo: f64 = self.rounds.iter().map(|(kymo, _)| kymo[figure]).sum();
        let floor: f64 = self.rounds.iter().map(|(_, floor)| floor[figure]).sum();
        (kymo / count, floor / count)
    }

    /// Ratios of kymo to floor, each of one pair.
    #[must_use]
    pub fn ratio(&self, figure: usize) -> Spread {
        let ratio = |(kymo, floor): &([f64; N], [f64; N])| kymo[figure] / floor[figure];
        Spread::of(&self.rounds.iter().map(ratio).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_pairs() {
        // Twice as slow in each round, while the machine itself changes tenfold.
        let mut speed = [1.0, 10.0, 3.0].into_iter();
        let mut now = 0.0;
        let mut floors = [1.0, 10.0, 3.0].into_iter();
        let pairs = Pairs::take(
            3,
            || {
                now = speed.next().unwrap();
                Ok([2.0 * now])
            },
            || Ok([floors.next().unwrap()]),
        )
        .unwrap();
        assert_eq!(pairs.ratio(0), Spread { median: 2.0, low: 2.0, high: 2.0 });
        assert_eq!((pairs.kymo(0), pairs.floor(0)), (6.0, 3.0));
        assert!((pairs.means(0).0 - 28.0 / 3.0).abs() < 1e-9);
    }
}
