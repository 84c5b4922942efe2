//! kymo and the bare socket in turns, and what the pairs say.

use super::Outcome;
use crate::quantile::quantile;

/// Two figures of each side and round.
#[derive(Debug)]
pub struct Pairs {
    rounds: Vec<([f64; 2], [f64; 2])>,
}

/// A middle and the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// A quarter lies below.
    pub low: f64,
    /// Half of them lie below.
    pub median: f64,
    /// A quarter lies above.
    pub high: f64,
}

impl Pairs {
    /// Measures in turns, kymo first; `before` is called before each pair.
    ///
    /// # Errors
    ///
    /// What a measurement says.
    pub fn take(
        rounds: u32,
        mut before: impl FnMut(),
        mut kymo: impl FnMut() -> Outcome<[f64; 2]>,
        mut bare: impl FnMut() -> Outcome<[f64; 2]>,
    ) -> Outcome<Self> {
        let rounds = (0..rounds).map(|_| {
            before();
            Ok((kymo()?, bare()?))
        });
        Ok(Self { rounds: rounds.collect::<Outcome<_>>()? })
    }

    /// Median of a figure of kymo's.
    pub fn kymo(&self, figure: usize) -> f64 {
        self.spread(|(kymo, _)| kymo[figure]).median
    }

    /// Median of a figure of the bare socket's.
    pub fn bare(&self, figure: usize) -> f64 {
        self.spread(|(_, bare)| bare[figure]).median
    }

    /// Ratios of kymo to bare, each of one pair.
    pub fn ratio(&self, figure: usize) -> Spread {
        self.spread(|(kymo, bare)| kymo[figure] / bare[figure])
    }

    fn spread(&self, of: impl Fn(&([f64; 2], [f64; 2])) -> f64) -> Spread {
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        let mut at = |share| quantile(&mut values, share);
        Spread { low: at(0.25), median: at(0.5), high: at(0.75) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_pairs() {
        let speeds = [1.0, 10.0, 3.0];
        let (mut kymo, mut bare, mut told) = (speeds.iter(), speeds.iter(), 0);
        let pairs = Pairs::take(
            3,
            || told += 1,
            || Ok([*kymo.next().unwrap() * 2.0, 1.0]),
            || Ok([*bare.next().unwrap(), 4.0]),
        )
        .unwrap();
        assert_eq!(told, 3);
        assert_eq!((pairs.kymo(0), pairs.bare(0)), (6.0, 3.0));
        assert_eq!(pairs.ratio(0), Spread { low: 2.0, median: 2.0, high: 2.0 });
        assert_eq!(pairs.ratio(1).median, 0.25);
    }
}
