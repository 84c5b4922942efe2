//! What a run is to be, as the command line says it.

use crate::faults;
use crate::random::Random;

/// What nobody may do; the canaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// What a subscriber is sent is lost on its way.
    Lose,
    /// It arrives twice.
    Repeat,
    /// A write of the journal is acknowledged and does not happen.
    Drop,
}

pub const HARMS: [(Harm, &str); 3] =
    [(Harm::Lose, "lose"), (Harm::Repeat, "repeat"), (Harm::Drop, "drop")];

/// A run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub seed: u64,
    pub ticks: u64,
    pub clients: usize,
    /// Kinds of faults that don't happen.
    pub without: u32,
    pub harm: Option<Harm>,
}

impl Options {
    pub const TICKS: u64 = 5000;
    pub const CLIENTS: usize = 64;

    pub fn new(seed: u64) -> Self {
        Self { seed, ticks: Self::TICKS, clients: Self::CLIENTS, without: 0, harm: None }
    }

    /// Reads `SEED=1 TICKS=300 …`, each of which may be left out or empty; the seed is a fresh one
    /// then.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::new(Random::fresh_seed());
        for word in words {
            let Some((key, value)) = word.split_once('=').filter(|pair| !pair.1.is_empty()) else {
                continue;
            };
            let number = || value.parse().map_err(|_| format!("{key} is a number"));
            match key {
                "SEED" => options.seed = number()?,
                "TICKS" => options.ticks = number()?,
                "CLIENTS" => options.clients = usize::try_from(number()?).unwrap().min(256),
                "WITHOUT" => options.without = faults::parse(value)?,
                "HARM" => {
                    let harm = HARMS.iter().find(|harm| harm.1 == value).map(|harm| harm.0);
                    options.harm = Some(harm.ok_or(format!("no harm is called {value}"))?);
                }
                _ => return Err(format!("{key} is no setting of a run")),
            }
        }
        Ok(options)
    }

    /// What to type to have it again.
    pub fn command(&self) -> String {
        let mut command = format!("make sim SEED={} TICKS={}", self.seed, self.ticks);
        if self.clients != Self::CLIENTS {
            command += &format!(" CLIENTS={}", self.clients);
        }
        if self.without != 0 {
            command += &format!(" WITHOUT={}", faults::names(self.without));
        }
        if let Some((_, name)) = HARMS.iter().find(|harm| Some(harm.0) == self.harm) {
            command += &format!(" HARM={name}");
        }
        command
    }
}
