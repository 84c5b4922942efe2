//! The command line that all programs share.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

use crate::Outcome;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Args {
    /// As little as shows that the program works; the figures mean nothing.
    pub quick: bool,
    /// Rows as lines of JSON instead of text.
    pub json: bool,
    /// A missed must is a failure.
    pub gate: bool,
    /// What takes long or needs much, too.
    pub stretch: bool,
    /// How long to watch, for the programs that say so.
    pub seconds: Option<f64>,
    /// Where the runner writes its table.
    pub out: Option<PathBuf>,
    /// Only programs whose name holds this; for the runner.
    pub only: Option<String>,
    /// Only the usage.
    pub help: bool,
}

/// Lines for the usage text.
pub const HELP: &str = "\
  --quick      a few seconds, to see that it works; the figures mean nothing
  --json       one JSON object a row
  --gate       exit 1 when a must is missed
  --stretch    also what takes long or needs many descriptors
  --seconds S  how long to watch (footprint, idle)
  --out FILE   where bench writes its table (default benches/RESULTS.md)
  --only WORD  the programs that bench runs
";

impl Args {
    /// Reads the command line of this process.
    ///
    /// # Errors
    ///
    /// For an option that there isn't.
    pub fn parse() -> Outcome<Self> {
        let mut args = Self::default();
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("quick") => args.quick = true,
                Arg::Long("json") => args.json = true,
                Arg::Long("gate") => args.gate = true,
                Arg::Long("stretch") => args.stretch = true,
                Arg::Long("seconds") => args.seconds = Some(parser.value()?.parse()?),
                Arg::Long("out") => args.out = Some(parser.value()?.into()),
                Arg::Long("only") => args.only = Some(parser.value()?.parse()?),
                Arg::Long("help") | Arg::Short('h') => args.help = true,
                // `cargo bench` adds it.
                Arg::Long("bench") => {}
                _ => return Err(arg.unexpected().into()),
            }
        }
        Ok(args)
    }

    /// `full` rounds, or two: the fewest that alternate.
    #[must_use]
    pub fn rounds(&self, full: usize) -> usize {
        if self.quick { 2 } else { full }
    }

    /// `full` milliseconds, or a fraction that still sees a few frames at 25 Hz.
    #[must_use]
    pub fn span(&self, full_ms: u64) -> Duration {
        Duration::from_millis(if self.quick { (full_ms / 8).clamp(100, 250) } else { full_ms })
    }
}
