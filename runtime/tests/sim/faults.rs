//! What may go wrong, how often it has, and who decides: each kind has numbers of its own, so that
//! a run without one is the same run otherwise.

use crate::random::Random;

macro_rules! faults {
    ($($name:ident $text:literal $one_in:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($name,)* }

        /// Each kind, its name, and how seldom it is, whenever it could be.
        pub const FAULTS: &[(Fault, &str, u64)] = &[$((Fault::$name, $text, $one_in),)*];
    };
}

faults! {
    ShortWrite "short-write" 40,
    ShortRead "short-read" 4,
    MergedRead "merged-read" 3,
    Again "eagain-storm" 600,
    Cut "disconnect" 700,
    CutSaying "disconnect-saying" 40,
    Nonsense "nonsense" 3000,
    Return "return-by-token" 1,
    DeathAtStep "death-at-step" 600,
    DeathInStorage "death-in-storage" 600,
    Stop "stop-in-order" 1500,
    Torn "torn-write" 1,
    Power "lost-write" 4,
    Reordered "reordered-write" 1,
    Flip "flipped-bit" 300,
    Sync "failed-sync" 60,
    Full "full-disk" 250,
    Clock "clock-step" 150,
    Suspend "suspend" 200,
    Late "late-turn" 100,
    Hang "hung-sensor" 200,
}

/// The faults of a run.
#[derive(Clone, Debug)]
pub struct Faults {
    without: u32,
    random: Vec<Random>,
    counts: Vec<u64>,
}

impl Faults {
    pub fn new(seed: u64, without: u32) -> Self {
        let random = (1..).zip(FAULTS).map(|(n, _)| Random::of(seed, n)).collect();
        Self { without, random, counts: vec![0; FAULTS.len()] }
    }

    /// Whether it is to happen now.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        let index = fault as usize;
        let strikes = self.random[index].one_in(FAULTS[index].2);
        strikes && self.without >> index & 1 == 0
    }

    /// Nothing happens any more.
    pub fn end(&mut self) {
        self.without = u32::MAX;
    }

    /// How it is to happen.
    pub fn random(&mut self, fault: Fault) -> &mut Random {
        &mut self.random[fault as usize]
    }

    /// It has happened.
    pub fn count(&mut self, fault: Fault, times: u64) {
        self.counts[fault as usize] += times;
    }

    /// How often each has happened.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }
}

/// The set of those that are named, separated by commas.
pub fn parse(names: &str) -> Result<u32, String> {
    let names = names.split(',').filter(|name| !name.is_empty());
    names.map(bit_of).try_fold(0, |set, bit| Ok(set | bit?))
}

fn bit_of(name: &str) -> Result<u32, String> {
    let index = FAULTS.iter().position(|fault| fault.1 == name);
    index.map(|index| 1 << index).ok_or(format!("no fault is called {name}"))
}

/// Their names.
pub fn names(set: u32) -> String {
    let is_in = |index: &usize| set >> index & 1 != 0;
    let names: Vec<&str> = (0..FAULTS.len()).filter(is_in).map(|i| FAULTS[i].1).collect();
    names.join(",")
}
