//! What somebody may have meant.

use lexopt::Error;

/// The words that a help explains: what its lines begin with.
fn explained(help: &str) -> impl Iterator<Item = &str> {
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    let words = lines.filter(|line| !line.starts_with(' '));
    words.filter_map(|line| line.split(' ').next())
}

/// The one that is a slip of the finger away, if any is.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.map(|known| (strsim::osa_distance(word, known), known));
    let (distance, known) = distances.min()?;
    (distance == 1 || distance == 2 && known.len() > 5).then_some(known)
}

/// The command that `name` is nearly, of those in `help`.
pub fn command<'a>(name: &str, help: &'a str) -> Option<&'a str> {
    nearest(name, explained(help).filter(|word| !word.starts_with('-')))
}

/// The option that was nearly given, of those in `help`, where that is what is wrong.
pub fn option<'a>(error: &Error, help: &'a str) -> Option<&'a str> {
    let Error::UnexpectedOption(given) = error else { return None };
    nearest(given, explained(help).filter(|word| word.starts_with("--")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = concat!(
        "kymo x: y\n\n  record FILE  z\n  get  of it\n",
        "  --json      a\n              --jsen\n  --help      b\n",
    );

    #[test]
    fn slips_are_recognised_and_nothing_else() {
        for (word, meant) in [
            ("recrod", Some("record")),
            ("recorde", Some("record")),
            ("rcrod", Some("record")),
            ("gte", Some("get")),
            ("set", Some("get")),
            ("sat", None),
            ("replay", None),
            ("", None),
            ("--jsno", None),
        ] {
            assert_eq!(command(word, HELP), meant, "{word}");
        }
        let option = |given: &str| option(&Error::UnexpectedOption(given.into()), HELP);
        assert_eq!(option("--jsno"), Some("--json"));
        assert_eq!(option("--hlep"), Some("--help"));
        assert_eq!((option("-j"), option("--dir")), (None, None));
    }
}
