//! Which keys are worth a sensor, and what they are called: `keys.txt`, and lines that somebody
//! adds.
//!
//! A line has a generation, a class, a key and a name. The first that fits a key counts, and those
//! that are added come before those that are here.

use std::fmt;

use super::class::Class;
use super::fourcc::FourCc;

/// The lines that come with the program.
const KEYS: &str = include_str!("keys.txt");
/// Bytes of a name; longer ones are refused.
pub const NAME_SIZE_MAX: usize = 48;

const NAME_SIZE: &str = "a name has at most 48 bytes";
const _: () = assert!(NAME_SIZE_MAX == 48);
const PARTS: &str = "not a generation, a class, a key and a name";

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the key measures.
    pub class: Class,
    /// What people call it.
    pub name: Box<str>,
    pattern: FourCc,
}

/// The lines that count on one machine.
///
/// ```
/// use kymo_platform::apple::smc::Table;
///
/// let table = Table::of("Apple M3 Max").with("apple temp/board TXYZ Hinge\n").unwrap();
/// assert!(table.row("TXYZ").is_some_and(|row| &*row.name == "Hinge"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    chip: Box<str>,
    rows: Vec<Row>,
}

/// A line that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Which, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for BadLine {}

impl Table {
    /// That of a machine whose processor has this name, as the sysctl `machdep.cpu.brand_string`
    /// says it: `Apple M3 Max`, `Intel(R) Core(TM) …`. What is not Intel's is Apple's.
    #[must_use]
    pub fn of(chip: &str) -> Self {
        let table = Self { chip: chip.into(), rows: Vec::new() };
        // A test reads them all.
        table.clone().with(KEYS).unwrap_or(table)
    }

    /// With further lines before those that it has.
    ///
    /// # Errors
    ///
    /// When a line is none; then nothing is added.
    pub fn with(self, lines: &str) -> Result<Self, BadLine> {
        let mut rows = Vec::new();
        for (number, line) in lines.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line == "#" || line.starts_with("# ") {
                continue;
            }
            let bad = |what| BadLine { line: number + 1, what };
            let (generation, row) = parse(line).map_err(bad)?;
            if generation.is_of(&self.chip) {
                rows.push(row);
            }
        }
        rows.extend(self.rows);
        Ok(Self { rows, ..self })
    }

    /// What counts for a key, if anything does.
    #[must_use]
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.get(self.find(FourCc::parse(key)?)?)
    }

    /// The number of the line that counts for a key.
    pub(super) fn find(&self, key: FourCc) -> Option<u16> {
        let place = self.rows.iter().position(|row| row.fits(key))?;
        u16::try_from(place).ok()
    }

    pub(super) fn get(&self, number: u16) -> Option<&Row> {
        self.rows.get(usize::from(number))
    }

    /// The keys that are named in full, by the number of their line.
    pub(super) fn key(&self, number: u16) -> Option<Option<FourCc>> {
        self.get(number).map(|row| row.is_exact().then_some(row.pattern))
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

impl Row {
    /// Whether it is about one key.
    pub(super) fn is_exact(&self) -> bool {
        !self.pattern.letters().contains(&b'?')
    }

    fn fits(&self, key: FourCc) -> bool {
        let mut both = self.pattern.letters().into_iter().zip(key.letters());
        both.all(|(pattern, letter)| pattern == b'?' || pattern == letter)
    }
}

/// Machines that a line is about.
#[derive(Clone, Copy)]
enum Generation<'a> {
    Any,
    Intel,
    Apple,
    /// `m1`
    Chip(&'a str),
}

impl Generation<'_> {
    fn parse(word: &str) -> Option<Generation<'_>> {
        let is_number = |rest: &str| rest.bytes().all(|letter| letter.is_ascii_digit());
        match word {
            "any" => Some(Generation::Any),
            "intel" => Some(Generation::Intel),
            "apple" => Some(Generation::Apple),
            _ => word
                .strip_prefix('m')
                .filter(|rest| !rest.is_empty() && is_number(rest))
                .map(Generation::Chip),
        }
    }

    fn is_of(self, chip: &str) -> bool {
        let is_intel = chip.contains("Intel");
        match self {
            Self::Any => true,
            Self::Intel => is_intel,
            Self::Apple => !is_intel,
            Self::Chip(number) => {
                let words = chip.split(' ').filter_map(|word| word.strip_prefix('M'));
                !is_intel && words.into_iter().any(|word| word == number)
            }
        }
    }
}

/// # Errors
///
/// What is wrong with the line.
fn parse(line: &str) -> Result<(Generation<'_>, Row), &'static str> {
    let mut rest = line;
    let mut word = || -> Result<_, &str> {
        let (word, behind) = rest.split_once([' ', '\t']).ok_or(PARTS)?;
        rest = behind.trim_start();
        Ok(word)
    };
    let (generation, class, key) = (word()?, word()?, word()?);
    let name = rest;
    let generation = Generation::parse(generation).ok_or("unknown generation")?;
    let class = Class::parse(class).ok_or("unknown class")?;
    let pattern = FourCc::parse(key).filter(|pattern| pattern.is_word());
    let pattern = pattern.ok_or("a key has four characters of ASCII")?;
    if name.len() > NAME_SIZE_MAX {
        return Err(NAME_SIZE);
    }
    if name.contains(char::is_control) {
        return Err("a control character in the name");
    }
    Ok((generation, Row { class, name: name.into(), pattern }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name<'a>(table: &'a Table, key: &str) -> &'a str {
        table.row(key).map_or("", |row| &row.name)
    }

    #[test]
    fn the_lines_that_come_with_it_can_be_read() {
        for chip in ["Apple M1", "Apple M5 Pro", "Intel(R) Core(TM) i9", "Apple A18 Pro", ""] {
            let table = Table { chip: chip.into(), rows: Vec::new() }.with(KEYS).unwrap();
            assert!(table.len() > 50, "{chip}");
            assert!(table.len() < usize::from(u16::MAX));
            // A line that another one before it hides is a mistake.
            for (number, row) in table.rows.iter().enumerate().filter(|(_, row)| row.is_exact()) {
                let first = table.find(row.pattern).map(usize::from);
                assert_eq!(first, Some(number), "{chip}: {row:?} counts never");
            }
        }
    }

    #[test]
    fn a_generation_has_its_own_names() {
        let of = |chip, key| name(&Table::of(chip), key).to_owned();
        assert_eq!(of("Apple M1", "Tp09"), "CPU efficiency core 1");
        assert_eq!(of("Apple M2 Max", "Tp09"), "CPU performance core 3");
        assert_eq!(of("Apple M3 Max", "Tp09"), "CPU");
        assert_eq!(of("Apple M3 Max", "Tf14"), "GPU 1");
        assert_eq!(of("Apple M5 Pro", "Tp0O"), "CPU performance core 1");
        assert_eq!(of("Apple M55", "Tp0O"), "CPU", "nothing is known of it");
        assert_eq!(of("Apple A18 Pro", "Tp0O"), "CPU");
        assert_eq!(of("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", "TC0P"), "CPU proximity");
        assert_eq!(of("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", "TC3C"), "CPU core");
        assert_eq!(of("Apple M4", "TC0P"), "CPU");
        assert_eq!(of("Apple M4", "B0AC"), "");
    }

    #[test]
    fn lines_that_are_added_come_first() {
        let lines = "# mine\n\nany none PSTR nothing\nm4  temp/soc  Te0?  my core\n";
        let table = Table::of("Apple M4").with(lines).unwrap();
        assert_eq!(table.row("PSTR").unwrap().class, Class::None);
        assert_eq!(name(&table, "Te05"), "my core");
        assert_eq!(name(&table, "Tp01"), "CPU performance core 1");
        let other = Table::of("Apple M3").with(lines).unwrap();
        assert_eq!(name(&other, "Te05"), "CPU efficiency core 1");
    }

    #[test]
    fn lines_that_are_none_are_told_with_what_is_wrong() {
        for (line, what) in [
            ("any", PARTS),
            ("any temp/cpu TC0P", PARTS),
            ("m temp/cpu TC0P x", "unknown generation"),
            ("m1x temp/cpu TC0P x", "unknown generation"),
            ("any temp TC0P x", "unknown class"),
            ("any temp/here TC0P x", "unknown class"),
            ("any fan/cpu F0Ac x", "unknown class"),
            ("any volts/ V??? x", "unknown class"),
            ("any temp/cpu TC0PP x", "a key has four characters of ASCII"),
            ("any temp/cpu TC0 x", "a key has four characters of ASCII"),
            ("any temp/cpu TC0P a\u{7}b", "a control character in the name"),
            ("any temp/cpu TC0P 1234567890123456789012345678901234567890123456789", NAME_SIZE),
        ] {
            let table = Table::of("").with(&format!("any none TTTT fine\n{line}"));
            assert_eq!(table, Err(BadLine { line: 2, what }), "{line}");
        }
    }
}
